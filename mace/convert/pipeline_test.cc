// The graph that steps become, and refusals. What pipelines compute is compared with NumPy in
// tests/python/test_pipeline.py.
#include "mace/convert/pipeline.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::convert {
namespace {

// x f32 [1, 3, height, width] -> Relu -> y.
Graph Network(int64_t height = 8, int64_t width = 6) {
  Graph graph;
  const ValueId x = graph.AddValue("x", TensorType{DType::kF32, {1, 3, height, width}}).value();
  const ValueId y = graph.AddValue("y", TensorType{DType::kF32, {1, 3, height, width}}).value();
  EXPECT_TRUE(graph.AddNode(OpId::kRelu, "relu", {&x, 1}, {&y, 1}).ok());
  EXPECT_TRUE(graph.inputs.PushBack(x).ok() && graph.outputs.PushBack(y).ok());
  return graph;
}

std::string Operators(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += std::string(FindOpDefinition(node.op)->name) + " ";
  return text;
}

TEST(Pipeline, StepsStandInTheOrderOfTheData) {
  Graph graph = Network();
  const std::vector<Pipeline> before = {
      {"x", {ColorStep{"nv12", "bgr"}, ResizeStep{8, 6}, NormalizeStep{}, LayoutStep{"NHWC", "NCHW"}}}};
  const std::vector<Pipeline> behind = {{"y", {SoftmaxStep{1}, TopKStep{2, 1}}}};
  const Status status = AddPipelines(before, behind, &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(VerifyGraph(graph, &FindOpDefinition).ok());
  // The colours change places where the picture is small.
  EXPECT_EQ(Operators(graph), "Nv12ToRgb Cast Resize Add Mul Slice Transpose Relu Softmax TopK ");
  const Value& x = graph.values[graph.inputs[0]];
  EXPECT_EQ(x.name.view(), "x");
  EXPECT_EQ(x.type.dtype, DType::kU8);
  ASSERT_EQ(x.type.shape.rank, 3);
  EXPECT_TRUE(x.type.shape[0] == 1 && x.type.shape[1] < 0 && x.type.shape[2] < 0);
  ASSERT_EQ(graph.outputs.size(), 2u);
  EXPECT_EQ(graph.values[graph.outputs[0]].name.view(), "y");
  EXPECT_EQ(graph.values[graph.outputs[1]].name.view(), "y_indices");
  EXPECT_TRUE(graph.values[graph.outputs[0]].type.shape == (Shape{1, 2, 8, 6}));
  ASSERT_TRUE(passes::RunShapeInference(&graph).ok());
}

TEST(Pipeline, OpenSizesAreNotOthersOfTheirName) {
  Graph graph = Network();
  const int64_t batch = SymbolDim(graph.FindOrAddSymbol("x_height").value());
  for (Value& value : graph.values) value.type.shape[0] = batch;
  const Status status = AddPipelines({{"x", {ResizeStep{8, 6}, LayoutStep{"NHWC", "NCHW"}}}}, {}, &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  const Shape& shape = graph.values[graph.inputs[0]].type.shape;
  EXPECT_EQ(shape[0], batch);
  EXPECT_TRUE(shape[1] < 0 && shape[1] != batch && shape[2] < 0 && shape[2] != shape[1]);
}

TEST(Pipeline, TwoReversalsAreNone) {
  Graph graph = Network();
  ASSERT_TRUE(
      AddPipelines({{"x", {ColorStep{"rgb", "bgr"}, ColorStep{"bgr", "rgb"}, LayoutStep{"NHWC", "NCHW"}}}},
                   {}, &graph)
          .ok());
  EXPECT_EQ(Operators(graph), "Transpose Cast Relu ");
}

TEST(Pipeline, QuantizedModelsGetRealNumbersQuantized) {
  for (const bool normalizes : {true, false}) {
    Graph graph = Network();
    const float scale = 0.5f;
    const int32_t zero_point = 3;
    TensorType& type = graph.values[graph.inputs[0]].type;
    type.dtype = DType::kU8;
    type.quantization = graph.AddQuantization({&scale, 1}, {&zero_point, 1}, kNone).value();
    graph.nodes[0].op = OpId::kIdentity;
    std::vector<Step> steps;
    if (normalizes) steps.push_back(NormalizeStep{});
    steps.push_back(LayoutStep{"NHWC", "NCHW"});
    ASSERT_TRUE(AddPipelines({{"x", steps}}, {}, &graph).ok());
    EXPECT_EQ(Operators(graph),
              normalizes ? "Cast Add Mul Transpose Quantize Identity " : "Transpose Identity Identity ");
    EXPECT_EQ(graph.values[graph.inputs[0]].type.quantization, kNone);
  }
}

// Bytes that are not the model's bytes are pixels: real numbers.
TEST(Pipeline, SignedModelsGetPixelsQuantized) {
  Graph graph = Network();
  const float scale = 2;
  const int32_t zero_point = -128;
  TensorType& type = graph.values[graph.inputs[0]].type;
  type.dtype = DType::kI8;
  type.quantization = graph.AddQuantization({&scale, 1}, {&zero_point, 1}, kNone).value();
  graph.nodes[0].op = OpId::kIdentity;
  ASSERT_TRUE(AddPipelines({{"x", {SourceStep{}}}}, {}, &graph).ok());
  EXPECT_EQ(Operators(graph), "Cast Quantize Identity ");
}

TEST(Pipeline, Refusals) {
  const auto message_of = [](const std::vector<Pipeline>& before, const std::vector<Pipeline>& behind) {
    Graph graph = Network();
    const Status status = AddPipelines(before, behind, &graph);
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  };
  EXPECT_EQ(message_of({{"z", {ResizeStep{8, 6}}}}, {}),
            "preprocess of 'z': no input is called 'z'; the model has 'x'");
  EXPECT_EQ(message_of({}, {{"y", {SoftmaxStep{7}}}}).find("postprocess of 'y': step 1 (Softmax): "), 0u);
  const std::vector<Step> layout = {LayoutStep{"NHWC", "NCHW"}};
  EXPECT_NE(message_of({{"x", layout}, {"x", layout}}, {}).find("named twice"), std::string::npos);
  EXPECT_NE(message_of({{"x", {ResizeStep{1 << 17, 6}}}}, {}).find("1 to 65536 pixels"), std::string::npos);
  EXPECT_NE(message_of({{"x", {NormalizeStep{{}, {}, 1}}}}, {}).find("0 means"), std::string::npos);
  EXPECT_NE(message_of({{"x", {SourceStep{"f64"}}}}, {}).find("'f64'"), std::string::npos);
}

}  // namespace
}  // namespace mace::convert
