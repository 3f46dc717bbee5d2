// The element types that arithmetic serves: float32, float64 and integers of whole bytes. (float16 and
// bfloat16 are computed in float32: docs/design/25-control-flow.md.)
#ifndef MACE_OPS_NUMBER_TYPES_H_
#define MACE_OPS_NUMBER_TYPES_H_

#include "mace/ops/common.h"

namespace mace::ops {

constexpr bool IsComputedFloat(DType dtype) { return dtype == DType::kF32 || dtype == DType::kF64; }
constexpr bool IsNumber(DType dtype) {
  return IsComputedFloat(dtype) || (IsInteger(dtype) && !IsSubByte(dtype));
}

inline Status ExpectNumber(const InferContext& context, int input) {
  if (IsNumber(context.input(input).dtype)) return Status::Ok();
  return Unsupported("input %d is %s, expected float32, float64 or integers", input,
                     NameOf(context.input(input).dtype));
}
inline Status ExpectComputedFloat(const InferContext& context, int input) {
  return ExpectDType(context, input, {DType::kF32, DType::kF64});
}

// Calls function(T{}) with the C++ type of `dtype`.
template <typename Function>
Status DispatchInteger(DType dtype, const Function& function) {
  return DispatchDType<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>(dtype,
                                                                                                 function);
}
template <typename Function>
Status DispatchFloat(DType dtype, const Function& function) {
  return DispatchDType<float, double>(dtype, function);
}
template <typename Function>
Status DispatchNumber(DType dtype, const Function& function) {
  return IsFloat(dtype) ? DispatchFloat(dtype, function) : DispatchInteger(dtype, function);
}

}  // namespace mace::ops

#endif  // MACE_OPS_NUMBER_TYPES_H_
