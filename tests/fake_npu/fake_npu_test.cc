// Partition, fallback and mixed plans, with a second backend before the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/runtime/session.h"
#include "tests/fake_npu/fake_npu.h"

namespace {

using mace::DType;
using mace::Graph;
using mace::OpId;
using mace::Ref;
using mace::RunTensor;
using mace::Session;
using mace::Shape;
using mace::ValueId;
using mace_test::FakeNpuDevice;

template <typename T>
T Take(mace::Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(result).value();
}
void Check(const mace::Status& status) { ASSERT_TRUE(status.ok()) << status.message(); }

class GraphBuilder {
 public:
  Graph graph;
  ValueId Node(OpId op, const std::string& name, std::vector<ValueId> inputs) {
    const ValueId output = Take(graph.AddValue(name, {}));
    Take(graph.AddNode(op, name, inputs, {&output, 1}));
    return output;
  }
  // 3x3, same size, 4 channels.
  ValueId Convolution(const std::string& name, ValueId x) {
    std::vector<float> weights(4 * 3 * 3 * 4);
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] = static_cast<float>((i * 7 + name.size()) % 5) - 2.0f;
    const ValueId constant =
        Take(graph.AddConstant(name + "_weights", {weights.data(), DType::kF32, {4, 3, 3, 4}}, true));
    const ValueId output = Node(OpId::kConv2d, name, {x, constant});
    auto& attributes = graph.nodes[graph.nodes.size() - 1].attributes.as<mace::ops::Conv2dAttributes>();
    attributes.pads = {1, 1, 1, 1};
    return output;
  }
};

// conv1 -> relu1 -> sigmoid (not the device's) -> conv2 -> relu2 -> conv3 -> y; conv1's result is used again
// by an Add behind conv3.
Graph MixedGraph(int64_t height) {
  GraphBuilder b;
  const ValueId x = Take(b.graph.AddValue("x", {DType::kF32, {1, height, 6, 4}}));
  Check(b.graph.inputs.PushBack(x));
  const ValueId relu1 = b.Node(OpId::kRelu, "relu1", {b.Convolution("conv1", x)});
  const ValueId sigmoid = b.Node(OpId::kSigmoid, "sigmoid", {relu1});
  const ValueId relu2 = b.Node(OpId::kRelu, "relu2", {b.Convolution("conv2", sigmoid)});
  const ValueId conv3 = b.Convolution("conv3", relu2);
  Check(b.graph.outputs.PushBack(b.Node(OpId::kAdd, "add", {conv3, relu1})));
  Check(mace::InferGraphTypes(&b.graph));
  Check(mace::VerifyGraph(b.graph, &mace::FindOpDefinition));
  return std::move(b.graph);
}

class FakeNpuTest : public ::testing::Test {
 protected:
  void Load(Graph graph) {
    mace::RuntimeOptions options;
    options.num_threads = 1;
    Ref<mace::Runtime> runtime = Take(mace::Runtime::Create(options));
    Check(runtime->AddBackend(Take(mace_test::MakeFakeNpu(&device_))));
    model_ = Take(mace::Model::FromGraph(runtime, std::move(graph), {}));
    session_ = Take(Session::Create(model_));
  }
  mace::Status Run(int64_t height = 5) {
    x_.resize(static_cast<size_t>(height) * 6 * 4);
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = std::sin(static_cast<float>(i));
    RunTensor in{DType::kF32, {1, height, 6, 4}, x_.data(), x_.size() * 4};
    RunTensor out;
    MACE_RETURN_IF_ERROR(session_->Run({&in, 1}, {&out, 1}, {}));
    y_.assign(static_cast<float*>(out.data), static_cast<float*>(out.data) + out.byte_size / 4);
    return mace::Status::Ok();
  }
  void ExpectRightResult(int64_t height = 5) {
    mace::Vector<mace::EvaluatedTensor> fetches;
    const mace::TensorView feed{x_.data(), DType::kF32, {1, height, 6, 4}};
    Check(mace::EvaluateGraph(model_->graph(), {&feed, 1}, {}, &fetches));
    ASSERT_EQ(static_cast<size_t>(fetches[0].view.elements()), y_.size());
    for (size_t i = 0; i < y_.size(); ++i) {
      EXPECT_NEAR(y_[i], fetches[0].view.as<float>()[i], 1e-3 * (1 + std::abs(y_[i]))) << i;
    }
  }
  std::string Explain() { return Take(session_->ExplainJson()); }
  bool ExplainHas(const std::string& part) {
    const std::string text = Explain();
    return text.find(part) != std::string::npos;
  }

