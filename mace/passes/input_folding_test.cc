#include <cmath>

#include "mace/ops/convolution/conv2d.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class InputFoldingTest : public PassTest {
 protected:
  ValueId Conv(ValueId x, int64_t in, int64_t out) {
    return Node(OpId::kConv2d, {x, Floats({out, 3, 3, in}), Floats({out})}, ops::Conv2dAttributes{});
  }
};

TEST_F(InputFoldingTest, BeforeAndAfter) {
  Output(Conv(Node(OpId::kMul, {Input("x", {1, 5, 5, 3}), Floats({3})}), 3, 2), "y");
  ExpectRewrite(RunInputFolding, "Mul Conv2d", "Conv2d");
}

TEST_F(InputFoldingTest, ReversedAndScaledChannelsFoldIntoAConvolution) {
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

TEST_F(InputFoldingTest, WhatIsNoScaleOfInputChannelsStays) {
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
TEST_F(InputFoldingTest, FactorsThatWeightsCannotHoldStay) {
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

}  // namespace
}  // namespace mace::passes
