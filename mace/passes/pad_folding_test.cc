#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/passes/quantized_test_graph.h"

namespace mace::passes {
namespace {

using PadFoldingTest = QuantizedPassTest;

TEST_F(PadFoldingTest, BeforeAndAfter) {
  ops::Conv2dAttributes conv;
  conv.strides = {2, 2}, conv.pads = {1, 0, 0, 0};
  const ValueId padded =
      Node(OpId::kPad, {Input("x", {1, 6, 7, 3}), Ints({0, 0, 1, 0, 0, 1, 2, 0})}, ops::PadAttributes{});
  Output(Node(OpId::kConv2d, {padded, Floats({2, 3, 3, 3})}, conv), "y");
  ExpectRewrite(RunPadFolding, "Pad Conv2d", "Conv2d");
  EXPECT_EQ(graph_.nodes[0].attributes.as<ops::Conv2dAttributes>().pads, (IntList{1, 1, 1, 2}));
}

TEST_F(PadFoldingTest, SamePaddingListedAxesAndAverages) {
  ops::Conv2dAttributes conv;
  conv.strides = {2, 2}, conv.padding = ops::Padding::kSameUpper;
  const ValueId a =
      Node(OpId::kPad, {Input("x", {1, 6, 7, 3}), Ints({1, 2}), Scalar(0), Ints({-2})}, ops::PadAttributes{});
  Output(Node(OpId::kConv2d, {a, Floats({2, 3, 3, 3})}, conv), "y");
  ops::AveragePool2dAttributes pool;
  pool.kernel = {3, 2};
  const ValueId b =
      Node(OpId::kPad, {Input("z", {1, 6, 7, 3}), Ints({0, 2, 1, 0, 0, 0, 1, 0})}, ops::PadAttributes{});
  Output(Node(OpId::kAveragePool2d, {b}, pool), "z");
  ExpectRewrite(RunPadFolding, "Pad Conv2d Pad AveragePool2d", "Conv2d AveragePool2d");
}

// Stored zeros are no zeros: the padding value has to be the zero point.
TEST_F(PadFoldingTest, QuantizedPaddingIsTheZeroPoint) {
  for (const uint8_t stored : {120, 0}) {
    graph_ = Graph();
    const ValueId x = Quantize(Input("x", {1, 5, 6, 3}), 0.025f, 120);
    const ValueId value =
        Unwrap(graph_.AddConstant("", {const_cast<uint8_t*>(&stored), DType::kU8, Shape{}}, true));
    const ValueId padded = Node(OpId::kPad, {x, Ints({0, 1, 1, 0, 0, 1, 1, 0}), value}, ops::PadAttributes{});
    graph_.values[padded].type.quantization = graph_.values[x].type.quantization;
    const ValueId weights = Stored(DType::kI8, {4, 3, 3, 3}, Scales({0.004f}, 0));
    Output(Dequantize(Quantize(Conv(Dequantize(padded), weights, kNone), 0.03f, 100)), "y");
    RunAndCompare(RunQuantizedFusion, 0.031);
    EXPECT_EQ(Operators(), "Quantize Pad Conv2d Dequantize");
    RunAndCompare(RunPadFolding, 0);
    EXPECT_EQ(Operators(), stored == 120 ? "Quantize Conv2d Dequantize" : "Quantize Pad Conv2d Dequantize");
  }
}

TEST_F(PadFoldingTest, OtherPadsStay) {
  const auto convolved = [&](ValueId y) {
    return Node(OpId::kConv2d, {y, Floats({2, 3, 3, 3})}, ops::Conv2dAttributes{});
  };
  const ValueId x = Input("x", {1, 6, 7, 3});
  const auto padded = [&](const std::vector<int64_t>& pads, float value, ops::PadMode mode) {
    return Node(OpId::kPad, {x, Ints(pads), Scalar(value)}, ops::PadAttributes{mode});
  };
  Output(convolved(padded({0, 1, 1, 0, 0, 1, 1, 0}, 1, ops::PadMode::kConstant)), "ones");
  Output(convolved(padded({0, 1, 1, 0, 0, 1, 1, 0}, 0, ops::PadMode::kEdge)), "edge");
  Output(convolved(padded({0, -1, 1, 0, 0, 1, 1, 0}, 0, ops::PadMode::kConstant)), "crops");
  Output(convolved(padded({1, 1, 1, 0, 0, 1, 1, 0}, 0, ops::PadMode::kConstant)), "batch");
  const ValueId shared = padded({0, 1, 1, 0, 0, 1, 1, 0}, 0, ops::PadMode::kConstant);
  Output(convolved(shared), "shared");
  Output(Node(OpId::kExp, {shared}), "reader");
  const std::string before = Operators();
  ExpectRewrite(RunPadFolding, before.c_str(), before.c_str(), 0);
}

}  // namespace
}  // namespace mace::passes
