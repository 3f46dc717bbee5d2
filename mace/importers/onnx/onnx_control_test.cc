// Control flow and functions: small ONNX files built here, imported and evaluated, against values computed by
// hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::importers::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Tensor {
  std::vector<int64_t> dims;
  std::vector<float> elements;

  friend bool operator==(const Tensor& a, const Tensor& b) = default;
};
void PrintTo(const Tensor& tensor, std::ostream* stream) {
  *stream << testing::PrintToString(tensor.dims) << " " << testing::PrintToString(tensor.elements);
}

Shape ShapeOf(const std::vector<int64_t>& dims) {
  Shape shape;
  for (int64_t dim : dims) shape.Push(dim);
  return shape;
}

void Import(const std::string& bytes, Graph* graph) {
  ImportReport report;
  const Status status = ImportOnnx(AsBytes(bytes), {}, graph, &report);
  ASSERT_TRUE(status.ok()) << status.message();
}

// The float outputs, as imported and (which must be the same) as optimised.
std::vector<Tensor> Evaluate(const std::string& bytes, const std::vector<Tensor>& feeds) {
  std::vector<Tensor> results[2];
  for (const bool optimise : {false, true}) {
    Graph graph;
    Import(bytes, &graph);
    if (optimise) {
      passes::OptimizeReport report;
      const Status status = passes::OptimizeGraph(&graph, &report);
      EXPECT_TRUE(status.ok()) << status.message();
    }
    std::vector<TensorView> views;
    for (const Tensor& feed : feeds)
      views.push_back({const_cast<float*>(feed.elements.data()), DType::kF32, ShapeOf(feed.dims)});
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(graph, views, {}, &fetches);
    EXPECT_TRUE(status.ok()) << status.message();
    for (const EvaluatedTensor& fetch : fetches) {
      EXPECT_EQ(fetch.view.dtype, DType::kF32);
      const auto dims = fetch.view.shape.span();
      const float* data = fetch.view.as<float>();
      results[optimise].push_back({{dims.begin(), dims.end()}, {data, data + fetch.view.elements()}});
    }
  }
  EXPECT_EQ(results[0], results[1]);
  return results[0];
}

std::string Refusal(const std::string& bytes) {
  Graph graph;
  ImportReport report;
  const Status status = ImportOnnx(AsBytes(bytes), {}, &graph, &report);
  EXPECT_FALSE(status.ok());
  return status.message();
}

const Node* FindNode(const Graph& graph, OpId op) {
  for (const Node& node : graph.nodes) {
    if (node.op == op) return &node;
  }
  return nullptr;
}

// y = x > 0 (of the one element) ? x * w : x - w, where w is a constant of the outer graph.
TestModel Branches() {
  TestModel then_branch, else_branch, model;
  then_branch.Node("Mul", {"x", "w"}, {"t"}).Output("t");
  else_branch.Node("Sub", {"x", "w"}, {"e"}).Output("e");
  model.Input("x", {1}).Floats("w", {1}, {3}).Floats("zero", {1}, {0});
  model.Node("Greater", {"x", "zero"}, {"c"})
      .Node("If", {"c"}, {"y"},
            {GraphAttribute("then_branch", then_branch.Graph()),
             GraphAttribute("else_branch", else_branch.Graph())})
      .Output("y");
  return model;
}

TEST(OnnxControlTest, IfRunsTheBranchThatTheConditionNames) {
  EXPECT_THAT(Evaluate(Branches().Build(), {{{1}, {2}}}), ElementsAre(Tensor{{1}, {6}}));
  EXPECT_THAT(Evaluate(Branches().Build(), {{{1}, {-2}}}), ElementsAre(Tensor{{1}, {-5}}));
}

TEST(OnnxControlTest, ConstantsAreCopiedAndValuesCaptured) {
  Graph graph;
  Import(Branches().Build(), &graph);
  const Node* node = FindNode(graph, OpId::kIf);
  ASSERT_NE(node, nullptr);
  ASSERT_EQ(node->inputs.size(), 2u);  // the condition and x
  EXPECT_EQ(node->inputs[1], graph.inputs[0]);
  ASSERT_EQ(graph.subgraphs.size(), 2u);
  for (const auto& body : graph.subgraphs) {
    EXPECT_EQ(body->inputs.size(), 1u);
    EXPECT_EQ(body->constants.size(), 1u);
  }
}

