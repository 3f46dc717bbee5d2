#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/matmul/fully_connected.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class InputBiasFoldingTest : public PassTest {
 protected:
  ValueId Conv(ValueId x, int64_t in, int64_t out, int64_t groups) {
    ops::Conv2dAttributes attributes;
    attributes.groups = groups;
    return Node(OpId::kConv2d, {x, Floats({out, 3, 3, in / groups}), Floats({out})}, attributes);
  }
};

TEST_F(InputBiasFoldingTest, BeforeAndAfter) {
  const ValueId x = Node(OpId::kAdd, {Input("x", {1, 5, 5, 3}), Floats({3})});
  const ValueId y = Node(OpId::kSub, {Conv(x, 3, 4, 1), Scalar(0.5f)});
  Output(Node(OpId::kFullyConnected, {y, Floats({2, 4})}, ops::FullyConnectedAttributes{}), "y");
  ExpectRewrite(RunInputBiasFolding, "Add Conv2d Sub FullyConnected", "Conv2d FullyConnected");
}

TEST_F(InputBiasFoldingTest, GroupsReadTheirOwnChannels) {
  Output(Conv(Node(OpId::kAdd, {Floats({1, 1, 6}), Input("x", {1, 5, 5, 6})}), 6, 4, 2), "y");
  Output(Conv(Node(OpId::kAdd, {Input("z", {1, 5, 5, 4}), Floats({4})}), 4, 8, 4), "z");
  ExpectRewrite(RunInputBiasFolding, "Add Conv2d Add Conv2d", "Conv2d Conv2d");
}

// The padding is of zeros, not of what is added; and c - x is no sum of x.
TEST_F(InputBiasFoldingTest, WhatReachesThePaddingStays) {
  const ValueId x = Input("x", {1, 5, 5, 3});
  ops::Conv2dAttributes padded;
  padded.pads = {1, 0, 0, 0};
  Output(Node(OpId::kConv2d, {Node(OpId::kAdd, {x, Floats({3})}), Floats({2, 3, 3, 3})}, padded), "padded");
  padded.pads = {0, 0, 0, 0}, padded.padding = ops::Padding::kSameUpper;
  Output(Node(OpId::kConv2d, {Node(OpId::kAdd, {x, Floats({3})}), Floats({2, 3, 3, 3})}, padded), "same");
  Output(Conv(Node(OpId::kSub, {Floats({3}), x}), 3, 4, 1), "negated");
  Output(Conv(Node(OpId::kAdd, {x, Floats({5, 3})}), 3, 4, 1), "columns");
  const ValueId shared = Node(OpId::kAdd, {x, Floats({3})});
  Output(Conv(shared, 3, 4, 1), "shared");
  Output(Node(OpId::kExp, {shared}), "reader");
  const std::string before = Operators();
  ExpectRewrite(RunInputBiasFolding, before.c_str(), before.c_str(), 0);
}

// Many layers that share large weights: 16 MiB and four times the constants are read, no more.
TEST_F(InputBiasFoldingTest, WorkIsBounded) {
  const ValueId weights = Floats({1024, 1024}), one = Scalar(1);
  ValueId y = Input("x", {1, 1024});
  for (int i = 0; i < 11; ++i) {
    y = Node(OpId::kFullyConnected, {Node(OpId::kAdd, {y, one}), weights}, ops::FullyConnectedAttributes{});
  }
  Output(y, "y");
  ASSERT_TRUE(RunInputBiasFolding(&graph_).ok());
  EXPECT_EQ(Count(OpId::kAdd), 11 - 8);
}

}  // namespace
}  // namespace mace::passes
