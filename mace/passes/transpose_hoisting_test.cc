#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class TransposeHoistingTest : public PassTest {
 protected:
  ValueId Transpose(ValueId x, const IntList& perm) {
    ops::TransposeAttributes attributes;
    attributes.perm = perm;
    return Node(OpId::kTranspose, {x}, attributes);
  }
};

TEST_F(TransposeHoistingTest, BeforeAndAfter) {
  const ValueId scaled = Node(OpId::kMul, {Input("x", {1, 3, 4, 5}), Floats({3, 1, 1})});
  Output(
      Node(OpId::kConv2d, {Transpose(scaled, {0, 2, 3, 1}), Floats({2, 1, 1, 3})}, ops::Conv2dAttributes{}),
      "y");
  ExpectRewrite(RunTransposeHoisting, "Mul Transpose Conv2d", "Transpose Mul Conv2d");
}

TEST_F(TransposeHoistingTest, PreparationOfAnInputIsHoistedOver) {
  const ValueId x = Input("x", {1, 3, 4, 5});
  const ValueId scaled =
      Node(OpId::kDiv, {Node(OpId::kSub, {x, Floats({3, 1, 1})}), Floats({1, 3, 1, 1}, {2, 3, 4})});
  Output(
      Node(OpId::kConv2d, {Transpose(scaled, {0, 2, 3, 1}), Floats({2, 1, 1, 3})}, ops::Conv2dAttributes{}),
      "y");
  RunAndCompare(RunTransposeHoisting);
  ASSERT_EQ(graph_.nodes[0].op, OpId::kTranspose);
  EXPECT_EQ(graph_.nodes[0].inputs[0], graph_.inputs[0]);
}

}  // namespace
}  // namespace mace::passes
