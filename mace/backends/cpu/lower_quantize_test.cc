// Quantized operators: fast kernels give the bytes of the reference kernels.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/unary/unary.h"

namespace mace::cpu {
namespace {

constexpr DType kNarrowTypes[] = {DType::kI8, DType::kU8, DType::kI16, DType::kU16};
constexpr ops::Rounding kRoundings[] = {ops::Rounding::kTfliteDouble, ops::Rounding::kTfliteSingle,
                                        ops::Rounding::kHalfEvenFloat};

int32_t ZeroPointOf(DType dtype) {
  switch (dtype) {
    case DType::kI8:
      return -7;
    case DType::kU8:
      return 131;
    case DType::kU16:
      return 32768;
    default:
      return 0;
  }
}

// Compares in bytes: floats too.
void ExpectSameBytes(TestGraph* test, const std::string& expected_kernels) {
  std::string kernels;
  ExpectMatchesReference(test, &kernels, 0.0f);
  EXPECT_EQ(kernels, expected_kernels);
}

TEST(LowerQuantize, QuantizeAndDequantize) {
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32}) {
    for (ops::Rounding rounding : kRoundings) {
      SCOPED_TRACE(NameOf(dtype));
      TestGraph test;
      const ValueId x = test.Input({3, 37, 5});
      const ValueId q = test.Node(OpId::kQuantize, {x});
      test.Attributes<ops::QuantizeAttributes>() = {dtype, rounding};
      test.Quantize(q, {0.021f}, {ZeroPointOf(dtype)});
      test.Output(q);
      test.Output(test.Node(OpId::kDequantize, {q}));
      ExpectSameBytes(&test, "quantize dequantize");
    }
  }
}

TEST(LowerQuantize, ScalesOfChannelsOnAnyAxis) {
  const Shape shape = {3, 4, 5};
  for (int axis : {0, 1, 2, -1}) {
    TestGraph test;
    const ValueId x = test.Input(shape);
    const ValueId q = test.Node(OpId::kQuantize, {x});
    test.Attributes<ops::QuantizeAttributes>().to = DType::kI8;
    std::vector<float> scales;
    std::vector<int32_t> zero_points;
    for (int64_t i = 0; i < shape[axis < 0 ? 2 : axis]; ++i) {
      scales.push_back(0.01f + 0.003f * static_cast<float>(i));
      zero_points.push_back(static_cast<int32_t>(3 * i - 5));
    }
    test.Quantize(q, scales, zero_points, axis);
    test.Output(q);
    test.Output(test.Node(OpId::kDequantize, {q}));
    ExpectSameBytes(&test, "quantize dequantize");
  }
}

// 128 KiB each: a small file may ask for any number, and gets 16 MiB of them.
TEST(LowerQuantize, TablesHaveABound) {
  constexpr int kFit = 128;
  TestGraph test;
  ValueId value = test.Integers({3}, DType::kI16, 0.001f, 0);
  for (int i = 0; i < kFit + 2; ++i) {
    value = test.Quantize(test.Node(OpId::kSigmoid, {value}), {1.0f / 32768}, {0});
    test.Attributes<ops::RoundingAttributes>().rounding = ops::Rounding::kTfliteDouble;
  }
  test.Output(value);
  std::string expected;
  for (int i = 0; i < kFit + 2; ++i)
    expected += std::string(i == 0 ? "" : " ") + (i < kFit ? "table" : "reference");
  ExpectSameBytes(&test, expected);
}

TEST(LowerQuantize, EmptyTensors) {
  TestGraph test;
  const ValueId x = test.Input({2, 0, 3});
  const ValueId q = test.Node(OpId::kQuantize, {x});
  test.Attributes<ops::QuantizeAttributes>().to = DType::kU8;
  test.Quantize(q, {0.1f}, {3});
  const ValueId sum = test.Quantize(test.Node(OpId::kAdd, {q, q}), {0.1f}, {3});
  test.Output(test.Node(OpId::kDequantize, {sum}));
  ExpectSameBytes(&test, "quantize table");
}

