// A .caffemodel: a binary NetParameter, of which only the layers' names and blobs are read.
#ifndef MACE_IMPORTERS_CAFFE_CAFFE_WEIGHTS_H_
#define MACE_IMPORTERS_CAFFE_CAFFE_WEIGHTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mace::importers::caffe {

// The shape is what the file says; who uses a blob checks that it has as many elements as it needs. The
// elements are read when they are asked for: packed floats or doubles, or one field each.
class Blob {
 public:
  std::vector<int64_t> shape;
  int64_t count() const { return count_; }
  std::vector<float> Elements() const;

 private:
  friend Blob ReadBlob(std::string_view bytes);
  int64_t count_ = 0;
  bool is_double_ = false;
  std::string_view bytes_;  // of the whole message
};
Blob ReadBlob(std::string_view bytes);

class CaffeWeights {
 public:
  CaffeWeights() = default;  // no file
  // Refers to `bytes`. Throws ImportError.
  explicit CaffeWeights(std::span<const uint8_t> bytes);
  bool is_present() const { return is_present_; }
  // The blobs of the layer of this name; null where the file has no such layer.
  const std::vector<Blob>* Find(const std::string& layer) const;

 private:
  void ReadLayer(std::string_view bytes, uint32_t name_field, uint32_t blob_field);

  bool is_present_ = false;
  std::unordered_map<std::string, std::vector<Blob>> layers_;
};

}  // namespace mace::importers::caffe

#endif  // MACE_IMPORTERS_CAFFE_CAFFE_WEIGHTS_H_
