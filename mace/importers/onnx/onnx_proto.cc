#include "mace/importers/onnx/onnx_proto.h"

#include <exception>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <utility>

#include "mace/graph/graph.h"

namespace mace::importers::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// Field numbers of the messages.
namespace model_field {
enum : uint32_t { kIrVersion = 1, kGraph = 7, kOpsetImport = 8, kMetadataProps = 14, kFunctions = 25 };
}
namespace metadata_field {
enum : uint32_t { kKey = 1, kValue = 2 };
}
namespace opset_field {
enum : uint32_t { kDomain = 1, kVersion = 2 };
}
namespace graph_field {
enum : uint32_t {
  kNode = 1,
  kName = 2,
  kInitializer = 5,
  kInput = 11,
  kOutput = 12,
  kValueInfo = 13,
  kSparseInitializer = 15
};
}
namespace node_field {
enum : uint32_t { kInput = 1, kOutput = 2, kName = 3, kOpType = 4, kAttribute = 5, kDomain = 7 };
}
namespace attribute_field {
enum : uint32_t {
  kName = 1,
  kF = 2,
  kI = 3,
  kS = 4,
  kT = 5,
  kG = 6,
  kFloats = 7,
  kInts = 8,
  kStrings = 9,
  kTensors = 10,
  kGraphs = 11,
  kTp = 14,
  kTypeProtos = 15,
  kType = 20,
  kReference = 21,
  kSparseTensor = 22,
  kSparseTensors = 23,
};
}
namespace tensor_field {
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};
}
namespace value_info_field {
enum : uint32_t { kName = 1, kType = 2 };
}
namespace type_field {
enum : uint32_t { kTensorType = 1 };
}
namespace tensor_type_field {
enum : uint32_t { kElemType = 1, kShape = 2 };
}
namespace shape_field {
enum : uint32_t { kDim = 1 };
}
namespace dim_field {
enum : uint32_t { kValue = 1, kParam = 2 };
}

// What is wrong with a file whose fields can be read.
struct FormatError : std::exception {
  explicit FormatError(std::string text, StatusCode status_code = StatusCode::kDataLoss)
      : what_(std::move(text)), code(status_code) {}
  const char* what() const noexcept override { return what_.c_str(); }
  std::string what_;
  StatusCode code;
};

// A few bytes of a hostile file may stand for a large struct: what the structs may take in all, about three
// times the file and some room for small files.
struct Budget {
  size_t bytes_left;
};

class Reader : public pbf_reader {
 public:
  Reader(std::string_view bytes, Budget* budget) : pbf_reader(bytes.data(), bytes.size()), budget_(budget) {}
  Budget* budget() const { return budget_; }
  void Charge(size_t bytes) {
    if (bytes > budget_->bytes_left) throw FormatError("the file's tables are out of proportion to its size");
    budget_->bytes_left -= bytes;
  }

 private:
  Budget* budget_;
};

// protozero asserts on a wire type that does not fit the getter: these check first.
void Require(const Reader& reader, pbf_wire_type type) {
  if (reader.wire_type() != type) throw FormatError("damaged: a field has the wrong wire type");
}
std::string_view ReadBytes(Reader& reader) {
  Require(reader, pbf_wire_type::length_delimited);
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}
Reader ReadMessage(Reader& reader) { return Reader(ReadBytes(reader), reader.budget()); }
int64_t ReadInt(Reader& reader) {
  Require(reader, pbf_wire_type::varint);
  return reader.get_int64();
}
int32_t ReadInt32(Reader& reader) {
  Require(reader, pbf_wire_type::varint);
  return reader.get_int32();
}
float ReadFloat(Reader& reader) {
  Require(reader, pbf_wire_type::fixed32);
  return reader.get_float();
}

