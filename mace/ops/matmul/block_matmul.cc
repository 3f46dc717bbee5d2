#include "mace/ops/matmul/block_matmul.h"

#include "mace/core/memory.h"
#include "mace/ops/common.h"

namespace mace::ops {

namespace {

int64_t BlocksOf(const BlockMatMulAttributes& attributes) {
  return attributes.depth / attributes.block_size + (attributes.depth % attributes.block_size != 0 ? 1 : 0);
}

int64_t ElementOf(const uint8_t* packed, int64_t bits, int64_t i) {
  const int64_t bit = i * bits;
  return packed[bit / 8] >> (bit % 8) & ((1 << bits) - 1);
}

Status CheckAttributes(const BlockMatMulAttributes& attributes) {
  constexpr int64_t kMost = int64_t{1} << 31;
  const int64_t bits = attributes.bits, block = attributes.block_size;
  if (bits != 2 && bits != 4 && bits != 8) {
    return Unsupported("weights of %lld bits", static_cast<long long>(bits));
  }
  if (block < 8 || block >= kMost || (block & (block - 1)) != 0) {
    return InvalidArgument("blocks of %lld, expected a power of two from 8 on",
                           static_cast<long long>(block));
  }
  if (attributes.depth < 1 || attributes.depth >= kMost || attributes.columns < 1 ||
      attributes.columns >= kMost) {
    return InvalidArgument("weights of %lld x %lld", static_cast<long long>(attributes.columns),
                           static_cast<long long>(attributes.depth));
  }
  return Status::Ok();
}

// A tensor of `count` elements in any shape: files differ in the dimensions.
Status ExpectCount(const InferContext& context, int input, int64_t count) {
  const Shape& shape = context.input(input).shape;
  if (!shape.IsConcrete() || shape.ElementCount() == count) return Status::Ok();
  return InvalidArgument("input %d has the shape %s, expected %lld elements", input, ShapeText(shape).text,
                         static_cast<long long>(count));
}

Status InferBlockMatMul(InferContext& context) {
  const auto& attributes = context.attributes<BlockMatMulAttributes>();
  MACE_RETURN_IF_ERROR(CheckAttributes(attributes));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kU8}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 2, {DType::kF32}));
  Shape shape = context.input(0).shape;
  int64_t depth = 0;
  if (shape.rank < 1 || !MergeDim(shape[shape.rank - 1], attributes.depth, &depth)) {
    return InvalidArgument("x has the shape %s, expected [..., %lld]", ShapeText(shape).text,
                           static_cast<long long>(attributes.depth));
  }
  const int64_t blocks = BlocksOf(attributes), columns = attributes.columns;
  const int64_t block_bytes = attributes.block_size * attributes.bits / 8;
  MACE_RETURN_IF_ERROR(ExpectCount(context, 1, columns * blocks * block_bytes));
  MACE_RETURN_IF_ERROR(ExpectCount(context, 2, columns * blocks));
  if (context.has_input(3)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 3, {DType::kU8, DType::kF32}));
    const int64_t row = context.input(3).dtype == DType::kU8 ? (blocks * attributes.bits + 7) / 8 : blocks;
    MACE_RETURN_IF_ERROR(ExpectCount(context, 3, columns * row));
  }
  if (context.has_input(4)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 4, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectCount(context, 4, columns));
  }
  shape[shape.rank - 1] = columns;
  context.SetOutput(0, DType::kF32, shape);
  return Status::Ok();
}

Status ReferenceBlockMatMul(const ReferenceContext& context) {
  const auto& attributes = context.attributes<BlockMatMulAttributes>();
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const int64_t depth = attributes.depth, columns = attributes.columns;
  const int64_t rows = context.outputs[0].elements() / columns;
  const float* x = context.inputs[0].as<float>();
  const float* bias = context.has_input(4) ? context.inputs[4].as<float>() : nullptr;
  float* y = context.outputs[0].as<float>();
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(depth) * sizeof(float)));
  auto* column = reinterpret_cast<float*>(buffer.data());
  for (int64_t n = 0; n < columns; ++n) {
    UnpackBlockColumn(attributes, n, context.inputs[1], context.inputs[2].as<float>(),
                      context.has_input(3) ? &context.inputs[3] : nullptr, column);
    for (int64_t m = 0; m < rows; ++m) {
      double sum = bias == nullptr ? 0 : static_cast<double>(bias[n]);
      for (int64_t k = 0; k < depth; ++k) {
        sum += static_cast<double>(x[m * depth + k]) * static_cast<double>(column[k]);
      }
      y[m * columns + n] = static_cast<float>(sum);
    }
  }
  return Status::Ok();
}

}  // namespace

void UnpackBlockColumn(const BlockMatMulAttributes& attributes, int64_t column, const TensorView& weights,
                       const float* scales, const TensorView* zero_points, float* unpacked) {
  const int64_t blocks = BlocksOf(attributes), bits = attributes.bits;
  const int64_t zero_bytes = (blocks * bits + 7) / 8;  // of one column
  const uint8_t* packed = weights.as<uint8_t>() + column * blocks * (attributes.block_size * bits / 8);
  for (int64_t block = 0; block < blocks; ++block) {
    auto zero = static_cast<float>(1 << (bits - 1));
    if (zero_points != nullptr) {
      zero =
          zero_points->dtype == DType::kF32
              ? zero_points->as<float>()[column * blocks + block]
              : static_cast<float>(ElementOf(zero_points->as<uint8_t>() + column * zero_bytes, bits, block));
    }
    const float scale = scales[column * blocks + block];
    const int64_t begin = block * attributes.block_size;
    const int64_t end =
        begin + attributes.block_size < attributes.depth ? begin + attributes.block_size : attributes.depth;
    for (int64_t k = begin; k < end; ++k) {
      unpacked[k] = (static_cast<float>(ElementOf(packed, bits, k)) - zero) * scale;
    }
  }
}

constinit const OpDefinition kBlockMatMulDefinition = {
    .name = "BlockMatMul",
    .min_inputs = 3,
    .max_inputs = 5,
    .attributes = AttributeInfoOf<BlockMatMulAttributes>(),
    .infer = InferBlockMatMul,
    .reference = ReferenceBlockMatMul,
};

}  // namespace mace::ops
