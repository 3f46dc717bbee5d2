// Building small graphs in pass tests, and comparing what they compute before and after a pass.
#ifndef MACE_PASSES_PASS_TEST_GRAPH_H_
#define MACE_PASSES_PASS_TEST_GRAPH_H_

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/constants.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {

// The operators in the order of the nodes: "Conv2d Relu".
inline std::string OperatorsOf(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    text += (text.empty() ? "" : " ") + std::string(FindOpDefinition(node.op)->name);
  }
  return text;
}

class PassTest : public ::testing::Test {
 protected:
  ValueId Input(const char* name, const Shape& shape, DType dtype = DType::kF32) {
    const ValueId value = Unwrap(graph_.AddValue(name, TensorType{dtype, shape}));
    Check(graph_.inputs.PushBack(value));
    return value;
  }
  ValueId Floats(const Shape& shape, std::vector<float> elements = {}) {
    const int64_t count = shape.ElementCount();
    for (int64_t i = static_cast<int64_t>(elements.size()); i < count; ++i) elements.push_back(Noise());
    return Unwrap(AddFloatConstant(&graph_, "", elements, shape));
  }
  ValueId Ints(const std::vector<int64_t>& elements) {
    return Unwrap(AddInt64Constant(&graph_, "", elements));
  }
  ValueId Scalar(float element) { return Floats(Shape{}, {element}); }
  template <typename A>
  std::vector<ValueId> NodeMany(OpId op, const std::vector<ValueId>& inputs, const A& attributes,
                                int outputs) {
    std::vector<ValueId> values;
    for (int i = 0; i < outputs; ++i) values.push_back(Unwrap(graph_.AddValue("", TensorType{})));
    const NodeId id = Unwrap(graph_.AddNode(op, "", inputs, values));
    graph_.nodes[id].attributes.as<A>() = attributes;
    Check(InferGraphTypes(&graph_));
    return values;
  }
  template <typename A>
  ValueId Node(OpId op, const std::vector<ValueId>& inputs, const A& attributes) {
    return NodeMany(op, inputs, attributes, 1)[0];
  }
  ValueId Node(OpId op, const std::vector<ValueId>& inputs) { return Node(op, inputs, NoAttributes{}); }
  void Output(ValueId value, const char* name) {
    Check(graph_.values[value].name.Assign(name));
    Check(graph_.outputs.PushBack(value));
  }

  // Runs the pass; the graph stays valid and computes the same, and its outputs keep their names.
  void RunAndCompare(Status (*pass)(Graph*), double tolerance = 1e-5) {
    const std::vector<std::vector<float>> before = Evaluate();
    const Status status = pass(&graph_);
    ASSERT_TRUE(status.ok()) << status.message();
    const Status verified = VerifyGraph(graph_, &FindOpDefinition);
    ASSERT_TRUE(verified.ok()) << verified.message();
    const std::vector<std::vector<float>> after = Evaluate();
    ASSERT_EQ(before.size(), after.size());
    for (size_t o = 0; o < before.size(); ++o) {
      ASSERT_EQ(before[o].size(), after[o].size());
      for (size_t i = 0; i < before[o].size(); ++i)
        EXPECT_NEAR(before[o][i], after[o][i], tolerance) << o << ", " << i;
    }
  }
  std::string Operators() const { return OperatorsOf(graph_); }
  // The same, and the graph had these operators before and has those after.
  void ExpectRewrite(Status (*pass)(Graph*), const char* before, const char* after, double tolerance = 1e-5) {
    EXPECT_EQ(Operators(), before);
    RunAndCompare(pass, tolerance);
    EXPECT_EQ(Operators(), after);
  }
  int Count(OpId op) const {
    int count = 0;
    for (const mace::Node& node : graph_.nodes) count += node.op == op;
    return count;
  }

  Graph graph_;

 private:
  float Noise() {
    seed_ = seed_ * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<int32_t>(seed_)) * (1.0f / 2147483648.0f) + 0.03f;
  }
  // Float outputs for inputs that are always the same; symbols are 2.
  std::vector<std::vector<float>> Evaluate() {
    seed_ = 7;
    std::vector<std::vector<float>> data;
    std::vector<TensorView> feeds;
    for (ValueId input : graph_.inputs) {
      TensorView view{nullptr, graph_.values[input].type.dtype, graph_.values[input].type.shape};
      for (int i = 0; i < view.shape.rank; ++i) view.shape[i] = view.shape[i] < 0 ? 2 : view.shape[i];
      std::vector<float> elements(view.elements());
      for (float& element : elements) element = 3 * Noise();
      data.push_back(std::move(elements));
      view.data = data.back().data();
      feeds.push_back(view);
    }
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(graph_, feeds, {}, &fetches);
    EXPECT_TRUE(status.ok()) << status.message();
    std::vector<std::vector<float>> results;
    for (EvaluatedTensor& fetch : fetches) {
      results.emplace_back(fetch.view.as<float>(), fetch.view.as<float>() + fetch.view.elements());
    }
    return results;
  }

  uint32_t seed_ = 99;
};

}  // namespace mace::passes

#endif  // MACE_PASSES_PASS_TEST_GRAPH_H_
