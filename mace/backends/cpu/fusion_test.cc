// Which nodes become one step, and that the step computes what they did.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/unary/unary.h"

namespace mace::cpu {
namespace {

// Every kind of post-op behind a convolution and behind a plain tensor.
class FusionOfElementwise : public testing::TestWithParam<int> {};

struct ElementwiseMaker {
  const char* name;
  ValueId (*make)(TestGraph* test, ValueId x, int64_t channels);
};

const ElementwiseMaker kMakers[] = {
    {"relu", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kRelu, {x}); }},
    {"leaky_relu", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kLeakyRelu, {x}); }},
    {"hard_swish", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kHardSwish, {x}); }},
    {"hard_sigmoid", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kHardSigmoid, {x}); }},
    {"sigmoid", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kSigmoid, {x}); }},
    {"silu", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kSilu, {x}); }},
    {"gelu", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kGelu, {x}); }},
    {"tanh", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kTanh, {x}); }},
    {"erf", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kErf, {x}); }},
    {"neg", [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kNeg, {x}); }},
    {"add_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kAdd, {t->Scalar(0.75f), x}); }},
    {"sub_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kSub, {x, t->Scalar(0.75f)}); }},
    {"scalar_sub",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kSub, {t->Scalar(0.75f), x}); }},
    {"mul_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kMul, {x, t->Scalar(-3.0f)}); }},
    {"div_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kDiv, {x, t->Scalar(3.0f)}); }},
    {"max_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kMax, {x, t->Scalar(-0.1f)}); }},
    {"min_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kMin, {t->Scalar(0.1f), x}); }},
    {"add_channel",
     [](TestGraph* t, ValueId x, int64_t c) { return t->Node(OpId::kAdd, {x, t->Constant({c})}); }},
    {"mul_channel",
     [](TestGraph* t, ValueId x, int64_t c) { return t->Node(OpId::kMul, {t->Constant({1, 1, 1, c}), x}); }},
    {"channel_sub",
     [](TestGraph* t, ValueId x, int64_t c) { return t->Node(OpId::kSub, {t->Constant({c}), x}); }},
    {"prelu",
     [](TestGraph* t, ValueId x, int64_t c) { return t->Node(OpId::kPRelu, {x, t->Constant({c})}); }},
    {"prelu_scalar",
     [](TestGraph* t, ValueId x, int64_t) { return t->Node(OpId::kPRelu, {x, t->Constant({1})}); }},
};

TEST_P(FusionOfElementwise, JoinsConvolutionAndStandsAlone) {
  const ElementwiseMaker& maker = kMakers[GetParam()];
  SCOPED_TRACE(maker.name);
  TestGraph test;
  const ValueId x = test.Input({1, 3, 5, 11});
  const ValueId y = Conv(&test, x, {13, 1, 1, 11}, 1, 0, 1);
  test.Output(maker.make(&test, y, 13));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32");

  TestGraph alone;
  const ValueId z = alone.Input({2, 3, 5, 13});
  alone.Output(alone.Node(OpId::kFloor, {maker.make(&alone, z, 13)}));
  ExpectMatchesReference(&alone, &kernels);
  EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
}

INSTANTIATE_TEST_SUITE_P(Kinds, FusionOfElementwise, testing::Range(0, static_cast<int>(std::size(kMakers))),
                         [](const auto& info) { return std::string(kMakers[info.param].name); });

// What rounds behind a division sees the quotient itself: k * 41 / 41 is k, and not a little less.
TEST(Fusion, DivisionIsExact) {
  for (const float divisor : {41.0f, -49.0f, 0.1f, 3e-39f, 1e38f}) {
    TestGraph test;
    const ValueId x = test.Input({300});
    const ValueId product = test.Node(OpId::kMul, {test.Node(OpId::kFloor, {x}), test.Scalar(divisor)});
    const ValueId quotient = test.Node(OpId::kDiv, {test.Node(OpId::kRelu, {product}), test.Scalar(divisor)});
    test.Output(test.Node(OpId::kFloor, {quotient}));
    ASSERT_MACE_OK(InferGraphTypes(&test.graph));
    auto feeds = RandomFeeds(test.graph);
    for (int i = 0; i < 300; ++i) reinterpret_cast<float*>(feeds[0].data())[i] = static_cast<float>(i - 20);
    std::vector<std::vector<uint8_t>> want, got;
    EvaluateReference(test.graph, feeds, &want);
    CompiledGraph compiled;
    compiled.Compile(&test.graph, {});
    compiled.Run(feeds, &got);
    EXPECT_EQ(got, want) << "divisor " << divisor;
  }
}

TEST(Fusion, TakesAtMostEightPostOps) {
  TestGraph test;
  ValueId value = Conv(&test, test.Input({1, 4, 4, 8}), {8, 1, 1, 8}, 1, 0, 1);
  for (int i = 0; i < 10; ++i) value = test.Node(OpId::kAdd, {value, test.Constant({8})});
  test.Output(value);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 chain_f32");
}

TEST(Fusion, StopsAtAValueThatOthersRead) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 4, 4, 8}), {8, 1, 1, 8}, 1, 0, 1);
  test.Output(test.Node(OpId::kRelu, {y}));
  test.Output(test.Node(OpId::kFloor, {y}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 unary_f32 unary_f32");
}

TEST(Fusion, KeepsAnOutputBetween) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 4, 4, 8}), {8, 1, 1, 8}, 1, 0, 1);
  test.Output(test.Node(OpId::kRelu, {y}));
  test.Output(y);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 unary_f32");
}

