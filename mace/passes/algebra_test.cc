#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class AlgebraTest : public PassTest {
 protected:
  ValueId To(DType dtype, ValueId x) {
    ops::CastAttributes cast;
    cast.to = dtype;
    return Node(OpId::kCast, {x}, cast);
  }
};

TEST_F(AlgebraTest, BeforeAndAfter) {
  const ValueId x = Input("x", {2, 3});
  ValueId y =
      Node(OpId::kDiv, {Node(OpId::kMul, {Node(OpId::kMul, {x, Scalar(3)}), Scalar(0.7f)}), Scalar(4)});
  y = Node(OpId::kSub, {Node(OpId::kMul, {Scalar(1), y}), Scalar(0)});
  Output(Node(OpId::kNeg, {Node(OpId::kNeg, {y})}), "y");
  ExpectRewrite(RunAlgebra, "Mul Mul Div Mul Sub Neg Neg", "Mul");
}

TEST_F(AlgebraTest, PowersAndRoots) {
  const ValueId x = Node(OpId::kAbs, {Input("x", {2, 3})});
  Output(Node(OpId::kPow, {x, Scalar(2)}), "a");
  Output(Node(OpId::kDiv, {Scalar(1), Node(OpId::kSqrt, {x})}), "b");
  Output(Node(OpId::kReciprocal, {Node(OpId::kSqrt, {Node(OpId::kExp, {x})})}), "c");
  Output(Node(OpId::kAdd, {Node(OpId::kNeg, {x}), Node(OpId::kExp, {x})}), "d");
  Output(Node(OpId::kMul, {x, Scalar(-1)}), "e");
  ExpectRewrite(RunAlgebra, "Abs Pow Sqrt Div Exp Sqrt Reciprocal Neg Exp Add Mul",
                "Abs Mul Rsqrt Exp Rsqrt Exp Sub Neg");
}

// h' = (1 - z) * n + z * h, the products in any order.
TEST_F(AlgebraTest, MixturesOfStates) {
  for (const bool bounded : {true, false}) {
    graph_ = Graph();
    const ValueId z = Node(OpId::kSigmoid, {Input("z", {2, 3})}), h = Input("h", {2, 3});
    const ValueId n = Node(bounded ? OpId::kTanh : OpId::kExp, {Input("n", {2, 3})});
    const ValueId fresh = Node(OpId::kMul, {n, Node(OpId::kSub, {Scalar(1), z})});
    Output(Node(OpId::kAdd, {Node(OpId::kMul, {z, h}), fresh}), "y");
    RunAndCompare(RunAlgebra, 1e-6);
    EXPECT_EQ(Operators(), bounded ? "Sigmoid Tanh Sub Mul Add" : "Sigmoid Exp Sub Mul Mul Add");
  }
}

TEST_F(AlgebraTest, IntegersWrap) {
  const ValueId x = To(DType::kI32, Input("x", {5}));
  const auto number = [&](int32_t element) {
    return Unwrap(graph_.AddConstant("", {&element, DType::kI32, Shape{}}, true));
  };
  ValueId y = Node(OpId::kMul, {Node(OpId::kMul, {x, number(1 << 20)}), number((1 << 20) + 3)});
  y = Node(OpId::kAdd, {Node(OpId::kAdd, {y, number(INT32_MAX)}), number(5)});
  y = Node(OpId::kSub, {number(0), Node(OpId::kAdd, {y, number(0)})});
  Output(To(DType::kF32, y), "y");
  RunAndCompare(RunAlgebra, 0);
  RunAndCompare(RunConstantFolding, 0);
  EXPECT_EQ(Operators(), "Cast Mul Add Neg Cast");
}

// Zeros have signs, ends of the range ends, and constants that add axes or types of their own are no scalars.
TEST_F(AlgebraTest, WhatIsNotExactStays) {
  const ValueId x = Input("x", {3});
  Output(Node(OpId::kAdd, {x, Scalar(0)}), "a");
  Output(Node(OpId::kMul, {x, Floats({1, 1}, {1})}), "b");
  Output(Node(OpId::kDiv, {x, Scalar(3)}), "c");
  Output(Node(OpId::kMul, {Node(OpId::kMul, {x, Scalar(1e30f)}), Scalar(1e30f)}), "d");
  Output(Node(OpId::kMul, {Node(OpId::kMul, {x, Scalar(1e-30f)}), Scalar(1e-30f)}), "e");
  const ValueId shared = Node(OpId::kMul, {x, Scalar(3)});
  Output(Node(OpId::kMul, {shared, Scalar(3)}), "f");
  Output(Node(OpId::kNeg, {shared}), "g");
  Output(Node(OpId::kDiv, {x, Scalar(1e-39f)}), "h");
  Output(Node(OpId::kMul, {x, Scalar(1)}), "copy_of_an_input");
  const std::string before = Operators();
  ASSERT_TRUE(RunAlgebra(&graph_).ok());
  EXPECT_EQ(Operators(), before);
}

}  // namespace
}  // namespace mace::passes
