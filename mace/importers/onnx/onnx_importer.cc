// ImportOnnx: parse, check what can be checked at once, convert the nodes in order, name inputs and outputs.
#include "mace/graph/op_definition.h"
#include "mace/importers/edge_names.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/float8.h"
#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/problems.h"
#include "mace/importers/states.h"

namespace mace::importers {
namespace onnx {
namespace {

// A dimension without a name of its own (some exporters write "?" for all of them) becomes a symbol of its
// own, so that shapes computed from it can be compared.
int64_t DimensionOf(Graph* graph, const ValueInfo& info, int axis) {
  const Dimension& dimension = info.dims[axis];
  if (dimension.value.has_value() && *dimension.value >= 0) return *dimension.value;
  std::string name(dimension.param);
  if (name.empty() || name == "?" || name.starts_with("unk__")) {
    name = std::string(info.name) + "_dim" + std::to_string(axis);
  }
  constexpr size_t kMaxSymbols = 4096;  // they are found by looking through them
  if (graph->symbols.size() > kMaxSymbols) {
    throw ImportError(
        Status::Format(StatusCode::kResourceExhausted, "more than %zu named dimensions", kMaxSymbols));
  }
  return SymbolDim(Unwrap(graph->FindOrAddSymbol(name)));
}

}  // namespace

TensorType DeclaredType(Graph* graph, const ValueInfo& info, const char* what) {
  const std::string name = Text(info.name);
  if (!info.is_tensor) {
    throw ImportError(Unsupported("%s '%s' is no tensor", what, name.c_str()))
        .WithAction("give the tensors of sequences and optional values as inputs of their own");
  }
  TensorType type;
  type.dtype = DTypeOfOnnx(info.elem_type);
  if (type.dtype == DType::kInvalid) {
    throw ImportError(Unsupported("%s '%s' has the ONNX element type %s, which MACE lacks", what,
                                  name.c_str(), OnnxTypeName(info.elem_type).c_str()))
        .WithAction("begin behind it (--input_tensor)");
  }
  if (!info.has_shape) {
    type.shape = Shape::OfUnknownRank();
    return type;
  }
  if (info.dims.size() > kMaxRank) {
    throw ImportError(
        Unsupported("%s '%s' has rank %zu (at most %d)", what, name.c_str(), info.dims.size(), kMaxRank));
  }
  for (size_t i = 0; i < info.dims.size(); ++i)
    type.shape.Push(DimensionOf(graph, info, static_cast<int>(i)));
  return type;
}

namespace {

void AddInputs(const GraphProto& proto, const OnnxCut& cut, OnnxContext* context) {
  Graph& graph = context->graph();
  int64_t defaults = 0;
  std::string_view first_default;
  for (const ValueInfo& info : proto.inputs) {
    if (context->IsInitializer(info.name)) {
      if (defaults++ == 0) first_default = info.name;
      continue;
    }
    if (info.name.empty()) throw ImportError(DataLoss("an input has no name"));
    if (cut.LeavesOut(info, context)) continue;
    const TensorType type = DeclaredType(&graph, info, "input");
    const ValueId value = Unwrap(graph.AddValue(info.name, type));
    Check(graph.inputs.PushBack(value));
    context->Bind(info.name, value);
  }
  // Before version 4 every initialiser had to be listed; since then it says that a caller may give another.
  constexpr int64_t kListsOnlyDefaults = 4;
  if (defaults > 0 && context->work().model.ir_version >= kListsOnlyDefaults) {
    AddRepair(Text(first_default),
              defaults == 1 ? "an input with a default value"
                            : "the first of " + std::to_string(defaults) + " inputs with default values",
              "a constant, which nobody can give another value", &context->report());
  }
}

void AddOutputs(const GraphProto& proto, OnnxContext* context) {
  Graph& graph = context->graph();
  if (static_cast<int64_t>(proto.outputs.size()) > kMaxGraphEdges) {
    throw ImportError(Unsupported("%zu outputs, the limit is %lld", proto.outputs.size(),
                                  static_cast<long long>(kMaxGraphEdges)));
  }
  EdgeNames names;
  for (const ValueInfo& info : proto.outputs) names.Reserve(std::string(info.name));
  std::unordered_set<ValueId> seen;
  for (const ValueInfo& info : proto.outputs) {
    if (IsFloat8(info.elem_type)) {
      throw ImportError(Unsupported("output '%s' is of %s, which MACE lacks", Text(info.name).c_str(),
                                    OnnxTypeName(info.elem_type).c_str()))
          .WithAction("cast it to float in the model, or end before it (--output_tensor)");
    }
    ValueId value = context->ValueOf(info.name);
    const std::string name = names.Take(std::string(info.name));
    if (name != info.name) {
      AddRepair(Text(info.name), "the output is listed twice",
                "the second one is called '" + Text(name) + "'", &context->report());
    }
    // Every output is written by a node and has a value, and a name, of its own.
    if (graph.values[value].producer == kNone || !(graph.values[value].name == name) ||
        !seen.insert(value).second) {
      value = context->EmitOutput(name, value);
      seen.insert(value);
    }
    Check(graph.outputs.PushBack(value));
    const Shape& shape = graph.values[value].type.shape;
    if (info.is_tensor && info.has_shape && shape.HasRank()) {
      bool differs = static_cast<size_t>(shape.rank) != info.dims.size();
      for (int i = 0; !differs && i < shape.rank; ++i) {
        const auto& declared = info.dims[i].value;
        differs = declared.has_value() && *declared >= 0 && shape[i] >= 0 && *declared != shape[i];
      }
      if (differs) {
        AddRepair(Text(info.name), "the output is declared with a shape that it does not have",
                  std::string("the computed one is ") + ShapeText(shape).text, &context->report());
      }
    }
  }
  if (proto.outputs.empty()) throw ImportError(DataLoss("the graph has no outputs"));
}

// Converts a node of which only the types are needed, because the graph is cut behind it. It may be anything.
void ConvertForTypes(const NodeProto& node, bool is_known, OnnxCut* cut, OnnxContext* context,
                     Failures* failures) {
  const std::string label = "node '" + LabelOf(node) + "' (" + Text(node.op_type) + ")";
  std::string reason = label + " is not supported";
  if (is_known && !failures->Blocks(node)) {
    try {
      return ConvertNode(node, context);
    } catch (const ImportError& error) {
      reason = label + ": " + error.what();
    }
  }
  failures->Skip(node);
  cut->Declare(node, reason, context, failures);
}

void ConvertNodes(const ModelProto& model, OnnxCut* cut, OnnxContext* context) {
  const GraphProto& proto = *model.graph;
  context->names().proto = &proto;
  context->AddInitializers(proto);
  AddInputs(proto, *cut, context);
  cut->MarkRead(context);
  Failures failures(&context->work().report);
  for (int32_t index : SortNodes(proto, *context)) {
    const NodeProto& node = proto.nodes[index];
    const Need need = cut->NeedOf(index);
    const bool is_known = IsKnownOperator(node, *context);
    if (need == Need::kNothing) continue;
    if (need == Need::kType) {
      ConvertForTypes(node, is_known, cut, context, &failures);
    } else if (!is_known) {
      failures.Skip(node);
    } else if (failures.Blocks(node)) {
      failures.Examine(node, context);
    } else {
      try {
        ConvertNode(node, context);
      } catch (const ImportError& error) {
        failures.Add(node, error);
      }
    }
  }
  failures.ThrowIfAny();
}

// Metadata that MACE cannot store is no reason to refuse a model.
void AddMetadata(const ModelProto& model, OnnxContext* context) {
  std::unordered_map<std::string_view, std::string_view> values;  // of equal keys the last one's
  std::vector<std::string_view> keys;
  for (const MetadataProp& prop : model.metadata) {
    const bool is_text = prop.key.find('\0') == prop.key.npos && prop.value.find('\0') == prop.value.npos;
    if (prop.key.empty() || !is_text) {
      context->Warn("metadata '" + Text(prop.key) +
                    "' was dropped: the key is empty, or a zero byte is in it");
    } else if (const auto [entry, is_new] = values.try_emplace(prop.key, prop.value); !is_new) {
      context->Warn("metadata '" + Text(prop.key) + "' is there twice: the last one counts");
      entry->second = prop.value;
    } else if (keys.size() < kMaxMetadata) {
      keys.push_back(prop.key);
    } else {
      context->Warn("metadata '" + Text(prop.key) + "' was dropped: there are more than " +
                    std::to_string(kMaxMetadata));
    }
  }
  for (std::string_view key : keys) {
    MetadataEntry entry;
    Check(entry.key.Assign(key));
    Check(entry.value.Assign(values.at(key)));
    Check(context->graph().metadata.PushBack(std::move(entry)));
  }
}

void ImportModel(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                 ImportReport* report) {
  ModelProto model;
  Check(ParseModel(bytes, &model));
  if (model.opsets.empty() && model.ir_version > 0 && model.ir_version < 3) {
    // Such files could not say.
    model.opsets.push_back({.domain = "", .version = 1});
    AddRepair("", "IR version " + std::to_string(model.ir_version) + " names no operator set",
              "read as set 1", report);
  }
  CheckOpsets(model.opsets);
  if (!model.graph.has_value())
    throw ImportError(DataLoss("the file holds no graph: it is truncated or no ONNX model"));
  const GraphProto& proto = *model.graph;
  Check(graph->name.Assign(proto.name));
  ExternalData external(options.folder, model.external);
  ImportWork work(model, bytes.size(), &external, graph, report);
  work.brought = options.custom_operators;
  OnnxContext context(&work, graph, nullptr);
  OnnxCut cut(options.cut, proto);
  // All that is not supported is told at once.
  const std::string unknown = UnknownOperators(proto, cut, &context);
  try {
    ConvertNodes(model, &cut, &context);
  } catch (const ImportError& error) {
    if (unknown.empty()) throw;
    throw ImportError(Unsupported("%s; %s", unknown.c_str(), error.what()));
  }
  if (!unknown.empty()) throw ImportError(Unsupported("%s", unknown.c_str()));
  AddMetadata(model, &context);
  if (!cut.has_outputs()) AddOutputs(proto, &context);
  cut.Apply(&context);
  Check(DeclareStates(options, graph));
  FindRecurrentStates(&context);
  Check(VerifyGraph(*graph, &FindOpDefinition), ImportStage::kVerify);
  RefuseRepairs(options, report);
}

}  // namespace
}  // namespace onnx

Status ImportOnnx(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                  ImportReport* report) {
  return RunImporter("ONNX", report, [&] { onnx::ImportModel(bytes, options, graph, report); });
}

}  // namespace mace::importers
