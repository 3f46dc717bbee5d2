#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class ReduceSqueezingTest : public PassTest {
 protected:
  static ops::ReduceAttributes Mean() {
    ops::ReduceAttributes mean;
    mean.kind = ops::ReduceKind::kMean, mean.axes = {1, -2};
    return mean;
  }
};

TEST_F(ReduceSqueezingTest, BeforeAndAfter) {
  const int32_t batch = Unwrap(graph_.FindOrAddSymbol("batch"));
  const ValueId pooled = Node(OpId::kReduce, {Input("x", {SymbolDim(batch), 3, 4, 5})}, Mean());
  Output(Node(OpId::kFlatten, {pooled}, ops::FlattenAttributes{}), "y");
  ExpectRewrite(RunReduceSqueezing, "Reduce Flatten", "Reduce", 0);
  EXPECT_TRUE(graph_.values[graph_.outputs[0]].type.shape == (Shape{SymbolDim(batch), 5}));
}

TEST_F(ReduceSqueezingTest, OtherShapesAndReadersStay) {
  const ValueId pooled = Node(OpId::kReduce, {Input("x", {2, 3, 4, 6})}, Mean());
  ops::ReshapeAttributes reshape;
  reshape.shape = {4, 3};
  Output(Node(OpId::kReshape, {pooled}, reshape), "other_shape");
  const ValueId shared = Node(OpId::kReduce, {Input("z", {2, 3, 4, 6})}, Mean());
  Output(Node(OpId::kFlatten, {shared}, ops::FlattenAttributes{}), "flat");
  Output(Node(OpId::kExp, {shared}), "reader");
  const std::string before = Operators();
  ExpectRewrite(RunReduceSqueezing, before.c_str(), before.c_str(), 0);
}

}  // namespace
}  // namespace mace::passes
