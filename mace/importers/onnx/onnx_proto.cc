#include "mace/importers/onnx/onnx_proto.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "mace/graph/graph.h"
#include "mace/importers/onnx/onnx_reader.h"

namespace mace::importers::onnx {
namespace {

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
enum : uint32_t {
  kInput = 1,
  kOutput = 2,
  kName = 3,
  kOpType = 4,
  kAttribute = 5,
  kDomain = 7,
  kOverload = 8
};
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
namespace function_field {
enum : uint32_t {
  kName = 1,
  kInput = 4,
  kOutput = 5,
  kAttribute = 6,
  kNode = 7,
  kOpsetImport = 9,
  kDomain = 10,
  kAttributeProto = 11,
  kValueInfo = 12,
  kOverload = 13,
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

GraphProto ReadGraph(Reader reader, int depth);

// The subgraph of an attribute inside a graph at `depth`.
std::shared_ptr<const GraphProto> ReadSubgraph(Reader reader, int depth) {
  if (depth >= kMaxGraphDepth) {
    throw FormatError("subgraphs are nested more than " + std::to_string(kMaxGraphDepth - 1) + " deep",
                      StatusCode::kResourceExhausted);
  }
  if (++reader.budget()->graphs > kMaxSubgraphs) {
    throw FormatError("the file has more than " + std::to_string(kMaxSubgraphs) + " subgraphs",
                      StatusCode::kResourceExhausted);
  }
  reader.Charge(sizeof(GraphProto));
  return std::make_shared<const GraphProto>(ReadGraph(reader, depth + 1));
}

Attribute ReadAttribute(Reader reader, int depth) {
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
        attribute.graph = ReadSubgraph(ReadMessage(reader), depth);
        break;
      case attribute_field::kReference:
        attribute.reference = ReadName(reader);
        break;
      case attribute_field::kSparseTensor:
        reader.Charge(sizeof(SparseTensor));
        attribute.sparse = std::make_shared<const SparseTensor>(ReadSparseTensor(ReadMessage(reader)));
        break;
      case attribute_field::kGraphs:
      case attribute_field::kTensors:
      case attribute_field::kTp:
      case attribute_field::kTypeProtos:
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

// Names that the node's subgraphs use and do not define, each once.
std::vector<std::string_view> CapturesOf(const NodeProto& node, Reader* reader) {
  std::vector<std::string_view> captures;
  std::unordered_set<std::string_view> seen;
  for (const Attribute& attribute : node.attributes) {
    if (attribute.graph == nullptr) continue;
    const GraphProto& graph = *attribute.graph;
    std::unordered_set<std::string_view> own;
    for (const ValueInfo& input : graph.inputs) own.insert(input.name);
    for (const Tensor& tensor : graph.initializers) own.insert(tensor.name);
    for (const SparseTensor& sparse : graph.sparse_initializers) own.insert(sparse.values.name);
    for (const NodeProto& inner : graph.nodes) own.insert(inner.outputs.begin(), inner.outputs.end());
    const auto use = [&](std::string_view name) {
      if (name.empty() || own.contains(name) || !seen.insert(name).second) return;
      reader->Charge(2 * sizeof(std::string_view));
      captures.push_back(name);
    };
    for (const NodeProto& inner : graph.nodes) {
      for (std::string_view input : inner.inputs) use(input);
      for (std::string_view capture : inner.captures) use(capture);
    }
    for (const ValueInfo& output : graph.outputs) use(output.name);
  }
  return captures;
}

NodeProto ReadNode(Reader reader, int depth) {
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
        node.attributes.push_back(ReadAttribute(ReadMessage(reader), depth));
        break;
      case node_field::kDomain:
        node.domain = ReadName(reader);
        break;
      case node_field::kOverload:
        node.overload = ReadName(reader);
        break;
      default:
        reader.skip();
    }
  }
  CheckOperands(node, node.inputs.size(), "inputs");
  CheckOperands(node, node.outputs.size(), "outputs");
  node.captures = CapturesOf(node, &reader);
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

GraphProto ReadGraph(Reader reader, int depth) {
  GraphProto graph;
  while (reader.next()) {
    switch (reader.tag()) {
      case graph_field::kNode:
        reader.Charge(2 * sizeof(NodeProto));
        graph.nodes.push_back(ReadNode(ReadMessage(reader), depth));
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
        reader.Charge(2 * sizeof(SparseTensor));
        graph.sparse_initializers.push_back(ReadSparseTensor(ReadMessage(reader)));
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

FunctionProto ReadFunction(Reader reader) {
  FunctionProto function;
  const auto add_name = [&](std::vector<std::string_view>* names) {
    reader.Charge(2 * sizeof(std::string_view));
    names->push_back(ReadName(reader));
  };
  while (reader.next()) {
    switch (reader.tag()) {
      case function_field::kName:
        function.name = ReadName(reader);
        break;
      case function_field::kDomain:
        function.domain = ReadName(reader);
        break;
      case function_field::kOverload:
        function.overload = ReadName(reader);
        break;
      case function_field::kInput:
        add_name(&function.inputs);
        break;
      case function_field::kOutput:
        add_name(&function.outputs);
        break;
      case function_field::kAttribute:
        add_name(&function.attributes);
        break;
      case function_field::kAttributeProto:
        reader.Charge(2 * sizeof(Attribute));
        function.defaults.push_back(ReadAttribute(ReadMessage(reader), 1));
        break;
      case function_field::kNode:
        reader.Charge(2 * sizeof(NodeProto));
        function.body.nodes.push_back(ReadNode(ReadMessage(reader), 1));
        break;
      case function_field::kOpsetImport:
        reader.Charge(2 * sizeof(OpsetImport));
        function.opsets.push_back(ReadOpset(ReadMessage(reader)));
        break;
      case function_field::kValueInfo:
        reader.Charge(2 * sizeof(ValueInfo));
        function.body.declared.push_back(ReadValueInfo(ReadMessage(reader)));
        break;
      default:
        reader.skip();
    }
  }
  return function;
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
        model.graph = ReadGraph(ReadMessage(reader), 1);
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
        reader.Charge(2 * sizeof(FunctionProto));
        model.functions.push_back(ReadFunction(ReadMessage(reader)));
        break;
      default:
        reader.skip();
    }
  }
  model.external = std::move(reader.budget()->external);
  return model;
}

}  // namespace

Status ParseModel(std::span<const uint8_t> bytes, ModelProto* model) {
  try {
    Parsing parsing{{(size_t{256} << 20) + 3 * bytes.size()}};
    *model = ReadModel(Reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, &parsing));
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

}  // namespace mace::importers::onnx
