// How the 32-bit sum of a quantized operator becomes an element of its output: what a kernel's parameters say
// of it (docs/design/07-quantization.md). How it is computed is in requantization-inl.h, for *.simd.cc files.
#ifndef MACE_KERNELS_INTEGER_GEMM_REQUANTIZATION_H_
#define MACE_KERNELS_INTEGER_GEMM_REQUANTIZATION_H_

#include <cstdint>

#include "mace/core/dtype.h"

namespace mace::kernels {

enum class IntegerRounding : uint8_t {
  kTwoRoundings,   // ops::MultiplyWithTwoRoundings; of 64-bit sums ops::MultiplyWideSum
  kOneRounding,    // of sums: times a real in double precision, halves away from zero (in kernels/quantize:
                   // ops::MultiplyWithOneRounding)
  kHalfEvenFloat,  // float(sum) * multiplier in float32, to nearest, halves to even
};

struct Requantization {
  IntegerRounding rounding = IntegerRounding::kTwoRoundings;
  DType out = DType::kI8;  // kI8, kU8, kI16; kI32: the sums as they are, and nothing below counts
  int32_t zero_point = 0;
  int32_t low = 0, high = 0;  // bounds of the output, in its units; inside the range of `out`
};

// What each output channel has of its own: arrays of as many elements as there are channels.
struct IntegerChannels {
  const void* bias = nullptr;  // kI32, or kI64 with wide sums, in units of the sums; null: none
  DType bias_dtype = DType::kI32;
  const int32_t* multipliers = nullptr;  // ops::FixedPointMultiplier; read with kTwoRoundings only
  const int32_t* exponents = nullptr;
  const double* double_multipliers = nullptr;   // with kOneRounding
  const float* float_multipliers = nullptr;     // with kHalfEvenFloat
  const int32_t* weight_zero_points = nullptr;  // as the file has them; null: all 0 (of u8 weights: 128)
};

// What faster ways to requantise have to know of all multipliers.
struct ChannelShifts {
  bool some_left = false;  // one is 1 or more (kTwoRoundings)
  bool all_right = false;  // each is less than 1/2, of floats than 1
};
inline ChannelShifts ShiftsOf(const IntegerChannels& channels, int64_t begin, int64_t count) {
  ChannelShifts shifts = {false, true};
  for (int64_t i = begin; i < begin + count; ++i) {
    if (channels.exponents != nullptr && channels.exponents[i] > 0) shifts.some_left = true;
    const bool is_small = channels.exponents != nullptr           ? channels.exponents[i] < 0
                          : channels.float_multipliers != nullptr ? channels.float_multipliers[i] < 1
                                                                  : false;
    if (!is_small) shifts.all_right = false;
  }
  return shifts;
}

// Number `index` of the arrays of one run of `width` channels in packed weights, each [width] of int32.
enum class ChannelArray : int {
  kBias = 0,        // with what zero points add
  kMultiplier = 1,  // kHalfEvenFloat: the float's bits; kOneRounding: the lower half of the double's
  kLeft = 2,        // kOneRounding: the upper half of the double's bits
  kRight = 3,
  kWeightZeroPoint = 4,
  kWideBias = 5,  // int64 [width], with wide sums only
};
// Bytes of these arrays, to whole cache lines.
__attribute__((always_inline)) constexpr int64_t ChannelArrayBytes(int64_t width, bool wide) {
  return ((wide ? 7 : 5) * width * 4 + 63) / 64 * 64;
}

// Packed weights begin with the offsets of their panels, multiples of 64, in whose lower bits stands what is
// said of all channels of a panel together.
inline constexpr int64_t kPanelFlags = 63;
inline constexpr int64_t kPanelShiftsLeft = 2;   // a multiplier is 1 or more
inline constexpr int64_t kPanelShiftsRight = 4;  // each is less than 1/2, of floats than 1
constexpr int64_t PanelFlagsOf(const ChannelShifts& shifts) {
  return (shifts.some_left ? kPanelShiftsLeft : 0) | (shifts.all_right ? kPanelShiftsRight : 0);
}
__attribute__((always_inline)) constexpr ChannelShifts ShiftsOfPanel(int64_t entry) {
  return {(entry & kPanelShiftsLeft) != 0, (entry & kPanelShiftsRight) != 0};
}

// Writes the arrays of channels [begin, begin + valid) and zeros up to `width`. bias_of(i) is the bias of
// channel begin + i with all corrections, weight_zero_of(i) what multiplies the sum of a left-hand row.
template <typename BiasOf, typename WeightZeroOf>
void WriteChannelArrays(const Requantization& requantization, const IntegerChannels& channels, int64_t begin,
                        int64_t valid, int64_t width, bool wide, const BiasOf& bias_of,
                        const WeightZeroOf& weight_zero_of, uint8_t* to) {
  int32_t* const arrays = reinterpret_cast<int32_t*>(to);
  const auto array = [&](ChannelArray index) { return arrays + static_cast<int>(index) * width; };
  for (int64_t i = 0; i < width; ++i) {
    int64_t bias = 0;
    int32_t multiplier = 0, left = 0, right = 0, weight_zero = 0;
    if (i < valid) {
      bias = bias_of(i);
      weight_zero = weight_zero_of(i);
      if (requantization.out == DType::kI32) {
      } else if (requantization.rounding == IntegerRounding::kHalfEvenFloat) {
        __builtin_memcpy(&multiplier, channels.float_multipliers + begin + i, sizeof(multiplier));
      } else if (requantization.rounding == IntegerRounding::kOneRounding) {
        int64_t bits = 0;
        __builtin_memcpy(&bits, channels.double_multipliers + begin + i, sizeof(bits));
        multiplier = static_cast<int32_t>(bits & 0xFFFFFFFF);
        left = static_cast<int32_t>(bits >> 32);
      } else {
        multiplier = channels.multipliers[begin + i];
        const int32_t exponent = channels.exponents[begin + i];
        left = exponent > 0 ? exponent : 0;
        right = exponent < 0 ? -exponent : 0;
      }
    }
    array(ChannelArray::kBias)[i] = static_cast<int32_t>(static_cast<uint64_t>(bias));
    array(ChannelArray::kMultiplier)[i] = multiplier;
    array(ChannelArray::kLeft)[i] = left;
    array(ChannelArray::kRight)[i] = right;
    array(ChannelArray::kWeightZeroPoint)[i] = weight_zero;
    if (wide) __builtin_memcpy(array(ChannelArray::kWideBias) + 2 * i, &bias, sizeof(bias));
  }
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_INTEGER_GEMM_REQUANTIZATION_H_
