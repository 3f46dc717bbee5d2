#include <algorithm>
#include <cstring>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/movement/movement.h"

namespace mace::ops {

namespace {

// The padded size of one axis, and whether the mode can fill it. A negative pad cuts off first; what is left
// is repeated or mirrored.
Status PaddedDim(PadMode mode, int64_t dim, int64_t begin, int64_t end, int64_t* padded) {
  int64_t kept = 0;
  if (!CheckedAdd(dim, std::min<int64_t>(begin, 0), &kept) ||
      !CheckedAdd(kept, std::min<int64_t>(end, 0), &kept) ||
      !CheckedAdd(kept, std::max<int64_t>(begin, 0), padded) ||
      !CheckedAdd(*padded, std::max<int64_t>(end, 0), padded) || *padded < 0) {
    return InvalidArgument("padding of %lld and %lld around %lld elements", static_cast<long long>(begin),
                           static_cast<long long>(end), static_cast<long long>(dim));
  }
  if (mode == PadMode::kConstant || kept > 0 || (kept == 0 && *padded == 0)) return Status::Ok();
  return InvalidArgument("padding of %lld and %lld leaves nothing to repeat of %lld elements",
                         static_cast<long long>(begin), static_cast<long long>(end),
                         static_cast<long long>(dim));
}

Status CheckPadCount(int64_t count, int64_t axes) {
  if (count < 0 || axes < 0 || count == 2 * axes) return Status::Ok();
  return InvalidArgument("%lld pads for %lld axes", static_cast<long long>(count),
                         static_cast<long long>(axes));
}

Status CheckOperands(const InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  int64_t axes = context.input(0).shape.rank;
  if (context.has_input(3)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 3, {DType::kI64, DType::kI32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 3, 1));
    axes = context.input(3).shape[0];
    if (axes > kMaxRank) return InvalidArgument("%lld axes", static_cast<long long>(axes));
  }
  MACE_RETURN_IF_ERROR(CheckPadCount(context.input(1).shape[0], axes));
  if (!context.has_input(2)) return Status::Ok();
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 0));
  const Shape& value = context.input(2).shape;
  if (value.rank == 0 || (value.rank == 1 && (value[0] < 0 || value[0] == 1))) return Status::Ok();
  return InvalidArgument("the padding value has the shape %s, expected a scalar", ShapeText(value).text);
}

