#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class TransposeSinkingTest : public PassTest {
 protected:
  ValueId Transpose(ValueId x, const IntList& perm) {
    ops::TransposeAttributes attributes;
    attributes.perm = perm;
    return Node(OpId::kTranspose, {x}, attributes);
  }
  ValueId ToNhwc(ValueId x) { return Transpose(x, {0, 2, 3, 1}); }
  ValueId ToNchw(ValueId x) { return Transpose(x, {0, 3, 1, 2}); }
  ValueId Reshape(ValueId x, const IntList& shape) {
    ops::ReshapeAttributes attributes;
    attributes.shape = shape;
    return Node(OpId::kReshape, {x}, attributes);
  }
};

TEST_F(TransposeSinkingTest, PairsCancelAndChainsMerge) {
  const ValueId x = Input("x", {2, 3, 4, 5});
  Output(Node(OpId::kRelu, {ToNchw(ToNhwc(x))}), "y");
  Output(Transpose(Transpose(x, {1, 0, 2, 3}), {0, 1, 3, 2}), "z");
  RunAndCompare(RunTransposeSinking);
  EXPECT_EQ(Count(OpId::kTranspose), 1);
  EXPECT_TRUE(graph_.values[graph_.outputs[1]].name == "z");
}

// What passes emit can be named in messages, though neither it nor what it stands for has a name.
TEST_F(TransposeSinkingTest, EmittedNodesAreCalledAsWhatTheyStandFor) {
  const ValueId x = Input("x", {2, 3, 4, 5});
  const ValueId relu = Node(OpId::kRelu, {ToNhwc(x)});
  Check(graph_.values[relu].name.Assign("activation"));
  Output(Node(OpId::kNeg, {relu}), "y");
  RunAndCompare(RunTransposeSinking);
  for (const mace::Node& node : graph_.nodes) {
    EXPECT_STREQ(graph_.LabelOf(node), node.op == OpId::kRelu ? "activation" : "y");
  }
}

TEST_F(TransposeSinkingTest, ElementwiseOperandsOfEveryKindArePermuted) {
  const ValueId x = Input("x", {2, 4, 5, 3});
  const ValueId a = ToNchw(x);  // [2, 3, 4, 5]
  ValueId y = Node(OpId::kPRelu, {a, Floats({3, 1, 1})});
  y = Node(OpId::kMul, {Floats({5}), y});
  y = Node(OpId::kAdd, {y, Floats({2, 1, 4, 1})});
  y = Node(OpId::kSub, {Scalar(2), y});
  y = Node(OpId::kMax, {y, ToNchw(Node(OpId::kNeg, {x}))});
  Output(ToNhwc(y), "y");
  RunAndCompare(RunTransposeSinking);
  EXPECT_EQ(Count(OpId::kTranspose), 0);
}

TEST_F(TransposeSinkingTest, AnotherInputIsTransposedAtTheEdge) {
  const ValueId x = Input("x", {1, 4, 5, 3});
  const ValueId other = Input("other", {1, 3, 4, 5});
  const ValueId relu = Node(OpId::kRelu, {x});
  Output(ToNhwc(Node(OpId::kAdd, {ToNchw(relu), other})), "y");
  RunAndCompare(RunTransposeSinking);
  ASSERT_EQ(Count(OpId::kTranspose), 1);
  for (const mace::Node& node : graph_.nodes) {
    if (node.op == OpId::kTranspose) {
      EXPECT_EQ(node.inputs[0], graph_.inputs[1]);
    }
  }
}

