// Nodes that together read one byte become one table, of the bytes that they gave one by one.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/backends/cpu/fusion.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::cpu {
namespace {

void ExpectSameBytes(TestGraph* test, const std::string& expected_kernels) {
  std::string kernels;
  ExpectMatchesReference(test, &kernels, 0.0f);
  EXPECT_EQ(kernels, expected_kernels);
}

ValueId Pair(TestGraph* test, OpId op, ValueId a, ValueId b, ops::Rounding rounding, float scale) {
  const ValueId y = test->Node(op, {a, b});
  test->Attributes<ops::RoundingAttributes>().rounding = rounding;
  return test->Quantize(y, {scale}, {11});
}

ValueId Single(TestGraph* test, OpId op, ValueId x) {
  return test->Quantize(test->Node(op, {x}), {1.0f / 128}, {3});
}

TEST(ByteFunction, AValueTimesItsGate) {
  for (OpId gate : {OpId::kHardSigmoid, OpId::kSigmoid}) {
    for (DType dtype : {DType::kI8, DType::kU8}) {
      for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
        for (bool gate_first : {false, true}) {
          TestGraph test;
          const ValueId x = test.Integers({2, 5, 7, 37}, dtype, 0.05f, 20);
          const ValueId g = Single(&test, gate, x);
          test.Output(Pair(&test, OpId::kMul, gate_first ? g : x, gate_first ? x : g, rounding, 0.04f));
          ExpectSameBytes(&test, "table");
        }
      }
    }
  }
}

// Scalars, operators in a row, and values of the set that are read twice in it.
TEST(ByteFunction, LongerOnes) {
  constexpr auto kRounding = ops::Rounding::kHalfEvenFloat;
  TestGraph test;
  const ValueId x = test.Integers({3, 41}, DType::kI8, 0.05f, -20);
  const ValueId three = test.Quantize(test.IntegerConstant<int8_t>({1}, 1, 1), {3.0f}, {0});
  const ValueId shifted = Pair(&test, OpId::kAdd, x, three, kRounding, 0.06f);
  const ValueId clip = test.Node(OpId::kClip, {shifted});
  test.Attributes<ops::ClipAttributes>().min = 0.0f;
  test.Attributes<ops::ClipAttributes>().max = 6.0f;
  test.Quantize(clip, {0.06f}, {11});
  const ValueId gated = Pair(&test, OpId::kMul, x, clip, kRounding, 0.05f);
  const ValueId square = Pair(&test, OpId::kMul, gated, gated, kRounding, 0.9f);
  const ValueId sum = Pair(&test, OpId::kSub, gated, square, kRounding, 0.9f);
  test.Output(test.Node(OpId::kDequantize, {sum}));
  ExpectSameBytes(&test, "table");
}

TEST(ByteFunction, Booleans) {
  TestGraph test;
  const ValueId x = test.Integers({33}, DType::kU8, 0.05f, 20);
  const ValueId y = test.Node(OpId::kLess, {x, Single(&test, OpId::kAbs, x)});
  test.Output(test.Node(OpId::kNot, {test.Node(OpId::kNot, {y})}));
  const ValueId condition = test.Input({33}, DType::kBool);
  test.Output(test.Node(OpId::kXor, {condition, test.Node(OpId::kNot, {condition})}));
  ExpectSameBytes(&test, "table table");
}

TEST(ByteFunction, WhatIsReadElsewhereStaysApart) {
  TestGraph test;
  const ValueId x = test.Integers({3, 41}, DType::kI8, 0.05f, -20);
  const ValueId gate = Single(&test, OpId::kSigmoid, x);
  test.Output(gate);
  test.Output(Pair(&test, OpId::kMul, x, gate, ops::Rounding::kTfliteDouble, 0.04f));
  ExpectSameBytes(&test, "table quantized_binary");
}

TEST(ByteFunction, TwoBytesStayApart) {
  TestGraph test;
  const ValueId a = test.Integers({3, 41}, DType::kI8, 0.05f, -20);
  const ValueId b = test.Integers({3, 41}, DType::kI8, 0.05f, -20);
  test.Output(
      Pair(&test, OpId::kMul, a, Single(&test, OpId::kSigmoid, b), ops::Rounding::kTfliteDouble, 0.04f));
  ExpectSameBytes(&test, "table quantized_binary");
}

// x + broadcast(f(x)) reads several elements of x.
TEST(ByteFunction, ABroadcastIsNone) {
  TestGraph test;
  const ValueId x = test.Integers({1, 41}, DType::kI8, 0.05f, -20);
  const ValueId tall = test.Quantize(test.IntegerConstant<int8_t>({3, 1}, -9, 9), {0.1f}, {0});
  const ValueId sum = Pair(&test, OpId::kAdd, x, tall, ops::Rounding::kTfliteDouble, 0.06f);
  test.Output(
      Pair(&test, OpId::kMul, x, Single(&test, OpId::kSigmoid, sum), ops::Rounding::kTfliteDouble, 0.04f));
  ExpectSameBytes(&test, "quantized_binary table quantized_binary");
}

