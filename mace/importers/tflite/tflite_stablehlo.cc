// Converters of StableHLO's elementwise operators, of windows, and of dilation. Operands have one shape; bare
// numbers, no scales.
#include "mace/importers/tflite/tflite_stablehlo.h"

#include <algorithm>
#include <iterator>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_subgraphs.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

template <typename Attributes = NoAttributes>
void ConvertElementwise(TfliteContext& context, OpId op, const Attributes& attributes = {}) {
  context.EmitOutput(op, {context.Input(0), context.Input(1)}, attributes);
}

void ConvertNumberOrBool(TfliteContext& context, OpId of_numbers, OpId of_bools) {
  ConvertElementwise(context, context.DTypeOf(context.Input(0)) == DType::kBool ? of_bools : of_numbers);
}

// The value of one element as a scalar.
ValueId ScalarOf(TfliteContext& context, ValueId value) {
  ops::ReshapeAttributes list;
  list.shape = {1};
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {0};
  const ValueId one = context.Emit(OpId::kReshape, {value}, list, TensorType{});
  return context.Emit(OpId::kSqueeze, {one}, squeeze, TensorType{});
}

// x with `filler` between its elements, which come to lie `distances` apart.
ValueId Dilated(TfliteContext& context, ValueId x, std::span<const int64_t> distances, ValueId filler) {
  Shape shape = context.ShapeOf(x);
  RequireConcrete(shape, distances.size());
  // Each element gets an axis of its own behind it, which is filled up; the last filling is cut off.
  for (int axis = 0; axis < shape.rank; ++axis) {
    const int64_t distance = distances[static_cast<size_t>(axis)];
    int64_t size = 0;
    if (distance < 1 || __builtin_mul_overflow(shape[axis], distance, &size)) {
      throw ImportError(StatusCode::kDataLoss, "a distance of " + std::to_string(distance));
    }
    if (distance == 1 || shape[axis] == 0) continue;
    ops::UnsqueezeAttributes unsqueeze;
    unsqueeze.axes = {axis + 1};
    x = context.Emit(OpId::kUnsqueeze, {x}, unsqueeze, TensorType{});
    const int64_t pads[] = {0, distance - 1}, axes[] = {axis + 1};
    x = context.Emit(OpId::kPad, {x, context.AddInts(pads), filler, context.AddInts(axes)},
                     ops::PadAttributes{}, TensorType{});
    shape[axis] = size;
    ops::ReshapeAttributes merge;
    merge.allow_zero = true;
    for (int d = 0; d < shape.rank; ++d) merge.shape.Push(shape[d]);
    x = context.Emit(OpId::kReshape, {x}, merge, TensorType{});
    shape[axis] = size - distance + 1;
    x = Sliced(context, x, axis, 0, shape[axis], 1);
  }
  return x;
}

// Windows along one axis, joined by `op`.
ValueId ReduceAlong(TfliteContext& context, OpId op, ValueId x, int64_t axis, int64_t window, int64_t stride,
                    int64_t dilation) {
  constexpr int64_t kMostTaps = 4096, kMostStep = int64_t{1} << 31;
  const int64_t size = context.ShapeOf(x)[static_cast<int>(axis)];
  if (window < 1 || stride < 1 || dilation < 1 || stride > kMostStep || dilation > kMostStep) {
    throw ImportError(StatusCode::kDataLoss, "a window, stride or dilation that is not positive");
  }
  if (window > kMostTaps) {
    throw ImportError(StatusCode::kUnsupported, "a window of " + std::to_string(window) + " elements");
  }
  const int64_t spanned = (window - 1) * dilation + 1;
  const int64_t count = size < spanned ? 0 : (size - spanned) / stride + 1;
  if (count == 0) return Sliced(context, x, axis, 0, 0, 1);
  ValueId joined = kNone;
  for (int64_t tap = 0; tap < window; ++tap) {
    const int64_t from = tap * dilation;
    const ValueId part = Sliced(context, x, axis, from, from + (count - 1) * stride + 1, stride);
    joined = joined == kNone ? part : context.Emit(op, {joined, part}, NoAttributes{}, TensorType{});
  }
  return joined;
}

