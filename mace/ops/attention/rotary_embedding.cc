#include "mace/ops/attention/rotary_embedding.h"

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

enum Operand : int { kX = 0, kCos = 1, kSin = 2, kPositions = 3 };

bool Fits(int64_t size, int64_t wanted, bool one_is_all) {
  return size < 0 || wanted < 0 || size == wanted || (one_is_all && size == 1);
}

Status CheckPositions(const InferContext& context, int64_t batch, int64_t length) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, kPositions, {DType::kI64, DType::kI32}));
  const Shape& shape = context.input(kPositions).shape;
  const bool fits = (shape.rank == 1 || shape.rank == 2) && Fits(shape[0], batch, true) &&
                    (shape.rank == 1 || Fits(shape[1], length, false));
  if (fits) return Status::Ok();
  return InvalidArgument("the positions are %s, expected [batch, length] or [batch]", ShapeText(shape).text);
}

Status InferRotaryEmbedding(InferContext& context) {
  const auto& attributes = context.attributes<RotaryEmbeddingAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, kX, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kX, 4));
  if (attributes.sequence_axis != 1 && attributes.sequence_axis != 2) {
    return InvalidArgument("sequence_axis is %lld, expected 1 or 2",
                           static_cast<long long>(attributes.sequence_axis));
  }
  const Shape& x = context.input(kX).shape;
  const int64_t batch = x[0], length = x[static_cast<int>(attributes.sequence_axis)];
  const bool has_positions = context.has_input(kPositions);
  if (has_positions) MACE_RETURN_IF_ERROR(CheckPositions(context, batch, length));
  for (int input : {kCos, kSin}) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, kX));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, has_positions ? 2 : 3));
    const Shape& table = context.input(input).shape;
    for (int i = 0; i < table.rank; ++i) {
      int64_t merged = 0;
      if (!MergeDim(table[i], context.input(kCos).shape[i], &merged)) {
        return InvalidArgument("cos and sin have different shapes");
      }
    }
    if (!has_positions && (!Fits(table[0], batch, true) || !Fits(table[1], length, false))) {
      return InvalidArgument("a table of %s for x %s", ShapeText(table).text, ShapeText(x).text);
    }
    const int64_t half = table[table.rank - 1];
    if (half >= 0 && x[3] >= 0 && half > x[3] / 2) {
      return InvalidArgument("%lld angles for heads of %lld elements", static_cast<long long>(half),
                             static_cast<long long>(x[3]));
    }
  }
  context.SetOutput(0, context.input(kX).dtype, x);
  return Status::Ok();
}

// The row of the tables that token (b, s) takes.
Status TableRow(const ReferenceContext& context, int64_t b, int64_t s, int64_t length, int64_t* row) {
  const Shape& table = context.inputs[kCos].shape;
  if (!context.has_input(kPositions)) {
    *row = (table[0] == 1 ? 0 : b) * length + s;
    return Status::Ok();
  }
  const TensorView& positions = context.inputs[kPositions];
  const int64_t entry = positions.shape[0] == 1 ? 0 : b;
  int64_t position = 0;
  if (positions.shape.rank == 2) {
    position = ReadInt(positions, entry * length + s);
  } else if (!CheckedAdd(ReadInt(positions, entry), s, &position)) {
    position = INT64_MAX;
  }
  if (position < 0 && position >= -table[0]) position += table[0];
  if (position < 0 || position >= table[0]) {
    return InvalidArgument("position %lld of a table of %lld", static_cast<long long>(position),
                           static_cast<long long>(table[0]));
  }
  *row = position;
  return Status::Ok();
}

template <typename T>
void TurnHead(const T* x, const T* cos, const T* sin, int64_t half, int64_t size, bool interleaved, T* y) {
  const int64_t step = interleaved ? 2 : 1, apart = interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    const T real = x[i * step], imaginary = x[i * step + apart];
    y[i * step] = cos[i] * real - sin[i] * imaginary;
    y[i * step + apart] = sin[i] * real + cos[i] * imaginary;
  }
  for (int64_t i = 2 * half; i < size; ++i) y[i] = x[i];
}

template <typename T>
Status Turn(const ReferenceContext& context) {
  const auto& attributes = context.attributes<RotaryEmbeddingAttributes>();
  const Shape& x = context.inputs[kX].shape;
  if (x.ElementCount() == 0) return Status::Ok();
  const bool sequence_first = attributes.sequence_axis == 1;
  const int64_t length = sequence_first ? x[1] : x[2], heads = sequence_first ? x[2] : x[1], size = x[3];
  const Shape& table = context.inputs[kCos].shape;
  const int64_t half = table[table.rank - 1];
  for (int64_t b = 0; b < x[0]; ++b) {
    for (int64_t s = 0; s < length; ++s) {
      int64_t row = 0;
      MACE_RETURN_IF_ERROR(TableRow(context, b, s, length, &row));
      const T* cos = context.inputs[kCos].as<T>() + row * half;
      const T* sin = context.inputs[kSin].as<T>() + row * half;
      for (int64_t head = 0; head < heads; ++head) {
        const int64_t place =
            sequence_first ? (b * length + s) * heads + head : (b * heads + head) * length + s;
        TurnHead<T>(context.inputs[kX].as<T>() + place * size, cos, sin, half, size, attributes.interleaved,
                    context.outputs[0].as<T>() + place * size);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceRotaryEmbedding(const ReferenceContext& context) {
  return context.inputs[kX].dtype == DType::kF64 ? Turn<double>(context) : Turn<float>(context);
}

}  // namespace

constinit const OpDefinition kRotaryEmbeddingDefinition = {
    .name = "RotaryEmbedding",
    .min_inputs = 3,
    .max_inputs = 4,
    .attributes = AttributeInfoOf<RotaryEmbeddingAttributes>(),
    .infer = InferRotaryEmbedding,
    .reference = ReferenceRotaryEmbedding,
};

}  // namespace mace::ops
