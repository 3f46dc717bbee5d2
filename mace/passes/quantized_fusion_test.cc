// quantize_moving and quantized_fusion: what fits becomes integers and computes the same, what only looks
// like it stays.
#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/quantized_test_graph.h"

namespace mace::passes {
namespace {

using QuantizedFusionTest = QuantizedPassTest;

TEST_F(QuantizedFusionTest, ConvolutionWithAScalePerChannelAndBias) {
  const ValueId x = Activation("x", {1, 5, 6, 3});
  const std::vector<float> weight_scales = {0.004f, 0.001f, 0.002f, 0.0005f};
  std::vector<float> bias_scales;
  for (float scale : weight_scales) bias_scales.push_back(scale * 0.025f);
  const ValueId weights = Stored(DType::kI8, {4, 3, 3, 3}, Scales(weight_scales, 0, 0));
  const ValueId bias = Stored(DType::kI32, {4}, Scales(bias_scales, 0, 0));
  Output(Dequantize(Quantize(Conv(x, weights, bias), 0.03f, 100)), "y");
  ExpectIntegers(0.03, 1);
  const mace::Node& conv = Only(OpId::kConv2d);
  EXPECT_EQ(graph_.values[conv.outputs[0]].type.dtype, DType::kU8);
  EXPECT_EQ(graph_.ConstantOf(conv.inputs[1])->dtype, DType::kI8);
  EXPECT_EQ(graph_.ConstantOf(conv.inputs[2])->dtype, DType::kI32);
}

TEST_F(QuantizedFusionTest, ABiasOfFloatsOrOfOtherScalesIsStoredAnew) {
  const ValueId x = Activation("x", {1, 4, 4, 4});
  const int32_t weight_scale = Scales({0.003f}, 0);
  ValueId y = Conv(x, Stored(DType::kI8, {4, 3, 3, 1}, weight_scale), Floats({4}), 4);
  y = Dequantize(Quantize(y, 0.02f, 110));
  y = Conv(y, Stored(DType::kI8, {2, 3, 3, 4}, weight_scale), Stored(DType::kI32, {2}, Scales({1e-4f}, 3)));
  Output(Dequantize(Quantize(y, 0.03f, 110)), "y");
  ExpectIntegers(0.03, 2);
  EXPECT_EQ(Count(OpId::kConv2d), 2);
}

TEST_F(QuantizedFusionTest, ABiasTooCoarseAsAnIntegerStaysAFloat) {
  const ValueId x = Dequantize(Quantize(Input("x", {1, 4, 4, 4}), 0.5f, 120));
  const ValueId weights = Stored(DType::kI8, {2, 3, 3, 4}, Scales({0.5f}, 0));
  Output(Dequantize(Quantize(Conv(x, weights, Floats({2})), 0.5f, 120)), "y");
  ExpectUnchanged();
}

TEST_F(QuantizedFusionTest, FullyConnectedFromMatMulAndItsBias) {
  const ValueId x = Activation("x", {3, 10});
  const ValueId weights =
      Stored(DType::kI8, {10, 6}, Scales({1e-3f, 2e-3f, 3e-3f, 4e-3f, 5e-3f, 6e-3f}, 0, 1));
  const ValueId product = Node(OpId::kMatMul, {x, weights}, ops::MatMulAttributes{});
  const ValueId bias = Stored(DType::kI8, {6}, Scales({0.01f}, 2));
  Output(Dequantize(Quantize(Node(OpId::kAdd, {product, bias}), 0.02f, 128)), "y");
  Check(RunFullyConnectedFusion(&graph_));
  ExpectIntegers(0.02, 1);
  EXPECT_EQ(Only(OpId::kFullyConnected).inputs.size(), 3u);
}

TEST_F(QuantizedFusionTest, ClampsThatTheRangeImpliesVanish) {
  const ValueId weights = Stored(DType::kI8, {4, 3, 3, 3}, Scales({0.004f}, 0));
  const ValueId y = Node(OpId::kRelu, {Conv(Activation("x", {1, 5, 6, 3}), weights, kNone)});
  ops::ClipAttributes clip;
  clip.min = 0, clip.max = 6;
  Output(Dequantize(Quantize(Node(OpId::kClip, {y}, clip), 6.0f / 255, 0)), "y");
  ExpectIntegers(6.0 / 255, 1);
  EXPECT_EQ(Count(OpId::kRelu) + Count(OpId::kClip), 0);
}

TEST_F(QuantizedFusionTest, OtherClampsActOnTheStoredValues) {
  const ValueId weights = Stored(DType::kI8, {4, 3, 3, 3}, Scales({0.004f}, 0));
  ops::ClipAttributes inner, outer;
  inner.min = -1.3f, inner.max = 0.9f, outer.min = -0.4f, outer.max = 2;
  ValueId y = Conv(Activation("x", {1, 5, 6, 3}), weights, kNone);
  y = Node(OpId::kClip, {Node(OpId::kClip, {y}, inner)}, outer);
  Output(Dequantize(Quantize(y, 0.011f, 100)), "y");
  // Bounds in the wrong order: all becomes the upper one.
  inner.min = 1, inner.max = 0.5f;
  Output(Dequantize(Quantize(Node(OpId::kClip, {Activation("z", {7})}, inner), 0.02f, 100)), "w");
  ExpectIntegers(0.02, 1);
  EXPECT_EQ(Count(OpId::kClip), 2);
}

TEST_F(QuantizedFusionTest, SumsAndProductsWithConstants) {
  const ValueId a = Activation("a", {2, 3, 4}, 0.02f, 120), b = Activation("b", {4}, 0.013f, 90);
  ValueId y = Dequantize(Quantize(Node(OpId::kAdd, {a, b}), 0.05f, 128));
  y = Dequantize(Quantize(Node(OpId::kMul, {y, Scalar(-0.7f)}), 0.03f, 128));
  y = Dequantize(Quantize(Node(OpId::kSub, {Scalar(0.5f), y}), 0.04f, 128));
  y = Dequantize(Quantize(Node(OpId::kMul, {y, a}), 0.05f, 128));
  Output(y, "y");
  ExpectIntegers(0.05);
  // A vector of floats has no exact stored form.
  Output(Dequantize(Quantize(Node(OpId::kAdd, {Activation("c", {4}), Floats({4})}), 0.05f, 128)), "z");
  RunAndCompare(RunBoth, 0);
  EXPECT_EQ(Count(OpId::kQuantize), 4);
}

TEST_F(QuantizedFusionTest, PoolsMeansSoftmaxAndResize) {
  ops::AveragePool2dAttributes pool;
  pool.kernel = {2, 2};
  ValueId y = Node(OpId::kAveragePool2d, {Activation("x", {1, 4, 5, 3})}, pool);
  y = Dequantize(Quantize(y, 0.021f, 121));
  ops::ResizeAttributes resize;
  resize.mode = ops::ResizeMode::kLinear;
  y = Dequantize(Quantize(Node(OpId::kResize, {y, Floats({2}, {2, 3})}, resize), 0.022f, 119));
  ops::ReduceAttributes mean;
  mean.kind = ops::ReduceKind::kMean, mean.axes = {1, 2};
  y = Dequantize(Quantize(Node(OpId::kReduce, {y}, mean), 0.01f, 125));
  Output(Dequantize(Quantize(Node(OpId::kSoftmax, {y}, ops::SoftmaxAttributes{}), 1.0f / 256, 0)), "y");
  // A mean may lie half-way between two outputs, and is then rounded once here, twice there.
  ExpectIntegers(1.0 / 256, 1);
}

TEST_F(QuantizedFusionTest, ConcatAndSplit) {
  const ValueId a = Activation("a", {2, 3}, 0.02f, 120), b = Activation("b", {2, 2}, 0.04f, 100);
  ops::ConcatAttributes concat;
  concat.axis = 1;
  ValueId y = Dequantize(Quantize(Node(OpId::kConcat, {a, b, a}, concat), 0.04f, 100));
  ops::SplitAttributes split;
  split.axis = 1;
  const std::vector<ValueId> parts = NodeMany(OpId::kSplit, {y}, split, 2);
  Output(Dequantize(Quantize(Node(OpId::kAdd, {parts[0], parts[1]}), 0.07f, 110)), "y");
  ExpectIntegers(0.07);
  EXPECT_EQ(Count(OpId::kRequantize), 0);
  // A part that comes as floats is quantized alone.
  const ValueId c = Activation("c", {2, 2}, 0.04f, 100);
  Output(Dequantize(Quantize(Node(OpId::kConcat, {c, Input("d", {2, 1})}, concat), 0.04f, 100)), "z");
  RunAndCompare(RunBoth, 0);
  EXPECT_EQ(Count(OpId::kQuantize), 4);
  EXPECT_EQ(Count(OpId::kRequantize), 0);
}

TEST_F(QuantizedFusionTest, UnaryFunctions) {
  for (OpId op : {OpId::kSigmoid, OpId::kTanh, OpId::kHardSwish, OpId::kSilu, OpId::kNeg, OpId::kExp}) {
    const ValueId y = Node(op, {Activation("x", {3, 5}, 0.031f, 100)});
    Output(Dequantize(Quantize(y, 0.012f, 90)), "y");
  }
  ops::LeakyReluAttributes leaky;
  leaky.alpha = 0.3f;
  Output(Dequantize(Quantize(Node(OpId::kLeakyRelu, {Activation("z", {7})}, leaky), 0.02f, 60)), "z");
  Output(Dequantize(Quantize(Node(OpId::kElu, {Activation("u", {7})}, ops::EluAttributes{}), 0.02f, 60)),
         "u");
  ExpectIntegers(0.012);
}

TEST_F(QuantizedFusionTest, ReluAloneAndConversions) {
  ValueId y = Activation("x", {3, 5});
  y = Dequantize(Quantize(Node(OpId::kRelu, {y}), 0.025f, 120));
  Output(Node(OpId::kRelu, {y}), "unquantized");
  Output(Dequantize(Quantize(y, 0.025f, 120)), "same");
  Output(Dequantize(Quantize(y, 0.015f, 0)), "other");
  RunAndCompare(RunBoth, 0);
  EXPECT_EQ(Count(OpId::kRequantize), 1);
  EXPECT_EQ(Count(OpId::kQuantize), 1);
}

TEST_F(QuantizedFusionTest, EachReaderOfAResidualIsJudgedAlone) {
  const ValueId x = Activation("x", {1, 5, 6, 3});
  const ValueId weights = Stored(DType::kI8, {3, 3, 3, 3}, Scales({0.004f}, 0));
  ValueId y = Dequantize(Quantize(Conv(x, weights, kNone), 0.02f, 120));
  y = Dequantize(Quantize(Node(OpId::kAdd, {y, x}), 0.04f, 120));
  Output(Node(OpId::kExp, {x}), "float");
  Output(y, "y");
  RunAndCompare(RunBoth, 0.041);
  EXPECT_EQ(Count(OpId::kQuantize), 1);
  EXPECT_EQ(Count(OpId::kDequantize), 2);
}

TEST_F(QuantizedFusionTest, WhatSomebodyElseReadsAsFloatsStays) {
  const ValueId weights = Stored(DType::kI8, {4, 3, 3, 3}, Scales({0.004f}, 0));
  const ValueId conv = Conv(Activation("x", {1, 5, 6, 3}), weights, kNone);
  Output(Dequantize(Quantize(conv, 0.03f, 100)), "y");
  Output(Node(OpId::kNeg, {conv}), "z");
  ExpectUnchanged();
}

TEST_F(QuantizedFusionTest, OtherRoundingsAndOperatorsWithoutAnIntegerFormStay) {
  const ValueId x = Activation("x", {3, 8});
  Output(Dequantize(Quantize(Node(OpId::kAdd, {x, x}), 0.05f, 1, DType::kU8, ops::Rounding::kTfliteDouble)),
         "a");
  Output(Dequantize(Quantize(Node(OpId::kPow, {x, Scalar(2)}), 0.05f, 1)), "b");
  ops::ReduceAttributes product;
  product.kind = ops::ReduceKind::kL2, product.axes = {1};
  Output(Dequantize(Quantize(Node(OpId::kReduce, {x}, product), 0.05f, 1)), "c");
  // Weights with a scale for each input channel; weights that are computed.
  const ValueId rows = Stored(DType::kI8, {2, 8}, Scales(std::vector<float>(8, 0.01f), 0, 1));
  Output(
      Dequantize(Quantize(Node(OpId::kFullyConnected, {x, rows}, ops::FullyConnectedAttributes{}), 0.1f, 9)),
      "d");
  Output(Dequantize(Quantize(Node(OpId::kFullyConnected, {x, x}, ops::FullyConnectedAttributes{}), 0.1f, 9)),
         "e");
  ExpectUnchanged();
}

TEST_F(QuantizedFusionTest, OtherPassesKeepTheScalesOfIntegers) {
  ops::TransposeAttributes swap;
  swap.perm = {0, 2, 1};
  // The operator on stored values, to another scale.
  const auto integers = [&](OpId op, const std::vector<ValueId>& inputs, const auto& attributes) {
    const ValueId y = Unwrap(graph_.AddValue("", TensorType{}));
    graph_.values[y].type.quantization = Scales({0.1f}, 120);
    const NodeId id = Unwrap(graph_.AddNode(op, "", inputs, {{y}}));
    graph_.nodes[id].attributes.as<std::decay_t<decltype(attributes)>>() = attributes;
    Check(InferGraphTypes(&graph_));
    return y;
  };
  const auto transposed = [&](ValueId x) {
    const ValueId y = Node(OpId::kTranspose, {x}, swap);
    graph_.values[y].type.quantization = graph_.values[x].type.quantization;
    return y;
  };
  const ValueId a = Quantize(Input("a", {2, 3, 5}), 0.02f, 110),
                b = Quantize(Input("b", {2, 4, 5}), 0.03f, 90);
  const ValueId product = integers(OpId::kMatMul, {a, transposed(b)}, ops::MatMulAttributes{});
  ops::ReduceAttributes mean;
  mean.kind = ops::ReduceKind::kMean, mean.axes = {1}, mean.keep_dims = false;
  Output(Dequantize(integers(OpId::kReduce, {transposed(product)}, mean)), "y");
  RunAndCompare(
      [](Graph* graph) {
        MACE_RETURN_IF_ERROR(RunMatMulTransposeFusion(graph));
        return RunTransposeSinking(graph);
      },
      0);
  EXPECT_EQ(Count(OpId::kTranspose), 0);
}

TEST_F(QuantizedFusionTest, TheWholeOptimizerKeepsSmallWeightsAndLosesTransposes) {
  ops::TransposeAttributes to_nhwc, to_nchw;
  to_nhwc.perm = {0, 2, 3, 1}, to_nchw.perm = {0, 3, 1, 2};
  const auto conv = [&](ValueId x) {
    const ValueId weights = Stored(DType::kI8, {3, 3, 3, 3}, Scales({0.004f, 0.003f, 0.002f}, 0, 0));
    const ValueId y = Conv(Node(OpId::kTranspose, {x}, to_nhwc), weights, Floats({3}));
    return Dequantize(Quantize(Node(OpId::kTranspose, {y}, to_nchw), 0.03f, 120));
  };
  ValueId y = conv(conv(Activation("x", {1, 3, 6, 5})));
  y = Node(OpId::kMul, {y, Stored(DType::kI8, {3, 1, 1}, Scales({0.01f}, 0))});
  Output(Dequantize(Quantize(conv(Dequantize(Quantize(y, 0.01f, 128))), 0.03f, 128)), "y");
  RunAndCompare(
      [](Graph* graph) {
        OptimizeReport report;
        return OptimizeGraph(graph, &report);
      },
      0.061);
  EXPECT_EQ(Count(OpId::kConv2d), 3);
  EXPECT_EQ(Count(OpId::kTranspose), 2);
  EXPECT_EQ(Count(OpId::kQuantize), 1);
}

TEST_F(QuantizedFusionTest, BeforeAndAfter) {
  const ValueId weights = Stored(DType::kI8, {4, 3, 3, 3}, Scales({0.004f}, 0));
  const ValueId y = Conv(Activation("x", {1, 5, 6, 3}), weights, kNone);
  Output(Dequantize(Quantize(y, 0.03f, 100)), "y");
  ExpectRewrite(RunQuantizedFusion, "Dequantize Quantize Dequantize Conv2d Quantize Dequantize",
                "Quantize Conv2d Dequantize", 0.031);
}

}  // namespace
}  // namespace mace::passes