  FakeNpuDevice device_;  // outlives what follows
  Ref<mace::Model> model_;
  Ref<Session> session_;
  std::vector<float> x_, y_;
};

TEST_F(FakeNpuTest, TakesItsChainsAndLeavesTheRestToTheCpu) {
  Load(MixedGraph(5));
  Check(Run());
  ExpectRightResult();
  EXPECT_EQ(device_.compiled.load(), 2) << "conv1 + relu1, and conv2 + relu2 + conv3";
  EXPECT_EQ(device_.enqueued.load(), 2);
  EXPECT_EQ(device_.waited.load(), 2);
  EXPECT_TRUE(ExplainHas("\"units\":4")) << Explain();
  EXPECT_TRUE(ExplainHas("\"kernel\":\"fake_npu_chain\""));
  EXPECT_TRUE(ExplainHas("\"backend\":\"cpu\""));
  EXPECT_TRUE(ExplainHas("\"op\":\"Sigmoid\",\"reason\":\"not an operator of the device\"")) << Explain();
}

// float x -> quantize -> conv -> relu -> conv (int8, on the device) -> dequantize -> float conv (CPU).
TEST_F(FakeNpuTest, Int8ChainsBetweenFloats) {
  device_.int8_only = true;
  GraphBuilder b;
  const auto quantized = [&](ValueId value, float scale, int32_t zero_point) {
    b.graph.values[value].type.quantization =
        Take(b.graph.AddQuantization({&scale, 1}, {&zero_point, 1}, mace::kNone));
    return value;
  };
  const auto convolution = [&](const std::string& name, ValueId x) {
    int8_t weights[4 * 4];
    for (int i = 0; i < 16; ++i) weights[i] = static_cast<int8_t>(i * 31 % 127 - 60);
    const int32_t bias[4] = {300, -200, 0, 77};
    const ValueId w = Take(b.graph.AddConstant(name + "_weights", {weights, DType::kI8, {4, 1, 1, 4}}, true));
    const ValueId c =
        Take(b.graph.AddConstant(name + "_bias", {const_cast<int32_t*>(bias), DType::kI32, {4}}, true));
    const ValueId y = b.Node(OpId::kConv2d, name, {x, quantized(w, 0.01f, 0), c});
    return quantized(y, 0.03f, -5);
  };
  const ValueId x = Take(b.graph.AddValue("x", {DType::kF32, {1, 5, 6, 4}}));
  Check(b.graph.inputs.PushBack(x));
  const ValueId q = quantized(b.Node(OpId::kQuantize, "quantize", {x}), 0.02f, 3);
  b.graph.nodes.back().attributes.as<mace::ops::QuantizeAttributes>().to = DType::kI8;
  const ValueId relu = quantized(b.Node(OpId::kRelu, "relu1", {convolution("conv1", q)}), 0.03f, -5);
  const ValueId y = b.Node(OpId::kDequantize, "dequantize", {convolution("conv2", relu)});
  Check(b.graph.outputs.PushBack(b.Convolution("conv3", y)));
  Check(mace::InferGraphTypes(&b.graph));
  Check(mace::VerifyGraph(b.graph, &mace::FindOpDefinition));
  Load(std::move(b.graph));
  Check(Run());
  ExpectRightResult();
  EXPECT_EQ(device_.compiled.load(), 1);
  EXPECT_EQ(device_.waited.load(), 1);
  EXPECT_TRUE(
      ExplainHas("{\"backend\":\"fake_npu\",\"nodes\":3,\"steps\":1,\"predicted_milliseconds\":0.750}"))
      << Explain();
  EXPECT_TRUE(ExplainHas("\"node\":\"conv3\",\"op\":\"Conv2d\",\"reason\":\"the device computes int8 only\""))
      << Explain();
}