TEST(OnnxControlTest, BranchesMayGiveConstantsInputsAndDifferentRanks) {
  TestModel then_branch, else_branch, model;
  then_branch.Floats("k", {2}, {7, 8}).Output("k");
  else_branch.Output("x");
  model.Input("x", {1, 1}).Floats("zero", {}, {0}).Node("Greater", {"x", "zero"}, {"c"});
  model.Node("If", {"c"}, {"y"},
             {GraphAttribute("then_branch", then_branch.Graph()),
              GraphAttribute("else_branch", else_branch.Graph())});
  model.Node("Neg", {"y"}, {"z"}).Output("z");
  EXPECT_THAT(Evaluate(model.Build(), {{{1, 1}, {5}}}), ElementsAre(Tensor{{2}, {-7, -8}}));
  EXPECT_THAT(Evaluate(model.Build(), {{{1, 1}, {-5}}}), ElementsAre(Tensor{{1, 1}, {5}}));
}

TEST(OnnxControlTest, AnIfThatIsDecidedStandsInItsPlace) {
  TestModel then_branch, else_branch, model;
  then_branch.Node("Squeeze", {"x", "axis"}, {"t"}).Output("t");
  else_branch.Node("Identity", {"x"}, {"e"}).Output("e");
  model.Input("x", {1, 3}).Ints("axis", {0}).Ints("one", {1});
  model.Node("Shape", {"x"}, {"s"}).Node("Gather", {"s", "axis"}, {"d"}).Node("Equal", {"d", "one"}, {"c"});
  model.Node("If", {"c"}, {"y"},
             {GraphAttribute("then_branch", then_branch.Graph()),
              GraphAttribute("else_branch", else_branch.Graph())});
  model.Node("Transpose", {"y"}, {"z"}, {IntsAttribute("perm", {0})}).Output("z");
  Graph graph;
  Import(model.Build(), &graph);
  EXPECT_TRUE(graph.subgraphs.empty());
  EXPECT_THAT(Evaluate(model.Build(), {{{1, 3}, {1, 2, 3}}}), ElementsAre(Tensor{{3}, {1, 2, 3}}));
}

// Four iterations: a = a + step, and b = a of every iteration. `step` is captured through two levels, "a"
// inside the If is that of the body and not the outer one.
TestModel Counting(const std::string& trip_count, const std::string& condition) {
  TestModel then_branch, else_branch, body, model;
  then_branch.Node("Add", {"a", "step"}, {"t"}).Output("t");
  else_branch.Node("Sub", {"a", "step"}, {"e"}).Output("e");
  body.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a");
  body.Floats("limit", {}, {6.5f}).Node("Less", {"a", "limit"}, {"go_on"});
  body.Node("If", {"go_on"}, {"next"},
            {GraphAttribute("then_branch", then_branch.Graph()),
             GraphAttribute("else_branch", else_branch.Graph())});
  body.Output("go_on").Output("next").Output("a");
  model.Input("a", {}).Input("step", {}).Tensor(RawTensor<int64_t>("four", kInt64Type, {}, {4}));
  model.Tensor(RawTensor<uint8_t>("true", kBoolType, {}, {1}));
  model.Tensor(RawTensor<uint8_t>("false", kBoolType, {}, {0}));
  model.Node("Loop", {trip_count, condition, "a"}, {"last", "all"}, {GraphAttribute("body", body.Graph())})
      .Output("last")
      .Output("all");
  return model;
}

TEST(OnnxControlTest, LoopsEndByTripCountOrCondition) {
  const std::vector<Tensor> feeds = {{{}, {1}}, {{}, {1}}};
  EXPECT_THAT(Evaluate(Counting("four", "true").Build(), feeds),
              ElementsAre(Tensor{{}, {5}}, Tensor{{4}, {1, 2, 3, 4}}));
  // Without a trip count: the condition of iteration 7 is false, its values still count.
  EXPECT_THAT(Evaluate(Counting("", "").Build(), feeds),
              ElementsAre(Tensor{{}, {6}}, Tensor{{7}, {1, 2, 3, 4, 5, 6, 7}}));
  EXPECT_THAT(Evaluate(Counting("four", "false").Build(), feeds),
              ElementsAre(Tensor{{}, {1}}, Tensor{{0}, {}}));
}

