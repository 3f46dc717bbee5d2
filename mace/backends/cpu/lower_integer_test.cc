// Quantized layers: integer kernels give the bytes of the reference kernels.
#include <functional>

#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/unary/unary.h"
#include "mace/simd/dot_forms.h"

namespace mace::cpu {
namespace {

using Random = std::mt19937;

int64_t Pick(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

// The types and scales of a layer x, weights [O, ...], bias [O] -> y.
struct LayerTypes {
  explicit LayerTypes(Random& random) {
    const DType types[] = {DType::kI8, DType::kU8, DType::kI16};
    input = types[Pick(random, 0, 2)];
    unsigned_weights = input == DType::kU8 && Pick(random, 0, 1);
    per_channel = Pick(random, 0, 1) != 0;
    bias = static_cast<int>(Pick(random, 0, input == DType::kI16 ? 2 : 1));
    rounding = static_cast<ops::Rounding>(Pick(random, 0, 2));
    zero_point = [this](Random& r) {
      return static_cast<int32_t>(input == DType::kU8   ? Pick(r, 0, 255)
                                  : input == DType::kI8 ? Pick(r, -128, 127)
                                                        : 0);
    };
  }

  ValueId Input(TestGraph* test, Random& random, const Shape& shape) const {
    return test->Integers(shape, input, 0.02f, zero_point(random));
  }
  ValueId Weights(TestGraph* test, Random& random, const Shape& shape) const {
    const ValueId weights = unsigned_weights ? test->IntegerConstant<uint8_t>(shape, 0, 255)
                                             : test->IntegerConstant<int8_t>(shape, -127, 127);
    std::vector<float> scales;
    std::vector<int32_t> zeros;
    for (int64_t n = 0; n < (per_channel ? shape[0] : 1); ++n) {
      scales.push_back(0.001f * static_cast<float>(Pick(random, 1, 9)));
      zeros.push_back(unsigned_weights ? static_cast<int32_t>(Pick(random, 100, 150)) : 0);
    }
    return test->Quantize(weights, scales, zeros, per_channel ? 0 : kNone);
  }
  // kNone: no bias.
  ValueId Bias(TestGraph* test, int64_t channels) const {
    if (bias == 0) return kNone;
    return bias == 1 ? test->IntegerConstant<int32_t>({channels}, -9000, 9000)
                     : test->IntegerConstant<int64_t>({channels}, -9000, 9000);
  }
  void Output(TestGraph* test, Random& random, ValueId y) const {
    test->Output(test->Quantize(y, {input == DType::kI16 ? 0.003f : 0.04f}, {zero_point(random)}));
  }
  std::string Suffix() const { return input == DType::kU8 ? "u8" : input == DType::kI8 ? "i8" : "i16"; }

  DType input;
  bool unsigned_weights, per_channel;
  int bias;
  ops::Rounding rounding;
  std::function<int32_t(Random&)> zero_point;
};

void ExpectSameBytes(TestGraph* test, const std::string& kernel) {
  std::string kernels;
  ExpectMatchesReference(test, &kernels, 0.0f);
  EXPECT_EQ(kernels.substr(0, kernels.find(' ')), kernel);
  EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
}

TEST(LowerInteger, Conv2d) {
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    const LayerTypes types(random);
    TestGraph test;
    const int64_t groups = i % 3 == 0 ? Pick(random, 2, 5) : 1;
    const bool is_depthwise = groups > 1 && Pick(random, 0, 1);
    const int64_t inputs = is_depthwise ? groups : groups * Pick(random, 1, 6);
    const int64_t outputs = is_depthwise ? groups : groups * Pick(random, 1, 20);
    const ValueId x =
        types.Input(&test, random, {Pick(random, 1, 2), Pick(random, 3, 9), Pick(random, 3, 9), inputs});
    const ValueId weights =
        types.Weights(&test, random, {outputs, Pick(random, 1, 3), Pick(random, 1, 3), inputs / groups});
    const ValueId y = test.Node(OpId::kConv2d, {x, weights, types.Bias(&test, outputs)});
    auto& attributes = test.Attributes<ops::Conv2dAttributes>();
    attributes.strides = {Pick(random, 1, 2), Pick(random, 1, 3)};
    attributes.pads = {Pick(random, 0, 1), Pick(random, 0, 2), Pick(random, 0, 1), Pick(random, 0, 2)};
    attributes.groups = groups;
    attributes.rounding = types.rounding;
    types.Output(&test, random, y);
    SCOPED_TRACE(i);
    ExpectSameBytes(&test, (is_depthwise ? "depthwise_" : "conv2d_") + types.Suffix());
  }
}

// 3x3 convolutions that take fewer products in Winograd's form: the same bytes, whoever runs it.
TEST(LowerInteger, Winograd) {
  struct Layer {
    int64_t size, inputs, outputs, kernel, stride, dilation, groups;
    DType input;
    int32_t weight_zero;  // of u8 weights
    const char* reason;   // where byte dot products are no single instruction; null: another kernel
    bool with_vnni;       // there as well
  };
  const char* two = "fewest products in patches of 2x2";
  const char* four = "fewest products in patches of 4x4";
  const Layer layers[] = {
      {31, 64, 64, 3, 1, 1, 1, DType::kU8, 128, four, true},
      {20, 32, 32, 3, 1, 1, 1, DType::kI8, 0, four, false},
      {16, 64, 64, 3, 1, 1, 1, DType::kU8, 255, two, false},
      {14, 64, 40, 3, 1, 1, 1, DType::kI16, 0, nullptr, false},
      {16, 64, 64, 3, 2, 1, 1, DType::kU8, 128, nullptr, false},
      {18, 64, 64, 3, 1, 2, 1, DType::kU8, 128, nullptr, false},
      {16, 64, 64, 3, 1, 1, 2, DType::kI8, 0, nullptr, false},
      {16, 32, 32, 5, 1, 1, 1, DType::kI8, 0, nullptr, false},
      {4, 64, 64, 3, 1, 1, 1, DType::kU8, 128, nullptr, false},
  };
  Random random(8);
  int chosen = 0;
  for (const Layer& layer : layers) {
    SCOPED_TRACE(&layer - layers);
    TestGraph test;
    const bool is_u8 = layer.input == DType::kU8;
    const ValueId x = test.Integers({1, layer.size, layer.size + 1, layer.inputs}, layer.input, 0.02f,
                                    layer.input == DType::kI16 ? 0 : 17);
    const Shape shape = {layer.outputs, layer.kernel, layer.kernel, layer.inputs / layer.groups};
    const ValueId weights =
        is_u8 ? test.IntegerConstant<uint8_t>(shape, 0, 255) : test.IntegerConstant<int8_t>(shape, -128, 127);
    test.Quantize(weights, {0.003f}, {layer.weight_zero});
    const ValueId y =
        test.Node(OpId::kConv2d, {x, weights, test.IntegerConstant<int32_t>({layer.outputs}, -9000, 9000)});
    auto& attributes = test.Attributes<ops::Conv2dAttributes>();
    attributes.pads = {1, 0, 2, 1};
    attributes.strides = {layer.stride, layer.stride};
    attributes.dilations = {layer.dilation, layer.dilation};
    attributes.groups = layer.groups;
    attributes.rounding = static_cast<ops::Rounding>(Pick(random, 0, 2));
    test.Output(test.Quantize(y, {0.9f}, {5}));
    ExpectMatchesReference(&test, nullptr, 0.0f);
    for (Isa isa : {Isa::kScalar, Isa::kSse4, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kDotProd}) {
      if (!IsHere(isa)) continue;
      const bool expected =
          DotNeedsBound(isa) ? layer.reason != nullptr : isa == Isa::kAvx512Vnni && layer.with_vnni;
      CompiledGraph compiled;
      compiled.Compile(&test.graph, {isa, false, 1, false});
      ASSERT_EQ(compiled.unit().steps().size(), 1u);
      EXPECT_EQ(compiled.Kernels().find("conv2d_winograd_") == 0, expected) << NameOf(isa);
      if (!expected) continue;
      EXPECT_EQ(compiled.unit().steps()[0].reason.view(), layer.reason);
      ++chosen;
    }
  }
  EXPECT_TRUE(chosen >= 3 || !IsHere(Isa::kAvx2));
}

TEST(LowerInteger, FullyConnected) {
  Random random(2);
  for (int i = 0; i < 40; ++i) {
    const LayerTypes types(random);
    TestGraph test;
    const int64_t depth = Pick(random, 1, 70), columns = Pick(random, 1, 90);
    const ValueId x =
        types.Input(&test, random, i % 2 == 0 ? Shape{Pick(random, 1, 9), depth} : Shape{2, 3, depth});
    const ValueId weights = types.Weights(&test, random, {columns, depth});
    const ValueId y = test.Node(OpId::kFullyConnected, {x, weights, types.Bias(&test, columns)});
    test.Attributes<ops::FullyConnectedAttributes>().rounding = types.rounding;
    types.Output(&test, random, y);
    SCOPED_TRACE(i);
    ExpectSameBytes(&test, "fully_connected_" + types.Suffix());
  }
}

// In the ONNX form sums never wrap: 16-bit activations with a 32-bit bias are summed in 64 bits.
TEST(LowerInteger, LargeSumsOfWords) {
  for (int64_t groups : {1, 3}) {
    TestGraph test;
    const int64_t taps = groups == 1 ? 3 : 15;
    const ValueId x = test.Integers({1, 15, 15, groups == 1 ? 90 : 3}, DType::kI16, 0.001f, 0);
    const ValueId weights = test.Quantize(
        test.IntegerConstant<int8_t>({groups == 1 ? 4 : 3, taps, taps, groups == 1 ? 90 : 1}, 120, 127),
        {0.01f}, {0});
    const ValueId bias = test.IntegerConstant<int32_t>({groups == 1 ? 4 : 3}, 2000000000, 2100000000);
    const ValueId y = test.Node(OpId::kConv2d, {x, weights, bias});
    test.Attributes<ops::Conv2dAttributes>().groups = groups;
    test.Attributes<ops::Conv2dAttributes>().rounding = ops::Rounding::kHalfEvenFloat;
    test.Output(test.Quantize(y, {1.5f}, {0}));
    ExpectSameBytes(&test, groups == 1 ? "conv2d_i16" : "depthwise_i16");
  }
}

// Where sums of bytes might wrap, no fast kernel is taken.
TEST(LowerInteger, LargeSumsOfBytes) {
  for (bool large_bias : {false, true}) {
    TestGraph test;
    const int64_t depth = large_bias ? 8 : 40000;
    const ValueId x = test.Integers({1, depth}, DType::kU8, 0.02f, 0);
    const ValueId weights = test.Quantize(test.IntegerConstant<int8_t>({2, depth}, 120, 127), {0.01f}, {0});
    const ValueId bias =
        test.IntegerConstant<int32_t>({2}, large_bias ? 2147483000 : 0, large_bias ? 2147483647 : 0);
    const ValueId y = test.Node(OpId::kFullyConnected, {x, weights, bias});
    test.Attributes<ops::FullyConnectedAttributes>().rounding = ops::Rounding::kHalfEvenFloat;
    test.Output(test.Quantize(y, {4000.0f}, {0}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels, 0.0f);
    EXPECT_EQ(kernels, "reference");
  }
}

// 0 times a scale that does not fit into a float is no number: the reference kernel says what becomes of it.
TEST(LowerInteger, ScalesWithoutAFiniteRatio) {
  TestGraph test;
  const ValueId x = test.Integers({1, 8}, DType::kU8, 1e30f, 3);
  const ValueId weights = test.Quantize(test.IntegerConstant<int8_t>({2, 8}, 0, 0), {1e30f}, {0});
  const ValueId y = test.Node(OpId::kFullyConnected, {x, weights, kNone});
  test.Attributes<ops::FullyConnectedAttributes>().rounding = ops::Rounding::kHalfEvenFloat;
  test.Output(test.Quantize(y, {1e-30f}, {7}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels, 0.0f);
  EXPECT_EQ(kernels, "reference");
}

TEST(LowerInteger, ConvTranspose2d) {
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    const LayerTypes types(random);
    TestGraph test;
    const int64_t inputs = Pick(random, 1, 9), outputs = Pick(random, 1, 9);
    const int64_t kernel_h = Pick(random, 1, 5), kernel_w = Pick(random, 1, 5);
    const ValueId x =
        types.Input(&test, random, {Pick(random, 1, 2), Pick(random, 2, 6), Pick(random, 2, 6), inputs});
    const ValueId weights = types.Weights(&test, random, {outputs, kernel_h, kernel_w, inputs});
    const ValueId y = test.Node(OpId::kConvTranspose2d, {x, weights, types.Bias(&test, outputs)});
    auto& attributes = test.Attributes<ops::ConvTranspose2dAttributes>();
    attributes.strides = {Pick(random, 1, std::min<int64_t>(3, 2 * kernel_h)),
                          Pick(random, 1, std::min<int64_t>(3, 2 * kernel_w))};
    attributes.pads = {Pick(random, 0, kernel_h / 2), Pick(random, 0, kernel_w / 2),
                       Pick(random, 0, kernel_h / 2), Pick(random, 0, kernel_w / 2)};
    attributes.output_padding = {Pick(random, 0, attributes.strides[0] - 1),
                                 Pick(random, 0, attributes.strides[1] - 1)};
    attributes.rounding = types.rounding;
    types.Output(&test, random, y);
    SCOPED_TRACE(i);
    ExpectSameBytes(&test, "conv_transpose2d_" + types.Suffix());
  }
}

TEST(LowerInteger, AClampBehindALayerJoinsIt) {
  Random random(7);
  for (int i = 0; i < 30; ++i) {
    const LayerTypes types(random);
    const int64_t channels = Pick(random, 2, 20);
    const bool is_depthwise = i % 3 == 1;
    TestGraph test;
    const ValueId x = types.Input(&test, random, {1, 5, 6, channels});
    ValueId y = kNone;
    if (i % 3 == 2) {
      const ValueId weights = types.Weights(&test, random, {channels, channels});
      y = test.Node(OpId::kFullyConnected, {x, weights, types.Bias(&test, channels)});
      test.Attributes<ops::FullyConnectedAttributes>().rounding = types.rounding;
    } else {
      const ValueId weights = types.Weights(&test, random, {channels, 3, 3, is_depthwise ? 1 : channels});
      y = test.Node(OpId::kConv2d, {x, weights, types.Bias(&test, channels)});
      test.Attributes<ops::Conv2dAttributes>().groups = is_depthwise ? channels : 1;
      test.Attributes<ops::Conv2dAttributes>().rounding = types.rounding;
    }
    const float scale = types.input == DType::kI16 ? 0.003f : 0.04f;
    const int32_t zero_point = types.zero_point(random);
    test.Quantize(y, {scale}, {zero_point});
    const ValueId clip = test.Node(OpId::kClip, {y});
    test.Attributes<ops::ClipAttributes>().min = -0.3f;
    test.Attributes<ops::ClipAttributes>().max = 1.1f;
    test.Output(test.Quantize(clip, {scale}, {zero_point}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels, 0.0f);
    EXPECT_EQ(kernels.find(' '), std::string::npos) << kernels;
    EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
  }
}

}  // namespace
}  // namespace mace::cpu
