#include "mace/ops/movement/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/quantize/output_scale.h"

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

ResizeAxis::ResizeAxis(const ResizeAttributes& attributes, const float* scales, int axis, int64_t input,
                       int64_t output, const float* region)
    : attributes_(attributes),
      is_tflite_(attributes.rounding != Rounding::kHalfEvenFloat),
      input_(input),
      output_(output) {
  const auto in = static_cast<float>(input), out = static_cast<float>(output);
  if (!is_tflite_) {
    scale_ = scales != nullptr ? scales[axis] : out / in;
  } else if (attributes.coordinate_mode == CoordinateMode::kAlignCorners && output > 1) {
    scale_ = static_cast<float>(input - 1) / static_cast<float>(output - 1);
  } else {
    scale_ = scales != nullptr ? 1.0f / scales[axis] : in / out;
  }
  length_ = scales != nullptr && !is_tflite_ ? in * scale_ : out;
  if (region != nullptr) region_begin_ = region[0], region_end_ = region[1];
}

float ResizeAxis::Place(int64_t index) const {
  const auto x = static_cast<float>(index);
  const auto last = static_cast<float>(input_ - 1);
  const CoordinateMode mode = attributes_.coordinate_mode;
  if (is_tflite_) return mode == CoordinateMode::kHalfPixel ? (x + 0.5f) * scale_ - 0.5f : x * scale_;
  switch (mode) {
    case CoordinateMode::kPytorchHalfPixel:
      return output_ > 1 ? (x + 0.5f) / scale_ - 0.5f : 0.0f;
    case CoordinateMode::kAlignCorners:
      return output_ > 1 ? x * last / (length_ - 1) : 0.0f;
    case CoordinateMode::kAsymmetric:
      return x / scale_;
    case CoordinateMode::kHalfPixelSymmetric: {
      // The middle of the output is that of the input, where the output's length was rounded.
      const float shift = static_cast<float>(input_) / 2 * (1 - static_cast<float>(output_) / length_);
      return shift + (x + 0.5f) / scale_ - 0.5f;
    }
    case CoordinateMode::kTfCropAndResize: {
      const float size = (region_end_ - region_begin_) * last;
      return region_begin_ * last + (output_ > 1 ? x * size / (length_ - 1) : size / 2);
    }
    default:
      return (x + 0.5f) / scale_ - 0.5f;
  }
}

int64_t ResizeAxis::Nearest(int64_t index) const {
  const auto last = static_cast<float>(input_ - 1);
  if (is_tflite_) {
    const CoordinateMode mode = attributes_.coordinate_mode;
    const float offset = mode == CoordinateMode::kHalfPixel ? 0.5f : 0.0f;
    const float place = (static_cast<float>(index) + offset) * scale_;
    const float rounded = mode == CoordinateMode::kAlignCorners ? std::round(place) : std::floor(place);
    return static_cast<int64_t>(std::clamp(rounded, 0.0f, last));
  }
  const float coordinate = Place(index);
  float place = 0;
  switch (attributes_.nearest_mode) {
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
  return static_cast<int64_t>(std::clamp(place, 0.0f, last));
}

LinearTap ResizeAxis::Linear(int64_t index) const {
  const float inside = std::clamp(Place(index), 0.0f, static_cast<float>(input_ - 1));
  const auto low = std::min(static_cast<int64_t>(inside), input_ - 1);
  return {low, std::min(low + 1, input_ - 1), inside - static_cast<float>(low)};
}

LinearTap ResizeAxis::UnclampedLinear(int64_t index) const {
  const float place = Place(index);
  const auto low = std::clamp<int64_t>(static_cast<int64_t>(std::floor(place)), 0, input_ - 1);
  const auto high = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(place)), 0, input_ - 1);
  return {low, high, place - static_cast<float>(low)};
}

