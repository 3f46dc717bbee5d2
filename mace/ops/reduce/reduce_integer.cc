#include "mace/ops/reduce/reduce_integer.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/reduce/reduce_walk.h"

namespace mace::ops {
namespace {

struct Operands {
  explicit Operands(const ReferenceContext& context)
      : attributes(context.attributes<ReduceAttributes>()),
        x(context.inputs[0]),
        y(context.outputs[0]),
        x_scale(context.input_quantization(0)->scales[0]),
        y_scale(context.output_quantization(0)->scales[0]),
        x_zero(context.input_quantization(0)->zero_points[0]),
        y_zero(context.output_quantization(0)->zero_points[0]),
        range(RangeOf(y.dtype)) {}

  int32_t Load(int64_t i) const { return LoadInteger(x.data, x.dtype, i); }
  void Store(int64_t i, int32_t units) const {
    StoreInteger(y.data, y.dtype, i, AddZeroPointAndClamp(units, y_zero, range));
  }

  const ReduceAttributes& attributes;
  const TensorView& x;
  const TensorView& y;
  float x_scale, y_scale;
  int32_t x_zero, y_zero;
  IntegerRange range;
};

// kHalfEvenFloat: the exact sum of distances to the zero point, or the outermost
// of them, times a factor in float32: x_scale / y_scale, of a mean x_scale / (y_scale * count). Of no
// elements the zero point.
Status ReduceDistances(const ReferenceContext& context) {
  const Operands o(context);
  const ReduceKind kind = o.attributes.kind;
  return ForEachReduction(context, [&](int64_t i, const ReducedElements& reduced) {
    int64_t sum = 0, count = 0, best = 0;
    reduced.ForEach([&](int64_t offset) {
      const int64_t distance = int64_t{o.Load(offset)} - o.x_zero;
      sum += distance;
      const bool better = kind == ReduceKind::kMax ? distance > best : distance < best;
      if (count++ == 0 || better) best = distance;
    });
    if (count == 0) return o.Store(i, 0);
    const float divisor = kind == ReduceKind::kMean ? static_cast<float>(count) : 1.0f;
    const int64_t distance = kind == ReduceKind::kMax || kind == ReduceKind::kMin ? best : sum;
    o.Store(i, RoundToInt32(static_cast<float>(distance) * (o.x_scale / (o.y_scale * divisor)), true));
  });
}

// Sums of no elements are a stored 0, whatever that stands for.
Status SumOrMean(const ReferenceContext& context) {
  const Operands o(context);
  const bool mean = o.attributes.kind == ReduceKind::kMean;
  const FixedPointMultiplier sum_multiplier =
      QuantizeMultiplier(static_cast<double>(o.x_scale) / static_cast<double>(o.y_scale));
  return ForEachReduction(context, [&](int64_t i, const ReducedElements& reduced) {
    int64_t sum = 0, count = 0;
    reduced.ForEach([&](int64_t offset) { sum += o.Load(offset), ++count; });
    if (count == 0) return StoreInteger(o.y.data, o.y.dtype, i, 0);
    const FixedPointMultiplier multiplier =
        mean ? MultiplierOfMean(o.x_scale, o.y_scale, count) : sum_multiplier;
    // Sums have 32 bits, and wrap.
    o.Store(i, MultiplyWithTwoRoundings(static_cast<int32_t>(sum - count * o.x_zero), multiplier));
  });
}

// Every factor is scaled by a root of the scale of the product, so that what is in between does not overflow.
// Where it does all the same it wraps.
Status Product(const ReferenceContext& context) {
  const Operands o(context);
  const int64_t results = o.y.elements();
  if (results == 0) return Status::Ok();
  const int64_t factors = o.x.elements() / results;
  const FixedPointMultiplier wide = QuantizeMultiplier(
      static_cast<double>(o.x_scale) /
      std::pow(static_cast<double>(o.y_scale), 1.0 / static_cast<double>(std::max<int64_t>(factors, 1))));
  const int64_t multiplier =
      wide.multiplier < 0x7FFF0000 ? (int64_t{wide.multiplier} + (1 << 15)) >> 16 : 0x7FFF;
  const int shift = std::clamp(15 - wide.exponent, 1, 62);
  const auto scale = [&](int64_t product) {
    return static_cast<int32_t>((product * multiplier + (int64_t{1} << (shift - 1))) >> shift);
  };
  return ForEachReduction(context, [&](int64_t i, const ReducedElements& reduced) {
    int32_t product = 0;
    bool first = true;
    reduced.ForEach([&](int64_t offset) {
      const int32_t factor = o.Load(offset) - o.x_zero;
      product = first ? factor : scale(int64_t{product} * factor);
      first = false;
    });
    o.Store(i, scale(product));
  });
}

// Of the stored values. Of no elements the maximum is the lowest value of the type.
Status Extremum(const ReferenceContext& context) {
  const Operands o(context);
  const bool maximum = o.attributes.kind == ReduceKind::kMax;
  return ForEachReduction(context, [&](int64_t i, const ReducedElements& reduced) {
    int32_t best = maximum ? o.range.low : o.range.high;
    reduced.ForEach([&](int64_t offset) {
      best = maximum ? std::max(best, o.Load(offset)) : std::min(best, o.Load(offset));
    });
    StoreInteger(o.y.data, o.y.dtype, i, best);
  });
}

}  // namespace

Status CheckReduceInteger(const InferContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  const DType dtype = context.input(0).dtype;
  if (dtype != DType::kI8 && dtype != DType::kU8 && dtype != DType::kI16) {
    return Unsupported("a reduction of quantized %s", NameOf(dtype));
  }
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "input 0"));
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), dtype, 1, "output"));
  const bool half_even = attributes.rounding == Rounding::kHalfEvenFloat;
  const Quantization& from = *context.input_quantization(0);
  const Quantization& to = *context.output_quantization(0);
  switch (attributes.kind) {
    case ReduceKind::kSum:
    case ReduceKind::kMean:
      return Status::Ok();
    case ReduceKind::kProd:
      if (!half_even) return Status::Ok();
      break;
    case ReduceKind::kMax:
    case ReduceKind::kMin:
      if (half_even) return Status::Ok();
      if (from.scales[0] == to.scales[0] && from.zero_points[0] == to.zero_points[0]) return Status::Ok();
      return Unsupported("a maximum or minimum of another scale than its elements");
    default:
      break;
  }
  return Unsupported("this reduction or rounding of quantized values");
}

FixedPointMultiplier MultiplierOfMean(float x_scale, float y_scale, int64_t count) {
  FixedPointMultiplier multiplier =
      QuantizeMultiplier(static_cast<double>(x_scale) / static_cast<double>(y_scale));
  // As many bits as the division by the count takes away, as far as the exponent allows.
  const int bits =
      std::min({63 - __builtin_clzll(static_cast<uint64_t>(count)), 32, 31 + multiplier.exponent});
  multiplier.multiplier = static_cast<int32_t>((int64_t{multiplier.multiplier} << bits) / count);
  multiplier.exponent -= bits;
  return multiplier;
}

Status ReferenceReduceInteger(const ReferenceContext& context) {
  const auto& attributes = context.attributes<ReduceAttributes>();
  if (attributes.rounding == Rounding::kHalfEvenFloat) return ReduceDistances(context);
  switch (attributes.kind) {
    case ReduceKind::kProd:
      return Product(context);
    case ReduceKind::kMax:
    case ReduceKind::kMin:
      return Extremum(context);
    default:
      return SumOrMean(context);
  }
}

}  // namespace mace::ops
