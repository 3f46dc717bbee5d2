#include "mace/ops/convolution/deform_conv.h"

#include <cmath>

namespace mace::ops {

namespace {

enum Operand { kX = 0, kWeights = 1, kOffsets = 2, kBias = 3, kMask = 4 };

Status CheckChannels(const InferContext& context, const DeformConvAttributes& attributes) {
  const Shape& x = context.input(kX).shape;
  const Shape& weights = context.input(kWeights).shape;
  if (attributes.groups < 1 || attributes.offset_groups < 1) {
    return InvalidArgument("%lld groups, %lld groups of offsets", static_cast<long long>(attributes.groups),
                           static_cast<long long>(attributes.offset_groups));
  }
  int64_t channels = 0;
  MACE_RETURN_IF_ERROR(MultiplyDims(weights[3], attributes.groups, &channels));
  if ((x[3] >= 0 && channels >= 0 && x[3] != channels) ||
      (weights[0] >= 0 && weights[0] % attributes.groups != 0) ||
      (x[3] >= 0 && x[3] % attributes.offset_groups != 0)) {
    return InvalidArgument("x %s and weights %s in %lld groups, %lld of offsets", ShapeText(x).text,
                           ShapeText(weights).text, static_cast<long long>(attributes.groups),
                           static_cast<long long>(attributes.offset_groups));
  }
  return Status::Ok();
}

// Offsets or mask: [N, OH, OW, `per_tap` numbers for each tap of each group].
Status CheckPerTap(const InferContext& context, int input, int64_t per_tap, int64_t groups, Shape* output) {
  if (!context.has_input(input)) return Status::Ok();
  MACE_RETURN_IF_ERROR(ExpectRank(context, input, 4));
  const Shape& shape = context.input(input).shape;
  const Shape& weights = context.input(kWeights).shape;
  int64_t numbers = 0;
  MACE_RETURN_IF_ERROR(MultiplyDims(weights[1], weights[2], &numbers));
  MACE_RETURN_IF_ERROR(MultiplyDims(numbers, groups, &numbers));
  MACE_RETURN_IF_ERROR(MultiplyDims(numbers, per_tap, &numbers));
  for (int i = 0; i < 3; ++i) {
    if (!MergeDim((*output)[i], shape[i], &(*output)[i])) {
      return InvalidArgument("input %d is %s for an output of %s", input, ShapeText(shape).text,
                             ShapeText(*output).text);
    }
  }
  int64_t merged = 0;
  if (MergeDim(numbers, shape[3], &merged)) return Status::Ok();
  return InvalidArgument("input %d is %s, expected %lld numbers a pixel", input, ShapeText(shape).text,
                         static_cast<long long>(numbers));
}

Status InferDeformConv(InferContext& context) {
  const auto& attributes = context.attributes<DeformConvAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, kX, {DType::kF32, DType::kF64}));
  for (int i = kWeights; i <= kMask; ++i) {
    if (context.has_input(i)) MACE_RETURN_IF_ERROR(ExpectSameDType(context, i, kX));
  }
  MACE_RETURN_IF_ERROR(ExpectRank(context, kX, 4));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kWeights, 4));
  MACE_RETURN_IF_ERROR(CheckChannels(context, attributes));
  const Shape& x = context.input(kX).shape;
  const Shape& weights = context.input(kWeights).shape;
  Shape shape = {x[0], 0, 0, weights[0]};
  for (int axis = 0; axis < 2; ++axis) {
    WindowAxis window;
    const int64_t kernel = weights[1 + axis];
    MACE_RETURN_IF_ERROR(MakeWindowAxis(axis, kernel < 0 ? 1 : kernel, attributes.strides,
                                        attributes.dilations, attributes.pads, Padding::kExplicit,
                                        /*ceil_mode=*/false, &window));
    MACE_RETURN_IF_ERROR(OutputSize(window, x[1 + axis], &shape[1 + axis]));
    if (kernel < 0) shape[1 + axis] = kUnknownDim;
  }
  MACE_RETURN_IF_ERROR(CheckPerTap(context, kOffsets, 2, attributes.offset_groups, &shape));
  MACE_RETURN_IF_ERROR(CheckPerTap(context, kMask, 1, attributes.offset_groups, &shape));
  if (context.has_input(kBias)) {
    MACE_RETURN_IF_ERROR(ExpectRank(context, kBias, 1));
    if (!MergeDim(shape[3], context.input(kBias).shape[0], &shape[3])) {
      return InvalidArgument("the bias %s for %lld output channels",
                             ShapeText(context.input(kBias).shape).text, static_cast<long long>(shape[3]));
    }
  }
  context.SetOutput(0, context.input(kX).dtype, shape);
  return Status::Ok();
}

