// TensorList (2.x) and TensorArray (1.x): lists of tensors of one shape, kept as one tensor with an axis in
// front. A list that is reserved before its elements' shape is known has sizes of 0 there; the first element
// that is set makes room.
#include <algorithm>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
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

// The shape that a list with this item at `index` has at least; without an index, of any place: no count.
ValueId Wanted(Call& call, ValueId item, ValueId index) {
  if (index == kNone) return ShapeValue(call, item);
  const ValueId count = call.g.Emit(OpId::kAdd, {AsInt64(call, index), call.g.Scalar(1, DType::kI64)});
  return ConcatLists(call, {AsList(call, count), ShapeValue(call, item)});
}

// Whether an item at `index` is known to lie within the list.
bool Holds(Call& call, const Shape& list, ValueId index) {
  const TensorView* view = call.g.graph().ConstantOf(index);
  if (view == nullptr || view->elements() != 1 || view->dtype != DType::kI32) return false;
  return *view->as<int32_t>() < list[0];
}

// The list with room for elements of the item's shape. `index`: where the item will be, to which the list
// grows, or kNone.
ValueId WithRoom(Call& call, ValueId list, ValueId item, ValueId index = kNone) {
  GraphBuilder& g = call.g;
  const Shape have = g.ShapeOf(list), want = g.ShapeOf(item);
  if (!have.HasRank() || !want.HasRank()) {
    throw ImportError(Unsupported("a list whose elements have a rank that is not known"));
  }
  if (have.rank == 1 && want.rank > 0) {  // of unknown rank until now: this is its first element
    ValueId shape = ShapeValue(call, list);
    if (index == kNone) {
      shape = ConcatLists(call, {shape, ShapeValue(call, item)});
    } else {
      const std::vector<int64_t> zeros(static_cast<size_t>(want.rank), 0);
      shape = g.Emit(OpId::kMax, {ConcatLists(call, {shape, g.Int64s(zeros)}), Wanted(call, item, index)});
    }
    return Zeros(call, shape, g.DTypeOf(list));
  }
  if (have.rank != want.rank + 1) {
    throw ImportError(
        InvalidArgument("an element of rank %d in a list of those of rank %d", want.rank, have.rank - 1));
  }
  if (index != kNone && Holds(call, have, index)) index = kNone;
  bool fits = index == kNone;
  for (int i = 0; i < want.rank; ++i) fits = fits && have[i + 1] == want[i] && want[i] >= 0;
  if (fits) return list;
  const int axes_left = index == kNone ? 1 : 0;  // whose size is kept
  const ValueId sizes = SliceAxis(call, ShapeValue(call, list), 0, axes_left, INT64_MAX);
  const ValueId missing = g.Emit(OpId::kSub, {Wanted(call, item, index), sizes});
  const ValueId more = g.Emit(OpId::kMax, {missing, g.Scalar(0, DType::kI64)});
  const std::vector<int64_t> zeros(static_cast<size_t>(want.rank + 1 + axes_left), 0);
  return g.Emit(OpId::kPad, {list, ConcatLists(call, {g.Int64s(zeros), more})}, ops::PadAttributes{});
}

// `grows`: an index behind the end makes the list longer.
ValueId WithItem(Call& call, ValueId list, ValueId index, ValueId item, bool grows) {
  GraphBuilder& g = call.g;
  const ValueId place = g.Reshaped(AsInt64(call, index), {1, 1});
  const ValueId room = WithRoom(call, list, item, grows ? index : kNone);
  return g.Emit(OpId::kScatterNd, {room, place, Unsqueezed(call, item, 0)}, ops::ScatterNdAttributes{});
}

// Whether the TensorArray of this node's handle was made with dynamic_size. The handle reaches loops and
// branches through nodes that pass it on.
bool HasDynamicSize(const Call& call) {
  const NodeTable& table = call.scope.table();
  const auto found = table.by_name.find(call.node.name);
  if (found == table.by_name.end()) return false;
  constexpr std::string_view kPassing[] = {"Identity", "Enter", "Switch"};
  int32_t node = found->second;
  for (size_t steps = 0; steps < table.nodes.size() && !table.inputs[node].empty(); ++steps) {
    node = table.inputs[node][0].node;
    if (std::ranges::find(kPassing, table.op(node)) == std::end(kPassing)) break;
  }
  if (node < 0 || table.op(node) != "TensorArrayV3") return false;
  const AttributeValue* attribute = table.nodes[node]->Find("dynamic_size");
  return attribute != nullptr && attribute->b.value_or(false);
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
  const bool grows = call.Bool("resize_if_index_out_of_bounds", false);
  return {WithItem(call, call.In(0), call.In(1), call.In(2), grows)};
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
  return {WithItem(call, call.In(3), call.In(1), call.In(2), HasDynamicSize(call))};
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
  ValueId count = g.Emit(OpId::kShape, {call.In(3)}, first);
  if (HasDynamicSize(call)) {
    // The length of now beside the places: there may be none of those.
    const ValueId one = g.Scalar(1, DType::kI64);
    const ValueId last = g.Emit(OpId::kSub, {count, one});
    ops::ReduceAttributes greatest;
    greatest.kind = ops::ReduceKind::kMax;
    greatest.keep_dims = true;
    greatest.axes = {0};
    const ValueId places = ConcatLists(call, {last, AsInt64(call, call.In(1))});
    count = g.Emit(OpId::kAdd, {g.Emit(OpId::kReduce, {places}, greatest), one});
  }
  const ValueId rest = SliceAxis(call, ShapeValue(call, value), 0, 1, INT64_MAX);
  const ValueId list = Zeros(call, ConcatLists(call, {count, rest}), g.DTypeOf(value));
  const ValueId places = Unsqueezed(call, AsInt64(call, call.In(1)), 1);
  return {g.Emit(OpId::kScatterNd, {list, places, value}, ops::ScatterNdAttributes{})};
}

Results ConvertArraySize(Call& call, const TensorflowOp& entry) { return {LengthOf(call, call.In(1))}; }

}  // namespace mace::importers::tensorflow
