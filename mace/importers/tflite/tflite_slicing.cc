// Converters of operators that cut tensors into parts and join them.
#include <algorithm>
#include <numeric>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

int OutputCount(const TfliteContext& context) {
  return static_cast<int>(SpanOf(context.file().operation(context.operator_index()).outputs()).size());
}

int ResolvedAxis(int64_t axis, int rank) {
  int resolved = 0;
  if (NormalizeAxis(axis, rank, &resolved)) return resolved;
  throw ImportError(StatusCode::kDataLoss,
                    "axis " + std::to_string(axis) + " of a tensor of rank " + std::to_string(rank));
}

// Parts of x of the given sizes, or equal ones where `sizes` is kNone. They become the outputs where
// `squeezed` is false, else the outputs are the parts without the axis, which has one element in each.
void EmitParts(TfliteContext& context, ValueId x, ValueId sizes, int axis, bool squeezed) {
  const int parts = OutputCount(context);
  if (parts > InferContext::kMaxOutputs) {
    throw ImportError(StatusCode::kUnsupported, std::to_string(parts) + " outputs, the limit is " +
                                                    std::to_string(InferContext::kMaxOutputs));
  }
  std::vector<TensorType> types;
  std::vector<std::string_view> names;
  for (int i = 0; i < parts; ++i) {
    types.push_back(context.OutputType(i));
    RequireEqualQuantization(context, context.TypeOf(x), types.back());
    names.push_back(squeezed ? std::string_view() : context.file().TensorName(context.OutputTensor(i)));
    if (squeezed) types.back().shape = Shape();  // that of the part is another
  }
  ops::SplitAttributes attributes;
  attributes.axis = axis;
  std::vector<ValueId> inputs = {x};
  if (sizes != kNone) inputs.push_back(sizes);
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kSplit, inputs, &attributes, sizeof(attributes), types, names);
  for (int i = 0; i < parts; ++i) {
    ValueId output = outputs[static_cast<size_t>(i)];
    if (squeezed) {
      ops::SqueezeAttributes squeeze;
      squeeze.axes = {axis};
      output = context.Emit(OpId::kSqueeze, {output}, squeeze, context.OutputType(i),
                            context.file().TensorName(context.OutputTensor(i)));
    }
    context.BindOutput(i, output);
  }
}

// The bounds of a slice along some axes, as Slice takes them.
struct Bounds {
  std::vector<int64_t> starts, ends, axes, steps;

  void Add(int64_t start, int64_t end, int64_t axis, int64_t step) {
    starts.push_back(start);
    ends.push_back(end);
    axes.push_back(axis);
    steps.push_back(step);
  }
};

// x where no axis is cut. The last value of an operator is its output 0: `is_last`.
ValueId EmitSlice(TfliteContext& context, ValueId x, const Bounds& bounds, bool is_last) {
  if (bounds.axes.empty()) {
    if (is_last) context.EmitOutput(OpId::kIdentity, {x}, NoAttributes{});
    return x;
  }
  std::vector<ValueId> inputs = {x, context.AddInts(bounds.starts), context.AddInts(bounds.ends),
                                 context.AddInts(bounds.axes)};
  const bool by_ones =
      std::all_of(bounds.steps.begin(), bounds.steps.end(), [](int64_t step) { return step == 1; });
  if (!by_ones) inputs.push_back(context.AddInts(bounds.steps));
  if (is_last) {
    context.EmitOutput(OpId::kSlice, inputs, nullptr, 0, 0);
    return kNone;
  }
  TensorType type = context.TypeOf(x);
  type.shape = Shape();
  const std::string_view no_name;
  return context.EmitNode(OpId::kSlice, inputs, nullptr, 0, {&type, 1}, {&no_name, 1})[0];
}

// One axis of a STRIDED_SLICE, its masks applied.
struct StridedAxis {
  int64_t begin, end, stride;
  bool from_first, to_last, is_index;
};