// x in one channel of one image between its pixels.
template <typename T>
double Interpolated(const T* image, int64_t height, int64_t width, int64_t channels, double row,
                    double column) {
  if (!(row > -1 && row < static_cast<double>(height) && column > -1 &&
        column < static_cast<double>(width))) {
    return 0;
  }
  const auto top = static_cast<int64_t>(std::floor(row)), left = static_cast<int64_t>(std::floor(column));
  const double down = row - static_cast<double>(top), across = column - static_cast<double>(left);
  double sum = 0;
  for (int64_t y = top; y <= top + 1; ++y) {
    for (int64_t x = left; x <= left + 1; ++x) {
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      const double weight = (y == top ? 1 - down : down) * (x == left ? 1 - across : across);
      if (weight != 0) sum += weight * static_cast<double>(image[(y * width + x) * channels]);
    }
  }
  return sum;
}

// One output element.
template <typename T>
double DeformedSum(const ReferenceContext& context, int64_t batch, int64_t row, int64_t column,
                   int64_t channel) {
  const auto& attributes = context.attributes<DeformConvAttributes>();
  const Shape& x = context.inputs[kX].shape;
  const Shape& weights = context.inputs[kWeights].shape;
  const Shape& output = context.outputs[0].shape;
  const int64_t group_channels = weights[3], taps = weights[1] * weights[2];
  const int64_t first = channel / (weights[0] / attributes.groups) * group_channels;
  const int64_t per_offset_group = x[3] / attributes.offset_groups;
  const int64_t pixel = (batch * output[1] + row) * output[2] + column;
  const T* offsets = context.inputs[kOffsets].as<T>() + pixel * attributes.offset_groups * taps * 2;
  const T* mask = context.has_input(kMask)
                      ? context.inputs[kMask].as<T>() + pixel * attributes.offset_groups * taps
                      : nullptr;
  double sum = 0;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const int64_t tap_row = tap / weights[2], tap_column = tap % weights[2];
    const auto top = static_cast<double>(row * attributes.strides[0] - attributes.pads[0] +
                                         tap_row * attributes.dilations[0]);
    const auto left = static_cast<double>(column * attributes.strides[1] - attributes.pads[1] +
                                          tap_column * attributes.dilations[1]);
    const T* by = context.inputs[kWeights].as<T>() + (channel * taps + tap) * group_channels;
    for (int64_t c = 0; c < group_channels; ++c) {
      const int64_t index = (first + c) / per_offset_group * taps + tap;
      const T* image = context.inputs[kX].as<T>() + batch * x.Product(1, 4) + first + c;
      double value = Interpolated(image, x[1], x[2], x[3], top + static_cast<double>(offsets[2 * index]),
                                  left + static_cast<double>(offsets[2 * index + 1]));
      if (mask != nullptr) value *= static_cast<double>(mask[index]);
      sum += value * static_cast<double>(by[c]);
    }
  }
  return sum;
}

template <typename T>
void Fill(const ReferenceContext& context) {
  const Shape& output = context.outputs[0].shape;
  const bool has_channels = context.inputs[kX].shape[3] > 0;  // else there is nothing to sum
  const T* bias = context.has_input(kBias) ? context.inputs[kBias].as<T>() : nullptr;
  T* y = context.outputs[0].template as<T>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    for (int64_t row = 0; row < output[1]; ++row) {
      for (int64_t column = 0; column < output[2]; ++column) {
        for (int64_t channel = 0; channel < output[3]; ++channel) {
          const double sum = has_channels ? DeformedSum<T>(context, batch, row, column, channel) : 0;
          *y++ = static_cast<T>(bias != nullptr ? sum + static_cast<double>(bias[channel]) : sum);
        }
      }
    }
  }
}

Status ReferenceDeformConv(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return DispatchDType<float, double>(context.inputs[kX].dtype, [&](auto zero) {
    Fill<decltype(zero)>(context);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kDeformConvDefinition = {
    .name = "DeformConv",
    .min_inputs = 3,
    .max_inputs = 5,
    .attributes = AttributeInfoOf<DeformConvAttributes>(),
    .infer = InferDeformConv,
    .reference = ReferenceDeformConv,
};

}  // namespace mace::ops