FixedTap ResizeAxis::Fixed(int64_t index) const {
  const bool align = attributes_.coordinate_mode == CoordinateMode::kAlignCorners && output_ > 1;
  const int64_t in = align ? input_ - 1 : input_;
  const int64_t out = align ? output_ - 1 : output_;
  const int64_t scale = (kFixedTapOne * in + out / 2) / out;
  int64_t place = index * scale;
  if (attributes_.coordinate_mode == CoordinateMode::kHalfPixel) place += scale / 2 - kFixedTapOne / 2;
  // Rounded up or not, the scale may lead behind the last element, by less than the kernel would notice: then
  // both neighbours are the last one.
  const int64_t low = std::clamp<int64_t>(place / kFixedTapOne, 0, input_ - 1);
  const int64_t high = std::clamp<int64_t>((place + kFixedTapOne - 1) / kFixedTapOne, 0, input_ - 1);
  return {low, high, low == high ? 0 : place - kFixedTapOne * low};
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

Status CheckLinear(const InferContext& context) {
  const DType dtype = context.input(0).dtype;
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kI8, DType::kU8, DType::kI16}));
  if (dtype == DType::kF32) return Status::Ok();
  MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(0), dtype, 1, "x"));
  return CheckQuantization(context.output_quantization(0), dtype, 1, "y");
}

Status InferResize(InferContext& context) {
  const auto& attributes = context.attributes<ResizeAttributes>();
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  if (attributes.mode == ResizeMode::kLinear) MACE_RETURN_IF_ERROR(CheckLinear(context));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  if (context.has_input(1) == context.has_input(2)) {
    return InvalidArgument("exactly one of scales and sizes must be given");
  }
  if (attributes.coordinate_mode == CoordinateMode::kTfCropAndResize) {
    return InvalidArgument("a region of interest is read by ResizeNd only");
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

// Where the rows and the columns of the output come from.
struct Axes {
  ResizeAxis rows, columns;

  Axes(const ReferenceContext& context)
      : rows(context.attributes<ResizeAttributes>(), Scales(context), 0, context.inputs[0].shape[1],
             context.outputs[0].shape[1]),
        columns(context.attributes<ResizeAttributes>(), Scales(context), 1, context.inputs[0].shape[2],
                context.outputs[0].shape[2]) {}
  static const float* Scales(const ReferenceContext& context) {
    return context.has_input(1) ? context.inputs[1].as<float>() : nullptr;
  }
};

Status ResizeByNearest(const ReferenceContext& context) {
  const Axes axes(context);
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  const int64_t pixel_bytes = x[3] * BytesOf(context.inputs[0].dtype);
  auto* y = context.outputs[0].as<uint8_t>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    for (int64_t row = 0; row < output[1]; ++row) {
      const int64_t source_row = axes.rows.Nearest(row);
      for (int64_t column = 0; column < output[2]; ++column, y += pixel_bytes) {
        const int64_t pixel = (batch * x[1] + source_row) * x[2] + axes.columns.Nearest(column);
        std::memcpy(y, context.inputs[0].as<uint8_t>() + pixel * pixel_bytes,
                    static_cast<size_t>(pixel_bytes));
      }
    }
  }
  return Status::Ok();
}

// The four elements around a place, in the same channel.
template <typename T>
struct Corners {
  T top_left, top_right, bottom_left, bottom_right;
};

// Calls mix(row, column, corners) for every output element: `tap_of(axis, index)` gives the tap of a row or
// column of the output, of any type with members low and high.
template <typename T, typename TapOf, typename Mix>
Status ResizeByTaps(const ReferenceContext& context, const TapOf& tap_of, const Mix& mix) {
  const Axes axes(context);
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  T* y = context.outputs[0].template as<T>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const T* image = context.inputs[0].template as<T>() + batch * x[1] * x[2] * x[3];
    for (int64_t row = 0; row < output[1]; ++row) {
      const auto down = tap_of(axes.rows, row);
      const T* top = image + down.low * x[2] * x[3];
      const T* bottom = image + down.high * x[2] * x[3];
      for (int64_t column = 0; column < output[2]; ++column) {
        const auto across = tap_of(axes.columns, column);
        const int64_t left = across.low * x[3], right = across.high * x[3];
        for (int64_t c = 0; c < x[3]; ++c) {
          *y++ = mix(down, across,
                     Corners<T>{top[left + c], top[right + c], bottom[left + c], bottom[right + c]});
        }
      }
    }
  }
  return Status::Ok();
}

// A tap of weight 0 does not count, even where it is infinite or NaN.
double Mix(double a, double b, double weight) { return weight == 0 ? a : (1 - weight) * a + weight * b; }

