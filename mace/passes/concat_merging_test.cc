#include "mace/ops/movement/movement.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using ConcatMergingTest = PassTest;

TEST_F(ConcatMergingTest, BeforeAndAfter) {
  ops::ConcatAttributes concat;
  concat.axis = 1;
  const ValueId inner = Node(OpId::kConcat, {Input("a", {2, 3}), Input("b", {2, 1})}, concat);
  concat.axis = -1;
  Output(Node(OpId::kConcat, {Input("c", {2, 2}), inner}, concat), "y");
  ExpectRewrite(RunConcatMerging, "Concat Concat", "Concat", 0);
}

TEST_F(ConcatMergingTest, AnotherAxisReaderOrScaleStays) {
  ops::ConcatAttributes rows, columns;
  columns.axis = 1;
  const ValueId a = Input("a", {2, 2}), b = Input("b", {2, 2});
  Output(Node(OpId::kConcat, {Node(OpId::kConcat, {a, b}, rows), Input("c", {4, 1})}, columns), "axis");
  const ValueId shared = Node(OpId::kConcat, {a, b}, rows);
  Output(Node(OpId::kConcat, {shared, b}, rows), "reader");
  Output(Node(OpId::kExp, {shared}), "other");
  const size_t nodes = graph_.nodes.size();
  RunAndCompare(RunConcatMerging, 0);
  EXPECT_EQ(graph_.nodes.size(), nodes);
}

}  // namespace
}  // namespace mace::passes