// From bytes a table, else arithmetic.
TEST(LowerQuantize, RequantizeEveryPairOfTypes) {
  for (DType from : {DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32}) {
    for (DType to : {DType::kI8, DType::kU8, DType::kI16, DType::kU16, DType::kI32}) {
      for (ops::Rounding rounding : kRoundings) {
        SCOPED_TRACE(testing::Message() << NameOf(from) << " to " << NameOf(to));
        TestGraph test;
        const ValueId x = test.Integers({7, 43}, from, 0.013f, ZeroPointOf(from));
        const ValueId y = test.Node(OpId::kRequantize, {x});
        test.Attributes<ops::RequantizeAttributes>() = {to, rounding};
        test.Output(test.Quantize(y, {0.0171f}, {ZeroPointOf(to)}));
        ExpectSameBytes(&test, BytesOf(from) == 1 ? "table" : "requantize");
      }
    }
  }
}

TEST(LowerQuantize, WhatNoKernelTakesRunsOnTheReference) {
  TestGraph test;
  const ValueId x = test.Integers({5}, DType::kI32, 0.013f, 1);
  const ValueId y = test.Node(OpId::kRequantize, {x});
  test.Attributes<ops::RequantizeAttributes>() = {DType::kI8, ops::Rounding::kHalfEvenFloat};
  test.Output(test.Quantize(y, {0.0171f}, {2}));
  ExpectSameBytes(&test, "reference");
}

TEST(LowerQuantize, UnaryOperatorsAreTables) {
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
    TestGraph test;
    const ValueId x = test.Integers({3, 5, 67}, dtype, 0.05f, ZeroPointOf(dtype));
    const ValueId clip = test.Node(OpId::kClip, {x});
    test.Attributes<ops::ClipAttributes>().min = -1.0f;
    test.Attributes<ops::ClipAttributes>().max = 2.5f;
    test.Quantize(clip, {0.05f}, {ZeroPointOf(dtype)});
    test.Output(clip);
    const ValueId relu = test.Node(OpId::kRelu, {x});
    test.Output(test.Quantize(relu, {0.05f}, {ZeroPointOf(dtype)}));
    ExpectSameBytes(&test, "table table");
  }
}

TEST(LowerQuantize, UnaryOperatorsOfPlainBytesAreTables) {
  TestGraph test;
  const ValueId condition = test.Input({3, 21}, DType::kBool);
  const ValueId bytes = test.Input({3, 21}, DType::kI8);
  test.Output(test.Node(OpId::kNot, {condition}));
  test.Output(test.Node(OpId::kNeg, {bytes}));
  test.Output(test.Node(OpId::kAbs, {bytes}));
  ExpectSameBytes(&test, "table table table");
}

struct BinaryCase {
  const char* name;
  Shape a, b;
};
class LoweringOfQuantizedBinary : public testing::TestWithParam<BinaryCase> {};

