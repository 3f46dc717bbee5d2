#include "mace/ops/reduce/reduce.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"
#include "mace/ops/reduce/reduce_integer.h"

namespace mace::ops {

namespace {

Status ReducedAxes(const IntList& axes, int rank, bool reduced[kMaxRank]) {
  for (int i = 0; i < kMaxRank; ++i) reduced[i] = axes.empty();
  for (int64_t listed : axes) {
    int axis = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis(listed, rank, &axis));
    reduced[axis] = true;
  }
  return Status::Ok();
}

bool IsQuantized(DType dtype) { return dtype == DType::kU8 || dtype == DType::kI8 || dtype == DType::kI16; }

Status InferReduce(InferContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  if (IsQuantized(context.input(0).dtype) && context.input_quantization(0) != nullptr) {
    MACE_RETURN_IF_ERROR(CheckQuantizedReduce(context, attributes));
  } else {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kI32, DType::kI64}));
  }
  const Shape& x = context.input(0).shape;
  bool reduced[kMaxRank];
  MACE_RETURN_IF_ERROR(ReducedAxes(attributes.axes, x.rank, reduced));
  Shape shape;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (!reduced[axis]) {
      shape.Push(x[axis]);
    } else if (attributes.keep_dims) {
      shape.Push(1);
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// One result: elements are added one at a time. Floats are accumulated in double, integers modulo 2^64.
template <typename T>
class Accumulator {
 public:
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

  explicit Accumulator(ReduceKind kind) : kind_(kind), sum_(kind == ReduceKind::kProd ? 1 : 0) {
    // Of no elements the maximum is the lowest number there is, as ONNX says.
    if constexpr (std::is_floating_point_v<T>) {
      best_ =
          kind == ReduceKind::kMax ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    } else {
      best_ = kind == ReduceKind::kMax ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
    }
  }
  void Add(T x) {
    ++count_;
    switch (kind_) {
      case ReduceKind::kMax:
        if (x > best_ || x != x) best_ = x;  // a NaN stays
        break;
      case ReduceKind::kMin:
        if (x < best_ || x != x) best_ = x;
        break;
      case ReduceKind::kProd:
        sum_ *= static_cast<Sum>(x);
        break;
      case ReduceKind::kL2:
        squares_ += static_cast<double>(x) * static_cast<double>(x);
        break;
      case ReduceKind::kSumSquare:
        sum_ += static_cast<Sum>(x) * static_cast<Sum>(x);
        break;
      default:
        sum_ += static_cast<Sum>(x);
    }
  }
  T Result() const {
    switch (kind_) {
      case ReduceKind::kMax:
      case ReduceKind::kMin:
        return best_;
      case ReduceKind::kL2: {
        const double root = std::sqrt(squares_);
        if constexpr (std::is_floating_point_v<T>) {
          return static_cast<T>(root);
        } else {
          const double behind = std::ldexp(1.0, std::numeric_limits<T>::digits);
          return root < behind ? static_cast<T>(root) : std::numeric_limits<T>::max();
        }
      }
      case ReduceKind::kMean:
        if constexpr (std::is_floating_point_v<T>) {
          return static_cast<T>(sum_ / static_cast<double>(count_));  // of no elements: NaN
        } else {
          return count_ == 0 ? T{0} : static_cast<T>(static_cast<int64_t>(sum_) / count_);
        }
      default:
        return static_cast<T>(sum_);
    }
  }

 private:
  ReduceKind kind_;
  Sum sum_;
  double squares_ = 0;
  T best_;
  int64_t count_ = 0;
};

// Two walks over x: the outer one over the kept axes, the inner one over the reduced ones. `begin()` gives
// the accumulator of a result.
template <typename T, typename Begin>
Status ReduceAs(const ReferenceContext& context, const Begin& begin) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  const Shape& x = context.inputs[0].shape;
  if (context.outputs[0].elements() == 0) return Status::Ok();
  bool reduced[kMaxRank];
  MACE_RETURN_IF_ERROR(ReducedAxes(attributes.axes, x.rank, reduced));
  int64_t x_strides[kMaxRank], kept_strides[kMaxRank], reduced_strides[kMaxRank];
  ContiguousStrides(x, x_strides);
  Shape kept, inner;
  for (int axis = 0; axis < x.rank; ++axis) {
    (reduced[axis] ? reduced_strides[inner.rank] : kept_strides[kept.rank]) = x_strides[axis];
    (reduced[axis] ? inner : kept).Push(x[axis]);
  }
  const T* elements = context.inputs[0].template as<T>();
  T* y = context.outputs[0].template as<T>();
  for (StridedWalk<1> outer(kept, {kept_strides}); !outer.done(); outer.Next()) {
    auto accumulator = begin();
    for (StridedWalk<1> walk(inner, {reduced_strides}); !walk.done(); walk.Next()) {
      accumulator.Add(elements[outer.offset(0) + walk.offset(0)]);
    }
    *y++ = static_cast<T>(accumulator.Result());
  }
  return Status::Ok();
}

Status ReferenceReduce(const ReferenceContext& context) {
  const ReduceKind kind = context.attributes<ReduceAttributes>().kind;
  const DType dtype = context.inputs[0].dtype;
  if (const Quantization* x = context.input_quantization(0); IsQuantized(dtype) && x != nullptr) {
    const Quantization& y = *context.output_quantization(0);
    return DispatchDType<uint8_t, int8_t, int16_t>(dtype, [&](auto zero) {
      return ReduceAs<decltype(zero)>(context, [&] { return QuantizedAccumulator(kind, *x, y, dtype); });
    });
  }
  return DispatchDType<float, int32_t, int64_t>(dtype, [&](auto zero) {
    using T = decltype(zero);
    return ReduceAs<T>(context, [&] { return Accumulator<T>(kind); });
  });
}

}  // namespace

constinit const OpDefinition kReduceDefinition = {
    .name = "Reduce",
    .flags = kOpCheap,
    .attributes = AttributeInfoOf<ReduceAttributes>(),
    .infer = InferReduce,
    .reference = ReferenceReduce,
};

}  // namespace mace::ops
