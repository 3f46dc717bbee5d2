#include "mace/kernels/quantize/quantized_binary.h"

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/quantize/quantize.h"
#include "mace/kernels/quantize/quantize_test_support.h"

namespace mace::kernels {
namespace {

// A shape, and two that broadcast to it.
void AnyShapes(Random& random, Shape* a, Shape* b) {
  const int rank = static_cast<int>(Pick(random, 0, 4));
  Shape whole[2];
  for (int i = 0; i < rank; ++i) {
    const int64_t most = i == rank - 1 && Pick(random, 0, 3) == 0 ? 100 : 7;
    const int64_t dim = Pick(random, Pick(random, 0, 9) == 0 ? 0 : 1, most);
    const int64_t kind = Pick(random, 0, 5);
    whole[0].Push(kind == 0 ? 1 : dim);
    whole[1].Push(kind == 1 ? 1 : dim);
  }
  if (Pick(random, 0, 5) == 0) whole[0] = Shape();
  if (Pick(random, 0, 5) == 0) whole[1] = Shape();
  *a = whole[0];
  *b = whole[1];
}

// The element of an operand that output element `index` reads.
int64_t SourceOf(const Shape& operand, const Shape& output, int64_t index) {
  int64_t offset = 0, stride = 1;
  for (int i = output.rank - 1, j = operand.rank - 1; i >= 0; --i, --j) {
    const int64_t position = index % output[i];
    index /= output[i];
    if (j < 0) continue;
    if (operand[j] != 1) offset += position * stride;
    stride *= operand[j];
  }
  return offset;
}

int64_t Combined(BinaryOp op, int64_t a, int64_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(op == BinaryOp::kAdd   ? a + b
                                                    : op == BinaryOp::kSub ? a - b
                                                                           : a * b));
}

template <typename T>
void CheckBinary(Isa isa, Random& random) {
  constexpr BinaryOp kOps[] = {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul};
  QuantizedBinaryParams params;
  params.op = kOps[Pick(random, 0, 2)];
  params.type = DTypeOf<T>();
  params.rounding = static_cast<FixedRounding>(Pick(random, 0, 2));
  AnyShapes(random, &params.a, &params.b);
  params.left_shift = static_cast<int32_t>(sizeof(T) == 1 ? 20 : 15);
  for (int i = 0; i < 2; ++i) {
    params.input_zeros[i] = sizeof(T) == 2 ? 0 : AnyInteger<T>(random);
    params.input_scales[i] = {AnyMultiplier(random), static_cast<int32_t>(Pick(random, -9, 0))};
    params.input_reals[i] = std::ldexp(static_cast<float>(Pick(random, 1, 999)), -12);
  }
  params.output_zero = AnyInteger<T>(random);
  params.output_scale = {AnyMultiplier(random), params.op == BinaryOp::kMul
                                                    ? AnyExponent(random)
                                                    : static_cast<int32_t>(Pick(random, -22, -8))};
  params.output_real = std::ldexp(static_cast<float>(Pick(random, 1, 999)), -11);
  params.low = std::numeric_limits<T>::min();
  params.high = std::numeric_limits<T>::max();
  if (Pick(random, 0, 2) == 0) {
    const int32_t bounds[] = {AnyInteger<T>(random), AnyInteger<T>(random)};
    params.low = std::min(bounds[0], bounds[1]);
    params.high = std::max(bounds[0], bounds[1]);
  }
  ASSERT_TRUE(PrepareQuantizedBinary(&params).ok());
  Guarded<T> a(params.a.ElementCount()), b(params.b.ElementCount()), out(params.output.ElementCount());
  for (T& value : a) value = AnyInteger<T>(random);
  for (T& value : b) value = AnyInteger<T>(random);
  RunTiles(KernelsOf(isa).quantize->binary, &params, {a.data(), b.data(), out.data()}, params.tile_count, 0,
           random);
  for (int64_t i = 0; i < params.output.ElementCount(); ++i) {
    const int64_t x = a[SourceOf(params.a, params.output, i)] - params.input_zeros[0];
    const int64_t y = b[SourceOf(params.b, params.output, i)] - params.input_zeros[1];
    int64_t value = 0;
    if (params.rounding == FixedRounding::kFloatHalfEven) {
      const float left = params.input_reals[0] * static_cast<float>(x);
      const float right = params.input_reals[1] * static_cast<float>(y);
      const float real = params.op == BinaryOp::kAdd   ? left + right
                         : params.op == BinaryOp::kSub ? left - right
                                                       : left * right;
      value =
          std::llround(std::nearbyint(std::clamp(static_cast<double>(real / params.output_real), -1e9, 1e9)));
    } else if (params.op == BinaryOp::kMul) {
      value = Scaled(static_cast<int32_t>(x * y), params.output_scale, params.rounding);
    } else {
      const int64_t left =
          Scaled(static_cast<int32_t>(x << params.left_shift), params.input_scales[0], params.rounding);
      const int64_t right =
          Scaled(static_cast<int32_t>(y << params.left_shift), params.input_scales[1], params.rounding);
      value = Scaled(static_cast<int32_t>(Combined(params.op, left, right)), params.output_scale,
                     params.rounding);
    }
    ASSERT_EQ(out[i], std::clamp<int64_t>(value + params.output_zero, params.low, params.high))
        << NameOf(isa) << " op " << static_cast<int>(params.op) << " rounding "
        << static_cast<int>(params.rounding) << " element " << i << ": " << x << ", " << y;
  }
}

TEST(QuantizedBinary, EveryTypeOperatorRoundingAndBroadcast) {
  Random random(4);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 400; ++round) {
      CheckBinary<int8_t>(isa, random);
      CheckBinary<uint8_t>(isa, random);
      CheckBinary<int16_t>(isa, random);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace mace::kernels
