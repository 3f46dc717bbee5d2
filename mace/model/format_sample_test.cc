// One small file of each format version stays in tests/data for ever, and loads for ever. A new one is
// written by running this test with MACE_WRITE_FORMAT_SAMPLE=<folder>.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mace/model/loader.h"
#include "mace/model/mapped_file.h"
#include "mace/model/testing.h"
#include "mace/model/writer.h"
#include "mace/ops/control/control.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace {
namespace {

using testing::AddTestConstant;
using testing::AddTestQuantization;
using testing::AddTestState;
using testing::AddTestValue;

template <typename A>
void Add(Graph* graph, OpId op, std::string_view name, std::vector<ValueId> inputs, ValueId output,
         const A& attributes) {
  Node node;
  node.op = op;
  EXPECT_TRUE(node.name.Assign(name).ok());
  EXPECT_TRUE(node.inputs.Assign(inputs.data(), inputs.size()).ok());
  EXPECT_TRUE(node.outputs.Assign(&output, 1).ok());
  new (node.attributes.bytes) A(attributes);
  graph->values[output].producer = static_cast<NodeId>(graph->nodes.size());
  EXPECT_TRUE(graph->nodes.PushBack(std::move(node)).ok());
}

std::vector<float> Ramp(int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(0.125f * static_cast<float>(i % 11) - 0.5f);
  return values;
}

// What format_1_0.mace holds: int, float, bool, dtype, enum and list fields, an absent operand, a symbol, a
// state, quantizations, equal constants. Never change it.
Graph MakeFormat10Graph() {
  Graph graph;
  EXPECT_TRUE(graph.name.Assign("format_1_0").ok());
  const int32_t batch = *graph.FindOrAddSymbol("batch");
  graph.symbols[batch].minimum = 1;
  graph.symbols[batch].maximum = 8;
  const ValueId image = AddTestValue(&graph, "image", DType::kF32, {SymbolDim(batch), 5, 5, 2});
  const ValueId weights = AddTestConstant<float>(&graph, "weights", {3, 3, 3, 2}, Ramp(54));
  const ValueId bias = AddTestConstant<float>(&graph, "bias", {3}, {0.5f, -0.5f, 0.25f});
  const ValueId features = AddTestValue(&graph, "features", DType::kF32, {SymbolDim(batch), 3, 3, 3});
  const ValueId probabilities =
      AddTestValue(&graph, "probabilities", DType::kF32, {SymbolDim(batch), 3, 3, 3});
  const ValueId stored = AddTestValue(&graph, "stored", DType::kU8, {SymbolDim(batch), 3, 3, 3});
  graph.values[stored].type.quantization = AddTestQuantization(&graph, {0.00390625f}, {128}, kNone);
  const ValueId square = AddTestConstant<float>(&graph, "square", {2, 2}, {1, 2, 3, 4});
  const ValueId same_square = AddTestConstant<float>(&graph, "same square", {2, 2}, {1, 2, 3, 4});
  const ValueId memory = AddTestValue(&graph, "memory", DType::kF32, {2, 2});
  const ValueId product = AddTestValue(&graph, "product", DType::kF32, {2, 2});
  const ValueId next = AddTestValue(&graph, "next", DType::kF32, {2, 2});
  const ValueId rounded = AddTestValue(&graph, "rounded", DType::kI32, {2, 2});
  const ValueId table = AddTestConstant<int8_t>(&graph, "table", {2, 2}, {1, -2, 3, -4});
  graph.values[table].type.quantization = AddTestQuantization(&graph, {0.5f, 2.0f}, {0, 0}, 0);

  ops::Conv2dAttributes convolution;
  convolution.strides = {2, 2};
  convolution.pads = {1, 1, 1, 1};
  convolution.rounding = ops::Rounding::kTfliteDouble;
  Add(&graph, OpId::kConv2d, "convolution", {image, weights, bias}, features, convolution);
  ops::SoftmaxAttributes softmax;
  softmax.beta = 2.0f;
  Add(&graph, OpId::kSoftmax, "softmax", {features}, probabilities, softmax);
  Add(&graph, OpId::kQuantize, "quantize", {probabilities}, stored, ops::QuantizeAttributes());
  ops::MatMulAttributes matmul;
  matmul.transpose_b = true;
  Add(&graph, OpId::kMatMul, "matmul", {memory, square}, product, matmul);
  Add(&graph, OpId::kAdd, "add", {product, same_square}, next, ops::RoundingAttributes());
  ops::CastAttributes cast;
  cast.to = DType::kI32;
  Add(&graph, OpId::kCast, "cast", {next}, rounded, cast);
  AddTestState(&graph, "memory", memory, next, graph.values[square].constant, kNone);
  EXPECT_TRUE(graph.inputs.PushBack(image).ok());
  for (ValueId output : {stored, rounded, table}) EXPECT_TRUE(graph.outputs.PushBack(output).ok());
  return graph;
}

std::string DataPath(const char* name) { return std::string(MACE_TEST_DATA) + "/" + name; }

TEST(FormatSampleTest, Format10LoadsForEver) {
  auto file = MappedFile::Open(DataPath("format_1_0.mace").c_str());
  ASSERT_TRUE(file.ok()) << file.status().message();
  Graph loaded;
  const Status status = LoadModel(file->bytes(), {.verify_full = true}, &loaded);
  ASSERT_TRUE(status.ok()) << status.message();
  testing::ExpectSameGraph(MakeFormat10Graph(), loaded, &FindOpDefinition);
}

// 1.1 is 1.0 with metadata.
Graph MakeFormat11Graph() {
  Graph graph = MakeFormat10Graph();
  EXPECT_TRUE(graph.SetMetadata("labels", "cat\ndog").ok());
  EXPECT_TRUE(graph.SetMetadata("note", "").ok());
  return graph;
}

TEST(FormatSampleTest, Format11LoadsForEver) {
  auto file = MappedFile::Open(DataPath("format_1_1.mace").c_str());
  ASSERT_TRUE(file.ok()) << file.status().message();
  Graph loaded;
  const Status status = LoadModel(file->bytes(), {.verify_full = true}, &loaded);
  ASSERT_TRUE(status.ok()) << status.message();
  testing::ExpectSameGraph(MakeFormat11Graph(), loaded, &FindOpDefinition);
}

// The body of a loop that adds `x` to what it carries, as long as less than 100 iterations are done.
void MakeFormat12Body(Graph* body) {
  EXPECT_TRUE(body->name.Assign("body").ok());
  const ValueId iteration = AddTestValue(body, "iteration", DType::kI64, {});
  const ValueId going = AddTestValue(body, "going", DType::kBool, {});
  const ValueId sum = AddTestValue(body, "sum", DType::kF32, {SymbolDim(0), 2});
  const ValueId x = AddTestValue(body, "x", DType::kF32, {SymbolDim(0), 2});
  for (ValueId input : {iteration, going, sum, x}) EXPECT_TRUE(body->inputs.PushBack(input).ok());
  const ValueId limit = AddTestConstant<int64_t>(body, "limit", {}, {100});
  const ValueId next = AddTestValue(body, "next", DType::kF32, {SymbolDim(0), 2});
  const ValueId more = AddTestValue(body, "more", DType::kBool, {});
  Add(body, OpId::kAdd, "add", {sum, x}, next, ops::RoundingAttributes());
  Add(body, OpId::kLess, "less", {iteration, limit}, more, ops::RoundingAttributes());
  for (ValueId output : {more, next, next}) EXPECT_TRUE(body->outputs.PushBack(output).ok());
}

// 1.2 has subgraphs, in subgraphs too, and unknown ranks. Never change it.
Graph MakeFormat12Graph() {
  Graph graph;
  EXPECT_TRUE(graph.name.Assign("format_1_2").ok());
  EXPECT_TRUE(graph.FindOrAddSymbol("batch").ok());
  const ValueId flag = AddTestValue(&graph, "flag", DType::kBool, {});
  const ValueId x = AddTestValue(&graph, "x", DType::kF32, {SymbolDim(0), 2});
  const ValueId y = AddTestValue(&graph, "y", DType::kF32, Shape::OfUnknownRank());
  const ValueId z = AddTestValue(&graph, "z", DType::kF32, Shape::OfUnknownRank());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(graph.subgraphs.PushBack(std::make_unique<Graph>()).ok());
  Graph& then_branch = *graph.subgraphs[0];
  EXPECT_TRUE(then_branch.name.Assign("then").ok());
  const ValueId then_x = AddTestValue(&then_branch, "x", DType::kF32, {SymbolDim(0), 2});
  const ValueId weights = AddTestConstant<float>(&then_branch, "weights", {2}, {0.5f, -2});
  const ValueId product = AddTestValue(&then_branch, "product", DType::kF32, {SymbolDim(0), 2});
  Add(&then_branch, OpId::kMul, "mul", {then_x, weights}, product, ops::RoundingAttributes());
  EXPECT_TRUE(then_branch.inputs.PushBack(then_x).ok());
  EXPECT_TRUE(then_branch.outputs.PushBack(product).ok());
  Graph& else_branch = *graph.subgraphs[1];
  EXPECT_TRUE(else_branch.name.Assign("else").ok());
  const ValueId else_x = AddTestValue(&else_branch, "x", DType::kF32, {SymbolDim(0), 2});
  const ValueId count = AddTestConstant<int64_t>(&else_branch, "count", {1}, {3});
  const ValueId always = AddTestConstant<uint8_t>(&else_branch, "always", {}, {1}, DType::kBool);
  const ValueId sum = AddTestValue(&else_branch, "sum", DType::kF32, {SymbolDim(0), 2});
  const ValueId sums = AddTestValue(&else_branch, "sums", DType::kF32, {kUnknownDim, SymbolDim(0), 2});
  EXPECT_TRUE(else_branch.subgraphs.PushBack(std::make_unique<Graph>()).ok());
  MakeFormat12Body(else_branch.subgraphs[0].get());
  Add(&else_branch, OpId::kLoop, "loop", {count, always, else_x, else_x}, sum,
      ops::LoopAttributes{.body = 0, .carried_count = 1});
  EXPECT_TRUE(else_branch.nodes[0].outputs.PushBack(sums).ok());
  else_branch.values[sums].producer = 0;
  EXPECT_TRUE(else_branch.inputs.PushBack(else_x).ok());
  EXPECT_TRUE(else_branch.outputs.PushBack(sums).ok());
  Add(&graph, OpId::kIf, "if", {flag, x}, y, ops::IfAttributes{.then_branch = 0, .else_branch = 1});
  Add(&graph, OpId::kRelu, "relu", {y}, z, NoAttributes());
  for (ValueId input : {flag, x}) EXPECT_TRUE(graph.inputs.PushBack(input).ok());
  EXPECT_TRUE(graph.outputs.PushBack(z).ok());
  return graph;
}

TEST(FormatSampleTest, Format12LoadsForEver) {
  auto file = MappedFile::Open(DataPath("format_1_2.mace").c_str());
  ASSERT_TRUE(file.ok()) << file.status().message();
  Graph loaded;
  const Status status = LoadModel(file->bytes(), {.verify_full = true}, &loaded);
  ASSERT_TRUE(status.ok()) << status.message();
  testing::ExpectSameGraph(MakeFormat12Graph(), loaded, &FindOpDefinition);
  // It computes what it did when it was written: 4 x and its sums, or x times the weights.
  float x[2] = {1, 2};
  for (bool flag : {false, true}) {
    const TensorView feeds[] = {{&flag, DType::kBool, {}}, {x, DType::kF32, {1, 2}}};
    Vector<EvaluatedTensor> fetches;
    ASSERT_TRUE(EvaluateGraph(loaded, feeds, {}, &fetches).ok());
    EXPECT_TRUE(fetches[0].view.shape == (flag ? Shape{1, 2} : Shape{3, 1, 2}));
    EXPECT_EQ(fetches[0].view.as<float>()[fetches[0].view.elements() - 1], flag ? 0 : 8);
  }
}

// What a file of these versions can hold is written as the very bytes of the samples. With
// MACE_WRITE_FORMAT_SAMPLE=FOLDER the samples of a new version come to be.
TEST(FormatSampleTest, WriterGivesTheSamples) {
  Graph (*const makers[])() = {MakeFormat10Graph, MakeFormat11Graph, MakeFormat12Graph};
  for (int minor = 0; minor < 3; ++minor) {
    const std::string name = "format_1_" + std::to_string(minor) + ".mace";
    std::vector<uint8_t> bytes;
    ASSERT_TRUE(WriteModel(makers[minor](), &bytes).ok());
    if (const char* folder = std::getenv("MACE_WRITE_FORMAT_SAMPLE")) {
      ASSERT_TRUE(WriteFileAtomically(std::string(folder) + "/" + name, bytes).ok());
    }
    auto file = MappedFile::Open(DataPath(name.c_str()).c_str());
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_TRUE(std::ranges::equal(file->bytes(), bytes)) << name;
  }
}

}  // namespace
}  // namespace mace
