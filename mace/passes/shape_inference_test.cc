#include "mace/ops/matmul/matmul.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using ShapeInferenceTest = PassTest;

TEST_F(ShapeInferenceTest, BeforeAndAfter) {
  const int32_t batch = Unwrap(graph_.FindOrAddSymbol("batch"));
  const ValueId x = Input("x", {SymbolDim(batch), 5});
  const ValueId y = Node(OpId::kMatMul, {x, Floats({5, 4})}, ops::MatMulAttributes{});
  Output(y, "y");
  graph_.values[y].type.shape = Shape::OfUnknownRank();
  ASSERT_TRUE(RunShapeInference(&graph_).ok());
  EXPECT_TRUE(graph_.values[y].type.shape == (Shape{SymbolDim(batch), 4}));
}

}  // namespace
}  // namespace mace::passes
