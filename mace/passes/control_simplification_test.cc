#include "mace/passes/control_test_graph.h"

namespace mace::passes {
namespace {

// flag ? x * w + unused : loop, where w is a captured constant and one result is not read.
TEST(ControlSimplification, CopiesConstantsAndDropsWhatNobodyReads) {
  Graph graph;
  GraphBuilder main(&graph);
  const ValueId flag = main.Input("flag", DType::kBool, {});
  const ValueId x = main.Input("x", DType::kF32, {2, 3});
  const ValueId unused = main.Input("unused", DType::kF32, {2, 3});
  const ValueId w = main.Constant<float>("w", {3}, {1, 2, 3});
  IfAttributes choice = {main.Subgraph(), main.Subgraph()};
  for (const int32_t index : {choice.then_branch, choice.else_branch}) {
    GraphBuilder branch = main.At(index, "branch");
    const ValueId inner_x = branch.Input("x", DType::kF32, {2, 3});
    branch.Input("unused", DType::kF32, {2, 3});
    const ValueId inner_w = branch.Input("w", DType::kF32, {3});
    const OpId op = index == choice.then_branch ? OpId::kMul : OpId::kAdd;
    branch.Output(branch.Node(OpId::kExp, "unread", {inner_x}));
    branch.Output(branch.Node(op, "read", {inner_x, inner_w}));
  }
  main.Output(main.Nodes(OpId::kIf, "if", {flag, x, unused, w}, choice, 2)[1], "y");
  ASSERT_OK(InferGraphTypes(&graph));
  std::vector<float> data = ops::TestValues(6);
  const auto evaluate = [&] {
    std::vector<Result> results;
    for (bool value : {true, false}) {
      const TensorView tensor = {data.data(), DType::kF32, {2, 3}};
      results.push_back(Evaluate(graph, {{&value, DType::kBool, {}}, tensor, tensor})[0]);
    }
    return results;
  };
  const std::vector<Result> before = evaluate();
  ASSERT_OK(Optimize(&graph));
  ExpectSame(before, evaluate());
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].inputs.size(), 2u);
  EXPECT_EQ(graph.nodes[0].outputs.size(), 1u);
  EXPECT_TRUE(graph.constants.empty());
  for (const auto& branch : graph.subgraphs) {
    EXPECT_EQ(branch->constants.size(), 1u);
    EXPECT_EQ(branch->nodes.size(), 1u);
  }
}

// A while loop as TensorFlow writes it: all that the body reads is carried.
TEST(ControlSimplification, CarriesOnlyWhatChanges) {
  Graph graph;
  GraphBuilder main(&graph);
  const ValueId count = main.Input("count", DType::kI64, {});
  const ValueId x = main.Input("x", DType::kF32, {2});
  const ValueId w = main.Constant<float>("w", {2}, {2, 3});
  LoopAttributes loop = {main.Subgraph(), 3};
  GraphBuilder body = main.At(loop.body, "body");
  body.Input("iteration", DType::kI64, {});
  const ValueId going = body.Input("going", DType::kBool, {});
  const ValueId inner_w = body.Input("w", DType::kF32, {2});
  const ValueId product = body.Input("product", DType::kF32, {2});
  const ValueId same = body.Input("same", DType::kF32, {2});
  body.Output(body.Node(OpId::kIdentity, "", {going}));
  body.Output(body.Node(OpId::kIdentity, "", {inner_w}));
  body.Output(body.Node(OpId::kMul, "", {product, inner_w}));
  body.Output(same);
  const auto results = main.Nodes(OpId::kLoop, "loop", {count, main.True(), w, x, x}, loop, 3);
  main.Output(results[1], "y");
  main.Output(results[2], "same");
  main.Output(main.Node(OpId::kAdd, "", {results[0], x}), "sum");
  ASSERT_OK(InferGraphTypes(&graph));
  float data[2] = {1, -1};
  const auto evaluate = [&] {
    std::vector<Result> all;
    for (int64_t times : {0, 3}) {
      for (Result& result : Evaluate(graph, {{&times, DType::kI64, {}}, {data, DType::kF32, {2}}})) {
        all.push_back(std::move(result));
      }
    }
    return all;
  };
  const std::vector<Result> before = evaluate();
  ASSERT_OK(Optimize(&graph));
  ExpectSame(before, evaluate());
  for (const Node& node : graph.nodes) {
    if (node.op != OpId::kLoop) continue;
    EXPECT_EQ(node.inputs.size(), 3u);
    EXPECT_EQ(node.attributes.as<LoopAttributes>().carried_count, 1);
  }
  const Graph& optimized = *graph.subgraphs[0];
  EXPECT_EQ(optimized.outputs[0], optimized.inputs[1]);
  EXPECT_EQ(optimized.nodes.size(), 1u);
  EXPECT_EQ(optimized.constants.size(), 1u);
}

TEST(ControlSimplification, InlinesAnIfOfConstantCondition) {
  for (const bool chosen : {true, false}) {
    Graph graph;
    BuildControlGraph(&graph);
    // The condition becomes a constant.
    graph.constants.Clear();
    const uint8_t byte = chosen ? 1 : 0;
    const ValueId constant =
        graph.AddConstant("", TensorView{const_cast<uint8_t*>(&byte), DType::kBool, {}}, true).value();
    graph.nodes[0].inputs[0] = constant;
    const std::vector<Result> before = EvaluateControlGraph(graph);
    ASSERT_OK(Optimize(&graph));
    ExpectSame(before, EvaluateControlGraph(graph));
    EXPECT_EQ(Count(graph, OpId::kIf), 0);
    EXPECT_EQ(Count(graph, OpId::kLoop), chosen ? 0 : 1);
    EXPECT_EQ(graph.subgraphs.size(), chosen ? 0u : 1u);
  }
}

// The branch that runs takes the place of an If of constant condition.
TEST(ControlSimplification, BeforeAndAfter) {
  Graph graph;
  GraphBuilder main(&graph);
  const ValueId x = main.Input("x", DType::kF32, {2});
  IfAttributes choice = {main.Subgraph(), main.Subgraph()};
  for (const int32_t index : {choice.then_branch, choice.else_branch}) {
    GraphBuilder branch = main.At(index, "branch");
    const ValueId inner = branch.Input("x", DType::kF32, {2});
    branch.Output(branch.Node(index == choice.then_branch ? OpId::kExp : OpId::kNeg, "", {inner}));
  }
  main.Output(main.Nodes(OpId::kIf, "if", {main.True(), x}, choice, 1)[0], "y");
  ASSERT_OK(InferGraphTypes(&graph));
  EXPECT_EQ(OperatorsOf(graph), "If");
  ASSERT_OK(RunControlSimplification(&graph));
  EXPECT_EQ(OperatorsOf(graph), "Exp");
  EXPECT_EQ(graph.subgraphs.size(), 0u);
}

}  // namespace
}  // namespace mace::passes