TEST_P(LoweringOfQuantizedBinary, GivesTheBytesOfTheReference) {
  for (OpId op : {OpId::kAdd, OpId::kSub, OpId::kMul}) {
    for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
      for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
        SCOPED_TRACE(NameOf(dtype));
        TestGraph test;
        const ValueId a = test.Integers(GetParam().a, dtype, 0.021f, ZeroPointOf(dtype));
        const ValueId b = test.Integers(GetParam().b, dtype, 0.043f, ZeroPointOf(dtype) / 2);
        const ValueId y = test.Node(op, {a, b});
        test.Attributes<ops::RoundingAttributes>().rounding = rounding;
        test.Output(test.Quantize(y, {op == OpId::kMul ? 0.09f : 0.05f}, {ZeroPointOf(dtype)}));
        ExpectSameBytes(&test, "quantized_binary");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LoweringOfQuantizedBinary,
    testing::Values(BinaryCase{"same", {2, 5, 7, 11}, {2, 5, 7, 11}}, BinaryCase{"scalar", {3, 70}, {}},
                    BinaryCase{"scalar_first", {1}, {3, 70}}, BinaryCase{"channels", {1, 6, 5, 37}, {37}},
                    BinaryCase{"gate", {2, 6, 5, 37}, {2, 1, 1, 37}},
                    BinaryCase{"pixels", {1, 6, 5, 37}, {6, 5, 1}},
                    BinaryCase{"both", {4, 1, 33}, {1, 9, 33}}, BinaryCase{"outer", {17, 1}, {1, 19}},
                    BinaryCase{"empty", {0, 3}, {3}}),
    [](const auto& info) { return info.param.name; });

TEST(LowerQuantize, PowersOfTwoAreShifted) {
  for (OpId op : {OpId::kAdd, OpId::kSub}) {
    TestGraph test;
    const ValueId a = test.Integers({9, 31}, DType::kI16, 0x1p-12f, 0);
    const ValueId b = test.Integers({9, 31}, DType::kI16, 0x1p-9f, 0);
    const ValueId y = test.Node(op, {a, b});
    test.Attributes<ops::RoundingAttributes>().rounding = ops::Rounding::kTfliteSingle;
    test.Output(test.Quantize(y, {0x1p-9f}, {0}));
    ExpectSameBytes(&test, "quantized_binary");
  }
}

TEST(LowerQuantize, InFloatsOfAnyTypes) {
  for (OpId op : {OpId::kAdd, OpId::kSub, OpId::kMul, OpId::kDiv, OpId::kMax, OpId::kMin}) {
    for (DType first : kNarrowTypes) {
      for (DType second : kNarrowTypes) {
        TestGraph test;
        const ValueId a = test.Integers({9, 31}, first, 0.011f, ZeroPointOf(first));
        const ValueId b = test.Integers({9, 31}, second, 0.0071f, ZeroPointOf(second));
        const DType to = kNarrowTypes[(static_cast<int>(op) + static_cast<int>(second)) % 4];
        const ValueId y = test.Quantize(test.Node(op, {a, b}), {0.02f}, {ZeroPointOf(to)});
        test.graph.values[y].type.dtype = to;
        test.graph.values[y].type.shape = {9, 31};
        test.Output(y);
        ExpectSameBytes(&test, "quantized_binary");
      }
    }
  }
}

// The clamp is what the sum saturates to.
TEST(LowerQuantize, AClampBehindASumJoinsIt) {
  for (OpId op : {OpId::kAdd, OpId::kSub, OpId::kMul}) {
    for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
      TestGraph test;
      const ValueId a = test.Integers({2, 3, 50}, DType::kI8, 0.021f, -4);
      const ValueId b = test.Integers({2, 3, 50}, DType::kI8, 0.043f, 9);
      const ValueId y = test.Node(op, {a, b});
      test.Attributes<ops::RoundingAttributes>().rounding = rounding;
      test.Quantize(y, {0.06f}, {-100});
      const ValueId clip = test.Node(OpId::kClip, {y});
      test.Attributes<ops::ClipAttributes>().min = 0.0f;
      test.Attributes<ops::ClipAttributes>().max = 6.0f;
      test.Output(test.Quantize(clip, {0.06f}, {-100}));
      ExpectSameBytes(&test, "quantized_binary");
    }
  }
}

TEST(LowerQuantize, AClampOfAnotherReaderStaysApart) {
  TestGraph test;
  const ValueId a = test.Integers({2, 33}, DType::kI8, 0.021f, -4);
  const ValueId y = test.Quantize(test.Node(OpId::kAdd, {a, a}), {0.03f}, {-100});
  const ValueId relu = test.Quantize(test.Node(OpId::kRelu, {y}), {0.03f}, {-100});
  test.Output(test.Node(OpId::kDequantize, {y}));
  test.Output(relu);
  ExpectSameBytes(&test, "quantized_binary table dequantize");
}

// Whatever the operator: its table is what its reference kernel gives.
TEST(LowerQuantize, TablesOfEveryUnaryOperator) {
  for (OpId op : {OpId::kSigmoid, OpId::kTanh, OpId::kHardSwish, OpId::kLeakyRelu, OpId::kGelu, OpId::kElu,
                  OpId::kExp, OpId::kSqrt, OpId::kAbs, OpId::kNeg}) {
    for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
      TestGraph test;
      const ValueId x = test.Integers({5, 7, 19}, dtype, 0.06f, ZeroPointOf(dtype));
      test.Output(test.Quantize(test.Node(op, {x}), {0.04f}, {ZeroPointOf(dtype)}));
      ExpectSameBytes(&test, "table");
    }
  }
}

