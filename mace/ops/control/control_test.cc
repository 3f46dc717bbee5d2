// If and Loop: inference and evaluation, with the shapes that data decide, and what is refused.
#include "mace/ops/control/control.h"

#include <string>

#include "mace/ops/control/control_testing.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {
namespace {

const Shape& ShapeOf(const Graph& graph, size_t output) {
  return graph.values[graph.outputs[output]].type.shape;
}

std::vector<float> Floats(const EvaluatedTensor& tensor) {
  const auto* data = tensor.view.as<float>();
  return {data, data + tensor.view.elements()};
}

Status Evaluate(const Graph& graph, std::vector<TensorView> feeds, Vector<EvaluatedTensor>* fetches) {
  fetches->Clear();
  return EvaluateGraph(graph, feeds, {}, fetches);
}

TEST(ControlGraph, IfAndLoopGiveWhatTheirFormulaSays) {
  Graph graph;
  BuildControlGraph(&graph);
  ASSERT_OK(VerifyGraph(graph, FindOpDefinition));
  EXPECT_TRUE(ShapeOf(graph, 0) == (Shape{SymbolDim(0), 3}));
  EXPECT_FALSE(ShapeOf(graph, 1).HasRank());
  std::vector<float> x = TestValues(6);
  for (const bool flag : {true, false}) {
    for (int64_t count : {0, 1, 4}) {
      bool flag_data = flag;
      Vector<EvaluatedTensor> fetches;
      ASSERT_OK(Evaluate(
          graph, {{&flag_data, DType::kBool, {}}, {&count, DType::kI64, {}}, {x.data(), DType::kF32, {2, 3}}},
          &fetches));
      const std::vector<float> y = Floats(fetches[0]), z = Floats(fetches[1]);
      const int64_t copies = flag ? 1 : count;
      EXPECT_TRUE(fetches[1].view.shape == (flag ? Shape{2, 3} : Shape{count, count > 0 ? 2 : 0, 3}));
      ASSERT_EQ(z.size(), 6u * copies);
      for (size_t i = 0; i < 6; ++i) {
        EXPECT_FLOAT_EQ(y[i], x[i] * (flag ? 2.0f : static_cast<float>(count + 1)));
        for (int64_t k = 0; k < copies; ++k) {
          EXPECT_FLOAT_EQ(z[6 * k + i], std::max(0.0f, x[i] * static_cast<float>(k + 2)));
        }
      }
    }
  }
}

// The rank of what a loop carries that grows by an axis in every iteration.
struct Growing {
  Graph graph;
  ValueId sum, next;

