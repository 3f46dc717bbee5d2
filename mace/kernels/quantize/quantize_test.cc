#include "mace/kernels/quantize/quantize.h"

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/quantize/quantize_test_support.h"

namespace mace::kernels {
namespace {

// Sizes around the widths of vectors, and some that make several tiles.
int64_t AnyCount(Random& random) {
  return Pick(random, 0, 9) == 0 ? Pick(random, 16384, 70000) : Pick(random, 0, 150);
}

float AnyScale(Random& random) {
  return std::ldexp(static_cast<float>(Pick(random, 1, 1000)) / 777.0f,
                    static_cast<int>(Pick(random, -9, 4)));
}

// What no rounding may be wrong about: halves, values beyond every range, and what is no number.
float AnyReal(Random& random, float scale) {
  switch (Pick(random, 0, 9)) {
    case 0:
      return (static_cast<float>(Pick(random, -300, 300)) + 0.5f) * scale;
    case 1:
      return std::ldexp(static_cast<float>(Pick(random, -1000, 1000)),
                        static_cast<int>(Pick(random, 0, 100)));
    case 2:
      return kNonFinite[Pick(random, 0, 2)];
    case 3:
      return std::nextafter((static_cast<float>(Pick(random, -300, 300)) + 0.5f) * scale, 0.0f);
    case 4:
      return -1e-42f;
    default:
      return static_cast<float>(Pick(random, -70000, 70000)) * scale * 0.37f;
  }
}

int32_t RoundReal(float value, bool half_away) {
  if (std::isnan(value)) return 0;
  const double rounded =
      half_away ? std::round(static_cast<double>(value)) : std::nearbyint(static_cast<double>(value));
  return static_cast<int32_t>(std::clamp(rounded, -2147483648.0, 2147483647.0));
}

template <typename T>
void CheckQuantize(Isa isa, Random& random) {
  const KernelTable table = KernelsOf(isa);
  QuantizeParams params;
  params.type = DTypeOf<T>();
  params.half_away_from_zero = Pick(random, 0, 1) == 0;
  if (Pick(random, 0, 1) == 0) {
    params.inner = AnyCount(random);
  } else {
    params.outer = Pick(random, 0, 4);
    params.channels = Pick(random, 1, 70);
    params.inner = Pick(random, 0, 1) == 0 ? 1 : Pick(random, 0, 40);
  }
  ASSERT_TRUE(PrepareQuantize(&params).ok());
  const int64_t count = params.outer * params.channels * params.inner;
  Guarded<float> scales(params.channels);
  Guarded<int32_t> zeros(params.channels);
  for (float& scale : scales) scale = AnyScale(random);
  for (int32_t& zero : zeros) zero = static_cast<int32_t>(AnyInteger<T>(random));
  Guarded<float> real(count);
  Guarded<T> quantized(count);
  const auto channel = [&](int64_t i) { return params.inner == 0 ? 0 : i / params.inner % params.channels; };
  for (int64_t i = 0; i < count; ++i) real[i] = AnyReal(random, scales[channel(i)]);
  RunTiles(table.quantize->quantize, &params, {real.data(), quantized.data(), scales.data(), zeros.data()},
           params.tile_count, 0, random);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t c = channel(i);
    const int64_t rounded = RoundReal(real[i] / scales[c], params.half_away_from_zero);
    ASSERT_EQ(quantized[i], Saturated<T>(rounded + zeros[c]))
        << NameOf(isa) << " " << real[i] << " / " << scales[c] << " + " << zeros[c];
  }
  for (T& value : quantized) value = AnyInteger<T>(random);
  RunTiles(table.quantize->dequantize, &params, {quantized.data(), real.data(), scales.data(), zeros.data()},
           params.tile_count, 0, random);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t c = channel(i);
    const double distance = static_cast<double>(quantized[i]) - zeros[c];
    ASSERT_EQ(real[i], static_cast<float>(distance * static_cast<double>(scales[c]))) << NameOf(isa);
  }
}

TEST(Quantize, EveryTypeBothWays) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 60; ++round) {
      CheckQuantize<int8_t>(isa, random);
      CheckQuantize<uint8_t>(isa, random);
      CheckQuantize<int16_t>(isa, random);
      CheckQuantize<uint16_t>(isa, random);
      CheckQuantize<int32_t>(isa, random);
      if (HasFatalFailure()) return;
    }
  }
}

