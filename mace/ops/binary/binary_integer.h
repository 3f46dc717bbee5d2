// Quantized operands (i8, u8, i16, u16 with one scale each) of the elementwise operators of two inputs.
#ifndef MACE_OPS_BINARY_BINARY_INTEGER_H_
#define MACE_OPS_BINARY_BINARY_INTEGER_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"
#include "mace/ops/quantize/fixed_point.h"

namespace mace::ops {

// Whether an input of the node is quantized.
bool HasQuantizedInput(const InferContext& context);
bool HasQuantizedInput(const ReferenceContext& context);

// What TensorFlow Lite has of an operator on quantized values.
struct TflitePair {
  uint32_t dtypes = 0;  // bits 1 << DType
  // More than what InferQuantizedPair asks for; null: nothing more.
  Status (*check)(const InferContext& context, DType dtype) = nullptr;
  Status (*reference)(const ReferenceContext& context) = nullptr;  // null: there is no such form
};

// The shape rule. With the tflite roundings all three operands have one dtype (except that the slope of an
// i16 PRelu is i8); with kHalfEvenFloat the output has the dtype that the graph gives it, or that of input 0.
Status InferQuantizedPair(InferContext& context, Rounding rounding, const TflitePair& tflite);

// kHalfEvenFloat: `function` of the two reals, in float32.
Status ReferenceHalfEvenPair(const ReferenceContext& context, float (*function)(float, float));

// Comparisons: the shape rule, and what they compare: with kTfliteDouble integers of one unit, 8 bits more
// than the stored ones have, times the scale; with kTfliteSingle the stored integers, whatever they stand for
// (as TensorFlow Lite orders i16); with kHalfEvenFloat the reals.
Status InferQuantizedComparison(InferContext& context);
Status ReferenceQuantizedComparison(const ReferenceContext& context, uint8_t (*integers)(int32_t, int32_t),
                                    uint8_t (*reals)(float, float));

// Add and Sub with kTfliteDouble: both operands are brought to one half of the larger scale, with
// `left_shift` more bits; their sum is brought to the output's scale.
struct QuantizedSum {
  int left_shift = 0;
  FixedPointMultiplier a, b, y;
};
QuantizedSum MakeQuantizedSum(DType dtype, float a_scale, float b_scale, float y_scale);

// Add and Sub of i16 with kTfliteSingle: scales that are powers of two (nearly), zero points of 0. Right
// shifts bring the operands to the output's scale; at least one of them is 0. False where the scales are
// others.
bool MakeShiftedSum(float a_scale, float b_scale, float y_scale, int* a_shift, int* b_shift);

// The factor of Mul: single precision, as TensorFlow Lite has it.
FixedPointMultiplier MultiplierOfProduct(float a_scale, float b_scale, float y_scale);

extern const TflitePair kTfliteAdd, kTfliteSub, kTfliteMul, kTfliteDiv, kTfliteMax, kTfliteMin, kTflitePRelu,
    kTfliteSquaredDifference;

}  // namespace mace::ops

#endif  // MACE_OPS_BINARY_BINARY_INTEGER_H_