// conv1 -> relu1 -> Reshape by numbers that are computed from x -> conv2: each stage is partitioned for
// itself.
TEST_F(FakeNpuTest, EachStageHasItsChains) {
  GraphBuilder b;
  const auto integers = [&](std::vector<int64_t> values) {
    const Shape shape{static_cast<int64_t>(values.size())};
    return Take(b.graph.AddConstant("", {values.data(), DType::kI64, shape}, true));
  };
  float zero = 0;
  const ValueId x = Take(b.graph.AddValue("x", {DType::kF32, {1, 5, 6, 4}}));
  Check(b.graph.inputs.PushBack(x));
  const ValueId zeros =
      b.Node(OpId::kMul, "zeros", {x, Take(b.graph.AddConstant("", {&zero, DType::kF32, {}}, true))});
  const ValueId four =
      b.Node(OpId::kSlice, "four",
             {b.Node(OpId::kReshape, "flat", {zeros, integers({-1})}), integers({0}), integers({4})});
  const ValueId cast = b.Node(OpId::kCast, "cast", {four});
  b.graph.nodes.back().attributes.as<mace::ops::CastAttributes>().to = DType::kI64;
  const ValueId target = b.Node(OpId::kAdd, "target", {cast, integers({1, 5, 6, 4})});
  const ValueId relu1 = b.Node(OpId::kRelu, "relu1", {b.Convolution("conv1", x)});
  const ValueId reshaped = b.Node(OpId::kReshape, "reshaped", {relu1, target});
  b.graph.values[reshaped].type = {DType::kF32, {1, 5, 6, 4}};
  Check(b.graph.outputs.PushBack(b.Convolution("conv2", reshaped)));
  Check(mace::InferGraphTypes(&b.graph));
  Check(mace::VerifyGraph(b.graph, &mace::FindOpDefinition));
  Load(std::move(b.graph));
  for (int run = 0; run < 2; ++run) {
    Check(Run());
    ExpectRightResult();
  }
  EXPECT_EQ(device_.compiled.load(), 2);
  EXPECT_EQ(device_.waited.load(), 4);
  EXPECT_TRUE(ExplainHas("\"stages\":2")) << Explain();
}

TEST_F(FakeNpuTest, FailedCompilationsFallBackWithAReason) {
  device_.failures_left = 100;
  Load(MixedGraph(5));
  Check(Run());
  ExpectRightResult();
  EXPECT_EQ(device_.enqueued.load(), 0);
  EXPECT_TRUE(ExplainHas("compilation failed: backend fake_npu: the device's compiler crashed")) << Explain();
  EXPECT_FALSE(ExplainHas("fake_npu_chain"));
}

TEST_F(FakeNpuTest, OneFailureLeavesTheOtherChainOnTheDevice) {
  device_.failures_left = 1;
  Load(MixedGraph(5));
  Check(Run());
  ExpectRightResult();
  EXPECT_EQ(device_.compiled.load(), 1)
      << "the second chain is compiled once, although the plan was made anew";
  EXPECT_EQ(device_.enqueued.load(), 1);
  EXPECT_TRUE(ExplainHas("fake_npu_chain"));
  EXPECT_TRUE(ExplainHas("the device's compiler crashed"));
}

TEST_F(FakeNpuTest, ChainsThatDoNotFitFallBack) {
  device_.max_convolutions = 1;
  Load(MixedGraph(5));
  Check(Run());
  ExpectRightResult();
  EXPECT_EQ(device_.enqueued.load(), 1);
  EXPECT_TRUE(ExplainHas("2 convolutions do not fit into the device")) << Explain();
}

TEST_F(FakeNpuTest, DynamicShapesStayOnTheCpu) {
  Graph graph = MixedGraph(mace::kUnknownDim);
  Load(std::move(graph));
  Check(Run(5));
  ExpectRightResult(5);
  Check(Run(3));
  ExpectRightResult(3);
  EXPECT_EQ(device_.compiled.load(), 0);
  EXPECT_TRUE(ExplainHas("its shape is not static"));
}

