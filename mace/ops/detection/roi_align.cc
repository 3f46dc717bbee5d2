#include "mace/ops/detection/roi_align.h"

#include <algorithm>
#include <cmath>

namespace mace::ops {

Status InferRoi(InferContext& context, int64_t columns, int64_t height, int64_t width) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, 1, 0));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 2));
  const Shape& x = context.input(0).shape;
  const Shape& boxes = context.input(1).shape;
  if (boxes[1] >= 0 && boxes[1] != columns) {
    return InvalidArgument("boxes %s, expected [R, %lld]", ShapeText(boxes).text,
                           static_cast<long long>(columns));
  }
  if (height < 1 || height > INT32_MAX || width < 1 || width > INT32_MAX) {
    return InvalidArgument("an output of %lld x %lld", static_cast<long long>(height),
                           static_cast<long long>(width));
  }
  if (x[1] > INT32_MAX || x[2] > INT32_MAX) return InvalidArgument("%s is too large", ShapeText(x).text);
  context.SetOutput(0, context.input(0).dtype, {boxes[0], height, width, x[3]});
  return Status::Ok();
}

namespace {

constexpr int64_t kMaxSamplingRatio = 1024;

Status InferRoiAlign(InferContext& context) {
  const auto& attributes = context.attributes<RoiAlignAttributes>();
  MACE_RETURN_IF_ERROR(InferRoi(context, 4, attributes.output_height, attributes.output_width));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 2, {DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 2, 1));
  const Shape& boxes = context.input(1).shape;
  Shape shape = context.output(0).shape;
  if (!MergeDim(boxes[0], context.input(2).shape[0], &shape[0])) {
    return InvalidArgument("%s boxes with batch indices %s", ShapeText(boxes).text,
                           ShapeText(context.input(2).shape).text);
  }
  if (attributes.sampling_ratio < 0 || attributes.sampling_ratio > kMaxSamplingRatio) {
    return InvalidArgument("sampling_ratio is %lld", static_cast<long long>(attributes.sampling_ratio));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// The samples of one bin along one axis. Geometry in T, as runtimes compute it.
template <typename T>
struct Samples {
  T start = 0, bin = 0;
  int64_t count = 0;  // may be huge: those inside are few
  int64_t size = 0;   // of x

  T Place(int64_t output, int64_t i) const {
    return start + static_cast<T>(output) * bin + (static_cast<T>(i) + T{0.5}) * bin / static_cast<T>(count);
  }
  // The samples that are not more than a pixel outside: places grow (or shrink) with i.
  void Inside(int64_t output, int64_t* begin, int64_t* end) const {
    *begin = *end = 0;
    const double step = static_cast<double>(bin) / static_cast<double>(count);
    const double first = static_cast<double>(start) + static_cast<double>(output) * static_cast<double>(bin);
    if (!(step > 0) || !std::isfinite(first)) {
      *end = std::min<int64_t>(count, kMaxSamplingRatio);
      return;
    }
    const auto clamp = [&](double i) {
      return static_cast<int64_t>(std::clamp(i, 0.0, static_cast<double>(count)));
    };
    *begin = clamp(std::floor((-1 - first) / step) - 1);
    *end = clamp(std::ceil((static_cast<double>(size) - first) / step) + 1);
  }
};

template <typename T>
Samples<T> MakeSamples(const RoiAlignAttributes& attributes, T low, T high, int64_t bins, int64_t size) {
  const T offset = attributes.half_pixel ? T{0.5} : T{0};
  const auto scale = static_cast<T>(attributes.spatial_scale);
  Samples<T> samples;
  samples.start = low * scale - offset;
  T length = high * scale - offset - samples.start;
  if (!attributes.half_pixel) length = std::max(length, T{1});
  samples.bin = length / static_cast<T>(bins);
  samples.size = size;
  const double pixels = std::ceil(samples.bin);
  samples.count = attributes.sampling_ratio > 0 ? attributes.sampling_ratio
                  : pixels >= 1                 ? static_cast<int64_t>(std::min(pixels, 1e15))
                                                : 0;
  return samples;
}

// The two neighbours of a place along one axis; false: more than a pixel outside.
template <typename T>
bool Neighbours(T place, int64_t size, int64_t* low, int64_t* high, double* weight) {
  if (!(place >= -1 && place <= static_cast<T>(size)) || size == 0) return false;
  place = std::max(place, T{0});
  *low = std::min(static_cast<int64_t>(place), size - 1);
  *high = std::min(*low + 1, size - 1);
  *weight = *low >= size - 1 ? 0 : static_cast<double>(place - static_cast<T>(*low));
  return true;
}

// One bin in one channel of an image.
template <typename T>
double Bin(const RoiAlignAttributes& attributes, const T* image, int64_t channels, const Samples<T>& rows,
           const Samples<T>& columns, int64_t row, int64_t column) {
  int64_t row_begin, row_end, column_begin, column_end;
  rows.Inside(row, &row_begin, &row_end);
  columns.Inside(column, &column_begin, &column_end);
  const double count = static_cast<double>(rows.count) * static_cast<double>(columns.count);
  double sum = 0, best = 0, visited = 0;
  for (int64_t i = row_begin; i < row_end; ++i) {
    for (int64_t k = column_begin; k < column_end; ++k) {
      int64_t top, bottom, left, right;
      double down, across;
      if (!Neighbours(rows.Place(row, i), rows.size, &top, &bottom, &down) ||
          !Neighbours(columns.Place(column, k), columns.size, &left, &right, &across)) {
        continue;
      }
      const auto at = [&](int64_t y, int64_t x) {
        return static_cast<double>(image[(y * columns.size + x) * channels]);
      };
      const double a = (1 - down) * (1 - across) * at(top, left), b = (1 - down) * across * at(top, right);
      const double c = down * (1 - across) * at(bottom, left), d = down * across * at(bottom, right);
      sum += a + b + c + d;
      const double value = std::max(std::max(a, b), std::max(c, d));
      best = visited == 0 ? value : std::max(best, value);
      ++visited;
    }
  }
  if (!attributes.maximum) return sum / std::max(count, 1.0);
  return visited < count ? std::max(best, 0.0) : best;  // samples outside are 0
}

template <typename T>
Status Align(const ReferenceContext& context) {
  const auto& attributes = context.attributes<RoiAlignAttributes>();
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  T* y = context.outputs[0].template as<T>();
  for (int64_t r = 0; r < output[0]; ++r) {
    const int64_t batch = context.inputs[2].as<int64_t>()[r];
    if (batch < 0 || batch >= x[0]) {
      return InvalidArgument("batch index %lld of %lld", static_cast<long long>(batch),
                             static_cast<long long>(x[0]));
    }
    const T* box = context.inputs[1].template as<T>() + r * 4;
    const T* image = context.inputs[0].template as<T>() + batch * x.Product(1, 4);
    const Samples<T> columns = MakeSamples(attributes, box[0], box[2], output[2], x[2]);
    const Samples<T> rows = MakeSamples(attributes, box[1], box[3], output[1], x[1]);
    for (int64_t row = 0; row < output[1]; ++row) {
      for (int64_t column = 0; column < output[2]; ++column) {
        for (int64_t c = 0; c < output[3]; ++c) {
          *y++ = static_cast<T>(Bin(attributes, image + c, x[3], rows, columns, row, column));
        }
      }
    }
  }
  return Status::Ok();
}

Status ReferenceRoiAlign(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return Align<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kRoiAlignDefinition = {
    .name = "RoiAlign",
    .min_inputs = 3,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<RoiAlignAttributes>(),
    .infer = InferRoiAlign,
    .reference = ReferenceRoiAlign,
};

}  // namespace mace::ops
