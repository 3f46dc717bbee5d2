#include "mace/ops/movement/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/resize_integer.h"

namespace mace::ops {

namespace {
// An axis beyond this is refused: coordinates are binary32.
constexpr int64_t kMaxResized = INT64_C(1) << 31;
}  // namespace

Status ResizedSize(int64_t input, float scale, int64_t* output) {
  if (!std::isfinite(scale) || scale <= 0) {
    return InvalidArgument("the scale %g", static_cast<double>(scale));
  }
  // Multiplied in binary32: 10 * 0.7f must be 7, and is not in wider types.
  const float size = std::floor(static_cast<float>(input) * scale);
  if (!(size < static_cast<float>(kMaxResized))) {
    return InvalidArgument("%lld elements scaled by %g", static_cast<long long>(input),
                           static_cast<double>(scale));
  }
  *output = static_cast<int64_t>(size);
  return Status::Ok();
}

float ResizeCoordinate(CoordinateMode mode, int64_t index, float scale, int64_t input, int64_t output) {
  const auto x = static_cast<float>(index);
  switch (mode) {
    case CoordinateMode::kPytorchHalfPixel:
      return output > 1 ? (x + 0.5f) / scale - 0.5f : 0.0f;
    case CoordinateMode::kAlignCorners:
      return output > 1 ? x * static_cast<float>(input - 1) / static_cast<float>(output - 1) : 0.0f;
    case CoordinateMode::kAsymmetric:
      return x / scale;
    default:
      return (x + 0.5f) / scale - 0.5f;
  }
}

int64_t ResizeNearest(NearestMode mode, float coordinate, int64_t input) {
  float place = 0;
  switch (mode) {
    case NearestMode::kRoundPreferCeil:
      place = std::round(coordinate);
      break;
    case NearestMode::kFloor:
      place = std::floor(coordinate);
      break;
    case NearestMode::kCeil:
      place = std::ceil(coordinate);
      break;
    default:
      // std::round goes up at one half.
      place = coordinate - std::floor(coordinate) == 0.5f ? std::floor(coordinate) : std::round(coordinate);
  }
  const auto last = static_cast<float>(input - 1);
  return static_cast<int64_t>(std::clamp(place, 0.0f, last));
}

LinearTap ResizeLinear(float coordinate, int64_t input) {
  const float inside = std::clamp(coordinate, 0.0f, static_cast<float>(input - 1));
  const auto low = std::min(static_cast<int64_t>(inside), input - 1);
  return {low, std::min(low + 1, input - 1), inside - static_cast<float>(low)};
}

namespace {

Status CheckOperand(const InferContext& context, int input, DType dtype) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, input, {dtype}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
  const int64_t length = context.input(input).shape[0];
  if (length == 2 || length < 0) return Status::Ok();
  return InvalidArgument("input %d has %lld elements, expected height and width", input,
                         static_cast<long long>(length));
}

Status InferResize(InferContext& context) {
  const auto& attributes = context.attributes<ResizeAttributes>();
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  if (attributes.mode == ResizeMode::kLinear) {
    if (context.input_quantization(0) != nullptr) {
      MACE_RETURN_IF_ERROR(CheckQuantizedResize(context));
    } else {
      MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
    }
  }
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  if (context.has_input(1) == context.has_input(2)) {
    return InvalidArgument("exactly one of scales and sizes must be given");
  }
  const bool by_scale = context.has_input(1);
  const int operand = by_scale ? 1 : 2;
  MACE_RETURN_IF_ERROR(CheckOperand(context, operand, by_scale ? DType::kF32 : DType::kI64));
  const TensorView* known = context.known(operand);
  if (known != nullptr && known->elements() != 2) return InvalidArgument("expected height and width");
  const Shape& x = context.input(0).shape;
  Shape shape = x;
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t input = x[1 + axis];
    int64_t* output = &shape[1 + axis];
    if (input >= kMaxResized) return InvalidArgument("%s is too large to resize", ShapeText(x).text);
    *output = kUnknownDim;
    if (known == nullptr) continue;
    if (!by_scale) {
      *output = known->as<int64_t>()[axis];
      if (*output < 0 || *output >= kMaxResized) {
        return InvalidArgument("the size %lld", static_cast<long long>(*output));
      }
    } else if (input < 0) {
      if (known->as<float>()[axis] == 1.0f) *output = input;
    } else {
      MACE_RETURN_IF_ERROR(ResizedSize(input, known->as<float>()[axis], output));
    }
    if (input == 0 && *output > 0) return InvalidArgument("an empty axis cannot be enlarged");
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ResizeByNearest(const ReferenceContext& context, const float* scales) {
  const auto& attributes = context.attributes<ResizeAttributes>();
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  const int64_t pixel_bytes = x[3] * BytesOf(context.inputs[0].dtype);
  const float scale_h = ResizeScale(scales, 0, x[1], output[1]);
  const float scale_w = ResizeScale(scales, 1, x[2], output[2]);
  auto* y = context.outputs[0].as<uint8_t>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    for (int64_t row = 0; row < output[1]; ++row) {
      const float place = ResizeCoordinate(attributes.coordinate_mode, row, scale_h, x[1], output[1]);
      const int64_t source_row = ResizeNearest(attributes.nearest_mode, place, x[1]);
      for (int64_t column = 0; column < output[2]; ++column, y += pixel_bytes) {
        const float across = ResizeCoordinate(attributes.coordinate_mode, column, scale_w, x[2], output[2]);
        const int64_t source_column = ResizeNearest(attributes.nearest_mode, across, x[2]);
        const int64_t pixel = (batch * x[1] + source_row) * x[2] + source_column;
        std::memcpy(y, context.inputs[0].as<uint8_t>() + pixel * pixel_bytes,
                    static_cast<size_t>(pixel_bytes));
      }
    }
  }
  return Status::Ok();
}

// A tap of weight 0 does not count, even where it is infinite or NaN.
double Mix(double a, double b, double weight) { return weight == 0 ? a : (1 - weight) * a + weight * b; }

Status ResizeByLinear(const ReferenceContext& context, const float* scales) {
  const auto& attributes = context.attributes<ResizeAttributes>();
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  const float scale_h = ResizeScale(scales, 0, x[1], output[1]);
  const float scale_w = ResizeScale(scales, 1, x[2], output[2]);
  float* y = context.outputs[0].as<float>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const float* image = context.inputs[0].as<float>() + batch * x[1] * x[2] * x[3];
    for (int64_t row = 0; row < output[1]; ++row) {
      const LinearTap down =
          ResizeLinear(ResizeCoordinate(attributes.coordinate_mode, row, scale_h, x[1], output[1]), x[1]);
      for (int64_t column = 0; column < output[2]; ++column) {
        const LinearTap across = ResizeLinear(
            ResizeCoordinate(attributes.coordinate_mode, column, scale_w, x[2], output[2]), x[2]);
        const float* top = image + down.low * x[2] * x[3];
        const float* bottom = image + down.high * x[2] * x[3];
        const double right = across.weight, below = down.weight;
        for (int64_t c = 0; c < x[3]; ++c) {
          const double upper = Mix(top[across.low * x[3] + c], top[across.high * x[3] + c], right);
          const double lower = Mix(bottom[across.low * x[3] + c], bottom[across.high * x[3] + c], right);
          *y++ = static_cast<float>(Mix(upper, lower, below));
        }
      }
    }
  }
  return Status::Ok();
}

Status ReferenceResize(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const float* scales = context.has_input(1) ? context.inputs[1].as<float>() : nullptr;
  if (context.attributes<ResizeAttributes>().mode == ResizeMode::kNearest) {
    return ResizeByNearest(context, scales);
  }
  return context.inputs[0].dtype == DType::kF32 ? ResizeByLinear(context, scales)
                                                : ReferenceResizeLinearInteger(context, scales);
}

}  // namespace

constinit const OpDefinition kResizeDefinition = {
    .name = "Resize",
    .min_inputs = 1,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<ResizeAttributes>(),
    .infer = InferResize,
    .reference = ReferenceResize,
};

}  // namespace mace::ops
