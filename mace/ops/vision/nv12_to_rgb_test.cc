#include "mace/ops/vision/nv12_to_rgb.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Red, green, blue by the formulas of BT.601 in double precision, from its two constants Kr and Kb.
void RealPixel(double y, double u, double v, bool full_range, double* rgb) {
  constexpr double kRed = 0.299, kBlue = 0.114, kGreen = 1 - kRed - kBlue;
  const double grey = full_range ? y : (y - 16) * 255 / 219;
  const double scale = full_range ? 1 : 255.0 / 224;
  const double cb = (u - 128) * scale, cr = (v - 128) * scale;
  rgb[0] = grey + 2 * (1 - kRed) * cr;
  rgb[1] = grey - 2 * kBlue * (1 - kBlue) / kGreen * cb - 2 * kRed * (1 - kRed) / kGreen * cr;
  rgb[2] = grey + 2 * (1 - kBlue) * cb;
  for (int i = 0; i < 3; ++i) rgb[i] = std::fmin(std::fmax(rgb[i], 0), 255);
}

TEST(Nv12ToRgb, IsTheFormulaOfBt601) {
  constexpr int64_t kHeight = 4, kWidth = 6, kImages = 40;
  for (const bool full_range : {false, true}) {
    for (const bool v_first : {false, true}) {
      std::vector<uint8_t> x(kImages * kHeight * 3 / 2 * kWidth);
      uint32_t state = 7;
      for (uint8_t& value : x) value = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
      OpTester tester(OpId::kNv12ToRgb);
      tester.attributes<Nv12ToRgbAttributes>() = {full_range, v_first};
      ASSERT_OK(tester.Input({kImages, kHeight * 3 / 2, kWidth}, x).Run());
      const std::vector<uint8_t> y = tester.Output<uint8_t>();
      ASSERT_TRUE(tester.output().shape == (Shape{kImages, kHeight, kWidth, 3}));
      for (int64_t n = 0; n < kImages; ++n) {
        const uint8_t* image = x.data() + n * kHeight * kWidth * 3 / 2;
        for (int64_t i = 0; i < kHeight * kWidth; ++i) {
          const int64_t row = i / kWidth, column = i % kWidth;
          const uint8_t* pair = image + (kHeight + row / 2) * kWidth + column / 2 * 2;
          double rgb[3];
          RealPixel(image[i], pair[v_first ? 1 : 0], pair[v_first ? 0 : 1], full_range, rgb);
          for (int c = 0; c < 3; ++c) EXPECT_NEAR(y[(n * kHeight * kWidth + i) * 3 + c], rgb[c], 0.51);
        }
      }
    }
  }
}

TEST(Nv12ToRgb, BlackAndWhiteOfTheVideoRange) {
  OpTester tester(OpId::kNv12ToRgb);
  ASSERT_OK(tester.Input<uint8_t>({1, 3, 2, 1}, {16, 235, 0, 255, 128, 128}).Run());
  EXPECT_EQ(tester.Output<uint8_t>(), (std::vector<uint8_t>{0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255}));
}

TEST(Nv12ToRgb, ShapesAndRefusals) {
  OpTester tester(OpId::kNv12ToRgb);
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({{DType::kU8, {SymbolDim(0), kUnknownDim, SymbolDim(1)}, kNone}}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), kUnknownDim, SymbolDim(1), 3}));
  EXPECT_ERROR(tester.Infer({{DType::kU8, {1, 4, 2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {1, 3, 3}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {1, 3, 2, 2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kU8, {3, 2}, kNone}}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 3, 2}, kNone}}, &y), kUnsupported);
  OpTester empty(OpId::kNv12ToRgb);
  ASSERT_OK(empty.Input<uint8_t>({0, 3, 2}, {}).Run());
  EXPECT_EQ(empty.output().elements(), 0);
}

}  // namespace
}  // namespace mace::ops