TEST_F(FakeNpuTest, BlobsSpareTheSecondCompilation) {
  mace::RuntimeOptions options;
  options.num_threads = 1;
  Ref<mace::Runtime> runtime = Take(mace::Runtime::Create(options));
  Check(runtime->AddBackend(Take(mace_test::MakeFakeNpu(&device_))));
  // A second input that the convolutions do not see makes new plans of the same chains.
  Graph graph = MixedGraph(5);
  const ValueId other = Take(graph.AddValue("other", {DType::kF32, {mace::kUnknownDim}}));
  Check(graph.inputs.PushBack(other));
  const ValueId relu = Take(graph.AddValue("other_relu", {}));
  Take(graph.AddNode(OpId::kRelu, "other_relu", {&other, 1}, {&relu, 1}));
  Check(graph.outputs.PushBack(relu));
  Check(mace::InferGraphTypes(&graph));
  model_ = Take(mace::Model::FromGraph(runtime, std::move(graph), {}));
  session_ = Take(Session::Create(model_));
  x_.assign(5 * 6 * 4, 0.5f);
  for (int64_t size : {1, 2, 3}) {
    std::vector<float> values(static_cast<size_t>(size), 1);
    const RunTensor in[2] = {{DType::kF32, {1, 5, 6, 4}, x_.data(), x_.size() * 4},
                             {DType::kF32, {size}, values.data(), values.size() * 4}};
    RunTensor out[2];
    Check(session_->Run(in, out, {}));
  }
  EXPECT_EQ(device_.compiled.load(), 2);
  EXPECT_EQ(device_.compiled_from_blob.load(), 4);
}

// Weights that a plan computes from the shape of another input: equal shapes, another blob.
TEST_F(FakeNpuTest, BlobsBelongToWhatWasKnown) {
  GraphBuilder b;
  const int64_t shape[] = {1, 1, 1, 4};
  const ValueId x = Take(b.graph.AddValue("x", {DType::kF32, {1, 5, 6, 4}}));
  const int64_t open = mace::kUnknownDim;
  const ValueId other = Take(b.graph.AddValue("other", {DType::kF32, {open, open, open, open}}));
  Check(b.graph.inputs.PushBack(x));
  Check(b.graph.inputs.PushBack(other));
  const ValueId numbers = b.Node(OpId::kCast, "numbers", {b.Node(OpId::kShape, "shape", {other})});
  b.graph.nodes.back().attributes.as<mace::ops::CastAttributes>().to = DType::kF32;
  const ValueId form =
      Take(b.graph.AddConstant("form", {const_cast<int64_t*>(shape), DType::kI64, {4}}, true));
  const ValueId weights = b.Node(OpId::kReshape, "weights", {numbers, form});
  Check(b.graph.outputs.PushBack(b.Node(OpId::kConv2d, "conv", {x, weights})));
  Check(mace::InferGraphTypes(&b.graph));
  Load(std::move(b.graph));
  x_.assign(5 * 6 * 4, 1.0f);
  std::vector<float> values(24, 1);
  for (const Shape& dims : {Shape{1, 2, 3, 4}, Shape{4, 3, 2, 1}, Shape{1, 1, 1, 7}}) {
    const RunTensor in[2] = {
        {DType::kF32, {1, 5, 6, 4}, x_.data(), x_.size() * 4},
        {DType::kF32, dims, values.data(), static_cast<uint64_t>(dims.ElementCount()) * 4}};
    RunTensor out;
    Check(session_->Run(in, {&out, 1}, {}));
    EXPECT_EQ(static_cast<float*>(out.data)[0], 10.0f);
  }
  EXPECT_EQ(device_.compiled.load(), 3);
  EXPECT_EQ(device_.compiled_from_blob.load(), 0);
}

TEST_F(FakeNpuTest, SameChoicesSameHash) {
  Load(MixedGraph(5));
  Check(Run());
  const auto hash_of = [&] {
    const std::string text = Explain();
    return text.substr(text.find("\"hash\""), 28);
  };
  const std::string first = hash_of();
  Load(MixedGraph(5));
  Check(Run());
  EXPECT_EQ(hash_of(), first);
  device_.failures_left = 1;
  Load(MixedGraph(5));
  Check(Run());
  EXPECT_NE(hash_of(), first);
}

TEST_F(FakeNpuTest, ABrokenBackendIsAnErrorNotACrash) {
  device_.offers_foreign_nodes = true;
  Load(MixedGraph(5));
  const mace::Status status = Run();
  EXPECT_EQ(status.code(), mace::StatusCode::kInternal) << status.message();
}

TEST_F(FakeNpuTest, DeadlinesReachTheDevice) {
  Load(MixedGraph(5));
  Check(Run());
  RunTensor in{DType::kF32, {1, 5, 6, 4}, x_.data(), x_.size() * 4}, out;
  volatile int32_t cancel = 1;
  mace::RunOptions options;
  options.cancel = &cancel;
  EXPECT_EQ(session_->Run({&in, 1}, {&out, 1}, options).code(), mace::StatusCode::kCancelled);
}

}  // namespace
