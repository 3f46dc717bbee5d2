#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/norm/norm.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class ScaleFoldingTest : public PassTest {
 protected:
  ValueId Conv(ValueId x, int64_t in, int64_t out) {
    return Node(OpId::kConv2d, {x, Floats({out, 3, 3, in}), Floats({out})}, ops::Conv2dAttributes{});
  }
};

TEST_F(ScaleFoldingTest, BeforeAndAfter) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  const ValueId y = Node(OpId::kBatchNormalization,
                         {Conv(x, 3, 2), Floats({2}), Floats({2}), Floats({2}), Floats({2}, {1, 2})},
                         ops::BatchNormalizationAttributes{});
  Output(Node(OpId::kRelu, {Node(OpId::kAdd, {y, Floats({2})})}), "y");
  ExpectRewrite(RunScaleFolding, "Conv2d BatchNormalization Add Relu", "Conv2d Relu");
}

TEST_F(ScaleFoldingTest, BatchNormalizationFoldsIntoLayers) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  const auto normalise = [&](ValueId y, int64_t channels) {
    return Node(OpId::kBatchNormalization,
                {y, Floats({channels}), Floats({channels}), Floats({channels}),
                 Floats({channels}, std::vector<float>(channels, 0.7f))},
                ops::BatchNormalizationAttributes{});
  };
  ValueId y = normalise(Conv(x, 3, 4), 4);
  y = normalise(Node(OpId::kConvTranspose2d, {y, Floats({2, 2, 2, 4})}, ops::ConvTranspose2dAttributes{}), 2);
  y = normalise(Node(OpId::kFullyConnected, {y, Floats({6, 2})}, ops::FullyConnectedAttributes{}), 6);
  Output(y, "y");
  RunAndCompare(RunScaleFolding, 1e-4);
  EXPECT_EQ(graph_.nodes.size(), 3u);
}

TEST_F(ScaleFoldingTest, ScalesAndShiftsFoldOnlyPerChannel) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  ValueId y = Node(OpId::kMul, {Floats({1, 1, 4}), Conv(x, 3, 4)});
  y = Node(OpId::kSub, {Node(OpId::kAdd, {y, Scalar(0.5f)}), Floats({4})});
  Output(y, "y");
  // Per row: not a scale of the weights. And a value that somebody else reads stays.
  Output(Node(OpId::kMul, {Conv(x, 3, 4), Floats({3, 1, 1})}), "z");
  const ValueId shared = Conv(x, 3, 4);
  Output(Node(OpId::kAdd, {shared, Floats({4})}), "u");
  Output(Node(OpId::kRelu, {shared}), "v");
  // c - y turns the sign of the weights: left alone.
  Output(Node(OpId::kSub, {Floats({4}), Conv(x, 3, 4)}), "w");
  RunAndCompare(RunScaleFolding);
  EXPECT_EQ(Count(OpId::kMul), 1);
  EXPECT_EQ(Count(OpId::kAdd), 1);
  EXPECT_EQ(Count(OpId::kSub), 1);
}

// A file of 4 MiB must not ask for gigabytes: 33 new weights of 4 MiB would be more than 16 MiB and four
// times what there is.
TEST_F(ScaleFoldingTest, NewWeightsAreBounded) {
  constexpr int64_t kChannels = 1 << 20;
  for (const bool shares : {true, false}) {
    for (const bool behind : {true, false}) {
      graph_ = Graph();
      const ValueId x = Input("x", {1, 1, 1, behind ? 1 : kChannels});
      const ValueId weights = Floats(behind ? Shape{kChannels, 1, 1, 1} : Shape{1, 1, 1, kChannels});
      const ValueId half = Scalar(0.5f);
      const auto convolved = [&](ValueId y) {
        return Node(OpId::kConv2d, {y, weights}, ops::Conv2dAttributes{});
      };
      const auto scaled = [&](ValueId y) { return Node(OpId::kMul, {y, half}); };
      ValueId y = behind ? convolved(x) : x;
      for (int i = 0; i < 33; ++i) {
        y = scaled(shares && behind ? convolved(x) : shares ? x : y);
        if (shares) Output(behind ? y : convolved(y), ("y" + std::to_string(i)).c_str());
      }
      if (!shares) Output(behind ? y : convolved(y), "y");
      ASSERT_TRUE((behind ? RunScaleFolding : RunInputFolding)(&graph_).ok());
      EXPECT_EQ(Count(OpId::kMul), 33 - 8) << shares << behind;
    }
  }
}

// Depthwise filters have one input channel each, and the output channels first like all others.
TEST_F(ScaleFoldingTest, DepthwiseFilters) {
  ops::Conv2dAttributes depthwise;
  depthwise.groups = 4;
  const ValueId y = Node(OpId::kConv2d, {Input("x", {1, 5, 5, 4}), Floats({8, 3, 3, 1})}, depthwise);
  Output(Node(OpId::kAdd, {Node(OpId::kMul, {y, Floats({8})}), Floats({1, 1, 1, 8})}), "y");
  ExpectRewrite(RunScaleFolding, "Conv2d Mul Add", "Conv2d");
}

}  // namespace
}  // namespace mace::passes
