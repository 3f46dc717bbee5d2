#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class ScalarHoistingTest : public PassTest {
 protected:
  // [5, 6] -> [2, 5, 3]
  ValueId Heads(ValueId x, ValueId bias) {
    const ValueId y = Node(OpId::kFullyConnected, {x, Floats({6, 6}), bias}, ops::FullyConnectedAttributes{});
    ops::ReshapeAttributes reshape;
    reshape.shape = {5, 2, 3};
    ops::TransposeAttributes transpose;
    transpose.perm = {1, 0, 2};
    return Node(OpId::kTranspose, {Node(OpId::kReshape, {y}, reshape)}, transpose);
  }
};

TEST_F(ScalarHoistingTest, BeforeAndAfter) {
  const ValueId q = Heads(Input("x", {5, 6}), Floats({6}));
  const ValueId scores = Node(OpId::kMatMul, {q, Input("k", {2, 3, 7})}, ops::MatMulAttributes{});
  Output(
      Node(OpId::kSoftmax, {Node(OpId::kDiv, {scores, Scalar(std::sqrt(3.0f))})}, ops::SoftmaxAttributes{}),
      "y");
  ExpectRewrite(RunScalarHoisting, "FullyConnected Reshape Transpose MatMul Div Softmax",
                "FullyConnected Reshape Transpose MatMul Softmax");
}

// Somebody else reads the unscaled values; a factor for each column; weights that would underflow.
TEST_F(ScalarHoistingTest, OtherFactorsStay) {
  const ValueId shared = Heads(Input("a", {5, 6}), kNone);
  Output(Node(OpId::kMul, {shared, Scalar(0.5f)}), "shared");
  Output(Node(OpId::kExp, {shared}), "reader");
  Output(Node(OpId::kMul, {Heads(Input("b", {5, 6}), kNone), Floats({3})}), "columns");
  Output(Node(OpId::kMul, {Heads(Input("c", {5, 6}), kNone), Scalar(1e-38f)}), "underflow");
  Output(Node(OpId::kMul, {Node(OpId::kExp, {Heads(Input("d", {5, 6}), kNone)}), Scalar(2)}), "exp");
  const std::string before = Operators();
  ExpectRewrite(RunScalarHoisting, before.c_str(), before.c_str(), 0);
}

// As in input_bias_folding; what was tried in vain counts, too.
TEST_F(ScalarHoistingTest, WorkIsBounded) {
  for (const float factor : {0.5f, 1e-38f}) {
    graph_ = Graph();
    const ValueId x = Input("x", {1, 1024}), weights = Floats({1024, 1024});
    ops::ReshapeAttributes reshape;
    reshape.shape = {1024, 1};
    for (int i = 0; i < 11; ++i) {
      const ValueId y = Node(OpId::kFullyConnected, {x, weights}, ops::FullyConnectedAttributes{});
      Output(Node(OpId::kMul, {Node(OpId::kReshape, {y}, reshape), Scalar(factor)}),
             ("y" + std::to_string(i)).c_str());
    }
    ASSERT_TRUE(RunScalarHoisting(&graph_).ok());
    EXPECT_EQ(Count(OpId::kMul), factor == 0.5f ? 11 - 8 : 11);
  }
}

}  // namespace
}  // namespace mace::passes
