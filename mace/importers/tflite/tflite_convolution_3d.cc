// Converters of convolutions over depth, height and width.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/convolution/conv_nd.h"

namespace mace::importers::tflite {
namespace {

constexpr int8_t kSame = 0;

template <typename Attributes>
Attributes WindowOf(TfliteContext& context, const file::Conv3dOptions& options) {
  Attributes attributes;
  attributes.strides = {options.stride_d(), options.stride_h(), options.stride_w()};
  attributes.dilations = {options.dilation_d(), options.dilation_h(), options.dilation_w()};
  if (options.padding() != kSame && options.padding() != 1) {
    context.Refuse("padding " + std::to_string(options.padding()));
  }
  if (options.padding() == kSame) {
    attributes.padding = ops::Padding::kSameUpper;
  } else {
    attributes.pads = {0, 0, 0, 0, 0, 0};
  }
  return attributes;
}

void RequireRank5(const TfliteContext& context, ValueId value, const char* what) {
  const Shape shape = context.ShapeOf(value);
  if (shape.rank == 5) return;
  throw ImportError(StatusCode::kDataLoss,
                    std::string(what) + " has the shape " + ShapeText(shape).text + ", expected rank 5");
}

}  // namespace

// Inputs: x [N, D, H, W, I], weights [D, H, W, I, O], bias.
void ConvertConv3d(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::Conv3dOptions>();
  const auto attributes = WindowOf<ops::ConvNdAttributes>(context, options);
  const ValueId weights = context.AsFloat(context.Input(1));
  RequireRank5(context, context.Input(0), "its input");
  RequireRank5(context, weights, "its weights");
  context.EmitOutput(OpId::kConvNd,
                     {context.Input(0), context.Transposed(weights, {4, 0, 1, 2, 3}),
                      context.AsFloat(context.OptionalInput(2))},
                     attributes, options.activation());
}

// Inputs: the output's shape, weights [D, H, W, O, I], x [N, D, H, W, I], bias.
void ConvertConv3dTranspose(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::Conv3dOptions>();
  auto attributes = WindowOf<ops::ConvTransposeNdAttributes>(context, options);
  const std::vector<int64_t> shape = context.ConstantInts(context.Input(0), "the output's shape");
  if (shape.size() != 5) throw ImportError(StatusCode::kDataLoss, "the output's shape has not 5 dimensions");
  attributes.output_shape = {shape[1], shape[2], shape[3]};
  const ValueId weights = context.AsFloat(context.Input(1));
  RequireRank5(context, context.Input(2), "its input");
  RequireRank5(context, weights, "its weights");
  context.EmitOutput(OpId::kConvTransposeNd,
                     {context.Input(2), context.Transposed(weights, {3, 0, 1, 2, 4}),
                      context.AsFloat(context.OptionalInput(3))},
                     attributes, options.activation());
}

}  // namespace mace::importers::tflite