// Where the axis' size is known: bounds inside of it, for negative strides too. (Slice, as ONNX has it, takes
// the first element where a walk backwards begins before it.)
void AddResolved(const StridedAxis& slice, int64_t dim, int axis, Bounds* bounds) {
  const bool forward = slice.stride > 0;
  int64_t begin = slice.begin < 0 ? slice.begin + dim : slice.begin;
  int64_t end = slice.end < 0 ? slice.end + dim : slice.end;
  if (slice.from_first) begin = forward ? 0 : dim - 1;
  if (slice.is_index) {
    if (begin < 0 || begin >= dim) {
      throw ImportError(StatusCode::kDataLoss,
                        "element " + std::to_string(slice.begin) + " of " + std::to_string(dim));
    }
    return bounds->Add(begin, begin + 1, axis, 1);
  }
  if (slice.to_last) end = forward ? dim : -1;
  const int64_t low = forward ? 0 : -1;
  const int64_t high = forward ? dim : dim - 1;
  begin = std::clamp(begin, low, high);
  end = std::clamp(end, low, high);
  if (forward ? begin >= end : begin <= end) return bounds->Add(0, 0, axis, 1);
  if (forward && begin == 0 && end == dim && slice.stride == 1) return;
  bounds->Add(begin, end < 0 ? INT32_MIN : end, axis, slice.stride);
}

void AddOpen(const StridedAxis& slice, int axis, Bounds* bounds) {
  const bool forward = slice.stride > 0;
  if (slice.is_index) {
    bounds->Add(slice.begin, slice.begin == -1 ? INT32_MAX : slice.begin + 1, axis, 1);
    return;
  }
  const int64_t begin = slice.from_first ? (forward ? 0 : INT32_MAX) : slice.begin;
  const int64_t end = slice.to_last ? (forward ? INT32_MAX : INT32_MIN) : slice.end;
  if (begin != 0 || end != INT32_MAX || slice.stride != 1) bounds->Add(begin, end, axis, slice.stride);
}

}  // namespace

// Inputs: the axis, x.
void ConvertSplit(TfliteContext& context) {
  const ValueId x = context.Input(1);
  const Shape shape = context.ShapeOf(x);
  const int axis = ResolvedAxis(ConstantScalar(context, context.Input(0), "the axis"), shape.rank);
  const int parts = OutputCount(context);
  if (parts == 0 || (shape[axis] >= 0 && shape[axis] % parts != 0)) {
    throw ImportError(StatusCode::kDataLoss,
                      std::to_string(parts) + " equal parts of " + std::to_string(shape[axis]) + " elements");
  }
  EmitParts(context, x, kNone, axis, /*squeezed=*/false);
}

// Inputs: x, the sizes (one of them may be -1: the rest), the axis.
void ConvertSplitV(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  const int axis = ResolvedAxis(ConstantScalar(context, context.Input(2), "the axis"), shape.rank);
  std::vector<int64_t> sizes = context.ConstantInts(context.Input(1), "the list of sizes");
  const auto rest = std::find(sizes.begin(), sizes.end(), -1);
  if (rest != sizes.end()) {
    if (shape[axis] < 0) {
      throw ImportError(StatusCode::kUnsupported, "the rest of an axis whose size is open");
    }
    // At most 64 sizes of 32 bits, or the shape rule refuses what this wraps to.
    *rest = 0;
    uint64_t sum = 0;
    for (int64_t size : sizes) sum += static_cast<uint64_t>(size);
    *rest = static_cast<int64_t>(static_cast<uint64_t>(shape[axis]) - sum);
  }
  EmitParts(context, x, context.AddInts(sizes), axis, /*squeezed=*/false);
}

void ConvertPack(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::PackOptions>();
  const int rank = context.ShapeOf(context.Input(0)).rank;
  ops::UnsqueezeAttributes unsqueeze;
  unsqueeze.axes = {ResolvedAxis(options.axis(), rank + 1)};
  ops::ConcatAttributes attributes;
  attributes.axis = unsqueeze.axes[0];
  std::vector<ValueId> inputs;
  for (int i = 0; i < context.input_count(); ++i) {
    const ValueId x = context.Input(i);
    TensorType type = context.TypeOf(x);
    RequireEqualQuantization(context, type, context.OutputType(0));
    if (type.shape.rank != rank) throw ImportError(StatusCode::kDataLoss, "inputs of different ranks");
    type.shape = Shape();
    inputs.push_back(context.Emit(OpId::kUnsqueeze, {x}, unsqueeze, type));
  }
  context.EmitOutput(OpId::kConcat, inputs, &attributes, sizeof(attributes), 0);
}

