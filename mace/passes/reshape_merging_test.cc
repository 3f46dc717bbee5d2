#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using ReshapeMergingTest = PassTest;

TEST_F(ReshapeMergingTest, BeforeAndAfter) {
  ops::UnsqueezeAttributes unsqueeze;
  unsqueeze.axes = {0};
  const ValueId y = Node(OpId::kUnsqueeze, {Input("x", {2, 3})}, unsqueeze);
  Output(Node(OpId::kFlatten, {Node(OpId::kRelu, {Node(OpId::kFlatten, {y}, ops::FlattenAttributes{})})},
              ops::FlattenAttributes{}),
         "y");
  ExpectRewrite(RunReshapeMerging, "Unsqueeze Flatten Relu Flatten", "Reshape Relu");
}

TEST_F(ReshapeMergingTest, ReshapesMerge) {
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

}  // namespace
}  // namespace mace::passes
