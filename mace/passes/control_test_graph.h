// Evaluating graphs with control nodes in pass tests, and comparing what they give.
#ifndef MACE_PASSES_CONTROL_TEST_GRAPH_H_
#define MACE_PASSES_CONTROL_TEST_GRAPH_H_

#include <string>
#include <vector>

#include "mace/ops/control/control_testing.h"
#include "mace/ops/op_tester.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {

using ops::BuildControlGraph;
using ops::GraphBuilder;
using ops::IfAttributes;
using ops::LoopAttributes;

struct Result {
  Shape shape;
  std::vector<float> elements;
};

inline std::vector<Result> Evaluate(const Graph& graph, std::vector<TensorView> feeds) {
  Vector<EvaluatedTensor> fetches;
  const Status status = EvaluateGraph(graph, feeds, {}, &fetches);
  EXPECT_TRUE(status.ok()) << status.message();
  std::vector<Result> results;
  for (EvaluatedTensor& fetch : fetches) {
    const auto* data = fetch.view.as<float>();
    results.push_back({fetch.view.shape, {data, data + fetch.view.elements()}});
  }
  return results;
}

inline void ExpectSame(const std::vector<Result>& expected, const std::vector<Result>& actual,
                       double tolerance = 1e-5) {
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t o = 0; o < expected.size(); ++o) {
    EXPECT_TRUE(expected[o].shape == actual[o].shape) << ShapeText(actual[o].shape).text;
    ASSERT_EQ(expected[o].elements.size(), actual[o].elements.size());
    for (size_t i = 0; i < expected[o].elements.size(); ++i) {
      EXPECT_NEAR(expected[o].elements[i], actual[o].elements[i], tolerance) << o << ", " << i;
    }
  }
}

inline Status Optimize(Graph* graph) {
  OptimizeReport report;
  return OptimizeGraph(graph, &report);
}

inline std::vector<Result> EvaluateControlGraph(const Graph& graph) {
  std::vector<float> x = ops::TestValues(6);
  std::vector<Result> results;
  for (bool flag : {true, false}) {
    for (int64_t count : {0, 1, 3}) {
      for (Result& result : Evaluate(
               graph,
               {{&flag, DType::kBool, {}}, {&count, DType::kI64, {}}, {x.data(), DType::kF32, {2, 3}}})) {
        results.push_back(std::move(result));
      }
    }
  }
  return results;
}

inline int Count(const Graph& graph, OpId op) {
  int count = 0;
  for (const Node& node : graph.nodes) count += node.op == op;
  return count;
}

}  // namespace mace::passes

#endif  // MACE_PASSES_CONTROL_TEST_GRAPH_H_
