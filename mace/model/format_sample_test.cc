// One small file of each format version stays in tests/data for ever, and loads for ever. A new one is
// written by running this test with MACE_WRITE_FORMAT_SAMPLE=<folder>.
#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mace/model/loader.h"
#include "mace/model/mapped_file.h"
#include "mace/model/testing.h"
#include "mace/model/writer.h"
#include "mace/ops/convolution/conv2d.h"
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

// What a file of these versions can hold is written as the very bytes of the samples. With
// MACE_WRITE_FORMAT_SAMPLE=FOLDER the samples of a new version come to be.
TEST(FormatSampleTest, WriterGivesTheSamples) {
  for (const bool newer : {false, true}) {
    const char* name = newer ? "format_1_1.mace" : "format_1_0.mace";
    std::vector<uint8_t> bytes;
    ASSERT_TRUE(WriteModel(newer ? MakeFormat11Graph() : MakeFormat10Graph(), &bytes).ok());
    if (const char* folder = std::getenv("MACE_WRITE_FORMAT_SAMPLE")) {
      ASSERT_TRUE(WriteFileAtomically(std::string(folder) + "/" + name, bytes).ok());
    }
    auto file = MappedFile::Open(DataPath(name).c_str());
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_TRUE(std::ranges::equal(file->bytes(), bytes)) << name;
  }
}

}  // namespace
}  // namespace mace