ValueId MaxPool(TestGraph* test, ValueId x, int64_t kernel, int64_t stride) {
  const ValueId y = test->Node(OpId::kMaxPool2d, {x});
  test->Attributes<ops::MaxPool2dAttributes>().kernel = {kernel, kernel};
  test->Attributes<ops::MaxPool2dAttributes>().strides = {stride, stride};
  return y;
}

TEST(Fusion, PoolsRowsWhileTheyAreNear) {
  for (const int64_t channels : {3, 20}) {
    TestGraph test;
    const ValueId y = Conv(&test, test.Input({1, 67, 64, channels}), {16, 3, 3, channels}, 1, 1, 1);
    test.Output(MaxPool(&test, test.Node(OpId::kRelu, {y}), 2, 2));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, "conv2d_max_pool_f32");
  }
}

// Where windows overlap, threads would make rows twice.
TEST(Fusion, PoolsOverlappingWindowsWithOneThread) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 67, 64, 3}), {16, 3, 3, 3}, 1, 1, 1);
  test.Output(MaxPool(&test, test.Node(OpId::kRelu, {y}), 3, 2));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 max_pool_f32");
  CompiledGraph compiled;
  compiled.Compile(&test.graph, {Isa::kScalar, false, 1, false});
  EXPECT_EQ(compiled.Kernels(), "conv2d_max_pool_f32");
}

TEST(Fusion, DoesNotPoolWhatOthersReadOrWeightsThatAreComputed) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 64, 64, 3}), {16, 3, 3, 3}, 1, 1, 1);
  test.Output(MaxPool(&test, y, 2, 2));
  test.Output(test.Node(OpId::kFloor, {y}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 max_pool_f32 unary_f32");

  TestGraph computed;
  const ValueId x = computed.Input({1, 64, 64, 3}), w = computed.Input({16, 3, 3, 3});
  const ValueId z = computed.Node(OpId::kConv2d, {x, w, computed.Constant({16})});
  computed.Attributes<ops::Conv2dAttributes>().pads = {1, 1, 1, 1};
  computed.Output(MaxPool(&computed, computed.Node(OpId::kRelu, {z}), 2, 2));
  ExpectMatchesReference(&computed, &kernels);
  EXPECT_EQ(kernels, "reference unary_f32 max_pool_f32");
}

// A sum of two convolutions belongs to the later one.
TEST(Fusion, SumOfTwoProducers) {
  TestGraph test;
  const ValueId x = test.Input({1, 4, 6, 8});
  const ValueId a = Conv(&test, x, {12, 1, 1, 8}, 1, 0, 1);
  const ValueId b = Conv(&test, x, {12, 3, 3, 8}, 1, 1, 1);
  test.Output(test.Node(OpId::kRelu, {test.Node(OpId::kAdd, {a, b})}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 conv2d_f32");
}

// A gate that is spelled out in elementary operators is one post-op.
TEST(Fusion, SpelledOutGates) {
  for (const int spelling : {0, 1, 2, 3}) {
    TestGraph test;
    const ValueId x = test.Input({1, 4, 6, 8});
    const ValueId y = Conv(&test, x, {12, 1, 1, 8}, 1, 0, 1);
    ValueId result = kNone;
    if (spelling == 0) {
      result = test.Node(OpId::kMul, {test.Node(OpId::kSigmoid, {y}), y});
    } else if (spelling == 1) {
      const ValueId clip = test.Node(OpId::kClip, {test.Node(OpId::kAdd, {y, test.Scalar(3.0f)})});
      test.Attributes<ops::ClipAttributes>() = {0.0f, 6.0f};
      result = test.Node(OpId::kDiv, {test.Node(OpId::kMul, {y, clip}), test.Scalar(6.0f)});
    } else if (spelling == 2) {
      const ValueId erf = test.Node(OpId::kErf, {test.Node(OpId::kDiv, {y, test.Scalar(1.41421356f)})});
      const ValueId sum = test.Node(OpId::kAdd, {erf, test.Scalar(1.0f)});
      result = test.Node(OpId::kMul, {test.Node(OpId::kMul, {y, sum}), test.Scalar(0.5f)});
    } else {
      const ValueId gate = test.Node(OpId::kHardSigmoid, {y});
      test.Attributes<ops::HardSigmoidAttributes>() = {1.0f / 6.0f, 0.5f};
      result = test.Node(OpId::kMul, {y, gate});
    }
    test.Output(test.Node(OpId::kAdd, {result, test.Constant({12})}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, "conv2d_f32") << "spelling " << spelling;
  }
}

// What looks like a gate and is none.
TEST(Fusion, GateWithAnotherFactor) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 4, 6, 8}), {12, 1, 1, 8}, 1, 0, 1);
  const ValueId clip = test.Node(OpId::kClip, {test.Node(OpId::kAdd, {y, test.Scalar(3.0f)})});
  test.Attributes<ops::ClipAttributes>() = {0.0f, 6.0f};
  test.Output(test.Node(OpId::kDiv, {test.Node(OpId::kMul, {y, clip}), test.Scalar(5.0f)}));
  ExpectMatchesReference(&test);
}

}  // namespace
}  // namespace mace::cpu
