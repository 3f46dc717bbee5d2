// Exp, Log, Erf, Tanh and Sigmoid of float vectors. Accuracy over the whole range, measured by simd_test
// against libm in double (units in the last place; the test holds the numbers): exp 1.0, log 1.0, tanh 1.6,
// erf 1.2, sigmoid 2.5. NaN gives NaN; infinities and denormals are right.
//
// Method: reduction of the argument as in W. J. Cody and W. Waite, "Software Manual for the Elementary
// Functions" (1980): a multiple of log 2, held in two parts, is split off. The polynomials are our own
// minimax fits in the relative error of the result (Lawson's iterated weighted least squares at 2,000
// Chebyshev points), of the least degree that leaves the fit's error below a tenth of a unit in the last
// place.
#ifndef MACE_SIMD_MATH_H_
#define MACE_SIMD_MATH_H_

#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Horner's rule; the highest coefficient comes first.
MACE_INLINE VecF32 Polynomial(VecF32, VecF32 sum) { return sum; }
template <typename... Floats>
MACE_INLINE VecF32 Polynomial(VecF32 x, VecF32 sum, float next, Floats... rest) {
  return Polynomial(x, MulAdd(sum, x, Set(kF32, next)), rest...);
}

inline constexpr float kLog2High = 0.693359375f;  // 10 bits: its product with an exponent is exact
inline constexpr float kLog2Low = -2.12194440e-4f;

MACE_INLINE VecF32 PowerOfTwo(VecI32 exponent) {
  return BitCastToF32(ShiftLeft(Add(exponent, Set(kI32, 127)), 23));
}

// exp(x) = 2^n exp(r), |r| <= log(2) / 2. 2^n is multiplied in two halves so that results near the largest
// float and denormal ones come out right; exp(-104) rounds to 0 and exp(89) to infinity.
MACE_INLINE VecF32 Exp(VecF32 x) {
  x = Clamp(x, Set(kF32, -104.0f), Set(kF32, 89.0f));
  const VecF32 n = Round(Mul(x, Set(kF32, 1.44269504f)));
  VecF32 r = NegMulAdd(n, Set(kF32, kLog2High), x);
  r = NegMulAdd(n, Set(kF32, kLog2Low), r);
  const VecF32 p = Polynomial(r, Set(kF32, 1.381443348e-3f), 8.368796669e-3f, 4.166839644e-2f,
                              1.666651964e-1f, 4.999999404e-1f);
  const VecF32 e = Add(Set(kF32, 1.0f), MulAdd(Mul(r, r), p, r));
  const VecI32 exponent = ConvertToI32(n);
  const VecI32 half = ShiftRight(exponent, 1);
  return Mul(Mul(e, PowerOfTwo(half)), PowerOfTwo(Sub(exponent, half)));
}

// log(x) = e log(2) + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2).
MACE_INLINE VecF32 Log(VecF32 x) {
  const Mask32 denormal = Less(x, Set(kF32, 1.17549435e-38f));
  const VecF32 normal = Select(denormal, Mul(x, Set(kF32, 33554432.0f)), x);  // 2^25
  const VecI32 bits = BitCastToI32(normal);
  const VecI32 exponent = ShiftRight(Sub(bits, Set(kI32, 0x3f3504f3)), 23);
  const VecF32 f = Sub(BitCastToF32(Sub(bits, ShiftLeft(exponent, 23))), Set(kF32, 1.0f));
  const VecF32 e = Add(ConvertFromI32(exponent), Select(denormal, Set(kF32, -25.0f), Zero(kF32)));
  const VecF32 p =
      Polynomial(f, Set(kF32, -7.634504884e-2f), 1.276159286e-1f, -1.316018701e-1f, 1.420175582e-1f,
                 -1.662335694e-1f, 2.000122666e-1f, -2.500081956e-1f, 3.333333135e-1f);
  const VecF32 square = Mul(f, f);
  VecF32 y = MulAdd(e, Set(kF32, kLog2Low), Mul(Mul(square, f), p));
  y = NegMulAdd(square, Set(kF32, 0.5f), y);
  VecF32 result = MulAdd(e, Set(kF32, kLog2High), Add(f, y));
  result = Select(Equal(x, Zero(kF32)), Set(kF32, -__builtin_inff()), result);
  result = Select(Less(x, Zero(kF32)), Set(kF32, __builtin_nanf("")), result);
  // Infinity and NaN are their own logarithms.
  return Select(Less(x, Set(kF32, __builtin_inff())), result,
                Select(Equal(x, Set(kF32, -__builtin_inff())), Set(kF32, __builtin_nanf("")), x));
}

// Odd polynomial near 0, where 1 - 2 / (exp(2x) + 1) would cancel.
MACE_INLINE VecF32 Tanh(VecF32 x) {
  const VecF32 magnitude = Abs(x);
  const VecF32 square = Mul(x, x);
  const VecF32 p = Polynomial(square, Set(kF32, -5.704987328e-3f), 2.063908800e-2f, -5.373971537e-2f,
                              1.333144158e-1f, -3.333328068e-1f);
  const VecF32 small = MulAdd(Mul(x, square), p, x);
  const VecF32 e = Exp(Add(magnitude, magnitude));
  const VecF32 large = Sub(Set(kF32, 1.0f), Div(Set(kF32, 2.0f), Add(e, Set(kF32, 1.0f))));
  return Select(Less(magnitude, Set(kF32, 0.625f)), small, CopySign(large, x));
}

// exp of a number that is never positive keeps small results exact: 1 / (1 + e^-x), or e^x / (1 + e^x) for x
// < 0.
MACE_INLINE VecF32 Sigmoid(VecF32 x) {
  const VecF32 e = Exp(Neg(Abs(x)));
  const VecF32 numerator = Select(Less(x, Zero(kF32)), e, Set(kF32, 1.0f));
  return Div(numerator, Add(Set(kF32, 1.0f), e));
}

// x P(x^2) below 1; above, 1 - exp(Q(x)) with Q a fit of log(erfc(x)). From 4 on the result is 1.
MACE_INLINE VecF32 Erf(VecF32 x) {
  const VecF32 magnitude = Min(Set(kF32, 4.0f), Abs(x));
  const VecF32 square = Mul(magnitude, magnitude);
  const VecF32 p = Polynomial(square, Set(kF32, 7.853897114e-5f), -8.010205347e-4f, 5.188329145e-3f,
                              -2.685381286e-2f, 1.128358543e-1f, -3.761262596e-1f, 1.283791661e-1f);
  const VecF32 small = MulAdd(x, p, x);
  const VecF32 q = Polynomial(magnitude, Set(kF32, 1.876048045e-4f), -2.960114274e-3f, 2.188964188e-2f,
                              -1.032182053e-1f, -6.380122304e-1f, -1.127171636e0f, -3.205739777e-4f);
  const VecF32 large = Sub(Set(kF32, 1.0f), Exp(q));
  return Select(Less(magnitude, Set(kF32, 1.0f)), small, CopySign(large, x));
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_SIMD_MATH_H_
