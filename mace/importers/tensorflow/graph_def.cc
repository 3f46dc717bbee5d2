#include "mace/importers/tensorflow/graph_def.h"

#include <utility>

#include "mace/graph/graph.h"
#include "mace/importers/protobuf_reader.h"

namespace mace::importers::tensorflow {
namespace {

using Reader = ProtobufReader<ReadBudget>;

namespace graph_field {
enum : uint32_t { kNode = 1, kLibrary = 2 };
}
namespace library_field {
enum : uint32_t { kFunction = 1 };
}
namespace function_field {
enum : uint32_t { kSignature = 1, kNode = 3, kResult = 4 };
}
namespace signature_field {
enum : uint32_t { kName = 1, kInput = 2, kOutput = 3 };
}
namespace node_field {
enum : uint32_t { kName = 1, kOp = 2, kInput = 3, kAttribute = 5 };
}
namespace entry_field {
enum : uint32_t { kKey = 1, kValue = 2 };
}
namespace attribute_field {
enum : uint32_t {
  kList = 1,
  kS = 2,
  kI = 3,
  kF = 4,
  kB = 5,
  kType = 6,
  kShape = 7,
  kTensor = 8,
  kFunction = 10
};
}
namespace tensor_field {
enum : uint32_t {
  kDType = 1,
  kShape = 2,
  kContent = 4,
  kFloat = 5,
  kDouble = 6,
  kInt = 7,
  kString = 8,
  kComplex64 = 9,
  kInt64 = 10,
  kBool = 11,
  kComplex128 = 12,
  kHalf = 13,
  kUint32 = 16,
  kUint64 = 17
};
}
namespace shape_field {
enum : uint32_t { kDim = 2, kUnknownRank = 3 };
}

ShapeProto ReadShape(Reader reader) {
  ShapeProto shape;
  while (reader.next()) {
    if (reader.tag() == shape_field::kDim) {
      Reader dim = ReadMessage(reader);
      int64_t size = 0;
      while (dim.next()) {
        if (dim.tag() == 1) {
          size = ReadInt(dim);
        } else {
          dim.skip();
        }
      }
      reader.Charge(2 * sizeof(int64_t));
      shape.dims.push_back(size);
    } else if (reader.tag() == shape_field::kUnknownRank) {
      shape.unknown_rank = ReadInt(reader) != 0;
    } else {
      reader.skip();
    }
  }
  return shape;
}

TensorProto ReadTensor(Reader reader) {
  TensorProto tensor;
  const auto varints = [&](auto* list) {
    ReadRepeated(
        reader, pbf_wire_type::varint, list, [](pbf_reader& r) { return r.get_packed_uint64(); },
        [](pbf_reader& r) { return r.get_uint64(); });
  };
  while (reader.next()) {
    switch (reader.tag()) {
      case tensor_field::kDType:
        tensor.dtype = ReadInt32(reader);
        break;
      case tensor_field::kShape:
        tensor.shape = ReadShape(ReadMessage(reader));
        break;
      case tensor_field::kContent:
        tensor.content = ReadBytes(reader);
        break;
      case tensor_field::kFloat:
      case tensor_field::kComplex64:
        ReadFloats(reader, &tensor.floats);
        break;
      case tensor_field::kDouble:
      case tensor_field::kComplex128:
        ReadRepeated(
            reader, pbf_wire_type::fixed64, &tensor.doubles,
            [](pbf_reader& r) { return r.get_packed_double(); },
            [](pbf_reader& r) { return r.get_double(); });
        break;
      case tensor_field::kInt:
      case tensor_field::kInt64:
      case tensor_field::kBool:
      case tensor_field::kHalf:
        varints(&tensor.ints);
        break;
      case tensor_field::kUint32:
      case tensor_field::kUint64:
        varints(&tensor.uint64s);
        break;
      case tensor_field::kString:
        tensor.has_strings = true;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return tensor;
}

std::string_view ReadFunctionName(Reader reader) {
  std::string_view name;
  while (reader.next()) {
    if (reader.tag() == 1) {
      name = ReadName(reader);
    } else {
      reader.skip();
    }
  }
  return name;
}

void ReadList(Reader reader, AttributeValue* value) {
  while (reader.next()) {
    switch (reader.tag()) {
      case attribute_field::kS:
        reader.Charge(2 * sizeof(std::string_view));
        value->strings.push_back(ReadBytes(reader));
        break;
      case attribute_field::kI:
        ReadInts(reader, &value->ints);
        break;
      case attribute_field::kF:
        ReadFloats(reader, &value->floats);
        break;
      case attribute_field::kType:
        ReadInts(reader, &value->types);
        break;
      case attribute_field::kShape:
        reader.Charge(2 * sizeof(ShapeProto));
        value->shapes.push_back(ReadShape(ReadMessage(reader)));
        break;
      case 9:
        reader.Charge(2 * sizeof(std::string_view));
        value->functions.push_back(ReadFunctionName(ReadMessage(reader)));
        break;
      default:
        reader.skip();
    }
  }
}

void ReadValue(Reader reader, AttributeValue* value) {
  while (reader.next()) {
    switch (reader.tag()) {
      case attribute_field::kList:
        ReadList(ReadMessage(reader), value);
        break;
      case attribute_field::kS:
        value->s = ReadBytes(reader);
        break;
      case attribute_field::kI:
        value->i = ReadInt(reader);
        break;
      case attribute_field::kF:
        value->f = ReadFloat(reader);
        break;
      case attribute_field::kB:
        value->b = ReadInt(reader) != 0;
        break;
      case attribute_field::kType:
        value->type = ReadInt32(reader);
        break;
      case attribute_field::kShape:
        value->shape = ReadShape(ReadMessage(reader));
        break;
      case attribute_field::kTensor:
        reader.Charge(sizeof(TensorProto));
        value->tensor = std::make_shared<const TensorProto>(ReadTensor(ReadMessage(reader)));
        break;
      case attribute_field::kFunction:
        value->function = ReadFunctionName(ReadMessage(reader));
        break;
      default:
        reader.skip();
    }
  }
}

AttributeValue ReadAttribute(Reader reader) {
  AttributeValue value;
  while (reader.next()) {
    switch (reader.tag()) {
      case entry_field::kKey:
        value.name = ReadName(reader);
        break;
      case entry_field::kValue:
        ReadValue(ReadMessage(reader), &value);
        break;
      default:
        reader.skip();
    }
  }
  return value;
}

NodeProto ReadNode(Reader reader) {
  NodeProto node;
  while (reader.next()) {
    switch (reader.tag()) {
      case node_field::kName:
        node.name = ReadName(reader);
        break;
      case node_field::kOp:
        node.op = ReadName(reader);
        break;
      case node_field::kInput:
        reader.Charge(2 * sizeof(std::string_view));
        node.inputs.push_back(ReadName(reader));
        break;
      case node_field::kAttribute:
        // TensorFlow's own notes (_output_shapes) are many and say nothing that is not computed.
        reader.Charge(2 * sizeof(AttributeValue));
        node.attributes.push_back(ReadAttribute(ReadMessage(reader)));
        break;
      default:
        reader.skip();
    }
  }
  if (static_cast<int64_t>(node.inputs.size()) > kMaxNodeInputs) {
    throw FormatError("node '" + std::string(node.name.substr(0, 200)) + "' has " +
                          std::to_string(node.inputs.size()) + " inputs, the limit is " +
                          std::to_string(kMaxNodeInputs),
                      StatusCode::kResourceExhausted);
  }
  return node;
}

void ReadSignature(Reader reader, FunctionProto* function) {
  while (reader.next()) {
    switch (reader.tag()) {
      case signature_field::kName:
        function->name = ReadName(reader);
        break;
      case signature_field::kInput:
        reader.Charge(2 * sizeof(std::string_view));
        function->inputs.push_back(ReadFunctionName(ReadMessage(reader)));
        break;
      case signature_field::kOutput:
        reader.Charge(2 * sizeof(std::string_view));
        function->outputs.push_back(ReadFunctionName(ReadMessage(reader)));
        break;
      default:
        reader.skip();
    }
  }
}

FunctionProto ReadFunction(Reader reader) {
  FunctionProto function;
  while (reader.next()) {
    switch (reader.tag()) {
      case function_field::kSignature:
        ReadSignature(ReadMessage(reader), &function);
        break;
      case function_field::kNode:
        reader.Charge(2 * sizeof(NodeProto));
        function.nodes.push_back(ReadNode(ReadMessage(reader)));
        break;
      case function_field::kResult: {
        Reader entry = ReadMessage(reader);
        std::pair<std::string_view, std::string_view> result;
        while (entry.next()) {
          if (entry.tag() == entry_field::kKey) {
            result.first = ReadName(entry);
          } else if (entry.tag() == entry_field::kValue) {
            result.second = ReadName(entry);
          } else {
            entry.skip();
          }
        }
        reader.Charge(2 * sizeof(result));
        function.results.push_back(result);
        break;
      }
      default:
        reader.skip();
    }
  }
  return function;
}

GraphProto ReadGraph(Reader reader) {
  GraphProto graph;
  while (reader.next()) {
    if (reader.tag() == graph_field::kNode) {
      reader.Charge(2 * sizeof(NodeProto));
      graph.nodes.push_back(ReadNode(ReadMessage(reader)));
    } else if (reader.tag() == graph_field::kLibrary) {
      Reader library = ReadMessage(reader);
      while (library.next()) {
        if (library.tag() == library_field::kFunction) {
          reader.Charge(2 * sizeof(FunctionProto));
          graph.functions.push_back(ReadFunction(ReadMessage(library)));
        } else {
          library.skip();
        }
      }
    } else {
      reader.skip();
    }
  }
  return graph;
}

}  // namespace

const AttributeValue* NodeProto::Find(std::string_view attribute) const {
  for (const AttributeValue& value : attributes) {
    if (value.name == attribute) return &value;
  }
  return nullptr;
}

Status ParseGraph(std::span<const uint8_t> bytes, GraphProto* graph) {
  try {
    ReadBudget budget{(size_t{256} << 20) + 3 * bytes.size()};
    *graph = ReadGraph(Reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, &budget));
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const FormatError& error) {
    return Status::Format(error.code, "%s", error.what());
  } catch (const protozero::end_of_buffer_exception&) {
    return DataLoss("not a complete TensorFlow graph: it ends within a field");
  } catch (const std::exception& error) {  // protozero's others
    return DataLoss("not a TensorFlow graph, or a damaged one: %s", error.what());
  }
  return Status::Ok();
}

DType DTypeOfTensorflow(int64_t number) {
  switch (number) {
    case 1:
      return DType::kF32;
    case 2:
      return DType::kF64;
    case 3:
      return DType::kI32;
    case 4:
      return DType::kU8;
    case 5:
      return DType::kI16;
    case 6:
      return DType::kI8;
    case 9:
      return DType::kI64;
    case 10:
      return DType::kBool;
    case 14:
      return DType::kBF16;
    case 17:
      return DType::kU16;
    case 19:
      return DType::kF16;
    case 22:
      return DType::kU32;
    case 23:
      return DType::kU64;
    default:
      return DType::kInvalid;
  }
}

DType PartTypeOfTensorflow(int64_t number) {
  if (number == kTensorflowComplex64) return DType::kF32;
  return number == kTensorflowComplex128 ? DType::kF64 : DType::kInvalid;
}

std::string TensorflowTypeName(int64_t number) {
  constexpr const char* kNames[] = {"undefined",  "float32", "float64",   "int32",   "uint8",   "int16",
                                    "int8",       "string",  "complex64", "int64",   "bool",    "qint8",
                                    "quint8",     "qint32",  "bfloat16",  "qint16",  "quint16", "uint16",
                                    "complex128", "float16", "resource",  "variant", "uint32",  "uint64"};
  if (number >= 0 && number < static_cast<int64_t>(std::size(kNames))) return kNames[number];
  return "number " + std::to_string(number);
}

}  // namespace mace::importers::tensorflow
