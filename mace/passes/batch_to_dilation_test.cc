#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class BatchToDilationTest : public PassTest {
 protected:
  ValueId Rearranged(ValueId x, const IntList& inner, const IntList& perm, const IntList& outer) {
    ops::ReshapeAttributes reshape;
    reshape.shape = inner;
    ops::TransposeAttributes transpose;
    transpose.perm = perm;
    const ValueId turned = Node(OpId::kTranspose, {Node(OpId::kReshape, {x}, reshape)}, transpose);
    reshape.shape = outer;
    return Node(OpId::kReshape, {turned}, reshape);
  }
  // [2, 6, 8, 3] in blocks of 2 x 4 -> [16, 3, 2, 3]
  ValueId Apart(ValueId x) { return Rearranged(x, {2, 3, 2, 2, 4, 3}, {2, 4, 0, 1, 3, 5}, {16, 3, 2, 3}); }
  ValueId Conv(ValueId x) {
    return Node(OpId::kConv2d, {x, Floats({5, 2, 2, 3}), Floats({5})}, ops::Conv2dAttributes{});
  }
  // [16, 2, 1, 5] -> [2, 4, 4, 5]
  ValueId Together(ValueId y) { return Rearranged(y, {2, 4, 2, 2, 1, 5}, {2, 3, 0, 4, 1, 5}, {2, 4, 4, 5}); }
};

TEST_F(BatchToDilationTest, BeforeAndAfter) {
  Output(Together(Node(OpId::kRelu, {Conv(Apart(Input("x", {2, 6, 8, 3})))})), "y");
  ExpectRewrite(RunBatchToDilation, "Reshape Transpose Reshape Conv2d Relu Reshape Transpose Reshape",
                "Conv2d Relu");
  EXPECT_EQ(graph_.nodes[0].attributes.as<ops::Conv2dAttributes>().dilations, (IntList{2, 4}));
}

// Other blocks behind than in front, a convolution that pads each phase, and phases that others read.
TEST_F(BatchToDilationTest, LookalikesStay) {
  const ValueId swapped = Conv(Apart(Input("a", {2, 6, 8, 3})));
  Output(Rearranged(swapped, {4, 2, 2, 2, 1, 5}, {2, 3, 0, 4, 1, 5}, {2, 8, 2, 5}), "swapped");
  ops::Conv2dAttributes padded;
  padded.pads = {1, 0, 0, 1};
  const ValueId y = Node(OpId::kConv2d, {Apart(Input("b", {2, 6, 8, 3})), Floats({5, 2, 2, 3})}, padded);
  Output(Rearranged(y, {2, 4, 2, 3, 2, 5}, {2, 3, 0, 4, 1, 5}, {2, 6, 8, 5}), "padded");
  const ValueId shared = Conv(Apart(Input("c", {2, 6, 8, 3})));
  Output(Together(shared), "shared");
  Output(Node(OpId::kExp, {shared}), "reader");
  const std::string before = Operators();
  ExpectRewrite(RunBatchToDilation, before.c_str(), before.c_str(), 0);
}

}  // namespace
}  // namespace mace::passes