TEST(OnnxControlTest, CarriedValuesMayGrow) {
  TestModel body, model;
  body.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a");
  body.Node("Concat", {"a", "x"}, {"b"}, {IntAttribute("axis", 0)}).Output("more").Output("b");
  model.Input("x", {2}).Tensor(RawTensor<int64_t>("n", kInt64Type, {1}, {3}));
  model.Node("Loop", {"n", "", "x"}, {"y"}, {GraphAttribute("body", body.Graph())}).Output("y");
  EXPECT_THAT(Evaluate(model.Build(), {{{2}, {1, 2}}}), ElementsAre(Tensor{{8}, {1, 2, 1, 2, 1, 2, 1, 2}}));
  Graph graph;
  Import(model.Build(), &graph);
  const Shape& shape = graph.values[FindNode(graph, OpId::kLoop)->outputs[0]].type.shape;
  EXPECT_TRUE(shape == Shape{kUnknownDim}) << ShapeText(shape).text;
}

TEST(OnnxControlTest, KnownTripCountsAreDimensions) {
  TestModel body, model;
  body.OpenInput("i", kInt64Type).OpenInput("more", kBoolType);
  body.Node("Cast", {"i"}, {"f"}, {IntAttribute("to", kFloatType)}).Node("Add", {"f", "x"}, {"s"});
  body.Output("more").Output("s");
  model.Input("x", {2}).Tensor(RawTensor<int64_t>("n", kInt64Type, {1}, {3}));
  model.Node("Loop", {"n", ""}, {"y"}, {GraphAttribute("body", body.Graph())}).Output("y");
  Graph graph;
  Import(model.Build(), &graph);
  EXPECT_TRUE(graph.values[graph.outputs[0]].type.shape == (Shape{3, 2}));
  EXPECT_THAT(Evaluate(model.Build(), {{{2}, {1, 5}}}), ElementsAre(Tensor{{3, 2}, {1, 5, 2, 6, 3, 7}}));
}

// Running sums of rows, or of columns, forwards or backwards.
std::string Sums(int64_t axis, int64_t input_backwards, int64_t output_axis, int64_t output_backwards) {
  TestModel body, model;
  body.OpenInput("sum").OpenInput("row").Node("Add", {"sum", "row"}, {"next"});
  body.Node("Identity", {"next"}, {"scanned"}).Output("next").Output("scanned");
  model.Input("sum", {axis == 1 ? 3 : 2}).Input("x", {3, 2});
  model.Node(
      "Scan", {"sum", "x"}, {"last", "all"},
      {GraphAttribute("body", body.Graph()), IntAttribute("num_scan_inputs", 1),
       IntsAttribute("scan_input_axes", {axis}), IntsAttribute("scan_input_directions", {input_backwards}),
       IntsAttribute("scan_output_axes", {output_axis}),
       IntsAttribute("scan_output_directions", {output_backwards})});
  return model.Output("last").Output("all").Build();
}

TEST(OnnxControlTest, ScansGoAlongAnyAxisInBothDirections) {
  const Tensor x = {{3, 2}, {1, 2, 3, 4, 5, 6}};
  EXPECT_THAT(Evaluate(Sums(0, 0, 0, 0), {{{2}, {0, 0}}, x}),
              ElementsAre(Tensor{{2}, {9, 12}}, Tensor{{3, 2}, {1, 2, 4, 6, 9, 12}}));
  EXPECT_THAT(Evaluate(Sums(0, 1, 0, 0), {{{2}, {0, 0}}, x}),
              ElementsAre(Tensor{{2}, {9, 12}}, Tensor{{3, 2}, {5, 6, 8, 10, 9, 12}}));
  EXPECT_THAT(Evaluate(Sums(-2, 0, 1, 1), {{{2}, {0, 0}}, x}),
              ElementsAre(Tensor{{2}, {9, 12}}, Tensor{{2, 3}, {9, 4, 1, 12, 6, 2}}));
  EXPECT_THAT(Evaluate(Sums(1, 0, -1, 0), {{{3}, {0, 0, 0}}, x}),
              ElementsAre(Tensor{{3}, {3, 7, 11}}, Tensor{{3, 2}, {1, 3, 3, 7, 5, 11}}));
}

