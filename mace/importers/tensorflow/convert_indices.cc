// Operators that read or write at computed places, or search.
#include <algorithm>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/detection/select_boxes.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/search/selection.h"
#include "mace/ops/search/top_k.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tensorflow {
namespace {

ValueId Unsqueezed(Call& call, ValueId value, int64_t axis) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = {axis};
  return call.g.Emit(OpId::kUnsqueeze, {value}, attributes);
}

}  // namespace

Results ConvertGather(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int64_t batch_dims = call.Int("batch_dims", 0);
  ops::GatherAttributes attributes;
  if (call.count() > 2) attributes.axis = g.ConstantInts(call.In(2), "the axis", 1).at(0);
  if (batch_dims == 0) return {g.Emit(OpId::kGather, {call.In(0), call.In(1)}, attributes)};
  const int64_t axis = call.Axis(0, attributes.axis), indices_rank = call.Rank(1);
  const int64_t batches = batch_dims < 0 ? batch_dims + indices_rank : batch_dims;
  if (axis != batches) throw ImportError(Unsupported("axes between those of the batch and the one gathered"));
  ops::GatherNdAttributes nd;
  nd.batch_dims = batches;
  return {g.Emit(OpId::kGatherNd, {call.In(0), Unsqueezed(call, call.In(1), -1)}, nd)};
}

Results ConvertGatherNd(Call& call, const TensorflowOp& entry) {
  ops::GatherNdAttributes attributes;
  attributes.batch_dims = call.Int("batch_dims", 0);
  return {call.g.Emit(OpId::kGatherNd, {call.In(0), call.In(1)}, attributes)};
}

Results ConvertScatterNd(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ops::ConstantOfShapeAttributes zeros;
  zeros.dtype = g.DTypeOf(call.In(1));
  const ValueId data = g.Emit(OpId::kConstantOfShape, {AsInt64(call, call.In(2))}, zeros);
  ops::ScatterNdAttributes attributes;
  attributes.reduction = ops::ScatterReduction::kAdd;
  return {g.Emit(OpId::kScatterNd, {data, call.In(0), call.In(1)}, attributes)};
}

// variant: a ScatterReduction, or that many and more for Sub.
Results ConvertTensorScatter(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ops::ScatterNdAttributes attributes;
  ValueId updates = call.In(2);
  if (entry.variant >= static_cast<int>(ops::ScatterReduction::kCount)) {
    updates = g.Emit(OpId::kNeg, {updates});
    attributes.reduction = ops::ScatterReduction::kAdd;
  } else {
    attributes.reduction = static_cast<ops::ScatterReduction>(entry.variant);
  }
  return {g.Emit(OpId::kScatterNd, {call.In(0), call.In(1), updates}, attributes)};
}

Results ConvertOneHot(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ops::OneHotAttributes attributes;
  attributes.axis = call.Int("axis", -1);
  // A negative index is on nowhere, it does not count from the end.
  const ValueId indices = AsInt64(call, call.In(0)), depth = AsInt64(call, call.In(1));
  const ValueId is_negative = g.Emit(OpId::kLess, {indices, g.Scalar(0, DType::kI64)});
  const ValueId places = g.Emit(OpId::kWhere, {is_negative, depth, indices});
  const ValueId values = ConcatLists(call, {AsList(call, call.In(3)), AsList(call, call.In(2))});
  return {g.Emit(OpId::kOneHot, {places, AsList(call, depth), values}, attributes)};
}

Results ConvertWhere(Call& call, const TensorflowOp& entry) {
  return {call.g.Transposed(call.g.Emit(OpId::kNonZero, {call.In(0)}), {1, 0})};
}

Results ConvertUnique(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ops::UniqueAttributes attributes;
  attributes.sorted = false;
  const ValueId x = call.In(0);
  const Results all = g.EmitMany(OpId::kUnique, std::span(&x, 1), attributes, 4);
  const DType dtype = call.Type("out_idx", DType::kI32);
  Results results = {all[0], g.Cast(all[2], dtype)};
  if (entry.variant != 0) results.push_back(g.Cast(all[3], dtype));
  return results;
}

Results ConvertTopK(Call& call, const TensorflowOp& entry) {
  ops::TopKAttributes attributes;
  const DType dtype = call.Type("index_type", DType::kI32);
  attributes.index_type = dtype == DType::kI64 ? DType::kI64 : DType::kI32;
  GraphBuilder& g = call.g;
  const ValueId k = call.count() > 1 ? call.In(1) : g.Int64s({call.Int("k", 1)});
  const ValueId inputs[] = {call.In(0), AsList(call, AsInt64(call, k))};
  Results results = g.EmitMany(OpId::kTopK, inputs, attributes, 2);
  results[1] = g.Cast(results[1], dtype);
  return results;
}

