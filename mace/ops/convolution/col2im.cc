#include "mace/ops/convolution/col2im.h"

#include <type_traits>

namespace mace::ops {

namespace {

// The window that takes the blocks from the image, and how many it takes along each axis.
Status MakeBlocks(const Col2ImAttributes& attributes, const IntList& image, const IntList& block,
                  NdWindow* window, int64_t* blocks) {
  if (block.size() != image.size()) {
    return InvalidArgument("an image of %d axes, blocks of %d", image.size(), block.size());
  }
  MACE_RETURN_IF_ERROR(MakeNdWindow(block.values, block.size(), attributes.strides, attributes.dilations,
                                    attributes.pads, Padding::kExplicit, /*ceil_mode=*/false, window));
  for (int64_t size : image) {
    if (size < 0) return InvalidArgument("the image size %lld", static_cast<long long>(size));
  }
  MACE_RETURN_IF_ERROR(ResolveNdPadding(image.values, window));
  return NdOutputSize(*window, image.values, blocks);
}

Status InferCol2Im(InferContext& context) {
  const auto& attributes = context.attributes<Col2ImAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0,
                                   {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16,
                                    DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 3));
  const Shape& x = context.input(0).shape;
  for (int i : {1, 2}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kI64}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, i, 1));
  }
  int64_t axes = 0;
  if (!MergeDim(context.input(1).shape[0], context.input(2).shape[0], &axes)) {
    return InvalidArgument("image and block have another number of axes");
  }
  if (axes < 0) axes = attributes.strides.size();
  if (axes == 0 && context.input(1).shape[0] < 0) {
    context.SetOutput(0, context.input(0).dtype, Shape::OfUnknownRank());
    return Status::Ok();
  }
  if (axes < 1 || axes > kMaxSpatialAxes) return Unsupported("an image of an unknown number of axes");
  Shape shape = {x[0], kUnknownDim};
  for (int64_t i = 0; i < axes; ++i) shape.Push(kUnknownDim);
  IntList image, block;
  const bool has_image = context.KnownInts(1, &image);
  const bool has_block = context.KnownInts(2, &block);
  if ((has_image && image.size() != axes) || (has_block && block.size() != axes)) {
    return InvalidArgument("an image of %d axes, blocks of %d", image.size(), block.size());
  }
  for (int i = 0; has_image && i < image.size(); ++i) {
    if (image[i] < 0) return InvalidArgument("the image size %lld", static_cast<long long>(image[i]));
    shape[2 + i] = image[i];
  }
  if (has_block) {
    int64_t taps = 1;
    for (int64_t size : block) {
      if (size < 1) return InvalidArgument("the block size %lld", static_cast<long long>(size));
      MACE_RETURN_IF_ERROR(MultiplyDims(taps, size, &taps));
    }
    if (x[1] >= 0) {
      if (x[1] % taps != 0) {
        return InvalidArgument("x %s for blocks of %lld elements", ShapeText(x).text,
                               static_cast<long long>(taps));
      }
      shape[1] = x[1] / taps;
    }
  }
  if (has_image && has_block) {
    NdWindow window;
    Shape blocks;
    blocks.rank = image.size();
    MACE_RETURN_IF_ERROR(MakeBlocks(attributes, image, block, &window, blocks.dims));
    int64_t merged = 0;
    if (blocks.ElementCount() < 0 || !MergeDim(blocks.ElementCount(), x[2], &merged)) {
      return InvalidArgument("x %s for %s blocks", ShapeText(x).text, ShapeText(blocks).text);
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

template <typename T>
void AddBlocks(const ReferenceContext& context, const NdWindow& window, const int64_t* blocks) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  const T* columns = context.inputs[0].template as<T>();
  T* y = context.outputs[0].template as<T>();
  const int64_t per_channel = output[1] > 0 ? x[1] / output[1] * x[2] : 0;
  for (int64_t plane = 0; plane < output[0] * output[1]; ++plane, columns += per_channel) {
    int64_t at[kMaxSpatialAxes] = {};
    do {
      Sum sum = 0;
      ForEachStamp(window, blocks, at,
                   [&](int64_t block, int64_t tap) { sum += static_cast<Sum>(columns[tap * x[2] + block]); });
      *y++ = static_cast<T>(sum);
    } while (NextPosition(window.rank, output.dims + 2, at));
  }
}

Status ReferenceCol2Im(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const Shape& output = context.outputs[0].shape;
  IntList image, block;
  for (int i = 2; i < output.rank; ++i) {
    image.Push(output[i]);
    block.Push(ReadInt(context.inputs[2], i - 2));
  }
  NdWindow window;
  int64_t blocks[kMaxSpatialAxes];
  MACE_RETURN_IF_ERROR(MakeBlocks(context.attributes<Col2ImAttributes>(), image, block, &window, blocks));
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[0].dtype, [&](auto zero) {
    AddBlocks<decltype(zero)>(context, window, blocks);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kCol2imDefinition = {
    .name = "Col2im",
    .min_inputs = 3,
    .max_inputs = 3,
    .content_inputs = ContentInputs({1, 2}),
    .attributes = AttributeInfoOf<Col2ImAttributes>(),
    .infer = InferCol2Im,
    .reference = ReferenceCol2Im,
};

}  // namespace mace::ops
