#include "mace/ops/convolution/conv2d.h"

#include "mace/ops/common.h"
#include "mace/ops/convolution/conv2d_integer.h"

namespace mace::ops {

namespace {

Status CheckTypes(const InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kU8, DType::kI8, DType::kI16}));
  const bool is_float = context.input(0).dtype == DType::kF32;
  if (is_float) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kF32}));
  } else {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kU8, DType::kI8}));
  }
  if (!context.has_input(2)) return Status::Ok();
  MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
  if (context.input(0).dtype == DType::kI16) return ExpectDType(context, 2, {DType::kI32, DType::kI64});
  return ExpectDType(context, 2, {is_float ? DType::kF32 : DType::kI32});
}

Status InferConv2d(InferContext& context) {
  const auto& attributes = context.attributes<Conv2dAttributes>();
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
    return InvalidArgument("x has %lld channels, the weights %s with %lld groups take %lld",
                           static_cast<long long>(x[3]), ShapeText(weights).text,
                           static_cast<long long>(attributes.groups), static_cast<long long>(input_channels));
  }
  if (weights[0] >= 0 && weights[0] % attributes.groups != 0) {
    return InvalidArgument("%lld output channels in %lld groups", static_cast<long long>(weights[0]),
                           static_cast<long long>(attributes.groups));
  }
  int64_t channels = weights[0];
  if (context.has_input(2) && !MergeDim(channels, context.input(2).shape[0], &channels)) {
    return InvalidArgument("the bias %s for %lld output channels", ShapeText(context.input(2).shape).text,
                           static_cast<long long>(weights[0]));
  }
  Shape shape = {x[0], 0, 0, channels};
  for (int axis = 0; axis < 2; ++axis) {
    WindowAxis window;
    // A kernel of unknown size: its attributes are checked, the output's size is unknown.
    const int64_t kernel = weights[1 + axis];
    MACE_RETURN_IF_ERROR(MakeWindowAxis(axis, kernel < 0 ? 1 : kernel, attributes.strides,
                                        attributes.dilations, attributes.pads, attributes.padding,
                                        /*ceil_mode=*/false, &window));
    MACE_RETURN_IF_ERROR(OutputSize(window, x[1 + axis], &shape[1 + axis]));
    if (kernel < 0 && attributes.padding == Padding::kExplicit) shape[1 + axis] = kUnknownDim;
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// One output element: the window's taps inside the input, times the weights of its channel.
double WindowSum(const TensorView& x, const TensorView& weights, const Conv2dAttributes& attributes,
                 int64_t batch, const int64_t start[2], int64_t channel) {
  const int64_t height = x.shape[1], width = x.shape[2], channels = x.shape[3];
  const int64_t kernel_h = weights.shape[1], kernel_w = weights.shape[2], group_channels = weights.shape[3];
  const int64_t group = channel / (weights.shape[0] / attributes.groups);
  int64_t row_begin, row_end, column_begin, column_end;
  ClipTaps(start[0], kernel_h, attributes.dilations[0], height, &row_begin, &row_end);
  ClipTaps(start[1], kernel_w, attributes.dilations[1], width, &column_begin, &column_end);
  double sum = 0;
  if (group_channels == 0) return sum;
  for (int64_t kh = row_begin; kh < row_end; ++kh) {
    for (int64_t kw = column_begin; kw < column_end; ++kw) {
      const int64_t row = start[0] + kh * attributes.dilations[0];
      const int64_t column = start[1] + kw * attributes.dilations[1];
      const float* pixel =
          x.as<float>() + ((batch * height + row) * width + column) * channels + group * group_channels;
      const float* tap = weights.as<float>() + ((channel * kernel_h + kh) * kernel_w + kw) * group_channels;
      for (int64_t c = 0; c < group_channels; ++c) sum += static_cast<double>(pixel[c]) * tap[c];
    }
  }
  return sum;
}

Status ReferenceConv2d(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& weights = context.inputs[1];
  const TensorView& output = context.outputs[0];
  if (x.dtype != DType::kF32) return ReferenceConv2dInteger(context);
  if (output.elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<Conv2dAttributes>();
  int64_t pad[2];
  for (int axis = 0; axis < 2; ++axis) {
    WindowAxis window;
    int64_t pad_end = 0;
    MACE_RETURN_IF_ERROR(MakeWindowAxis(axis, weights.shape[1 + axis], attributes.strides,
                                        attributes.dilations, attributes.pads, attributes.padding,
                                        /*ceil_mode=*/false, &window));
    MACE_RETURN_IF_ERROR(ResolvePadding(window, x.shape[1 + axis], &pad[axis], &pad_end));
  }
  const float* bias = context.has_input(2) ? context.inputs[2].as<float>() : nullptr;
  float* y = static_cast<float*>(output.data);
  for (int64_t batch = 0; batch < output.shape[0]; ++batch) {
    for (int64_t row = 0; row < output.shape[1]; ++row) {
      for (int64_t column = 0; column < output.shape[2]; ++column) {
        const int64_t start[2] = {row * attributes.strides[0] - pad[0],
                                  column * attributes.strides[1] - pad[1]};
        for (int64_t channel = 0; channel < output.shape[3]; ++channel) {
          double sum = WindowSum(x, weights, attributes, batch, start, channel);
          if (bias != nullptr) sum += bias[channel];
          *y++ = static_cast<float>(sum);
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kConv2dDefinition = {
    .name = "Conv2d",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<Conv2dAttributes>(),
    .infer = InferConv2d,
    .reference = ReferenceConv2d,
};

}  // namespace mace::ops
