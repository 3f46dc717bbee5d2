#include "mace/simd/simd_test.h"

#include "mace/simd/math.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

extern const simd_test::Functions kSimdTestFunctions;

namespace {

// Calls body(i, n) for whole vectors (n = lanes) and, once, for the rest.
template <typename Body>
MACE_INLINE void ForEachVector(int64_t count, Body body) {
  const int64_t lanes = Lanes(kF32);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(i, lanes);
  if (i < count) body(i, count - i);
}

MACE_INLINE VecF32 LoadSome(F32Tag, const float* p, int64_t n) {
  return n == Lanes(kF32) ? Load(kF32, p) : LoadPartial(kF32, p, n);
}
MACE_INLINE VecI32 LoadSome(I32Tag, const int32_t* p, int64_t n) {
  return n == Lanes(kI32) ? Load(kI32, p) : LoadPartial(kI32, p, n);
}
template <typename T, typename V>
MACE_INLINE void StoreSome(T* p, V v, int64_t n) {
  if (n == Lanes(kF32)) {
    Store(p, v);
  } else {
    StorePartial(p, v, n);
  }
}

#define MACE_FLOAT_UNARY(expression)                                                \
  [](const float* x, float* y, int64_t count) {                                     \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      const VecF32 a = LoadSome(kF32, x + i, n);                                    \
      StoreSome(y + i, expression, n);                                              \
    });                                                                             \
  }
#define MACE_BINARY(type, tag, expression)                                          \
  [](const type* x, const type* z, type* y, int64_t count) {                        \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      const auto a = LoadSome(tag, x + i, n);                                       \
      const auto b = LoadSome(tag, z + i, n);                                       \
      StoreSome(y + i, expression, n);                                              \
    });                                                                             \
  }
#define MACE_FLOAT_TERNARY(expression)                                              \
  [](const float* x, const float* z, const float* w, float* y, int64_t count) {     \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      const VecF32 a = LoadSome(kF32, x + i, n);                                    \
      const VecF32 b = LoadSome(kF32, z + i, n);                                    \
      const VecF32 c = LoadSome(kF32, w + i, n);                                    \
      StoreSome(y + i, expression, n);                                              \
    });                                                                             \
  }
#define MACE_COMPARISON(expression)                                                 \
  [](const float* x, const float* z, int32_t* y, int64_t count) {                   \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      const VecF32 a = LoadSome(kF32, x + i, n);                                    \
      const VecF32 b = LoadSome(kF32, z + i, n);                                    \
      StoreSome(y + i, Select(expression, Set(kI32, 1), Zero(kI32)), n);            \
    });                                                                             \
  }
#define MACE_SHIFT(function)                                                        \
  [](const int32_t* x, int shift, int32_t* y, int64_t count) {                      \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      StoreSome(y + i, function(LoadSome(kI32, x + i, n), shift), n);               \
    });                                                                             \
  }
#define MACE_CONVERSION(from, tag, to, expression)                                  \
  [](const from* x, to* y, int64_t count) {                                         \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      const auto a = LoadSome(tag, x + i, n);                                       \
      StoreSome(y + i, expression, n);                                              \
    });                                                                             \
  }
// Loads that widen and stores that narrow, whole and partial.
#define MACE_WIDEN(from, to, tag, function)                                                     \
  [](const from* x, to* y, int64_t count) {                                                     \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) {             \
      const auto a = n == Lanes(tag) ? function(tag, x + i) : function##Partial(tag, x + i, n); \
      StoreSome(y + i, a, n);                                                                   \
    });                                                                                         \
  }
#define MACE_NARROW(from, to, tag, function)                                        \
  [](const from* x, to* y, int64_t count) {                                         \
    ForEachVector(count, [=](int64_t i, int64_t n) __attribute__((always_inline)) { \
      const auto a = LoadSome(tag, x + i, n);                                       \
      if (n == Lanes(tag)) {                                                        \
        function(y + i, a);                                                         \
      } else {                                                                      \
        function##Partial(y + i, a, n);                                             \
      }                                                                             \
    });                                                                             \
  }

}  // namespace

