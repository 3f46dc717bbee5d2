// Nodes, one by one, in graphs, subgraphs and functions.
#include <algorithm>
#include <cmath>

#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

void WarnOfNonFiniteAttributes(const NodeProto& node, OnnxContext* context) {
  for (const Attribute& attribute : node.attributes) {
    std::vector<float> elements = attribute.floats;
    if (attribute.f.has_value()) elements.push_back(*attribute.f);
    const auto count = static_cast<int64_t>(elements.size());
    const char* what = passes::NonFiniteIn(TensorView{elements.data(), DType::kF32, Shape{count}});
    // An infinite bound of Clip says that there is none.
    if (what == nullptr || (node.op_type == "Clip" && !std::isnan(elements[0]))) continue;
    context->Warn("node '" + LabelOf(node) + "' (" + Text(node.op_type) + "): attribute '" +
                  Text(attribute.name) + "' contains " + what);
  }
}

// Where nothing else tells a value's rank, the file may. Its dimensions are not believed: what is computed
// from a wrong one would be wrong, while a wrong rank is noticed.
void TakeDeclaredRank(std::string_view name, ValueId value, OnnxContext* context) {
  if (context->TypeOf(value).shape.HasRank()) return;
  const ValueInfo* info = context->Declared(name);
  if (info == nullptr || !info->is_tensor || !info->has_shape || info->dims.size() > kMaxRank) return;
  Shape& shape = context->graph().values[value].type.shape;
  shape = Shape{};
  for (size_t i = 0; i < info->dims.size(); ++i) shape.Push(kUnknownDim);
}

// What messages call a function.
std::string FunctionText(const FunctionProto& function) {
  std::string text = Text(function.name);
  if (!function.domain.empty()) text = Text(function.domain) + ":" + text;
  if (!function.overload.empty()) text += ":" + Text(function.overload);
  return text;
}

// Takes `function` among those being expanded for as long as the object lives.
class Expansion {
 public:
  Expansion(ImportWork* work, const FunctionProto& function) : work_(*work) {
    constexpr size_t kMaxDepth = 64;  // nobody nests them deeper, and each takes some of the stack
    for (const FunctionProto* outer : work_.calls) {
      if (outer != &function) continue;
      std::string chain;
      for (const FunctionProto* call : work_.calls) {
        if (chain.size() < 500) chain += FunctionText(*call) + " -> ";
      }
      throw ImportError(DataLoss("function '%s' calls itself (%s%s)", FunctionText(function).c_str(),
                                 chain.c_str(), FunctionText(function).c_str()));
    }
    if (work_.calls.size() >= kMaxDepth) {
      throw ImportError(Status::Format(StatusCode::kResourceExhausted,
                                       "functions call each other more than %zu deep", kMaxDepth));
    }
    work_.calls.push_back(&function);
  }
  ~Expansion() { work_.calls.pop_back(); }
  Expansion(const Expansion&) = delete;
  Expansion& operator=(const Expansion&) = delete;

 private:
  ImportWork& work_;
};

// The attributes that the function's nodes may refer to.
void FillAttributes(const FunctionProto& function, OnnxNode* node, FunctionCall* call) {
  for (const Attribute& attribute : function.defaults) call->attributes.emplace(attribute.name, &attribute);
  const auto take = [&](std::string_view name) {
    if (const Attribute* given = node->Find(name); given != nullptr) call->attributes[name] = given;
  };
  for (const Attribute& attribute : function.defaults) take(attribute.name);
  for (std::string_view name : function.attributes) take(name);
}

// The nodes of `function` in the place of `node`.
Outputs ExpandFunction(OnnxContext& context, OnnxNode& node, const FunctionProto& function) {
  if (node.input_count() > static_cast<int>(function.inputs.size())) {
    throw ImportError(
        InvalidArgument("%d inputs, the function has %zu", node.input_count(), function.inputs.size()));
  }
  const Expansion expansion(&context.work(), function);
  context.SpendInner((function.inputs.size() + function.attributes.size() + function.defaults.size()) / 8);
  FunctionCall call;
  call.opsets = function.opsets.empty() ? &context.opsets() : &function.opsets;
  CheckOpsets(*call.opsets);
  FillAttributes(function, &node, &call);
  call.prefix = context.label() + "/";
  std::vector<ValueId> operands;
  for (int i = 0; i < static_cast<int>(function.inputs.size()); ++i) {
    operands.push_back(context.OptionalInput(node, i));
    if (operands.back() == kNone) call.absent.insert(function.inputs[i]);
  }
  const NameScope scope(&context, &call);
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i] != kNone) context.BindOperand(function.inputs[i], operands[i]);
  }
  return ConvertInner(function.body, function.outputs, &context, TakesSequences::kYes);
}

}  // namespace

