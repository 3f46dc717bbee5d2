// Sizes of values, and values cut and joined along an axis: what the converters of several families emit.
#ifndef MACE_IMPORTERS_ONNX_SLICES_H_
#define MACE_IMPORTERS_ONNX_SLICES_H_

#include <initializer_list>

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// The sizes of axes begin .. end - 1 as int64 [end - begin].
ValueId SizesOf(OnnxContext& context, ValueId value, int64_t begin, int64_t end);
// Elements [begin, end) of `axis` (end INT64_MAX: to its end).
ValueId SliceOf(OnnxContext& context, ValueId value, int64_t axis, int64_t begin, int64_t end);
ValueId ConcatOf(OnnxContext& context, std::initializer_list<ValueId> values, int64_t axis);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_SLICES_H_