const simd_test::Functions kSimdTestFunctions = {
    .lanes = [] { return Lanes(kF32); },
#if defined(MACE_SIMD_SCALAR) || defined(MACE_SIMD_SSE4)
    .fused = false,
#else
    .fused = true,
#endif
    .load_store =
        [](const float* x, float* y, int64_t n) {
          for (int64_t i = 0; i < n; i += Lanes(kF32)) Store(y + i, Load(kF32, x + i));
        },
    .broadcast = [](const float* x, float* y, int64_t) { Store(y, Broadcast(kF32, x)); },
    .load_partial = [](const float* x, float* y, int64_t n) { Store(y, LoadPartial(kF32, x, n)); },
    .store_partial = [](const float* x, float* y, int64_t n) { StorePartial(y, Load(kF32, x), n); },
    .mask_first = [](int32_t* y, int64_t n) { Store(y, Select(MaskFirst(n), Set(kI32, 1), Zero(kI32))); },
    .load_partial_int = [](const int32_t* x, int32_t* y, int64_t n) { Store(y, LoadPartial(kI32, x, n)); },
    .store_partial_int = [](const int32_t* x, int32_t* y, int64_t n) { StorePartial(y, Load(kI32, x), n); },
    .sqrt = MACE_FLOAT_UNARY(Sqrt(a)),
    .abs = MACE_FLOAT_UNARY(Abs(a)),
    .neg = MACE_FLOAT_UNARY(Neg(a)),
    .round = MACE_FLOAT_UNARY(Round(a)),
    .floor = MACE_FLOAT_UNARY(Floor(a)),
    .ceil = MACE_FLOAT_UNARY(Ceil(a)),
    .truncate = MACE_FLOAT_UNARY(Truncate(a)),
    .exp = MACE_FLOAT_UNARY(Exp(a)),
    .log = MACE_FLOAT_UNARY(Log(a)),
    .tanh = MACE_FLOAT_UNARY(Tanh(a)),
    .sigmoid = MACE_FLOAT_UNARY(Sigmoid(a)),
    .erf = MACE_FLOAT_UNARY(Erf(a)),
    .add = MACE_BINARY(float, kF32, Add(a, b)),
    .sub = MACE_BINARY(float, kF32, Sub(a, b)),
    .mul = MACE_BINARY(float, kF32, Mul(a, b)),
    .div = MACE_BINARY(float, kF32, Div(a, b)),
    .min = MACE_BINARY(float, kF32, Min(a, b)),
    .max = MACE_BINARY(float, kF32, Max(a, b)),
    .min_nan = MACE_BINARY(float, kF32, MinNaN(a, b)),
    .max_nan = MACE_BINARY(float, kF32, MaxNaN(a, b)),
    .copy_sign = MACE_BINARY(float, kF32, CopySign(a, b)),
    .mul_add = MACE_FLOAT_TERNARY(MulAdd(a, b, c)),
    .neg_mul_add = MACE_FLOAT_TERNARY(NegMulAdd(a, b, c)),
    .less = MACE_COMPARISON(Less(a, b)),
    .less_equal = MACE_COMPARISON(LessEqual(a, b)),
    .greater = MACE_COMPARISON(Greater(a, b)),
    .greater_equal = MACE_COMPARISON(GreaterEqual(a, b)),
    .equal = MACE_COMPARISON(Equal(a, b)),
    .not_equal = MACE_COMPARISON(NotEqual(a, b)),
    .less_and_not_nan = MACE_COMPARISON(MaskAnd(Less(a, b), MaskNot(IsNaN(a)))),
    .less_or_nan = MACE_COMPARISON(MaskOr(Less(a, b), IsNaN(a))),
    .greater_int = MACE_COMPARISON(Greater(ConvertToI32(a), ConvertToI32(b))),
    .less_int = MACE_COMPARISON(Less(ConvertToI32(a), ConvertToI32(b))),
    .equal_int = MACE_COMPARISON(Equal(ConvertToI32(a), ConvertToI32(b))),
    .add_int = MACE_BINARY(int32_t, kI32, Add(a, b)),
    .sub_int = MACE_BINARY(int32_t, kI32, Sub(a, b)),
    .mul_int = MACE_BINARY(int32_t, kI32, Mul(a, b)),
    .min_int = MACE_BINARY(int32_t, kI32, Min(a, b)),
    .max_int = MACE_BINARY(int32_t, kI32, Max(a, b)),
    .and_int = MACE_BINARY(int32_t, kI32, And(a, b)),
    .and_not_int = MACE_BINARY(int32_t, kI32, AndNot(a, b)),
    .or_int = MACE_BINARY(int32_t, kI32, Or(a, b)),
    .xor_int = MACE_BINARY(int32_t, kI32, Xor(a, b)),
    .mul_high_rounded = MACE_BINARY(int32_t, kI32, MulHighRounded(a, b)),
    .shift_left_each = MACE_BINARY(int32_t, kI32, ShiftLeft(a, b)),
    .rounding_shift_right = MACE_BINARY(int32_t, kI32, RoundingShiftRight(a, b)),
    .shift_left = MACE_SHIFT(ShiftLeft),
    .shift_right = MACE_SHIFT(ShiftRight),
    .shift_right_logical = MACE_SHIFT(ShiftRightLogical),
    .convert_to_int = MACE_CONVERSION(float, kF32, int32_t, ConvertToI32(a)),
    .convert_truncate_to_int = MACE_CONVERSION(float, kF32, int32_t, ConvertTruncateToI32(a)),
    .convert_from_int = MACE_CONVERSION(int32_t, kI32, float, ConvertFromI32(a)),
    .bits_of = MACE_CONVERSION(float, kF32, int32_t, BitCastToI32(a)),
    .from_bits = MACE_CONVERSION(int32_t, kI32, float, BitCastToF32(a)),
    .load_f16 = MACE_WIDEN(uint16_t, float, kF32, LoadF16),
    .store_f16 = MACE_NARROW(float, uint16_t, kF32, StoreF16),
    .load_u8 = MACE_WIDEN(uint8_t, int32_t, kI32, LoadU8),
    .load_i8 = MACE_WIDEN(int8_t, int32_t, kI32, LoadI8),
    .load_i16 = MACE_WIDEN(int16_t, int32_t, kI32, LoadI16),
    .store_i16 = MACE_NARROW(int32_t, int16_t, kI32, StoreI16),
    .store_u8 = MACE_NARROW(int32_t, uint8_t, kI32, StoreU8),
    .store_i8 = MACE_NARROW(int32_t, int8_t, kI32, StoreI8),
    .reduce_add = [](const float* x) { return ReduceAdd(Load(kF32, x)); },
    .reduce_max = [](const float* x) { return ReduceMax(Load(kF32, x)); },
    .reduce_min = [](const float* x) { return ReduceMin(Load(kF32, x)); },
    .reduce_add_int = [](const int32_t* x) { return ReduceAdd(Load(kI32, x)); },
    .any_not_zero = [](const int32_t* x) { return AnyLane(MaskNot(Equal(Load(kI32, x), Zero(kI32)))); },
    .select_int =
        [](int32_t condition, int32_t if_true, int32_t if_false) {
          const Mask32 mask = Equal(Set(kI32, condition), Set(kI32, 1));
          const int64_t lanes = Lanes(kI32);
          return static_cast<int32_t>(ReduceAdd(Select(mask, Set(kI32, if_true), Set(kI32, if_false))) /
                                      lanes);
        },
};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
