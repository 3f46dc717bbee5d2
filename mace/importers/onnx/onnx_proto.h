// The parts of an ONNX file that the importer reads, as plain structs over the file's bytes. Field numbers
// are those of the ONNX format. Subgraphs (If, Loop, Scan) nest at most kMaxGraphDepth deep.
#ifndef MACE_IMPORTERS_ONNX_ONNX_PROTO_H_
#define MACE_IMPORTERS_ONNX_ONNX_PROTO_H_

#include <cstdint>
#include <memory>
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
  bool external = false;  // the data lie in another file:
  std::string_view location;
  std::string_view offset;  // decimal numbers, or empty
  std::string_view length;
};

// What differs from zero of a tensor: `values` at `indices` (into the flattened tensor, or one row of indices
// for each value).
struct SparseTensor {
  Tensor values;  // its name is the tensor's
  Tensor indices;
  std::vector<int64_t> dims;
};

struct GraphProto;

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
  std::shared_ptr<const GraphProto> graph;
  std::shared_ptr<const SparseTensor> sparse;
  std::optional<std::string_view> reference;  // stands for this attribute of the enclosing function
  bool has_other = false;                     // type, lists of tensors or graphs
};

struct NodeProto {
  std::string_view name;
  std::string_view op_type;
  std::string_view domain;
  std::string_view overload;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<Attribute> attributes;
  // Names that the node's subgraphs read from the scopes around it: operands in all but form.
  std::vector<std::string_view> captures;
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
  std::vector<SparseTensor> sparse_initializers;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  std::vector<ValueInfo> declared;  // types of inner tensors, as far as the file has them
};

struct OpsetImport {
  std::string_view domain;
  int64_t version = 0;
};

// A function of the model's own, called by nodes of its domain, name and overload.
struct FunctionProto {
  std::string_view name;
  std::string_view domain;
  std::string_view overload;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<std::string_view> attributes;  // those without a default
  std::vector<Attribute> defaults;
  std::vector<OpsetImport> opsets;
  GraphProto body;  // its nodes and declared types
};

// Bytes that a tensor wants of another file.
struct ExternalRange {
  std::string_view location;
  int64_t bytes = 0;
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
  std::vector<FunctionProto> functions;
  std::vector<ExternalRange> external;  // of all tensors, wherever they are
};

// kDataLoss where the bytes are no protobuf message of this form. Names are checked to be UTF-8 without NUL.
Status ParseModel(std::span<const uint8_t> bytes, ModelProto* model);

// The element type of ONNX number `data_type`; kInvalid for those MACE does not have (strings, complex,
// floats of 8 bits and less).
DType DTypeOfOnnx(int32_t data_type);
// What ONNX calls it; for a number that it does not know, the number.
std::string OnnxTypeName(int64_t data_type);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_PROTO_H_
