#include "mace/ops/vision/grid_sample.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "mace/ops/quantize/saturating_cast.h"

namespace mace::ops {

namespace {

constexpr int kMaxSampledAxes = 3;

Status InferGridSample(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0,
                                   {DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI16,
                                    DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kF32, DType::kF64}));
  const Shape& x = context.input(0).shape;
  const Shape& grid = context.input(1).shape;
  const int axes = x.rank - 2;
  if (axes < 1 || axes > kMaxSampledAxes) {
    return Unsupported("x has the shape %s, expected [N, 1 to %d spatial axes, C]", ShapeText(x).text,
                       kMaxSampledAxes);
  }
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, x.rank));
  Shape shape = grid;
  if (!MergeDim(x[0], grid[0], &shape[0]) || (grid[axes + 1] >= 0 && grid[axes + 1] != axes)) {
    return InvalidArgument("x %s and a grid of %s", ShapeText(x).text, ShapeText(grid).text);
  }
  shape[axes + 1] = x[axes + 1];
  for (int i = 1; i <= axes; ++i) {
    if (x[i] > INT32_MAX) return InvalidArgument("%s is too large", ShapeText(x).text);
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// One axis of the input.
struct SampledAxis {
  int64_t size = 0;
  double low = 0, high = 0;  // the outermost places that are inside
};

// Mirrors `place` at both ends until it is inside.
double Reflect(double place, const SampledAxis& axis) {
  const double range = axis.high - axis.low;
  if (range <= 0) return axis.low;
  const double distance = place < axis.low ? axis.low - place : place - axis.low;
  const double rest = std::fmod(distance, 2 * range);
  return axis.low + (rest <= range ? rest : 2 * range - rest);
}

// The elements of one axis around a place; index -1: outside, counts as 0.
struct SampleTaps {
  int count = 0;
  int64_t index[4] = {};
  double weight[4] = {};

  void Push(int64_t element, double factor) {
    index[count] = element;
    weight[count++] = factor;
  }
};

int64_t Padded(int64_t element, const SampledAxis& axis, SamplePadding padding) {
  if (element >= 0 && element < axis.size) return element;
  if (padding == SamplePadding::kZeros) return -1;
  if (padding == SamplePadding::kBorder) return std::clamp<int64_t>(element, 0, axis.size - 1);
  const auto mirrored = static_cast<int64_t>(Reflect(static_cast<double>(element), axis));
  return std::clamp<int64_t>(mirrored, 0, axis.size - 1);
}

// Keys' cubic convolution with the coefficient -0.75.
void CubicWeights(double x, double* weights) {
  constexpr double kA = -0.75;
  const auto outer = [](double d) { return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA; };
  const auto inner = [](double d) { return ((kA + 2) * d - (kA + 3)) * d * d + 1; };
  weights[0] = outer(x + 1);
  weights[1] = inner(x);
  weights[2] = inner(1 - x);
  weights[3] = outer(2 - x);
}

SampleTaps TapsAt(const GridSampleAttributes& attributes, const SampledAxis& axis, double place) {
  SampleTaps taps;
  if (attributes.mode == SampleMode::kNearest) place = std::nearbyint(place);  // to even, as PyTorch
  if (!(std::fabs(place) <= static_cast<double>(1 << 30))) {
    if (attributes.padding == SamplePadding::kZeros) return taps;
    place = 0;
  }
  if (place < axis.low || place > axis.high) {
    // A cubic mean reaches beyond its two neighbours: of a place behind the border it is not the border's
    // value, as PyTorch and onnxruntime compute it (onnx.reference moves the place to the border first).
    if (attributes.padding == SamplePadding::kBorder && attributes.mode != SampleMode::kCubic) {
      place = std::clamp<double>(place, 0, static_cast<double>(axis.size - 1));
    } else if (attributes.padding == SamplePadding::kReflection) {
      place = Reflect(place, axis);
    }
  }
  const double base = std::floor(place);
  const auto first = static_cast<int64_t>(base);
  if (attributes.mode == SampleMode::kNearest) {
    taps.Push(Padded(static_cast<int64_t>(place), axis, attributes.padding), 1);
  } else if (attributes.mode == SampleMode::kLinear) {
    taps.Push(Padded(first, axis, attributes.padding), 1 - (place - base));
    taps.Push(Padded(first + 1, axis, attributes.padding), place - base);
  } else {
    double weights[4];
    CubicWeights(place - base, weights);
    for (int k = 0; k < 4; ++k) taps.Push(Padded(first - 1 + k, axis, attributes.padding), weights[k]);
  }
  return taps;
}

template <typename G>
double PlaceOf(G coordinate, int64_t size, bool align_corners) {
  // In the grid's own precision, as runtimes compute it: that decides what becomes of halves.
  const auto length = static_cast<G>(size);
  return align_corners ? (coordinate + 1) / 2 * (length - 1) : ((coordinate + 1) * length - 1) / 2;
}

template <typename T>
T SampleFromDouble(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    return SaturatingCast<T>(value);
  }
}