// Windows on all axes, each beginning with `start`: the result of the operator.
void EmitWindows(TfliteContext& context, OpId op, ValueId x, ValueId start, std::span<const int64_t> window,
                 std::span<const int64_t> strides, std::span<const int64_t> dilations) {
  if (window.size() != strides.size() || window.size() != dilations.size()) {
    throw ImportError(StatusCode::kDataLoss, "its lists differ in size");
  }
  RequireConcrete(context.ShapeOf(x), window.size());
  for (size_t axis = 0; axis < window.size(); ++axis) {
    x = ReduceAlong(context, op, x, static_cast<int64_t>(axis), window[axis], strides[axis], dilations[axis]);
  }
  context.EmitOutput(op, {x, start}, NoAttributes{});
}

std::vector<int64_t> CopyOr(const flatbuffers::Vector<int64_t>* list, size_t size, int64_t missing) {
  return list == nullptr || list->size() == 0 ? std::vector<int64_t>(size, missing) : CopyOf(list);
}

}  // namespace

void RequireConcrete(const Shape& shape, size_t entries) {
  if (static_cast<int>(entries) == shape.rank && shape.IsConcrete() && shape.rank < kMaxRank) return;
  throw ImportError(StatusCode::kUnsupported,
                    std::to_string(entries) + " entries for the shape " + ShapeText(shape).text);
}

ValueId Sliced(TfliteContext& context, ValueId x, int64_t axis, int64_t from, int64_t to, int64_t step) {
  const int64_t begin[] = {from}, end[] = {to}, along[] = {axis}, steps[] = {step};
  const ValueId starts = context.AddInts(begin), ends = context.AddInts(end), axes = context.AddInts(along);
  return context.EmitInner(OpId::kSlice, {x, starts, ends, axes, context.AddInts(steps)}, NoAttributes{}, x);
}

Joining JoiningOf(TfliteContext& context, int32_t subgraph, DType dtype) {
  static constexpr struct {
    int32_t number, stablehlo_number;
    OpId of_numbers, of_bools;
    ops::ScatterReduction reduction;
  } kTable[] = {
      {0, 163, OpId::kAdd, OpId::kOr, ops::ScatterReduction::kAdd},
      {18, 165, OpId::kMul, OpId::kAnd, ops::ScatterReduction::kMultiply},
      {55, 166, OpId::kMax, OpId::kOr, ops::ScatterReduction::kMax},
      {57, 181, OpId::kMin, OpId::kAnd, ops::ScatterReduction::kMin},
      {86, 176, OpId::kInvalid, OpId::kAnd, ops::ScatterReduction::kMultiply},
      {84, 183, OpId::kInvalid, OpId::kOr, ops::ScatterReduction::kAdd},
  };
  const TfliteFile body(context.file(), subgraph);
  context.Spend(64 * (4 + int64_t{body.tensor_count()} + body.operator_count()));
  const auto inputs = SpanOf(body.subgraph().inputs()), outputs = SpanOf(body.subgraph().outputs());
  const bool is_pair = inputs.size() == 2 && outputs.size() == 1;
  if (is_pair && body.operator_count() == 0 && outputs[0] == inputs[1]) return {};
  if (is_pair && body.operator_count() == 1) {
    const file::OperatorRecord& record = body.operation(0);
    const auto reads = SpanOf(record.inputs()), writes = SpanOf(record.outputs());
    const bool joins = reads.size() == 2 && writes.size() == 1 && writes[0] == outputs[0] &&
                       ((reads[0] == inputs[0] && reads[1] == inputs[1]) ||
                        (reads[0] == inputs[1] && reads[1] == inputs[0]));
    const auto* sum = record.options_as<file::AddOptions>();
    const auto* product = record.options_as<file::MulOptions>();
    const bool is_bare =
        (sum == nullptr || sum->activation() == 0) && (product == nullptr || product->activation() == 0);
    const int32_t number = body.OperatorNumber(0);
    for (const auto& row : kTable) {
      if (!joins || !is_bare || (number != row.number && number != row.stablehlo_number)) continue;
      const OpId op = dtype == DType::kBool ? row.of_bools : row.of_numbers;
      if (op != OpId::kInvalid) return {op, row.reduction};
    }
  }
  throw ImportError(StatusCode::kUnsupported,
                    "subgraph " + std::to_string(subgraph) + ", which joins two elements of " +
                        NameOf(dtype) + ", expected one sum, product, maximum, minimum, or of bools and, or");
}

