#include "mace/convert/pipeline.h"

#include <algorithm>
#include <string_view>

#include "mace/convert/pipeline_steps.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/graph_editor.h"

namespace mace::convert {
namespace {

using passes::Check;
using passes::GraphEditor;
using passes::PassError;

std::string Listed(const Graph& graph, const Vector<ValueId>& values) {
  std::string text;
  for (size_t i = 0; i < values.size() && i < 20; ++i) {
    text += (i == 0 ? "'" : ", '") + std::string(graph.values[values[i]].name.view()) + "'";
  }
  return text;
}

size_t PlaceOf(const Graph& graph, const Vector<ValueId>& values, const std::string& name, const char* kind) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (graph.values[values[i]].name.view() == name) return i;
  }
  throw PassError(InvalidArgument("no %s is called '%s'; the model has %s", kind, name.c_str(),
                                  Listed(graph, values).c_str()));
}

// Runs `body` for step `number` (from 0); what it refuses is told with the step's number and kind.
template <typename Body>
void ForStep(const std::vector<Step>& steps, size_t number, Body body) {
  try {
    body(steps[number]);
  } catch (const PassError& error) {
    throw PassError(
        Status::Format(error.code(), "step %zu (%s): %s", number + 1, NameOf(steps[number]), error.what()));
  }
}

bool LooksAtPixels(const Step& step) {
  return std::holds_alternative<ColorStep>(step) || std::holds_alternative<ResizeStep>(step) ||
         std::holds_alternative<NormalizeStep>(step);
}

bool IsNormalize(const Step& step) { return std::holds_alternative<NormalizeStep>(step); }

// What stands in front of `steps` where `type` stands behind them.
TensorType SourceType(const std::vector<Step>& steps, const std::string& name, TensorType type,
                      Graph* graph) {
  const SourceStep* source = nullptr;
  if (std::any_of(steps.begin(), steps.end(), LooksAtPixels)) type.dtype = DType::kU8;
  for (size_t i = steps.size(); i-- > 0;) {
    ForStep(steps, i, [&](const Step& step) {
      source = std::get_if<SourceStep>(&step);
      if (source != nullptr && i > 0) throw PassError(InvalidArgument("can only be the first step"));
      type.shape = ShapeBefore(step, name, type.shape, graph);
    });
  }
  type.quantization = kNone;
  if (source == nullptr) return type;
  ForStep(steps, 0, [&](const Step&) { ApplySource(*source, &type); });
  return type;
}

// Brings what the steps have made to what the model takes.
ValueId Adapt(StepBuilder& builder, ValueId value, const TensorType& wanted) {
  GraphEditor& editor = builder.editor();
  const TensorType have = editor.graph().values[value].type;
  Shape merged = have.shape;
  bool fits = have.shape.rank == wanted.shape.rank;
  for (int i = 0; fits && i < merged.rank; ++i) {
    fits = ops::MergeDim(have.shape[i], wanted.shape[i], &merged[i]);
  }
  if (!fits) {
    throw PassError(InvalidArgument("the steps give %s %s, the model takes %s %s", mace::NameOf(have.dtype),
                                    ShapeText(have.shape).text, mace::NameOf(wanted.dtype),
                                    ShapeText(wanted.shape).text));
  }
  if (wanted.quantization != kNone) {
    if (have.dtype == wanted.dtype) {
      return builder.Emit(OpId::kIdentity, {value}, NoAttributes{}, wanted.quantization);
    }
    return builder.Emit(OpId::kQuantize, {builder.As(value, DType::kF32)},
                        ops::QuantizeAttributes{.to = wanted.dtype}, wanted.quantization);
  }
  return builder.As(value, wanted.dtype);
}

