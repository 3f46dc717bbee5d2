#include "mace/ops/convolution/conv_transpose2d.h"

#include "mace/ops/common.h"
#include "mace/ops/convolution/conv_transpose2d_integer.h"

namespace mace::ops {

namespace {

// The output size of one axis: every input pixel stamps its kernel onto the output, `stride` apart.
Status StampedSize(const ConvTranspose2dAttributes& attributes, int axis, int64_t input, int64_t kernel,
                   int64_t* output) {
  WindowAxis window;
  MACE_RETURN_IF_ERROR(MakeWindowAxis(axis, kernel < 0 ? 1 : kernel, attributes.strides, attributes.dilations,
                                      attributes.pads, Padding::kExplicit, /*ceil_mode=*/false, &window));
  if (attributes.output_padding.size() != 2) {
    return InvalidArgument("output_padding has %d entries, expected 2", attributes.output_padding.size());
  }
  const int64_t extra = attributes.output_padding[axis];
  if (extra < 0 || (extra >= window.stride && extra >= window.dilation)) {
    return InvalidArgument("output_padding %lld must be smaller than the stride or the dilation",
                           static_cast<long long>(extra));
  }
  if (input < 0 || kernel < 0) {
    *output = kUnknownDim;
    return Status::Ok();
  }
  if (input == 0) {  // nothing is stamped
    *output = 0;
    return Status::Ok();
  }
  int64_t size = 0;
  if (!CheckedMultiply(window.stride, input - 1, &size) ||
      !CheckedAdd(size, (window.kernel - 1) * window.dilation + 1, &size) ||
      !CheckedAdd(size, extra, &size)) {
    return InvalidArgument("the output does not fit into 63 bits");
  }
  size -= window.pad_begin + window.pad_end;
  if (size < 0) return InvalidArgument("the padding is larger than the output");
  *output = size;
  return Status::Ok();
}

Status CheckTypes(const InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kU8, DType::kI8, DType::kI16}));
  if (context.input(0).dtype == DType::kF32) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
    return context.has_input(2) ? ExpectSameDType(context, 2, 0) : Status::Ok();
  }
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kU8, DType::kI8}));
  if (!context.has_input(2)) return Status::Ok();
  if (context.input(0).dtype == DType::kI16) return ExpectDType(context, 2, {DType::kI32, DType::kI64});
  return ExpectDType(context, 2, {DType::kI32});
}

Status InferConvTranspose2d(InferContext& context) {
  const auto& attributes = context.attributes<ConvTranspose2dAttributes>();
  MACE_RETURN_IF_ERROR(CheckTypes(context));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 4));
  const Shape& x = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  if (attributes.groups < 1) {
    return InvalidArgument("groups is %lld", static_cast<long long>(attributes.groups));
  }
  int64_t input_channels = 0;
  MACE_RETURN_IF_ERROR(MultiplyDims(weights[3], attributes.groups, &input_channels));
  if (x[3] >= 0 && input_channels >= 0 && x[3] != input_channels) {
    return InvalidArgument("x has %lld channels, the weights take %lld", static_cast<long long>(x[3]),
                           static_cast<long long>(input_channels));
  }
  if (weights[0] >= 0 && weights[0] % attributes.groups != 0) {
    return InvalidArgument("%lld output channels in %lld groups", static_cast<long long>(weights[0]),
                           static_cast<long long>(attributes.groups));
  }
  int64_t channels = weights[0];
  if (context.has_input(2)) {
    MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
    if (!MergeDim(channels, context.input(2).shape[0], &channels)) {
      return InvalidArgument("the bias %s for %lld output channels", ShapeText(context.input(2).shape).text,
                             static_cast<long long>(weights[0]));
    }
  }
  Shape shape = {x[0], 0, 0, channels};
  for (int axis = 0; axis < 2; ++axis) {
    MACE_RETURN_IF_ERROR(StampedSize(attributes, axis, x[1 + axis], weights[1 + axis], &shape[1 + axis]));
  }
  if (context.input(0).dtype != DType::kF32) {
    MACE_RETURN_IF_ERROR(CheckConvTranspose2dQuantization(context));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// The sum of what reaches output pixel (row, column): tap k of input pixel i lands on i * stride - pad +
// k * dilation.
double GatheredSum(const TensorView& x, const TensorView& weights,
                   const ConvTranspose2dAttributes& attributes, int64_t batch, int64_t row, int64_t column,
                   int64_t channel) {
  const int64_t height = x.shape[1], width = x.shape[2], channels = x.shape[3];
  const int64_t kernel_h = weights.shape[1], kernel_w = weights.shape[2], group_channels = weights.shape[3];
  const int64_t group = channel / (weights.shape[0] / attributes.groups);
  double sum = 0;
  if (group_channels == 0) return sum;
  for (int64_t kh = 0; kh < kernel_h; ++kh) {
    const int64_t stamped_row = row + attributes.pads[0] - kh * attributes.dilations[0];
    if (stamped_row < 0) break;
    if (stamped_row % attributes.strides[0] != 0 || stamped_row / attributes.strides[0] >= height) continue;
    for (int64_t kw = 0; kw < kernel_w; ++kw) {
      const int64_t stamped_column = column + attributes.pads[1] - kw * attributes.dilations[1];
      if (stamped_column < 0) break;
      if (stamped_column % attributes.strides[1] != 0) continue;
      if (stamped_column / attributes.strides[1] >= width) continue;
      const int64_t pixel_index = (batch * height + stamped_row / attributes.strides[0]) * width +
                                  stamped_column / attributes.strides[1];
      const float* pixel = x.as<float>() + pixel_index * channels + group * group_channels;
      const float* tap = weights.as<float>() + ((channel * kernel_h + kh) * kernel_w + kw) * group_channels;
      for (int64_t c = 0; c < group_channels; ++c) sum += static_cast<double>(pixel[c]) * tap[c];
    }
  }
  return sum;
}

Status ReferenceConvTranspose2d(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  if (output.dtype != DType::kF32) return ReferenceConvTranspose2dInteger(context);
  if (output.elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<ConvTranspose2dAttributes>();
  const float* bias = context.has_input(2) ? context.inputs[2].as<float>() : nullptr;
  float* y = static_cast<float*>(output.data);
  for (int64_t batch = 0; batch < output.shape[0]; ++batch) {
    for (int64_t row = 0; row < output.shape[1]; ++row) {
      for (int64_t column = 0; column < output.shape[2]; ++column) {
        for (int64_t channel = 0; channel < output.shape[3]; ++channel) {
          double sum =
              GatheredSum(context.inputs[0], context.inputs[1], attributes, batch, row, column, channel);
          if (bias != nullptr) sum += bias[channel];
          *y++ = static_cast<float>(sum);
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kConvTranspose2dDefinition = {
    .name = "ConvTranspose2d",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<ConvTranspose2dAttributes>(),
    .infer = InferConvTranspose2d,
    .reference = ReferenceConvTranspose2d,
};

}  // namespace mace::ops
