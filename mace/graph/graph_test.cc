// Building, verifying and dumping graphs, with two operators made up for the purpose: graph/ knows none.
#include "mace/graph/graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"

namespace mace {
namespace {

struct ScaleAttributes {
  float factor = 2;
  static constexpr auto Fields() { return std::array{MACE_FIELD(1, ScaleAttributes, factor)}; }
};
constexpr OpDefinition kScale = {.name = "Scale", .attributes = AttributeInfoOf<ScaleAttributes>()};
constexpr OpDefinition kJoin = {
    .name = "Join", .version = 2, .min_inputs = 2, .max_inputs = 3, .max_outputs = 2};
constexpr auto kScaleId = static_cast<OpId>(1);
constexpr auto kJoinId = static_cast<OpId>(2);

const OpDefinition* Find(OpId op) { return op == kScaleId ? &kScale : (op == kJoinId ? &kJoin : nullptr); }

NodeId Add(Graph* graph, OpId op, std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  Node node;
  node.op = op;
  EXPECT_TRUE(node.name.Assign("node").ok());
  EXPECT_TRUE(node.inputs.Assign(inputs.data(), inputs.size()).ok());
  EXPECT_TRUE(node.outputs.Assign(outputs.data(), outputs.size()).ok());
  Find(op)->attributes.construct(node.attributes.bytes);
  EXPECT_TRUE(graph->nodes.PushBack(std::move(node)).ok());
  const auto id = static_cast<NodeId>(graph->nodes.size() - 1);
  for (ValueId output : outputs) graph->values[output].producer = id;
  return id;
}

// x [n, 2] u8 quantized -> Scale -> y; Join(y, w, state) -> z, which is written to the state.
Graph MakeGraph() {
  Graph graph;
  EXPECT_TRUE(graph.name.Assign("example").ok());
  EXPECT_TRUE(graph.FindOrAddSymbol("n").ok());
  const float scale = 0.5f;
  const int32_t zero_point = 128;
  const int32_t quantization = graph.AddQuantization({&scale, 1}, {&zero_point, 1}, kNone).value();
  const ValueId x = graph.AddValue("x", {DType::kU8, {SymbolDim(0), 2}, quantization}).value();
  const ValueId y = graph.AddValue("y", {DType::kU8, {kUnknownDim, 2}, kNone}).value();
  int32_t weights[2] = {1, 2};
  const ValueId w = graph.AddConstant("w", {weights, DType::kI32, {2}}, /*copy=*/true).value();
  const ValueId state = graph.AddValue("old", {DType::kF32, {3}, kNone}).value();
  const ValueId z = graph.AddValue("z", {DType::kF32, {3}, kNone}).value();
  EXPECT_TRUE(graph.inputs.PushBack(x).ok());
  EXPECT_TRUE(graph.outputs.PushBack(z).ok());
  Add(&graph, kScaleId, {x}, {y});
  Add(&graph, kJoinId, {y, w, state}, {z});
  State carried;
  EXPECT_TRUE(carried.name.Assign("memory").ok());
  carried.read = state;
  carried.write = z;
  EXPECT_TRUE(graph.states.PushBack(std::move(carried)).ok());
  return graph;
}

TEST(Graph, DumpIsReadable) {
  String text;
  ASSERT_TRUE(DumpGraph(MakeGraph(), Find, &text).ok());
  EXPECT_EQ(text.view(),
            "graph 'example'\n"
            "input %0 'x': uint8[n, 2] quantized(scale 0.5, zero point 128)\n"
            "constant %2 'w': int32[2]\n"
            "state 'memory': read %3 'old': float32[3], write %4, initial zeros\n"
            "%1 'y': uint8[?, 2] = Scale(%0) {factor=2}  # node\n"
            "%4 'z': float32[3] = Join(%1, %2, %3)  # node\n"
            "output %4 'z': float32[3]\n");
}

TEST(Graph, VerifyAcceptsWhatIsRight) {
  const Status status = VerifyGraph(MakeGraph(), Find);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(Graph, VerifyRefusesEachDefect) {
  const std::vector<std::pair<const char*, std::function<void(Graph&)>>> defects = {
      {"input out of range", [](Graph& g) { g.inputs[0] = 99; }},
      {"too many outputs",
       [](Graph& g) {
         for (int i = 0; i < kMaxGraphEdges; ++i) static_cast<void>(g.outputs.PushBack(g.outputs[0]).ok());
       }},
      {"output out of range", [](Graph& g) { g.outputs[0] = -5; }},
      {"output undefined",
       [](Graph& g) {
         static_cast<void>(g.AddValue("u", g.values[0].type).ok());
         g.outputs[0] = 5;
       }},
      {"node input out of range", [](Graph& g) { g.nodes[0].inputs[0] = 99; }},
      {"used before defined", [](Graph& g) { g.nodes[0].inputs[0] = 4; }},
      {"required input absent", [](Graph& g) { g.nodes[1].inputs[1] = kNone; }},
      {"too few inputs",
       [](Graph& g) {
         g.nodes[1].inputs.PopBack();
         g.nodes[1].inputs.PopBack();
       }},
      {"too many inputs", [](Graph& g) { static_cast<void>(g.nodes[0].inputs.PushBack(0).ok()); }},
      {"output absent", [](Graph& g) { g.nodes[0].outputs[0] = kNone; }},
      {"no output", [](Graph& g) { g.nodes[0].outputs.PopBack(); }},
      {"produced twice", [](Graph& g) { g.nodes[1].outputs[0] = 1; }},
      {"produces an input", [](Graph& g) { g.nodes[1].outputs[0] = 0; }},
      {"other producer named", [](Graph& g) { g.values[4].producer = 0; }},
      {"producer out of range", [](Graph& g) { g.values[4].producer = 7; }},
      {"a producer of an input", [](Graph& g) { g.values[0].producer = 0; }},
      {"unknown operator", [](Graph& g) { g.nodes[0].op = static_cast<OpId>(77); }},
      {"version 0", [](Graph& g) { g.nodes[0].version = 0; }},
      {"newer version", [](Graph& g) { g.nodes[1].version = 3; }},
      {"no dtype", [](Graph& g) { g.values[0].type.dtype = DType::kInvalid; }},
      {"dtype of no type", [](Graph& g) { g.values[1].type.dtype = static_cast<DType>(99); }},
      {"rank", [](Graph& g) { g.values[1].type.shape.rank = 9; }},
      {"negative rank", [](Graph& g) { g.values[1].type.shape.rank = -2; }},
      {"missing symbol", [](Graph& g) { g.values[1].type.shape[0] = SymbolDim(1); }},
      {"lowest dimension", [](Graph& g) { g.values[1].type.shape[0] = std::numeric_limits<int64_t>::min(); }},
      {"constant out of range", [](Graph& g) { g.values[2].constant = 1; }},
      {"constant of another type", [](Graph& g) { g.values[2].type.dtype = DType::kF32; }},
      {"constant of another shape", [](Graph& g) { g.values[2].type.shape = {1}; }},
      {"constant without data", [](Graph& g) { g.constants[0].view.data = nullptr; }},
      {"constant beyond its buffer", [](Graph& g) { g.constants[0].view.shape = {99}; }},
      {"quantization out of range", [](Graph& g) { g.values[0].type.quantization = 4; }},
      {"quantization out of range of an untyped value",
       [](Graph& g) {
         g.values[4].type.dtype = DType::kInvalid;
         g.values[4].type.quantization = -7;
       }},
      {"quantized float", [](Graph& g) { g.values[3].type.quantization = 0; }},
      {"zero point outside", [](Graph& g) { g.quantizations[0].zero_points[0] = 256; }},
      {"scale of 0", [](Graph& g) { g.quantizations[0].scales[0] = 0; }},
      {"scale not finite", [](Graph& g) { g.quantizations[0].scales[0] = HUGE_VALF; }},
      {"zero points missing", [](Graph& g) { g.quantizations[0].zero_points.PopBack(); }},
      {"no scale",
       [](Graph& g) {
         g.quantizations[0].scales.PopBack();
         g.quantizations[0].zero_points.PopBack();
       }},
      {"quantization axis", [](Graph& g) { g.quantizations[0].axis = 2; }},
      {"negative block", [](Graph& g) { g.quantizations[0].block_size = -1; }},
      {"scales for another axis size",
       [](Graph& g) {
         for (int i = 0; i < 2; ++i) {
           static_cast<void>(g.quantizations[0].scales.PushBack(1).ok());
           static_cast<void>(g.quantizations[0].zero_points.PushBack(0).ok());
         }
         g.quantizations[0].axis = 1;
       }},
      {"symbol range",
       [](Graph& g) {
         g.symbols[0].minimum = 5;
         g.symbols[0].maximum = 4;
       }},
      {"state read out of range", [](Graph& g) { g.states[0].read = 99; }},
      {"state reads a result", [](Graph& g) { g.states[0].read = 4; }},
      {"state reads a constant", [](Graph& g) { g.states[0].read = 2; }},
      {"state write of another shape", [](Graph& g) { g.values[4].type.shape = {4}; }},
      {"state write of another dtype", [](Graph& g) { g.values[4].type.dtype = DType::kI32; }},
      {"state initial out of range", [](Graph& g) { g.states[0].initial = 3; }},
      {"state initial of another type", [](Graph& g) { g.states[0].initial = 0; }},
      {"state capacity axis", [](Graph& g) { g.states[0].capacity_axis = 1; }},
  };
  for (const auto& [name, damage] : defects) {
    Graph graph = MakeGraph();
    damage(graph);
    EXPECT_FALSE(VerifyGraph(graph, Find).ok()) << name;
  }
}

TEST(Graph, MessagesNameTheNode) {
  Graph graph = MakeGraph();
  graph.nodes[1].version = 3;
  const Status status = VerifyGraph(graph, Find);
  EXPECT_NE(std::string_view(status.message()).find("node 1 'node': Join version 3"), std::string_view::npos)
      << status.message();
}

TEST(Graph, ConstantsAreCopiedOrReferredTo) {
  Graph graph;
  float data[2] = {1, 2};
  const ValueId copied = graph.AddConstant("a", {data, DType::kF32, {2}}, true).value();
  const ValueId referred = graph.AddConstant("b", {data, DType::kF32, {2}}, false).value();
  data[0] = 9;
  EXPECT_EQ(graph.ConstantOf(copied)->as<float>()[0], 1);
  EXPECT_EQ(graph.ConstantOf(referred)->as<float>()[0], 9);
  EXPECT_EQ(graph.ConstantOf(kNone), nullptr);
  EXPECT_FALSE(graph.AddConstant("open", {data, DType::kF32, {kUnknownDim}}, false).ok());
  EXPECT_FALSE(graph.AddConstant("huge", {data, DType::kF32, {INT64_MAX, 2}}, true).ok());
  EXPECT_FALSE(graph.AddUninitializedConstant("none", DType::kInvalid, {1}).ok());
  EXPECT_TRUE(graph.AddUninitializedConstant("empty", DType::kF32, {0}).ok());
  EXPECT_EQ(graph.constants.size(), 3u);  // what failed left nothing behind
  EXPECT_EQ(graph.values.size(), 3u);
}

TEST(Graph, SymbolsAreFoundAgain) {
  Graph graph;
  EXPECT_EQ(graph.FindOrAddSymbol("a").value(), 0);
  EXPECT_EQ(graph.FindOrAddSymbol("b").value(), 1);
  EXPECT_EQ(graph.FindOrAddSymbol("a").value(), 0);
  const float scale = 1;
  EXPECT_FALSE(graph.AddQuantization({&scale, 1}, {}, kNone).ok());
  EXPECT_FALSE(graph.AddQuantization({}, {}, kNone).ok());
}

TEST(Graph, MetadataAreReplacedByKeyAndBounded) {
  Graph graph;
  EXPECT_TRUE(graph.SetMetadata("a", "1").ok());
  EXPECT_TRUE(graph.SetMetadata("b", "").ok());
  EXPECT_TRUE(graph.SetMetadata("a", "2").ok());
  ASSERT_EQ(graph.metadata.size(), 2u);
  EXPECT_EQ(graph.metadata[0].value.view(), "2");
  EXPECT_FALSE(graph.SetMetadata("", "x").ok());
  EXPECT_FALSE(graph.SetMetadata({"k\0", 2}, "x").ok());
  EXPECT_FALSE(graph.SetMetadata("k", {"\0", 1}).ok());
  for (size_t i = 2; i < kMaxMetadata; ++i) ASSERT_TRUE(graph.SetMetadata(std::to_string(i), "").ok());
  EXPECT_EQ(graph.SetMetadata("one more", "").code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(graph.SetMetadata("a", "3").ok());
}

}  // namespace
}  // namespace mace
