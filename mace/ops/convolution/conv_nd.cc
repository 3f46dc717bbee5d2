#include "mace/ops/convolution/conv_nd.h"

namespace mace::ops {

Status CheckNdConvolution(const InferContext& context, int64_t groups, int64_t* channels) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  const Shape& x = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  if (x.rank < 3 || x.rank > kMaxSpatialAxes + 2) {
    return Unsupported("x has the shape %s, expected [N, 1 to %d spatial axes, C]", ShapeText(x).text,
                       kMaxSpatialAxes);
  }
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, x.rank));
  if (groups < 1) return InvalidArgument("groups is %lld", static_cast<long long>(groups));
  const int last = x.rank - 1;
  int64_t input_channels = 0;
  MACE_RETURN_IF_ERROR(MultiplyDims(weights[last], groups, &input_channels));
  if (x[last] >= 0 && input_channels >= 0 && x[last] != input_channels) {
    return InvalidArgument("x has %lld channels, the weights %s with %lld groups take %lld",
                           static_cast<long long>(x[last]), ShapeText(weights).text,
                           static_cast<long long>(groups), static_cast<long long>(input_channels));
  }
  if (weights[0] >= 0 && weights[0] % groups != 0) {
    return InvalidArgument("%lld output channels in %lld groups", static_cast<long long>(weights[0]),
                           static_cast<long long>(groups));
  }
  *channels = weights[0];
  if (!context.has_input(2)) return Status::Ok();
  MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 2, 0));
  if (MergeDim(weights[0], context.input(2).shape[0], channels)) return Status::Ok();
  return InvalidArgument("the bias %s for %lld output channels", ShapeText(context.input(2).shape).text,
                         static_cast<long long>(weights[0]));
}

namespace {

// The window, for a kernel of which sizes may be unknown (taken as 1).
Status MakeWindow(const ConvNdAttributes& attributes, const Shape& weights, NdWindow* window) {
  int64_t kernel[kMaxSpatialAxes];
  for (int i = 0; i < weights.rank - 2; ++i) kernel[i] = weights[1 + i] < 0 ? 1 : weights[1 + i];
  return MakeNdWindow(kernel, weights.rank - 2, attributes.strides, attributes.dilations, attributes.pads,
                      attributes.padding, /*ceil_mode=*/false, window);
}

Status InferConvNd(InferContext& context) {
  const auto& attributes = context.attributes<ConvNdAttributes>();
  int64_t channels = 0;
  MACE_RETURN_IF_ERROR(CheckNdConvolution(context, attributes.groups, &channels));
  const Shape& x = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeWindow(attributes, weights, &window));
  Shape shape = x;
  MACE_RETURN_IF_ERROR(NdOutputSize(window, x.dims + 1, shape.dims + 1));
  for (int i = 1; i < x.rank - 1; ++i) {
    if (weights[i] < 0 && attributes.padding == Padding::kExplicit) shape[i] = kUnknownDim;
  }
  shape[x.rank - 1] = channels;
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceConvNd(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<ConvNdAttributes>();
  const int64_t* input = context.inputs[0].shape.dims + 1;
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeWindow(attributes, context.inputs[1].shape, &window));
  MACE_RETURN_IF_ERROR(ResolveNdPadding(input, &window));
  return DispatchDType<float, double>(context.inputs[0].dtype, [&](auto zero) {
    SumNdTaps<decltype(zero)>(context, attributes.groups, [&](const int64_t* at, const auto& visit) {
      ForEachTap(window, input, at, visit);
    });
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kConvNdDefinition = {
    .name = "ConvNd",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<ConvNdAttributes>(),
    .infer = InferConvNd,
    .reference = ReferenceConvNd,
};

}  // namespace mace::ops
