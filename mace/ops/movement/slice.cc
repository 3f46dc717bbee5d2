#include <algorithm>
#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

// One axis of a slice: `count` elements from `start`, `step` apart.
struct SliceAxis {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

// ONNX's rule: negative bounds count from the end, then bounds are clamped to what the step can reach.
Status ResolveSlice(int64_t dim, int64_t start, int64_t end, int64_t step, SliceAxis* slice) {
  if (step == 0) return InvalidArgument("a step of 0");
  if (dim == 0) {
    *slice = SliceAxis();
    return Status::Ok();
  }
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  slice->step = step;
  slice->count = 0;
  // The distance and the magnitude of the step as unsigned numbers: the lowest int64 has no negative.
  uint64_t distance = 0, stride = 0;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, dim);
    end = std::clamp<int64_t>(end, 0, dim);
    if (end > start) distance = static_cast<uint64_t>(end) - static_cast<uint64_t>(start);
    stride = static_cast<uint64_t>(step);
  } else {
    start =
        std::clamp<int64_t>(start, 0, dim - 1);  // unlike NumPy, which takes nothing from before the first
    end = std::clamp<int64_t>(end, -1, dim - 1);
    if (start > end) distance = static_cast<uint64_t>(start) - static_cast<uint64_t>(end);
    stride = 0 - static_cast<uint64_t>(step);
  }
  slice->start = start;
  if (distance > 0) slice->count = static_cast<int64_t>((distance - 1) / stride + 1);
  if (slice->count == 1) slice->step = 1;  // never used; a huge one would overflow strides
  return Status::Ok();
}

// The operands of a Slice: lists of equal length, absent or unknown ones marked.
struct SliceLists {
  IntList starts, ends, axes, steps;
  bool bounds_known = false;
  bool axes_known = false;
};

// Which entry of the lists slices `axis`; kNone where none does.
Status ListedAxes(const SliceLists& lists, int count, int rank, int entry_of[kMaxRank]) {
  for (int i = 0; i < kMaxRank; ++i) entry_of[i] = kNone;
  if (count > rank) return InvalidArgument("%d slices of a tensor of rank %d", count, rank);
  for (int entry = 0; entry < count; ++entry) {
    int axis = entry;
    if (!lists.axes.empty()) MACE_RETURN_IF_ERROR(ResolveAxis(lists.axes[entry], rank, &axis));
    if (entry_of[axis] != kNone) return InvalidArgument("axis %d is sliced twice", axis);
    entry_of[axis] = entry;
  }
  return Status::Ok();
}

// A slice that keeps the whole axis whatever its size.
bool KeepsAll(const SliceLists& lists, int entry) {
  const int64_t step = lists.steps.empty() ? 1 : lists.steps[entry];
  return step == 1 && lists.starts[entry] == 0 && lists.ends[entry] >= INT64_C(0x7fffffff);
}

Status InferSlice(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  const Shape& x = context.input(0).shape;
  for (int input = 1; input < context.input_count(); ++input) {
    if (!context.has_input(input)) continue;
    MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kI64, DType::kI32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
    int64_t length = 0;
    if (!MergeDim(context.input(input).shape[0], context.input(1).shape[0], &length)) {
      return InvalidArgument("the lists of the slice have different lengths");
    }
  }
  SliceLists lists;
  lists.bounds_known = context.KnownInts(1, &lists.starts) && context.KnownInts(2, &lists.ends) &&
                       (!context.has_input(4) || context.KnownInts(4, &lists.steps));
  lists.axes_known = !context.has_input(3) || context.KnownInts(3, &lists.axes);
  const int64_t count = context.input(1).shape[0];
  if (count > x.rank) {
    return InvalidArgument("%lld slices of a tensor of rank %d", static_cast<long long>(count), x.rank);
  }
  Shape shape = x;
  if (count < 0 || !lists.axes_known) {  // any axis may be cut
    for (int axis = 0; axis < x.rank; ++axis) shape[axis] = kUnknownDim;
    context.SetOutput(0, context.input(0).dtype, shape);
    return Status::Ok();
  }
  int entry_of[kMaxRank];
  MACE_RETURN_IF_ERROR(ListedAxes(lists, static_cast<int>(count), x.rank, entry_of));
  for (int axis = 0; axis < x.rank; ++axis) {
    const int entry = entry_of[axis];
    if (entry == kNone) continue;
    if (!lists.bounds_known) {
      shape[axis] = kUnknownDim;
      continue;
    }
    const int64_t step = lists.steps.empty() ? 1 : lists.steps[entry];
    SliceAxis slice;
    MACE_RETURN_IF_ERROR(
        ResolveSlice(std::max<int64_t>(x[axis], 0), lists.starts[entry], lists.ends[entry], step, &slice));
    shape[axis] = x[axis] >= 0 ? slice.count : (KeepsAll(lists, entry) ? x[axis] : kUnknownDim);
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReadList(const ReferenceContext& context, int input, IntList* list) {
  if (!context.has_input(input)) return Status::Ok();
  const TensorView& view = context.inputs[input];
  if (!IsIntVector(view) || view.elements() > IntList::capacity()) {
    return InvalidArgument("input %d is not a short list of integers", input);
  }
  for (int64_t i = 0; i < view.elements(); ++i) list->Push(ReadInt(view, i));
  return Status::Ok();
}

Status ReferenceSlice(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& output = context.outputs[0];
  SliceLists lists;
  MACE_RETURN_IF_ERROR(ReadList(context, 1, &lists.starts));
  MACE_RETURN_IF_ERROR(ReadList(context, 2, &lists.ends));
  MACE_RETURN_IF_ERROR(ReadList(context, 3, &lists.axes));
  MACE_RETURN_IF_ERROR(ReadList(context, 4, &lists.steps));
  if (output.elements() == 0) return Status::Ok();
  int entry_of[kMaxRank];
  MACE_RETURN_IF_ERROR(ListedAxes(lists, lists.starts.size(), x.shape.rank, entry_of));
  int64_t x_strides[kMaxRank], strides[kMaxRank] = {};
  ContiguousStrides(x.shape, x_strides);
  int64_t first = 0;
  for (int axis = 0; axis < x.shape.rank; ++axis) {
    strides[axis] = x_strides[axis];
    const int entry = entry_of[axis];
    if (entry == kNone) continue;
    SliceAxis slice;
    MACE_RETURN_IF_ERROR(ResolveSlice(x.shape[axis], lists.starts[entry], lists.ends[entry],
                                      lists.steps.empty() ? 1 : lists.steps[entry], &slice));
    if (slice.count != output.shape[axis]) return InvalidArgument("the bounds changed since planning");
    first += slice.start * x_strides[axis];
    strides[axis] = x_strides[axis] * slice.step;
  }
  const auto size = static_cast<int64_t>(BytesOf(x.dtype));
  auto* y = static_cast<uint8_t*>(output.data);
  for (StridedWalk<1> walk(output.shape, {strides}); !walk.done(); walk.Next(), y += size) {
    std::memcpy(y, x.as<uint8_t>() + (first + walk.offset(0)) * size, static_cast<size_t>(size));
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSliceDefinition = {
    .name = "Slice",
    .min_inputs = 3,
    .max_inputs = 5,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1, 2, 3, 4}),
    .infer = InferSlice,
    .reference = ReferenceSlice,
};

}  // namespace mace::ops
