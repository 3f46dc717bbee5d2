// Against Lstm (ONNX's) where both have the same features, and real arithmetic for the fixed-point functions.
// (Bit equality with TensorFlow Lite: tests/python/test_tflite_layers.py.)
#include "mace/ops/recurrent/sequence_lstm.h"

#include "mace/ops/op_tester.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/recurrent/sequence_lstm_integer.h"

namespace mace::ops {
namespace {

constexpr int64_t kSteps = 5, kBatch = 2, kInputs = 3, kCells = 4;

// A gate's part of what Lstm keeps in one matrix, gates i, o, f, c.
std::vector<float> GateOf(const std::vector<float>& matrix, int gate, int64_t columns) {
  constexpr int kPlace[] = {0, 2, 3, 1};
  const auto first = matrix.begin() + kPlace[gate] * kCells * columns;
  return {first, first + kCells * columns};
}

struct Weights {
  std::vector<float> input = TestValues(4 * kCells * kInputs, 2), hidden = TestValues(4 * kCells * kCells, 3),
                     bias = TestValues(4 * kCells, 4);
};

// With some of the operands that are not plain.
struct Extras {
  bool coupled = false, peephole = false, projection = false, norm = false;
};

Status RunLayer(const std::vector<float>& x, int64_t steps, const std::vector<float>& h,
                const std::vector<float>& c, const SequenceLstmAttributes& attributes, const Extras& extras,
                OpTester* tester) {
  const Weights weights;
  tester->attributes<SequenceLstmAttributes>() = attributes;
  tester->Input(attributes.time_major ? Shape{steps, kBatch, kInputs} : Shape{kBatch, steps, kInputs}, x);
  const auto gates = [&](const Shape& shape, const std::vector<float>& matrix, int64_t columns) {
    for (int g = 0; g < 4; ++g) {
      if (g == 0 && extras.coupled) {
        tester->NoInput();
      } else {
        tester->Input(shape, GateOf(matrix, g, columns));
      }
    }
  };
  gates({kCells, kInputs}, weights.input, kInputs);
  gates({kCells, kCells}, weights.hidden, kCells);
  for (int g = 0; g < 3; ++g) {
    if (extras.peephole && !(g == 0 && extras.coupled)) {
      tester->Input({kCells}, TestValues(kCells, 20 + static_cast<uint32_t>(g)));
    } else {
      tester->NoInput();
    }
  }
  gates({kCells}, weights.bias, 1);
  if (extras.projection) {  // the identity, twice
    std::vector<float> matrix(kCells * kCells);
    for (int64_t i = 0; i < kCells; ++i) matrix[i * kCells + i] = 2;
    tester->Input({kCells, kCells}, matrix).NoInput();
  } else {
    tester->NoInput().NoInput();
  }
  tester->Input({kBatch, kCells}, h).Input({kBatch, kCells}, c);
  for (int g = 0; g < 4; ++g) {
    if (extras.norm && !(g == 0 && extras.coupled)) {
      tester->Input({kCells}, std::vector<float>(kCells, 1.5f));
    } else {
      tester->NoInput();
    }
  }
  return tester->Run();
}

TEST(SequenceLstm, IsOnnxLstm) {
  const std::vector<float> x = TestValues(kSteps * kBatch * kInputs, 1), h = TestValues(kBatch * kCells, 5),
                           c = TestValues(kBatch * kCells, 6);
  OpTester ours(OpId::kSequenceLstm, 3);
  ASSERT_OK(RunLayer(x, kSteps, h, c, {.time_major = true}, {}, &ours));
  OpTester theirs(OpId::kLstm, 3);
  theirs.attributes<LstmAttributes>().hidden_size = kCells;
  const Weights weights;
  std::vector<float> bias = weights.bias;
  bias.resize(8 * kCells);
  theirs.Input({kSteps, kBatch, kInputs}, x).Input({1, 4 * kCells, kInputs}, weights.input);
  theirs.Input({1, 4 * kCells, kCells}, weights.hidden).Input({1, 8 * kCells}, bias).NoInput();
  ASSERT_OK(theirs.Input({1, kBatch, kCells}, h).Input({1, kBatch, kCells}, c).Run());
  for (int i = 0; i < 3; ++i) ExpectNear(ours.Output<float>(i), theirs.Output<float>(i));
}

TEST(SequenceLstm, StepsAddUp) {
  const std::vector<float> x = TestValues(kSteps * kBatch * kInputs, 1);
  for (const Extras& extras : {Extras{}, Extras{.coupled = true, .peephole = true},
                               Extras{.projection = true, .norm = true}, Extras{true, true, true, true}}) {
    const SequenceLstmAttributes attributes = {
        .time_major = true, .cell_clip = 0.4f, .projection_clip = 0.3f};
    std::vector<float> h = TestValues(kBatch * kCells, 5), c = TestValues(kBatch * kCells, 6), y;
    OpTester all(OpId::kSequenceLstm, 3);
    ASSERT_OK(RunLayer(x, kSteps, h, c, attributes, extras, &all));
    for (int64_t step = 0; step < kSteps; ++step) {
      OpTester one(OpId::kSequenceLstm, 3);
      const auto first = x.begin() + step * kBatch * kInputs;
      ASSERT_OK(RunLayer({first, first + kBatch * kInputs}, 1, h, c, attributes, extras, &one));
      h = one.Output<float>(1);
      c = one.Output<float>(2);
      EXPECT_EQ(one.Output<float>(0), h);
      y.insert(y.end(), h.begin(), h.end());
    }
    EXPECT_EQ(all.Output<float>(0), y);
    EXPECT_EQ(all.Output<float>(2), c);
    for (float cell : c) EXPECT_LE(std::fabs(cell), 0.4f);
    if (extras.projection) {
      for (float value : h) EXPECT_LE(std::fabs(value), 0.3f);
    }
  }
}

TEST(SequenceLstm, BatchMajorIsTransposed) {
  const std::vector<float> x = TestValues(kSteps * kBatch * kInputs, 1), zeros(kBatch * kCells);
  std::vector<float> turned(x.size());
  for (int64_t t = 0; t < kSteps; ++t) {
    for (int64_t b = 0; b < kBatch; ++b) {
      std::copy_n(x.begin() + (t * kBatch + b) * kInputs, kInputs,
                  turned.begin() + (b * kSteps + t) * kInputs);
    }
  }
  OpTester by_time(OpId::kSequenceLstm, 3), by_batch(OpId::kSequenceLstm, 3);
  ASSERT_OK(RunLayer(x, kSteps, zeros, zeros, {.time_major = true}, {}, &by_time));
  ASSERT_OK(RunLayer(turned, kSteps, zeros, zeros, {}, {}, &by_batch));
  EXPECT_EQ(by_time.Output<float>(1), by_batch.Output<float>(1));
  EXPECT_EQ(by_batch.output(0).shape, (Shape{kBatch, kSteps, kCells}));
}

TEST(SequenceLstm, FixedPointFunctions) {
  for (int x = -32768; x <= 32767; ++x) {
    const auto raw = static_cast<int16_t>(x);
    ASSERT_NEAR(FixedLogistic(raw), 32768 / (1 + std::exp(-x / 4096.0)), 12) << x;
    for (int bits = 0; bits <= 6; ++bits) {
      ASSERT_NEAR(FixedTanh(raw, bits), 32768 * std::tanh(std::ldexp(x, bits - 15)), 28) << x << " " << bits;
    }
  }
}

TEST(SequenceLstm, CellsScale) {
  int32_t exponent = 0;
  EXPECT_TRUE(CellExponent(1.0f / 4096, &exponent));
  EXPECT_EQ(exponent, -12);
  for (float scale : {0.0f, -1.0f, std::nanf(""), HUGE_VALF, 1.0f, 1e-3f, std::ldexp(1.0f, -16)}) {
    EXPECT_FALSE(CellExponent(scale, &exponent)) << scale;
  }
}

TEST(SequenceLstm, Refusals) {
  const std::vector<float> x = TestValues(kBatch * kInputs, 1), zeros(kBatch * kCells);
  OpTester clip(OpId::kSequenceLstm, 3);
  EXPECT_ERROR(RunLayer(x, 1, zeros, zeros, {.cell_clip = -1}, {}, &clip), kInvalidArgument);
  // Of types alone: all 24 operands of a layer with everything.
  std::vector<TensorType> types;
  const auto f32 = [](const Shape& shape) { return TensorType{DType::kF32, shape, kNone}; };
  types.push_back(f32({SymbolDim(0), kUnknownDim, 3}));
  for (int i = 0; i < 4; ++i) types.push_back(f32({4, 3}));
  for (int i = 0; i < 4; ++i) types.push_back(f32({4, 2}));
  for (int i = 0; i < 7; ++i) types.push_back(f32({4}));
  types.push_back(f32({2, 4}));
  types.push_back(f32({2}));
  types.push_back(f32({1, 2}));
  types.push_back(f32({1, 4}));
  for (int i = 0; i < 4; ++i) types.push_back(f32({4}));
  OpTester tester(OpId::kSequenceLstm, 3);
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer(types, &y));
  EXPECT_TRUE(y[0].shape == (Shape{1, kUnknownDim, 2}) && y[2].shape == (Shape{1, 4}));
  for (size_t i = 0; i < types.size(); ++i) {
    SCOPED_TRACE(i);
    std::vector<TensorType> wrong = types;
    wrong[i].shape[0] += 7;
    if (i == 0) wrong[i].shape = {3, 3, 3};
    EXPECT_ERROR(tester.Infer(wrong, &y), kInvalidArgument);
    wrong = types;
    wrong[i] = {};
    if (i == kLstmProjectionBias) continue;  // may be absent alone
    EXPECT_ERROR(tester.Infer(wrong, &y), kInvalidArgument);
  }
}

}  // namespace
}  // namespace mace::ops
