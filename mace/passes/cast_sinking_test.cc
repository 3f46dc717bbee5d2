#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using CastSinkingTest = PassTest;

TEST_F(CastSinkingTest, BeforeAndAfter) {
  std::vector<uint16_t> elements(32, 0x3C00);
  const ValueId table = Unwrap(graph_.AddConstant("", {elements.data(), DType::kF16, Shape{8, 4}}, true));
  const ValueId wide = Node(OpId::kCast, {table}, ops::CastAttributes{});
  Output(Node(OpId::kGather, {wide, Ints({3, 1})}, ops::GatherAttributes{}), "y");
  ExpectRewrite(RunCastSinking, "Cast Gather", "Gather Cast");
}

TEST_F(CastSinkingTest, TablesAreConvertedAfterTheLookUp) {
  std::vector<uint16_t> elements(32);
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<uint16_t>(0x3C00 + i);
  const TensorView view{elements.data(), DType::kF16, Shape{8, 4}};
  const ValueId table = Unwrap(graph_.AddConstant("", view, true));
  const ValueId wide = Node(OpId::kCast, {table}, ops::CastAttributes{});
  const ValueId picked = Node(OpId::kGather, {wide, Ints({3, 1})}, ops::GatherAttributes{});
  Output(Node(OpId::kAdd, {picked, Input("x", {4})}), "y");
  RunAndCompare(RunCastSinking);
  EXPECT_EQ(graph_.nodes[0].op, OpId::kGather);
  EXPECT_EQ(graph_.nodes[1].op, OpId::kCast);
}

}  // namespace
}  // namespace mace::passes
