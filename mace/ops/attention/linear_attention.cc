#include "mace/ops/attention/linear_attention.h"

#include <cmath>
#include <cstring>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

enum Operand : int { kQuery = 0, kKey = 1, kValue = 2, kPast = 3, kDecay = 4, kBeta = 5 };

// size / heads, unknown where the size is.
Status HeadSize(int64_t size, int64_t heads, const char* what, int64_t* head_size) {
  *head_size = size < 0 ? kUnknownDim : size / heads;
  if (size < 0 || size % heads == 0) return Status::Ok();
  return InvalidArgument("%s has %lld elements, which %lld heads do not share", what,
                         static_cast<long long>(size), static_cast<long long>(heads));
}

Status MergeInto(int64_t size, const char* what, int64_t* merged) {
  if (MergeDim(*merged, size, merged)) return Status::Ok();
  return InvalidArgument("the operands have different sizes of %s", what);
}

struct Sizes {
  int64_t batch = kUnknownDim;
  int64_t length = kUnknownDim;
  int64_t depth = kUnknownDim;  // K
  int64_t width = kUnknownDim;  // V
};

Status CheckGates(const InferContext& context, const Sizes& sizes) {
  const int64_t heads = context.attributes<LinearAttentionAttributes>().heads;
  int64_t each = 0;
  MACE_RETURN_IF_ERROR(MultiplyDims(heads, sizes.depth, &each));
  const auto is = [](int64_t size, int64_t a, int64_t b) {
    return size < 0 || size == a || size == b || b < 0;
  };
  if (context.has_input(kDecay) && !is(context.input(kDecay).shape[2], heads, each)) {
    return InvalidArgument("a decay %s", ShapeText(context.input(kDecay).shape).text);
  }
  if (context.has_input(kBeta) && !is(context.input(kBeta).shape[2], heads, 1)) {
    return InvalidArgument("a beta %s", ShapeText(context.input(kBeta).shape).text);
  }
  return Status::Ok();
}

Status InferLinearAttention(InferContext& context) {
  const auto& attributes = context.attributes<LinearAttentionAttributes>();
  constexpr int64_t kMostHeads = int64_t{1} << 31;
  if (attributes.heads < 1 || attributes.query_heads < 1 || attributes.query_heads > kMostHeads ||
      attributes.query_heads % attributes.heads != 0) {
    return InvalidArgument("%lld heads of queries for %lld of keys",
                           static_cast<long long>(attributes.query_heads),
                           static_cast<long long>(attributes.heads));
  }
  if (!std::isfinite(attributes.scale)) return InvalidArgument("the scale is not finite");
  if (!context.has_output(1)) return InvalidArgument("the state has no output, which it is computed in");
  MACE_RETURN_IF_ERROR(ExpectDType(context, kQuery, {DType::kF32, DType::kF64}));
  Sizes sizes;
  for (int input = 0; input < context.input_count(); ++input) {
    if (!context.has_input(input)) continue;
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, kQuery));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, input == kPast ? 4 : 3));
    const Shape& shape = context.input(input).shape;
    MACE_RETURN_IF_ERROR(MergeInto(shape[0], "the batch", &sizes.batch));
    if (input != kPast) MACE_RETURN_IF_ERROR(MergeInto(shape[1], "the sequence", &sizes.length));
  }
  int64_t size = 0, heads = attributes.heads;
  MACE_RETURN_IF_ERROR(
      HeadSize(context.input(kQuery).shape[2], attributes.query_heads, "query", &sizes.depth));
  MACE_RETURN_IF_ERROR(HeadSize(context.input(kKey).shape[2], heads, "key", &size));
  MACE_RETURN_IF_ERROR(MergeInto(size, "heads", &sizes.depth));
  MACE_RETURN_IF_ERROR(HeadSize(context.input(kValue).shape[2], heads, "value", &sizes.width));
  if (context.has_input(kPast)) {
    const Shape& past = context.input(kPast).shape;
    MACE_RETURN_IF_ERROR(MergeInto(past[1], "the heads' number", &heads));
    MACE_RETURN_IF_ERROR(MergeInto(past[2], "heads", &sizes.depth));
    MACE_RETURN_IF_ERROR(MergeInto(past[3], "values", &sizes.width));
  }
  MACE_RETURN_IF_ERROR(CheckGates(context, sizes));
  int64_t outputs = 0;
  MACE_RETURN_IF_ERROR(MultiplyDims(attributes.query_heads, sizes.width, &outputs));
  const DType dtype = context.input(kQuery).dtype;
  context.SetOutput(0, dtype, {sizes.batch, sizes.length, outputs});
  context.SetOutput(1, dtype, {sizes.batch, attributes.heads, sizes.depth, sizes.width});
  return Status::Ok();
}

