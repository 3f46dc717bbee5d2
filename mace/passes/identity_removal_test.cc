#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using IdentityRemovalTest = PassTest;

TEST_F(IdentityRemovalTest, BeforeAndAfter) {
  const ValueId y = Node(OpId::kRelu, {Node(OpId::kIdentity, {Input("x", {3})})});
  Output(Node(OpId::kIdentity, {y}), "y");
  ExpectRewrite(RunIdentityRemoval, "Identity Relu Identity", "Relu");
}

TEST_F(IdentityRemovalTest, IdentitiesVanishButResultsKeepTheirNodesAndNames) {
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

}  // namespace
}  // namespace mace::passes
