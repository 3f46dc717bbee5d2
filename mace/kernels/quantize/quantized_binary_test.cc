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

int32_t Sum(BinaryOp op, int64_t a, int64_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(op == BinaryOp::kAdd ? a + b : a - b));
}

float InFloats(BinaryOp op, float a, float b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMax:
      return std::max(a, b);
    default:
      return std::min(a, b);
  }
}

// What one element must be before it is clamped.
int64_t Expected(const QuantizedBinaryParams& params, int64_t a, int64_t b) {
  if (params.arithmetic == QuantizedArithmetic::kShifted) {
    if (params.op == BinaryOp::kMax) return std::max(a, b);
    if (params.op == BinaryOp::kMin) return std::min(a, b);
    const auto shifted = [&](int64_t x, int i) {
      return std::llround(std::ldexp(static_cast<double>(x), -params.right_shifts[i]));
    };
    return Sum(params.op, shifted(a, 0), shifted(b, 1));
  }
  const int64_t x = a - params.input_zeros[0], y = b - params.input_zeros[1];
  if (params.arithmetic == QuantizedArithmetic::kFloat) {
    const float real = InFloats(params.op, params.input_reals[0] * static_cast<float>(x),
                                params.input_reals[1] * static_cast<float>(y));
    const double units = static_cast<double>(real / params.output_real);
    if (std::isnan(units)) return params.output_zero;
    return params.output_zero + std::llround(std::nearbyint(std::clamp(units, -1e9, 1e9)));
  }
  const auto scaled = [](int64_t v, FixedScale scale) {
    return Scaled(static_cast<int32_t>(static_cast<uint32_t>(v)), scale, IntegerRounding::kTwoRoundings);
  };
  if (params.op == BinaryOp::kMul) return params.output_zero + scaled(x * y, params.output_scale);
  const int64_t left = scaled(x << params.left_shift, params.input_scales[0]);
  const int64_t right = scaled(y << params.left_shift, params.input_scales[1]);
  return params.output_zero + scaled(Sum(params.op, left, right), params.output_scale);
}

template <typename T>
void FillRandomly(Random& random, QuantizedBinaryParams* params) {
  for (int i = 0; i < 2; ++i) {
    params->input_scales[i] = {AnyMultiplier(random), static_cast<int32_t>(Pick(random, -9, 0))};
    if (Pick(random, 0, 2) == 0) params->input_scales[i] = {1 << 30, 0};  // 1/2
    params->input_reals[i] = std::ldexp(static_cast<float>(Pick(random, 1, 999)), -12);
    const bool is_sum = params->op == BinaryOp::kAdd || params->op == BinaryOp::kSub;
    params->right_shifts[i] = is_sum ? static_cast<int32_t>(Pick(random, 0, 15)) : 0;
  }
  params->left_shift = params->output_type == DType::kI16 ? 15 : 20;
  const auto sum_exponent = static_cast<int32_t>(Pick(random, -22, Pick(random, 0, 3) == 0 ? 0 : -8));
  const int32_t product_exponent = Pick(random, 0, 9) == 0 ? 31 : AnyExponent(random);
  params->output_scale = {AnyMultiplier(random),
                          params->op == BinaryOp::kMul ? product_exponent : sum_exponent};
  params->output_real = std::ldexp(static_cast<float>(Pick(random, 1, 999)), -11);
  params->output_zero = AnyInteger<T>(random);
  params->low = std::numeric_limits<T>::min();
  params->high = std::numeric_limits<T>::max();
  if (Pick(random, 0, 2) == 0) {
    const int32_t bounds[] = {AnyInteger<T>(random), AnyInteger<T>(random)};
    params->low = std::min(bounds[0], bounds[1]);
    params->high = std::max(bounds[0], bounds[1]);
  }
}

