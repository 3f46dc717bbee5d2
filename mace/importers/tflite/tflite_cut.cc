#include "mace/importers/tflite/tflite_cut.h"

#include "mace/importers/cut_graph.h"
#include "mace/importers/tflite/tflite_subgraphs.h"

namespace mace::importers::tflite {
namespace {

// Whoever reads a variable through a handle needs what assigns one, and the subgraph that initialises them.
// Which handle is of which variable is not looked at: each needs the first, which all of these write.
void JoinVariables(const TfliteFile& file, SourceNodes* source) {
  int32_t first = kAbsentTensor;
  for (int i = 0; i < file.operator_count(); ++i) {
    SourceNodes::Node& node = source->nodes[static_cast<size_t>(i)];
    if (file.OperatorNumber(i) != kVarHandle || node.outputs.empty() || node.outputs[0] < 0) continue;
    if (first == kAbsentTensor) {
      first = node.outputs[0];
    } else {
      node.inputs.push_back(first);
    }
  }
  if (first == kAbsentTensor) return;
  for (int i = 0; i < file.operator_count(); ++i) {
    const int32_t number = file.OperatorNumber(i);
    if (number != kCallOnce && number != kAssignVariable) continue;
    source->nodes[static_cast<size_t>(i)].outputs.push_back(first);
  }
}

}  // namespace

TfliteCut::TfliteCut(const CutOptions& options, const TfliteFile& file, TfliteContext* context)
    : is_whole_(options.empty()) {
  if (is_whole_) return;
  context->NameEdges();
  const auto inputs = SpanOf(file.subgraph().inputs());
  const auto outputs = SpanOf(file.subgraph().outputs());
  SourceTensors tensors;
  for (size_t i = 0; i < inputs.size(); ++i) tensors.AddInput(context->input_names()[i], inputs[i]);
  for (size_t i = 0; i < outputs.size(); ++i) tensors.AddOutput(context->output_names()[i], outputs[i]);
  for (int i = 0; i < file.tensor_count(); ++i) tensors.AddTensor(file.TensorName(i), i);
  cut_ = tensors.Resolve(options);
  SourceNodes source;
  source.outputs.assign(outputs.begin(), outputs.end());
  source.tensor_count = file.tensor_count();
  for (int i = 0; i < file.operator_count(); ++i) {
    const auto reads = SpanOf(file.operation(i).inputs());
    const auto writes = SpanOf(file.operation(i).outputs());
    source.nodes.push_back({{reads.begin(), reads.end()}, {writes.begin(), writes.end()}});
    // A variable is written by the operators that have it among their inputs: whoever needs it needs them.
    for (int32_t tensor : reads) {
      if (tensor >= 0 && file.tensor(tensor).is_variable()) source.nodes.back().outputs.push_back(tensor);
    }
  }
  JoinVariables(file, &source);
  needs_ = NeedsOf(cut_, source);
}

void TfliteCut::Apply(TfliteContext* context) const {
  if (is_whole_) return;
  std::vector<std::string> warnings;
  CutGraph(cut_, [&](int32_t tensor) { return context->ValueOf(tensor); }, &context->graph(), &warnings);
  for (std::string& warning : warnings) context->Warn(std::move(warning));
}

}  // namespace mace::importers::tflite
