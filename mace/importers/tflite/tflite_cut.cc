#include "mace/importers/tflite/tflite_cut.h"

#include "mace/importers/cut_graph.h"

namespace mace::importers::tflite {

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
  needs_ = NeedsOf(cut_, source);
}

void TfliteCut::Apply(TfliteContext* context) const {
  if (is_whole_) return;
  std::vector<std::string> warnings;
  CutGraph(cut_, [&](int32_t tensor) { return context->ValueOf(tensor); }, &context->graph(), &warnings);
  for (std::string& warning : warnings) context->Warn(std::move(warning));
}

}  // namespace mace::importers::tflite
