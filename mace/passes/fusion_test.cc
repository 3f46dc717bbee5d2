// The fusing and folding passes, on patterns that fit and on ones that only look like it.
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class FusionTest : public PassTest {
 protected:
  ValueId Conv(ValueId x, int64_t in, int64_t out) {
    return Node(OpId::kConv2d, {x, Floats({out, 3, 3, in}), Floats({out})}, ops::Conv2dAttributes{});
  }
};

TEST_F(FusionTest, BatchNormalizationFoldsIntoLayers) {
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

TEST_F(FusionTest, ReversedAndScaledChannelsFoldIntoAConvolution) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  const auto reversed = [&](ValueId y, int64_t axis) {
    return Node(OpId::kSlice, {y, Ints({-1}), Ints({INT64_MIN}), Ints({axis}), Ints({-1})});
  };
  ValueId y = Node(OpId::kMul, {Node(OpId::kAdd, {x, Floats({3})}), Floats({3})});
  y = Node(OpId::kMul, {Scalar(0.25f), reversed(y, 3)});
  Output(Conv(y, 3, 4), "y");
  RunAndCompare(RunInputFolding);
  EXPECT_EQ(Count(OpId::kMul), 0);
  EXPECT_EQ(Count(OpId::kSlice), 0);
  EXPECT_EQ(Count(OpId::kAdd), 1);  // a convolution pads with zeros: a sum in front of it stays
}

TEST_F(FusionTest, WhatIsNoScaleOfInputChannelsStays) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  const auto sliced = [&](int64_t start, int64_t end, int64_t axis, int64_t step) {
    return Node(OpId::kSlice, {x, Ints({start}), Ints({end}), Ints({axis}), Ints({step})});
  };
  Output(Conv(sliced(-1, INT64_MIN, 2, -1), 3, 4), "rows");
  Output(Conv(sliced(-1, 0, 3, -1), 2, 4), "two_of_three");
  Output(Conv(sliced(0, 3, 3, 1), 3, 4), "forwards");
  Output(Conv(Node(OpId::kMul, {x, Floats({5, 3})}), 3, 4), "of_a_column");
  Output(Conv(Node(OpId::kMul, {x, x}), 3, 4), "square");
  const ValueId shared = Node(OpId::kMul, {x, Floats({3})});
  Output(Conv(shared, 3, 4), "shared");
  Output(Node(OpId::kRelu, {shared}), "relu");
  ops::Conv2dAttributes depthwise;
  depthwise.groups = 3;
  Output(Node(OpId::kConv2d, {Node(OpId::kMul, {x, Floats({3})}), Floats({3, 3, 3, 1})}, depthwise),
         "depthwise");
  const size_t nodes = graph_.nodes.size();
  RunAndCompare(RunInputFolding);
  EXPECT_EQ(graph_.nodes.size(), nodes);
}

// x * factor is a number where weight * factor is none, or nothing; zeros times infinity (the padding) are
// none.
TEST_F(FusionTest, FactorsThatWeightsCannotHoldStay) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  int i = 0;
  for (const float factor : {HUGE_VALF, -HUGE_VALF, std::nanf(""), 3e38f, 1e-39f}) {
    const ValueId y = Conv(Node(OpId::kMul, {x, Scalar(factor)}), 3, 4);
    const auto& convolution = graph_.nodes[graph_.values[y].producer];
    float* weights = static_cast<float*>(graph_.ConstantOf(convolution.inputs[1])->data);
    weights[7] = 1e3f;
    Output(y, ("y" + std::to_string(i++)).c_str());
  }
  ASSERT_TRUE(RunInputFolding(&graph_).ok());
  EXPECT_EQ(Count(OpId::kMul), i);
}

