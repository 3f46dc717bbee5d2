#include "mace/runtime/measure.h"

#include <gtest/gtest.h>

#include <string>

#include "mace/graph/op_definition.h"
#include "mace/ops/evaluate.h"
#include "mace/runtime/session.h"

namespace mace {
namespace {

RuntimeOptions OneThread() {
  RuntimeOptions options;
  options.num_threads = 1;
  return options;
}

// The multiply-adds of the convolutions, from their shapes alone.
int64_t MultiplyAdds(const Graph& graph) {
  int64_t sum = 0;
  for (const Node& node : graph.nodes) {
    if (node.op != OpId::kConv2d) continue;
    const Shape& weights = graph.values[node.inputs[1]].type.shape;
    sum += graph.values[node.outputs[0]].type.shape.ElementCount() * weights[1] * weights[2] * weights[3];
  }
  return sum;
}

TEST(MeasureTest, TheNetworkIsThePapers) {
  for (const DType dtype : {DType::kF32, DType::kI8}) {
    auto graph = MakeMeasuredGraph(dtype);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_EQ(graph->values[graph->inputs[0]].type.shape, (Shape{1, 224, 224, 3}));
    EXPECT_EQ(graph->values[graph->outputs[0]].type.shape, (Shape{1, 14, 14, 64}));
    EXPECT_EQ(graph->values[graph->outputs[0]].type.dtype, dtype);
    int convolutions = 0, residuals = 0;
    for (const Node& node : graph->nodes) {
      convolutions += node.op == OpId::kConv2d;
      residuals += node.op == OpId::kAdd;
    }
    EXPECT_EQ(convolutions, 1 + 2 + 7 * 3);
    EXPECT_EQ(residuals, 4);  // in the stages of 24, 32 (two) and 64 channels
    // By hand: the first convolution 112^2 * 32 * 27 = 10838016; the block of 16: 112^2 * 32 * (9 + 16) =
    // 10035200; of 24: 112^2 * 16 * 96 + 56^2 * 96 * (9 + 24) = 29202432, then 56^2 * 144 * (24 + 9 + 24) =
    // 25740288; of 32: 56^2 * 24 * 144 + 28^2 * 144 * (9 + 32) = 15466752, then twice
    // 28^2 * 192 * (32 + 9 + 32) = 10988544; of 64: 28^2 * 32 * 192 + 14^2 * 192 * (9 + 64) = 7564032, then
    // 14^2 * 384 * (64 + 9 + 64) = 10311168.
    EXPECT_EQ(MultiplyAdds(*graph), 131134976);
  }
}

TEST(MeasureTest, BothKindsAreMeasured) {
  auto runtime = Runtime::Create(OneThread());
  ASSERT_TRUE(runtime.ok());
  auto capability = MeasureCapability(*runtime);
  ASSERT_TRUE(capability.ok()) << capability.status().message();
  // No CPU does 131 million multiply-adds in 10 microseconds; none of this century takes a minute.
  for (const float milliseconds : {capability->float32_milliseconds, capability->int8_milliseconds}) {
    EXPECT_GT(milliseconds, 0.01f);
    EXPECT_LT(milliseconds, 60000.0f);
  }
}

// A figure of reference kernels would say nothing about the machine.
TEST(MeasureTest, FastKernelsComputeIt) {
  auto runtime = Runtime::Create(OneThread());
  ASSERT_TRUE(runtime.ok());
  for (const bool slow : {false, true}) {
    for (const DType dtype : {DType::kF32, DType::kI8}) {
      auto graph = MakeMeasuredGraph(dtype);
      ASSERT_TRUE(graph.ok());
      auto model = Model::FromGraph(*runtime, std::move(*graph), {.reference_kernels = slow});
      ASSERT_TRUE(model.ok());
      auto session = Session::Create(*model);
      ASSERT_TRUE(session.ok());
      RunTensor input, output;
      input.dtype = dtype;
      input.shape = Shape{1, 224, 224, 3};
      ASSERT_TRUE((*session)->Prepare({&input, 1}, {&output, 1}).ok());
      auto text = (*session)->ExplainJson();
      ASSERT_TRUE(text.ok());
      EXPECT_EQ(std::string(*text).find("\"is_reference\":true") != std::string::npos, slow);
    }
  }
}

TEST(MeasureTest, AMemoryLimitIsAnErrorNotACrash) {
  RuntimeOptions options = OneThread();
  options.memory_limit = 1 << 20;
  auto runtime = Runtime::Create(options);
  ASSERT_TRUE(runtime.ok());
  EXPECT_EQ(MeasureCapability(*runtime).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace mace
