#include "mace/ops/matmul/matmul.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/quantized_test_graph.h"

namespace mace::passes {
namespace {

using ConstantConversionTest = QuantizedPassTest;

// float16 weights: what is small becomes float32 now, what is large stays as it is stored.
TEST_F(ConstantConversionTest, BeforeAndAfter) {
  std::vector<uint16_t> elements(100 * 200, 0x3C00);
  const auto converted = [&](const Shape& shape) {
    const ValueId half = Unwrap(graph_.AddConstant("", {elements.data(), DType::kF16, shape}, true));
    return Node(OpId::kCast, {half}, ops::CastAttributes{});
  };
  const ValueId x = Input("x", {2, 100});
  const ValueId product = Node(OpId::kMatMul, {x, converted({100, 200})}, ops::MatMulAttributes{});
  Output(Node(OpId::kAdd, {product, converted({200})}), "y");
  ExpectRewrite(RunConstantConversion, "Cast MatMul Cast Add", "Cast MatMul Add", 0);
}

TEST_F(ConstantConversionTest, QuantizedWeightsWaitForTheirFusion) {
  const ValueId weights = Stored(DType::kI8, {4}, Scales({0.01f}, 3));
  Output(Node(OpId::kMul, {Input("x", {4}), weights}), "y");
  EXPECT_EQ(Operators(), "Dequantize Mul");
  int64_t allowance = 1 << 20;
  Check(RunConstantConversion(&graph_, &allowance, true));
  EXPECT_EQ(Operators(), "Dequantize Mul");
  ExpectRewrite(RunConstantConversion, "Dequantize Mul", "Mul", 0);
  Output(Node(OpId::kCast, {Unwrap(graph_.AddConstant("", {&allowance, DType::kI64, Shape{}}, true))},
              ops::CastAttributes{}),
         "a_result");
  ExpectRewrite(RunConstantConversion, "Mul Cast", "Mul Cast", 0);
}

}  // namespace
}  // namespace mace::passes