template <typename From, typename To>
void CheckRequantize(Isa isa, Random& random) {
  RequantizeParams params;
  params.from = DTypeOf<From>();
  params.to = DTypeOf<To>();
  params.rounding = static_cast<IntegerRounding>(Pick(random, 0, 2));
  params.count = AnyCount(random);
  params.input_zero = static_cast<int32_t>(AnyInteger<From>(random));
  params.output_zero = static_cast<int32_t>(AnyInteger<To>(random));
  params.multiplier = AnyMultiplier(random);
  params.exponent = AnyExponent(random);
  params.input_scale = AnyScale(random);
  params.output_scale = AnyScale(random);
  if (params.rounding == IntegerRounding::kHalfEvenFloat && params.from == DType::kI32) params.input_zero = 0;
  ASSERT_TRUE(PrepareRequantize(&params).ok());
  Guarded<From> in(params.count);
  Guarded<To> out(params.count);
  for (From& value : in) value = AnyInteger<From>(random);
  RunTiles(KernelsOf(isa).quantize->requantize, &params, {in.data(), out.data()}, params.tile_count, 0,
           random);
  for (int64_t i = 0; i < params.count; ++i) {
    const int64_t distance = int64_t{in[i]} - params.input_zero;
    const int64_t value =
        params.rounding == IntegerRounding::kHalfEvenFloat
            ? RoundReal(static_cast<float>(distance) * params.input_scale / params.output_scale, false)
            : Scaled(static_cast<int32_t>(static_cast<uint64_t>(distance)),
                     {params.multiplier, params.exponent}, params.rounding);
    ASSERT_EQ(out[i], Saturated<To>(value + params.output_zero))
        << NameOf(isa) << " rounding " << static_cast<int>(params.rounding) << ": " << distance << " * "
        << params.multiplier << " * 2^" << params.exponent - 31 << " + " << params.output_zero;
  }
}

template <typename From>
void CheckRequantizeToEach(Isa isa, Random& random) {
  CheckRequantize<From, int8_t>(isa, random);
  CheckRequantize<From, uint8_t>(isa, random);
  CheckRequantize<From, int16_t>(isa, random);
  CheckRequantize<From, uint16_t>(isa, random);
  CheckRequantize<From, int32_t>(isa, random);
}

TEST(Quantize, RequantizeEveryPairOfTypes) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 30; ++round) {
      CheckRequantizeToEach<int8_t>(isa, random);
      CheckRequantizeToEach<uint8_t>(isa, random);
      CheckRequantizeToEach<int16_t>(isa, random);
      CheckRequantizeToEach<uint16_t>(isa, random);
      CheckRequantizeToEach<int32_t>(isa, random);
      if (HasFatalFailure()) return;
    }
  }
}

template <typename From, typename To>
void CheckTable(Isa isa, Random& random) {
  TableParams params;
  params.input_bytes = sizeof(From);
  params.output_bytes = sizeof(To);
  params.columns = AnyCount(random);
  params.rows = params.columns < 200 ? Pick(random, 1, 4) : 1;
  params.input_stride = params.columns + Pick(random, 0, 2);
  params.output_stride = params.columns + Pick(random, 0, 2);
  ASSERT_TRUE(PrepareTable(&params).ok());
  Guarded<To> table(int64_t{1} << (8 * sizeof(From)));
  const auto span = [&](int64_t stride) { return (params.rows - 1) * stride + params.columns; };
  Guarded<From> in(span(params.input_stride));
  Guarded<To> out(span(params.output_stride));
  for (To& value : out) value = To{77};
  for (To& value : table) value = static_cast<To>(random());
  for (From& value : in) value = static_cast<From>(random());
  RunTiles(KernelsOf(isa).quantize->table, &params, {in.data(), out.data(), table.data()}, params.tile_count,
           0, random);
  for (int64_t i = 0; i < out.size(); ++i) {
    const int64_t row = i / std::max<int64_t>(params.output_stride, 1);
    const int64_t column = i - row * params.output_stride;
    const To expected = column < params.columns ? table[in[row * params.input_stride + column]] : To{77};
    ASSERT_EQ(out[i], expected) << NameOf(isa) << " " << i;
  }
}

TEST(Quantize, Table) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 40; ++round) {
      CheckTable<uint8_t, uint8_t>(isa, random);
      CheckTable<uint8_t, uint16_t>(isa, random);
      CheckTable<uint8_t, uint32_t>(isa, random);
      if (round % 10 == 0) CheckTable<uint16_t, uint8_t>(isa, random);
      if (round % 10 == 0) CheckTable<uint16_t, uint16_t>(isa, random);
      if (round % 10 == 0) CheckTable<uint16_t, uint32_t>(isa, random);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Quantize, RefusesWhatItDoesNotKnow) {
  QuantizeParams quantize;
  quantize.type = DType::kI64;
  EXPECT_FALSE(PrepareQuantize(&quantize).ok());
  RequantizeParams requantize;
  requantize.exponent = 31;
  EXPECT_FALSE(PrepareRequantize(&requantize).ok());
  requantize.exponent = 0;
  requantize.rounding = IntegerRounding::kHalfEvenFloat;
  requantize.from = DType::kI32;
  requantize.input_zero = 1;
  EXPECT_FALSE(PrepareRequantize(&requantize).ok());
  TableParams table;
  table.input_bytes = 4;
  EXPECT_FALSE(PrepareTable(&table).ok());
  QuantizedBinaryParams binary;
  binary.op = BinaryOp::kDiv;
  EXPECT_FALSE(PrepareQuantizedBinary(&binary).ok());
}

}  // namespace
}  // namespace mace::kernels
