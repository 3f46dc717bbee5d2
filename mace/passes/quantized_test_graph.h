// Building small quantized graphs in pass tests.
#ifndef MACE_PASSES_QUANTIZED_TEST_GRAPH_H_
#define MACE_PASSES_QUANTIZED_TEST_GRAPH_H_

#include <vector>

#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {

inline Status RunBoth(Graph* graph) {
  MACE_RETURN_IF_ERROR(RunQuantizeMoving(graph));
  return RunQuantizedFusion(graph);
}

class QuantizedPassTest : public PassTest {
 protected:
  int32_t Scales(std::vector<float> scales, int32_t zero_point, int32_t axis = kNone) {
    const std::vector<int32_t> zero_points(scales.size(), zero_point);
    return Unwrap(graph_.AddQuantization(scales, zero_points, axis));
  }
  ValueId Quantize(ValueId x, float scale, int32_t zero_point, DType to = DType::kU8,
                   ops::Rounding rounding = ops::Rounding::kHalfEvenFloat) {
    const ValueId y = Unwrap(graph_.AddValue("", TensorType{}));
    graph_.values[y].type.quantization = Scales({scale}, zero_point);
    const NodeId id = Unwrap(graph_.AddNode(OpId::kQuantize, "", {{x}}, {{y}}));
    graph_.nodes[id].attributes.as<ops::QuantizeAttributes>() = {.to = to, .rounding = rounding};
    Check(InferGraphTypes(&graph_));
    return y;
  }
  ValueId Dequantize(ValueId x) { return Node(OpId::kDequantize, {x}); }
  // A quantized activation as its real numbers.
  ValueId Activation(const char* name, const Shape& shape, float scale = 0.025f, int32_t zero_point = 120) {
    return Dequantize(Quantize(Input(name, shape), scale, zero_point));
  }
  ValueId Stored(DType dtype, const Shape& shape, int32_t quantization) {
    const ValueId value = Unwrap(graph_.AddUninitializedConstant("", dtype, shape));
    TensorView& view = graph_.constants[graph_.values[value].constant].view;
    for (int64_t i = 0; i < view.elements(); ++i) {
      const auto random = static_cast<int32_t>((i * 7919 + 13) % 251) - 125;
      if (dtype == DType::kI32) {
        view.as<int32_t>()[i] = random * 9;
      } else {
        view.as<int8_t>()[i] = static_cast<int8_t>(random);
      }
    }
    graph_.values[value].type.quantization = quantization;
    return Dequantize(value);
  }
  ValueId Conv(ValueId x, ValueId weights, ValueId bias, int64_t groups = 1) {
    ops::Conv2dAttributes attributes;
    attributes.pads = {1, 1, 1, 1}, attributes.groups = groups;
    return Node(OpId::kConv2d, {x, weights, bias}, attributes);
  }
  // All results within `units` of `scale`, every Dequantize but those at the outputs gone.
  void ExpectIntegers(double scale, double units = 0) {
    RunAndCompare(RunBoth, (units + 0.01) * scale);
    EXPECT_EQ(Count(OpId::kDequantize), static_cast<int>(graph_.outputs.size()));
    EXPECT_EQ(Count(OpId::kQuantize), static_cast<int>(graph_.inputs.size()));
  }
  void ExpectUnchanged() {
    const int quantize = Count(OpId::kQuantize), dequantize = Count(OpId::kDequantize);
    RunAndCompare(RunBoth, 0);
    EXPECT_EQ(Count(OpId::kDequantize), dequantize);
    EXPECT_EQ(Count(OpId::kQuantize), quantize);
  }
  const mace::Node& Only(OpId op) {
    EXPECT_EQ(Count(op), 1);
    for (const mace::Node& node : graph_.nodes) {
      if (node.op == op) return node;
    }
    return graph_.nodes[0];
  }
};

}  // namespace mace::passes

#endif  // MACE_PASSES_QUANTIZED_TEST_GRAPH_H_