Results ConvertInvertPermutation(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId x = call.In(0);
  const ValueId count = g.Reshaped(ShapeValue(call, x), std::span<const int64_t>{});
  const ValueId places = g.Emit(OpId::kRange, {g.Scalar(0, DType::kI64), count, g.Scalar(1, DType::kI64)});
  return {
      g.Emit(OpId::kScatterElements, {x, x, g.Cast(places, g.DTypeOf(x))}, ops::ScatterElementsAttributes{})};
}

// variant: 2 to 5, the operator's version.
Results ConvertNonMaxSuppression(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int version = entry.variant;
  if (version == 5 && g.ConstantNumber(call.In(5), "soft_nms_sigma") != 0) {
    throw ImportError(Unsupported("soft suppression (soft_nms_sigma is not 0)"));
  }
  const ValueId boxes = Unsqueezed(call, g.Cast(call.In(0), DType::kF32), 0);
  ops::UnsqueezeAttributes two;
  two.axes = {0, 1};
  const ValueId scores = g.Emit(OpId::kUnsqueeze, {g.Cast(call.In(1), DType::kF32)}, two);
  const auto f32 = [&](size_t i) { return g.Cast(call.In(i), DType::kF32); };
  const ValueId most = AsInt64(call, call.In(2));
  const ValueId overlap = version >= 2 ? f32(3) : g.Scalar(call.Float("iou_threshold", 0.5f), DType::kF32);
  const ValueId rows =
      g.Emit(OpId::kSelectBoxes, {boxes, scores, most, overlap, version >= 3 ? f32(4) : kNone},
             ops::SelectBoxesAttributes{});
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {1};
  const ValueId picked = g.Emit(OpId::kSqueeze, {SliceAxis(call, rows, 1, 2, 3)}, squeeze);
  ValueId indices = g.Cast(picked, DType::kI32);
  if (version < 4) return {indices};
  ValueId picked_scores = g.Emit(OpId::kGather, {call.In(1), picked}, ops::GatherAttributes{});
  const ValueId count = ShapeValue(call, picked);
  const std::span<const int64_t> scalar;
  const ValueId valid = g.Cast(g.Reshaped(count, scalar), DType::kI32);
  if (call.Bool("pad_to_max_output_size", false)) {
    const ValueId missing = g.Emit(OpId::kSub, {AsList(call, most), count});
    const ValueId pads = ConcatLists(call, {g.Int64s({0}), missing});
    indices = g.Emit(OpId::kPad, {indices, pads}, ops::PadAttributes{});
    picked_scores = g.Emit(OpId::kPad, {picked_scores, pads}, ops::PadAttributes{});
  }
  if (version == 4) return {indices, valid};
  return {indices, picked_scores, valid};
}

Results ConvertBucketize(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const AttributeValue* value = call.node.Find("boundaries");
  const std::vector<float> boundaries = value != nullptr ? value->floats : std::vector<float>{};
  const ValueId bounds = g.Floats(boundaries, Shape{static_cast<int64_t>(boundaries.size())});
  const ValueId x = Unsqueezed(call, g.Cast(call.In(0), DType::kF32), -1);
  ops::ReduceAttributes attributes;
  attributes.axes = {-1};
  attributes.keep_dims = false;
  const ValueId is_above = g.Cast(g.Emit(OpId::kGreaterOrEqual, {x, bounds}), DType::kI32);
  return {g.Emit(OpId::kReduce, {is_above}, attributes)};
}

// indices..., data...: row i of the result is the data row whose index is i, the last of several.
Results ConvertDynamicStitch(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const size_t parts = call.count() / 2;
  if (parts == 0 || call.count() % 2 != 0) throw ImportError(DataLoss("%zu operands", call.count()));
  constexpr int64_t kMostRows = 1 << 16;
  std::vector<int64_t> sources;
  std::vector<ValueId> rows;
  int64_t next = 0;
  for (size_t i = 0; i < parts; ++i) {
    const int rank = call.Rank(i);
    if (rank > 1) throw ImportError(Unsupported("indices of rank %d", rank));
    rows.push_back(rank == 0 ? Unsqueezed(call, call.In(parts + i), 0) : call.In(parts + i));
    for (int64_t index : g.ConstantInts(call.In(i), "the indices", kMostRows)) {
      if (index < 0 || index >= kMostRows) throw ImportError(DataLoss("an index that is out of range"));
      if (index >= static_cast<int64_t>(sources.size())) sources.resize(static_cast<size_t>(index) + 1, -1);
      sources[static_cast<size_t>(index)] = next++;
    }
  }
  if (std::ranges::find(sources, -1) != sources.end())
    throw ImportError(Unsupported("rows without an index"));
  const ValueId all = g.EmitMany(OpId::kConcat, rows, ops::ConcatAttributes{}, 1)[0];
  return {g.Emit(OpId::kGather, {all, g.Int64s(sources)}, ops::GatherAttributes{})};
}

}  // namespace mace::importers::tensorflow
