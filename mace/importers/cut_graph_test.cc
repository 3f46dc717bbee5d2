// Cutting graphs that were built here, and files of both formats; names and what is needed.
#include "mace/importers/cut_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "mace/graph/op_definition.h"
#include "mace/importers/import_error.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/importers/states.h"
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/ops/evaluate.h"

namespace mace::importers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A graph whose tensors are numbered by their values.
class CutGraphTest : public ::testing::Test {
 protected:
  ValueId Input(const char* name, const Shape& shape) {
    const ValueId value = Unwrap(graph_.AddValue(name, {DType::kF32, shape, kNone}));
    EXPECT_TRUE(graph_.inputs.PushBack(value).ok());
    return value;
  }
  ValueId Node(OpId op, const char* name, std::vector<ValueId> inputs) {
    const ValueId output = Unwrap(graph_.AddValue(name, {}));
    Unwrap(graph_.AddNode(op, name, inputs, {&output, 1}));
    return output;
  }
  ValueId Constant(const char* name, std::vector<float> elements) {
    const Shape shape = {static_cast<int64_t>(elements.size())};
    return Unwrap(graph_.AddConstant(name, {elements.data(), DType::kF32, shape}, /*copy=*/true));
  }
  void Output(ValueId value) { EXPECT_TRUE(graph_.outputs.PushBack(value).ok()); }
  static ResolvedCut::Tensor At(ValueId value, const char* name,
                                std::optional<std::vector<int64_t>> shape = {}) {
    return {value, name, std::move(shape)};
  }
  // The error, or "" and then the graph is sound.
  std::string Cut(const ResolvedCut& cut) {
    EXPECT_TRUE(InferGraphTypes(&graph_).ok());
    warnings_.clear();
    try {
      CutGraph(cut, [](int32_t number) { return number; }, &graph_, &warnings_);
    } catch (const ImportError& error) {
      return error.what();
    }
    const Status status = VerifyGraph(graph_, &FindOpDefinition);
    EXPECT_TRUE(status.ok()) << status.message();
    return "";
  }
  std::vector<std::string> NamesOf(const Vector<ValueId>& values) {
    std::vector<std::string> names;
    for (ValueId value : values) names.emplace_back(graph_.values[value].name.view());
    return names;
  }
  std::vector<float> Run(std::vector<std::vector<float>> feeds, std::vector<TensorView> states = {}) {
    std::vector<TensorView> views;
    for (std::vector<float>& feed : feeds) {
      views.push_back({feed.data(), DType::kF32, Shape{static_cast<int64_t>(feed.size())}});
    }
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(graph_, views, states, &fetches);
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) return {};
    const float* data = fetches[0].view.as<float>();
    return {data, data + fetches[0].view.elements()};
  }

  Graph graph_;
  std::vector<std::string> warnings_;
};

// A file may have any number of inputs: looking through all of them for each one took minutes.
TEST_F(CutGraphTest, ManyInputsTakeNoLongerEach) {
  constexpr size_t kConcats = 64, kInputsOfEach = 6000;
  std::vector<ValueId> parts;
  for (size_t i = 0; i < kConcats; ++i) {
    std::vector<ValueId> inputs;
    for (size_t k = 0; k < kInputsOfEach; ++k) inputs.push_back(Input("", {1}));
    parts.push_back(Node(OpId::kConcat, "", inputs));
  }
  const ValueId all = Node(OpId::kConcat, "all", parts);
  ASSERT_TRUE(InferGraphTypes(&graph_).ok());
  const auto start = std::chrono::steady_clock::now();
  CutGraph({.outputs = {At(all, "all")}}, [](int32_t number) { return number; }, &graph_, &warnings_);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(graph_.inputs.size(), kConcats * kInputsOfEach);
}

TEST_F(CutGraphTest, OneOfSeveralResultsOfANodeMayBeAnInput) {
  const ValueId x = Input("x", {4});
  const ValueId first = Unwrap(graph_.AddValue("first", {}));
  const ValueId second = Unwrap(graph_.AddValue("second", {}));
  const ValueId both[] = {first, second};
  Unwrap(graph_.AddNode(OpId::kSplit, "split", {&x, 1}, both));
  Output(Node(OpId::kAdd, "y", {first, second}));
  ASSERT_EQ(Cut({.inputs = {At(x, "x"), At(second, "second:0")}}), "");
  EXPECT_THAT(NamesOf(graph_.inputs), ElementsAre("x", "second:0"));
  EXPECT_THAT(Run({{1, 2, 3, 4}, {10, 20}}), ElementsAre(11, 22));
}