// A known vector is no scalar; scales of channels are no function of a byte.
TEST(ByteFunction, ChannelsAreNone) {
  TestGraph test;
  const ValueId x = test.Integers({5, 3}, DType::kI8, 0.05f, -20);
  const ValueId row = test.Quantize(test.IntegerConstant<int8_t>({3}, -9, 9), {0.1f}, {0});
  test.Output(Pair(&test, OpId::kMul, x, Pair(&test, OpId::kAdd, x, row, ops::Rounding::kTfliteDouble, 0.06f),
                   ops::Rounding::kTfliteDouble, 0.04f));
  const ValueId y = test.Input({5, 3}, DType::kI8);
  test.Quantize(y, {0.1f, 0.2f, 0.3f}, {0, 0, 0}, 1);
  const ValueId real = test.Node(OpId::kDequantize, {y});
  test.Output(test.Node(OpId::kAbs, {real}));
  ExpectSameBytes(&test, "quantized_binary quantized_binary dequantize unary_f32");
}

TEST(ByteFunction, RowsOfOperatorsAreCutIntoTables) {
  TestGraph test;
  ValueId x = test.Integers({3, 41}, DType::kU8, 0.05f, 20);
  for (int i = 0; i < 2 * Cluster::kMaxNodes + 1; ++i) x = Single(&test, OpId::kTanh, x);
  test.Output(x);
  ExpectSameBytes(&test, "table table table");
}

// Float operators behind a Dequantize are no part of the table, whatever they read.
TEST(ByteFunction, FloatsBehindATableStayApart) {
  for (int tail = 0; tail < 4; ++tail) {
    TestGraph test;
    const ValueId x = test.Integers({1, 3, 5, 8}, DType::kI8, 0.05f, -20);
    ValueId y = test.Node(OpId::kDequantize, {Single(&test, OpId::kTanh, x)});
    if (tail == 0) y = test.Node(OpId::kRelu, {y});
    if (tail == 1) y = test.Node(OpId::kTanh, {test.Node(OpId::kNeg, {y})});
    if (tail == 2) y = test.Node(OpId::kMul, {y, test.Constant({8})});
    if (tail == 3) y = test.Node(OpId::kAdd, {test.Input({1, 3, 5, 8}), y});
    test.Output(y);
    std::string kernels;
    ExpectMatchesReference(&test, &kernels, 1e-6f);
    EXPECT_EQ(kernels.substr(0, 6), "table ") << kernels;
  }
  TestGraph test;  // an attention mask
  const ValueId mask = test.Node(OpId::kNot, {test.Input({4, 9}, DType::kBool)});
  const ValueId real = test.Node(OpId::kCast, {mask});
  test.Attributes<ops::CastAttributes>().to = DType::kF32;
  test.Output(test.Node(OpId::kAdd, {test.Input({4, 9}), test.Node(OpId::kMul, {real, test.Scalar(-1e4f)})}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels, 1e-6f);
  EXPECT_EQ(kernels.substr(0, 6), "table ") << kernels;
}

// Parts of a Split lie apart in memory: a table reads elements side by side.
TEST(ByteFunction, PartsOfASplit) {
  TestGraph test;
  const ValueId x = test.Integers({1, 4, 5, 16}, DType::kI8, 0.05f, -20);
  const ValueId whole = Single(&test, OpId::kTanh, x);
  test.Output(whole);
  const ValueId first = test.Node(OpId::kSplit, {whole}, 2);
  test.Attributes<ops::SplitAttributes>().axis = 3;
  const ValueId second = test.graph.nodes.back().outputs[1];
  for (ValueId part : {first, second}) {
    test.Quantize(part, {1.0f / 128}, {3});
    const ValueId gate = Single(&test, OpId::kSigmoid, part);
    test.Output(Pair(&test, OpId::kMul, part, gate, ops::Rounding::kTfliteDouble, 0.04f));
  }
  std::string kernels;
  ExpectMatchesReference(&test, &kernels, 0.0f);
}

// Where the plan has too many tables already, the nodes run one by one.
TEST(ByteFunction, RefusedTables) {
  TestGraph test;
  ValueId words = test.Integers({3}, DType::kI16, 0.001f, 0);
  for (int i = 0; i < 128; ++i) {
    words = test.Quantize(test.Node(OpId::kSigmoid, {words}), {1.0f / 32768}, {0});
    test.Attributes<ops::RoundingAttributes>().rounding = ops::Rounding::kTfliteDouble;
  }
  test.Output(words);
  const ValueId x = test.Integers({3, 41}, DType::kI8, 0.05f, -20);
  const ValueId gate = Single(&test, OpId::kSigmoid, x);
  test.Output(Pair(&test, OpId::kMul, x, gate, ops::Rounding::kTfliteDouble, 0.04f));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels, 0.0f);
  EXPECT_TRUE(kernels.ends_with("table reference quantized_binary")) << kernels;
}

TEST(ByteFunction, EmptyAndReadOnceMore) {
  TestGraph test;
  const ValueId x = test.Integers({0, 41}, DType::kU8, 0.05f, 20);
  test.Output(Single(&test, OpId::kTanh, Single(&test, OpId::kTanh, x)));
  const ValueId y = test.Integers({3, 41}, DType::kU8, 0.05f, 20);
  const ValueId z = Single(&test, OpId::kTanh, Single(&test, OpId::kTanh, y));
  test.Output(Pair(&test, OpId::kMul, z, y, ops::Rounding::kTfliteDouble, 0.04f));
  ExpectSameBytes(&test, "table table");
}

}  // namespace
}  // namespace mace::cpu
