#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using MatmulTransposeFusionTest = PassTest;

TEST_F(MatmulTransposeFusionTest, BeforeAndAfter) {
  ops::TransposeAttributes perm;
  perm.perm = {0, 2, 1};
  const ValueId k = Node(OpId::kTranspose, {Input("k", {2, 7, 4})}, perm);
  Output(Node(OpId::kMatMul, {Input("q", {2, 5, 4}), k}, ops::MatMulAttributes{}), "y");
  ExpectRewrite(RunMatMulTransposeFusion, "Transpose MatMul", "MatMul");
}

TEST_F(MatmulTransposeFusionTest, KeysAreReadTransposed) {
  const ValueId q = Input("q", {2, 3, 5, 4}), k = Input("k", {2, 7, 3, 4});
  ops::TransposeAttributes perm;
  perm.perm = {0, 2, 3, 1};
  Output(Node(OpId::kMatMul, {q, Node(OpId::kTranspose, {k}, perm)}, ops::MatMulAttributes{}), "y");
  RunAndCompare(RunMatMulTransposeFusion);
  ASSERT_EQ(graph_.nodes.size(), 2u);
  EXPECT_EQ(PermutationOf(graph_.nodes[0], 4), (IntList{0, 2, 1, 3}));
  EXPECT_TRUE(graph_.nodes[1].attributes.as<ops::MatMulAttributes>().transpose_b);
}

}  // namespace
}  // namespace mace::passes
