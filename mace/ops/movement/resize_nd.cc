#include "mace/ops/movement/resize_nd.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "mace/core/vector.h"
#include "mace/ops/movement/resize.h"
#include "mace/ops/nd_window.h"
#include "mace/ops/quantize/saturating_cast.h"

namespace mace::ops {

namespace {

enum Operand { kX = 0, kRegion = 1, kScales = 2, kSizes = 3 };

constexpr int64_t kMaxResized = INT64_C(1) << 31;  // coordinates are binary32

// The axes that the operands speak of.
Status ReadAxes(const ResizeNdAttributes& attributes, int rank, IntList* axes) {
  *axes = attributes.axes;
  if (axes->empty()) {
    for (int i = 0; i < rank; ++i) axes->Push(i);
  }
  uint32_t seen = 0;
  for (int i = 0; i < axes->size(); ++i) {
    int axis = 0;
    MACE_RETURN_IF_ERROR(ResolveAxis((*axes)[i], rank, &axis));
    if ((seen >> axis & 1) != 0) return InvalidArgument("axis %d twice", axis);
    seen |= 1u << axis;
    (*axes)[i] = axis;
  }
  return Status::Ok();
}

// The scale that all axes share where the aspect ratio is kept; 0 where a size is not known.
double SharedScale(AspectRatio aspect_ratio, const IntList& axes, const Shape& x, const int64_t* sizes) {
  double scale = 0;
  for (int i = 0; i < axes.size(); ++i) {
    const int64_t input = x[static_cast<int>(axes[i])];
    if (input <= 0) return 0;
    const double own = static_cast<double>(sizes[i]) / static_cast<double>(input);
    const bool better = aspect_ratio == AspectRatio::kNotLarger ? own < scale : own > scale;
    if (i == 0 || better) scale = own;
  }
  return scale;
}

Status CheckOperand(const InferContext& context, int input, DType dtype, int length) {
  if (!context.has_input(input)) return Status::Ok();
  MACE_RETURN_IF_ERROR(ExpectDType(context, input, {dtype}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, input, 1));
  const int64_t elements = context.input(input).shape[0];
  if (elements < 0 || elements == length) return Status::Ok();
  return InvalidArgument("input %d has %lld elements, expected %d", input, static_cast<long long>(elements),
                         length);
}

// One axis; `shared_scale`: of all axes, where the aspect ratio is kept.
Status OutputSizeOf(const TensorView* scales, const TensorView* sizes, int i, double shared_scale,
                    AspectRatio aspect_ratio, int64_t input, int64_t* output) {
  *output = kUnknownDim;
  if (scales != nullptr) {
    const float scale = scales->as<float>()[i];
    if (input >= 0) return ResizedSize(input, scale, output);
    if (scale == 1.0f) *output = input;
    return Status::Ok();
  }
  if (sizes == nullptr) return Status::Ok();
  *output = sizes->as<int64_t>()[i];
  if (*output < 0 || *output >= kMaxResized) {
    return InvalidArgument("the size %lld", static_cast<long long>(*output));
  }
  if (aspect_ratio == AspectRatio::kStretch) return Status::Ok();
  *output = kUnknownDim;
  if (input < 0 || shared_scale == 0) return Status::Ok();
  const double size = std::floor(shared_scale * static_cast<double>(input) + 0.5);
  if (!(size < static_cast<double>(kMaxResized))) return InvalidArgument("the size %g", size);
  *output = static_cast<int64_t>(size);
  return Status::Ok();
}

Status InferResizeNd(InferContext& context) {
  const auto& attributes = context.attributes<ResizeNdAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, kX,
                                   {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16,
                                    DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
  const Shape& x = context.input(kX).shape;
  IntList axes;
  MACE_RETURN_IF_ERROR(ReadAxes(attributes, x.rank, &axes));
  if (context.has_input(kScales) == context.has_input(kSizes)) {
    return InvalidArgument("exactly one of scales and sizes must be given");
  }
  if (attributes.coordinate_mode == CoordinateMode::kTfCropAndResize && !context.has_input(kRegion)) {
    return InvalidArgument("the region to resize is missing");
  }
  if (attributes.antialias && attributes.mode == ResizeNdMode::kNearest) {
    return InvalidArgument("antialias is for means only");
  }
  if (!std::isfinite(attributes.cubic_coefficient)) return InvalidArgument("the coefficient is not finite");
  MACE_RETURN_IF_ERROR(CheckOperand(context, kRegion, DType::kF32, 2 * axes.size()));
  MACE_RETURN_IF_ERROR(CheckOperand(context, kScales, DType::kF32, axes.size()));
  MACE_RETURN_IF_ERROR(CheckOperand(context, kSizes, DType::kI64, axes.size()));
  const TensorView* scales = context.known(kScales);
  const TensorView* sizes = context.known(kSizes);
  for (const TensorView* known : {scales, sizes}) {
    if (known != nullptr && known->elements() != axes.size()) {
      return InvalidArgument("%lld scales or sizes for %d axes", static_cast<long long>(known->elements()),
                             axes.size());
    }
  }
  const bool keeps = attributes.aspect_ratio != AspectRatio::kStretch;
  const double shared =
      keeps && sizes != nullptr ? SharedScale(attributes.aspect_ratio, axes, x, sizes->as<int64_t>()) : 0;
  Shape shape = x;
  for (int i = 0; i < axes.size(); ++i) {
    const int axis = static_cast<int>(axes[i]);
    if (x[axis] >= kMaxResized) return InvalidArgument("%s is too large to resize", ShapeText(x).text);
    MACE_RETURN_IF_ERROR(
        OutputSizeOf(scales, sizes, i, shared, attributes.aspect_ratio, x[axis], &shape[axis]));
    if (x[axis] == 0 && shape[axis] > 0) return InvalidArgument("an empty axis cannot be enlarged");
  }
  context.SetOutput(0, context.input(kX).dtype, shape);
  return Status::Ok();
}

struct Tap {
  int64_t index = 0;
  double weight = 0;
};

// Where the output elements along one axis come from: `count` taps each.
struct AxisTaps {
  bool is_identity = true;
  int64_t count = 1;
  Vector<Tap> taps;
  Vector<uint8_t> outside;  // of each output element: no taps, the extrapolation value

  const Tap* At(int64_t output) const { return taps.data() + output * count; }
};

// Keys' cubic convolution (R. Keys, 1981, doi 10.1109/TASSP.1981.1163711) with the coefficient `a`.
double CubicWeight(double distance, double a) {
  const double x = std::fabs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

double Weight(const ResizeNdAttributes& attributes, double distance) {
  if (attributes.mode == ResizeNdMode::kCubic) return CubicWeight(distance, attributes.cubic_coefficient);
  return std::max(1 - std::fabs(distance), 0.0);
}

// The taps of a mean, from `first` on. `shrink` < 1 widens the filter.
void FillMean(const ResizeNdAttributes& attributes, double place, int64_t first, double shrink, int64_t input,
              int64_t count, Tap* taps) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t index = first + k;
    taps[k].weight = Weight(attributes, (static_cast<double>(index) - place) * shrink);
    if (attributes.exclude_outside && (index < 0 || index >= input)) taps[k].weight = 0;
    taps[k].index = std::clamp<int64_t>(index, 0, input - 1);
    sum += taps[k].weight;
  }
  const bool normalize = (attributes.antialias || attributes.exclude_outside) && sum != 0;
  for (int64_t k = 0; normalize && k < count; ++k) taps[k].weight /= sum;
}

// The elements on each side of a place that a mean counts.
int64_t Reach(const ResizeNdAttributes& attributes, double shrink) {
  const double radius = attributes.mode == ResizeNdMode::kCubic ? 2 : 1;
  return attributes.antialias ? -static_cast<int64_t>(std::floor(-radius / shrink))
                              : static_cast<int64_t>(radius);
}

Status FillTaps(const ResizeNdAttributes& attributes, const float* scale, const float* region, int64_t input,
                int64_t output, AxisTaps* axis) {
  ResizeAttributes modes;
  modes.coordinate_mode = attributes.coordinate_mode;
  modes.nearest_mode = attributes.nearest_mode;
  ResizeAxis places(modes, scale, 0, input, output, region);
  places.KeepFraction();
  const bool is_nearest = attributes.mode == ResizeNdMode::kNearest;
  const double shrink = attributes.antialias ? std::min<double>(places.scale(), 1) : 1;
  const int64_t reach = is_nearest ? 0 : Reach(attributes, shrink);
  axis->is_identity = false;
  axis->count = is_nearest ? 1 : 2 * reach;
  int64_t all = 0;
  if (!CheckedMultiply(axis->count, output, &all)) return ResourceExhausted("too many taps");
  MACE_RETURN_IF_ERROR(axis->taps.Resize(static_cast<size_t>(all)));
  MACE_RETURN_IF_ERROR(axis->outside.Resize(static_cast<size_t>(output)));
  for (int64_t i = 0; i < output; ++i) {
    Tap* taps = axis->taps.data() + i * axis->count;
    const float place = places.Place(i);
    if (attributes.coordinate_mode == CoordinateMode::kTfCropAndResize &&
        !(place >= 0 && place <= static_cast<float>(input - 1))) {
      axis->outside[static_cast<size_t>(i)] = 1;
    } else if (is_nearest) {
      taps[0] = {places.Nearest(i), 1};
    } else {
      // Far outside everything is the edge: clamped, so that the indices stay small.
      const double clamped =
          std::clamp<double>(place, static_cast<double>(-reach - 1), static_cast<double>(input + reach));
      const auto base = static_cast<int64_t>(std::floor(clamped));
      FillMean(attributes, clamped, base - reach + 1, shrink, input, axis->count, taps);
    }
  }
  return Status::Ok();
}

// The weighted mean around output position `at`, from axis `axis` on; `offset`: what the axes in front chose.
template <typename T>
double Mean(const AxisTaps* axes, const Shape& x, const T* elements, int axis, int64_t offset,
            const int64_t* at) {
  if (axis == x.rank) return static_cast<double>(elements[offset]);
  const AxisTaps& taps = axes[axis];
  offset *= x[axis];
  if (taps.is_identity) return Mean(axes, x, elements, axis + 1, offset + at[axis], at);
  double sum = 0;
  for (int64_t k = 0; k < taps.count; ++k) {
    const Tap& tap = taps.At(at[axis])[k];
    // What has no weight does not count, even where it is infinite or NaN.
    if (tap.weight != 0) sum += tap.weight * Mean(axes, x, elements, axis + 1, offset + tap.index, at);
  }
  return sum;
}

template <typename T>
T FromDouble(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    return SaturatingCast<T>(value);
  }
}

template <typename T>
void Fill(const ReferenceContext& context, const AxisTaps* axes) {
  const auto& attributes = context.attributes<ResizeNdAttributes>();
  const Shape& x = context.inputs[kX].shape;
  const Shape& output = context.outputs[0].shape;
  const T* elements = context.inputs[kX].template as<T>();
  T* y = context.outputs[0].template as<T>();
  int64_t at[kMaxRank] = {};
  do {
    bool outside = false;
    for (int i = 0; i < x.rank; ++i) {
      outside = outside || (!axes[i].is_identity && axes[i].outside[static_cast<size_t>(at[i])] != 0);
    }
    if (outside) {
      *y++ = FromDouble<T>(attributes.extrapolation_value);
    } else if (attributes.mode == ResizeNdMode::kNearest) {
      int64_t offset = 0;
      for (int i = 0; i < x.rank; ++i) {
        offset = offset * x[i] + (axes[i].is_identity ? at[i] : axes[i].At(at[i])->index);
      }
      *y++ = elements[offset];
    } else {
      *y++ = FromDouble<T>(Mean(axes, x, elements, 0, 0, at));
    }
  } while (NextPosition(x.rank, output.dims, at));
}

Status ReferenceResizeNd(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<ResizeNdAttributes>();
  const Shape& x = context.inputs[kX].shape;
  IntList axes;
  MACE_RETURN_IF_ERROR(ReadAxes(attributes, x.rank, &axes));
  const bool crops = attributes.coordinate_mode == CoordinateMode::kTfCropAndResize;
  const bool keeps = attributes.aspect_ratio != AspectRatio::kStretch && context.has_input(kSizes);
  const auto shared = static_cast<float>(
      keeps ? SharedScale(attributes.aspect_ratio, axes, x, context.inputs[kSizes].as<int64_t>()) : 0);
  AxisTaps taps[kMaxRank];
  for (int i = 0; i < axes.size(); ++i) {
    const int axis = static_cast<int>(axes[i]);
    const float* scale = context.has_input(kScales) ? context.inputs[kScales].as<float>() + i
                         : keeps                    ? &shared
                                                    : nullptr;
    float region[2] = {0, 1};
    if (crops) {
      const float* regions = context.inputs[kRegion].as<float>();
      region[0] = regions[i];
      region[1] = regions[axes.size() + i];
    }
    const int64_t output = context.outputs[0].shape[axis];
    const bool same =
        output == x[axis] && (scale == nullptr || *scale == 1) && region[0] == 0 && region[1] == 1;
    if (!same) MACE_RETURN_IF_ERROR(FillTaps(attributes, scale, region, x[axis], output, &taps[axis]));
  }
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[kX].dtype, [&](auto zero) {
    Fill<decltype(zero)>(context, taps);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kResizeNdDefinition = {
    .name = "ResizeNd",
    .min_inputs = 1,
    .max_inputs = 4,
    .content_inputs = ContentInputs({kScales, kSizes}),
    .attributes = AttributeInfoOf<ResizeNdAttributes>(),
    .infer = InferResizeNd,
    .reference = ReferenceResizeNd,
};

}  // namespace mace::ops