// A file of 4 MiB must not ask for gigabytes: 33 new weights of 4 MiB would be more than 16 MiB and four
// times what there is.
TEST_F(FusionTest, NewWeightsAreBounded) {
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

TEST_F(FusionTest, ScalesAndShiftsFoldOnlyPerChannel) {
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

TEST_F(FusionTest, MatMulByConstantsWithBias) {
  const ValueId x = Input("x", {2, 3, 5});
  const ValueId weights = Floats({5, 4});
  Output(Node(OpId::kAdd, {Floats({4}), Node(OpId::kMatMul, {x, weights}, ops::MatMulAttributes{})}), "y");
  Output(Node(OpId::kMatMul, {x, weights}, ops::MatMulAttributes{}), "z");
  ops::MatMulAttributes transposed;
  transposed.transpose_b = true;
  Output(Node(OpId::kMatMul, {x, Floats({4, 5})}, transposed), "u");
  // A bias per row is none.
  Output(Node(OpId::kAdd, {Node(OpId::kMatMul, {x, weights}, ops::MatMulAttributes{}), Floats({3, 1})}), "v");
  RunAndCompare(RunFullyConnectedFusion);
  EXPECT_EQ(Count(OpId::kFullyConnected), 4);
  EXPECT_EQ(Count(OpId::kMatMul), 0);
  EXPECT_EQ(Count(OpId::kAdd), 1);
}

TEST_F(FusionTest, KeysAreReadTransposed) {
  const ValueId q = Input("q", {2, 3, 5, 4}), k = Input("k", {2, 7, 3, 4});
  ops::TransposeAttributes perm;
  perm.perm = {0, 2, 3, 1};
  Output(Node(OpId::kMatMul, {q, Node(OpId::kTranspose, {k}, perm)}, ops::MatMulAttributes{}), "y");
  RunAndCompare(RunMatMulTransposeFusion);
  ASSERT_EQ(graph_.nodes.size(), 2u);
  EXPECT_EQ(PermutationOf(graph_.nodes[0], 4), (IntList{0, 2, 1, 3}));
  EXPECT_TRUE(graph_.nodes[1].attributes.as<ops::MatMulAttributes>().transpose_b);
}

TEST_F(FusionTest, TablesAreConvertedAfterTheLookUp) {
  std::vector<uint16_t> elements(32);
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<uint16_t>(0x3C00 + i);
  const TensorView view{elements.data(), DType::kF16, Shape{8, 4}};
  const ValueId table = Unwrap(graph_.AddConstant("", view, true));
  const ValueId wide = Node(OpId::kCast, {table}, ops::CastAttributes{});
  const ValueId picked = Node(OpId::kGather, {wide, Ints({3, 1})}, ops::GatherAttributes{});
  Output(Node(OpId::kAdd, {picked, Input("x", {4})}), "y");
  RunAndCompare(RunCastSinking);
  EXPECT_EQ(graph_.nodes[0].op, OpId::kGather);
  EXPECT_EQ(graph_.nodes[1].op, OpId::kCast);
}

TEST_F(FusionTest, ConstantsFoldButBigConversionsStay) {
  const ValueId x = Input("x", {4});
  Output(Node(OpId::kAdd, {x, Node(OpId::kMul, {Floats({4}), Floats({4})})}), "y");
  std::vector<uint16_t> elements(100 * 200, 0x3C00);
  const ValueId big =
      Unwrap(graph_.AddConstant("", TensorView{elements.data(), DType::kF16, Shape{100, 200}}, true));
  const ValueId cast = Node(OpId::kCast, {big}, ops::CastAttributes{});
  Output(Node(OpId::kMatMul, {Input("z", {2, 100}), cast}, ops::MatMulAttributes{}), "u");
  const ValueId small =
      Unwrap(graph_.AddConstant("", TensorView{elements.data(), DType::kF16, Shape{4}}, true));
  Output(Node(OpId::kMul, {x, Node(OpId::kCast, {small}, ops::CastAttributes{})}), "v");
  RunAndCompare(RunConstantFolding);
  EXPECT_EQ(Count(OpId::kCast), 1);
  EXPECT_EQ(graph_.nodes.size(), 4u);
}

TEST_F(FusionTest, IdentitiesVanishButResultsKeepTheirNodesAndNames) {
  const ValueId x = Input("x", {3});
  const ValueId y = Node(OpId::kRelu, {Node(OpId::kIdentity, {x})});
  Output(Node(OpId::kIdentity, {y}), "y");
  Output(Node(OpId::kIdentity, {y}), "z");
  Output(Node(OpId::kIdentity, {x}), "u");
  RunAndCompare(RunIdentityRemoval);
  EXPECT_EQ(graph_.nodes.size(), 3u);
  EXPECT_TRUE(graph_.values[graph_.outputs[0]].name == "y");
  EXPECT_TRUE(graph_.values[graph_.outputs[1]].name == "z");
  EXPECT_TRUE(graph_.values[graph_.outputs[2]].name == "u");
}

TEST_F(FusionTest, ReshapesMerge) {
  const ValueId x = Input("x", {2, 3, 4});
  ops::ReshapeAttributes reshape;
  reshape.shape = {4, 6};
  ValueId y = Node(OpId::kReshape, {x}, reshape);
  ops::UnsqueezeAttributes unsqueeze;
  unsqueeze.axes = {0};
  y = Node(OpId::kUnsqueeze, {y}, unsqueeze);
  Output(Node(OpId::kRelu, {Node(OpId::kFlatten, {y}, ops::FlattenAttributes{})}), "y");
  reshape.shape = {2, 3, 4};
  Output(Node(OpId::kNeg, {Node(OpId::kReshape, {y}, reshape)}), "z");
  RunAndCompare(RunReshapeMerging);
  EXPECT_EQ(Count(OpId::kReshape), 1);
  EXPECT_EQ(graph_.nodes.size(), 3u);
}

TEST_F(FusionTest, DeadCodeGoesInputsStay) {
  const ValueId x = Input("x", {3});
  Input("unused", {2});
  Node(OpId::kExp, {Node(OpId::kNeg, {x})});
  Output(Node(OpId::kRelu, {x}), "y");
  RunAndCompare(RunDeadCodeRemoval);
  EXPECT_EQ(graph_.nodes.size(), 1u);
  EXPECT_EQ(graph_.inputs.size(), 2u);
}

}  // namespace
}  // namespace mace::passes
