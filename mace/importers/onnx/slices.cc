#include "mace/importers/onnx/slices.h"

#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::onnx {

ValueId SizesOf(OnnxContext& context, ValueId value, int64_t begin, int64_t end) {
  ops::ShapeAttributes attributes;
  attributes.start = begin;
  attributes.end = end;
  return context.Emit(OpId::kShape, {value}, attributes);
}

ValueId SliceOf(OnnxContext& context, ValueId value, int64_t axis, int64_t begin, int64_t end) {
  return context.Emit(OpId::kSlice, {value, context.Int64s(IntList{begin}), context.Int64s(IntList{end}),
                                     context.Int64s(IntList{axis})});
}

ValueId ConcatOf(OnnxContext& context, std::initializer_list<ValueId> values, int64_t axis) {
  return context.Emit(OpId::kConcat, values, ops::ConcatAttributes{.axis = axis});
}

}  // namespace mace::importers::onnx