float MixFloats(const LinearTap& down, const LinearTap& across, const Corners<float>& corners) {
  const double upper = Mix(corners.top_left, corners.top_right, across.weight);
  const double lower = Mix(corners.bottom_left, corners.bottom_right, across.weight);
  return static_cast<float>(Mix(upper, lower, down.weight));
}

const auto kLinearTap = [](const ResizeAxis& axis, int64_t index) { return axis.Linear(index); };

// TensorFlow Lite's i8 and i16: 20 bits behind the point, rounded to nearest, halves away from zero.
template <typename T>
Status ResizeByFixedPoint(const ReferenceContext& context) {
  return ResizeByTaps<T>(
      context, [](const ResizeAxis& axis, int64_t index) { return axis.Fixed(index); },
      [](const FixedTap& down, const FixedTap& across, const Corners<T>& corners) {
        const int64_t above = kFixedTapOne - down.weight, before = kFixedTapOne - across.weight;
        const int64_t sum = corners.top_left * above * before + corners.top_right * above * across.weight +
                            corners.bottom_left * down.weight * before +
                            corners.bottom_right * down.weight * across.weight;
        constexpr int64_t kOne = kFixedTapOne * kFixedTapOne;
        return static_cast<T>((sum + (sum > 0 ? kOne / 2 : -kOne / 2)) / kOne);
      });
}

// TensorFlow Lite's u8: in binary32, the products and sums in this order, halves upwards.
Status ResizeInFloats(const ReferenceContext& context) {
  return ResizeByTaps<uint8_t>(
      context, [](const ResizeAxis& axis, int64_t index) { return axis.UnclampedLinear(index); },
      [](const LinearTap& down, const LinearTap& across, const Corners<uint8_t>& corners) {
        const float above = 1 - down.weight, before = 1 - across.weight;
        const float sum = corners.top_left * above * before + corners.bottom_left * down.weight * before +
                          corners.top_right * above * across.weight +
                          corners.bottom_right * down.weight * across.weight;
        const float shifted = sum + 0.5f;  // in binary32, cut off: not lround, which knows no rounding here
        return static_cast<uint8_t>(shifted);
      });
}

// In binary32, the products and sums in the order of onnxruntime's float kernel: that decides what becomes of
// sums that lie half-way between two outputs, which are many at scales of 2.
template <typename T>
Status ResizeDequantized(const ReferenceContext& context) {
  const Quantization& from = *context.input_quantization(0);
  const Quantization& to = *context.output_quantization(0);
  const auto real = [&](T stored) {
    return static_cast<float>(stored - from.zero_points[0]) * from.scales[0];
  };
  const IntegerRange range = RangeOf(DTypeOf<T>());
  return ResizeByTaps<T>(
      context, kLinearTap, [&](const LinearTap& down, const LinearTap& across, const Corners<T>& corners) {
        const float above = 1 - down.weight, before = 1 - across.weight;
        float mixed = before * above * real(corners.top_left);
        mixed += across.weight * above * real(corners.top_right);
        mixed += before * down.weight * real(corners.bottom_left);
        mixed += across.weight * down.weight * real(corners.bottom_right);
        return static_cast<T>(
            AddZeroPointAndClamp(RoundToInt32(mixed / to.scales[0], true), to.zero_points[0], range));
      });
}

Status ReferenceResize(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<ResizeAttributes>();
  if (attributes.mode == ResizeMode::kNearest) return ResizeByNearest(context);
  const DType dtype = context.inputs[0].dtype;
  if (dtype == DType::kF32) return ResizeByTaps<float>(context, kLinearTap, MixFloats);
  const bool is_tflite = attributes.rounding != Rounding::kHalfEvenFloat;
  if (is_tflite && dtype == DType::kU8) return ResizeInFloats(context);
  return DispatchDType<int8_t, uint8_t, int16_t>(dtype, [&](auto zero) {
    return is_tflite ? ResizeByFixedPoint<decltype(zero)>(context)
                     : ResizeDequantized<decltype(zero)>(context);
  });
}

}  // namespace

constinit const OpDefinition kResizeDefinition = {
    .name = "Resize",
    .min_inputs = 1,
    .max_inputs = 3,
    .content_inputs = ContentInputs({1, 2}),
    .attributes = AttributeInfoOf<ResizeAttributes>(),
    .infer = InferResize,
    .reference = ReferenceResize,
};

}  // namespace mace::ops
