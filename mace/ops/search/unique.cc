#include <algorithm>
#include <cstring>

#include "mace/core/memory.h"
#include "mace/ops/common.h"
#include "mace/ops/search/selection.h"

namespace mace::ops {

namespace {

enum Output { kElements = 0, kFirst = 1, kInverse = 2, kCounts = 3 };

Status InferUnique(InferContext& context) {
  const auto& attributes = context.attributes<UniqueAttributes>();
  MACE_RETURN_IF_ERROR(
      ExpectDType(context, 0,
                  {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32,
                   DType::kU32, DType::kI64, DType::kU64, DType::kBool}));
  const Shape& x = context.input(0).shape;
  Shape shape = {kUnknownDim};
  int64_t slices = 1;
  if (attributes.along_axis) {
    int axis = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.rank, &axis));
    shape = x;
    shape[axis] = kUnknownDim;
    slices = x[axis];
  } else {
    for (int i = 0; i < x.rank; ++i) MACE_RETURN_IF_ERROR(MultiplyDims(slices, x[i], &slices));
  }
  context.SetOutput(kElements, context.input(0).dtype, shape);
  context.SetOutput(kFirst, DType::kI64, {kUnknownDim});
  context.SetOutput(kInverse, DType::kI64, {slices});
  context.SetOutput(kCounts, DType::kI64, {kUnknownDim});
  return Status::Ok();
}

// x as [outer, count, inner]: slice i is [:, i, :].
struct Slices {
  int64_t outer = 1;
  int64_t count = 1;
  int64_t inner = 1;
};

// -1, 0 or 1; a NaN is above every number and equals a NaN.
template <typename T>
int Compare(T a, T b) {
  if (a < b) return -1;
  if (b < a) return 1;
  return static_cast<int>(a != a) - static_cast<int>(b != b);
}

template <typename T>
int CompareSlices(const T* x, const Slices& slices, int64_t a, int64_t b) {
  for (int64_t o = 0; o < slices.outer; ++o) {
    const T* row = x + o * slices.count * slices.inner;
    for (int64_t i = 0; i < slices.inner; ++i) {
      const int order = Compare(row[a * slices.inner + i], row[b * slices.inner + i]);
      if (order != 0) return order;
    }
  }
  return 0;
}

// A distinct slice: a run of equal ones in sorted order.
struct Group {
  int64_t first;  // slice of x: the run's lowest
  int64_t begin;  // of the run
  int64_t count;
};

Result<int64_t*> AllocateInts(const DynamicContext& context, int output, int64_t count) {
  if (!context.has_output(output)) return static_cast<int64_t*>(nullptr);
  MACE_ASSIGN_OR_RETURN(const TensorView view, context.outputs->Allocate(output, DType::kI64, {count}));
  return static_cast<int64_t*>(view.data);
}

// `order` is null where it is the one that the slices have.
Status WriteGroups(const DynamicContext& context, const Slices& slices, int axis, const int64_t* order,
                   const Group* groups, int64_t count) {
  const TensorView& x = context.inputs[0];
  if (context.has_output(kElements)) {
    Shape shape = {count};
    if (context.attributes<UniqueAttributes>().along_axis) {
      shape = x.shape;
      shape[axis] = count;
    }
    MACE_ASSIGN_OR_RETURN(const TensorView y, context.outputs->Allocate(kElements, x.dtype, shape));
    const int64_t bytes = slices.inner * BytesOf(x.dtype);
    auto* target = static_cast<uint8_t*>(y.data);
    for (int64_t o = 0; o < slices.outer && bytes > 0; ++o) {
      for (int64_t i = 0; i < count; ++i, target += bytes) {
        std::memcpy(target, x.as<uint8_t>() + (o * slices.count + groups[i].first) * bytes,
                    static_cast<size_t>(bytes));
      }
    }
  }
  MACE_ASSIGN_OR_RETURN(int64_t* const firsts, AllocateInts(context, kFirst, count));
  MACE_ASSIGN_OR_RETURN(int64_t* const inverse, AllocateInts(context, kInverse, slices.count));
  MACE_ASSIGN_OR_RETURN(int64_t* const counts, AllocateInts(context, kCounts, count));
  for (int64_t i = 0; i < count; ++i) {
    if (firsts != nullptr) firsts[i] = groups[i].first;
    if (counts != nullptr) counts[i] = groups[i].count;
    for (int64_t k = 0; inverse != nullptr && k < groups[i].count; ++k) {
      inverse[order == nullptr ? k : order[groups[i].begin + k]] = i;
    }
  }
  return Status::Ok();
}

template <typename T>
Status UniqueAs(const DynamicContext& context, const Slices& slices, int axis) {
  const T* x = context.inputs[0].as<T>();
  const auto slots = static_cast<size_t>(slices.count);
  MACE_ASSIGN_OR_RETURN(Buffer order_memory, Buffer::Allocate(slots * sizeof(int64_t)));
  auto* order = reinterpret_cast<int64_t*>(order_memory.data());
  for (int64_t i = 0; i < slices.count; ++i) order[i] = i;
  std::sort(order, order + slices.count, [&](int64_t a, int64_t b) {
    const int compared = CompareSlices(x, slices, a, b);
    return compared != 0 ? compared < 0 : a < b;
  });
  MACE_ASSIGN_OR_RETURN(Buffer group_memory, Buffer::Allocate(slots * sizeof(Group)));
  auto* groups = reinterpret_cast<Group*>(group_memory.data());
  int64_t count = 0;
  for (int64_t i = 0; i < slices.count; ++i) {
    if (i > 0 && CompareSlices(x, slices, order[i - 1], order[i]) == 0) {
      ++groups[count - 1].count;
    } else {
      groups[count++] = {order[i], i, 1};
    }
  }
  if (!context.attributes<UniqueAttributes>().sorted) {
    std::sort(groups, groups + count, [](const Group& a, const Group& b) { return a.first < b.first; });
  }
  return WriteGroups(context, slices, axis, order, groups, count);
}

Status EvaluateUnique(const DynamicContext& context) {
  const auto& attributes = context.attributes<UniqueAttributes>();
  const TensorView& x = context.inputs[0];
  Slices slices;
  int axis = 0;
  if (attributes.along_axis) {
    MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.shape.rank, &axis));
    slices = {x.shape.Product(0, axis), x.shape[axis], x.shape.Product(axis + 1, x.shape.rank)};
    if (slices.outer < 0 || slices.inner < 0)
      return InvalidArgument("%s is too large", ShapeText(x.shape).text);
  } else {
    slices.count = x.elements();
  }
  if (slices.count > INT64_MAX / static_cast<int64_t>(sizeof(Group))) {
    return InvalidArgument("%s is too large", ShapeText(x.shape).text);
  }
  if (slices.outer == 0 || slices.inner == 0) {
    // Slices without elements are equal. There may be any number of them: nothing is done for each.
    const Group all = {0, 0, slices.count};
    return WriteGroups(context, slices, axis, nullptr, &all, slices.count > 0 ? 1 : 0);
  }
  const DType dtype = x.dtype == DType::kBool ? DType::kU8 : x.dtype;
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(dtype,
                                 [&](auto zero) { return UniqueAs<decltype(zero)>(context, slices, axis); });
}

}  // namespace

constinit const OpDefinition kUniqueDefinition = {
    .name = "Unique",
    .max_outputs = 4,
    .attributes = AttributeInfoOf<UniqueAttributes>(),
    .infer = InferUnique,
    .evaluate = EvaluateUnique,
};

}  // namespace mace::ops
