// Layers that work element by element, with or without weights.
#include <cmath>

#include "mace/importers/caffe/caffe_layer.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::caffe {
namespace {

// scale * x + shift
ValueId Line(LayerContext& layer, double scale, double shift) {
  return layer.Shifted(layer.Scaled(layer.Bottom(0), scale), shift);
}

// A tensor of x's shape with one value everywhere.
ValueId FilledLike(LayerContext& layer, ValueId x, double value) {
  ops::ConstantOfShapeAttributes attributes;
  attributes.float_value = static_cast<float>(value);
  const ValueId shape = layer.builder().Emit(OpId::kShape, {x}, ops::ShapeAttributes{});
  return layer.builder().Emit(OpId::kConstantOfShape, {shape}, attributes);
}

// The second operand of Scale and Bias: bottom 1, or a blob with the shape of `num_axes` axes of bottom 0.
ValueId Coefficients(LayerContext& layer, const TextMessage& parameters, const char* what, int* axis) {
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  *axis = GraphBuilder::NormalizedAxis(parameters.Int("axis", 1), rank);
  if (layer.bottom_count() > 1) return layer.Bottom(1);
  const int64_t axes = parameters.Int("num_axes", 1);
  if (axes < -1 || axes > rank - *axis) {
    throw ImportError(InvalidArgument("num_axes %lld from axis %d on of rank %d",
                                      static_cast<long long>(axes), *axis, rank));
  }
  Shape shape;
  const int end = axes == -1 ? rank : *axis + static_cast<int>(axes);
  for (int i = *axis; i < end; ++i) shape.Push(layer.Dim(x, i));
  return layer.Weights(0, shape, what);
}

}  // namespace

Values ConvertIdentity(LayerContext& layer) {
  return Values(std::max<size_t>(layer.top_count(), 1), layer.Bottom(0));
}
Values ConvertAbsVal(LayerContext& layer) { return {layer.Unary(OpId::kAbs, layer.Bottom(0))}; }
Values ConvertBnll(LayerContext& layer) { return {layer.Unary(OpId::kSoftplus, layer.Bottom(0))}; }
Values ConvertHardSwish(LayerContext& layer) { return {layer.Unary(OpId::kHardSwish, layer.Bottom(0))}; }
Values ConvertMish(LayerContext& layer) { return {layer.Unary(OpId::kMish, layer.Bottom(0))}; }
Values ConvertTanh(LayerContext& layer) { return {layer.Unary(OpId::kTanh, layer.Bottom(0))}; }

Values ConvertSigmoid(LayerContext& layer) {
  if (layer.layer().type != "Sigmoid") {
    layer.builder().Warn("layer '" + layer.layer().name + "': the loss was replaced by its sigmoid");
  }
  return {layer.Unary(OpId::kSigmoid, layer.Bottom(0))};
}

Values ConvertHardSigmoid(LayerContext& layer) {
  ops::HardSigmoidAttributes attributes;
  attributes.alpha = static_cast<float>(layer.Parameters("hardsigmoid_param").Number("alpha", 1.0 / 6));
  attributes.beta = static_cast<float>(layer.Parameters("hardsigmoid_param").Number("beta", 0.5));
  return {layer.builder().Emit(OpId::kHardSigmoid, {layer.Bottom(0)}, attributes)};
}

Values ConvertClip(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("clip_param");
  ops::ClipAttributes attributes;
  attributes.min = static_cast<float>(parameters.Number("min", -INFINITY));
  attributes.max = static_cast<float>(parameters.Number("max", INFINITY));
  return {layer.builder().Emit(OpId::kClip, {layer.Bottom(0)}, attributes)};
}

Values ConvertElu(LayerContext& layer) {
  ops::EluAttributes attributes;
  attributes.alpha = static_cast<float>(layer.Parameters("elu_param").Number("alpha", 1));
  return {layer.builder().Emit(OpId::kElu, {layer.Bottom(0)}, attributes)};
}

Values ConvertRelu(LayerContext& layer) {
  const double slope = layer.Parameters("relu_param").Number("negative_slope", 0);
  if (slope == 0) return {layer.Unary(OpId::kRelu, layer.Bottom(0))};
  ops::LeakyReluAttributes attributes;
  attributes.alpha = static_cast<float>(slope);
  return {layer.builder().Emit(OpId::kLeakyRelu, {layer.Bottom(0)}, attributes)};
}

Values ConvertRelu6(LayerContext& layer) {
  ops::ClipAttributes attributes;
  attributes.min = 0;
  attributes.max = 6;
  return {layer.builder().Emit(OpId::kClip, {layer.Bottom(0)}, attributes)};
}

