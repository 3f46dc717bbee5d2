// What several operators share: attribute enums, the arithmetic of window operators and the checks of shape
// rules.
#ifndef MACE_OPS_COMMON_H_
#define MACE_OPS_COMMON_H_

#include <initializer_list>

#include "mace/core/clip_taps.h"
#include "mace/core/shape.h"
#include "mace/core/status.h"
#include "mace/core/tensor_view.h"
#include "mace/graph/attributes.h"
#include "mace/graph/op_definition.h"

namespace mace::ops {

// How an integer result is brought to its output scale (docs/design/07-quantization.md).
enum class Rounding : int32_t {
  kTfliteDouble = 0,  // saturating rounding doubling high multiply, then rounding right shift (two roundings)
  kTfliteSingle = 1,  // one rounding: of sums a product in double precision, halves away from zero; of
                      // Requantize one 64-bit rounding shift; Add, Sub, comparisons: binary_integer.h
  kHalfEvenFloat = 2,  // float multiply, round half to even (ONNX)
  kCount = 3,
};

// The attributes of an operator that has no others but can work on quantized values. With the tflite
// roundings such an operator computes what TensorFlow Lite's reference kernel of it does, bit for bit; with
// kHalfEvenFloat what Dequantize, the operator in float32 and Quantize give one after the other. Not read
// where the values are not quantized.
struct RoundingAttributes {
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, RoundingAttributes, rounding)}; }
};

// Where a window operator takes its padding from.
enum class Padding : int32_t {
  kExplicit = 0,   // the `pads` attribute
  kSameUpper = 1,  // output = ceil(input / stride), an odd pixel of padding goes to the end
  kSameLower = 2,  // the same, to the beginning
  kCount = 3,
};

// --- Window operators: shared by shape rules, references and lowering -------------------------------------

// One spatial axis of a window operator, as its attributes give it.
struct WindowAxis {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;  // both read where padding is kExplicit
  int64_t pad_end = 0;
  Padding padding = Padding::kExplicit;
  bool ceil_mode = false;
};

// Axis 0 (height) or 1 (width) of an operator's attributes. Checks list lengths and ranges (all sizes >= 1,
// pads >= 0, everything below 2^31), so that the functions below cannot overflow.
Status MakeWindowAxis(int axis, int64_t kernel, const IntList& strides, const IntList& dilations,
                      const IntList& pads, Padding padding, bool ceil_mode, WindowAxis* window);

// The padding in front of and behind an input of `input` (>= 0) elements.
Status ResolvePadding(const WindowAxis& window, int64_t input, int64_t* pad_begin, int64_t* pad_end);

// The number of windows. kUnknownDim where `input` is a symbol or unknown.
Status OutputSize(const WindowAxis& window, int64_t input, int64_t* output);

// --- Checks of shape rules --------------------------------------------------------------------------------

// Each names the input and what was expected.
Status ExpectRank(const InferContext& context, int input, int rank);
Status ExpectDType(const InferContext& context, int input, std::initializer_list<DType> allowed);
Status ExpectSameDType(const InferContext& context, int input, int other);
// A whole-byte element type: 4-bit types cannot be moved element by element.
Status ExpectWholeBytes(const InferContext& context, int input);

// One dimension from two sources that must agree: a constant wins over a symbol over unknown. False where
// two constants differ. (Different symbols may be equal at run time.)
bool MergeDim(int64_t a, int64_t b, int64_t* merged);

// Brings `axis` into 0 .. rank - 1, or says what was expected.
Status ResolveAxis(int64_t axis, int rank, int* resolved);

// a + b, a * b of dimensions: kUnknownDim where either is not constant; an error where it does not fit.
Status AddDims(int64_t a, int64_t b, int64_t* sum);
Status MultiplyDims(int64_t a, int64_t b, int64_t* product);

// Element i of an int64 or int32 tensor.
inline int64_t ReadInt(const TensorView& view, int64_t i) {
  return view.dtype == DType::kI32 ? view.as<int32_t>()[i] : view.as<int64_t>()[i];
}
// True for an int64 or int32 tensor of rank 0 or 1 with concrete length.
bool IsIntVector(const TensorView& view);

// Calls function(T{}) with the C++ type of `dtype` where it is among Types; else says it is unsupported.
template <typename... Types, typename Function>
Status DispatchDType(DType dtype, const Function& function) {
  Status status;
  const bool found = ((dtype == DTypeOf<Types>() && (status = function(Types{}), true)) || ...);
  // The message is made only where it is needed: it allocates, and runs of reference kernels come here.
  if (!found) return Unsupported("element type %s", NameOf(dtype));
  return status;
}

}  // namespace mace::ops

#endif  // MACE_OPS_COMMON_H_
