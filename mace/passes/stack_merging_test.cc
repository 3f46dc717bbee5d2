#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using StackMergingTest = PassTest;

TEST_F(StackMergingTest, BeforeAndAfter) {
  std::vector<ValueId> parts;
  ops::UnsqueezeAttributes unsqueeze;
  unsqueeze.axes = {1};
  for (const char* name : {"a", "b", "c"}) {
    parts.push_back(Node(OpId::kUnsqueeze, {Node(OpId::kExp, {Input(name, {2, 4})})}, unsqueeze));
  }
  ops::ConcatAttributes concat;
  concat.axis = -2;
  Output(Node(OpId::kConcat, parts, concat), "y");
  ExpectRewrite(RunStackMerging, "Exp Unsqueeze Exp Unsqueeze Exp Unsqueeze Concat",
                "Exp Exp Exp Concat Reshape", 0);
}

TEST_F(StackMergingTest, PartsLoseTheirAxisBeforeTheyAreSplit) {
  ops::SplitAttributes split;
  split.axis = 1;
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {1};
  const std::vector<ValueId> parts = NodeMany(OpId::kSplit, {Input("x", {2, 3, 4})}, split, 3);
  int i = 0;
  for (ValueId part : parts)
    Output(Node(OpId::kSqueeze, {part}, squeeze), ("y" + std::to_string(i++)).c_str());
  ExpectRewrite(RunStackMerging, "Split Squeeze Squeeze Squeeze", "Reshape Split", 0);
}

// Along the last axis elements would interleave; what somebody else reads keeps its form.
TEST_F(StackMergingTest, OtherStacksStay) {
  ops::UnsqueezeAttributes last, first;
  last.axes = {2}, first.axes = {0};
  ops::ConcatAttributes concat;
  concat.axis = 2;
  const ValueId x = Input("x", {2, 4}), z = Input("z", {2, 4});
  Output(Node(OpId::kConcat, {Node(OpId::kUnsqueeze, {x}, last), Node(OpId::kUnsqueeze, {z}, last)}, concat),
         "y");
  const ValueId shared = Node(OpId::kUnsqueeze, {x}, first);
  concat.axis = 0;
  Output(Node(OpId::kConcat, {shared, Node(OpId::kUnsqueeze, {z}, first)}, concat), "u");
  Output(Node(OpId::kExp, {shared}), "v");
  ops::SplitAttributes split;
  split.axis = 2;
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {2};
  const std::vector<ValueId> parts = NodeMany(OpId::kSplit, {Input("w", {2, 3, 2})}, split, 2);
  for (ValueId part : parts) Output(Node(OpId::kSqueeze, {part}, squeeze), "part");
  const std::string before = Operators();
  ExpectRewrite(RunStackMerging, before.c_str(), before.c_str(), 0);
}

}  // namespace
}  // namespace mace::passes
