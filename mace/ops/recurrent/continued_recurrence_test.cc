#include "mace/ops/recurrent/continued_recurrence.h"

#include <cmath>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(ContinuedRecurrence, ANewSequenceForgets) {
  OpTester tester(OpId::kContinuedRecurrence, 2);
  tester.Input<double>({3, 1, 1}, {0.5, -0.25, 1}).Input<double>({3, 1}, {1, 0, 1});
  tester.Input<double>({1, 1}, {2}).Input<double>({1, 1}, {0.75});
  ASSERT_TRUE(tester.Run().ok());
  const double first = std::tanh(0.5 + 2 * 0.75), second = std::tanh(-0.25);
  const double third = std::tanh(1 + 2 * second);
  const auto y = tester.Output<double>(0), last = tester.Output<double>(1);
  EXPECT_NEAR(y[0], first, 1e-15);
  EXPECT_NEAR(y[1], second, 1e-15);
  EXPECT_NEAR(y[2], third, 1e-15);
  EXPECT_EQ(last[0], y[2]);
}

TEST(ContinuedRecurrence, LstmByItsFormula) {
  OpTester tester(OpId::kContinuedRecurrence, 3);
  tester.attributes<ContinuedRecurrenceAttributes>().kind = ContinuedRecurrenceKind::kLstm;
  tester.Input<float>({1, 1, 4}, {0.1f, 0.2f, 0.3f, 0.4f}).Input<float>({1, 1}, {0.5f});
  tester.Input<float>({4, 1}, {1, 2, 3, 4}).Input<float>({1, 1}, {0.5f}).Input<float>({1, 1}, {-2});
  ASSERT_TRUE(tester.Run().ok());
  const double h = 0.25;  // 0.5 of 0.5
  const double c = 0.5 * Sigmoid(0.2 + 2 * h) * -2 + Sigmoid(0.1 + h) * std::tanh(0.4 + 4 * h);
  EXPECT_NEAR(tester.Output<float>(2)[0], c, 1e-6);
  EXPECT_NEAR(tester.Output<float>(0)[0], Sigmoid(0.3 + 3 * h) * std::tanh(c), 1e-6);
}

TEST(ContinuedRecurrence, WhatANewSequenceFindsIsNotRead) {
  OpTester tester(OpId::kContinuedRecurrence, 3);
  tester.attributes<ContinuedRecurrenceAttributes>().kind = ContinuedRecurrenceKind::kLstm;
  tester.Input<float>({1, 1, 4}, {0, 0, 0, 0}).Input<float>({1, 1}, {0});
  tester.Input<float>({4, 1}, {1, 1, 1, 1}).Input<float>({1, 1}, {INFINITY}).Input<float>({1, 1}, {NAN});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_EQ(tester.Output<float>(0)[0], 0);
}

TEST(ContinuedRecurrence, RefusesWhatDoesNotFit) {
  OpTester rows(OpId::kContinuedRecurrence, 2);
  rows.Input<float>({1, 1, 2}, {0, 0}).Input<float>({1, 1}, {0});
  rows.Input<float>({1, 1}, {1}).Input<float>({1, 1}, {0});
  EXPECT_FALSE(rows.Run().ok());
  OpTester cell(OpId::kContinuedRecurrence, 2);  // no LSTM: no cell
  cell.Input<float>({1, 1, 1}, {0}).Input<float>({1, 1}, {0});
  cell.Input<float>({1, 1}, {1}).Input<float>({1, 1}, {0}).Input<float>({1, 1}, {0});
  EXPECT_FALSE(cell.Run().ok());
}

}  // namespace
}  // namespace mace::ops