TEST_F(CutGraphTest, TwoNamesOfOneValue) {
  const ValueId x = Input("x", {2});
  const ValueId a = Node(OpId::kNeg, "a", {x});
  Output(Node(OpId::kRelu, "y", {a}));
  ASSERT_EQ(Cut({.outputs = {At(a, "a"), At(a, "alias of a")}}), "");
  EXPECT_THAT(NamesOf(graph_.outputs), ElementsAre("a", "alias of a"));
  EXPECT_NE(graph_.outputs[0], graph_.outputs[1]);
  EXPECT_EQ(Cut({.inputs = {At(graph_.outputs[0], "a"), At(graph_.outputs[0], "alias of a")}}),
            "input 'alias of a': is the same tensor as the input 'a'");
}

TEST_F(CutGraphTest, InputsAndConstantsMayBeOutputs) {
  const ValueId x = Input("x", {2});
  const ValueId c = Constant("c", {5, 6});
  Output(Node(OpId::kAdd, "y", {x, c}));
  ASSERT_EQ(Cut({.outputs = {At(c, "c"), At(x, "x")}}), "");
  EXPECT_THAT(NamesOf(graph_.outputs), ElementsAre("c", "x"));
  EXPECT_THAT(Run({{1, 2}}), ElementsAre(5, 6));
}

TEST_F(CutGraphTest, OpenDimensionsOfNewInputsBecomeSymbols) {
  const ValueId x = Input("x", {kUnknownDim, 3});
  const ValueId a = Node(OpId::kNeg, "a", {x});
  Output(Node(OpId::kRelu, "y", {a}));
  ASSERT_EQ(Cut({.inputs = {At(a, "a", std::vector<int64_t>{-1, 3})}}), "");
  const Shape& shape = graph_.values[graph_.inputs[0]].type.shape;
  ASSERT_TRUE(IsSymbolDim(shape[0]));
  EXPECT_EQ(graph_.symbols[SymbolOf(shape[0])].name.view(), "a_dim0");
  EXPECT_EQ(graph_.values[graph_.outputs[0]].type.shape, shape);
}

TEST_F(CutGraphTest, FixedShapesReachTheOutputs) {
  const int64_t n = SymbolDim(Unwrap(graph_.FindOrAddSymbol("n")));
  const ValueId x = Input("x", {n, 3});
  Output(Node(OpId::kRelu, "y", {x}));
  EXPECT_THAT(Cut({.inputs = {At(x, "x", std::vector<int64_t>{2, 4})}}),
              HasSubstr("dimension 1 cannot be 4"));
  EXPECT_THAT(Cut({.inputs = {At(x, "x", std::vector<int64_t>{2, -3})}}),
              HasSubstr("dimension 1 is given as -3"));
  EXPECT_THAT(Cut({.inputs = {At(x, "x", std::vector<int64_t>{2})}}), HasSubstr("has 1 dimensions"));
  ASSERT_EQ(Cut({.inputs = {At(x, "x", std::vector<int64_t>{2, -1})}}), "");
  EXPECT_EQ(graph_.values[graph_.outputs[0]].type.shape, (Shape{2, 3}));
}

TEST_F(CutGraphTest, StatesStayWithWhatReadsThem) {
  const ValueId x = Input("x", {2}), memory = Unwrap(graph_.AddValue("memory", {DType::kF32, {2}, kNone}));
  const ValueId sum = Node(OpId::kAdd, "sum", {memory, x});
  const ValueId plain = Node(OpId::kNeg, "plain", {x});
  const ValueId from_memory = Node(OpId::kNeg, "from_memory", {memory});
  Output(sum), Output(plain), Output(from_memory);
  Check(AddState(&graph_, memory, sum));
  ASSERT_EQ(Cut({.outputs = {At(from_memory, "from_memory")}}), "");
  EXPECT_EQ(graph_.states.size(), 1u);
  EXPECT_THAT(NamesOf(graph_.inputs), ElementsAre("x"));
  std::vector<float> kept = {1, 2};
  EXPECT_THAT(Run({{10, 20}}, {{kept.data(), DType::kF32, {2}}}), ElementsAre(-1, -2));
  EXPECT_THAT(kept, ElementsAre(11, 22));
  // What the state becomes needs x, too.
  const ValueId result = graph_.outputs[0];
  EXPECT_THAT(
      Cut({.inputs = {At(result, "result")}, .outputs = {At(graph_.states[0].write, "sum")}}),
      HasSubstr("output 'sum' needs the model's input 'x', which is not among the chosen inputs ('result')"));
}