Status InferPad(InferContext& context) {
  const auto& attributes = context.attributes<PadAttributes>();
  MACE_RETURN_IF_ERROR(CheckOperands(context));
  const Shape& x = context.input(0).shape;
  Shape shape = x;
  const TensorView* pads = context.known(1);
  const TensorView* axes = context.has_input(3) ? context.known(3) : nullptr;
  if (pads == nullptr || (context.has_input(3) && axes == nullptr)) {
    for (int axis = 0; axis < x.rank; ++axis) shape[axis] = kUnknownDim;
    context.SetOutput(0, context.input(0).dtype, shape);
    return Status::Ok();
  }
  PadAmounts amounts;
  MACE_RETURN_IF_ERROR(ResolvePads(*pads, axes, x.rank, &amounts));
  for (int axis = 0; axis < x.rank; ++axis) {
    const int64_t begin = amounts.begin[axis], end = amounts.end[axis];
    if (begin == 0 && end == 0) continue;
    if (x[axis] < 0) {
      shape[axis] = kUnknownDim;
      continue;
    }
    MACE_RETURN_IF_ERROR(PaddedDim(attributes.mode, x[axis], begin, end, &shape[axis]));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

int64_t Modulo(int64_t a, int64_t b) { return a % b < 0 ? a % b + b : a % b; }

// One axis of the output: where each of its elements comes from.
struct AxisSource {
  PadMode mode;
  int64_t begin = 0;  // pad in front, negative where elements are cut off
  int64_t first = 0;  // of the elements of x that are kept
  int64_t kept = 0;   // how many are

  // -1: from the padding value.
  int64_t Of(int64_t place) const {
    const int64_t index = place - std::max<int64_t>(begin, 0);
    if (index >= 0 && index < kept) return first + index;
    switch (mode) {
      case PadMode::kReflect: {
        const int64_t period = std::max<int64_t>(2 * (kept - 1), 1);
        const int64_t turn = Modulo(index, period);
        return first + (turn < kept ? turn : period - turn);
      }
      case PadMode::kSymmetric: {
        const int64_t turn = Modulo(index, 2 * kept);
        return first + (turn < kept ? turn : 2 * kept - 1 - turn);
      }
      case PadMode::kEdge:
        return first + (index < 0 ? 0 : kept - 1);
      case PadMode::kWrap:
        return first + Modulo(index, kept);
      default:
        return -1;
    }
  }
};

// Rows of the last axis at a time; what lies between its pads is one block.
template <typename T>
void PadRows(const TensorView& x, const AxisSource* axes, T value, const TensorView& output) {
  const int last = x.shape.rank - 1;
  int64_t strides[kMaxRank];
  ContiguousStrides(x.shape, strides);
  T* y = static_cast<T*>(output.data);
  const int64_t columns = output.shape[last];
  const int64_t lead = std::clamp<int64_t>(axes[last].begin, 0, columns);
  const int64_t middle = std::clamp<int64_t>(axes[last].kept, 0, columns - lead);
  Shape rows = output.shape;
  rows[last] = 1;
  for (StridedWalk<1> walk(rows, {strides}); !walk.done(); walk.Next(), y += columns) {
    int64_t offset = 0;
    bool inside = true;
    for (int axis = 0; axis < last && inside; ++axis) {
      const int64_t source = axes[axis].Of(walk.index(axis));
      inside = source >= 0;
      offset += source * strides[axis];
    }
    if (!inside) {
      std::fill(y, y + columns, value);
      continue;
    }
    const T* row = x.as<T>() + offset;
    for (int64_t i = 0; i < columns; ++i) {
      if (i == lead && middle > 0) {
        std::memcpy(y + lead, row + axes[last].first, static_cast<size_t>(middle) * sizeof(T));
        i += middle - 1;
        continue;
      }
      const int64_t source = axes[last].Of(i);
      y[i] = source >= 0 ? row[source] : value;
    }
  }
}

Status ReferencePad(const ReferenceContext& context) {
  const PadMode mode = context.attributes<PadAttributes>().mode;
  const TensorView& x = context.inputs[0];
  const TensorView& output = context.outputs[0];
  const int rank = x.shape.rank;
  if (output.elements() == 0) return Status::Ok();
  PadAmounts amounts;
  MACE_RETURN_IF_ERROR(
      ResolvePads(context.inputs[1], context.has_input(3) ? &context.inputs[3] : nullptr, rank, &amounts));
  AxisSource axes[kMaxRank];
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t begin = amounts.begin[axis], end = amounts.end[axis];
    int64_t padded = 0;
    MACE_RETURN_IF_ERROR(PaddedDim(mode, x.shape[axis], begin, end, &padded));
    if (padded != output.shape[axis]) return InvalidArgument("the padding changed since planning");
    const int64_t dim = x.shape[axis];
    const int64_t first = begin < 0 ? -std::max(begin, -dim) : 0;
    const int64_t cut = end < 0 ? -std::max(end, -dim) : 0;
    axes[axis] = {mode, begin, first, std::max<int64_t>(dim - first - cut, 0)};
  }
  return DispatchElementSize(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (rank == 0) {
      *static_cast<T*>(output.data) = *x.as<T>();
      return Status::Ok();
    }
    const bool has_value = mode == PadMode::kConstant && context.has_input(2);
    PadRows<T>(x, axes, has_value ? *context.inputs[2].as<T>() : T{}, output);
    return Status::Ok();
  });
}

}  // namespace

Status ResolvePads(const TensorView& pads, const TensorView* axes, int rank, PadAmounts* amounts) {
  *amounts = PadAmounts();
  const int64_t count = axes == nullptr ? rank : axes->elements();
  MACE_RETURN_IF_ERROR(CheckPadCount(pads.elements(), count));
  bool seen[kMaxRank] = {};
  for (int64_t i = 0; i < count; ++i) {
    int axis = static_cast<int>(i);
    if (axes != nullptr) MACE_RETURN_IF_ERROR(ResolveAxis(ReadInt(*axes, i), rank, &axis));
    if (seen[axis]) return InvalidArgument("axis %d is padded twice", axis);
    seen[axis] = true;
    amounts->begin[axis] = ReadInt(pads, i);
    amounts->end[axis] = ReadInt(pads, count + i);
  }
  return Status::Ok();
}

constinit const OpDefinition kPadDefinition = {
    .name = "Pad",
    .min_inputs = 2,
    .max_inputs = 4,
    .flags = kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1, 3}),
    .attributes = AttributeInfoOf<PadAttributes>(),
    .infer = InferPad,
    .reference = ReferencePad,
};

}  // namespace mace::ops
