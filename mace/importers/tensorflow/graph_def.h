// The parts of a TensorFlow GraphDef that the importer reads, as plain structs over the file's bytes. Field
// numbers are those of tensorflow/core/framework/*.proto.
#ifndef MACE_IMPORTERS_TENSORFLOW_GRAPH_DEF_H_
#define MACE_IMPORTERS_TENSORFLOW_GRAPH_DEF_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mace/core/dtype.h"
#include "mace/core/status.h"

namespace mace::importers::tensorflow {

// Views (names, contents) point into the file's bytes, which must outlive the structs.
struct ShapeProto {
  bool unknown_rank = false;
  std::vector<int64_t> dims;  // -1: unknown
};

struct TensorProto {
  int32_t dtype = 0;
  ShapeProto shape;
  std::string_view content;
  // One of them is filled where `content` is empty; the last element stands for all that follow.
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> ints;      // int, int64, bool, and the bits of half
  std::vector<uint64_t> uint64s;  // uint32, uint64
  bool has_strings = false;
};

struct AttributeValue {
  std::string_view name;
  std::optional<std::string_view> s;
  std::optional<int64_t> i;
  std::optional<float> f;
  std::optional<bool> b;
  std::optional<int32_t> type;
  std::optional<ShapeProto> shape;
  std::shared_ptr<const TensorProto> tensor;
  std::optional<std::string_view> function;
  // Of a list.
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<int64_t> types;
  std::vector<ShapeProto> shapes;
  std::vector<std::string_view> strings;
  std::vector<std::string_view> functions;
};

struct NodeProto {
  std::string_view name;
  std::string_view op;
  std::vector<std::string_view> inputs;  // "node", "node:1", "^node"; in functions also "node:output:1"
  std::vector<AttributeValue> attributes;

  const AttributeValue* Find(std::string_view attribute) const;
};

struct FunctionProto {
  std::string_view name;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<NodeProto> nodes;
  std::vector<std::pair<std::string_view, std::string_view>> results;  // output, tensor
};

struct GraphProto {
  std::vector<NodeProto> nodes;
  std::vector<FunctionProto> functions;
};

// kDataLoss where the bytes are no protobuf message of this form. Names are checked to be UTF-8 without NUL.
Status ParseGraph(std::span<const uint8_t> bytes, GraphProto* graph);

// The element type of TensorFlow's number; kInvalid for those MACE does not have.
DType DTypeOfTensorflow(int64_t number);
inline constexpr int64_t kTensorflowString = 7, kTensorflowComplex64 = 8, kTensorflowComplex128 = 18;
// Of complex numbers: what their parts are. kInvalid of all others.
DType PartTypeOfTensorflow(int64_t number);
std::string TensorflowTypeName(int64_t number);

}  // namespace mace::importers::tensorflow

#endif  // MACE_IMPORTERS_TENSORFLOW_GRAPH_DEF_H_