TEST_F(CutGraphTest, StatesThatNothingReadsGoWithAWarning) {
  const ValueId x = Input("x", {2}), memory = Unwrap(graph_.AddValue("memory", {DType::kF32, {2}, kNone}));
  const ValueId sum = Node(OpId::kAdd, "sum", {memory, x});
  const ValueId plain = Node(OpId::kNeg, "plain", {x});
  Output(sum), Output(plain);
  Check(AddState(&graph_, memory, sum));
  ASSERT_EQ(Cut({.outputs = {At(plain, "plain")}}), "");
  EXPECT_TRUE(graph_.states.empty());
  EXPECT_THAT(warnings_, ElementsAre("state 'memory' was dropped: no chosen output depends on it"));
}

TEST_F(CutGraphTest, JoinsMayBeChainedInAnyOrder) {
  for (const bool reversed : {false, true}) {
    graph_ = Graph();
    const ValueId x = Input("x", {2}), p = Input("p", {2}), q = Input("q", {2});
    const ValueId a = Node(OpId::kNeg, "a", {x});
    const ValueId b = Node(OpId::kAbs, "b", {p});
    const ValueId c = Node(OpId::kExp, "c", {q});
    Output(c);
    ResolvedCut cut;
    cut.joins = {{At(a, "a"), At(p, "p")}, {At(b, "b"), At(q, "q")}};
    if (reversed) std::swap(cut.joins[0], cut.joins[1]);
    ASSERT_EQ(Cut(cut), "");
    EXPECT_THAT(NamesOf(graph_.inputs), ElementsAre("x"));
    EXPECT_EQ(graph_.nodes.size(), 3u);
    EXPECT_EQ(graph_.nodes[0].op, OpId::kNeg);
  }
}

TEST_F(CutGraphTest, JoinsThatDoNotFit) {
  const ValueId x = Input("x", {2}), p = Input("p", {3}), q = Input("q", {2});
  const ValueId y = Node(OpId::kNeg, "y", {q});
  Output(y), Output(Node(OpId::kNeg, "z", {p})), Output(Node(OpId::kNeg, "w", {x}));
  EXPECT_THAT(Cut({.joins = {{At(x, "x"), At(p, "p")}}}),
              HasSubstr("the first is float32[2], the second float32[3]"));
  EXPECT_THAT(Cut({.joins = {{At(y, "y"), At(q, "q")}}}), HasSubstr("the first depends on the second"));
  EXPECT_THAT(Cut({.joins = {{At(x, "x"), At(x, "x")}}}), HasSubstr("the first depends on the second"));
}

std::string ErrorOf(const SourceTensors& tensors, const CutOptions& options) {
  try {
    tensors.Resolve(options);
  } catch (const ImportError& error) {
    return error.what();
  }
  return "";
}

TEST(SourceTensorsTest, NamesWithAndWithoutTensorFlowsNumber) {
  SourceTensors tensors;
  tensors.AddInput("x:0", 0);
  tensors.AddOutput("y", 1);
  tensors.AddTensor("a", 2);
  tensors.AddTensor("a:0", 3);
  const ResolvedCut cut = tensors.Resolve({.inputs = {{"x"}}, .outputs = {"y:0", "a", "a:0"}});
  EXPECT_EQ(cut.inputs[0].number, 0);
  EXPECT_EQ(cut.inputs[0].name, "x");
  EXPECT_EQ(cut.outputs[0].number, 1);
  EXPECT_EQ(cut.outputs[0].name, "y:0");
  EXPECT_EQ(cut.outputs[1].number, 2);
  EXPECT_EQ(cut.outputs[2].number, 3);
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {"y:1"}}), HasSubstr("no tensor of this name"));
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {":0"}}), HasSubstr("no tensor of this name"));
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {"y", "y:0"}}), HasSubstr("'y:0' is given twice"));
}

TEST(SourceTensorsTest, EdgesGoBeforeOtherTensorsOfTheirName) {
  SourceTensors tensors;
  tensors.AddInput("image", 0);
  tensors.AddOutput("image", 1);  // a signature may do that
  tensors.AddTensor("image", 2);
  tensors.AddTensor("twice", 3);
  tensors.AddTensor("twice", 4);
  tensors.AddTensor("", 5);
  EXPECT_EQ(tensors.Resolve({.inputs = {{"image"}}}).inputs[0].number, 0);
  EXPECT_EQ(tensors.Resolve({.outputs = {"image"}}).outputs[0].number, 1);
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {"twice"}}), HasSubstr("several tensors"));
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {""}}), HasSubstr("no tensor of this name"));
}

