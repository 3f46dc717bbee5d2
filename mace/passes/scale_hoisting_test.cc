#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

Status HoistAndFold(Graph* graph) {
  MACE_RETURN_IF_ERROR(RunScaleHoisting(graph));
  return RunScaleFolding(graph);
}

class ScaleHoistingTest : public RecognitionTest {
 protected:
  ValueId Layer(ValueId x) {
    return Node(OpId::kFullyConnected, {x, Floats({6, 6}), Floats({6})}, ops::FullyConnectedAttributes{});
  }
  ValueId Heads(ValueId x) { return Transposed(Reshaped(x, {2, 4, 3, 2}), {0, 2, 1, 3}); }
  ValueId Product(ValueId a, ValueId b) {
    return Node(OpId::kMatMul, {a, b}, ops::MatMulAttributes{.transpose_b = true});
  }
  ValueId Scaled(ValueId x, bool by_division) {
    return by_division ? Node(OpId::kDiv, {x, Scalar(8)}) : Node(OpId::kMul, {Scalar(0.125f), x});
  }
  int Scales() const { return Count(OpId::kMul) + Count(OpId::kDiv); }
};

TEST_F(ScaleHoistingTest, ScoresOfAttention) {
  for (const bool by_division : {false, true}) {
    for (const bool in_front : {false, true}) {
      graph_ = Graph();
      const ValueId x = Input("x", {2, 4, 6});
      ValueId query = Heads(Layer(x));
      if (in_front) query = Scaled(query, by_division);
      ValueId scores = Product(query, Heads(Layer(x)));
      if (!in_front) scores = Scaled(scores, by_division);
      Output(Node(OpId::kExp, {scores}), "y");
      const size_t nodes = graph_.nodes.size();
      RunAndCompare(HoistAndFold, 1e-4);
      EXPECT_EQ(Scales(), 0);
      EXPECT_EQ(graph_.nodes.size(), nodes - 1);
    }
  }
  // Of keys, where the queries are no layer's.
  graph_ = Graph();
  const ValueId x = Input("x", {2, 4, 6});
  Output(Scaled(Product(Heads(x), Heads(Layer(x))), true), "y");
  RunAndCompare(HoistAndFold, 1e-4);
  EXPECT_EQ(Scales(), 0);
}

TEST_F(ScaleHoistingTest, WhatNoWeightsCanHoldStays) {
  const auto stays = [&](const Build& build) {
    ExpectLeft(RunScaleHoisting, {2, 4, 6}, build);
    EXPECT_EQ(Scales(), 1);
  };
  stays([&](ValueId x) { return Scaled(Product(Heads(x), Heads(x)), false); });  // no layer
  stays([&](ValueId x) {                                                         // a row, no scalar
    return Node(OpId::kMul, {Product(Heads(Layer(x)), Heads(x)), Floats({4})});
  });
  stays([&](ValueId x) { return Node(OpId::kDiv, {Scalar(2), Product(Heads(Layer(x)), Heads(x))}); });
  stays([&](ValueId x) {  // a bias between
    return Scaled(Product(Heads(Node(OpId::kAdd, {Layer(x), Floats({6})})), Heads(x)), false);
  });
  stays([&](ValueId x) {  // others read the scores, or the layer
    const ValueId scores = Product(Heads(Layer(x)), Heads(x));
    Output(scores, "scores");
    return Scaled(scores, false);
  });
  stays([&](ValueId x) {
    const ValueId layer = Layer(x);
    Output(Node(OpId::kExp, {layer}), "layer");
    return Scaled(Product(Heads(layer), Heads(x)), false);
  });
  stays([&](ValueId x) {  // one layer on both sides: the factor would come twice
    const ValueId heads = Heads(Layer(x));
    return Scaled(Product(heads, heads), false);
  });
}

}  // namespace
}  // namespace mace::passes
