// Passes on graphs with control nodes and unknown ranks: what a graph computes stays.
#include <cmath>

#include "mace/ops/control/control_testing.h"
#include "mace/ops/detection/roi_align.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

using ops::BuildControlGraph;
using ops::GraphBuilder;
using ops::IfAttributes;
using ops::LoopAttributes;

struct Result {
  Shape shape;
  std::vector<float> elements;
};

std::vector<Result> Evaluate(const Graph& graph, std::vector<TensorView> feeds) {
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

void ExpectSame(const std::vector<Result>& expected, const std::vector<Result>& actual,
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

Status Optimize(Graph* graph) {
  OptimizeReport report;
  return OptimizeGraph(graph, &report);
}

std::vector<NamedPass> AllPassesAndAllTogether() {
  std::vector<NamedPass> passes = AllPasses();
  passes.push_back({"optimize", Optimize});
  return passes;
}

std::vector<Result> EvaluateControlGraph(const Graph& graph) {
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

TEST(ControlPasses, EveryPassKeepsGraphsWithIfAndLoop) {
  for (const NamedPass& pass : AllPassesAndAllTogether()) {
    SCOPED_TRACE(pass.name);
    Graph graph;
    BuildControlGraph(&graph);
    const std::vector<Result> before = EvaluateControlGraph(graph);
    ASSERT_OK(pass.run(&graph));
    ASSERT_OK(VerifyGraph(graph, &FindOpDefinition));
    ExpectSame(before, EvaluateControlGraph(graph));
  }
}

// Every pattern that a pass looks for, behind an input of unknown rank.
void BuildGraphOfUnknownRank(Graph* graph) {
  GraphBuilder main(graph);
  const ValueId x = main.Input("x", DType::kF32, Shape::OfUnknownRank());
  const ValueId turned = main.Node(OpId::kTranspose, "", {x}, ops::TransposeAttributes());
  const ValueId back = main.Node(OpId::kTranspose, "", {turned}, ops::TransposeAttributes());
  const ValueId same = main.Node(OpId::kIdentity, "", {back});
  const ValueId silu = main.Node(OpId::kMul, "", {same, main.Node(OpId::kSigmoid, "", {same})});
  // x * clip(x + 3, 0, 6) / 6 with constants that add axes.
  ops::ClipAttributes clip;
  clip.min = 0, clip.max = 6;
  const ValueId shifted = main.Node(OpId::kAdd, "", {silu, main.Constant<float>("", {1, 1, 1, 1}, {3})});
  const ValueId product = main.Node(OpId::kMul, "", {silu, main.Node(OpId::kClip, "", {shifted}, clip)});
  const ValueId swish = main.Node(OpId::kDiv, "", {product, main.Constant<float>("", {1, 1, 1, 1, 1}, {6})});
  const ValueId weights = main.Constant<float>("", {3, 3}, ops::TestValues(9));
  const ValueId matrix = main.Node(OpId::kMatMul, "", {swish, weights});
  const ValueId scaled = main.Node(OpId::kMul, "", {matrix, main.Constant<float>("", {3}, {1, 2, 3})});
  ops::CastAttributes to_half, to_float;
  to_half.to = DType::kF16;
  to_float.to = DType::kF32;
  const ValueId target = main.Constant<int64_t>("", {2}, {-1, 3});
  const ValueId rows = main.Node(OpId::kReshape, "", {scaled, target}, ops::ReshapeAttributes());
  const ValueId rounded = main.Node(OpId::kCast, "", {main.Node(OpId::kCast, "", {rows}, to_half)}, to_float);
  const ValueId flat = main.Node(OpId::kFlatten, "", {turned}, ops::FlattenAttributes());
  const ValueId twice = main.Node(OpId::kAdd, "", {x, x});
  main.Output(rounded, "rows");
  main.Output(flat, "flat");
  main.Output(main.Node(OpId::kTranspose, "", {twice}, ops::TransposeAttributes()), "turned");
  ASSERT_OK(InferGraphTypes(graph));
}

TEST(ControlPasses, EveryPassKeepsGraphsOfUnknownRank) {
  for (const NamedPass& pass : AllPassesAndAllTogether()) {
    SCOPED_TRACE(pass.name);
    Graph graph;
    BuildGraphOfUnknownRank(&graph);
    std::vector<float> data = ops::TestValues(12);
    std::vector<std::vector<Result>> before;
    const Shape shapes[] = {Shape{4, 3}, Shape{2, 2, 3}, Shape{3}};
    for (const Shape& shape : shapes) before.push_back(Evaluate(graph, {{data.data(), DType::kF32, shape}}));
    ASSERT_OK(pass.run(&graph));
    ASSERT_OK(VerifyGraph(graph, &FindOpDefinition));
    for (size_t i = 0; i < 3; ++i) {
      ExpectSame(before[i], Evaluate(graph, {{data.data(), DType::kF32, shapes[i]}}), 1e-5);
    }
  }
}

int Count(const Graph& graph, OpId op) {
  int count = 0;
  for (const Node& node : graph.nodes) count += node.op == op;
  return count;
}

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

TEST(ConstantFolding, ComputesOperatorsWhoseSizesDependOnData) {
  for (const bool small : {true, false}) {
    Graph graph;
    GraphBuilder main(&graph);
    std::vector<float> elements(small ? 4 : 1 << 16, 0.0f);
    elements[1] = elements[3] = 1;
    const ValueId constant = main.Constant<float>("", {static_cast<int64_t>(elements.size())}, elements);
    const ValueId found = main.Node(OpId::kNonZero, "find", {constant});
    const ValueId x = main.Input("x", DType::kI64, {1, 2});
    main.Output(main.Node(OpId::kAdd, "add", {x, found}), "y");
    ASSERT_OK(InferGraphTypes(&graph));
    ASSERT_OK(Optimize(&graph));
    EXPECT_EQ(Count(graph, OpId::kNonZero), small ? 0 : 1);  // what is large is left to the run
    int64_t data[2] = {10, 20};
    Vector<EvaluatedTensor> fetches;
    const TensorView feed = {data, DType::kI64, {1, 2}};
    ASSERT_OK(EvaluateGraph(graph, {&feed, 1}, {}, &fetches));
    ASSERT_TRUE(fetches[0].view.shape == (Shape{1, 2}));
    EXPECT_EQ(fetches[0].view.as<int64_t>()[0], 11);
    EXPECT_EQ(fetches[0].view.as<int64_t>()[1], 23);
  }
}

// What a few bytes of a file ask for must not keep the converter busy: it is left to the run.
TEST(ConstantFolding, LeavesWorkThatAttributesAskFor) {
  for (const int64_t ratio : {2, 1024}) {
    Graph graph;
    GraphBuilder main(&graph);
    const ValueId image = main.Constant<float>("", {1, 4, 4, 1}, ops::TestValues(16));
    const ValueId boxes = main.Constant<float>("", {1, 4}, {0, 0, 3, 3});
    const ValueId batch = main.Constant<int64_t>("", {1}, {0});
    ops::RoiAlignAttributes attributes;
    attributes.output_height = attributes.output_width = 4;
    attributes.sampling_ratio = ratio;
    const ValueId rows = main.Node(OpId::kRoiAlign, "align", {image, boxes, batch}, attributes);
    main.Output(main.Node(OpId::kAdd, "add", {rows, main.Input("x", DType::kF32, {1})}), "y");
    ASSERT_OK(InferGraphTypes(&graph));
    ASSERT_OK(Optimize(&graph));
    EXPECT_EQ(Count(graph, OpId::kRoiAlign), ratio == 2 ? 0 : 1);
  }
}

}  // namespace
}  // namespace mace::passes
