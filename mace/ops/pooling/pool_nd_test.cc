// PoolNd against the 2-D pools and by hand; MaxUnpool undoes it.
#include "mace/ops/pooling/pool_nd.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"

namespace mace::ops {
namespace {

TEST(PoolNd, IsThe2dPoolsOverTwoAxes) {
  const Shape in = {2, 7, 6, 3};
  const auto x = TestValues(in.ElementCount(), 1);
  for (const Padding padding : {Padding::kExplicit, Padding::kSameUpper}) {
    for (const bool flag : {false, true}) {
      const MaxPool2dAttributes window = {.kernel = {3, 2},
                                          .strides = {2, 3},
                                          .pads = {1, 0, 1, 1},
                                          .dilations = {1, 2},
                                          .padding = padding,
                                          .ceil_mode = flag};
      AveragePool2dAttributes mean = {window.kernel, window.strides, window.pads, window.dilations};
      mean.padding = padding;
      mean.ceil_mode = mean.count_include_pad = flag;
      PoolNdAttributes any = {PoolNdKind::kMax, window.kernel, window.strides, window.pads, window.dilations};
      any.padding = padding;
      any.ceil_mode = any.count_include_pad = flag;
      OpTester max(OpId::kMaxPool2d), average(OpId::kAveragePool2d), max_nd(OpId::kPoolNd),
          average_nd(OpId::kPoolNd);
      max.attributes<MaxPool2dAttributes>() = window;
      average.attributes<AveragePool2dAttributes>() = mean;
      max_nd.attributes<PoolNdAttributes>() = any;
      any.kind = PoolNdKind::kAverage;
      average_nd.attributes<PoolNdAttributes>() = any;
      for (OpTester* tester : {&max, &average, &max_nd, &average_nd}) ASSERT_OK(tester->Input(in, x).Run());
      ExpectNear(max_nd.Output<float>(), max.Output<float>());
      ExpectNear(average_nd.Output<float>(), average.Output<float>());
    }
  }
}

TEST(PoolNd, IndicesCountChannelsFirst) {
  // Two channels of [2, 3]: 1 2 3 / 4 5 6 and 6 5 4 / 3 2 1; windows of 2 x 2.
  const std::vector<float> x = {1, 6, 2, 5, 3, 4, 4, 3, 5, 2, 6, 1};
  for (const bool column_major : {false, true}) {
    OpTester tester(OpId::kPoolNd, 2);
    tester.attributes<PoolNdAttributes>().kernel = {2, 2};
    tester.attributes<PoolNdAttributes>().column_major = column_major;
    ASSERT_OK(tester.Input({1, 2, 3, 2}, x).Run());
    ExpectNear(tester.Output<float>(0), {5, 6, 6, 5});
    const auto indices = tester.Output<int64_t>(1);
    EXPECT_EQ(indices,
              column_major ? (std::vector<int64_t>{3, 6, 5, 8}) : (std::vector<int64_t>{4, 6, 5, 7}));
  }
}

TEST(PoolNd, VolumesBytesAndEmptyWindows) {
  OpTester bytes(OpId::kPoolNd);
  bytes.attributes<PoolNdAttributes>().kernel = {2, 2, 2};
  ASSERT_OK(bytes.Input<int8_t>({1, 2, 2, 2, 1}, {-8, -7, -6, -5, -4, -3, -2, -9}).Run());
  EXPECT_EQ(bytes.Output<int8_t>(), (std::vector<int8_t>{-2}));

  const double nan = std::nan("");
  OpTester wide(OpId::kPoolNd, 2);
  wide.attributes<PoolNdAttributes>().kernel = {2};
  wide.attributes<PoolNdAttributes>().strides = {2};
  wide.attributes<PoolNdAttributes>().pads = {2, 0};
  ASSERT_OK(wide.Input<double>({1, 4, 1}, {1, nan, 3, 2}).Run());
  EXPECT_EQ(wide.Output<double>()[0], -HUGE_VAL);  // the window that lies in the padding
  EXPECT_TRUE(std::isnan(wide.Output<double>()[1]));
  EXPECT_EQ(wide.Output<double>()[2], 3);
  EXPECT_EQ(wide.Output<int64_t>(1), (std::vector<int64_t>{-1, 1, 2}));
}

TEST(PoolNd, Norms) {
  for (const int64_t p : {1, 2, 3}) {
    OpTester tester(OpId::kPoolNd);
    auto& attributes = tester.attributes<PoolNdAttributes>();
    attributes.kind = PoolNdKind::kLp;
    attributes.kernel = {2};
    attributes.p = p;
    ASSERT_OK(tester.Input<float>({1, 3, 1}, {3, -4, 1}).Run());
    const auto norm = [&](double a, double b) {
      const double power = static_cast<double>(p);
      return static_cast<float>(std::pow(std::pow(a, power) + std::pow(b, power), 1 / power));
    };
    ExpectNear(tester.Output<float>(), {norm(3, 4), norm(4, 1)});
  }
}

TEST(PoolNd, Refusals) {
  std::vector<TensorType> inferred;
  OpTester tester(OpId::kPoolNd);
  EXPECT_ERROR(tester.Infer({{DType::kI32, {1, 4, 4, 1}, kNone}}, &inferred), kUnsupported);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 4, 1}, kNone}}, &inferred), kInvalidArgument);
  tester.attributes<PoolNdAttributes>().kernel = {5, 1};
  EXPECT_ERROR(tester.Infer({{DType::kF32, {1, 4, 4, 1}, kNone}}, &inferred), kInvalidArgument);
  OpTester mean(OpId::kPoolNd, 2);
  mean.attributes<PoolNdAttributes>().kind = PoolNdKind::kAverage;
  EXPECT_ERROR(mean.Infer({{DType::kF32, {1, 4, 4, 1}, kNone}}, &inferred), kInvalidArgument);
}

TEST(MaxUnpool, PutsBack) {
  OpTester tester(OpId::kMaxUnpool);
  tester.attributes<MaxUnpoolAttributes>() = {.kernel = {2, 2}, .strides = {2, 2}, .pads = {}};
  ASSERT_OK(tester.Input<float>({1, 1, 1, 2}, {5, 7}).Input<int64_t>({1, 1, 1, 2}, {4, 3}).Run());
  ASSERT_TRUE(tester.output().shape == (Shape{1, 1, 2, 4}));
  ExpectNear(tester.Output<float>(), {0, 0, 0, 7, 5, 0, 0, 0});

  OpTester larger(OpId::kMaxUnpool);
  larger.attributes<MaxUnpoolAttributes>() = {.kernel = {2, 2}, .strides = {2, 2}, .pads = {}};
  ASSERT_OK(larger.Input<float>({1, 1, 1, 2}, {5, 7})
                .Input<int64_t>({1, 1, 1, 2}, {4, 3})
                .Input<int64_t>({4}, {1, 1, 3, 5})
                .Run());
  ExpectNear(larger.Output<float>(), {0, 0, 0, 7, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0});

  OpTester outside(OpId::kMaxUnpool);
  outside.attributes<MaxUnpoolAttributes>() = {.kernel = {2, 2}, .strides = {2, 2}, .pads = {}};
  EXPECT_ERROR(outside.Input<float>({1, 1, 1, 2}, {5, 7}).Input<int64_t>({1, 1, 1, 2}, {8, 3}).Run(),
               kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
