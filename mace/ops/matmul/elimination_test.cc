// Det and Inverse against formulas and against each other.
#include "mace/ops/matmul/elimination.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

std::vector<float> Det(const Shape& shape, const std::vector<float>& x) {
  OpTester tester(OpId::kDet);
  EXPECT_OK(tester.Input(shape, x).Run());
  return tester.Output<float>();
}

TEST(Det, Formulas) {
  ExpectNear(Det({2, 2}, {1, 2, 3, 4}), {-2});
  ExpectNear(Det({2, 2, 2}, {0, 1, 1, 0, 2, 0, 0, 3}), {-1, 6});
  ExpectNear(Det({3, 3}, {2, -3, 1, 2, 0, -1, 1, 4, 5}), {49});  // by the rule of Sarrus
  ExpectNear(Det({2, 2}, {1, 2, 2, 4}), {0});
  ExpectNear(Det({0, 0}, {}), {1});
  EXPECT_TRUE(Det({0, 2, 2}, {}).empty());
  EXPECT_TRUE(std::isnan(Det({2, 2}, {1, std::nanf(""), 3, 4})[0]));
}

TEST(Inverse, TimesTheMatrixIsTheIdentity) {
  constexpr int64_t kSize = 7;
  const std::vector<float> x = TestValues(2 * kSize * kSize);
  OpTester tester(OpId::kInverse);
  ASSERT_OK(tester.Input({2, kSize, kSize}, x).Run());
  const std::vector<float> y = tester.Output<float>();
  for (int64_t m = 0; m < 2; ++m) {
    for (int64_t i = 0; i < kSize; ++i) {
      for (int64_t j = 0; j < kSize; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < kSize; ++k) {
          sum += static_cast<double>(x[(m * kSize + i) * kSize + k]) *
                 static_cast<double>(y[(m * kSize + k) * kSize + j]);
        }
        EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-4);
      }
    }
  }
}

TEST(Elimination, Refusals) {
  OpTester singular(OpId::kInverse), oblong(OpId::kDet), vector(OpId::kInverse);
  EXPECT_ERROR(singular.Input<double>({2, 2}, {1, 2, 2, 4}).Run(), kInvalidArgument);
  EXPECT_ERROR(oblong.Input<float>({1, 2}, {1, 2}).Run(), kInvalidArgument);
  EXPECT_ERROR(vector.Input<float>({1}, {1}).Run(), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
