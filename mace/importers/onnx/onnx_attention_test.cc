// What attention becomes, and refusals; its numbers: tests/python/test_onnx_attention.py and
// test_onnx_microsoft.py.
#include <gtest/gtest.h>

#include <set>

#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"

namespace mace::importers::onnx {
namespace {

constexpr int64_t kOpset = 25;

Status Import(const TestModel& model, Graph* graph) {
  ImportReport report;
  return ImportOnnx(AsBytes(model.Build(kOpset)), {}, graph, &report);
}

std::multiset<OpId> OperatorsOf(const Graph& graph) {
  std::multiset<OpId> operators;
  for (const Node& node : graph.nodes) operators.insert(node.op);
  return operators;
}

TestModel Attention(const std::vector<int64_t>& query, const std::vector<int64_t>& key,
                    const std::vector<std::string>& attributes = {}) {
  TestModel model;
  model.Input("q", query).Input("k", key).Input("v", key);
  model.Node("Attention", {"q", "k", "v"}, {"y"}, attributes).Output("y");
  return model;
}

TEST(OnnxAttention, IsProductsAndASoftmax) {
  Graph graph;
  ASSERT_TRUE(Import(Attention({-1, 4, -1, 8}, {-1, 4, -1, 8}), &graph).ok());
  EXPECT_EQ(OperatorsOf(graph),
            (std::multiset<OpId>{OpId::kMul, OpId::kMatMul, OpId::kSoftmax, OpId::kMatMul}));
}

TEST(OnnxAttention, SharedKeysAreNotCopied) {
  Graph graph;
  ASSERT_TRUE(Import(Attention({-1, 4, -1, 8}, {-1, 2, -1, 8}), &graph).ok());
  EXPECT_EQ(OperatorsOf(graph),
            (std::multiset<OpId>{OpId::kMul, OpId::kMatMul, OpId::kSoftmax, OpId::kMatMul, OpId::kReshape,
                                 OpId::kReshape, OpId::kReshape, OpId::kReshape}));
  const Shape& y = graph.values[graph.outputs[0]].type.shape;
  EXPECT_EQ(y[1], 4);
  EXPECT_EQ(y[3], 8);
}

TEST(OnnxAttention, CausalRowsAlwaysSeeAKey) {
  Graph graph;
  ASSERT_TRUE(Import(Attention({1, 2, 3, 8}, {1, 2, 3, 8}, {IntAttribute("is_causal", 1)}), &graph).ok());
  const std::multiset<OpId> operators = OperatorsOf(graph);
  EXPECT_EQ(operators.count(OpId::kAttentionBias), 1u);
  EXPECT_EQ(operators.count(OpId::kWhere), 0u);
}

TEST(OnnxAttention, Refusals) {
  Graph graph;
  const auto refused = [&](const TestModel& model, StatusCode code) {
    const Status status = Import(model, &graph);
    EXPECT_EQ(status.code(), code) << status.message();
  };
  refused(Attention({2, 3, 8}, {2, 3, 8}), StatusCode::kInvalidArgument);  // no number of heads
  refused(Attention({2, 3, 8}, {2, 3, 8}, {IntAttribute("q_num_heads", 3), IntAttribute("kv_num_heads", 3)}),
          StatusCode::kInvalidArgument);
  refused(Attention({3, 8}, {3, 8}), StatusCode::kInvalidArgument);
  refused(Attention({1, 4, 3, 8}, {1, 3, 3, 8}), StatusCode::kInvalidArgument);
  refused(Attention({1, 4, 3, 8}, {1, 0, 3, 8}), StatusCode::kInvalidArgument);
  refused(Attention({1, 4, 3, 8}, {1, 4, 3, 7}), StatusCode::kInvalidArgument);
  TestModel half_a_past;
  half_a_past.Input("q", {1, 4, 3, 8}).Node("Attention", {"q", "q", "q", "", "q"}, {"y"}).Output("y");
  refused(half_a_past, StatusCode::kInvalidArgument);
  TestModel rotary;
  rotary.Input("x", {1, 4, 3, 8}).Input("t", {1, 3, 3});
  rotary.Node("RotaryEmbedding", {"x", "t", "t"}, {"y"}).Output("y");
  refused(rotary, StatusCode::kInvalidArgument);
  TestModel linear;
  linear.Input("x", {1, 3, 8});
  linear
      .Node("LinearAttention", {"x", "x", "x"}, {"y", "s"},
            {IntAttribute("q_num_heads", 2), IntAttribute("kv_num_heads", 2)})
      .Output("y");
  refused(linear, StatusCode::kInvalidArgument);  // gated_delta without its gates
}

}  // namespace
}  // namespace mace::importers::onnx