TEST_F(TransposeSinkingTest, AxesAreRenumbered) {
  const ValueId x = Input("x", {2, 6, 5, 4});
  ValueId y = ToNchw(Node(OpId::kRelu, {x}));  // [2, 4, 6, 5]
  ops::ConcatAttributes concat;
  concat.axis = 1;
  y = Node(OpId::kConcat, {y, Floats({2, 2, 6, 5}), y}, concat);  // 10 channels
  ops::SplitAttributes split;
  split.axis = -3;
  const std::vector<ValueId> parts = NodeMany(OpId::kSplit, {y, Ints({3, 7})}, split, 2);
  y = Node(OpId::kPad, {parts[1], Ints({0, 1, 2, 0, 0, 0, 1, 3})}, ops::PadAttributes{});
  y = Node(OpId::kSlice, {y, Ints({1, 2}), Ints({8, 7}), Ints({1, -1})});
  y = Node(OpId::kSlice, {y, Ints({0, 1}), Ints({2, 6})});
  ops::SoftmaxAttributes softmax;
  softmax.axis = 1;
  y = Node(OpId::kSoftmax, {y}, softmax);
  ops::ReduceAttributes reduce;
  reduce.axes = {2, -1};
  reduce.keep_dims = false;
  Output(Node(OpId::kReduce, {y}, reduce), "y");
  Output(ToNhwc(parts[0]), "z");
  RunAndCompare(RunTransposeSinking);
  EXPECT_EQ(Count(OpId::kTranspose), 0);
}

TEST_F(TransposeSinkingTest, ChannelShuffleMovesToTheLastAxis) {
  const ValueId x = Input("x", {2, 3, 4, 6});
  ValueId y = Reshape(ToNchw(x), {0, 2, 3, 3, 4});
  y = Reshape(Transpose(y, {0, 2, 1, 3, 4}), {0, -1, 3, 4});
  Output(ToNhwc(y), "y");
  RunAndCompare(RunTransposeSinking);
  ASSERT_EQ(Count(OpId::kTranspose), 1);
  for (const mace::Node& node : graph_.nodes) {
    if (node.op == OpId::kTranspose) {
      EXPECT_EQ(PermutationOf(node, 5), (IntList{0, 1, 2, 4, 3}));
    }
  }
}

TEST_F(TransposeSinkingTest, PatchesBecomeTokensWithoutATranspose) {
  const ValueId x = Input("x", {2, 3, 4, 6});
  Output(Transpose(Reshape(ToNchw(x), {0, 6, 12}), {0, 2, 1}), "y");
  RunAndCompare(RunTransposeSinking);
  EXPECT_EQ(Count(OpId::kTranspose), 0);
}

TEST_F(TransposeSinkingTest, HeadsOfAttentionStayAsTheyAre) {
  const ValueId x = Input("x", {2, 3, 5, 4});  // [batch, heads, tokens, depth]
  Output(Reshape(Transpose(x, {0, 2, 1, 3}), {0, 5, 12}), "y");
  RunAndCompare(RunTransposeSinking);
  EXPECT_EQ(Count(OpId::kTranspose), 1);
}

TEST_F(TransposeSinkingTest, SymbolicBatchAfterGlobalPooling) {
  const int32_t batch = Unwrap(graph_.FindOrAddSymbol("batch"));
  const ValueId x = Input("x", {SymbolDim(batch), 3, 3, 5});
  ops::ReduceAttributes reduce;
  reduce.kind = ops::ReduceKind::kMean;
  reduce.axes = {2, 3};
  const ValueId pooled = Node(OpId::kReduce, {ToNchw(x)}, reduce);
  Output(Node(OpId::kRelu, {Node(OpId::kFlatten, {pooled}, ops::FlattenAttributes{})}), "y");
  RunAndCompare(RunTransposeSinking);
  EXPECT_EQ(Count(OpId::kTranspose), 0);
  RunAndCompare(RunReshapeMerging);
  EXPECT_EQ(Count(OpId::kReshape), 1);
}

TEST_F(TransposeSinkingTest, BeforeAndAfter) {
  const ValueId x = ToNchw(Input("x", {2, 4, 5, 3}));
  Output(ToNhwc(Node(OpId::kMul, {Node(OpId::kRelu, {x}), Floats({3, 1, 1})})), "y");
  ExpectRewrite(RunTransposeSinking, "Transpose Relu Mul Transpose", "Relu Mul");
}

}  // namespace
}  // namespace mace::passes
