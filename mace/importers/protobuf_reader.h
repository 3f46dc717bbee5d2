// Reading protobuf fields of files that anybody may have written: what the readers of ONNX and TensorFlow
// share.
#ifndef MACE_IMPORTERS_PROTOBUF_READER_H_
#define MACE_IMPORTERS_PROTOBUF_READER_H_

#include <exception>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mace/core/status.h"

namespace mace::importers {

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

// A few bytes of a hostile file may stand for a large struct: what the structs may take in all, about three
// times the file and some room for small files. All readers of one file share it.
struct ReadBudget {
  size_t bytes_left = 0;
};

// `Budget` is a ReadBudget, or what a format adds to it.
template <typename Budget>
class ProtobufReader : public pbf_reader {
 public:
  ProtobufReader(std::string_view bytes, Budget* budget)
      : pbf_reader(bytes.data(), bytes.size()), budget_(budget) {}
  Budget* budget() const { return budget_; }
  void Charge(size_t bytes) {
    if (bytes > budget_->bytes_left) {
      throw FormatError("the file's tables are out of proportion to its size");
    }
    budget_->bytes_left -= bytes;
  }

 private:
  Budget* budget_;
};

// protozero asserts on a wire type that does not fit the getter: these check first.
inline void Require(const pbf_reader& reader, pbf_wire_type type) {
  if (reader.wire_type() != type) throw FormatError("damaged: a field has the wrong wire type");
}
inline std::string_view ReadBytes(pbf_reader& reader) {
  Require(reader, pbf_wire_type::length_delimited);
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}
template <typename Budget>
ProtobufReader<Budget> ReadMessage(ProtobufReader<Budget>& reader) {
  return ProtobufReader<Budget>(ReadBytes(reader), reader.budget());
}
inline int64_t ReadInt(pbf_reader& reader) {
  Require(reader, pbf_wire_type::varint);
  return reader.get_int64();
}
inline int32_t ReadInt32(pbf_reader& reader) {
  Require(reader, pbf_wire_type::varint);
  return reader.get_int32();
}
inline float ReadFloat(pbf_reader& reader) {
  Require(reader, pbf_wire_type::fixed32);
  return reader.get_float();
}

// Checked to be clean UTF-8 of bounded length.
std::string_view ReadName(pbf_reader& reader);

// A repeated number: packed or one at a time.
template <typename T, typename Budget, typename Packed, typename Single>
void ReadRepeated(ProtobufReader<Budget>& reader, pbf_wire_type single_type, std::vector<T>* list,
                  Packed packed, Single single) {
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
    list->push_back(static_cast<T>(single(reader)));
  }
}
template <typename Budget>
void ReadInts(ProtobufReader<Budget>& reader, std::vector<int64_t>* list) {
  ReadRepeated(
      reader, pbf_wire_type::varint, list, [](pbf_reader& r) { return r.get_packed_int64(); },
      [](pbf_reader& r) { return r.get_int64(); });
}
template <typename Budget>
void ReadFloats(ProtobufReader<Budget>& reader, std::vector<float>* list) {
  ReadRepeated(
      reader, pbf_wire_type::fixed32, list, [](pbf_reader& r) { return r.get_packed_float(); },
      [](pbf_reader& r) { return r.get_float(); });
}

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_PROTOBUF_READER_H_