template <typename A, typename B, typename T>
void CheckBinary(Isa isa, QuantizedBinaryParams params, Random& random) {
  params.input_types[0] = DTypeOf<A>();
  params.input_types[1] = DTypeOf<B>();
  params.output_type = DTypeOf<T>();
  FillRandomly<T>(random, &params);
  AnyShapes(random, &params.a, &params.b);
  if (params.output_type != DType::kI16 || params.arithmetic == QuantizedArithmetic::kFloat) {
    params.input_zeros[0] = AnyInteger<A>(random);
    params.input_zeros[1] = AnyInteger<B>(random);
  }
  ASSERT_TRUE(PrepareQuantizedBinary(&params).ok());
  Guarded<A> a(params.a.ElementCount());
  Guarded<B> b(params.b.ElementCount());
  Guarded<T> out(params.output.ElementCount());
  for (A& value : a) value = AnyInteger<A>(random);
  for (B& value : b) value = AnyInteger<B>(random);
  RunTiles(KernelsOf(isa).quantize->binary, &params, {a.data(), b.data(), out.data()}, params.tile_count, 0,
           random);
  for (int64_t i = 0; i < params.output.ElementCount(); ++i) {
    const int64_t x = a[SourceOf(params.a, params.output, i)];
    const int64_t y = b[SourceOf(params.b, params.output, i)];
    ASSERT_EQ(out[i], std::clamp<int64_t>(Expected(params, x, y), params.low, params.high))
        << NameOf(isa) << " op " << static_cast<int>(params.op) << " arithmetic "
        << static_cast<int>(params.arithmetic) << " element " << i << ": " << x << ", " << y;
  }
}

// Every pair of two bytes, in scales that make exact halves, near halves and neither: no division is spared
// that matters.
template <typename T>
void CheckAllPairs(Isa isa, QuantizedBinaryParams params, bool spares_divisions, Random& random) {
  params.input_types[0] = params.input_types[1] = params.output_type = DTypeOf<T>();
  params.arithmetic = QuantizedArithmetic::kFloat;
  params.input_zeros[0] = AnyInteger<T>(random);
  params.input_zeros[1] = AnyInteger<T>(random);
  params.output_zero = AnyInteger<T>(random);
  const int32_t bounds[] = {AnyInteger<T>(random), AnyInteger<T>(random)};
  const bool is_clamped = Pick(random, 0, 1) != 0;
  params.low = is_clamped ? std::min(bounds[0], bounds[1]) : std::numeric_limits<T>::min();
  params.high = is_clamped ? std::max(bounds[0], bounds[1]) : std::numeric_limits<T>::max();
  params.a = Shape{256, 1};
  params.b = Shape{256};
  ASSERT_TRUE(PrepareQuantizedBinary(&params).ok());
  ASSERT_EQ(params.is_float_of_bytes, spares_divisions);
  Guarded<T> a(256), b(256), out(65536), whole_a(65536), whole_b(65536), whole_out(65536);
  for (int i = 0; i < 256; ++i) a[static_cast<size_t>(i)] = b[static_cast<size_t>(i)] = static_cast<T>(i);
  for (size_t i = 0; i < 65536; ++i) whole_a[i] = a[i / 256], whole_b[i] = b[i % 256];
  const auto function = KernelsOf(isa).quantize->binary;
  RunTiles(function, &params, {a.data(), b.data(), out.data()}, params.tile_count, 0, random);
  params.a = params.b = Shape{65536};
  ASSERT_TRUE(PrepareQuantizedBinary(&params).ok());
  // In the memory of an operand.
  const bool is_first = Pick(random, 0, 1) != 0;
  for (size_t i = 0; i < 65536; ++i) whole_out[i] = is_first ? whole_a[i] : whole_b[i];
  RunTiles(function, &params,
           {is_first ? whole_out.data() : whole_a.data(), is_first ? whole_b.data() : whole_out.data(),
            whole_out.data()},
           params.tile_count, 0, random);
  for (size_t i = 0; i < 65536; ++i) {
    const auto expected = static_cast<T>(
        std::clamp<int64_t>(Expected(params, whole_a[i], whole_b[i]), params.low, params.high));
    ASSERT_EQ(out[i], expected) << NameOf(isa) << " op " << static_cast<int>(params.op) << " pair " << i;
    ASSERT_EQ(whole_out[i], expected)
        << NameOf(isa) << " op " << static_cast<int>(params.op) << " pair " << i;
  }
}

