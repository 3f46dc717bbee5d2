#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using DeadCodeTest = PassTest;

TEST_F(DeadCodeTest, BeforeAndAfter) {
  const ValueId x = Input("x", {3});
  Node(OpId::kExp, {Node(OpId::kNeg, {x})});
  Output(Node(OpId::kRelu, {x}), "y");
  ExpectRewrite(RunDeadCodeRemoval, "Neg Exp Relu", "Relu");
}

TEST_F(DeadCodeTest, DeadCodeGoesInputsStay) {
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