bool IsCleanUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    if (lead == 0) return false;
    const int length = lead < 0x80         ? 1
                       : (lead >> 5) == 6  ? 2
                       : (lead >> 4) == 14 ? 3
                       : (lead >> 3) == 30 ? 4
                                           : 0;
    if (length == 0 || text.size() - i < static_cast<size_t>(length)) return false;
    for (int k = 1; k < length; ++k) {
      if ((static_cast<uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}
std::string_view ReadName(Reader& reader) {
  const std::string_view name = ReadBytes(reader);
  constexpr size_t kMaxName = 65535;
  if (name.size() > kMaxName) {
    throw FormatError("a name in the file has " + std::to_string(name.size()) + " bytes, the limit is " +
                      std::to_string(kMaxName));
  }
  if (!IsCleanUtf8(name)) throw FormatError("a name in the file is not UTF-8 text");
  return name;
}

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
void ReadInts(Reader& reader, std::vector<int64_t>* list) {
  ReadRepeated(
      reader, pbf_wire_type::varint, list, [](Reader& r) { return r.get_packed_int64(); },
      [](Reader& r) { return r.get_int64(); });
}
void ReadFloats(Reader& reader, std::vector<float>* list) {
  ReadRepeated(
      reader, pbf_wire_type::fixed32, list, [](Reader& r) { return r.get_packed_float(); },
      [](Reader& r) { return r.get_float(); });
}

Tensor ReadTensor(Reader reader) {
  Tensor tensor;
  while (reader.next()) {
    switch (reader.tag()) {
      case tensor_field::kDims:
        ReadInts(reader, &tensor.dims);
        break;
      case tensor_field::kDataType:
        tensor.data_type = ReadInt32(reader);
        break;
      case tensor_field::kSegment:
        throw FormatError("a tensor is stored in segments, which nobody writes");
      case tensor_field::kFloatData:
        ReadFloats(reader, &tensor.floats);
        break;
      case tensor_field::kInt32Data:
        ReadRepeated(
            reader, pbf_wire_type::varint, &tensor.int32s, [](Reader& r) { return r.get_packed_int32(); },
            [](Reader& r) { return r.get_int32(); });
        break;
      case tensor_field::kStringData:
        tensor.has_strings = true;
        reader.skip();
        break;
      case tensor_field::kInt64Data:
        ReadInts(reader, &tensor.int64s);
        break;
      case tensor_field::kName:
        tensor.name = ReadName(reader);
        break;
      case tensor_field::kRawData:
        tensor.raw = ReadBytes(reader);
        break;
      case tensor_field::kDoubleData:
        ReadRepeated(
            reader, pbf_wire_type::fixed64, &tensor.doubles, [](Reader& r) { return r.get_packed_double(); },
            [](Reader& r) { return r.get_double(); });
        break;
      case tensor_field::kUint64Data:
        ReadRepeated(
            reader, pbf_wire_type::varint, &tensor.uint64s, [](Reader& r) { return r.get_packed_uint64(); },
            [](Reader& r) { return r.get_uint64(); });
        break;
      case tensor_field::kExternalData:
        tensor.external = true;
        reader.skip();
        break;
      case tensor_field::kDataLocation:
        if (ReadInt32(reader) != 0) tensor.external = true;
        break;
      default:
        reader.skip();
    }
  }
  return tensor;
}

Attribute ReadAttribute(Reader reader) {
  Attribute attribute;
  while (reader.next()) {
    switch (reader.tag()) {
      case attribute_field::kName:
        attribute.name = ReadName(reader);
        break;
      case attribute_field::kF:
        attribute.f = ReadFloat(reader);
        break;
      case attribute_field::kI:
        attribute.i = ReadInt(reader);
        break;
      case attribute_field::kS:
        attribute.s = ReadBytes(reader);
        break;
      case attribute_field::kT:
        attribute.t = ReadTensor(ReadMessage(reader));
        break;
      case attribute_field::kFloats:
        ReadFloats(reader, &attribute.floats);
        break;
      case attribute_field::kInts:
        ReadInts(reader, &attribute.ints);
        break;
      case attribute_field::kStrings:
        reader.Charge(2 * sizeof(std::string_view));
        attribute.strings.push_back(ReadBytes(reader));
        break;
      case attribute_field::kType:
        attribute.type = ReadInt32(reader);
        break;
      case attribute_field::kG:
      case attribute_field::kGraphs:
        attribute.has_graph = true;
        reader.skip();
        break;
      case attribute_field::kReference:
        attribute.is_reference = true;
        reader.skip();
        break;
      case attribute_field::kTensors:
      case attribute_field::kTp:
      case attribute_field::kTypeProtos:
      case attribute_field::kSparseTensor:
      case attribute_field::kSparseTensors:
        attribute.has_other = true;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return attribute;
}

// Nobody writes more, and a few bytes an operand would become a node each.
void CheckOperands(const NodeProto& node, size_t count, const char* kind) {
  if (static_cast<int64_t>(count) <= kMaxNodeInputs) return;
  const std::string_view label = node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name;
  throw FormatError("node '" + std::string(label.substr(0, 200)) + "' (" +
                        std::string(node.op_type.substr(0, 200)) + ") has " + std::to_string(count) + " " +
                        kind + ", the limit is " + std::to_string(kMaxNodeInputs),
                    StatusCode::kResourceExhausted);
}

NodeProto ReadNode(Reader reader) {
  NodeProto node;
  while (reader.next()) {
    switch (reader.tag()) {
      case node_field::kInput:
        reader.Charge(2 * sizeof(std::string_view));
        node.inputs.push_back(ReadName(reader));
        break;
      case node_field::kOutput:
        reader.Charge(2 * sizeof(std::string_view));
        node.outputs.push_back(ReadName(reader));
        break;
      case node_field::kName:
        node.name = ReadName(reader);
        break;
      case node_field::kOpType:
        node.op_type = ReadName(reader);
        break;
      case node_field::kAttribute:
        reader.Charge(2 * sizeof(Attribute));
        node.attributes.push_back(ReadAttribute(ReadMessage(reader)));
        break;
      case node_field::kDomain:
        node.domain = ReadName(reader);
        break;
      default:
        reader.skip();
    }
  }
  CheckOperands(node, node.inputs.size(), "inputs");
  CheckOperands(node, node.outputs.size(), "outputs");
  return node;
}

Dimension ReadDimension(Reader reader) {
  Dimension dimension;
  while (reader.next()) {
    switch (reader.tag()) {
      case dim_field::kValue:
        dimension.value = ReadInt(reader);
        break;
      case dim_field::kParam:
        dimension.param = ReadName(reader);
        break;
      default:
        reader.skip();
    }
  }
  return dimension;
}

void ReadTensorType(Reader reader, ValueInfo* info) {
  info->is_tensor = true;
  while (reader.next()) {
    switch (reader.tag()) {
      case tensor_type_field::kElemType:
        info->elem_type = ReadInt32(reader);
        break;
      case tensor_type_field::kShape: {
        info->has_shape = true;
        Reader shape = ReadMessage(reader);
        while (shape.next()) {
          if (shape.tag() == shape_field::kDim) {
            reader.Charge(2 * sizeof(Dimension));
            info->dims.push_back(ReadDimension(ReadMessage(shape)));
          } else {
            shape.skip();
          }
        }
        break;
      }
      default:
        reader.skip();
    }
  }
}

ValueInfo ReadValueInfo(Reader reader) {
  ValueInfo info;
  while (reader.next()) {
    switch (reader.tag()) {
      case value_info_field::kName:
        info.name = ReadName(reader);
        break;
      case value_info_field::kType: {
        Reader type = ReadMessage(reader);
        while (type.next()) {
          if (type.tag() == type_field::kTensorType) {
            ReadTensorType(ReadMessage(type), &info);
          } else {
            type.skip();
          }
        }
        break;
      }
      default:
        reader.skip();
    }
  }
  return info;
}

GraphProto ReadGraph(Reader reader) {
  GraphProto graph;
  while (reader.next()) {
    switch (reader.tag()) {
      case graph_field::kNode:
        reader.Charge(2 * sizeof(NodeProto));
        graph.nodes.push_back(ReadNode(ReadMessage(reader)));
        break;
      case graph_field::kName:
        graph.name = ReadName(reader);
        break;
      case graph_field::kInitializer:
        reader.Charge(2 * sizeof(Tensor));
        graph.initializers.push_back(ReadTensor(ReadMessage(reader)));
        break;
      case graph_field::kInput:
        reader.Charge(2 * sizeof(ValueInfo));
        graph.inputs.push_back(ReadValueInfo(ReadMessage(reader)));
        break;
      case graph_field::kOutput:
        reader.Charge(2 * sizeof(ValueInfo));
        graph.outputs.push_back(ReadValueInfo(ReadMessage(reader)));
        break;
      case graph_field::kValueInfo:
        reader.Charge(2 * sizeof(ValueInfo));
        graph.declared.push_back(ReadValueInfo(ReadMessage(reader)));
        break;
      case graph_field::kSparseInitializer:
        graph.has_sparse_initializers = true;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return graph;
}

OpsetImport ReadOpset(Reader reader) {
  OpsetImport opset;
  while (reader.next()) {
    switch (reader.tag()) {
      case opset_field::kDomain:
        opset.domain = ReadName(reader);
        break;
      case opset_field::kVersion:
        opset.version = ReadInt(reader);
        break;
      default:
        reader.skip();
    }
  }
  return opset;
}

MetadataProp ReadMetadataProp(Reader reader) {
  MetadataProp prop;
  while (reader.next()) {
    switch (reader.tag()) {
      case metadata_field::kKey:
        prop.key = ReadBytes(reader);
        break;
      case metadata_field::kValue:
        prop.value = ReadBytes(reader);
        break;
      default:
        reader.skip();
    }
  }
  return prop;
}

ModelProto ReadModel(Reader reader) {
  ModelProto model;
  while (reader.next()) {
    switch (reader.tag()) {
      case model_field::kIrVersion:
        model.ir_version = ReadInt(reader);
        break;
      case model_field::kGraph:
        if (model.graph.has_value()) throw FormatError("the file holds two graphs");
        model.graph = ReadGraph(ReadMessage(reader));
        break;
      case model_field::kOpsetImport:
        reader.Charge(2 * sizeof(OpsetImport));
        model.opsets.push_back(ReadOpset(ReadMessage(reader)));
        break;
      case model_field::kMetadataProps:
        reader.Charge(2 * sizeof(MetadataProp));
        model.metadata.push_back(ReadMetadataProp(ReadMessage(reader)));
        break;
      case model_field::kFunctions:
        ++model.function_count;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return model;
}

}  // namespace

Status ParseModel(std::span<const uint8_t> bytes, ModelProto* model) {
  try {
    Budget budget{(size_t{256} << 20) + 3 * bytes.size()};
    *model = ReadModel(Reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, &budget));
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const FormatError& error) {
    return Status::Format(error.code, "%s", error.what());
  } catch (const protozero::end_of_buffer_exception&) {
    return DataLoss("not a complete ONNX file: it ends within a field");
  } catch (const std::exception& error) {  // protozero's others
    return DataLoss("not an ONNX file, or a damaged one: %s", error.what());
  }
  return Status::Ok();
}

DType DTypeOfOnnx(int32_t data_type) {
  constexpr DType kTypes[] = {
      DType::kInvalid,
      DType::kF32,
      DType::kU8,
      DType::kI8,
      DType::kU16,
      DType::kI16,
      DType::kI32,
      DType::kI64,
      DType::kInvalid /* string */,
      DType::kBool,
      DType::kF16,
      DType::kF64,
      DType::kU32,
      DType::kU64,
      DType::kInvalid /* complex64 */,
      DType::kInvalid /* complex128 */,
      DType::kBF16,
      DType::kInvalid /* float8e4m3fn */,
      DType::kInvalid /* float8e4m3fnuz */,
      DType::kInvalid /* float8e5m2 */,
      DType::kInvalid /* float8e5m2fnuz */,
      DType::kU4,
      DType::kI4,
      DType::kInvalid /* float4e2m1 */,
      DType::kInvalid /* float8e8m0 */,
      DType::kU2,
      DType::kI2,
  };
  return data_type >= 0 && data_type < static_cast<int32_t>(std::size(kTypes)) ? kTypes[data_type]
                                                                               : DType::kInvalid;
}

std::string OnnxTypeName(int64_t data_type) {
  constexpr const char* kNames[] = {
      "undefined",      "float",      "uint8",          "int8",       "uint16",   "int16",
      "int32",          "int64",      "string",         "bool",       "float16",  "double",
      "uint32",         "uint64",     "complex64",      "complex128", "bfloat16", "float8e4m3fn",
      "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",      "int4",     "float4e2m1",
      "float8e8m0",     "uint2",      "int2",
  };
  if (data_type >= 0 && data_type < static_cast<int64_t>(std::size(kNames))) return kNames[data_type];
  return "number " + std::to_string(data_type);
}

}  // namespace mace::importers::onnx
