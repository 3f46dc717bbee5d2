#include "mace/ops/attention/append_cache.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(AppendCache, WritesEachSequenceAtItsPlace) {
  OpTester tester(OpId::kAppendCache);
  tester.Input<int16_t>({2, 1, 3, 1}, {1, 2, 3, 4, 5, 6}).Input<int16_t>({2, 1, 2, 1}, {10, 11, 12, 13});
  ASSERT_OK(tester.Input<int32_t>({2}, {0, 1}).Input<int64_t>({}, {2}).Run());
  EXPECT_EQ(tester.Output<int16_t>(), (std::vector<int16_t>{10, 11, 3, 4, 12, 13}));
}

TEST(AppendCache, GrowsToTheTotal) {
  OpTester tester(OpId::kAppendCache);
  tester.Input<float>({1, 2, 1, 1}, {1, 2}).Input<float>({1, 2, 1, 1}, {3, 4});
  ASSERT_OK(tester.Input<int64_t>({1}, {1}).Input<int64_t>({1}, {3}).Run());
  EXPECT_EQ(tester.Output<float>(), (std::vector<float>{1, 3, 0, 2, 4, 0}));
  OpTester empty(OpId::kAppendCache);
  empty.Input<float>({1, 1, 0, 1}, {}).Input<float>({1, 1, 2, 1}, {3, 4});
  ASSERT_OK(empty.Input<int64_t>({1}, {0}).Input<int64_t>({1}, {2}).Run());
  EXPECT_EQ(empty.Output<float>(), (std::vector<float>{3, 4}));
}

TEST(AppendCache, OpenSizesAndRefusals) {
  for (int64_t start : {int64_t{-1}, int64_t{2}, INT64_MAX, INT64_MIN}) {
    OpTester tester(OpId::kAppendCache);
    tester.Input<float>({1, 1, 3, 1}, {1, 2, 3}).Input<float>({1, 1, 2, 1}, {3, 4});
    EXPECT_ERROR(tester.Input<int64_t>({1}, {start}).Input<int64_t>({1}, {3}).Run(), kInvalidArgument);
  }
  const int64_t kB = SymbolDim(0);
  std::vector<TensorType> y;
  OpTester tester(OpId::kAppendCache);
  const TensorType past = {DType::kF16, {kB, 2, 7, 4}, kNone}, fresh = {DType::kF16, {kB, 2, 1, 4}, kNone};
  const TensorType starts = {DType::kI64, {kB}, kNone}, one = {DType::kI32, {}, kNone};
  ASSERT_OK(tester.Infer({past, fresh, starts, one}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{kB, 2, kUnknownDim, 4}));
  int32_t nine = 9;
  const TensorView total = {&nine, DType::kI32, {}};
  ASSERT_OK(tester.Infer({past, fresh, starts, one}, &y, {nullptr, nullptr, nullptr, &total}));
  EXPECT_TRUE(y[0].shape == (Shape{kB, 2, 9, 4}));
  EXPECT_ERROR(tester.Infer({past, {DType::kF16, {kB, 3, 1, 4}, kNone}, starts, one}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({past, fresh, starts, {DType::kI64, {2}, kNone}}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