// What one token of one head works with.
template <typename T>
struct Token {
  const T* key;
  const T* value;
  const T* decay = nullptr;  // `decay_step` apart: 0 where all of a head decay alike
  int64_t decay_step = 0;
  const T* beta = nullptr;
};

// S *= exp(decay); S += k v^T, corrected by what S has for k already.
template <typename T>
void Update(const Token<T>& token, int64_t depth, int64_t width, T* state) {
  for (int64_t k = 0; token.decay != nullptr && k < depth; ++k) {
    const double factor = std::exp(static_cast<double>(token.decay[k * token.decay_step]));
    for (int64_t v = 0; v < width; ++v) state[k * width + v] = static_cast<T>(state[k * width + v] * factor);
  }
  for (int64_t v = 0; v < width; ++v) {
    double value = token.value[v];
    if (token.beta != nullptr) {
      double known = 0;
      for (int64_t k = 0; k < depth; ++k) known += double{state[k * width + v]} * token.key[k];
      value = *token.beta * (value - known);
    }
    for (int64_t k = 0; k < depth; ++k) {
      state[k * width + v] = static_cast<T>(state[k * width + v] + token.key[k] * value);
    }
  }
}

template <typename T>
void Read(const T* query, const T* state, double scale, int64_t depth, int64_t width, T* y) {
  for (int64_t v = 0; v < width; ++v) {
    double sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum += double{state[k * width + v]} * query[k];
    y[v] = static_cast<T>(sum * scale);
  }
}

template <typename T>
Status Attend(const ReferenceContext& context) {
  const auto& attributes = context.attributes<LinearAttentionAttributes>();
  const int64_t heads = attributes.heads, group = attributes.query_heads / heads;
  const TensorView& state = context.outputs[1];
  const int64_t batch = state.shape[0], depth = state.shape[2], width = state.shape[3];
  const int64_t length = context.inputs[kQuery].shape[1];
  if (context.has_input(kPast)) {
    if (state.bytes() > 0) std::memcpy(state.data, context.inputs[kPast].data, state.bytes());
  } else if (state.bytes() > 0) {
    std::memset(state.data, 0, state.bytes());
  }
  if (batch == 0 || length == 0 || width == 0) return Status::Ok();
  const double scale =
      attributes.scale != 0 || depth == 0 ? attributes.scale : 1 / std::sqrt(static_cast<double>(depth));
  const bool decays = context.has_input(kDecay), corrects = context.has_input(kBeta);
  const int64_t decay_size = decays ? context.inputs[kDecay].shape[2] : 0;
  const int64_t beta_size = corrects ? context.inputs[kBeta].shape[2] : 0;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < length; ++t) {
      const int64_t place = b * length + t;
      for (int64_t head = 0; head < heads; ++head) {
        T* matrix = context.outputs[1].as<T>() + (b * heads + head) * depth * width;
        Token<T> token;
        token.key = context.inputs[kKey].as<T>() + (place * heads + head) * depth;
        token.value = context.inputs[kValue].as<T>() + (place * heads + head) * width;
        if (decays) {
          const bool alike = decay_size == heads;
          token.decay_step = alike ? 0 : 1;
          token.decay = context.inputs[kDecay].as<T>() + place * decay_size + head * (alike ? 1 : depth);
        }
        if (corrects) token.beta = context.inputs[kBeta].as<T>() + place * beta_size + head % beta_size;
        Update(token, depth, width, matrix);
        for (int64_t q = head * group; q < (head + 1) * group; ++q) {
          const int64_t row = place * attributes.query_heads + q;
          Read(context.inputs[kQuery].as<T>() + row * depth, matrix, scale, depth, width,
               context.outputs[0].as<T>() + row * width);
        }
      }
    }
  }
  return Status::Ok();
}

Status ReferenceLinearAttention(const ReferenceContext& context) {
  return context.inputs[kQuery].dtype == DType::kF64 ? Attend<double>(context) : Attend<float>(context);
}

}  // namespace

constinit const OpDefinition kLinearAttentionDefinition = {
    .name = "LinearAttention",
    .min_inputs = 3,
    .max_inputs = 6,
    .min_outputs = 2,
    .max_outputs = 2,
    .attributes = AttributeInfoOf<LinearAttentionAttributes>(),
    .infer = InferLinearAttention,
    .reference = ReferenceLinearAttention,
};

}  // namespace mace::ops
