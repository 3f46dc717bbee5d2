#include "mace/importers/cut_graph.h"
#include "mace/importers/onnx/onnx_import.h"

namespace mace::importers::onnx {

OnnxCut::OnnxCut(const CutOptions& options, const GraphProto& graph)
    : is_whole_(options.empty()), graph_(graph) {
  if (is_whole_) return;
  const auto number_of = [&](std::string_view name) {
    if (name.empty()) return int32_t{-1};
    const auto [entry, is_new] = numbers_.try_emplace(name, static_cast<int32_t>(names_.size()));
    if (is_new) names_.push_back(name);
    return entry->second;
  };
  SourceTensors tensors;
  SourceNodes source;
  for (const Tensor& tensor : graph.initializers) tensors.AddTensor(tensor.name, number_of(tensor.name));
  for (const SparseTensor& sparse : graph.sparse_initializers)
    tensors.AddTensor(sparse.values.name, number_of(sparse.values.name));
  // Old files list initialisers as inputs, too.
  const size_t initializers = names_.size();
  for (const ValueInfo& input : graph.inputs) {
    const int32_t number = number_of(input.name);
    if (number >= static_cast<int32_t>(initializers)) tensors.AddInput(input.name, number);
  }
  for (const ValueInfo& output : graph.outputs) {
    source.outputs.push_back(number_of(output.name));
    tensors.AddOutput(output.name, source.outputs.back());
  }
  for (const NodeProto& node : graph.nodes) {
    SourceNodes::Node& numbers = source.nodes.emplace_back();
    for (std::string_view input : node.inputs) numbers.inputs.push_back(number_of(input));
    for (std::string_view capture : node.captures) numbers.inputs.push_back(number_of(capture));
    for (std::string_view output : node.outputs) {
      numbers.outputs.push_back(number_of(output));
      tensors.AddTensor(output, numbers.outputs.back());
    }
  }
  source.tensor_count = static_cast<int32_t>(names_.size());
  cut_ = tensors.Resolve(options);
  needs_ = NeedsOf(cut_, source);
}

bool OnnxCut::LeavesOut(const ValueInfo& input, OnnxContext* context) const {
  if (is_whole_ || cut_.outputs.empty()) return false;
  if (needs_.tensors[static_cast<size_t>(numbers_.at(input.name))] != Need::kNothing) return false;
  if (cut_.inputs.empty()) {
    context->Warn("input '" + Text(input.name) + "' was dropped: no chosen output depends on it");
  }
  return true;
}

void OnnxCut::MarkRead(OnnxContext* context) const {
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (NeedOf(static_cast<int32_t>(i)) == Need::kNothing) continue;
    for (std::string_view input : graph_.nodes[i].inputs) context->MarkRead(input);
    for (std::string_view capture : graph_.nodes[i].captures) context->MarkRead(capture);
  }
  if (!has_outputs()) {
    for (const ValueInfo& output : graph_.outputs) context->MarkRead(output.name);
  }
  const auto mark = [&](const ResolvedCut::Tensor& tensor) {
    context->MarkRead(names_[static_cast<size_t>(tensor.number)]);
  };
  for (const auto& [from, to] : cut_.joins) mark(from);
  for (const auto& output : cut_.outputs) mark(output);
}

void OnnxCut::Declare(const NodeProto& node, const std::string& reason, OnnxContext* context,
                      Failures* failures) {
  const auto declared = [&](std::string_view name) -> const ValueInfo* {
    for (const std::vector<ValueInfo>* list : {&graph_.declared, &graph_.outputs}) {
      for (const ValueInfo& info : *list) {
        if (info.name == name && info.is_tensor && info.has_shape) return &info;
      }
    }
    return nullptr;
  };
  const auto try_output = [&](const ResolvedCut::Tensor& tensor) {
    const std::string_view name = names_[static_cast<size_t>(tensor.number)];
    for (std::string_view output : node.outputs) {
      if (output != name) continue;
      if (context->IsBound(name)) {
        failures->Forget(name);  // the converter got as far as this one
      } else if (const ValueInfo* info = declared(name); info != nullptr) {
        const TensorType type = DeclaredType(&context->graph(), *info, "tensor");
        context->Bind(name, Unwrap(context->graph().AddValue(name, type)));
        failures->Forget(name);
      } else {
        reasons_[name] = reason;
      }
    }
  };
  for (const auto& input : cut_.inputs) try_output(input);
  for (const auto& [from, to] : cut_.joins) try_output(to);
}

ValueId OnnxCut::ValueOf(int32_t number, OnnxContext* context) const {
  const std::string_view name = names_[static_cast<size_t>(number)];
  if (const auto reason = reasons_.find(name); reason != reasons_.end()) {
    throw ImportError(Unsupported("the type of '%s' is not known: the file does not declare it, and %s",
                                  Text(name).c_str(), reason->second.c_str()));
  }
  return context->ValueOf(name);
}

void OnnxCut::Apply(OnnxContext* context) const {
  if (is_whole_) return;
  std::vector<std::string> warnings;
  CutGraph(cut_, [&](int32_t number) { return ValueOf(number, context); }, &context->graph(), &warnings);
  for (std::string& warning : warnings) context->Warn(std::move(warning));
}

}  // namespace mace::importers::onnx
