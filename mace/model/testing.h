// What the tests of the .mace format share: operators of their own (one with every kind of field), a graph
// with everything in it, comparison of graphs, and bytes in memory with a guard behind them.
#ifndef MACE_MODEL_TESTING_H_
#define MACE_MODEL_TESTING_H_

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mace/core/guarded_memory_testing.h"
#include "mace/core/memory.h"
#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"
#include "mace/model/format.h"
#include "mace/model/repair_hashes.h"

namespace mace::testing {

enum class TestMode : int32_t { kFirst = 0, kSecond = 1, kThird = 2, kCount = 3 };

struct EveryKindAttributes {
  int64_t integer = 7;
  int32_t small_integer = -3;
  float number = 0.5f;
  bool flag = true;
  DType dtype = DType::kF32;
  IntList integers = {1, 2};
  FloatList numbers = {1.0f};
  TestMode mode = TestMode::kSecond;

  // Not in the order of the ids, which the file must not depend on.
  static constexpr auto Fields() {
    return std::array{
        MACE_FIELD(8, EveryKindAttributes, mode),          MACE_FIELD(1, EveryKindAttributes, integer),
        MACE_FIELD(2, EveryKindAttributes, small_integer), MACE_FIELD(3, EveryKindAttributes, number),
        MACE_FIELD(4, EveryKindAttributes, flag),          MACE_FIELD(5, EveryKindAttributes, dtype),
        MACE_FIELD(6, EveryKindAttributes, integers),      MACE_FIELD(70, EveryKindAttributes, numbers)};
  }
};

inline constexpr auto kEveryKindOp = static_cast<OpId>(60000);
inline constexpr auto kPlainOp = static_cast<OpId>(60001);

inline constexpr OpDefinition kEveryKindDefinition = {.name = "EveryKind",
                                                      .version = 3,
                                                      .min_inputs = 1,
                                                      .max_inputs = 3,
                                                      .min_outputs = 1,
                                                      .max_outputs = 2,
                                                      .attributes = AttributeInfoOf<EveryKindAttributes>()};
inline constexpr OpDefinition kPlainDefinition = {
    .name = "Plain", .version = 1, .min_inputs = 1, .max_inputs = 2, .min_outputs = 1, .max_outputs = 1};

inline const OpDefinition* FindTestDefinition(OpId op) {
  if (op == kEveryKindOp) return &kEveryKindDefinition;
  if (op == kPlainOp) return &kPlainDefinition;
  return nullptr;
}

// The node of a test operator, with default attributes, as Graph::AddNode does for real ones.
inline NodeId AddTestNode(Graph* graph, OpId op, std::string_view name, std::vector<ValueId> inputs,
                          std::vector<ValueId> outputs) {
  Node node;
  node.op = op;
  node.version = FindTestDefinition(op)->version;
  FindTestDefinition(op)->attributes.construct(node.attributes.bytes);
  EXPECT_TRUE(node.name.Assign(name).ok());
  EXPECT_TRUE(node.inputs.Assign(inputs.data(), inputs.size()).ok());
  EXPECT_TRUE(node.outputs.Assign(outputs.data(), outputs.size()).ok());
  EXPECT_TRUE(graph->nodes.PushBack(std::move(node)).ok());
  const auto id = static_cast<NodeId>(graph->nodes.size() - 1);
  for (ValueId output : outputs) {
    if (output != kNone) graph->values[output].producer = id;
  }
  return id;
}

inline ValueId AddTestValue(Graph* graph, std::string_view name, DType dtype, Shape shape) {
  auto id = graph->AddValue(name, {dtype, shape, kNone});
  EXPECT_TRUE(id.ok());
  return *id;
}

template <typename T>
ValueId AddTestConstant(Graph* graph, std::string_view name, Shape shape, std::vector<T> data,
                        DType dtype = DTypeOf<T>()) {
  auto id = graph->AddConstant(name, {data.data(), dtype, shape}, /*copy=*/true);
  EXPECT_TRUE(id.ok());
  return *id;
}

inline int32_t AddTestQuantization(Graph* graph, std::vector<float> scales, std::vector<int32_t> zero_points,
                                   int32_t axis) {
  auto id = graph->AddQuantization(scales, zero_points, axis);
  EXPECT_TRUE(id.ok());
  return *id;
}

inline void AddTestState(Graph* graph, std::string_view name, ValueId read, ValueId write, int32_t initial,
                         int32_t capacity_axis) {
  State state;
  EXPECT_TRUE(state.name.Assign(name).ok());
  state.read = read;
  state.write = write;
  state.initial = initial;
  state.capacity_axis = capacity_axis;
  EXPECT_TRUE(graph->states.PushBack(std::move(state)).ok());
}

// Every feature of the IR once: symbols with and without limits, unknown dimensions, quantizations per
// tensor, channel and block, 4-bit and zero-size constants, equal constants, absent operands, states.
inline Graph MakeTestGraph() {
  Graph graph;
  EXPECT_TRUE(graph.name.Assign("every feature").ok());
  const int32_t batch = *graph.FindOrAddSymbol("batch");
  const int32_t length = *graph.FindOrAddSymbol("length");
  graph.symbols[length].minimum = 1;
  graph.symbols[length].maximum = 512;
  const ValueId x = AddTestValue(&graph, "x", DType::kF32, {SymbolDim(batch), SymbolDim(length), 16});
  const ValueId x2 = AddTestValue(&graph, "", DType::kI8, {1, kUnknownDim});
  std::vector<float> ramp(16);
  for (int i = 0; i < 16; ++i) ramp[i] = 0.25f * static_cast<float>(i) - 1.0f;
  const ValueId weights = AddTestConstant<float>(&graph, "weights", {16}, ramp);
  const ValueId same = AddTestConstant<float>(&graph, "same", {4, 4}, ramp);
  const ValueId empty = AddTestConstant<float>(&graph, "empty", {0, 4}, {});
  const ValueId scalar = AddTestConstant<int64_t>(&graph, "scalar", {}, {-5});
  const ValueId channels = AddTestConstant<int8_t>(&graph, "channels", {2, 3}, {1, 2, 3, -4, -5, -6});
  graph.values[channels].type.quantization = AddTestQuantization(&graph, {0.5f, 0.25f}, {0, 0}, 0);
  const ValueId blocks = AddTestConstant<uint8_t>(&graph, "blocks", {1, 6}, {0x10, 0x32, 0x54}, DType::kU4);
  const int32_t by_block = AddTestQuantization(&graph, {1.0f, 2.0f, 3.0f}, {8, 7, 6}, 1);
  graph.quantizations[by_block].block_size = 2;
  graph.values[blocks].type.quantization = by_block;
  graph.values[x2].type.quantization = AddTestQuantization(&graph, {0.125f}, {-128}, kNone);
  const ValueId flags = AddTestConstant<uint8_t>(&graph, "flags", {3}, {0, 1, 1}, DType::kBool);
  const ValueId state_read = AddTestValue(&graph, "state", DType::kF32, {4, 4});
  const ValueId memory_read = AddTestValue(&graph, "memory", DType::kF32, {1, kUnknownDim});
  const ValueId a = AddTestValue(&graph, "a", DType::kF32, {SymbolDim(batch), kUnknownDim, 16});
  const ValueId b = AddTestValue(&graph, "b", DType::kF32, {4, 4});
  const ValueId c = AddTestValue(&graph, "c", DType::kInvalid, {});
  const ValueId d = AddTestValue(&graph, "d", DType::kF32, {1, kUnknownDim});

  const NodeId first = AddTestNode(&graph, kEveryKindOp, "first", {x, kNone, weights}, {a});
  graph.nodes[first].version = 2;
  auto& attributes = graph.nodes[first].attributes.as<EveryKindAttributes>();
  attributes.integer = INT64_MIN;
  attributes.small_integer = INT32_MAX;
  attributes.number = -0.0f;
  attributes.flag = false;
  attributes.dtype = DType::kU4;
  attributes.integers = {1, -2, 3, -4, INT64_MAX, 6, 7, 8};
  attributes.numbers = {};
  attributes.mode = TestMode::kThird;
  AddTestNode(&graph, kPlainOp, "second", {state_read, same}, {b});
  const NodeId third = AddTestNode(&graph, kEveryKindOp, "", {x2, channels, blocks}, {c, d});
  graph.nodes[third].attributes.as<EveryKindAttributes>().numbers = {1.0f, 2.5f};

  AddTestState(&graph, "state", state_read, b, graph.values[same].constant, kNone);
  AddTestState(&graph, "cache", memory_read, d, kNone, 1);
  EXPECT_TRUE(graph.SetMetadata("labels", "cat\ndog\nfish").ok());
  EXPECT_TRUE(graph.SetMetadata("empty", "").ok());
  for (ValueId input : {x, x2}) EXPECT_TRUE(graph.inputs.PushBack(input).ok());
  for (ValueId output : {a, c, empty, scalar, flags}) EXPECT_TRUE(graph.outputs.PushBack(output).ok());
  return graph;
}

inline void ExpectSameConstants(const Graph& expected, const Graph& actual) {
  ASSERT_EQ(actual.constants.size(), expected.constants.size());
  for (size_t i = 0; i < expected.constants.size(); ++i) {
    const TensorView& a = expected.constants[i].view;
    const TensorView& b = actual.constants[i].view;
    EXPECT_EQ(b.dtype, a.dtype);
    EXPECT_TRUE(b.shape == a.shape);
    ASSERT_EQ(b.bytes(), a.bytes());
    if (a.bytes() > 0) {
      EXPECT_EQ(std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())), 0);
    }
  }
}

