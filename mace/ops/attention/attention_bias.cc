#include "mace/ops/attention/attention_bias.h"

#include <algorithm>

#include "mace/ops/broadcast.h"
#include "mace/ops/common.h"

namespace mace::ops {

namespace {

enum Operand : int { kQuery = 0, kKey = 1, kMask = 2, kStarts = 3, kLengths = 4 };

// Places and windows are cut to this, so that sums of them fit.
constexpr int64_t kFar = int64_t{1} << 40;

// The B of starts and lengths.
Status BatchOf(const InferContext& context, int64_t* batch) {
  *batch = 1;
  for (int input : {kStarts, kLengths}) {
    if (!context.has_input(input)) continue;
    MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kI64, DType::kI32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
    const int64_t size = context.input(input).shape[0];
    if (*batch == 1) {
      *batch = size;
    } else if (size != 1 && !MergeDim(*batch, size, batch)) {
      return InvalidArgument("starts and lengths are of different batches");
    }
  }
  return Status::Ok();
}

// The mask's axes in front of the queries, and a check of those of queries and keys.
Status CheckMask(const InferContext& context, int64_t queries, int64_t keys, DType dtype, Shape* leading) {
  if (!context.has_input(kMask)) return Status::Ok();
  const TensorType& mask = context.input(kMask);
  if (mask.dtype != DType::kBool && mask.dtype != dtype) {
    return Unsupported("a mask of %s, expected bool or %s", NameOf(mask.dtype), NameOf(dtype));
  }
  const Shape& shape = mask.shape;
  if (shape.rank < 1 || shape.rank > 6) return InvalidArgument("a mask of rank %d", shape.rank);
  const int64_t rows = shape.rank > 1 ? shape[shape.rank - 2] : 1;
  const int64_t columns = shape[shape.rank - 1];
  if ((rows >= 0 && rows != 1 && queries >= 0 && rows != queries) ||
      (columns >= 0 && keys >= 0 && columns > keys)) {
    return InvalidArgument("the mask %s does not fit %lld queries and %lld keys", ShapeText(shape).text,
                           static_cast<long long>(queries), static_cast<long long>(keys));
  }
  for (int i = 0; i < shape.rank - 2; ++i) leading->Push(shape[i]);
  return Status::Ok();
}

Status InferAttentionBias(InferContext& context) {
  const auto& attributes = context.attributes<AttentionBiasAttributes>();
  if (attributes.dtype != DType::kF32 && attributes.dtype != DType::kF64) {
    return Unsupported("a bias of %s", NameOf(attributes.dtype));
  }
  if (attributes.left < -1 || attributes.right < -1) return InvalidArgument("a window is below -1");
  const Shape& query = context.input(kQuery).shape;
  const Shape& key = context.input(kKey).shape;
  if (query.rank < 2 || key.rank < 2) return InvalidArgument("queries or keys are no matrices");
  const int64_t queries = query[query.rank - 2], keys = key[key.rank - 2];
  Shape shape;
  MACE_RETURN_IF_ERROR(CheckMask(context, queries, keys, attributes.dtype, &shape));
  int64_t batch = 1;
  MACE_RETURN_IF_ERROR(BatchOf(context, &batch));
  if (context.has_input(kStarts) || context.has_input(kLengths)) {
    MACE_RETURN_IF_ERROR(BroadcastShapes(shape, {batch, 1}, &shape));
  }
  shape.Push(queries);
  shape.Push(keys);
  context.SetOutput(0, attributes.dtype, shape);
  shape[shape.rank - 1] = 1;
  context.SetOutput(1, DType::kBool, shape);
  return Status::Ok();
}

// The keys [first, end) that a query at `place` may see of `keys`.
struct Reach {
  int64_t first = 0;
  int64_t end = 0;
};

Reach ReachOf(const AttentionBiasAttributes& attributes, int64_t place, int64_t keys) {
  Reach reach = {0, keys};
  if (attributes.left >= 0) reach.first = std::max(reach.first, place - std::min(attributes.left, kFar));
  if (attributes.right >= 0) reach.end = std::min(reach.end, place + std::min(attributes.right, kFar) + 1);
  if (attributes.causal) reach.end = std::min(reach.end, place + 1);
  reach.end = std::max<int64_t>(reach.end, 0);
  reach.first = std::min(reach.first, reach.end);
  return reach;
}

// Entry `batch` of a list of one or of many.
int64_t Entry(const TensorView& list, int64_t batch) {
  return std::clamp(ReadInt(list, list.elements() == 1 ? 0 : batch), -kFar, kFar);
}

// One row; returns whether any key is visible. `mask` points to `columns` elements, or is null.
template <typename T>
bool FillRow(const Reach& reach, T hidden, const void* mask, bool is_bool, int64_t columns, int64_t keys,
             T* row) {
  std::fill(row, row + keys, hidden);
  const int64_t end = mask == nullptr ? reach.end : std::min(reach.end, columns);
  bool visible = hidden != -HUGE_VAL && keys > 0;
  for (int64_t k = reach.first; k < end; ++k) {
    if (mask == nullptr) {
      row[k] = 0;
    } else if (is_bool) {
      row[k] = static_cast<const uint8_t*>(mask)[k] != 0 ? T{0} : hidden;
    } else {
      row[k] = static_cast<const T*>(mask)[k];
    }
    visible = visible || row[k] != -HUGE_VAL;
  }
  return visible;
}

template <typename T>
Status Fill(const ReferenceContext& context) {
  const auto& attributes = context.attributes<AttentionBiasAttributes>();
  const TensorView& bias = context.outputs[0];
  if (bias.elements() == 0 && !context.has_output(1)) return Status::Ok();
  const int rank = bias.shape.rank;
  const int64_t queries = bias.shape[rank - 2], keys = bias.shape[rank - 1];
  Shape leading = bias.shape, mask_leading;
  leading.rank = rank - 2;
  const TensorView mask = context.has_input(kMask) ? context.inputs[kMask] : TensorView();
  const bool masked = mask.dtype != DType::kInvalid;
  const int64_t rows = masked && mask.shape.rank > 1 ? mask.shape[mask.shape.rank - 2] : 1;
  const int64_t columns = masked ? mask.shape[mask.shape.rank - 1] : 0;
  for (int i = 0; masked && i < mask.shape.rank - 2; ++i) mask_leading.Push(mask.shape[i]);
  int64_t strides[kMaxRank];
  BroadcastStrides(mask_leading, leading, strides);
  uint8_t* visible = context.has_output(1) ? context.outputs[1].as<uint8_t>() : nullptr;
  T* row = static_cast<T*>(bias.data);
  for (StridedWalk<1> walk(leading, {strides}); !walk.done(); walk.Next()) {
    const int64_t batch = leading.rank >= 2 ? walk.index(leading.rank - 2) : 0;
    const int64_t start = context.has_input(kStarts) ? Entry(context.inputs[kStarts], batch) : 0;
    const int64_t length = context.has_input(kLengths) ? Entry(context.inputs[kLengths], batch) : keys;
    for (int64_t q = 0; q < queries; ++q, row += keys) {
      Reach reach = ReachOf(attributes, start + q, keys);
      reach.end = std::min(reach.end, std::max<int64_t>(length, 0));
      const int64_t offset = (walk.offset(0) * rows + (rows == 1 ? 0 : q)) * columns;
      const void* line = masked ? mask.as<uint8_t>() + offset * BytesOf(mask.dtype) : nullptr;
      const bool any =
          FillRow<T>(reach, attributes.hidden, line, mask.dtype == DType::kBool, columns, keys, row);
      if (visible != nullptr) *visible++ = any ? 1 : 0;
    }
  }
  return Status::Ok();
}

Status ReferenceAttentionBias(const ReferenceContext& context) {
  return context.outputs[0].dtype == DType::kF64 ? Fill<double>(context) : Fill<float>(context);
}

}  // namespace

constinit const OpDefinition kAttentionBiasDefinition = {
    .name = "AttentionBias",
    .min_inputs = 2,
    .max_inputs = 5,
    .max_outputs = 2,
    .flags = kOpNarrowFloats,  // of query and key only the sizes are read
    .attributes = AttributeInfoOf<AttentionBiasAttributes>(),
    .infer = InferAttentionBias,
    .reference = ReferenceAttentionBias,
};

}  // namespace mace::ops
