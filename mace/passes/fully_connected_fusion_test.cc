#include "mace/ops/matmul/matmul.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using FullyConnectedFusionTest = PassTest;

TEST_F(FullyConnectedFusionTest, BeforeAndAfter) {
  const ValueId product = Node(OpId::kMatMul, {Input("x", {2, 5}), Floats({5, 4})}, ops::MatMulAttributes{});
  Output(Node(OpId::kAdd, {product, Floats({4})}), "y");
  ExpectRewrite(RunFullyConnectedFusion, "MatMul Add", "FullyConnected");
}

TEST_F(FullyConnectedFusionTest, MatMulByConstantsWithBias) {
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

}  // namespace
}  // namespace mace::passes