  explicit Growing(bool new_axis) {
    GraphBuilder main(&graph);
    const ValueId count = main.Input("count", DType::kI64, {1});
    const ValueId x = main.Input("x", DType::kF32, {2});
    LoopAttributes loop = {main.Subgraph(), 1};
    GraphBuilder body = main.At(loop.body, "body");
    body.Input("iteration", DType::kI64, {});
    const ValueId going = body.Input("going", DType::kBool, {});
    sum = body.Input("sum", DType::kF32, {2});
    if (new_axis) {
      UnsqueezeAttributes unsqueeze;
      unsqueeze.axes = {0};
      next = body.Node(OpId::kUnsqueeze, "grow", {sum}, unsqueeze);
    } else {
      next = body.Node(OpId::kConcat, "grow", {sum, sum}, ConcatAttributes());
    }
    body.Output(going);
    body.Output(next);
    main.Output(main.Nodes(OpId::kLoop, "loop", {count, main.True(), x}, loop, 1)[0], "y");
  }
};

TEST(Loop, ShapesThatChangeAreGeneralised) {
  for (const bool new_axis : {false, true}) {
    Growing growing(new_axis);
    ASSERT_OK(InferGraphTypes(&growing.graph));
    ASSERT_OK(InferGraphTypes(&growing.graph));  // what was generalised is no contradiction
    ASSERT_OK(VerifyGraph(growing.graph, FindOpDefinition));
    const Graph& body = *growing.graph.subgraphs[0];
    const Shape expected = new_axis ? Shape::OfUnknownRank() : Shape{kUnknownDim};
    EXPECT_TRUE(ShapeOf(growing.graph, 0) == expected) << ShapeText(ShapeOf(growing.graph, 0)).text;
    EXPECT_TRUE(body.values[growing.sum].type.shape == expected);
    EXPECT_TRUE(body.values[growing.next].type.shape == expected);
    float data[2] = {1, 2};
    int64_t count = 3;
    Vector<EvaluatedTensor> fetches;
    ASSERT_OK(Evaluate(growing.graph, {{&count, DType::kI64, {1}}, {data, DType::kF32, {2}}}, &fetches));
    EXPECT_TRUE(fetches[0].view.shape == (new_axis ? Shape{1, 1, 1, 2} : Shape{16}));
    count = 8;  // more axes than a tensor can have: an error, no crash
    const Status status =
        Evaluate(growing.graph, {{&count, DType::kI64, {1}}, {data, DType::kF32, {2}}}, &fetches);
    EXPECT_EQ(status.ok(), !new_axis) << status.message();
  }
}

TEST(Loop, EndsWhereTheConditionIsFalseAndScansNothingWhereItNeverRuns) {
  Graph graph;
  GraphBuilder main(&graph);
  const ValueId start = main.Input("start", DType::kI64, {});
  LoopAttributes loop = {main.Subgraph(), 1};
  GraphBuilder body = main.At(loop.body, "body");
  body.Input("iteration", DType::kI64, {});
  body.Input("going", DType::kBool, {});
  const ValueId number = body.Input("number", DType::kI64, {});
  const ValueId next = body.Node(OpId::kAdd, "next", {number, body.Constant<int64_t>("", {}, {1})});
  body.Output(body.Node(OpId::kLess, "less", {next, body.Constant<int64_t>("", {}, {10})}));
  body.Output(next);
  body.Output(number);
  const ValueId endless = main.Constant<int64_t>("", {}, {INT64_MAX});
  const ValueId going = main.Node(OpId::kLess, "less", {start, main.Constant<int64_t>("", {}, {10})});
  for (ValueId output : main.Nodes(OpId::kLoop, "loop", {endless, going, start}, loop, 2))
    main.Output(output);
  ASSERT_OK(InferGraphTypes(&graph));
  EXPECT_TRUE(ShapeOf(graph, 1) == (Shape{kUnknownDim}));
  for (int64_t first : {7, 10}) {
    Vector<EvaluatedTensor> fetches;
    ASSERT_OK(Evaluate(graph, {{&first, DType::kI64, {}}}, &fetches));
    EXPECT_EQ(*fetches[0].view.as<int64_t>(), 10);
    ASSERT_TRUE(fetches[1].view.shape == (Shape{10 - first}));
    for (int64_t i = 0; i < 10 - first; ++i) EXPECT_EQ(fetches[1].view.as<int64_t>()[i], first + i);
  }
}

// Loops in loops in loops whose carried shapes never settle: inference stays cheap.
TEST(Loop, NestedGeneralisationIsBounded) {
  Graph graph;
  Graph* level = &graph;
  for (int depth = 1; depth < kMaxGraphDepth; ++depth) {
    GraphBuilder builder(level);
    ValueId count = kNone, going = kNone;
    if (depth == 1) {
      count = builder.Input("count", DType::kI64, {});
      going = builder.True();
    } else {
      count = builder.Input("iteration", DType::kI64, {});
      going = builder.Input("going", DType::kBool, {});
    }
    const ValueId x = builder.Input("x", DType::kF32, {2, 2, 2, 2});
    LoopAttributes loop = {builder.Subgraph(), 1};
    const ValueId y = builder.Nodes(OpId::kLoop, "loop", {count, going, x}, loop, 1)[0];
    if (depth > 1) builder.Output(going);
    builder.Output(y);
    level = level->subgraphs[0].get();
  }
  GraphBuilder innermost(level);
  innermost.Input("iteration", DType::kI64, {});
  const ValueId going = innermost.Input("going", DType::kBool, {});
  const ValueId x = innermost.Input("x", DType::kF32, {2, 2, 2, 2});
  innermost.Output(going);
  innermost.Output(innermost.Node(OpId::kConcat, "grow", {x, x}, ConcatAttributes()));
  ASSERT_OK(InferGraphTypes(&graph));
  ASSERT_OK(VerifyGraph(graph, FindOpDefinition));
  EXPECT_FALSE(ShapeOf(graph, 0).IsConcrete());
  // One level more is too deep for either.
  ASSERT_OK(level->subgraphs.PushBack(std::make_unique<Graph>()));
  EXPECT_ERROR(VerifyGraph(graph, FindOpDefinition), kResourceExhausted);
}

TEST(InferNodeTypes, FindsWhatHoldsWhateverTheRank) {
  Graph graph;
  GraphBuilder main(&graph);
  const ValueId x = main.Input("x", DType::kF32, Shape::OfUnknownRank());
  const ValueId y = main.Input("y", DType::kF32, Shape::OfUnknownRank());
  const ValueId relu = main.Node(OpId::kRelu, "relu", {x});
  const ValueId shape = main.Node(OpId::kShape, "shape", {x}, ShapeAttributes());
  TransposeAttributes perm;
  perm.perm = {1, 0, 2};
  const ValueId transposed = main.Node(OpId::kTranspose, "transpose", {x}, perm);
  const ValueId sum = main.Node(OpId::kAdd, "add", {x, y});
  const ValueId target = main.Constant<int64_t>("", {2}, {3, -1});
  const ValueId reshaped = main.Node(OpId::kReshape, "reshape", {y, target}, ReshapeAttributes());
  CastAttributes cast;
  cast.to = DType::kI32;
  const ValueId integers = main.Node(OpId::kCast, "cast", {sum}, cast);
  for (ValueId output : {relu, shape, transposed, reshaped, integers}) main.Output(output);
  ASSERT_OK(InferGraphTypes(&graph));
  ASSERT_OK(VerifyGraph(graph, FindOpDefinition));
  EXPECT_FALSE(graph.values[relu].type.shape.HasRank());
  EXPECT_TRUE(graph.values[shape].type.shape == (Shape{kUnknownDim}));
  EXPECT_EQ(graph.values[shape].type.dtype, DType::kI64);
  EXPECT_TRUE(graph.values[transposed].type.shape == (Shape{kUnknownDim, kUnknownDim, kUnknownDim}));
  EXPECT_TRUE(graph.values[reshaped].type.shape == (Shape{3, kUnknownDim}));
  EXPECT_EQ(graph.values[integers].type.dtype, DType::kI32);
  // No rank makes a Transpose by nine axes.
  graph.values[transposed].type = TensorType{};
  graph.nodes[2].attributes.as<TransposeAttributes>().perm = {5, 5};
  const Status status = InferGraphTypes(&graph);
  EXPECT_NE(std::string(status.message()).find("whatever the ranks"), std::string::npos) << status.message();
}

TEST(EvaluateGraph, TakesAnyRankWhereItIsUnknown) {
  Graph graph;
  GraphBuilder main(&graph);
  main.Output(main.Node(OpId::kNeg, "neg", {main.Input("x", DType::kF32, Shape::OfUnknownRank())}));
  ASSERT_OK(InferGraphTypes(&graph));
  float data[4] = {1, 2, 3, 4};
  for (const Shape& shape : {Shape{4}, Shape{2, 2}, Shape{1, 1, 1, 4}}) {
    Vector<EvaluatedTensor> fetches;
    ASSERT_OK(Evaluate(graph, {{data, DType::kF32, shape}}, &fetches));
    EXPECT_TRUE(fetches[0].view.shape == shape);
    EXPECT_EQ(fetches[0].view.as<float>()[3], -4);
  }
}

// Every structural rule of subgraphs, each broken once.
TEST(VerifyGraph, RefusesBrokenSubgraphs) {
  using Break = void (*)(Graph*);
  const struct {
    const char* message;
    Break change;
  } cases[] = {
      {"belongs to two nodes", [](Graph* g) { g->nodes[0].attributes.as<IfAttributes>().else_branch = 0; }},
      {"does not exist", [](Graph* g) { g->nodes[0].attributes.as<IfAttributes>().then_branch = 7; }},
      {"does not exist", [](Graph* g) { g->subgraphs[1].reset(); }},
      {"belongs to no node", [](Graph* g) { ASSERT_OK(g->subgraphs.PushBack(std::make_unique<Graph>())); }},
      {"has states, metadata or symbols",
       [](Graph* g) { ASSERT_TRUE(g->subgraphs[0]->FindOrAddSymbol("own").ok()); }},
      {"has states, metadata or symbols",
       [](Graph* g) { ASSERT_OK(g->subgraphs[0]->SetMetadata("key", "value")); }},
      {"has 3 inputs",
       [](Graph* g) {
         const ValueId extra = g->subgraphs[0]->AddValue("extra", {DType::kF32, {}, kNone}).value();
         ASSERT_OK(g->subgraphs[0]->inputs.PushBack(extra));
       }},
      {"outputs", [](Graph* g) { g->subgraphs[1]->outputs.PopBack(); }},
      {"its subgraph takes",
       [](Graph* g) { g->subgraphs[0]->values[g->subgraphs[0]->inputs[0]].type.dtype = DType::kI32; }},
      {"its subgraph gives", [](Graph* g) { g->values[g->nodes[0].outputs[0]].type.dtype = DType::kI32; }},
      {"does not exist",
       [](Graph* g) { g->subgraphs[0]->values[g->subgraphs[0]->inputs[1]].type.shape[0] = SymbolDim(1); }},
      {"carried",
       [](Graph* g) { g->subgraphs[1]->nodes[0].attributes.as<LoopAttributes>().carried_count = 3; }},
      {"another element type",
       [](Graph* g) {
         Graph& body = *g->subgraphs[1]->subgraphs[0];
         body.outputs[0] = body.inputs[0];  // the iteration where a bool is due
       }},
      {"subgraph 1 'adding': subgraph 0 'step'",
       [](Graph* g) { g->subgraphs[1]->subgraphs[0]->outputs[0] = 99; }},
  };
  for (const auto& broken : cases) {
    Graph graph;
    BuildControlGraph(&graph);
    broken.change(&graph);
    const Status status = VerifyGraph(graph, FindOpDefinition);
    EXPECT_FALSE(status.ok()) << broken.message;
    EXPECT_NE(std::string(status.message()).find(broken.message), std::string::npos) << status.message();
  }
}

// A file may leave them out.
TEST(InferNode, BodiesWithoutTypesAreRefused) {
  Graph graph;
  BuildControlGraph(&graph);
  const auto infer = [](const Graph& owner) {
    const Node& node = owner.nodes[0];
    std::vector<TensorType> inputs, outputs(node.outputs.size());
    for (ValueId input : node.inputs) inputs.push_back(owner.values[input].type);
    const std::vector<const TensorView*> known(inputs.size());
    return InferNode(owner, node, inputs.data(), known.data(), outputs.data());
  };
  Graph& adding = *graph.subgraphs[1];
  EXPECT_OK(infer(graph));
  EXPECT_OK(infer(adding));
  Graph& step = *adding.subgraphs[0];
  step.outputs[2] = step.inputs[0];
  step.values[step.inputs[0]].type.dtype = DType::kInvalid;
  EXPECT_ERROR(infer(adding), kInvalidArgument);
  for (auto& branch : graph.subgraphs) {
    for (ValueId output : branch->outputs) branch->values[output].type.dtype = DType::kInvalid;
  }
  EXPECT_ERROR(infer(graph), kInvalidArgument);
}

TEST(DumpGraph, IndentsSubgraphs) {
  Graph graph;
  BuildControlGraph(&graph);
  String text;
  ASSERT_OK(DumpGraph(graph, FindOpDefinition, &text));
  const std::string dump(text.view());
  EXPECT_NE(dump.find("\n    graph 'adding'\n"), std::string::npos) << dump;
  EXPECT_NE(dump.find("\n        graph 'step'\n        input %0 'iteration': int64[]\n"), std::string::npos)
      << dump;
  EXPECT_NE(dump.find("'x': float32[batch, 3]"), std::string::npos) << dump;
  EXPECT_NE(dump.find("'z': float32[...] = Relu"), std::string::npos) << dump;
}

TEST(Control, RefusesWrongConditionsAndCounts) {
  Graph graph;
  BuildControlGraph(&graph);
  bool flags[2] = {false, false};
  float x[3] = {};
  int64_t counts[2] = {1, 1};
  Vector<EvaluatedTensor> fetches;
  graph.values[graph.inputs[0]].type.shape = {kUnknownDim};
  graph.values[graph.inputs[1]].type.shape = {kUnknownDim};
  for (const int64_t wrong : {0, 2}) {
    const TensorView flag = {flags, DType::kBool, {1}}, count = {counts, DType::kI64, {1}},
                     data = {x, DType::kF32, {1, 3}};
    const TensorView bad_flag = {flags, DType::kBool, {wrong}}, bad_count = {counts, DType::kI64, {wrong}};
    EXPECT_OK(Evaluate(graph, {flag, count, data}, &fetches));
    EXPECT_ERROR(Evaluate(graph, {bad_flag, count, data}, &fetches), kInvalidArgument);
    EXPECT_ERROR(Evaluate(graph, {flag, bad_count, data}, &fetches), kInvalidArgument);
  }
}

}  // namespace
}  // namespace mace::ops
