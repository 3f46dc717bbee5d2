#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace mace_run {

double Percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double at = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  if (below + 1 >= values.size()) return values.back();
  return values[below] + (values[below + 1] - values[below]) * (at - static_cast<double>(below));
}

Statistics StatisticsOf(const std::vector<double>& values) {
  Statistics result;
  if (values.empty()) return result;
  const auto count = static_cast<double>(values.size());
  for (double value : values) result.average += value / count;
  for (double value : values) result.deviation += std::pow(value - result.average, 2) / count;
  result.deviation = std::sqrt(result.deviation);
  result.first = values.front();
  result.current = values.back();
  result.min = *std::min_element(values.begin(), values.end());
  result.max = *std::max_element(values.begin(), values.end());
  result.p50 = Percentile(values, 50);
  result.p90 = Percentile(values, 90);
  result.p99 = Percentile(values, 99);
  return result;
}

}  // namespace mace_run
