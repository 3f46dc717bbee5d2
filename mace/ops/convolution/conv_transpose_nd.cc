#include "mace/ops/convolution/conv_nd.h"

namespace mace::ops {

namespace {

Status CheckSizes(const char* what, const IntList& list, int rank) {
  if (!list.empty() && list.size() != rank) {
    return InvalidArgument("%s has %d entries, expected %d", what, list.size(), rank);
  }
  for (int64_t entry : list) {
    if (entry < 0 || entry > INT32_MAX) {
      return InvalidArgument("%s holds %lld", what, static_cast<long long>(entry));
    }
  }
  return Status::Ok();
}

Status MakeWindow(const ConvTransposeNdAttributes& attributes, const Shape& weights, NdWindow* window) {
  int64_t kernel[kMaxSpatialAxes];
  for (int i = 0; i < weights.rank - 2; ++i) kernel[i] = weights[1 + i] < 0 ? 1 : weights[1 + i];
  return MakeNdWindow(kernel, weights.rank - 2, attributes.strides, attributes.dilations, attributes.pads,
                      attributes.padding, /*ceil_mode=*/false, window);
}

// The size of an axis before padding is cut off.
Status StampedSize(const WindowAxis& axis, int64_t output_padding, int64_t input, int64_t* size) {
  if (!CheckedMultiply(axis.stride, input - 1, size) ||
      !CheckedAdd(*size, (axis.kernel - 1) * axis.dilation + 1, size) ||
      !CheckedAdd(*size, output_padding, size)) {
    return InvalidArgument("the output does not fit into 63 bits");
  }
  return Status::Ok();
}

// One axis of a known input and kernel: how much is cut off in front, and what is left.
Status ResolveStamped(const ConvTransposeNdAttributes& attributes, int i, int64_t input, NdWindow* window,
                   int64_t* output) {
  const WindowAxis& axis = window->axes[i];
  const int64_t output_padding = attributes.output_padding.empty() ? 0 : attributes.output_padding[i];
  int64_t stamped = 0;
  if (input > 0) MACE_RETURN_IF_ERROR(StampedSize(axis, output_padding, input, &stamped));
  if (attributes.output_shape.empty() && attributes.padding == Padding::kExplicit) {
    window->pad_begin[i] = axis.pad_begin;
    *output = input == 0 ? 0 : stamped - axis.pad_begin - axis.pad_end;
    return *output >= 0 ? Status::Ok() : InvalidArgument("the padding is larger than the output");
  }
  int64_t wanted = 0;
  if (!attributes.output_shape.empty()) {
    wanted = attributes.output_shape[i];
  } else if (!CheckedMultiply(input, axis.stride, &wanted)) {
    return InvalidArgument("the output does not fit into 63 bits");
  }
  const int64_t total = stamped > wanted ? stamped - wanted : 0;
  window->pad_begin[i] = attributes.padding == Padding::kSameUpper ? total / 2 : total - total / 2;
  *output = attributes.output_shape.empty() ? stamped - total : wanted;
  return Status::Ok();
}

Status InferConvTransposeNd(InferContext& context) {
  const auto& attributes = context.attributes<ConvTransposeNdAttributes>();
  int64_t channels = 0;
  MACE_RETURN_IF_ERROR(CheckNdConvolution(context, attributes.groups, &channels));
  const Shape& x = context.input(0).shape;
  const Shape& weights = context.input(1).shape;
  const int rank = x.rank - 2;
  MACE_RETURN_IF_ERROR(CheckSizes("output_padding", attributes.output_padding, rank));
  MACE_RETURN_IF_ERROR(CheckSizes("output_shape", attributes.output_shape, rank));
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeWindow(attributes, weights, &window));
  Shape shape = x;
  for (int i = 0; i < rank; ++i) {
    int64_t* size = &shape[1 + i];
    if (x[1 + i] >= 0 && weights[1 + i] >= 0) {
      MACE_RETURN_IF_ERROR(ResolveStamped(attributes, i, x[1 + i], &window, size));
    } else if (!attributes.output_shape.empty()) {
      *size = attributes.output_shape[i];
    } else {
      *size = kUnknownDim;
    }
  }
  shape[x.rank - 1] = channels;
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceConvTransposeNd(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<ConvTransposeNdAttributes>();
  const Shape& x = context.inputs[0].shape;
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeWindow(attributes, context.inputs[1].shape, &window));
  for (int i = 0; i < window.rank; ++i) {
    int64_t size = 0;
    MACE_RETURN_IF_ERROR(ResolveStamped(attributes, i, x[1 + i], &window, &size));
  }
  return DispatchDType<float, double>(context.inputs[0].dtype, [&](auto zero) {
    SumNdTaps<decltype(zero)>(context, attributes.groups, [&](const int64_t* at, const auto& visit) {
      ForEachStamp(window, x.dims + 1, at, visit);
    });
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kConvTransposeNdDefinition = {
    .name = "ConvTransposeNd",
    .min_inputs = 2,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<ConvTransposeNdAttributes>(),
    .infer = InferConvTransposeNd,
    .reference = ReferenceConvTransposeNd,
};

}  // namespace mace::ops
