// ONNX's 8-bit floats, which MACE does not have: kept as float32, which holds them all, and rounded to them
// where the model makes them (convert_float8.cc).
#ifndef MACE_IMPORTERS_ONNX_FLOAT8_H_
#define MACE_IMPORTERS_ONNX_FLOAT8_H_

#include <cstdint>
#include <span>

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// By ONNX's number of the element type.
constexpr bool IsFloat8(int64_t onnx_type) { return onnx_type >= 17 && onnx_type <= 20; }
// The number that a byte stands for (https://onnx.ai/onnx/technical/float8.html).
float Float8Value(uint8_t byte, int32_t onnx_type);
// float32 x rounded to the nearest number of that type, a tie to the even one; what is too large becomes the
// largest. `saturate` is the node's attribute: others are refused.
ValueId EmitFloat8(OnnxContext& context, ValueId x, int32_t onnx_type, bool saturate);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_FLOAT8_H_
