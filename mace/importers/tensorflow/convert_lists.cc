// TensorList (2.x) and TensorArray (1.x): lists of tensors of one shape, kept as one tensor with an axis in
// front. A list that is reserved before its elements' shape is known has sizes of 0 there; the first element
// that is set makes room.
#include <algorithm>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tensorflow {
namespace {

ValueId Zeros(Call& call, ValueId shape, DType dtype) {
  ops::ConstantOfShapeAttributes attributes;
  attributes.dtype = dtype;
  return call.g.Emit(OpId::kConstantOfShape, {shape}, attributes);
}

ValueId Unsqueezed(Call& call, ValueId value, int64_t axis) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = {axis};
  return call.g.Emit(OpId::kUnsqueeze, {value}, attributes);
}

// A list of `count` elements; `element`: its shape, -1 where unknown.
ValueId NewList(Call& call, ValueId count, ValueId element, DType dtype) {
  GraphBuilder& g = call.g;
  if (g.RankOf(element) != 1) {
    const ValueId list = Zeros(call, AsList(call, AsInt64(call, count)), dtype);
    call.scope.work().open_lists.insert({&g.graph(), list});
    return list;
  }
  const ValueId sizes = g.Emit(OpId::kMax, {AsInt64(call, element), g.Scalar(0, DType::kI64)});
  return Zeros(call, ConcatLists(call, {AsList(call, AsInt64(call, count)), sizes}), dtype);
}

// The list with room for elements of the item's shape.
ValueId WithRoom(Call& call, ValueId list, ValueId item) {
  GraphBuilder& g = call.g;
  const Shape have = g.ShapeOf(list), want = g.ShapeOf(item);
  if (!have.HasRank() || !want.HasRank()) {
    throw ImportError(Unsupported("a list whose elements have a rank that is not known"));
  }
  if (have.rank == 1 && want.rank > 0) {  // of unknown rank until now: this is its first element
    const ValueId count = SliceAxis(call, ShapeValue(call, list), 0, 0, 1);
    return Zeros(call, ConcatLists(call, {count, ShapeValue(call, item)}), g.DTypeOf(list));
  }
  if (have.rank != want.rank + 1) {
    throw ImportError(
        InvalidArgument("an element of rank %d in a list of those of rank %d", want.rank, have.rank - 1));
  }
  bool fits = true;
  for (int i = 0; i < want.rank; ++i) fits = fits && have[i + 1] == want[i] && want[i] >= 0;
  if (fits) return list;
  const ValueId sizes = SliceAxis(call, ShapeValue(call, list), 0, 1, INT64_MAX);
  const ValueId missing = g.Emit(OpId::kSub, {ShapeValue(call, item), sizes});
  const ValueId more = g.Emit(OpId::kMax, {missing, g.Scalar(0, DType::kI64)});
  const std::vector<int64_t> zeros(static_cast<size_t>(want.rank) + 2, 0);
  return g.Emit(OpId::kPad, {list, ConcatLists(call, {g.Int64s(zeros), more})}, ops::PadAttributes{});
}

ValueId WithItem(Call& call, ValueId list, ValueId index, ValueId item) {
  GraphBuilder& g = call.g;
  const ValueId place = g.Reshaped(AsInt64(call, index), {1, 1});
  return g.Emit(OpId::kScatterNd, {WithRoom(call, list, item), place, Unsqueezed(call, item, 0)},
                ops::ScatterNdAttributes{});
}

ValueId Item(Call& call, ValueId list, ValueId index) {
  return call.g.Emit(OpId::kGather, {list, AsInt64(call, index)}, ops::GatherAttributes{});
}

ValueId LengthOf(Call& call, ValueId list) {
  ops::ShapeAttributes attributes;
  attributes.end = 1;
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {0};
  const ValueId length = call.g.Emit(OpId::kShape, {list}, attributes);
  return call.g.Cast(call.g.Emit(OpId::kSqueeze, {length}, squeeze), DType::kI32);
}

}  // namespace