TEST(OnnxControlTest, OldScansHaveABatch) {
  TestModel body, model;
  body.OpenInput("sum").OpenInput("row").Node("Add", {"sum", "row"}, {"next"});
  body.Node("Identity", {"next"}, {"scanned"}).Output("next").Output("scanned");
  model.Input("sum", {2, 1}).Input("x", {2, 3, 1});
  model.Node("Scan", {"", "sum", "x"}, {"last", "all"},
             {GraphAttribute("body", body.Graph()), IntAttribute("num_scan_inputs", 1)});
  const std::string bytes = model.Output("last").Output("all").Build(8);
  EXPECT_THAT(Evaluate(bytes, {{{2, 1}, {0, 100}}, {{2, 3, 1}, {1, 2, 3, 4, 5, 6}}}),
              ElementsAre(Tensor{{2, 1}, {6, 115}}, Tensor{{2, 3, 1}, {1, 3, 6, 104, 109, 115}}));
}

TEST(OnnxControlTest, FunctionsAreExpandedWithTheirAttributes) {
  TestModel scale, twice, model;
  scale.Node("Constant", {}, {"k"}, {ReferenceAttribute("value_float", "factor", 1)});
  scale.Node("Mul", {"x", "k"}, {"y"});
  // Names inside are of the function: "x" and "k" mean others than where it is called.
  twice.Node("Scale", {"a"}, {"x"}, {ReferenceAttribute("factor", "by", 1)}, "my");
  twice.Node("Scale", {"x"}, {"k"}, {}, "my").Node("Clip", {"k", "least"}, {"b"});
  model.Input("x", {2}).Floats("low", {}, {-5});
  model.Node("Twice", {"x"}, {"k"}, {FloatAttribute("by", 3)}, "my");
  model.Node("Twice", {"k", "low"}, {"y"}, {FloatAttribute("by", -1)}, "my").Output("k").Output("y");
  model.Function("Scale", {"x"}, {"y"}, scale, {}, {FloatAttribute("factor", 2)});
  model.Function("Twice", {"a", "least"}, {"b"}, twice, {"by"});
  EXPECT_THAT(Evaluate(model.Build(), {{{2}, {1, 2}}}),
              ElementsAre(Tensor{{2}, {6, 12}}, Tensor{{2}, {-5, -5}}));
}

TEST(OnnxControlTest, FunctionsStandInBodiesAndHaveBodies) {
  TestModel then_branch, else_branch, step, body, model;
  then_branch.Node("Constant", {}, {"k"}, {ReferenceAttribute("value_float", "by", 1)});
  then_branch.Node("Add", {"v", "k"}, {"t"}).Output("t");
  else_branch.Node("Neg", {"v"}, {"e"}).Output("e");
  step.Node("Constant", {}, {"zero"}, {FloatAttribute("value_float", 0)});
  step.Node("Greater", {"v", "zero"}, {"c"})
      .Node("If", {"c"}, {"r"},
            {GraphAttribute("then_branch", then_branch.Graph()),
             GraphAttribute("else_branch", else_branch.Graph())});
  body.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a");
  body.Node("Step", {"a"}, {"b"}, {FloatAttribute("by", 10)}, "my").Output("more").Output("b");
  model.Input("x", {}).Tensor(RawTensor<int64_t>("n", kInt64Type, {1}, {3}));
  model.Node("Loop", {"n", "", "x"}, {"y"}, {GraphAttribute("body", body.Graph())}).Output("y");
  model.Function("Step", {"v"}, {"r"}, step, {"by"});
  EXPECT_THAT(Evaluate(model.Build(), {{{}, {-1}}}), ElementsAre(Tensor{{}, {21}}));
}