TEST(LowerQuantize, PairsOfBytesAreLookedUp) {
  for (OpId op : {OpId::kPRelu, OpId::kSquaredDifference, OpId::kDiv}) {
    for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
      TestGraph test;
      const ValueId a = test.Integers({3, 5, 19}, DType::kI8, 0.06f, -3);
      const ValueId b = test.Integers({19}, DType::kI8, 0.05f, 8);
      const ValueId y = test.Node(op, {a, b});
      test.Attributes<ops::RoundingAttributes>().rounding = rounding;
      test.Output(test.Quantize(y, {0.05f}, {1}));
      const bool has_kernel = op == OpId::kDiv && rounding == ops::Rounding::kHalfEvenFloat;
      ExpectSameBytes(&test, has_kernel ? "quantized_binary" : "pair_table");
    }
  }
}

TEST(LowerQuantize, LogicAndComparisonsOfBytesAreLookedUp) {
  TestGraph test;
  const ValueId a = test.Input({3, 5}, DType::kBool), b = test.Input({5}, DType::kBool);
  for (OpId op : {OpId::kAnd, OpId::kOr, OpId::kXor, OpId::kEqual}) test.Output(test.Node(op, {a, b}));
  ExpectSameBytes(&test, "pair_table pair_table pair_table pair_table");
}

TEST(LowerQuantize, StoredExtremes) {
  for (OpId op : {OpId::kMax, OpId::kMin}) {
    for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
      TestGraph test;
      const ValueId a = test.Integers({3, 45}, dtype, 0.06f, ZeroPointOf(dtype));
      const ValueId b = test.Integers({45}, dtype, 0.06f, ZeroPointOf(dtype));
      const ValueId y = test.Node(op, {a, b});
      test.Attributes<ops::RoundingAttributes>().rounding = ops::Rounding::kTfliteDouble;
      test.Output(test.Quantize(y, {0.06f}, {ZeroPointOf(dtype)}));
      ExpectSameBytes(&test, "quantized_binary");
    }
  }
}

TEST(LowerQuantize, Pooling) {
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
    for (ops::Rounding rounding : kRoundings) {
      for (const Shape& shape :
           {Shape{2, 9, 7, 19}, Shape{1, 5, 6, 70}, Shape{1, 3, 4, 1}, Shape{0, 5, 5, 3}}) {
        SCOPED_TRACE(NameOf(dtype));
        const int32_t zero_point = ZeroPointOf(dtype);
        TestGraph test;
        const ValueId x = test.Integers(shape, dtype, 0.06f, zero_point);
        const ValueId y = test.Node(OpId::kAveragePool2d, {x});
        auto& average = test.Attributes<ops::AveragePool2dAttributes>();
        average.kernel = {3, 2};
        average.strides = {2, 1};
        average.pads = {1, 0, 1, 1};
        average.rounding = rounding;
        average.count_include_pad = shape[3] == 70;
        const bool is_half_even = rounding == ops::Rounding::kHalfEvenFloat;
        test.Output(test.Quantize(y, {is_half_even ? 0.03f : 0.06f}, {zero_point}));
        const ValueId z = test.Node(OpId::kMaxPool2d, {x});
        auto& most = test.Attributes<ops::MaxPool2dAttributes>();
        most.kernel = {2, 3};
        most.padding = ops::Padding::kSameUpper;
        test.Output(test.Quantize(z, {0.06f}, {zero_point}));
        ExpectSameBytes(&test, "quantized_pool quantized_pool");
      }
    }
  }
}

TEST(LowerQuantize, PoolingOfAWholeMapWithAClamp) {
  TestGraph test;
  const ValueId x = test.Integers({2, 17, 16, 37}, DType::kI8, 0.06f, 3);
  const ValueId y = test.Node(OpId::kAveragePool2d, {x});
  test.Attributes<ops::AveragePool2dAttributes>().kernel = {17, 16};
  test.Attributes<ops::AveragePool2dAttributes>().rounding = ops::Rounding::kTfliteDouble;
  test.Quantize(y, {0.06f}, {3});
  test.Output(test.Quantize(test.Node(OpId::kRelu, {y}), {0.06f}, {3}));
  ExpectSameBytes(&test, "quantized_pool");
}

