#include "mace/ops/recurrent/gated_layer.h"

namespace mace::ops {

namespace {

// `shape` of an operand against what the layer's sizes say.
Status ExpectShape(const InferContext& context, int input, const Shape& expected) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kF32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, input, expected.rank));
  for (int i = 0; i < expected.rank; ++i) {
    int64_t merged = 0;
    if (!MergeDim(expected[i], context.input(input).shape[i], &merged)) {
      return InvalidArgument("input %d has the shape %s, expected %s", input,
                             ShapeText(context.input(input).shape).text, ShapeText(expected).text);
    }
  }
  return Status::Ok();
}

}  // namespace

Status InferGatedLayer(InferContext& context, int64_t hidden_size, Direction direction, int gates,
                       int initial_states) {
  // Within this bound no product below can overflow.
  if (hidden_size < 1 || hidden_size > INT64_C(0x7fffffff)) {
    return InvalidArgument("hidden_size is %lld", static_cast<long long>(hidden_size));
  }
  const int64_t directions = direction == Direction::kBidirectional ? 2 : 1;
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 3));
  const Shape& x = context.input(0).shape;
  MACE_RETURN_IF_ERROR(ExpectShape(context, 1, {directions, gates * hidden_size, x[2]}));
  MACE_RETURN_IF_ERROR(ExpectShape(context, 2, {directions, gates * hidden_size, hidden_size}));
  if (context.has_input(3)) {
    MACE_RETURN_IF_ERROR(ExpectShape(context, 3, {directions, 2 * gates * hidden_size}));
  }
  if (context.has_input(4)) return Unsupported("sequence lengths");
  for (int state = 0; state < initial_states; ++state) {
    if (!context.has_input(5 + state)) continue;
    MACE_RETURN_IF_ERROR(ExpectShape(context, 5 + state, {directions, x[1], hidden_size}));
  }
  context.SetOutput(0, DType::kF32, {x[0], directions, x[1], hidden_size});
  for (int state = 0; state < initial_states; ++state) {
    context.SetOutput(1 + state, DType::kF32, {directions, x[1], hidden_size});
  }
  return Status::Ok();
}

}  // namespace mace::ops
