// Statistics of a list of times.
#ifndef TOOLS_MACE_RUN_STATISTICS_H_
#define TOOLS_MACE_RUN_STATISTICS_H_

#include <vector>

namespace mace_run {

// `values` must not be empty. Between two values the percentile is on the straight line, as NumPy's default
// method has it; 0 is the least, 100 the greatest, 50 the median.
double Percentile(std::vector<double> values, double percent);

struct Statistics {
  double first = 0;
  double current = 0;  // the last
  double min = 0;
  double max = 0;
  double average = 0;
  double deviation = 0;  // of the population
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
};
// Zeros where there are no values.
Statistics StatisticsOf(const std::vector<double>& values);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_STATISTICS_H_