TEST(LowerQuantize, Reductions) {
  for (ops::ReduceKind kind :
       {ops::ReduceKind::kSum, ops::ReduceKind::kMean, ops::ReduceKind::kMax, ops::ReduceKind::kMin}) {
    for (const IntList& axes : {IntList{1, 2}, IntList{-1}, IntList{0}, IntList{}}) {
      for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
        for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
          for (int64_t rows : {4, 0}) {
            SCOPED_TRACE(testing::Message() << NameOf(dtype) << " kind " << static_cast<int>(kind));
            TestGraph test;
            const int32_t zero_point = ZeroPointOf(dtype);
            const ValueId x = test.Integers({3, rows, 5, 33}, dtype, 0.06f, zero_point);
            const ValueId y = test.Node(OpId::kReduce, {x});
            test.Attributes<ops::ReduceAttributes>().kind = kind;
            test.Attributes<ops::ReduceAttributes>().axes = axes;
            test.Attributes<ops::ReduceAttributes>().rounding = rounding;
            const bool keeps_scale = rounding == ops::Rounding::kTfliteDouble &&
                                     (kind == ops::ReduceKind::kMax || kind == ops::ReduceKind::kMin);
            test.Output(
                test.Quantize(y, {keeps_scale ? 0.06f : 0.11f}, {keeps_scale ? zero_point : zero_point / 3}));
            ExpectSameBytes(&test, "quantized_pool");
          }
        }
      }
    }
  }
}

TEST(LowerQuantize, ConcatBringsPartsToItsScale) {
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
    for (int64_t axis : {0, 1, 3}) {
      for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
        if (rounding == ops::Rounding::kTfliteDouble && dtype != DType::kU8) continue;
        TestGraph test;
        Shape other = {1, 6, 5, 7};
        other[static_cast<int>(axis)] = 2;
        const ValueId a = test.Integers({1, 6, 5, 7}, dtype, 0.06f, ZeroPointOf(dtype));
        const ValueId b = test.Integers(other, dtype, 0.043f, ZeroPointOf(dtype) / 2);
        const ValueId y = test.Node(OpId::kConcat, {a, b, a});
        test.Attributes<ops::ConcatAttributes>().axis = axis;
        test.Attributes<ops::ConcatAttributes>().rounding = rounding;
        test.Output(test.Quantize(y, {0.06f}, {ZeroPointOf(dtype)}));
        ExpectSameBytes(&test, "table table table");
      }
    }
  }
}

TEST(LowerQuantize, SoftmaxOfTensorFlowLite) {
  struct Types {
    DType from, to;
    float scale;
    int32_t zero_point;
  };
  for (const Types& types :
       {Types{DType::kI8, DType::kI8, 0x1p-8f, -128}, Types{DType::kU8, DType::kU8, 0x1p-8f, 0},
        Types{DType::kI8, DType::kI16, 0x1p-16f, -32768}, Types{DType::kI16, DType::kI16, 0x1p-15f, 0}}) {
    for (int64_t columns : {1, 10, 127, 5000}) {
      for (float scale : {0.0001f, 0.02f, 7.0f}) {
        for (float beta : {1.0f, 0.25f}) {
          TestGraph test;
          const ValueId x =
              test.Integers({3, columns}, types.from, scale / (BitsOf(types.from) == 16 ? 100 : 1),
                            ZeroPointOf(types.from));
          const ValueId y = test.Quantize(test.Node(OpId::kSoftmax, {x}), {types.scale}, {types.zero_point});
          test.graph.values[y].type = {types.to, {3, columns}, test.graph.values[y].type.quantization};
          test.Attributes<ops::SoftmaxAttributes>().beta = beta;
          test.Attributes<ops::SoftmaxAttributes>().rounding = ops::Rounding::kTfliteDouble;
          test.Output(y);
          ExpectSameBytes(&test, "quantized_softmax");
        }
      }
    }
  }
}

