// Whole graphs: inference through computed shapes, evaluation with state, errors that name the node.
#include "mace/ops/evaluate.h"

#include "mace/ops/movement/movement.h"
#include "mace/ops/op_tester.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {
namespace {

ValueId Value(Graph* graph, const char* name, const TensorType& type = {}) {
  return graph->AddValue(name, type).value();
}
ValueId Ints(Graph* graph, std::vector<int64_t> values, bool scalar = false) {
  TensorView view = {values.data(), DType::kI64, {}};
  if (!scalar) view.shape.Push(static_cast<int64_t>(values.size()));
  return graph->AddConstant("constant", view, /*copy=*/true).value();
}
Node& Add(Graph* graph, OpId op, std::vector<ValueId> inputs, ValueId output) {
  return graph->nodes[graph->AddNode(op, "node", inputs, {&output, 1}).value()];
}

// Reshape(x, Concat(Unsqueeze(Gather(Shape(x), 0)), [-1])), as exporters write it.
TEST(InferGraphTypes, FollowsComputedShapes) {
  for (const int64_t batch : {int64_t{2}, SymbolDim(0)}) {
    Graph graph;
    ASSERT_TRUE(graph.FindOrAddSymbol("batch").ok());
    const ValueId x = Value(&graph, "x", {DType::kF32, {batch, 3, 4}, kNone});
    ASSERT_OK(graph.inputs.PushBack(x));
    const ValueId shape = Value(&graph, "shape"), first = Value(&graph, "first"),
                  list = Value(&graph, "list"), target = Value(&graph, "target"), y = Value(&graph, "y");
    Add(&graph, OpId::kShape, {x}, shape);
    Add(&graph, OpId::kGather, {shape, Ints(&graph, {0}, true)}, first);
    Add(&graph, OpId::kUnsqueeze, {first}, list).attributes.as<UnsqueezeAttributes>().axes = {0};
    Add(&graph, OpId::kConcat, {list, Ints(&graph, {-1})}, target);
    Add(&graph, OpId::kReshape, {x, target}, y);
    ASSERT_OK(graph.outputs.PushBack(y));
    ASSERT_OK(InferGraphTypes(&graph));
    const Shape expected = batch == 2 ? Shape{2, 12} : Shape{kUnknownDim, kUnknownDim};
    EXPECT_TRUE(graph.values[y].type.shape == expected) << ShapeText(graph.values[y].type.shape).text;
    EXPECT_OK(VerifyGraph(graph, FindOpDefinition));
    // Evaluated, the result is concrete in either case.
    auto data = TestValues(24);
    const TensorView feed = {data.data(), DType::kF32, {2, 3, 4}};
    Vector<EvaluatedTensor> fetches;
    ASSERT_OK(EvaluateGraph(graph, {&feed, 1}, {}, &fetches));
    EXPECT_TRUE(fetches[0].view.shape == (Shape{2, 12}));
    EXPECT_EQ(std::memcmp(fetches[0].view.data, data.data(), 24 * sizeof(float)), 0);
  }
}

TEST(InferGraphTypes, KeepsWhatIsMorePreciseAndReportsContradictions) {
  Graph graph;
  const ValueId x = Value(&graph, "x", {DType::kF32, {kUnknownDim, 4}, kNone});
  const ValueId y = Value(&graph, "y", {DType::kF32, {7, kUnknownDim}, kNone});
  ASSERT_OK(graph.inputs.PushBack(x));
  Add(&graph, OpId::kRelu, {x}, y);
  ASSERT_OK(InferGraphTypes(&graph));
  EXPECT_TRUE(graph.values[y].type.shape == (Shape{7, 4}));
  graph.values[y].type.shape = {7, 5};
  const Status status = InferGraphTypes(&graph);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("node 'node' (Relu)"), std::string::npos) << status.message();
  ASSERT_OK(graph.nodes[0].name.Assign(""));  // named by its first output then
  EXPECT_EQ(std::string(InferGraphTypes(&graph).message()).find("node 'y' (Relu)"), 0u);
  graph.values[y].type = {DType::kI64, {7, 4}, kNone};
  EXPECT_ERROR(InferGraphTypes(&graph), kInvalidArgument);
}