// Of bools adding and the maximum are "or", multiplying and the minimum "and".
void ConvertStablehloAdd(TfliteContext& context) { ConvertNumberOrBool(context, OpId::kAdd, OpId::kOr); }
void ConvertStablehloMultiply(TfliteContext& context) {
  ConvertNumberOrBool(context, OpId::kMul, OpId::kAnd);
}
void ConvertStablehloMaximum(TfliteContext& context) { ConvertNumberOrBool(context, OpId::kMax, OpId::kOr); }
void ConvertStablehloMinimum(TfliteContext& context) { ConvertNumberOrBool(context, OpId::kMin, OpId::kAnd); }

// Of integers bit by bit.
void ConvertStablehloAnd(TfliteContext& context) {
  if (context.DTypeOf(context.Input(0)) == DType::kBool) return ConvertElementwise(context, OpId::kAnd);
  ConvertElementwise(context, OpId::kBitwise, ops::BitwiseAttributes{ops::BitwiseKind::kAnd});
}
void ConvertStablehloOr(TfliteContext& context) {
  if (context.DTypeOf(context.Input(0)) == DType::kBool) return ConvertElementwise(context, OpId::kOr);
  ConvertElementwise(context, OpId::kBitwise, ops::BitwiseAttributes{ops::BitwiseKind::kOr});
}

// The format's runtime has no kernels for these, and for OR: they mean what its own operators do.
void ConvertStablehloUnary(TfliteContext& context) {
  static constexpr struct {
    int32_t number;
    OpId op;
  } kTable[] = {{162, OpId::kSigmoid}, {175, OpId::kAbs},   {177, OpId::kCos},
                {178, OpId::kExp},     {179, OpId::kFloor}, {180, OpId::kLog},
                {182, OpId::kNeg},     {186, OpId::kRsqrt}, {189, OpId::kTanh}};
  for (const auto& row : kTable) {
    if (row.number != context.number()) continue;
    return context.EmitOutput(row.op, {context.Input(0)}, ops::RoundingAttributes{});
  }
  context.Refuse("no operator of one input");
}
void ConvertStablehloSubtract(TfliteContext& context) { ConvertElementwise(context, OpId::kSub); }
void ConvertStablehloDivide(TfliteContext& context) { ConvertElementwise(context, OpId::kDiv); }
void ConvertStablehloRemainder(TfliteContext& context) {
  ConvertElementwise(context, OpId::kMod, ops::ModAttributes{/*truncated=*/true});
}

// Shifts of as many bits as the type has, or more, give 0.
void ConvertStablehloShiftLeft(TfliteContext& context) {
  ops::BitwiseAttributes attributes;
  attributes.kind = ops::BitwiseKind::kShiftLeft;
  ConvertElementwise(context, OpId::kBitwise, attributes);
}

// Inputs: x, the distance of its elements on each axis, what stands between them.
void ConvertDilate(TfliteContext& context) {
  const std::vector<int64_t> distances = context.ConstantInts(context.Input(1), "the list of distances");
  const ValueId filler = ScalarOf(context, context.Input(2));
  context.EmitOutput(OpId::kIdentity, {Dilated(context, context.Input(0), distances, filler)},
                     NoAttributes{});
}

