// Tensors whose data lie in other files (ONNX's external data). These are looked for inside the model's
// folder only, and no link is followed: a model must not read what its user did not mean to give to it.
#ifndef MACE_IMPORTERS_ONNX_ONNX_EXTERNAL_H_
#define MACE_IMPORTERS_ONNX_ONNX_EXTERNAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mace/importers/onnx/onnx_proto.h"

namespace mace::importers::onnx {

// Throws ImportError. Files are read, not mapped: one that shrinks meanwhile is an error, no signal.
class ExternalData {
 public:
  // `folder`: nullopt where the model came without one. `ranges`: what all tensors of the model ask for; more
  // than twice what a file has is refused at once (tensors may share bytes, but a small file must not ask for
  // much).
  ExternalData(std::optional<std::string> folder, const std::vector<ExternalRange>& ranges);
  ~ExternalData() { Close(); }
  ExternalData(const ExternalData&) = delete;
  ExternalData& operator=(const ExternalData&) = delete;

  // Bytes that the tensors ask for, of files that are there.
  int64_t total_bytes() const { return total_bytes_; }
  // Where the `bytes` of the tensor begin in its file, which has that many. `name` is for messages.
  int64_t Locate(const Tensor& tensor, const std::string& name, int64_t bytes);
  // Reads them, from where Locate said for the same tensor just before.
  void Read(const std::string& name, int64_t offset, int64_t bytes, void* target);

 private:
  // Opens the file, or says why it cannot be read.
  std::string Open(std::string_view location);
  void Close();

  std::optional<std::string> folder_;
  int64_t total_bytes_ = 0;
  // The file that was asked for last: files of weights are few, or have a tensor each.
  std::string location_;
  int file_ = -1;
  int64_t file_bytes_ = 0;
};

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_EXTERNAL_H_
