#include "mace/ops/movement/movement.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class TransposeToReshapeTest : public PassTest {
 protected:
  ValueId Transpose(ValueId x, const IntList& perm) {
    ops::TransposeAttributes attributes;
    attributes.perm = perm;
    return Node(OpId::kTranspose, {x}, attributes);
  }
};

TEST_F(TransposeToReshapeTest, BeforeAndAfter) {
  Output(Node(OpId::kRelu, {Transpose(Input("x", {2, 1, 1, 5}), {0, 3, 1, 2})}), "y");
  ExpectRewrite(RunTransposeToReshape, "Transpose Relu", "Reshape Relu");
}

TEST_F(TransposeToReshapeTest, MovingAxesOfOneIsAReshape) {
  const int32_t batch = Unwrap(graph_.FindOrAddSymbol("batch"));
  const ValueId x = Input("x", {SymbolDim(batch), 1, 1, 5});
  Output(Node(OpId::kRelu, {Transpose(x, {0, 3, 1, 2})}), "y");
  Output(Transpose(Input("w", {2, 3}), {1, 0}), "z");
  RunAndCompare(RunTransposeToReshape);
  EXPECT_EQ(Count(OpId::kTranspose), 1);
  EXPECT_EQ(Count(OpId::kReshape), 1);
}

}  // namespace
}  // namespace mace::passes
