// Hand-checked windows and refusals; ordinary cases against ONNX Runtime: onnx_cases_test.
#include "mace/ops/op_tester.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"

namespace mace::ops {
namespace {

TEST(MaxPool2d, NanWins) {
  OpTester tester(OpId::kMaxPool2d);
  tester.attributes<MaxPool2dAttributes>().kernel = {1, 2};
  const float nan = std::nanf("");
  ASSERT_OK(tester.Input<float>({1, 1, 5, 1}, {nan, 1, 3, 2, nan}).Run());
  ExpectNear(tester.Output<float>(), {nan, 3, 3, nan});
}

TEST(AveragePool2d, CountsWhatIsInside) {
  for (const bool include : {false, true}) {
    OpTester tester(OpId::kAveragePool2d);
    tester.attributes<AveragePool2dAttributes>() = {.kernel = {1, 3},
                                                    .strides = {1, 2},
                                                    .pads = {0, 1, 0, 0},
                                                    .ceil_mode = true,
                                                    .count_include_pad = include};
    // Windows: (pad 1 2), (2 3 4), (4 5 and one beyond the end, which never counts).
    ASSERT_OK(tester.Input<float>({1, 1, 5, 1}, {1, 2, 3, 4, 5}).Run());
    ExpectNear(tester.Output<float>(), {include ? 1.0f : 1.5f, 3, 4.5f});
  }
}

TEST(Pooling, ChannelsAndBatchesStayApart) {
  OpTester tester(OpId::kMaxPool2d);
  tester.attributes<MaxPool2dAttributes>() = {.kernel = {2, 1}, .strides = {2, 1}};
  ASSERT_OK(tester.Input<float>({2, 2, 1, 3}, {1, 2, 3, 3, 2, 1, -1, -2, -3, -3, -2, -1}).Run());
  ExpectNear(tester.Output<float>(), {3, 2, 3, -1, -2, -1});
}

TEST(Pooling, ZeroSizesAndOpenDimensions) {
  OpTester tester(OpId::kAveragePool2d);
  tester.attributes<AveragePool2dAttributes>().kernel = {2, 2};
  ASSERT_OK(tester.Input<float>({0, 4, 4, 2}, {}).Run());
  EXPECT_TRUE(tester.output().shape == (Shape{0, 3, 3, 2}));
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kF32, {SymbolDim(0), SymbolDim(1), 4, kUnknownDim}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), kUnknownDim, 3, kUnknownDim}));
}

TEST(Pooling, Refusals) {
  const auto infer = [](const MaxPool2dAttributes& attributes) {
    OpTester tester(OpId::kMaxPool2d);
    tester.attributes<MaxPool2dAttributes>() = attributes;
    std::vector<TensorType> y;
    return tester.Infer({{DType::kF32, {1, 4, 4, 3}, kNone}}, &y);
  };
  EXPECT_OK(infer({.kernel = {4, 4}}));
  EXPECT_ERROR(infer({.kernel = {5, 4}}), kInvalidArgument);
  EXPECT_ERROR(infer({.kernel = {0, 1}}), kInvalidArgument);
  EXPECT_ERROR(infer({.kernel = {2}}), kInvalidArgument);
  EXPECT_ERROR(infer({.kernel = {2, 2}, .pads = {2, 0, 0, 0}}),
               kInvalidArgument);  // a window of padding only
  EXPECT_ERROR(infer({.kernel = {INT64_MAX, 2}}), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
