#include <algorithm>
#include <cmath>

#include "mace/ops/detection/roi_align.h"

namespace mace::ops {

namespace {

Status InferMaxRoiPool(InferContext& context) {
  const auto& attributes = context.attributes<MaxRoiPoolAttributes>();
  return InferRoi(context, 5, attributes.output_height, attributes.output_width);
}

// The pixels [begin, end) of bin `index` of `bins` along an axis of `size` pixels.
void BinRange(double low, double high, int64_t index, int64_t bins, int64_t size, int64_t* begin,
              int64_t* end) {
  const double length = std::max(high - low + 1, 1.0) / static_cast<double>(bins);
  const auto clip = [&](double place) {
    const double inside = std::clamp(place, 0.0, static_cast<double>(size));
    return std::isnan(place) ? int64_t{0} : static_cast<int64_t>(inside);
  };
  *begin = clip(std::floor(static_cast<double>(index) * length) + low);
  *end = clip(std::ceil(static_cast<double>(index + 1) * length) + low);
}

template <typename T>
Status Pool(const ReferenceContext& context) {
  const auto& attributes = context.attributes<MaxRoiPoolAttributes>();
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  T* y = context.outputs[0].template as<T>();
  for (int64_t r = 0; r < output[0]; ++r) {
    const T* box = context.inputs[1].template as<T>() + r * 5;
    if (!(box[0] >= 0 && box[0] < static_cast<T>(x[0]))) {
      return InvalidArgument("batch index %g of %lld", static_cast<double>(box[0]),
                             static_cast<long long>(x[0]));
    }
    const T* image = context.inputs[0].template as<T>() + static_cast<int64_t>(box[0]) * x.Product(1, 4);
    double corner[4];
    for (int i = 0; i < 4; ++i) {
      corner[i] = static_cast<double>(std::round(box[1 + i] * static_cast<T>(attributes.spatial_scale)));
    }
    for (int64_t row = 0; row < output[1]; ++row) {
      int64_t top, bottom;
      BinRange(corner[1], corner[3], row, output[1], x[1], &top, &bottom);
      for (int64_t column = 0; column < output[2]; ++column) {
        int64_t left, right;
        BinRange(corner[0], corner[2], column, output[2], x[2], &left, &right);
        for (int64_t c = 0; c < output[3]; ++c) {
          const bool is_empty = bottom <= top || right <= left;
          T best = is_empty ? T{0} : image[(top * x[2] + left) * x[3] + c];
          for (int64_t i = top; i < bottom; ++i) {
            for (int64_t k = left; k < right; ++k) {
              const T value = image[(i * x[2] + k) * x[3] + c];
              if (value > best || std::isnan(value)) best = value;
            }
          }
          *y++ = best;
        }
      }
    }
  }
  return Status::Ok();
}

Status ReferenceMaxRoiPool(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return Pool<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kMaxRoiPoolDefinition = {
    .name = "MaxRoiPool",
    .min_inputs = 2,
    .max_inputs = 2,
    .attributes = AttributeInfoOf<MaxRoiPoolAttributes>(),
    .infer = InferMaxRoiPool,
    .reference = ReferenceMaxRoiPool,
};

}  // namespace mace::ops
