#include "mace/ops/search/top_k.h"

#include <algorithm>

#include "mace/core/memory.h"

namespace mace::ops {
namespace {

enum Output { kValues = 0, kPlaces = 1 };

Status Infer(InferContext& context) {
  const auto& attributes = context.attributes<TopKAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0,
                                   {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16,
                                    DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
  if (attributes.index_type != DType::kI32 && attributes.index_type != DType::kI64) {
    return Unsupported("places as %s, expected i32 or i64", NameOf(attributes.index_type));
  }
  Shape shape = context.input(0).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, shape.rank, &axis));
  const int64_t size = shape[axis];
  if (size > INT32_MAX) return InvalidArgument("axis %d of %s is too long", axis, ShapeText(shape).text);
  IntList k;
  shape[axis] = kUnknownDim;
  if (context.KnownInts(1, &k)) {
    if (k.size() != 1) return InvalidArgument("k has %d elements, expected one", k.size());
    if (k[0] < 0 || k[0] > (size < 0 ? INT32_MAX : size)) {
      return InvalidArgument("the best %lld of axis %d of %s", static_cast<long long>(k[0]), axis,
                             ShapeText(context.input(0).shape).text);
    }
    shape[axis] = k[0];
  }
  context.SetOutput(kValues, context.input(0).dtype, shape);
  context.SetOutput(kPlaces, attributes.index_type, shape);
  return Status::Ok();
}

template <typename T>
struct Candidate {
  T value;
  int32_t place;
};

template <typename T>
bool IsBetter(const Candidate<T>& a, const Candidate<T>& b, bool largest) {
  const bool a_is_nan = a.value != a.value, b_is_nan = b.value != b.value;
  if (a_is_nan || b_is_nan) return a_is_nan && b_is_nan ? a.place < b.place : b_is_nan;
  if (a.value != b.value) return largest ? a.value > b.value : a.value < b.value;
  return a.place < b.place;
}

template <typename T>
Status TopKAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<TopKAttributes>();
  const TensorView& x = context.inputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(attributes.axis, x.shape.rank, &axis));
  const Shape& result = context.outputs[context.has_output(kValues) ? kValues : kPlaces].shape;
  const int64_t size = x.shape[axis], k = result[axis];
  if (result.ElementCount() == 0) return Status::Ok();
  const int64_t outer = x.shape.Product(0, axis), inner = x.shape.Product(axis + 1, x.shape.rank);
  MACE_ASSIGN_OR_RETURN(Buffer memory, Buffer::Allocate(static_cast<size_t>(size) * sizeof(Candidate<T>)));
  auto* candidates = reinterpret_cast<Candidate<T>*>(memory.data());
  const auto better = [&](const Candidate<T>& a, const Candidate<T>& b) {
    return IsBetter(a, b, attributes.largest);
  };
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const T* from = x.as<T>() + o * size * inner + i;
      for (int64_t c = 0; c < size; ++c) candidates[c] = {from[c * inner], static_cast<int32_t>(c)};
      std::partial_sort(candidates, candidates + k, candidates + size, better);
      for (int64_t c = 0; c < k; ++c) {
        const int64_t to = (o * k + c) * inner + i;
        if (context.has_output(kValues)) context.outputs[kValues].as<T>()[to] = candidates[c].value;
        if (!context.has_output(kPlaces)) continue;
        if (attributes.index_type == DType::kI32) {
          context.outputs[kPlaces].as<int32_t>()[to] = candidates[c].place;
        } else {
          context.outputs[kPlaces].as<int64_t>()[to] = candidates[c].place;
        }
      }
    }
  }
  return Status::Ok();
}

Status Reference(const ReferenceContext& context) {
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[0].dtype,
                                 [&](auto zero) { return TopKAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kTopKDefinition = {
    .name = "TopK",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 2,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<TopKAttributes>(),
    .infer = Infer,
    .reference = Reference,
};

}  // namespace mace::ops