inline void ExpectSameNodes(const Graph& expected, const Graph& actual, OpFinder find_definition) {
  ASSERT_EQ(actual.nodes.size(), expected.nodes.size());
  for (size_t i = 0; i < expected.nodes.size(); ++i) {
    const Node& a = expected.nodes[i];
    const Node& b = actual.nodes[i];
    EXPECT_EQ(b.op, a.op);
    EXPECT_EQ(b.version, a.version);
    EXPECT_EQ(b.name.view(), a.name.view());
    EXPECT_TRUE(std::ranges::equal(a.inputs, b.inputs));
    EXPECT_TRUE(std::ranges::equal(a.outputs, b.outputs));
    EXPECT_TRUE(AttributesEqual(find_definition(a.op)->attributes, a.attributes, b.attributes)) << i;
  }
}

inline void ExpectSameValues(const Graph& expected, const Graph& actual) {
  ASSERT_EQ(actual.values.size(), expected.values.size());
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const Value& a = expected.values[i];
    const Value& b = actual.values[i];
    EXPECT_EQ(b.name.view(), a.name.view());
    EXPECT_EQ(b.type.dtype, a.type.dtype);
    EXPECT_TRUE(b.type.shape == a.type.shape) << i;
    EXPECT_EQ(b.type.quantization, a.type.quantization);
    EXPECT_EQ(b.constant, a.constant);
    EXPECT_EQ(b.producer, a.producer);
  }
}