void AddToInput(const Pipeline& pipeline, GraphEditor* editor) {
  const auto& [name, steps] = pipeline;
  Graph& graph = editor->graph();
  const size_t place = PlaceOf(graph, graph.inputs, name, "input");
  const ValueId old_input = graph.inputs[place];
  for (const State& state : graph.states) {
    if (state.read == old_input) throw PassError(InvalidArgument("'%s' is a state", name.c_str()));
  }
  const TensorType wanted = graph.values[old_input].type;
  const TensorType type = SourceType(steps, name, wanted, &graph);
  const ValueId input = passes::Unwrap(graph.AddValue(name, type));
  editor->Track();
  StepBuilder builder(editor, /*anchor=*/0);
  ValueId value = input;
  for (size_t i = 0; i < steps.size(); ++i) {
    ForStep(steps, i, [&](const Step& step) { value = builder.AddToInput(step, value); });
  }
  value = builder.Settle(value);
  // Without a Normalize the pixels are what a quantized model's bytes mean, not real numbers.
  const bool are_bytes = wanted.quantization != kNone && wanted.dtype == DType::kU8 &&
                         type.dtype == DType::kU8 && std::none_of(steps.begin(), steps.end(), IsNormalize);
  if (are_bytes && graph.values[value].type.dtype == DType::kF32) value = builder.AsBytes(value);
  value = Adapt(builder, value, wanted);
  if (value == input) value = builder.Emit(OpId::kIdentity, {value}, NoAttributes{});
  editor->ReplaceUses(old_input, value);
  Check(graph.values[input].name.Assign(name));
  graph.inputs[place] = input;
}

void AddToOutput(const Pipeline& pipeline, GraphEditor* editor) {
  const auto& [name, steps] = pipeline;
  Graph& graph = editor->graph();
  const size_t place = PlaceOf(graph, graph.outputs, name, "output");
  const ValueId old_output = graph.outputs[place];
  StepBuilder builder(editor, /*anchor=*/editor->NodeCount() - 1);
  StepResult result;
  result.value = old_output;
  for (size_t i = 0; i < steps.size(); ++i) {
    ForStep(steps, i, [&](const Step& step) {
      if (!result.further.empty())
        throw PassError(InvalidArgument("the step in front of it must be the last one"));
      if (const auto* suppression = std::get_if<NonMaxSuppressionStep>(&step)) {
        const size_t scores = PlaceOf(graph, graph.outputs, suppression->scores, "output");
        result = builder.AddSuppression(*suppression, result.value, graph.outputs[scores]);
      } else {
        result = builder.AddToOutput(step, result.value);
      }
    });
  }
  if (result.value == old_output) return;
  const auto* last = std::get_if<NonMaxSuppressionStep>(&steps.back());
  const size_t scores = last != nullptr ? PlaceOf(graph, graph.outputs, last->scores, "output") : SIZE_MAX;
  if (scores == place) throw PassError(InvalidArgument("its scores are another output than its boxes"));
  Check(graph.values[result.value].name.Assign(name));
  Check(graph.values[old_output].name.Assign(""));
  graph.outputs[place] = result.value;
  if (scores != SIZE_MAX) {
    std::rotate(graph.outputs.begin() + scores, graph.outputs.begin() + scores + 1, graph.outputs.end());
    graph.outputs.PopBack();
  }
  for (const auto& [suffix, value] : result.further) {
    const std::string full = name + suffix;
    for (ValueId other : graph.outputs) {
      if (graph.values[other].name.view() == full) {
        throw PassError(InvalidArgument("the model already has an output '%s'", full.c_str()));
      }
    }
    Check(graph.values[value].name.Assign(full));
    Check(graph.outputs.PushBack(value));
  }
}

void AddAll(const std::vector<Pipeline>& pipelines, const char* key,
            void (*add)(const Pipeline&, GraphEditor*), GraphEditor* editor) {
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const std::string& name = pipelines[i].first;
    try {
      for (size_t k = 0; k < i; ++k) {
        if (pipelines[k].first == name) throw PassError(InvalidArgument("it is named twice"));
      }
      add(pipelines[i], editor);
    } catch (const PassError& error) {
      throw PassError(Status::Format(error.code(), "%s of '%s': %s", key, name.c_str(), error.what()));
    }
  }
}

}  // namespace

Status AddPipelines(const std::vector<Pipeline>& preprocess, const std::vector<Pipeline>& postprocess,
                    Graph* graph) {
  if (preprocess.empty() && postprocess.empty()) return Status::Ok();
  return passes::Guarded([&] {
    GraphEditor editor(graph);
    if (editor.NodeCount() == 0)
      throw PassError(InvalidArgument("a pipeline around a model without operators"));
    AddAll(preprocess, "preprocess", AddToInput, &editor);
    AddAll(postprocess, "postprocess", AddToOutput, &editor);
    editor.Finish();
  });
}

}  // namespace mace::convert
