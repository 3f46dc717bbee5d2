#include "mace/passes/quantized_test_graph.h"

namespace mace::passes {
namespace {

using WeightSharingTest = QuantizedPassTest;

TEST_F(WeightSharingTest, BeforeAndAfter) {
  const ValueId x = Input("x", {2, 3});
  const ValueId y = Node(OpId::kAdd, {Node(OpId::kMul, {x, Floats({3}, {1, 2, 3})}), Floats({3}, {1, 2, 3})});
  Output(Node(OpId::kSub, {Node(OpId::kDiv, {y, Floats({1, 3}, {1, 2, 3})}), Floats({3}, {1, 2, 4})}), "y");
  EXPECT_EQ(graph_.constants.size(), 4u);
  RunAndCompare(RunWeightSharing, 0);
  EXPECT_EQ(graph_.constants.size(), 3u);  // of another shape, or with other bytes: not the same
}

TEST_F(WeightSharingTest, QuantizationCounts) {
  for (const float scale : {0.1f, 0.1f, 0.2f}) {
    const ValueId weights = Stored(DType::kI8, {3}, Scales({scale}, 0));
    Output(Node(OpId::kMul, {Input("x", {3}), weights}), "y");
  }
  RunAndCompare(RunWeightSharing, 0);
  EXPECT_EQ(graph_.constants.size(), 2u);
}

}  // namespace
}  // namespace mace::passes