inline void ExpectSameGraph(const Graph& expected, const Graph& actual, OpFinder find_definition) {
  EXPECT_EQ(actual.name.view(), expected.name.view());
  ExpectSameValues(expected, actual);
  ExpectSameNodes(expected, actual, find_definition);
  ExpectSameConstants(expected, actual);
  EXPECT_TRUE(std::ranges::equal(actual.inputs, expected.inputs));
  EXPECT_TRUE(std::ranges::equal(actual.outputs, expected.outputs));
  ASSERT_EQ(actual.quantizations.size(), expected.quantizations.size());
  for (size_t i = 0; i < expected.quantizations.size(); ++i) {
    const Quantization& a = expected.quantizations[i];
    const Quantization& b = actual.quantizations[i];
    EXPECT_TRUE(std::ranges::equal(a.scales, b.scales));
    EXPECT_TRUE(std::ranges::equal(a.zero_points, b.zero_points));
    EXPECT_EQ(b.axis, a.axis);
    EXPECT_EQ(b.block_size, a.block_size);
  }
  ASSERT_EQ(actual.symbols.size(), expected.symbols.size());
  for (size_t i = 0; i < expected.symbols.size(); ++i) {
    EXPECT_EQ(actual.symbols[i].name.view(), expected.symbols[i].name.view());
    EXPECT_EQ(actual.symbols[i].minimum, expected.symbols[i].minimum);
    EXPECT_EQ(actual.symbols[i].maximum, expected.symbols[i].maximum);
  }
  ASSERT_EQ(actual.metadata.size(), expected.metadata.size());
  for (size_t i = 0; i < expected.metadata.size(); ++i) {
    EXPECT_EQ(actual.metadata[i].key.view(), expected.metadata[i].key.view());
    EXPECT_EQ(actual.metadata[i].value.view(), expected.metadata[i].value.view());
  }
  ASSERT_EQ(actual.states.size(), expected.states.size());
  for (size_t i = 0; i < expected.states.size(); ++i) {
    const State& a = expected.states[i];
    const State& b = actual.states[i];
    EXPECT_EQ(b.name.view(), a.name.view());
    EXPECT_EQ(b.read, a.read);
    EXPECT_EQ(b.write, a.write);
    EXPECT_EQ(b.initial, a.initial);
    EXPECT_EQ(b.capacity_axis, a.capacity_axis);
  }
  ASSERT_EQ(actual.subgraphs.size(), expected.subgraphs.size());
  for (size_t i = 0; i < expected.subgraphs.size(); ++i) {
    ExpectSameGraph(*expected.subgraphs[i], *actual.subgraphs[i], find_definition);
  }
}

// A copy aligned for LoadModel, in a block of exactly its size (the address sanitizer sees reads behind it).
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const uint8_t> bytes) {
    auto buffer = Buffer::Allocate(bytes.size());
    EXPECT_TRUE(buffer.ok());
    buffer_ = std::move(*buffer);
    if (!bytes.empty()) std::memcpy(buffer_.data(), bytes.data(), bytes.size());
  }
  std::span<const uint8_t> span() const { return {buffer_.data(), buffer_.size()}; }
  std::span<uint8_t> writable() { return {buffer_.data(), buffer_.size()}; }

 private:
  Buffer buffer_;
};

// A read-only copy that ends, up to the alignment of its beginning, at a page that cannot be read.
class GuardedImage {
 public:
  explicit GuardedImage(std::span<const uint8_t> bytes) : memory_(bytes.size(), false, kSegmentAlignment) {
    std::copy(bytes.begin(), bytes.end(), memory_.data());
    memory_.MakeReadOnly();
  }
  std::span<const uint8_t> span() const { return {memory_.data(), memory_.size()}; }

 private:
  GuardedBytes memory_;
};

}  // namespace mace::testing

#endif  // MACE_MODEL_TESTING_H_
