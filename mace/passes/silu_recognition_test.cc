#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

using SiluRecognitionTest = RecognitionTest;

TEST_F(SiluRecognitionTest, ProductWithItsSigmoid) {
  const auto product = [&](ValueId x) { return Node(OpId::kMul, {x, Node(OpId::kSigmoid, {x})}); };
  const auto reversed = [&](ValueId x) { return Node(OpId::kMul, {Node(OpId::kSigmoid, {x}), x}); };
  for (const Shape& shape : {Shape{5}, Shape{2, 3, 4}, Shape{SymbolDim(0), kUnknownDim}}) {
    ExpectRecognised(RunSiluRecognition, shape, product, {OpId::kSilu});
    ExpectRecognised(RunSiluRecognition, shape, reversed, {OpId::kSilu});
  }
  // Of the result of one: both.
  ExpectRecognised(RunSiluRecognition, {2, 3}, [&](ValueId x) { return product(reversed(x)); },
                   {OpId::kSilu, OpId::kSilu});
}

TEST_F(SiluRecognitionTest, LookalikesAreLeftAlone) {
  const auto left = [&](const Build& build) { ExpectLeft(RunSiluRecognition, {3, 3}, build); };
  left([&](ValueId x) { return Node(OpId::kMul, {x, Node(OpId::kTanh, {x})}); });
  left([&](ValueId x) { return Node(OpId::kAdd, {x, Node(OpId::kSigmoid, {x})}); });
  left([&](ValueId x) { return Node(OpId::kMul, {Node(OpId::kNeg, {x}), Node(OpId::kSigmoid, {x})}); });
  left([&](ValueId x) {
    const ValueId gate = Node(OpId::kSigmoid, {x});
    Output(gate, "gate");
    return Node(OpId::kMul, {x, gate});
  });
  left([&](ValueId x) {
    const ValueId gate = Node(OpId::kSigmoid, {x});
    Output(Node(OpId::kExp, {gate}), "read");
    return Node(OpId::kMul, {gate, x});
  });
  ExpectLeft(
      RunSiluRecognition, Shape::OfUnknownRank(),
      [&](ValueId x) { return Node(OpId::kMul, {x, Node(OpId::kSigmoid, {x})}); }, DType::kF64);
}

// A state that is the gate is a result too.
TEST_F(SiluRecognitionTest, WhatAStateBecomesStays) {
  const ValueId x = Input("x", {2});
  const ValueId gate = Node(OpId::kSigmoid, {x});
  State state;
  state.read = Unwrap(graph_.AddValue("read", TensorType{DType::kF32, Shape{2}}));
  state.write = gate;
  Check(graph_.states.PushBack(std::move(state)));
  Output(Node(OpId::kMul, {x, gate}), "y");
  Output(Node(OpId::kNeg, {state.read}), "last");
  ASSERT_TRUE(RunSiluRecognition(&graph_).ok());
  EXPECT_EQ(Count(OpId::kSilu), 0);
}

}  // namespace
}  // namespace mace::passes
