#include "statistics.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mace_run {
namespace {

// The numbers are numpy.percentile's of the same lists.
TEST(Statistics, PercentilesAreNumpys) {
  const std::vector<double> values = {7.5, 1.25, 3.0, 9.0, 4.0};
  EXPECT_DOUBLE_EQ(Percentile(values, 0), 1.25);
  EXPECT_DOUBLE_EQ(Percentile(values, 50), 4.0);
  EXPECT_DOUBLE_EQ(Percentile(values, 90), 8.4);
  EXPECT_DOUBLE_EQ(Percentile(values, 99), 8.94);
  EXPECT_DOUBLE_EQ(Percentile(values, 100), 9.0);
  EXPECT_DOUBLE_EQ(Percentile({2.0, 4.0}, 50), 3.0);
  EXPECT_DOUBLE_EQ(Percentile({2.0}, 99), 2.0);
  std::vector<double> hundred(100);
  for (size_t i = 0; i < hundred.size(); ++i) hundred[i] = static_cast<double>(i * 37 % 100 + 1);  // 1 .. 100
  EXPECT_DOUBLE_EQ(Percentile(hundred, 50), 50.5);
  EXPECT_DOUBLE_EQ(Percentile(hundred, 90), 90.1);
  EXPECT_DOUBLE_EQ(Percentile(hundred, 99), 99.01);
}

TEST(Statistics, Summary) {
  const Statistics s = StatisticsOf({4, 2, 9, 1});
  EXPECT_DOUBLE_EQ(s.first, 4);
  EXPECT_DOUBLE_EQ(s.current, 1);
  EXPECT_DOUBLE_EQ(s.min, 1);
  EXPECT_DOUBLE_EQ(s.max, 9);
  EXPECT_DOUBLE_EQ(s.average, 4);
  EXPECT_DOUBLE_EQ(s.deviation, 3.082207001484488);  // numpy.std
  EXPECT_DOUBLE_EQ(s.p50, 3);
  EXPECT_DOUBLE_EQ(s.p90, 7.5);
  EXPECT_DOUBLE_EQ(StatisticsOf({}).average, 0);
}

}  // namespace
}  // namespace mace_run
