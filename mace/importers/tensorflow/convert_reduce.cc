// Reductions along axes.
#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/reduce/cumulate.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::importers::tensorflow {

Results ConvertReduce(Call& call, const TensorflowOp& entry) {
  ops::ReduceAttributes attributes;
  attributes.kind = static_cast<ops::ReduceKind>(entry.variant);
  attributes.keep_dims = call.Bool("keep_dims", false);
  attributes.empty_is_none = true;
  GraphBuilder& g = call.g;
  if (!g.IsConstant(call.In(1))) {
    const ValueId axes = AsList(call, AsInt64(call, call.In(1)));
    return {g.Emit(OpId::kReduce, {call.In(0), axes}, attributes)};
  }
  const std::vector<int64_t> axes = g.ConstantInts(call.In(1), "the axes", kMaxRank);
  for (int64_t axis : axes) attributes.axes.Push(axis);
  return {g.Emit(OpId::kReduce, {call.In(0)}, attributes)};
}

Results ConvertArgReduce(Call& call, const TensorflowOp& entry) {
  ops::ArgReduceAttributes attributes;
  attributes.kind = static_cast<ops::ArgReduceKind>(entry.variant);
  attributes.axis = static_cast<int64_t>(call.g.ConstantNumber(call.In(1), "the axis"));
  attributes.keep_dims = false;
  const DType to = call.Type("output_type", DType::kI64);
  attributes.to = to == DType::kI32 ? DType::kI32 : DType::kI64;
  return {call.g.Cast(call.g.Emit(OpId::kArgReduce, {call.In(0)}, attributes), to)};
}

Results ConvertCumulate(Call& call, const TensorflowOp& entry) {
  ops::CumulateAttributes attributes;
  attributes.kind = static_cast<ops::CumulateKind>(entry.variant);
  attributes.exclusive = call.Bool("exclusive", false);
  attributes.reverse = call.Bool("reverse", false);
  return {call.g.Emit(OpId::kCumulate, {call.In(0), call.In(1)}, attributes)};
}

}  // namespace mace::importers::tensorflow