TEST(EvaluateGraph, StateIsCarried) {
  Graph graph;
  const TensorType type = {DType::kF32, {2}, kNone};
  const ValueId x = Value(&graph, "x", type), old = Value(&graph, "old", type), sum = Value(&graph, "sum");
  ASSERT_OK(graph.inputs.PushBack(x));
  Add(&graph, OpId::kAdd, {x, old}, sum);
  ASSERT_OK(graph.outputs.PushBack(sum));
  State state;
  state.read = old;
  state.write = sum;
  ASSERT_OK(graph.states.PushBack(std::move(state)));
  ASSERT_OK(InferGraphTypes(&graph));
  ASSERT_OK(VerifyGraph(graph, FindOpDefinition));
  float held[2] = {0, 0}, data[2] = {1, 2};
  TensorView buffer = {held, DType::kF32, {2}};
  const TensorView feed = {data, DType::kF32, {2}};
  for (int run = 1; run <= 3; ++run) {
    Vector<EvaluatedTensor> fetches;
    ASSERT_OK(EvaluateGraph(graph, {&feed, 1}, {&buffer, 1}, &fetches));
    EXPECT_EQ(fetches[0].view.as<float>()[1], 2.0f * run);
    EXPECT_EQ(held[0], 1.0f * run);
  }
}

TEST(EvaluateGraph, RefusesWrongFeeds) {
  Graph graph;
  ASSERT_TRUE(graph.FindOrAddSymbol("n").ok());
  const int64_t n = SymbolDim(0);
  const ValueId a = Value(&graph, "a", {DType::kF32, {n}, kNone}),
                b = Value(&graph, "b", {DType::kF32, {n}, kNone});
  const ValueId y = Value(&graph, "y");
  ASSERT_OK(graph.inputs.PushBack(a));
  ASSERT_OK(graph.inputs.PushBack(b));
  Add(&graph, OpId::kAdd, {a, b}, y);
  ASSERT_OK(graph.outputs.PushBack(y));
  float data[3] = {};
  const TensorView two = {data, DType::kF32, {2}}, one = {data, DType::kF32, {1}},
                   ints = {data, DType::kI32, {2}};
  Vector<EvaluatedTensor> fetches;
  const TensorView right[] = {two, two}, unequal[] = {two, one}, wrong[] = {two, ints};
  EXPECT_OK(EvaluateGraph(graph, right, {}, &fetches));
  EXPECT_ERROR(EvaluateGraph(graph, unequal, {}, &fetches), kInvalidArgument);  // both are n
  EXPECT_ERROR(EvaluateGraph(graph, wrong, {}, &fetches), kInvalidArgument);
  EXPECT_ERROR(EvaluateGraph(graph, {right, 1}, {}, &fetches), kInvalidArgument);
}

TEST(EvaluateNode, RefusesOutputsOfAnotherType) {
  Graph graph;
  const ValueId x = Value(&graph, "x", {DType::kF32, {2}, kNone}), y = Value(&graph, "y");
  const Node& node = Add(&graph, OpId::kRelu, {x}, y);
  float data[2] = {}, result[2] = {};
  const TensorView input = {data, DType::kF32, {2}};
  TensorView output = {result, DType::kF32, {1}};
  EXPECT_ERROR(EvaluateNode(graph, node, &input, &output), kInvalidArgument);
  output.shape = {2};
  EXPECT_OK(EvaluateNode(graph, node, &input, &output));
}

TEST(Graph, AddNodeRefusesWhatDoesNotExist) {
  Graph graph;
  const ValueId missing = 3;
  EXPECT_FALSE(graph.AddNode(OpId::kRelu, "node", {&missing, 1}, {}).ok());
  EXPECT_FALSE(graph.AddNode(static_cast<OpId>(999), "node", {}, {}).ok());
}

}  // namespace
}  // namespace mace::ops
