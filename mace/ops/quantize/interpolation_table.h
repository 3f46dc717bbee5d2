// A function of 16-bit values, interpolated between 513 points, as TensorFlow Lite computes several
// operators.
#ifndef MACE_OPS_QUANTIZE_INTERPOLATION_TABLE_H_
#define MACE_OPS_QUANTIZE_INTERPOLATION_TABLE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mace::ops {

// Float: the precision in which the points are computed; it decides some of their last bits.
template <typename Float>
class InterpolationTable {
 public:
  // `function` of reals; stored = real / scale + zero point on both sides, but the output's zero point is not
  // added to the points (where it is not 0 the original has not either). Between two points the error in the
  // middle is halved by moving the first one.
  template <typename Function>
  InterpolationTable(Float input_scale, int32_t input_zero_point, Float output_scale,
                     int32_t output_zero_point, const Function& function) {
    const Float input_low = input_scale * static_cast<Float>(kLow - input_zero_point);
    const Float input_high = input_scale * static_cast<Float>(kHigh - input_zero_point);
    const Float output_low = output_scale * static_cast<Float>(kLow - output_zero_point);
    const Float output_high = output_scale * static_cast<Float>(kHigh - output_zero_point);
    const Float step = (input_high - input_low) / kSteps;
    const Float half_step = step / 2;
    const Float unit = static_cast<Float>(kHigh - kLow + 1) / (output_high - output_low);
    for (int i = 0; i < kSteps; ++i) {
      const Float here = std::round(function(input_low + static_cast<Float>(i) * step) * unit);
      const Float next = function(input_low + static_cast<Float>(i + 1) * step) * unit;
      const Float middle = std::round(function(input_low + static_cast<Float>(i) * step + half_step) * unit);
      const Float error = std::round((next + here) / 2) - middle;
      points_[i] = Saturate(here - std::round(error / 2));
    }
    points_[kSteps] = Saturate(std::round(function(input_high) * unit));
  }

  // A step between two points of more than 16 bits wraps.
  int16_t operator()(int32_t x) const {
    const int index = kSteps / 2 + (x >> 7);
    const auto slope = static_cast<int16_t>(points_[index + 1] - points_[index]);
    return static_cast<int16_t>(points_[index] + ((slope * (x & 127) + 64) >> 7));
  }

 private:
  static constexpr int kSteps = 512;
  static constexpr int32_t kLow = -32768;
  static constexpr int32_t kHigh = 32767;

  static int16_t Saturate(Float value) {
    if (std::isnan(value)) return 0;
    return static_cast<int16_t>(std::clamp(value, static_cast<Float>(kLow), static_cast<Float>(kHigh)));
  }

  int16_t points_[kSteps + 1];
};

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_INTERPOLATION_TABLE_H_
