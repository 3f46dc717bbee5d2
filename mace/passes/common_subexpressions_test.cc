#include "mace/ops/unary/unary.h"
#include "mace/passes/quantized_test_graph.h"

namespace mace::passes {
namespace {

using CommonSubexpressionsTest = QuantizedPassTest;

TEST_F(CommonSubexpressionsTest, BeforeAndAfter) {
  const ValueId x = Input("x", {2, 3});
  const ValueId a = Node(OpId::kExp, {Node(OpId::kNeg, {x})});
  const ValueId b = Node(OpId::kExp, {Node(OpId::kNeg, {x})});
  Output(Node(OpId::kAdd, {a, b}), "y");
  ExpectRewrite(RunCommonSubexpressions, "Neg Exp Neg Exp Add", "Neg Exp Add", 0);
}

TEST_F(CommonSubexpressionsTest, OtherAttributesTypesAndRandomNumbersAreNoTwins) {
  const ValueId x = Input("x", {2, 3});
  ops::ClipAttributes one, two;
  one.max = 1, two.max = 2;
  Output(Node(OpId::kClip, {x}, one), "a");
  Output(Node(OpId::kClip, {x}, two), "b");
  Output(Dequantize(Quantize(x, 0.1f, 3)), "c");
  Output(Dequantize(Quantize(x, 0.2f, 3)), "d");
  const size_t nodes = graph_.nodes.size();
  RunAndCompare(RunCommonSubexpressions, 0);
  EXPECT_EQ(graph_.nodes.size(), nodes);
}

// Equal scales that are stored twice are equal; each result keeps a node and its name.
TEST_F(CommonSubexpressionsTest, EqualQuantizationsAndResults) {
  const ValueId x = Input("x", {2, 3});
  Output(Dequantize(Quantize(x, 0.1f, 3)), "a");
  Output(Dequantize(Quantize(x, 0.1f, 3)), "b");
  ExpectRewrite(RunCommonSubexpressions, "Quantize Dequantize Quantize Dequantize",
                "Quantize Dequantize Dequantize", 0);
  EXPECT_TRUE(graph_.values[graph_.outputs[0]].name == "a");
  EXPECT_TRUE(graph_.values[graph_.outputs[1]].name == "b");
}

}  // namespace
}  // namespace mace::passes