Values ConvertPRelu(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("prelu_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  if (rank < 2) throw ImportError(InvalidArgument("expected a bottom with channels, got rank %d", rank));
  const bool is_shared = parameters.Bool("channel_shared", false);
  const int64_t count = is_shared ? 1 : layer.Dim(x, 1);
  Shape shape = {count};
  for (int axis = 2; axis < rank; ++axis) shape.Push(1);
  return {layer.Binary(OpId::kPRelu, x, layer.Weights(0, shape, "slope"))};
}

Values ConvertSwish(LayerContext& layer) {
  const double beta = layer.Parameters("swish_param").Number("beta", 1);
  const ValueId x = layer.Bottom(0);
  if (beta == 1) return {layer.Unary(OpId::kSilu, x)};
  return {layer.Binary(OpId::kMul, x, layer.Unary(OpId::kSigmoid, layer.Scaled(x, beta)))};
}

// base ^ (scale * x + shift)
Values ConvertExp(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("exp_param");
  const double base = parameters.Number("base", -1);
  if (base <= 0 && base != -1)
    throw ImportError(InvalidArgument("base %g, expected more than 0, or -1", base));
  const double logarithm = base == -1 ? 1 : std::log(base);
  return {layer.Unary(OpId::kExp, Line(layer, parameters.Number("scale", 1) * logarithm,
                                       parameters.Number("shift", 0) * logarithm))};
}

// log_base(scale * x + shift)
Values ConvertLog(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("log_param");
  const double base = parameters.Number("base", -1);
  if ((base <= 0 && base != -1) || base == 1) {
    throw ImportError(InvalidArgument("base %g, expected more than 0 and not 1, or -1", base));
  }
  const ValueId y =
      layer.Unary(OpId::kLog, Line(layer, parameters.Number("scale", 1), parameters.Number("shift", 0)));
  return {layer.Scaled(y, base == -1 ? 1 : 1 / std::log(base))};
}

// (scale * x + shift) ^ power
Values ConvertPower(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("power_param");
  const double power = parameters.Number("power", 1), scale = parameters.Number("scale", 1);
  const double shift = parameters.Number("shift", 0);
  // Caffe does not look at x then, be it what it may.
  if (power * scale == 0)
    return {FilledLike(layer, layer.Bottom(0), power == 0 ? 1 : std::pow(shift, power))};
  const ValueId line = Line(layer, scale, shift);
  if (power == 1) return {line};
  if (power == 2) return {layer.Binary(OpId::kMul, line, line)};
  return {layer.Binary(OpId::kPow, line, layer.Number(power))};
}

Values ConvertThreshold(LayerContext& layer) {
  const ValueId bound = layer.Number(layer.Parameters("threshold_param").Number("threshold", 0));
  return {layer.builder().Cast(layer.Binary(OpId::kGreater, layer.Bottom(0), bound), DType::kF32)};
}

Values ConvertEltwise(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("eltwise_param");
  const std::string kind = parameters.Word("operation", "SUM");
  const std::vector<double> factors = parameters.Numbers("coeff");
  const bool is_sum = kind == "SUM" || kind == "1";
  OpId op = OpId::kAdd;
  if (kind == "PROD" || kind == "0") {
    op = OpId::kMul;
  } else if (kind == "MAX" || kind == "2") {
    op = OpId::kMax;
  } else if (!is_sum) {
    throw ImportError(Unsupported("operation: %s", kind.substr(0, 60).c_str()));
  }
  if (!factors.empty() && (!is_sum || factors.size() != layer.bottom_count())) {
    throw ImportError(InvalidArgument("%zu coeff of %zu bottoms in a %s", factors.size(),
                                      layer.bottom_count(), kind.substr(0, 60).c_str()));
  }
  ValueId y = kNone;
  for (size_t i = 0; i < layer.bottom_count(); ++i) {
    const ValueId x = layer.Scaled(layer.Bottom(i), factors.empty() ? 1 : factors[i]);
    y = i == 0 ? x : layer.Binary(op, y, x);
  }
  return {y};
}

Values ConvertScale(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("scale_param");
  const ValueId x = layer.Bottom(0);
  const int rank = layer.RankOf(x);
  int axis = 0;
  const ValueId scale = Coefficients(layer, parameters, "scale", &axis);
  const ValueId y = layer.Binary(OpId::kMul, x, layer.AlignedAt(scale, axis, rank));
  if (!parameters.Bool("bias_term", false)) return {y};
  const ValueId bias = layer.Weights(layer.bottom_count() > 1 ? 0 : 1, layer.ShapeOf(scale), "bias");
  return {layer.Binary(OpId::kAdd, y, layer.AlignedAt(bias, axis, rank))};
}

Values ConvertBias(LayerContext& layer) {
  int axis = 0;
  const ValueId bias = Coefficients(layer, layer.Parameters("bias_param"), "bias", &axis);
  const ValueId x = layer.Bottom(0);
  return {layer.Binary(OpId::kAdd, x, layer.AlignedAt(bias, axis, layer.RankOf(x)))};
}

// a * x + y, a for each image and channel.
Values ConvertAxpy(LayerContext& layer) {
  const ValueId x = layer.Bottom(1);
  const ValueId scaled = layer.Binary(OpId::kMul, x, layer.AlignedAt(layer.Bottom(0), 0, layer.RankOf(x)));
  return {layer.Binary(OpId::kAdd, scaled, layer.Bottom(2))};
}

}  // namespace mace::importers::caffe
