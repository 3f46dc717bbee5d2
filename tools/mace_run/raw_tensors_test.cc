#include "raw_tensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "mace/public/mace_layout.h"

namespace mace_run {
namespace {

using mace::DataFormat;
using mace::layout::EntryMove;
using mace::layout::ExitMove;
using mace::layout::Move;
using Shape = std::vector<int64_t>;

template <typename T>
Array ArrayOf(mace_dtype dtype, const std::vector<T>& values) {
  Array array;
  array.dtype = dtype;
  array.shape = {static_cast<int64_t>(values.size())};
  array.bytes.resize(values.size() * sizeof(T));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}
template <typename T>
std::vector<T> ValuesOf(const Array& array) {
  std::vector<T> values(array.bytes.size() / sizeof(T));
  std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}
template <typename Function>
std::string ErrorOf(const Function& function) {
  try {
    function();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(RawTensors, SizesAreChecked) {
  const std::string path = ::testing::TempDir() + "/raw_tensors_test";
  std::ofstream(path, std::ios::binary).write("\0\0\x80\x3f\0\0\0\x40", 8);
  EXPECT_EQ(ValuesOf<float>(ReadRaw(path, "--input_file", {1, 2}, MACE_FLOAT32)), (std::vector<float>{1, 2}));
  EXPECT_EQ(ErrorOf([&] { ReadRaw(path, "--input_file", {3}, MACE_INT32); }),
            path + " (--input_file): the file has 8 bytes, a raw int32 [3] has 12");
  EXPECT_NE(
      ErrorOf([&] { ReadRaw(path, "--input_file", {1ll << 40, 1ll << 40}, MACE_INT32); }).find("64 bits"),
      std::string::npos);
  EXPECT_EQ(ErrorOf([&] { ReadRaw(path + "x", "--input_file", {2}, MACE_INT32); }),
            path + "x (--input_file): No such file or directory");
}

TEST(RawTensors, Conversions) {
  const Array floats = ArrayOf<float>(MACE_FLOAT32, {0, 1.75f, -2.5f, 200});
  EXPECT_EQ(ValuesOf<int16_t>(Converted(floats, MACE_INT16, "x")), (std::vector<int16_t>{0, 1, -2, 200}));
  EXPECT_EQ(ErrorOf([&] { Converted(floats, MACE_UINT8, "x"); }),
            "x: element 2 is -2.500000, which is no uint8");
  EXPECT_EQ(ErrorOf([&] { Converted(floats, MACE_INT8, "x"); }),
            "x: element 3 is 200.000000, which is no int8");
  EXPECT_EQ(ValuesOf<int64_t>(Converted(ArrayOf<int32_t>(MACE_INT32, {-7, 2147483647}), MACE_INT64, "x")),
            (std::vector<int64_t>{-7, 2147483647}));
  EXPECT_NE(ErrorOf([&] { Converted(ArrayOf<int64_t>(MACE_INT64, {1ll << 31}), MACE_INT32, "x"); }), "");
  EXPECT_NE(ErrorOf([&] { Converted(ArrayOf<int32_t>(MACE_INT32, {2}), MACE_BOOL, "x"); }), "");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(ErrorOf([&] { Converted(ArrayOf<float>(MACE_FLOAT32, {nan}), MACE_INT32, "x"); }), "");
}

// Every half there is, against arithmetic with powers of two.
TEST(RawTensors, Halves) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const int exponent = half >> 10 & 0x1F;
    const float value = mace::layout::HalfToFloat(half);
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), (half & 0x3FF) != 0);
      EXPECT_EQ(std::isinf(value), (half & 0x3FF) == 0);
      if (std::isnan(value)) continue;
    } else {
      const double fraction = (half & 0x3FF) / 1024.0 + (exponent == 0 ? 0 : 1);
      const double wanted = std::ldexp(fraction, (exponent == 0 ? 1 : exponent) - 15);
      EXPECT_EQ(static_cast<double>(value), half & 0x8000 ? -wanted : wanted);
    }
    EXPECT_EQ(mace::layout::FloatToHalf(value), half);
    // Half way to the next one rounds to the even one, a little more to the next one.
    if (exponent >= 30 || (half & 0x8000) != 0) continue;
    const float next = mace::layout::HalfToFloat(static_cast<uint16_t>(half + 1)),
                middle = (value + next) / 2;
    EXPECT_EQ(mace::layout::FloatToHalf(middle), half + (half & 1));
    EXPECT_EQ(mace::layout::FloatToHalf(std::nextafter(middle, next)), half + 1);
  }
  EXPECT_EQ(mace::layout::FloatToHalf(65519.0f), 0x7BFF);
  EXPECT_EQ(mace::layout::FloatToHalf(65520.0f), 0x7C00);
  EXPECT_EQ(mace::layout::FloatToHalf(-1e30f), 0xFC00);
  EXPECT_EQ(mace::layout::FloatToBfloat16(1.0f), 0x3F80);
  EXPECT_EQ(mace::layout::FloatToBfloat16(1.00390625f), 0x3F80);  // half way, to the even one
  EXPECT_EQ(mace::layout::FloatToBfloat16(1.01171875f), 0x3F82);
  EXPECT_EQ(mace::layout::Bfloat16ToFloat(0xC000), -2.0f);
}