void ConvertUnpack(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::UnpackOptions>();
  const ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  const int axis = ResolvedAxis(options.axis(), shape.rank);
  if (OutputCount(context) == 0 || (shape[axis] >= 0 && shape[axis] != OutputCount(context))) {
    throw ImportError(StatusCode::kDataLoss, std::to_string(OutputCount(context)) + " outputs for " +
                                                 std::to_string(shape[axis]) + " elements");
  }
  EmitParts(context, x, kNone, axis, /*squeezed=*/true);
}

void ConvertReverse(TfliteContext& context) {
  const ValueId x = context.Input(0);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  const ValueId operand = context.Input(1);
  if (!IsConstant(context, operand)) {
    const int count = LengthOf(context, operand, "the list of axes");
    const ValueId minus_one = Repeated(context, -1, count), to_first = Repeated(context, INT32_MIN, count);
    return context.EmitOutput(OpId::kSlice, {x, minus_one, to_first, AsInt64(context, operand), minus_one},
                              NoAttributes{});
  }
  Bounds bounds;
  for (int64_t axis : context.ConstantInts(context.Input(1), "the list of axes")) {
    bounds.Add(-1, INT32_MIN, ResolvedAxis(axis, context.ShapeOf(x).rank), -1);
  }
  EmitSlice(context, x, bounds, /*is_last=*/true);
}

// Inputs: x, begin, end, strides. Bit i of a mask speaks of entry i of these lists. An entry may also insert
// an axis (new_axis_mask) or stand for all axes that no other entry names (ellipsis_mask).
void ConvertStridedSlice(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::StridedSliceOptions>();
  const ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  for (int i = 1; i <= 3; ++i) {
    if (!IsConstant(context, context.Input(i))) return EmitStridedAtRunTime(context, options, x);
  }
  const std::vector<int64_t> begin = context.ConstantInts(context.Input(1), "begin");
  const std::vector<int64_t> end = context.ConstantInts(context.Input(2), "end");
  const std::vector<int64_t> strides = context.ConstantInts(context.Input(3), "the list of strides");
  const size_t entries = begin.size();
  if (end.size() != entries || strides.size() != entries || entries > 2 * static_cast<size_t>(kMaxRank)) {
    throw ImportError(StatusCode::kDataLoss, "begin, end and strides have " + std::to_string(entries) + ", " +
                                                 std::to_string(end.size()) + " and " +
                                                 std::to_string(strides.size()) + " entries");
  }
  const auto bit = [](int32_t mask, size_t i) { return (static_cast<uint32_t>(mask) >> i & 1) != 0; };
  const auto is_new_axis = [&](size_t i) {
    return bit(options.new_axis_mask(), i) && !bit(options.ellipsis_mask(), i);
  };
  int named = 0;  // axes of x that an entry speaks of
  int ellipses = 0;
  for (size_t i = 0; i < entries; ++i) {
    if (bit(options.ellipsis_mask(), i)) {
      ++ellipses;
    } else if (!is_new_axis(i)) {
      ++named;
    }
  }
  if (named > shape.rank || ellipses > 1) {
    throw ImportError(StatusCode::kDataLoss,
                      std::to_string(entries) + " entries for the shape " + ShapeText(shape).text);
  }
  Bounds bounds;
  std::vector<int64_t> removed;   // axes of x
  std::vector<int64_t> inserted;  // axes of the output
  int axis = 0;
  int64_t output_axis = 0;
  for (size_t i = 0; i < entries; ++i) {
    if (bit(options.ellipsis_mask(), i)) {
      axis += shape.rank - named;
      output_axis += shape.rank - named;
      continue;
    }
    if (is_new_axis(i)) {
      inserted.push_back(output_axis++);
      continue;
    }
    StridedAxis slice = {begin[i],
                         end[i],
                         strides[i],
                         bit(options.begin_mask(), i),
                         bit(options.end_mask(), i),
                         bit(options.shrink_axis_mask(), i)};
    if (options.end_is_offset()) {
      const bool counts_from_unknown_end = shape[axis] < 0 && slice.begin < 0 && !slice.from_first;
      const int64_t dim = std::max<int64_t>(shape[axis], 0);
      slice.end += slice.from_first ? 0 : slice.begin < 0 ? slice.begin + dim : slice.begin;
      // Counted from the end too, 0 and more is behind it.
      slice.to_last = counts_from_unknown_end && slice.end >= 0;
    }
    if (slice.stride == 0 || (slice.is_index && slice.stride < 0)) {
      throw ImportError(StatusCode::kDataLoss, "a stride of " + std::to_string(slice.stride));
    }
    shape[axis] >= 0 ? AddResolved(slice, shape[axis], axis, &bounds) : AddOpen(slice, axis, &bounds);
    if (slice.is_index) {
      removed.push_back(axis);
    } else {
      ++output_axis;
    }
    ++axis;
  }
  ValueId value = EmitSlice(context, x, bounds, removed.empty() && inserted.empty());
  if (!removed.empty()) {
    ops::SqueezeAttributes squeeze;
    squeeze.axes = ToList(removed, "the list of axes");
    if (inserted.empty()) return context.EmitOutput(OpId::kSqueeze, {value}, squeeze);
    TensorType type = context.TypeOf(x);
    type.shape = Shape();
    value = context.Emit(OpId::kSqueeze, {value}, squeeze, type);
  }
  if (!inserted.empty()) {
    ops::UnsqueezeAttributes unsqueeze;
    unsqueeze.axes = ToList(inserted, "the list of axes");
    context.EmitOutput(OpId::kUnsqueeze, {value}, unsqueeze);
  }
}

