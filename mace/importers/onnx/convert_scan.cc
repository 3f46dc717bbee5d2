// Scan: a Loop whose body takes one element of each scanned input.
#include "mace/importers/onnx/onnx_body.h"
#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {
namespace {

// Along which axes inputs are read and outputs are stacked, and which of them backwards.
struct ScanForm {
  std::vector<int64_t> input_axes, input_directions, output_axes, output_directions;
};

std::vector<int64_t> ListOf(OnnxNode& node, std::string_view attribute, size_t count) {
  std::vector<int64_t> list = node.LongInts(attribute).value_or(std::vector<int64_t>());
  if (list.empty()) list.assign(count, 0);
  if (list.size() != count) {
    throw ImportError(
        InvalidArgument("%s has %zu numbers, expected %zu", Text(attribute).c_str(), list.size(), count));
  }
  return list;
}
std::vector<int64_t> DirectionsOf(OnnxNode& node, std::string_view attribute, size_t count) {
  std::vector<int64_t> list = ListOf(node, attribute, count);
  for (int64_t direction : list) {
    if (direction != 0 && direction != 1)
      throw ImportError(InvalidArgument("%s must be 0 or 1", Text(attribute).c_str()));
  }
  return list;
}

// How many elements `value` has along `axis`: a tensor of one int64.
ValueId LengthOf(OnnxContext& context, ValueId value, int64_t axis) {
  ops::ShapeAttributes attributes;
  attributes.start = axis;
  attributes.end = axis == -1 ? INT64_MAX : axis + 1;
  return context.Emit(OpId::kShape, {value}, attributes);
}
int64_t LengthDim(OnnxContext& context, ValueId value, int64_t axis) {
  const Shape& shape = context.TypeOf(value).shape;
  return shape.HasRank() ? shape[context.NormalizedAxis(axis, shape.rank)] : kUnknownDim;
}

// The element of `value` at `index` (int64 of rank 0) along `axis`, which is dropped.
ValueId ElementOf(OnnxContext& context, ValueId value, ValueId index, int64_t axis) {
  ops::GatherAttributes attributes;
  attributes.axis = AxisOf(context, axis, context.RankOf(value));
  return context.EmitMoved(OpId::kGather, {value, index}, attributes);
}

// The output of a Loop, stacked along axis 0, as Scan has it.
ValueId Arranged(OnnxContext& context, ValueId value, int64_t axis, bool is_reversed) {
  if (is_reversed) {
    // From the last element to the one behind the first, by steps of -1.
    value = context.EmitMoved(OpId::kSlice,
                              {value, context.Int64s(IntList{-1}), context.Int64s(IntList{INT64_MIN}),
                               context.Int64s(IntList{0}), context.Int64s(IntList{-1})},
                              NoAttributes{});
  }
  if (axis == 0) return value;
  const int rank = context.RankOf(value);
  if (rank < 0) throw ImportError(Unsupported("scan_output_axes of a tensor whose rank is not known"));
  const int target = context.NormalizedAxis(axis, rank);
  IntList perm;
  for (int i = 0; i < rank; ++i) perm.Push(i < target ? i + 1 : i == target ? 0 : i);
  return context.Transpose(value, perm);
}

// The outputs of `body` over all elements: states, then what it scans.
std::vector<ValueId> EmitScan(OnnxContext& context, const GraphProto& graph, std::vector<ValueId> states,
                              const std::vector<ValueId>& scans, const ScanForm& form) {
  LoopInputs inputs;
  inputs.trip_count = LengthOf(context, scans[0], form.input_axes[0]);
  inputs.condition = context.Bool(true);
  inputs.carried = std::move(states);
  for (size_t i = 0; i < scans.size(); ++i) {
    const int64_t dim = LengthDim(context, scans[i], form.input_axes[i]);
    if (i == 0) inputs.trip_dim = dim;
    if (dim >= 0 && inputs.trip_dim >= 0 && dim != inputs.trip_dim) {
      throw ImportError(InvalidArgument("scanned inputs of %lld and of %lld elements",
                                        static_cast<long long>(inputs.trip_dim),
                                        static_cast<long long>(dim)));
    }
  }
  const ValueId length = inputs.trip_count;
  std::vector<std::string_view> names;
  for (const ValueInfo& output : graph.outputs) names.push_back(output.name);
  std::vector<ValueId> outputs = EmitLoop(
      context, inputs,
      [&](Body& body, ValueId iteration, ValueId condition, std::span<const ValueId> carried) {
        OnnxContext& inside = body.context();
        std::vector<ValueId> operands(carried.begin(), carried.end());
        ValueId backwards = kNone;
        for (size_t i = 0; i < scans.size(); ++i) {
          const bool is_reversed = form.input_directions[i] != 0;
          if (is_reversed && backwards == kNone) {
            const ValueId last = inside.Emit(OpId::kSub, {inside.Capture(length), inside.Int64s(IntList{1})});
            backwards = inside.Reshape(inside.Emit(OpId::kSub, {last, iteration}), IntList{});
          }
          operands.push_back(ElementOf(inside, inside.Capture(scans[i]), is_reversed ? backwards : iteration,
                                       form.input_axes[i]));
        }
        for (size_t i = 0; i < operands.size(); ++i) inside.Bind(graph.inputs[i].name, operands[i]);
        std::vector<ValueId> results = ConvertInner(graph, names, &inside);
        results.insert(results.begin(), condition);
        return results;
      });
  for (size_t i = inputs.carried.size(); i < outputs.size(); ++i) {
    const size_t k = i - inputs.carried.size();
    outputs[i] = Arranged(context, outputs[i], form.output_axes[k], form.output_directions[k] != 0);
  }
  return outputs;
}

// Opset 8: every operand has a first axis, the batch, whose elements are scanned one by one.
Outputs EmitBatchedScan(OnnxContext& context, const GraphProto& graph, const std::vector<ValueId>& states,
                        const std::vector<ValueId>& scans, const ScanForm& form) {
  LoopInputs inputs;
  inputs.trip_count = LengthOf(context, scans[0], 0);
  inputs.trip_dim = LengthDim(context, scans[0], 0);
  inputs.condition = context.Bool(true);
  return EmitLoop(
      context, inputs, [&](Body& body, ValueId iteration, ValueId condition, std::span<const ValueId>) {
        OnnxContext& inside = body.context();
        const auto elements = [&](const std::vector<ValueId>& values) {
          std::vector<ValueId> result;
          for (ValueId value : values)
            result.push_back(ElementOf(inside, inside.Capture(value), iteration, 0));
          return result;
        };
        std::vector<ValueId> results = EmitScan(inside, graph, elements(states), elements(scans), form);
        results.insert(results.begin(), condition);
        return results;
      });
}

}  // namespace