TEST(Layout, WhereTheShapeFitsNothingMoves) {
  EXPECT_EQ(EntryMove(Shape{1, 3, 8, 8}, DataFormat::NHWC, Shape{1, 3, 8, 8}), Move::kNone);
  EXPECT_EQ(EntryMove(Shape{1, 3, 3, 3}, DataFormat::NHWC, Shape{1, 3, 3, 3}), Move::kNone);
  EXPECT_EQ(EntryMove(Shape{2, 5}, DataFormat::NHWC, Shape{-1, 5}), Move::kNone);
  EXPECT_EQ(EntryMove(Shape{1, 8, 8, 3}, DataFormat::NHWC, Shape{-1, 3, -1, -1}), Move::kToNchw);
  EXPECT_EQ(EntryMove(Shape{1, 3, 8, 9}, DataFormat::NCHW, Shape{1, 8, 9, 3}), Move::kToNhwc);
  EXPECT_EQ(EntryMove(Shape{1, 8, 8, 3}, DataFormat::NONE, Shape{1, 3, 8, 8}), Move::kMisfit);
  EXPECT_EQ(EntryMove(Shape{1, 8, 8, 3}, DataFormat::NCHW, Shape{1, 3, 8, 8}), Move::kMisfit);
  EXPECT_EQ(EntryMove(Shape{8, 3}, DataFormat::NHWC, Shape{3, 8}), Move::kMisfit);
  EXPECT_EQ(ExitMove(Shape{1, 3, 8, 9}, DataFormat::NHWC, Shape{1, 8, 9, 3}), Move::kToNhwc);
  EXPECT_EQ(ExitMove(Shape{1, 8, 9, 3}, DataFormat::NCHW, Shape{1, 3, -1, 9}), Move::kToNchw);
  EXPECT_EQ(ExitMove(Shape{1, 8, 9, 3}, DataFormat::NHWC, Shape{1, 3, 8, 9}), Move::kMisfit);
}

TEST(Layout, Transposes) {
  const std::vector<int16_t> nhwc = {0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32};  // [1, 2, 2, 3]
  const std::vector<int16_t> nchw = {0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32};
  std::vector<int16_t> result(12), back(12);
  mace::layout::Transpose(nhwc.data(), Shape{1, 2, 2, 3}, Move::kToNchw, 2, result.data());
  EXPECT_EQ(result, nchw);
  mace::layout::Transpose(result.data(), mace::layout::Moved(Shape{1, 2, 2, 3}, Move::kToNchw), Move::kToNhwc,
                          2, back.data());
  EXPECT_EQ(back, nhwc);
}

}  // namespace
}  // namespace mace_run
