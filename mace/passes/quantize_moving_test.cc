#include "mace/ops/movement/movement.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/quantized_test_graph.h"

namespace mace::passes {
namespace {

using QuantizeMovingTest = QuantizedPassTest;

TEST_F(QuantizeMovingTest, BeforeAndAfter) {
  ops::TransposeAttributes transpose;
  transpose.perm = {1, 0};
  const ValueId y = Node(OpId::kTranspose, {Activation("x", {2, 3})}, transpose);
  Output(Node(OpId::kRelu, {y}), "y");
  ExpectRewrite(RunQuantizeMoving, "Quantize Dequantize Transpose Relu",
                "Quantize Transpose Dequantize Relu");
}

TEST_F(QuantizeMovingTest, MovingOperatorsWorkOnTheStoredValues) {
  const ValueId x = Activation("x", {2, 4, 6, 4});
  ops::MaxPool2dAttributes pool;
  pool.kernel = {2, 2}, pool.strides = {2, 2}, pool.pads = {0, 1, 0, 1};
  ValueId y = Node(OpId::kMaxPool2d, {x}, pool);
  ops::TransposeAttributes transpose;
  transpose.perm = {0, 3, 1, 2};
  y = Dequantize(Quantize(Node(OpId::kTranspose, {y}, transpose), 0.025f, 120));
  ops::ReshapeAttributes reshape;
  reshape.shape = {0, 2, -1};
  y = Node(OpId::kReshape, {y}, reshape);
  y = Node(OpId::kSlice, {y, Ints({1}), Ints({3}), Ints({2})});
  y = Node(OpId::kPad, {y, Ints({0, 1, 0, 0, 0, 2}), Scalar(-1)});
  Output(Dequantize(Quantize(y, 0.03f, 100)), "y");
  Output(Node(OpId::kPad, {Activation("z", {3}), Ints({1, 2})}, ops::PadAttributes{}), "z");
  RunAndCompare(RunBoth, 1e-6);
  EXPECT_EQ(Count(OpId::kQuantize), 2);
  EXPECT_EQ(Count(OpId::kDequantize), 2);
  EXPECT_EQ(Count(OpId::kRequantize), 1);
  for (OpId op : {OpId::kMaxPool2d, OpId::kTranspose, OpId::kReshape, OpId::kSlice, OpId::kPad}) {
    EXPECT_EQ(Count(op), op == OpId::kPad ? 2 : 1);
    for (const mace::Node& node : graph_.nodes) {
      if (node.op == op) {
        EXPECT_EQ(graph_.values[node.outputs[0]].type.dtype, DType::kU8);
      }
    }
  }
}

}  // namespace
}  // namespace mace::passes