// The pixels that all axes' taps name together, and their weights.
struct SampledPixels {
  int count = 0;
  int64_t index[64];  // 4 taps of each of 3 axes
  double weight[64];
};

void JoinTaps(const SampledAxis* axes, const SampleTaps* taps, int rank, SampledPixels* pixels) {
  pixels->count = 0;
  int64_t counts[kMaxSampledAxes], at[kMaxSampledAxes] = {};
  for (int i = 0; i < rank; ++i) {
    counts[i] = taps[i].count;
    if (taps[i].count == 0) return;
  }
  do {
    int64_t pixel = 0;
    double weight = 1;
    for (int i = 0; i < rank && weight != 0; ++i) {
      const int64_t index = taps[i].index[at[i]];
      weight = index < 0 ? 0 : weight * taps[i].weight[at[i]];
      pixel = pixel * axes[i].size + index;
    }
    if (weight == 0) continue;
    pixels->index[pixels->count] = pixel;
    pixels->weight[pixels->count++] = weight;
  } while (NextPosition(rank, counts, at));
}

// Their mean in all channels.
template <typename T>
void Mix(const T* image, const SampledPixels& pixels, int64_t channels, T* y) {
  constexpr int64_t kBlock = 64;
  for (int64_t begin = 0; begin < channels; begin += kBlock) {
    const int64_t count = std::min(kBlock, channels - begin);
    double sums[kBlock];
    std::fill_n(sums, count, 0.0);
    for (int i = 0; i < pixels.count; ++i) {
      const T* pixel = image + pixels.index[i] * channels + begin;
      const double weight = pixels.weight[i];
      for (int64_t c = 0; c < count; ++c) sums[c] += weight * static_cast<double>(pixel[c]);
    }
    for (int64_t c = 0; c < count; ++c) y[begin + c] = SampleFromDouble<T>(sums[c]);
  }
}

template <typename T, typename G>
void Sample(const ReferenceContext& context) {
  const auto& attributes = context.attributes<GridSampleAttributes>();
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  const int rank = x.rank - 2;
  const int64_t channels = x[rank + 1], places = output.Product(1, rank + 1);
  SampledAxis axes[kMaxSampledAxes];
  for (int i = 0; i < rank; ++i) {
    axes[i].size = x[1 + i];
    axes[i].low = attributes.align_corners ? 0 : -0.5;
    axes[i].high = static_cast<double>(x[1 + i]) - (attributes.align_corners ? 1 : 0.5);
  }
  const G* grid = context.inputs[1].template as<G>();
  T* y = context.outputs[0].template as<T>();
  const bool is_nearest = attributes.mode == SampleMode::kNearest;
  SampledPixels pixels;
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const T* image = context.inputs[0].template as<T>() + batch * x.Product(1, x.rank);
    for (int64_t place = 0; place < places; ++place, grid += rank) {
      SampleTaps taps[kMaxSampledAxes];
      for (int i = 0; i < rank; ++i) {
        if (axes[i].size == 0) continue;
        const double at = PlaceOf(grid[rank - 1 - i], axes[i].size, attributes.align_corners);
        taps[i] = TapsAt(attributes, axes[i], at);
      }
      JoinTaps(axes, taps, rank, &pixels);
      if (is_nearest && pixels.count > 0) {
        std::copy_n(image + pixels.index[0] * channels, channels, y);
      } else {
        Mix(image, pixels, channels, y);
      }
      y += channels;
    }
  }
}

Status ReferenceGridSample(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    context.inputs[1].dtype == DType::kF32 ? Sample<T, float>(context) : Sample<T, double>(context);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kGridSampleDefinition = {
    .name = "GridSample",
    .min_inputs = 2,
    .max_inputs = 2,
    .attributes = AttributeInfoOf<GridSampleAttributes>(),
    .infer = InferGridSample,
    .reference = ReferenceGridSample,
};

}  // namespace mace::ops