// Inputs: x, begin, size (-1: to the end).
void ConvertSlice(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  if (!IsConstant(context, context.Input(1)) || !IsConstant(context, context.Input(2))) {
    const ValueId from = AsInt64(context, context.Input(1)), count = AsInt64(context, context.Input(2));
    const ValueId to_last =
        context.EmitInner(OpId::kEqual, {count, Int(context, -1)}, ops::RoundingAttributes{});
    const ValueId to = Chosen(context, to_last, Int(context, INT32_MAX), Plus(context, from, count));
    return context.EmitOutput(OpId::kSlice, {x, from, to}, NoAttributes{});
  }
  const std::vector<int64_t> begin = context.ConstantInts(context.Input(1), "begin");
  const std::vector<int64_t> size = context.ConstantInts(context.Input(2), "the list of sizes");
  if (begin.size() != static_cast<size_t>(shape.rank) || size.size() != begin.size()) {
    throw ImportError(StatusCode::kDataLoss, std::to_string(begin.size()) + " begins and " +
                                                 std::to_string(size.size()) + " sizes for rank " +
                                                 std::to_string(shape.rank));
  }
  Bounds bounds;
  for (int axis = 0; axis < shape.rank; ++axis) {
    const int64_t from = begin[static_cast<size_t>(axis)];
    const int64_t count = size[static_cast<size_t>(axis)];
    int64_t end = 0;
    if (from < 0 || count < -1 || !CheckedAdd(from, std::max<int64_t>(count, 0), &end) ||
        (shape[axis] >= 0 && end > shape[axis])) {
      throw ImportError(StatusCode::kDataLoss, std::to_string(count) + " elements from " +
                                                   std::to_string(from) + " of " +
                                                   std::to_string(shape[axis]));
    }
    if (count == -1) end = INT32_MAX;
    const bool is_whole = from == 0 && (count == -1 || count == shape[axis]);
    if (!is_whole) bounds.Add(from, end, axis, 1);
  }
  EmitSlice(context, x, bounds, /*is_last=*/true);
}

}  // namespace mace::importers::tflite
