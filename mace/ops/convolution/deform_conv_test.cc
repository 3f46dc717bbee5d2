// Without offsets DeformConv is Conv2d, with whole ones Conv2d of a moved input. Col2im against the columns
// that it puts together.
#include "mace/ops/convolution/col2im.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/deform_conv.h"
#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

TEST(DeformConv, WithoutOffsetsIsConv2d) {
  const auto x = TestValues(2 * 6 * 7 * 4, 1), w = TestValues(6 * 3 * 2 * 2, 2), bias = TestValues(6, 3);
  OpTester plain(OpId::kConv2d), deformed(OpId::kDeformConv);
  auto& window = plain.attributes<Conv2dAttributes>();
  window.strides = {2, 1};
  window.dilations = {1, 2};
  window.pads = {1, 1, 0, 1};
  window.groups = 2;
  deformed.attributes<DeformConvAttributes>() = {window.strides, window.dilations, window.pads, 2, 2};
  ASSERT_OK(plain.Input({2, 6, 7, 4}, x).Input({6, 3, 2, 2}, w).Input({6}, bias).Run());
  Shape offsets = plain.output().shape;
  offsets[3] = 2 * 3 * 2 * 2;
  ASSERT_OK(deformed.Input({2, 6, 7, 4}, x)
                .Input({6, 3, 2, 2}, w)
                .Input(offsets, std::vector<float>(static_cast<size_t>(offsets.ElementCount())))
                .Input({6}, bias)
                .Run());
  ExpectNear(deformed.Output<float>(), plain.Output<float>());
}

TEST(DeformConv, OffsetsAndMask) {
  // One tap: y = mask * x at the place moved by (down, right).
  const std::vector<double> x = {1, 2, 3, 4, 5, 6};
  OpTester tester(OpId::kDeformConv);
  ASSERT_OK(tester.Input<double>({1, 2, 3, 1}, x)
                .Input<double>({1, 1, 1, 1}, {2})
                .Input<double>({1, 2, 3, 2}, {1, 0, 0, 0.5, 0, 1, -0.5, 0, -1, 1, 0, 0.25})
                .NoInput()
                .Input<double>({1, 2, 3, 1}, {1, 1, 1, 1, 0.5, 1})
                .Run());
  const double places[] = {4, 2.5, 0, 2.5, 3 * 0.5, 6 * 0.75};
  for (int i = 0; i < 6; ++i) EXPECT_DOUBLE_EQ(tester.Output<double>()[i], 2 * places[i]) << i;
}

TEST(DeformConv, Refusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kDeformConv);
  const TensorType x = {DType::kF32, {1, 4, 4, 2}, kNone}, w = {DType::kF32, {3, 2, 2, 2}, kNone};
  ASSERT_OK(tester.Infer({x, w, {DType::kF32, {1, 3, kUnknownDim, 8}, kNone}}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{1, 3, 3, 3}));
  EXPECT_ERROR(tester.Infer({x, w, {DType::kF32, {1, 3, 3, 4}, kNone}}, &inferred), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({x, w, {DType::kF32, {1, 2, 3, 8}, kNone}}, &inferred), kInvalidArgument);
}

TEST(Col2im, AddsWhatOverlaps) {
  OpTester tester(OpId::kCol2im);
  // Blocks of 2 at 0, 1, 2 of an image of 4; two channels.
  ASSERT_OK(tester.Input<int32_t>({1, 4, 3}, {1, 2, 3, 10, 20, 30, 1, 1, 1, 1, 1, 1})
                .Input<int64_t>({1}, {4})
                .Input<int64_t>({1}, {2})
                .Run());
  ASSERT_TRUE(tester.output().shape == (Shape{1, 2, 4}));
  EXPECT_EQ(tester.Output<int32_t>(), (std::vector<int32_t>{1, 12, 23, 30, 1, 2, 2, 1}));
}

TEST(Col2im, StridesDilationsAndPads) {
  // Every element of a column is 1: the image counts in how many blocks a pixel is.
  OpTester tester(OpId::kCol2im);
  tester.attributes<Col2ImAttributes>() = {.strides = {1, 2}, .dilations = {2, 1}, .pads = {1, 0, 1, 1}};
  // Along 4 rows with a pixel of padding, taps two apart: 4 blocks at -1 .. 2; along 5 columns and one more: 3
  // blocks at 0, 2, 4.
  ASSERT_OK(tester.Input<float>({1, 4, 12}, std::vector<float>(48, 1.0f))
                .Input<int64_t>({2}, {4, 5})
                .Input<int64_t>({2}, {2, 2})
                .Run());
  const float rows[] = {1, 2, 2, 1};
  std::vector<float> expected;
  for (const float row : rows) expected.insert(expected.end(), 5, row);
  ExpectNear(tester.Output<float>(), expected);
}

TEST(Col2im, Refusals) {
  OpTester blocks(OpId::kCol2im);
  EXPECT_ERROR(blocks.Input<float>({1, 2, 2}, {1, 2, 3, 4}).Input<int64_t>({1}, {4}).Input<int64_t>({1}, {2}).Run(),
               kInvalidArgument);
  OpTester taps(OpId::kCol2im);
  EXPECT_ERROR(taps.Input<float>({1, 3, 1}, {1, 2, 3}).Input<int64_t>({1}, {2}).Input<int64_t>({1}, {2}).Run(),
               kInvalidArgument);
  std::vector<TensorType> inferred;
  OpTester open(OpId::kCol2im);
  const TensorType list = {DType::kI64, {2}, kNone};
  ASSERT_OK(open.Infer({{DType::kF32, {1, 8, 3}, kNone}, list, list}, &inferred));
  EXPECT_TRUE(inferred[0].shape == (Shape{1, kUnknownDim, kUnknownDim, kUnknownDim}));
}

}  // namespace
}  // namespace mace::ops
