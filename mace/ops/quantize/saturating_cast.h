// From double to integers, defined for every double.
#ifndef MACE_OPS_QUANTIZE_SATURATING_CAST_H_
#define MACE_OPS_QUANTIZE_SATURATING_CAST_H_

#include <cmath>
#include <limits>

namespace mace::ops {

// Toward zero, saturating; NaN gives 0.
template <typename To>
To SaturatingCast(double x) {
  if (std::isnan(x)) return 0;
  // The highest value may not be a double, but the power of two behind it is.
  const double behind = std::ldexp(1.0, std::numeric_limits<To>::digits);
  if (x >= behind) return std::numeric_limits<To>::max();
  if (x <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  return static_cast<To>(x);
}

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_SATURATING_CAST_H_
