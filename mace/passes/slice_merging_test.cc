#include "mace/ops/movement/movement.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class SliceMergingTest : public PassTest {
 protected:
  ValueId Slice(ValueId x, int64_t begin, int64_t end, int64_t axis) {
    return Node(OpId::kSlice, {x, Ints({begin}), Ints({end}), Ints({axis})});
  }
};

TEST_F(SliceMergingTest, BeforeAndAfter) {
  const ValueId x = Input("x", {2, 6, 3});
  const ValueId a = Slice(x, 0, 1, 1), b = Slice(x, 4, INT64_MAX, 1), c = Slice(x, 1, -2, -2);
  ops::ConcatAttributes concat;
  concat.axis = 1;
  Output(Node(OpId::kConcat, {Node(OpId::kExp, {a}), Node(OpId::kNeg, {b}), Node(OpId::kRelu, {c})}, concat),
         "y");
  ExpectRewrite(RunSliceMerging, "Slice Slice Slice Exp Neg Relu Concat", "Split Exp Neg Relu Concat", 0);
}

TEST_F(SliceMergingTest, PartsThatAreJoinedAgainVanish) {
  const ValueId x = Node(OpId::kExp, {Input("x", {2, 6, 3})});
  ops::ConcatAttributes concat;
  concat.axis = -2;
  Output(Node(OpId::kConcat, {Slice(x, 0, 2, 1), Slice(x, 2, 6, 1)}, concat), "y");
  Output(Node(OpId::kConcat, {Slice(x, 2, 6, 1), Slice(x, 0, 2, 1)}, concat), "swapped");
  ExpectRewrite(RunSliceMerging, "Exp Slice Slice Concat Slice Slice Concat",
                "Exp Slice Slice Concat Slice Slice Concat", 0);
  RunAndCompare(RunWeightSharing, 0);
  RunAndCompare(RunCommonSubexpressions, 0);
  ExpectRewrite(RunSliceMerging, "Exp Slice Slice Concat Concat", "Exp Split Concat", 0);
}

TEST_F(SliceMergingTest, GapsStepsAndOtherAxesStay) {
  const ValueId x = Input("x", {2, 6, 3});
  Output(Slice(x, 0, 2, 1), "gap_before");
  Output(Slice(x, 3, 6, 1), "gap");
  const ValueId z = Input("z", {2, 6});
  Output(Slice(z, 0, 1, 0), "row");
  Output(Slice(z, 1, 6, 1), "columns");
  Output(Node(OpId::kSlice, {z, Ints({0}), Ints({1}), Ints({1}), Ints({2})}), "steps");
  Output(Node(OpId::kSlice, {z, Ints({0, 0}), Ints({1, 1})}), "corner");
  const size_t nodes = graph_.nodes.size();
  RunAndCompare(RunSliceMerging, 0);
  EXPECT_EQ(graph_.nodes.size(), nodes);
}

}  // namespace
}  // namespace mace::passes
