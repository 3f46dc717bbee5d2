// For the tests of integer kernels: random types and constants of channels, and the requantisation of
// TensorFlow Lite and ONNX from their definitions.
#ifndef MACE_KERNELS_INTEGER_GEMM_INTEGER_TEST_SUPPORT_H_
#define MACE_KERNELS_INTEGER_GEMM_INTEGER_TEST_SUPPORT_H_

#include <cmath>

#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {

using Wide = __int128;

// The arithmetic of TensorFlow Lite's quantization, from its definitions.
inline int64_t Saturated(Wide x) {
  return static_cast<int64_t>(
      std::clamp<Wide>(x, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}
inline Wide FloorDivide(Wide a, Wide b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
inline int64_t TwoRoundings(int64_t sum, int32_t multiplier, int32_t exponent) {
  const int64_t shifted = static_cast<int32_t>(static_cast<uint32_t>(sum) << std::max(exponent, 0));
  const Wide high = FloorDivide(2 * Wide{shifted} * multiplier + (Wide{1} << 31), Wide{1} << 32);
  const Wide divisor = Wide{1} << std::max(-exponent, 0);
  const Wide magnitude = ((high < 0 ? -high : high) * 2 + divisor) / (2 * divisor);  // halves away from zero
  return static_cast<int64_t>(high < 0 ? -magnitude : magnitude);
}
inline int64_t OneRounding(int64_t sum, double multiplier) {
  return static_cast<int64_t>(
      std::clamp(std::round(static_cast<double>(sum) * multiplier), -2147483648.0, 2147483647.0));
}
inline int64_t WideTwoRoundings(int64_t sum, int32_t multiplier, int32_t exponent) {
  const int64_t reduced = std::min<int64_t>((int64_t{multiplier} + 32768) / 65536, 32767);
  const Wide divisor = Wide{1} << (15 - exponent);
  return Saturated(FloorDivide(2 * Wide{sum} * reduced + divisor, 2 * divisor));
}

inline int64_t LowOf(DType dtype) { return dtype == DType::kU8 ? 0 : dtype == DType::kI8 ? -128 : -32768; }
inline int64_t HighOf(DType dtype) { return dtype == DType::kU8 ? 255 : dtype == DType::kI8 ? 127 : 32767; }
inline int64_t Read(const uint8_t* data, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::kU8:
      return data[i];
    case DType::kI8:
      return static_cast<int8_t>(data[i]);
    case DType::kI16:
      return reinterpret_cast<const int16_t*>(data)[i];
    default:
      return reinterpret_cast<const int32_t*>(data)[i];
  }
}

// The constants of random output channels.
struct TestChannels {
  TestChannels(Random& random, int64_t count, DType weights, bool has_zero_points, bool is_wide)
      : wide(is_wide),
        bias32(count),
        multipliers(count),
        exponents(count),
        zeros(count),
        bias64(count),
        doubles(count),
        floats(count) {
    const int32_t middle = weights == DType::kU8 ? 128 : 0;
    const int64_t most_exponent = Pick(random, 0, 1) ? -1 : 2;  // networks have none above
    for (int64_t n = 0; n < count; ++n) {
      bias32[n] = static_cast<int32_t>(Pick(random, -20000, 20000));
      bias64[n] = wide ? Pick(random, -(int64_t{1} << 36), int64_t{1} << 36) : bias32[n];
      multipliers[n] = static_cast<int32_t>(Pick(random, 1 << 30, std::numeric_limits<int32_t>::max()));
      exponents[n] = static_cast<int32_t>(wide ? Pick(random, -24, -8) : Pick(random, -12, most_exponent));
      doubles[n] = std::ldexp(static_cast<double>(multipliers[n]), exponents[n] - 31);
      floats[n] = std::ldexp(static_cast<float>(multipliers[n]), exponents[n] - 31);
      zeros[n] = middle + (has_zero_points ? static_cast<int32_t>(Pick(random, -middle, 127)) : 0);
    }
    has_bias = Pick(random, 0, 3) != 0;
    view.bias = !has_bias ? nullptr : wide ? static_cast<const void*>(bias64.data()) : bias32.data();
    view.bias_dtype = wide ? DType::kI64 : DType::kI32;
    view.multipliers = multipliers.data();
    view.exponents = exponents.data();
    view.double_multipliers = doubles.data();
    view.float_multipliers = floats.data();
    view.weight_zero_points = has_zero_points || Pick(random, 0, 1) ? zeros.data() : nullptr;
  }

  int64_t BiasOf(int64_t n) const { return has_bias ? bias64[n] : 0; }
  int64_t Requantized(const Requantization& q, int64_t sum, int64_t n) const {
    if (!wide) sum = static_cast<int32_t>(sum);
    if (q.out == DType::kI32) return static_cast<int32_t>(sum);
    int64_t result = 0;
    switch (q.rounding) {
      case IntegerRounding::kTwoRoundings:
        result = (wide ? WideTwoRoundings : TwoRoundings)(sum, multipliers[n], exponents[n]);
        break;
      case IntegerRounding::kOneRounding:
        result = OneRounding(sum, doubles[n]);
        break;
      case IntegerRounding::kHalfEvenFloat:
        result = static_cast<int64_t>(
            std::nearbyint(std::clamp(static_cast<float>(sum) * floats[n], -1e6f, 1e6f)));
    }
    return std::clamp<int64_t>(result + q.zero_point, q.low, q.high);
  }

  bool wide, has_bias;
  std::vector<int32_t> bias32, multipliers, exponents, zeros;
  std::vector<int64_t> bias64;
  std::vector<double> doubles;
  std::vector<float> floats;
  IntegerChannels view;
};

// Signed numbers of at most 64 in size, or of any size; stored as `dtype`.
inline void FillWeights(Random& random, DType dtype, bool large, std::vector<uint8_t>* weights) {
  const int64_t most = large ? 128 : 64;
  const int64_t middle = dtype == DType::kU8 ? 128 : 0;
  for (uint8_t& w : *weights)
    w = static_cast<uint8_t>(std::min<int64_t>(Pick(random, -most, most), 127) + middle);
}

template <typename Params>
void SetRandomTypes(Random& random, Params* p) {
  const DType inputs[] = {DType::kU8, DType::kI8, DType::kI16};
  p->input = inputs[Pick(random, 0, 2)];
  p->weights = Pick(random, 0, 1) ? DType::kI8 : DType::kU8;
  p->has_weight_zero_points = Pick(random, 0, 2) == 0;
  p->wide = p->input == DType::kI16 && Pick(random, 0, 1);
  p->input_zero_point =
      static_cast<int32_t>(p->input == DType::kI16 ? Pick(random, 0, 1) * Pick(random, -500, 500)
                                                   : Pick(random, LowOf(p->input), HighOf(p->input)));
  const DType outputs[] = {DType::kU8, DType::kI8, DType::kI16, DType::kI32};
  Requantization& q = p->requantization;
  q.out = outputs[Pick(random, 0, 3)];
  q.rounding = static_cast<IntegerRounding>(Pick(random, 0, 2));
  if (q.out == DType::kI32) return;
  const int64_t low = LowOf(q.out), high = HighOf(q.out);
  q.zero_point = static_cast<int32_t>(Pick(random, low, high));
  q.low = static_cast<int32_t>(Pick(random, 0, 1) ? low : Pick(random, low, 0));
  q.high = static_cast<int32_t>(Pick(random, 0, 1) ? high : Pick(random, q.low, high));
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_INTEGER_GEMM_INTEGER_TEST_SUPPORT_H_
