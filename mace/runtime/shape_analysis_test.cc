#include "mace/runtime/shape_analysis.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/runtime/json_writer.h"

namespace mace {
namespace {

template <typename T>
T Take(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(result).value();
}

class ShapeAnalysisTest : public ::testing::Test {
 protected:
  ValueId Input(const char* name, DType dtype, const Shape& shape) {
    const ValueId value = Take(graph_.AddValue(name, {dtype, shape}));
    EXPECT_TRUE(graph_.inputs.PushBack(value).ok());
    return value;
  }
  ValueId Node(OpId op, const char* name, std::vector<ValueId> inputs) {
    const ValueId output = Take(graph_.AddValue(name, {}));
    Take(graph_.AddNode(op, name, inputs, {&output, 1}));
    return output;
  }
  void Output(ValueId value) { EXPECT_TRUE(graph_.outputs.PushBack(value).ok()); }
  Status Analyze(std::vector<Shape> inputs) {
    PlanKey key;
    MACE_RETURN_IF_ERROR(key.inputs.Assign(inputs.data(), inputs.size()));
    MACE_RETURN_IF_ERROR(key.fed.Resize(inputs.size()));
    for (uint8_t& fed : key.fed) fed = 1;
    analysis_ = ShapeAnalysis();
    return AnalyzeShapes(graph_, key, false, SystemAllocator(), &analysis_);
  }
  Graph graph_;
  ShapeAnalysis analysis_;
};

// The chain that exporters write: Shape -> Slice-like arithmetic -> Reshape.
TEST_F(ShapeAnalysisTest, ShapeArithmeticIsEvaluated) {
  const ValueId x = Input("x", DType::kF32, {kUnknownDim, 2, 3});
  const ValueId shape = Node(OpId::kShape, "shape", {x});
  int64_t factor[3] = {3, 1, 1};
  factor[1] = 2;
  const ValueId factors = Take(graph_.AddConstant("factors", {factor, DType::kI64, {3}}, true));
  const ValueId product = Node(OpId::kMul, "product", {shape, factors});  // [3 n, 4, 3]
  const ValueId expanded = Node(OpId::kConstantOfShape, "zeros", {product});
  const ValueId y = Node(OpId::kRelu, "y", {expanded});
  Output(y);
  Output(Node(OpId::kRelu, "z", {x}));
  Status status = Analyze({{2, 2, 3}});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(analysis_.types[y].shape, (Shape{6, 4, 3}));
  ASSERT_NE(analysis_.known[product], nullptr);
  EXPECT_EQ(analysis_.known[product]->as<int64_t>()[0], 6);
  EXPECT_EQ(analysis_.nodes.size(), 1u) << "only z has to run";
  EXPECT_EQ(analysis_.evaluated_nodes, 4);
  EXPECT_EQ(analysis_.dead_nodes, 0);
  EXPECT_EQ(analysis_.uses[x], 1);
}

TEST_F(ShapeAnalysisTest, LargeValuesAndWeightsAreLeftToTheBackend) {
  const ValueId x = Input("x", DType::kF32, {64, 64});
  std::vector<uint16_t> half(64 * 64, 0x3C00);
  const ValueId weights = Take(graph_.AddConstant("w", {half.data(), DType::kF16, {64, 64}}, true));
  const ValueId cast = Node(OpId::kCast, "cast", {weights});
  graph_.nodes[0].attributes.as<ops::CastAttributes>().to = DType::kF32;
  std::vector<uint16_t> bias_half(64, 0x3C00);
  const ValueId bias = Take(graph_.AddConstant("b", {bias_half.data(), DType::kF16, {64}}, true));
  const ValueId bias_cast = Node(OpId::kCast, "bias_cast", {bias});
  graph_.nodes[1].attributes.as<ops::CastAttributes>().to = DType::kF32;
  int64_t size[1] = {100000};
  const ValueId shape = Take(graph_.AddConstant("size", {size, DType::kI64, {1}}, true));
  const ValueId large = Node(OpId::kConstantOfShape, "large", {shape});
  Output(Node(OpId::kAdd, "y", {Node(OpId::kMatMul, "product", {x, cast}), bias_cast}));
  Output(Node(OpId::kRelu, "relu", {large}));
  Status status = Analyze({{64, 64}});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(analysis_.known[cast], nullptr);
  EXPECT_NE(analysis_.known[bias_cast], nullptr) << "a vector is no weight";
  EXPECT_EQ(analysis_.known[large], nullptr);
}

TEST_F(ShapeAnalysisTest, DeadNodesAreDroppedAndUsesCounted) {
  const ValueId x = Input("x", DType::kF32, {kUnknownDim});
  const ValueId a = Node(OpId::kRelu, "a", {x});
  const ValueId b = Node(OpId::kMul, "b", {a, a});
  Node(OpId::kNeg, "unused", {Node(OpId::kAbs, "also_unused", {b})});
  Output(b);
  Output(b);
  ASSERT_TRUE(Analyze({{5}}).ok());
  EXPECT_EQ(analysis_.nodes.size(), 2u);
  EXPECT_EQ(analysis_.dead_nodes, 2);
  EXPECT_EQ(analysis_.uses[a], 2);
  EXPECT_EQ(analysis_.uses[b], 2);
}

TEST_F(ShapeAnalysisTest, ErrorsNameTheNode) {
  const ValueId x = Input("x", DType::kF32, {kUnknownDim, kUnknownDim});
  const ValueId y = Input("y", DType::kF32, {kUnknownDim, kUnknownDim});
  Output(Node(OpId::kMatMul, "product", {x, y}));
  EXPECT_TRUE(Analyze({{2, 3}, {3, 4}}).ok());
  const Status status = Analyze({{2, 3}, {4, 4}});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("product"), std::string::npos) << status.message();
  const Status large = Analyze({{INT64_MAX / 8, 1}, {1, 1000}});
  EXPECT_FALSE(large.ok());
  EXPECT_NE(std::string(large.message()).find("product"), std::string::npos) << large.message();
}

TEST(JsonWriter, EscapesAndSeparates) {
  String text;
  JsonWriter json(&text);
  json.BeginObject().Key("a\"\\").Text("line\n\x01").Key("n").Integer(-5).Key("list").BeginArray();
  json.Text("\xC3\xA9").Text("\xFF\xC3").Boolean(true).BeginObject().EndObject().EndArray();
  json.Key("x").Number(1.25).Key("y").Number(-0.0005).EndObject();
  ASSERT_TRUE(json.TakeStatus().ok());
  EXPECT_EQ(
      text.view(),
      "{\"a\\\"\\\\\":\"line\\u000a\\u0001\",\"n\":-5,\"list\":[\"\xC3\xA9\",\"\\ufffd\\ufffd\",true,{}],"
      "\"x\":1.250,\"y\":-0.001}");
}

}  // namespace
}  // namespace mace
