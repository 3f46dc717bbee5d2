#include "mace/ops/unary/unary_math.h"

#include <cmath>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

template <typename T>
std::vector<T> Math(UnaryMathKind kind, const std::vector<T>& x) {
  OpTester tester(OpId::kUnaryMath);
  tester.attributes<UnaryMathAttributes>().kind = kind;
  EXPECT_OK(tester.Input<T>({static_cast<int64_t>(x.size())}, x).Run());
  return tester.Output<T>();
}

// By identities, each in another way than by the function itself.
TEST(UnaryMath, EachFunctionIsTheOneOfItsName) {
  const double x = 0.7;
  const auto at = [](UnaryMathKind kind, double value) { return Math<double>(kind, {value})[0]; };
  EXPECT_NEAR(at(UnaryMathKind::kTan, x), std::sin(x) / std::cos(x), 1e-15);
  EXPECT_NEAR(std::sin(at(UnaryMathKind::kAsin, x)), x, 1e-15);
  EXPECT_NEAR(std::cos(at(UnaryMathKind::kAcos, x)), x, 1e-15);
  EXPECT_NEAR(at(UnaryMathKind::kAtan, 1), std::acos(-1.0) / 4, 1e-15);
  EXPECT_NEAR(at(UnaryMathKind::kSinh, x), (std::exp(x) - std::exp(-x)) / 2, 1e-15);
  EXPECT_NEAR(at(UnaryMathKind::kCosh, x), (std::exp(x) + std::exp(-x)) / 2, 1e-15);
  EXPECT_NEAR(at(UnaryMathKind::kAsinh, x), std::log(x + std::sqrt(x * x + 1)), 1e-15);
  EXPECT_NEAR(at(UnaryMathKind::kAcosh, 1 / x), std::log(1 / x + std::sqrt(1 / (x * x) - 1)), 1e-15);
  EXPECT_NEAR(at(UnaryMathKind::kAtanh, x), std::log((1 + x) / (1 - x)) / 2, 1e-15);
}

TEST(UnaryMath, OutsideOfTheDomainIsNaN) {
  for (const auto kind : {UnaryMathKind::kAsin, UnaryMathKind::kAcos, UnaryMathKind::kAtanh}) {
    EXPECT_TRUE(std::isnan(Math<float>(kind, {1.5f})[0]));
  }
  EXPECT_TRUE(std::isnan(Math<float>(UnaryMathKind::kAcosh, {0.5f})[0]));
  EXPECT_TRUE(std::isinf(Math<float>(UnaryMathKind::kAtanh, {1.0f})[0]));
  EXPECT_TRUE(Math<float>(UnaryMathKind::kTan, {}).empty());
  EXPECT_ERROR(OpTester(OpId::kUnaryMath).Input<int32_t>({1}, {1}).Run(), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