TEST(SourceTensorsTest, TheNearestNamesAreTold) {
  SourceTensors tensors;
  for (const char* name :
       {"MobilenetV1/Predictions/Reshape_1", "MobilenetV1/Logits", "conv1/BiasAdd", "conv2/BiasAdd"}) {
    tensors.AddTensor(name, static_cast<int32_t>(name[0]) + static_cast<int32_t>(name[4]));
  }
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {"conv1/biasAdd"}}),
              HasSubstr("similar: 'conv1/BiasAdd', 'conv2/BiasAdd'"));
  EXPECT_THAT(ErrorOf(tensors, {.outputs = {"Reshape_1"}}),
              HasSubstr("similar: 'MobilenetV1/Predictions/Reshape_1'"));
  EXPECT_EQ(ErrorOf(tensors, {.outputs = {"zzz"}}).find("similar"), std::string::npos);
}

TEST(SourceTensorsTest, WhatANodeIsNeededFor) {
  // 0 -> [0] -> 1 -> [1] -> 2 -> [2] -> 3;  1 -> [3] -> 4
  SourceNodes source;
  source.nodes = {{{0}, {1}}, {{1, -1}, {2}}, {{2}, {3}}, {{1}, {4}}};
  source.outputs = {3, 4};
  source.tensor_count = 5;
  ResolvedCut cut;
  cut.outputs.push_back({3, "3"});
  EXPECT_THAT(NeedsOf(cut, source).nodes,
              ElementsAre(Need::kResult, Need::kResult, Need::kResult, Need::kNothing));
  cut.inputs.push_back({2, "2"});
  EXPECT_THAT(NeedsOf(cut, source).nodes,
              ElementsAre(Need::kType, Need::kType, Need::kResult, Need::kNothing));
  cut.outputs.clear();
  EXPECT_THAT(NeedsOf(cut, source).nodes,
              ElementsAre(Need::kResult, Need::kType, Need::kResult, Need::kResult));
}

std::string SmallOnnx() {
  onnx::TestModel model;
  model.Input("x", {-1, 2, 4, 4}).Floats("w", {3, 2, 1, 1}, {1, 2, 3, 4, 5, 6}).Floats("s", {}, {2});
  model.Node("Conv", {"x", "w"}, {"c"}).Node("Relu", {"c"}, {"r"}).Node("Mul", {"r", "s"}, {"m"});
  model.Node("Split", {"m"}, {"p", "q"}, {onnx::IntAttribute("axis", 2)}).Node("Add", {"p", "q"}, {"y"});
  return model.Output("y").Build();
}

// Damaged files with a cut: an error or a graph.
TEST(CutImportTest, ChangedBytesNeverCrash) {
  const std::string original = SmallOnnx();
  int imported = 0;
  for (const CutOptions& cut :
       {CutOptions{.inputs = {{"r", std::vector<int64_t>{-1, 3, 4, 4}}}, .outputs = {"q", "m"}},
        CutOptions{.joins = {{"p", "q"}}, .inputs = {{"c"}}}, CutOptions{.outputs = {"c"}}}) {
    for (size_t i = 0; i < original.size(); ++i) {
      for (const char change : {'\x01', '\x10', '\x7f'}) {
        std::string bytes = original;
        bytes[i] = static_cast<char>(bytes[i] ^ change);
        ImportOptions options;
        options.cut = cut;
        Graph graph;
        ImportReport report;
        imported += ImportOnnx(onnx::AsBytes(bytes), options, &graph, &report).ok();
      }
    }
  }
  EXPECT_GT(imported, 100);
}

TEST(CutImportTest, TfliteOperatorsThatMaceLacksMayBeCutAway) {
  tflite::TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 4}, .name = "x"}), a = builder.Add({.dims = {1, 4}, .name = "a"});
  const int b = builder.Add({.dims = {1, 4}, .name = "b"}), y = builder.Add({.dims = {1, 4}, .name = "y"});
  builder.AddOperator(145, {x}, {a});  // no operator of MACE
  builder.AddOperator(19, {a}, {b});   // RELU
  builder.AddOperator(145, {b}, {y});
  const std::vector<uint8_t> bytes = builder.Finish({x}, {y});
  const auto import = [&](CutOptions cut, Graph* graph) {
    ImportOptions options;
    options.cut = std::move(cut);
    ImportReport report;
    return ImportTflite(bytes, options, graph, &report);
  };
  Graph whole, half, middle;
  EXPECT_THAT(import({}, &whole).message(), HasSubstr("2 times"));
  EXPECT_EQ(import({.outputs = {"b"}}, &half).code(), StatusCode::kUnsupported);
  const Status status = import({.inputs = {{"a"}}, .outputs = {"b"}}, &middle);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(middle.nodes.size(), 1u);
  EXPECT_EQ(middle.values[middle.inputs[0]].name.view(), "a");
}

}  // namespace
}  // namespace mace::importers