TEST(LowerQuantize, SoftmaxToNearestEven) {
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
    for (int64_t axis : {0, 1, 2}) {
      TestGraph test;
      const ValueId x =
          test.Integers({7, 150, 3}, dtype, BitsOf(dtype) == 16 ? 0.0003f : 0.03f, ZeroPointOf(dtype));
      const ValueId y = test.Node(OpId::kSoftmax, {x});
      test.Attributes<ops::SoftmaxAttributes>().axis = axis;
      test.Output(test.Quantize(y, {0.0031f}, {ZeroPointOf(dtype)}));
      ExpectSameBytes(&test, "quantized_softmax");
    }
  }
}

TEST(LowerQuantize, Resize) {
  for (ops::ResizeMode mode : {ops::ResizeMode::kLinear, ops::ResizeMode::kNearest}) {
    for (ops::CoordinateMode coordinates :
         {ops::CoordinateMode::kHalfPixel, ops::CoordinateMode::kAlignCorners,
          ops::CoordinateMode::kAsymmetric}) {
      for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
        for (ops::Rounding rounding : {ops::Rounding::kTfliteDouble, ops::Rounding::kHalfEvenFloat}) {
          for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{10, 14}, {3, 4}, {7, 1}, {13, 9}}) {
            TestGraph test;
            const ValueId x = test.Integers({2, 5, 7, 19}, dtype, 0.06f, ZeroPointOf(dtype));
            const ValueId y = test.Node(OpId::kResize, {x, kNone, test.List(sizes)});
            auto& attributes = test.Attributes<ops::ResizeAttributes>();
            attributes.mode = mode;
            attributes.coordinate_mode = coordinates;
            attributes.rounding = rounding;
            const bool rescales =
                mode == ops::ResizeMode::kLinear && rounding == ops::Rounding::kHalfEvenFloat;
            test.Output(test.Quantize(y, {rescales ? 0.05f : 0.06f}, {ZeroPointOf(dtype)}));
            ExpectSameBytes(&test,
                            mode == ops::ResizeMode::kLinear ? "quantized_resize" : "resize_nearest_bytes");
          }
        }
      }
    }
  }
}

TEST(LowerQuantize, MovementOfNarrowIntegers) {
  for (DType dtype : {DType::kI8, DType::kU8, DType::kI16}) {
    TestGraph test;
    const auto keep = [&](ValueId value) { return test.Quantize(value, {0.06f}, {ZeroPointOf(dtype)}); };
    const ValueId x = test.Integers({1, 6, 5, 8}, dtype, 0.06f, ZeroPointOf(dtype));
    const ValueId transposed = keep(test.Node(OpId::kTranspose, {x}));
    test.Attributes<ops::TransposeAttributes>().perm = {0, 3, 1, 2};
    test.Output(transposed);
    const ValueId padded = keep(test.Node(OpId::kPad, {x, test.List<int64_t>({0, 1, 2, 0, 0, 3, 1, 0})}));
    test.Output(padded);
    const ValueId joined = keep(test.Node(OpId::kConcat, {x, x}));
    test.Attributes<ops::ConcatAttributes>().axis = 3;
    test.Output(joined);
    test.Output(keep(test.Node(OpId::kGather, {x, test.List<int64_t>({4, 0, 1})})));
    test.Attributes<ops::GatherAttributes>().axis = 2;
    test.Output(keep(test.Node(OpId::kSlice, {x, test.List<int64_t>({1, 2}), test.List<int64_t>({5, 7}),
                                              test.List<int64_t>({1, 3}), test.List<int64_t>({2, 1})})));
    test.Output(keep(test.Node(OpId::kDepthToSpace, {x})));
    test.Attributes<ops::DepthToSpaceAttributes>().block_size = 2;
    const ValueId condition = test.Input({1, 6, 5, 8}, DType::kBool);
    const ValueId other = test.Integers({8}, dtype, 0.06f, ZeroPointOf(dtype));
    test.Output(keep(test.Node(OpId::kWhere, {condition, x, other})));
    test.Output(keep(test.Node(OpId::kExpand, {other, test.List<int64_t>({3, 8})})));
    ExpectSameBytes(&test, "transpose pad copy copy gather copy transpose where copy");
  }
}

}  // namespace
}  // namespace mace::cpu
