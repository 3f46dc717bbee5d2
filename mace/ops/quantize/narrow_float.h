// 16-bit floats as numbers: slow, exact, for references and constant folding.
#ifndef MACE_OPS_QUANTIZE_NARROW_FLOAT_H_
#define MACE_OPS_QUANTIZE_NARROW_FLOAT_H_

#include <cstdint>

namespace mace::ops {

// The value of `bits` = sign, exponent, mantissa (float16: 5, 10; bfloat16: 8, 7).
double WidenFloat(uint16_t bits, int exponent_bits, int mantissa_bits);

// The nearest such float, halves to the even mantissa; too large: infinity. A NaN becomes the quiet NaN of
// its sign.
uint16_t RoundToNarrowFloat(double value, int exponent_bits, int mantissa_bits);

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_NARROW_FLOAT_H_
