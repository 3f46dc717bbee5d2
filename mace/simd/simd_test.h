// What simd_test.simd.cc, compiled once per instruction set, offers to simd_test.cc: each function of the
// vocabulary as a loop over arrays, of whole vectors and one partial vector at the end.
#ifndef MACE_SIMD_SIMD_TEST_H_
#define MACE_SIMD_SIMD_TEST_H_

#include <cstdint>

namespace mace::simd_test {

using FloatUnary = void (*)(const float* x, float* y, int64_t n);
using FloatBinary = void (*)(const float* a, const float* b, float* y, int64_t n);
using FloatTernary = void (*)(const float* a, const float* b, const float* c, float* y, int64_t n);
using IntUnary = void (*)(const int32_t* x, int32_t* y, int64_t n);
using IntBinary = void (*)(const int32_t* a, const int32_t* b, int32_t* y, int64_t n);
using Comparison = void (*)(const float* a, const float* b, int32_t* y, int64_t n);  // 1 or 0

struct Functions {
  int (*lanes)();
  bool fused;  // MulAdd rounds once
  // Whole vectors only, at any address.
  FloatUnary load_store;
  FloatUnary broadcast;
  // Each takes n <= lanes.
  FloatUnary load_partial;                    // y[0, lanes): the loaded lanes, then zeros
  FloatUnary store_partial;                   // x[0, lanes) -> y[0, n)
  void (*mask_first)(int32_t* y, int64_t n);  // y[0, lanes): 1 or 0
  IntUnary load_partial_int;
  IntUnary store_partial_int;

  FloatUnary sqrt, abs, neg, round, floor, ceil, truncate, exp, log, tanh, sigmoid, erf;
  FloatBinary add, sub, mul, div, min, max, min_nan, max_nan, copy_sign;
  FloatTernary mul_add, neg_mul_add;
  Comparison less, less_equal, greater, greater_equal, equal, not_equal, less_and_not_nan, less_or_nan;
  Comparison greater_int, less_int, equal_int;  // of the floats converted to int32
  IntBinary add_int, sub_int, mul_int, min_int, max_int, and_int, and_not_int, or_int, xor_int;
  IntBinary mul_high_rounded;
  IntBinary shift_left_each, rounding_shift_right;  // by counts in [0, 31]
  void (*shift_left)(const int32_t* x, int count, int32_t* y, int64_t n);
  void (*shift_right)(const int32_t* x, int count, int32_t* y, int64_t n);
  void (*shift_right_logical)(const int32_t* x, int count, int32_t* y, int64_t n);
  void (*convert_to_int)(const float* x, int32_t* y, int64_t n);
  void (*convert_truncate_to_int)(const float* x, int32_t* y, int64_t n);
  void (*convert_from_int)(const int32_t* x, float* y, int64_t n);
  void (*bits_of)(const float* x, int32_t* y, int64_t n);
  void (*from_bits)(const int32_t* x, float* y, int64_t n);
  void (*load_f16)(const uint16_t* x, float* y, int64_t n);
  void (*store_f16)(const float* x, uint16_t* y, int64_t n);
  void (*load_u8)(const uint8_t* x, int32_t* y, int64_t n);
  void (*load_i8)(const int8_t* x, int32_t* y, int64_t n);
  void (*load_i16)(const int16_t* x, int32_t* y, int64_t n);
  void (*store_i16)(const int32_t* x, int16_t* y, int64_t n);
  void (*store_u8)(const int32_t* x, uint8_t* y, int64_t n);
  void (*store_i8)(const int32_t* x, int8_t* y, int64_t n);
  // Of the first vector of x.
  float (*reduce_add)(const float* x);
  float (*reduce_max)(const float* x);
  float (*reduce_min)(const float* x);
  int32_t (*reduce_add_int)(const int32_t* x);
  bool (*any_not_zero)(const int32_t* x);
  int32_t (*select_int)(int32_t condition, int32_t if_true, int32_t if_false);
};

}  // namespace mace::simd_test

#endif  // MACE_SIMD_SIMD_TEST_H_