TEST(OnnxControlTest, UnknownOperatorsInsideAreNamed) {
  TestModel then_branch, else_branch, inner, model;
  then_branch.Node("Frobnicate", {"x"}, {"t"}).Output("t");
  else_branch.Node("Inner", {"x"}, {"e"}, {}, "my").Output("e");
  inner.Node("Grind", {"a"}, {"b"});
  model.Input("x", {1}).Input("c", {1}, kBoolType);
  model.Node("If", {"c"}, {"y"},
             {GraphAttribute("then_branch", then_branch.Graph()),
              GraphAttribute("else_branch", else_branch.Graph())});
  model.Output("y").Function("Inner", {"a"}, {"b"}, inner);
  const std::string message = Refusal(model.Build());
  EXPECT_THAT(message, HasSubstr("Frobnicate (1 node"));
  EXPECT_THAT(message, HasSubstr("Grind (1 node"));
}

TEST(OnnxControlTest, FailuresInsideNameAllNodesOnTheWay) {
  TestModel then_branch, else_branch, model;
  then_branch.Node("Transpose", {"x"}, {"t"}, {IntsAttribute("perm", {3})}).Output("t");
  else_branch.Node("Neg", {"x"}, {"e"}).Output("e");
  model.Input("x", {1}).Input("c", {1}, kBoolType);
  model.Node("Neg", {"x"}, {"n"})
      .Node("If", {"c"}, {"y"},
            {GraphAttribute("then_branch", then_branch.Graph()),
             GraphAttribute("else_branch", else_branch.Graph())});
  EXPECT_THAT(Refusal(model.Output("y").Build()),
              HasSubstr("node 'node_2' (If): node 'node_1' (Transpose): "));
}

TEST(OnnxControlTest, CutsFollowWhatBodiesRead) {
  ImportOptions options;
  options.cut.outputs = {"y"};
  TestModel model = Branches();
  Graph graph;
  ImportReport report;
  ASSERT_TRUE(ImportOnnx(AsBytes(model.Build()), options, &graph, &report).ok());
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.values[graph.inputs[0]].name, "x");
  // x stays an input where c is one, too: the branches read it.
  options.cut.inputs = {{"c"}};
  Graph without;
  const Status status = ImportOnnx(AsBytes(model.Build()), options, &without, &report);
  EXPECT_THAT(status.message(), HasSubstr("needs the model's input 'x'"));
}

TEST(OnnxTensorsTest, SparseInitializersBecomeDense) {
  for (const bool flat : {true, false}) {
    std::string sparse;
    protozero::pbf_writer writer(sparse);
    writer.add_message(1, RawTensor<float>("w", kFloatType, {2}, {5, 7}));
    writer.add_message(2, flat ? RawTensor<int64_t>("", kInt64Type, {2}, {1, 5})
                               : RawTensor<int64_t>("", kInt64Type, {2, 2}, {0, 1, 1, 2}));
    const std::vector<int64_t> dims = {2, 3};
    writer.add_packed_int64(3, dims.begin(), dims.end());
    TestModel model;
    model.Input("x", {2, 3}).Sparse(sparse).Node("Add", {"x", "w"}, {"y"}).Output("y");
    EXPECT_THAT(Evaluate(model.Build(), {{{2, 3}, {0, 0, 0, 0, 0, 1}}}),
                ElementsAre(Tensor{{2, 3}, {0, 5, 0, 0, 0, 8}}));
  }
}

TEST(OnnxTensorsTest, PackedIntegersKeepTheirBytes) {
  constexpr int32_t kUint4 = 21, kInt2 = 26;
  for (const auto& [type, dtype, bytes] :
       {std::tuple(kUint4, DType::kU4, std::vector<uint8_t>{0x21, 0x43, 0xF5}),
        std::tuple(kInt2, DType::kI2, std::vector<uint8_t>{0xE4, 0xFD})}) {
    TestModel model;
    model.Tensor(RawTensor("w", type, {5}, bytes)).Node("Identity", {"w"}, {"y"}).Output("y");
    Graph graph;
    Import(model.Build(), &graph);
    const TensorView* view = graph.ConstantOf(graph.nodes[0].inputs[0]);
    ASSERT_NE(view, nullptr);
    EXPECT_EQ(view->dtype, dtype);
    ASSERT_EQ(view->bytes(), static_cast<int64_t>(bytes.size()));
    EXPECT_EQ(view->as<uint8_t>()[0], bytes[0]);
    // What no element uses is 0.
    EXPECT_EQ(view->as<uint8_t>()[bytes.size() - 1], dtype == DType::kU4 ? 0x05 : 0x01);
  }
}

}  // namespace
}  // namespace mace::importers::onnx