// Inputs: x, what it is filled with: between its elements, then around them. Negative edges cut off.
void ConvertStablehloPad(TfliteContext& context) {
  const auto& options = context.RequiredOptions2<file::StablehloPadOptions>();
  std::vector<int64_t> edges = CopyOf(options.low());
  const std::vector<int64_t> high = CopyOf(options.high());
  std::vector<int64_t> distances = CopyOf(options.interior());
  if (edges.size() != high.size() || edges.size() != distances.size()) {
    throw ImportError(StatusCode::kDataLoss, "its lists differ in size");
  }
  for (int64_t& distance : distances) {
    if (distance < 0 || distance >= INT32_MAX) {
      throw ImportError(StatusCode::kDataLoss, "interior padding of " + std::to_string(distance));
    }
    ++distance;
  }
  const ValueId filler = ScalarOf(context, context.Input(1));
  const ValueId x = Dilated(context, context.Input(0), distances, filler);
  edges.insert(edges.end(), high.begin(), high.end());
  context.EmitOutput(OpId::kPad, {x, context.AddInts(edges), filler}, ops::PadAttributes{});
}

// Inputs: x, what each result begins with, sizes, strides and dilations of the windows on all axes.
void ConvertReduceWindow(TfliteContext& context) {
  static constexpr OpId kFunctions[] = {OpId::kInvalid, OpId::kAdd, OpId::kMul, OpId::kMin,
                                        OpId::kMax,     OpId::kAnd, OpId::kOr};
  const int32_t function = context.RequiredOptions2<file::ReduceWindowOptions>().function();
  if (function < 1 || function >= static_cast<int32_t>(std::size(kFunctions))) {
    throw ImportError(StatusCode::kUnsupported, "the function " + std::to_string(function));
  }
  EmitWindows(context, kFunctions[function], context.Input(0), ScalarOf(context, context.Input(1)),
              context.ConstantInts(context.Input(2), "the list of sizes"),
              context.ConstantInts(context.Input(3), "the list of strides"),
              context.ConstantInts(context.Input(4), "the list of dilations"));
}

// Inputs: x, what each result begins with, which also stands around the elements of x and between them.
void ConvertStablehloReduceWindow(TfliteContext& context) {
  const auto& options = context.RequiredOptions2<file::StablehloReduceWindowOptions>();
  const ValueId start = ScalarOf(context, context.Input(1));
  ValueId x = context.Input(0);
  const Joining joining = JoiningOf(context, options.body_subgraph(), context.DTypeOf(x));
  if (joining.op == OpId::kInvalid) throw ImportError(StatusCode::kUnsupported, "a window of one element");
  const std::vector<int64_t> window = CopyOf(options.window());
  const size_t rank = window.size();
  RequireConcrete(context.ShapeOf(x), rank);
  const std::vector<int64_t> padding = CopyOr(options.padding(), 2 * rank, 0);
  if (padding.size() != 2 * rank) throw ImportError(StatusCode::kDataLoss, "its lists differ in size");
  x = Dilated(context, x, CopyOr(options.base_dilations(), rank, 1), start);
  std::vector<int64_t> edges(2 * rank);
  for (size_t i = 0; i < edges.size(); ++i) edges[i % 2 * rank + i / 2] = padding[i];
  if (std::any_of(edges.begin(), edges.end(), [](int64_t edge) { return edge != 0; })) {
    x = context.EmitInner(OpId::kPad, {x, context.AddInts(edges), start}, ops::PadAttributes{});
  }
  EmitWindows(context, joining.op, x, start, window, CopyOr(options.strides(), rank, 1),
              CopyOr(options.dilations(), rank, 1));
}

}  // namespace mace::importers::tflite
