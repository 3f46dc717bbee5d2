// The parts of an ONNX file that the importer reads, as plain structs over the file's bytes. Field numbers
// are those of the ONNX format. Subgraphs (If, Loop) are noticed, not read, so nothing here recurses.
#ifndef MACE_IMPORTERS_ONNX_ONNX_PROTO_H_
#define MACE_IMPORTERS_ONNX_ONNX_PROTO_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mace/core/dtype.h"
#include "mace/core/status.h"

namespace mace::importers::onnx {

// Views (names, raw bytes) point into the file's bytes, which must outlive the structs.
struct Tensor {
  std::string_view name;
  int32_t data_type = 0;
  std::vector<int64_t> dims;
  std::optional<std::string_view> raw;
  std::vector<float> floats;
  std::vector<int32_t> int32s;
  std::vector<int64_t> int64s;
  std::vector<double> doubles;
  std::vector<uint64_t> uint64s;
  bool has_strings = false;
  bool external = false;
};

struct Attribute {
  std::string_view name;
  int32_t type = 0;  // 0: not written (old files); the filled field decides
  std::optional<float> f;
  std::optional<int64_t> i;
  std::optional<std::string_view> s;
  std::optional<Tensor> t;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  bool has_graph = false;     // a subgraph or a list of them
  bool is_reference = false;  // refers to an attribute of an enclosing function
  bool has_other = false;     // sparse tensor, type, lists of tensors
};

struct NodeProto {
  std::string_view name;
  std::string_view op_type;
  std::string_view domain;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<Attribute> attributes;
};

struct Dimension {
  std::optional<int64_t> value;
  std::string_view param;
};

struct ValueInfo {
  std::string_view name;
  bool is_tensor = false;
  bool has_shape = false;
  int32_t elem_type = 0;
  std::vector<Dimension> dims;
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<Tensor> initializers;
  bool has_sparse_initializers = false;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  std::vector<ValueInfo> declared;  // types of inner tensors, as far as the file has them
};

struct OpsetImport {
  std::string_view domain;
  int64_t version = 0;
};

struct MetadataProp {  // any bytes
  std::string_view key;
  std::string_view value;
};

struct ModelProto {
  int64_t ir_version = 0;
  std::vector<MetadataProp> metadata;
  std::vector<OpsetImport> opsets;
  std::optional<GraphProto> graph;
  int function_count = 0;
};

// kDataLoss where the bytes are no protobuf message of this form. Names are checked to be UTF-8 without NUL.
Status ParseModel(std::span<const uint8_t> bytes, ModelProto* model);

// The element type of ONNX number `data_type`; kInvalid for those MACE does not have (strings, complex, 8-bit
// floats, 4-bit types).
DType DTypeOfOnnx(int32_t data_type);
// What ONNX calls it; for a number that it does not know, the number.
std::string OnnxTypeName(int64_t data_type);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_PROTO_H_