Results ConvertListReserve(Call& call, const TensorflowOp& entry) {
  const DType dtype = call.Type("element_dtype", DType::kF32);
  const ValueId count = entry.variant == 0 ? call.In(1) : call.g.Scalar(0, DType::kI64);
  return {NewList(call, count, call.In(0), dtype)};
}

Results ConvertListFromTensor(Call& call, const TensorflowOp& entry) { return {call.In(0)}; }

Results ConvertListSetItem(Call& call, const TensorflowOp& entry) {
  return {WithItem(call, call.In(0), call.In(1), call.In(2))};
}

Results ConvertListGetItem(Call& call, const TensorflowOp& entry) {
  return {Item(call, call.In(0), call.In(1))};
}

Results ConvertListStack(Call& call, const TensorflowOp& entry) { return {call.In(0)}; }

Results ConvertListLength(Call& call, const TensorflowOp& entry) { return {LengthOf(call, call.In(0))}; }

Results ConvertListPushBack(Call& call, const TensorflowOp& entry) {
  const ValueId list = WithRoom(call, call.In(0), call.In(1));
  return {ConcatLists(call, {list, Unsqueezed(call, call.In(1), 0)})};
}

Results ConvertListPopBack(Call& call, const TensorflowOp& entry) {
  const ValueId last = call.g.Scalar(-1, DType::kI64);
  return {SliceAxis(call, call.In(0), 0, 0, -1), Item(call, call.In(0), last)};
}

Results ConvertListGather(Call& call, const TensorflowOp& entry) {
  return {Item(call, call.In(0), call.In(1))};
}

Results ConvertArrayNew(Call& call, const TensorflowOp& entry) {
  const Shape element = call.ShapeOf("element_shape");
  const DType dtype = call.Type("dtype", DType::kF32);
  const ValueId count = AsList(call, AsInt64(call, call.In(0)));
  std::vector<int64_t> sizes;
  for (int64_t dim : element.span()) sizes.push_back(std::max<int64_t>(dim, 0));
  // Of unknown rank: numbers, until the whole list is given at once.
  const ValueId shape = sizes.empty() ? count : ConcatLists(call, {count, call.g.Int64s(sizes)});
  const ValueId list = Zeros(call, shape, dtype);
  if (!element.HasRank()) call.scope.work().open_lists.insert({&call.g.graph(), list});
  return {list, list};
}

Results ConvertArrayWrite(Call& call, const TensorflowOp& entry) {  // handle, index, value, flow
  return {WithItem(call, call.In(3), call.In(1), call.In(2))};
}

Results ConvertArrayRead(Call& call, const TensorflowOp& entry) {  // handle, index, flow
  return {Item(call, call.In(2), call.In(1))};
}

Results ConvertArrayGather(Call& call, const TensorflowOp& entry) {
  return {Item(call, call.In(2), call.In(1))};
}

Results ConvertArrayScatter(Call& call, const TensorflowOp& entry) {  // handle, indices, value, flow
  GraphBuilder& g = call.g;
  const ValueId value = call.In(2);
  ops::ShapeAttributes first;
  first.end = 1;
  const ValueId count = g.Emit(OpId::kShape, {call.In(3)}, first);
  const ValueId rest = SliceAxis(call, ShapeValue(call, value), 0, 1, INT64_MAX);
  const ValueId list = Zeros(call, ConcatLists(call, {count, rest}), g.DTypeOf(value));
  const ValueId places = Unsqueezed(call, AsInt64(call, call.In(1)), 1);
  return {g.Emit(OpId::kScatterNd, {list, places, value}, ops::ScatterNdAttributes{})};
}

Results ConvertArraySize(Call& call, const TensorflowOp& entry) { return {LengthOf(call, call.In(1))}; }

}  // namespace mace::importers::tensorflow