void CheckOpsets(const std::vector<OpsetImport>& opsets) {
  if (opsets.empty())
    throw ImportError(DataLoss("the file imports no operator set: it is truncated or no ONNX model"))
        .WithAction("say which one with onnx.helper.make_model(graph, opset_imports=...)");
  for (const OpsetImport& opset : opsets) {
    if (!IsDefaultDomain(opset.domain)) continue;
    if (opset.version < kOldestOpset || opset.version > kNewestOpset) {
      throw ImportError(Unsupported("ONNX operator set %lld (this build reads %lld to %lld)",
                                    static_cast<long long>(opset.version),
                                    static_cast<long long>(kOldestOpset),
                                    static_cast<long long>(kNewestOpset)))
          .WithAction("export with opset_version=" + std::to_string(kNewestOpset) + " or lower");
    }
  }
}

void ConvertNode(const NodeProto& proto, OnnxContext* context) {
  OnnxNode node(proto, context->names().call);
  context->Begin(node, context->OpsetOf(proto.domain));
  WarnOfNonFiniteAttributes(proto, context);
  const FunctionProto* function = context->FunctionOf(proto);
  const OnnxOp* entry = FindOnnxOp(proto.domain, proto.op_type);
  const size_t nodes_before = context->graph().nodes.size();
  const Outputs outputs = function != nullptr ? ExpandFunction(*context, node, *function)
                          : entry != nullptr  ? entry->convert(*context, node, *entry)
                                              : ConvertBrought(*context, node, proto);
  const size_t nodes = context->graph().nodes.size() - nodes_before;
  if (function == nullptr && entry != nullptr && entry->microsoft && nodes > 1) {
    context->Repaired("an operator of onnxruntime, " + Text(proto.op_type),
                      std::to_string(nodes) + " other nodes");
  }
  for (int i = 0; i < node.output_count(); ++i) {
    if (!node.HasOutput(i)) continue;
    if (i >= static_cast<int>(outputs.size())) {
      if (!context->IsRead(node.OutputName(i))) continue;
      throw ImportError(
          Unsupported("output %d ('%s') is not supported", i, Text(node.OutputName(i)).c_str()));
    }
    context->Bind(node.OutputName(i), outputs[i]);
    if (!OnnxContext::IsSequence(outputs[i])) TakeDeclaredRank(node.OutputName(i), outputs[i], context);
  }
  for (std::string_view unused : node.Unused()) {
    context->Warn("node '" + LabelOf(proto) + "' (" + Text(proto.op_type) + "): attribute '" + Text(unused) +
                  "' is not known and was ignored");
  }
}

namespace {

// What else costs time counts where there is more of it than nodes have.
void SpendGraph(const GraphProto& proto, size_t outputs, OnnxContext* context) {
  constexpr size_t kOfEachNode = 8;
  size_t parts = outputs + proto.initializers.size() + proto.sparse_initializers.size();
  for (const NodeProto& node : proto.nodes) {
    parts += node.inputs.size() + node.outputs.size() + node.captures.size() + node.attributes.size();
  }
  context->SpendInner(std::max(proto.nodes.size(), parts / kOfEachNode));
}

}  // namespace

std::vector<ValueId> ConvertInner(const GraphProto& proto, std::span<const std::string_view> outputs,
                                  OnnxContext* context, TakesSequences takes) {
  SpendGraph(proto, outputs.size(), context);
  context->names().proto = &proto;
  context->AddInitializers(proto);
  for (const NodeProto& node : proto.nodes) {
    for (std::string_view input : node.inputs) context->MarkRead(input);
    for (std::string_view capture : node.captures) context->MarkRead(capture);
  }
  for (std::string_view output : outputs) context->MarkRead(output);
  const size_t values_before = context->graph().values.size();
  ImportReport inner;  // what failed in here is told of the node around
  Failures failures(&inner);
  for (int32_t index : SortNodes(proto, *context)) {
    const NodeProto& node = proto.nodes[index];
    if (!IsKnownOperator(node, *context) || failures.Blocks(node)) {
      failures.Skip(node);
      continue;
    }
    try {
      ConvertNode(node, context);
    } catch (const ImportError& error) {
      failures.Add(node, error);
      // A budget that is spent for this node is spent for all.
      if (error.code() == StatusCode::kResourceExhausted) break;
    }
  }
  failures.ThrowIfAny();
  std::vector<ValueId> values;
  for (std::string_view output : outputs) {
    const ValueId value =
        takes == TakesSequences::kYes ? context->AnyValueOf(output) : context->ValueOf(output);
    values.push_back(value);
    if (OnnxContext::IsSequence(value)) continue;
    // Who binds what was computed in here gives it a name of its own.
    Value& target = context->graph().values[value];
    if (static_cast<size_t>(value) >= values_before && target.producer != kNone)
      Check(target.name.Assign(""));
  }
  return values;
}

}  // namespace mace::importers::onnx
