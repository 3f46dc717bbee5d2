#include "mace/ops/attention/append_cache.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

enum Operand : int { kPast = 0, kFresh = 1, kStarts = 2, kTotal = 3 };

Status InferAppendCache(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, kPast));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, kFresh, kPast));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kPast, 4));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kFresh, 4));
  for (int input : {kStarts, kTotal}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kI64, DType::kI32}));
  }
  MACE_RETURN_IF_ERROR(ExpectRank(context, kStarts, 1));
  const int64_t starts = context.input(kStarts).shape[0], one = context.input(kTotal).shape.ElementCount();
  if (one >= 0 && one != 1)
    return InvalidArgument("the total has %lld elements", static_cast<long long>(one));
  const Shape& past = context.input(kPast).shape;
  const Shape& fresh = context.input(kFresh).shape;
  Shape shape;
  for (int axis = 0; axis < 4; ++axis) {
    int64_t merged = past[axis];
    if (axis != 2 && !MergeDim(past[axis], fresh[axis], &merged)) {
      return InvalidArgument("a cache of %s for %s", ShapeText(past).text, ShapeText(fresh).text);
    }
    shape.Push(merged);
  }
  if (starts >= 0 && starts != 1 && shape[0] >= 0 && starts != shape[0]) {
    return InvalidArgument("%lld starts for a batch of %lld", static_cast<long long>(starts),
                           static_cast<long long>(shape[0]));
  }
  IntList total;
  if (!context.KnownInts(kTotal, &total) || total.size() != 1) {
    shape[2] = kUnknownDim;
  } else if (past[2] >= 0) {
    shape[2] = std::max(past[2], total[0]);
  } else {
    shape[2] = kUnknownDim;
  }
  context.SetOutput(0, context.input(kPast).dtype, shape);
  return Status::Ok();
}

Status ReferenceAppendCache(const ReferenceContext& context) {
  const TensorView& past = context.inputs[kPast];
  const TensorView& fresh = context.inputs[kFresh];
  TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  const int64_t heads = output.shape[1], rows = output.shape[2];
  const int64_t row_bytes = output.shape[3] * BytesOf(output.dtype);
  const int64_t past_bytes = past.shape[2] * row_bytes, fresh_bytes = fresh.shape[2] * row_bytes;
  const TensorView& starts = context.inputs[kStarts];
  for (int64_t b = 0; b < output.shape[0]; ++b) {
    const int64_t start = ReadInt(starts, starts.elements() == 1 ? 0 : b);
    if (start < 0 || start > rows - fresh.shape[2]) {
      return InvalidArgument("%lld rows at %lld of a cache of %lld", static_cast<long long>(fresh.shape[2]),
                             static_cast<long long>(start), static_cast<long long>(rows));
    }
    for (int64_t head = b * heads; head < (b + 1) * heads; ++head) {
      auto* y = output.as<uint8_t>() + head * rows * row_bytes;
      if (past_bytes > 0) std::memcpy(y, past.as<uint8_t>() + head * past_bytes, past_bytes);
      std::memset(y + past_bytes, 0, static_cast<size_t>(rows * row_bytes - past_bytes));
      if (fresh_bytes > 0) {
        std::memcpy(y + start * row_bytes, fresh.as<uint8_t>() + head * fresh_bytes, fresh_bytes);
      }
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kAppendCacheDefinition = {
    .name = "AppendCache",
    .min_inputs = 4,
    .max_inputs = 4,
    .flags = kOpNarrowFloats,
    .content_inputs = ContentInputs({kTotal}),
    .infer = InferAppendCache,
    .reference = ReferenceAppendCache,
};

}  // namespace mace::ops