TEST(QuantizedBinary, EveryPairOfBytesInFloats) {
  Random random(9);
  const auto any_scale = [&] { return std::ldexp(static_cast<float>(Pick(random, 1 << 22, 1 << 23)), -28); };
  for (Isa isa : TestIsas()) {
    for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kMax, BinaryOp::kMin}) {
      QuantizedBinaryParams params;
      params.op = op;
      for (int round = 0; round < 6; ++round) {
        params.input_reals[0] = any_scale();
        params.input_reals[1] = any_scale();
        params.output_real = any_scale();
        if (op == BinaryOp::kMul) {
          params.output_real = params.input_reals[0] * params.input_reals[1] *
                               std::ldexp(static_cast<float>(Pick(random, 1 << 22, 1 << 23)), -15);
        }
        if (round == 1) {  // sums are whole or halves, of numbers that are not exact
          params.input_reals[1] = params.output_real = 2 * params.input_reals[0];
        } else if (round == 2) {  // the same of exact ones
          params.input_reals[0] = 0x1p-7f;
          params.input_reals[1] = params.output_real = 0x1p-6f;
        } else if (round == 3) {  // too far apart, or too small, to spare divisions
          params.output_real = 0x1p-30f;
        } else if (round == 4) {
          params.input_reals[0] = params.input_reals[1] = params.output_real = 1e-30f;
        }
        const bool spares_divisions = round != 3 && round != 4;
        CheckAllPairs<int8_t>(isa, params, spares_divisions, random);
        CheckAllPairs<uint8_t>(isa, params, spares_divisions, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(QuantizedBinary, FixedPoint) {
  Random random(4);
  for (Isa isa : TestIsas()) {
    for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul}) {
      QuantizedBinaryParams params;
      params.op = op;
      for (int round = 0; round < 40; ++round) {
        CheckBinary<int8_t, int8_t, int8_t>(isa, params, random);
        CheckBinary<uint8_t, uint8_t, uint8_t>(isa, params, random);
        CheckBinary<int16_t, int16_t, int16_t>(isa, params, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(QuantizedBinary, ShiftedSums) {
  Random random(5);
  for (Isa isa : TestIsas()) {
    for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kSub}) {
      QuantizedBinaryParams params;
      params.op = op;
      params.arithmetic = QuantizedArithmetic::kShifted;
      for (int round = 0; round < 40; ++round) {
        CheckBinary<int16_t, int16_t, int16_t>(isa, params, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(QuantizedBinary, StoredExtremes) {
  Random random(8);
  for (Isa isa : TestIsas()) {
    for (BinaryOp op : {BinaryOp::kMax, BinaryOp::kMin}) {
      QuantizedBinaryParams params;
      params.op = op;
      params.arithmetic = QuantizedArithmetic::kShifted;
      for (int round = 0; round < 30; ++round) {
        CheckBinary<int8_t, int8_t, int8_t>(isa, params, random);
        CheckBinary<uint8_t, uint8_t, uint8_t>(isa, params, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(QuantizedBinary, InFloatsOfAnyTypes) {
  Random random(6);
  for (Isa isa : TestIsas()) {
    for (BinaryOp op :
         {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kDiv, BinaryOp::kMax, BinaryOp::kMin}) {
      QuantizedBinaryParams params;
      params.op = op;
      params.arithmetic = QuantizedArithmetic::kFloat;
      for (int round = 0; round < 15; ++round) {
        CheckBinary<int8_t, int8_t, int8_t>(isa, params, random);
        CheckBinary<uint8_t, uint8_t, uint8_t>(isa, params, random);
        CheckBinary<int16_t, int16_t, int16_t>(isa, params, random);
        CheckBinary<uint16_t, uint16_t, uint16_t>(isa, params, random);
        CheckBinary<int8_t, uint8_t, uint16_t>(isa, params, random);
        CheckBinary<uint16_t, int16_t, int8_t>(isa, params, random);
        CheckBinary<uint8_t, int8_t, uint8_t>(isa, params, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(QuantizedBinary, PairsLookedUp) {
  Random random(7);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 20; ++round) {
      PairTableParams params;
      AnyShapes(random, &params.a, &params.b);
      ASSERT_TRUE(PreparePairTable(&params).ok());
      Guarded<uint8_t> a(params.a.ElementCount()), b(params.b.ElementCount());
      Guarded<uint8_t> out(params.output.ElementCount()), table(65536);
      for (Guarded<uint8_t>* values : {&a, &b, &table}) {
        for (uint8_t& value : *values) value = AnyInteger<uint8_t>(random);
      }
      RunTiles(KernelsOf(isa).quantize->pair_table, &params, {a.data(), b.data(), out.data(), table.data()},
               params.tile_count, 0, random);
      for (int64_t i = 0; i < params.output.ElementCount(); ++i) {
        const int64_t x = a[SourceOf(params.a, params.output, i)];
        const int64_t y = b[SourceOf(params.b, params.output, i)];
        ASSERT_EQ(out[i], table[256 * x + y]) << NameOf(isa) << " element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace mace::kernels
