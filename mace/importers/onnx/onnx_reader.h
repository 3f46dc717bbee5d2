// Reading protobuf fields of an ONNX file: shared by onnx_proto.cc and onnx_proto_tensor.cc, for nobody else.
#ifndef MACE_IMPORTERS_ONNX_ONNX_READER_H_
#define MACE_IMPORTERS_ONNX_ONNX_READER_H_

#include <exception>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mace/core/status.h"
#include "mace/importers/onnx/onnx_proto.h"

namespace mace::importers::onnx {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// What is wrong with a file whose fields can be read.
struct FormatError : std::exception {
  explicit FormatError(std::string text, StatusCode status_code = StatusCode::kDataLoss)
      : what_(std::move(text)), code(status_code) {}
  const char* what() const noexcept override { return what_.c_str(); }
  std::string what_;
  StatusCode code;
};

// What all readers of one file share.
struct Parsing {
  // A few bytes of a hostile file may stand for a large struct: what the structs may take in all, about three
  // times the file and some room for small files.
  size_t bytes_left;
  std::vector<ExternalRange> external = {};
  int graphs = 0;
};

class Reader : public pbf_reader {
 public:
  Reader(std::string_view bytes, Parsing* parsing)
      : pbf_reader(bytes.data(), bytes.size()), parsing_(parsing) {}
  Parsing* parsing() const { return parsing_; }
  void Charge(size_t bytes) {
    if (bytes > parsing_->bytes_left)
      throw FormatError("the file's tables are out of proportion to its size");
    parsing_->bytes_left -= bytes;
  }

 private:
  Parsing* parsing_;
};

// protozero asserts on a wire type that does not fit the getter: these check first.
inline void Require(const Reader& reader, pbf_wire_type type) {
  if (reader.wire_type() != type) throw FormatError("damaged: a field has the wrong wire type");
}
inline std::string_view ReadBytes(Reader& reader) {
  Require(reader, pbf_wire_type::length_delimited);
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}
inline Reader ReadMessage(Reader& reader) { return Reader(ReadBytes(reader), reader.parsing()); }
inline int64_t ReadInt(Reader& reader) {
  Require(reader, pbf_wire_type::varint);
  return reader.get_int64();
}
inline int32_t ReadInt32(Reader& reader) {
  Require(reader, pbf_wire_type::varint);
  return reader.get_int32();
}
inline float ReadFloat(Reader& reader) {
  Require(reader, pbf_wire_type::fixed32);
  return reader.get_float();
}

// Checked to be UTF-8 without NUL and of bounded length.
std::string_view ReadName(Reader& reader);

// A repeated number: packed or one at a time.
template <typename T, typename Packed, typename Single>
void ReadRepeated(Reader& reader, pbf_wire_type single_type, std::vector<T>* list, Packed packed,
                  Single single) {
  if (reader.wire_type() == pbf_wire_type::length_delimited) {
    // Vectors that grow hold up to three times their content for a moment; one known size does not.
    auto range = packed(reader);
    const auto count = static_cast<size_t>(range.size());
    reader.Charge(count * sizeof(T));
    if (list->empty()) list->reserve(count);
    for (auto value : range) list->push_back(static_cast<T>(value));
  } else {
    Require(reader, single_type);
    reader.Charge(2 * sizeof(T));
    list->push_back(single(reader));
  }
}
inline void ReadInts(Reader& reader, std::vector<int64_t>* list) {
  ReadRepeated(
      reader, pbf_wire_type::varint, list, [](Reader& r) { return r.get_packed_int64(); },
      [](Reader& r) { return r.get_int64(); });
}
inline void ReadFloats(Reader& reader, std::vector<float>* list) {
  ReadRepeated(
      reader, pbf_wire_type::fixed32, list, [](Reader& r) { return r.get_packed_float(); },
      [](Reader& r) { return r.get_float(); });
}

// onnx_proto_tensor.cc
Tensor ReadTensor(Reader reader);
SparseTensor ReadSparseTensor(Reader reader);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_READER_H_