Outputs ConvertScan(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const GraphProto& graph = node.GraphOf("body");
  const int first = context.opset() < 9 ? 1 : 0;  // behind the lengths of the sequences
  const int64_t scan_count = node.Int("num_scan_inputs", 0);
  const int64_t state_count = node.input_count() - first - scan_count;
  if (scan_count < 1 || state_count < 0) {
    throw ImportError(InvalidArgument("%d inputs, %lld of them to be scanned", node.input_count(),
                                      static_cast<long long>(scan_count)));
  }
  if (first == 1 && node.HasInput(0)) throw ImportError(Unsupported("sequence_lens"));
  std::vector<ValueId> states, scans;
  for (int i = first; i < node.input_count(); ++i) {
    (i - first < state_count ? states : scans).push_back(context.Input(node, i));
  }
  const size_t expected = states.size() + scans.size();
  if (graph.inputs.size() != expected || graph.outputs.size() < states.size()) {
    throw ImportError(
        InvalidArgument("the body has %zu inputs and %zu outputs, expected %zu and at least %zu",
                        graph.inputs.size(), graph.outputs.size(), expected, states.size()));
  }
  const size_t output_count = graph.outputs.size() - states.size();
  ScanForm form;
  if (first == 1) {
    context.Repaired("Scan of operator set 8, which has batches", "a Loop over the batch around another one");
    form.input_directions = DirectionsOf(node, "directions", scans.size());
    form.input_axes.assign(scans.size(), 0);
    form.output_axes.assign(output_count, 0);
    form.output_directions.assign(output_count, 0);
    return EmitBatchedScan(context, graph, states, scans, form);
  }
  form.input_axes = ListOf(node, "scan_input_axes", scans.size());
  form.input_directions = DirectionsOf(node, "scan_input_directions", scans.size());
  form.output_axes = ListOf(node, "scan_output_axes", output_count);
  form.output_directions = DirectionsOf(node, "scan_output_directions", output_count);
  return EmitScan(context, graph, states, scans, form);
}

}  // namespace mace::importers::onnx
