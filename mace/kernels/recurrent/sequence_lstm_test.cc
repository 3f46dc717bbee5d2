// SequenceLstm and Svdf between unreadable pages, on every instruction set: integers give the scalar kernel's
// bytes, floats its values; the scalar kernels are held to the references by
// tests/python/test_tflite_layers.py.
#include "mace/kernels/recurrent/sequence_lstm.h"

#include <memory>

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/recurrent/recurrent.h"
#include "mace/kernels/recurrent/svdf.h"

namespace mace::kernels {
namespace {

// Operands as bytes between guard pages, each of its exact size.
class Operands {
 public:
  template <typename T>
  void Add(Random& random, int64_t count, double magnitude) {
    guards_.push_back(std::make_unique<GuardedBytes>(static_cast<size_t>(count) * sizeof(T)));
    T* values = reinterpret_cast<T*>(guards_.back()->data());
    for (int64_t i = 0; i < count; ++i) {
      values[i] = static_cast<T>(std::uniform_real_distribution<double>(-magnitude, magnitude)(random));
    }
    pointers_.push_back(values);
  }
  void AddNone() { pointers_.push_back(nullptr); }
  template <typename T>
  void AddOutput(int64_t count) {
    guards_.push_back(std::make_unique<GuardedBytes>(static_cast<size_t>(count) * sizeof(T)));
    outputs_.push_back(guards_.back().get());
    pointers_.push_back(guards_.back()->data());
  }
  const std::vector<void*>& pointers() const { return pointers_; }
  // All outputs, one behind the other.
  std::vector<uint8_t> Bytes() const {
    std::vector<uint8_t> bytes;
    for (const GuardedBytes* output : outputs_) {
      bytes.insert(bytes.end(), output->data(), output->data() + output->size());
    }
    return bytes;
  }

 private:
  std::vector<std::unique_ptr<GuardedBytes>> guards_;
  std::vector<const GuardedBytes*> outputs_;
  std::vector<void*> pointers_;
};

void ExpectSame(const std::vector<uint8_t>& actual, const std::vector<uint8_t>& expected, bool is_float) {
  ASSERT_EQ(actual.size(), expected.size());
  if (!is_float) {
    EXPECT_EQ(actual, expected);
    return;
  }
  for (size_t i = 0; i < actual.size(); i += 4) {
    float a, b;
    std::memcpy(&a, &actual[i], 4);
    std::memcpy(&b, &expected[i], 4);
    ASSERT_TRUE(IsNear(a, b, 1e-5 + 1e-5 * std::fabs(b))) << i;
  }
}

SequenceLstmParams RandomLayer(Random& random, bool is_float) {
  SequenceLstmParams p;
  p.batch = Pick(random, 1, 3);
  p.steps = Pick(random, 0, 4);
  p.inputs = Pick(random, 0, 40);
  p.cells = Pick(random, 1, 35);
  p.projection = Pick(random, 0, 1) != 0;
  p.outputs = p.projection ? Pick(random, 1, 20) : p.cells;
  p.coupled = Pick(random, 0, 1) != 0;
  p.peephole = Pick(random, 0, 1) != 0;
  p.layer_norm = is_float && Pick(random, 0, 1) != 0;
  const bool time_major = Pick(random, 0, 1) != 0;
  p.x_step = time_major ? p.batch * p.inputs : p.inputs;
  p.x_row = time_major ? p.inputs : p.steps * p.inputs;
  p.y_step = time_major ? p.batch * p.outputs : p.outputs;
  p.y_row = time_major ? p.outputs : p.steps * p.outputs;
  if (Pick(random, 0, 2) == 0) p.cell_clip = 0.5f, p.integer_cell_clip = 3000;
  if (Pick(random, 0, 2) == 0) p.projection_clip = 0.5f, p.integer_projection_clip = 40;
  const auto scale = [&](int64_t low, int64_t high) {
    return SequenceScale{static_cast<int32_t>(Pick(random, 1 << 30, INT32_MAX)),
                         static_cast<int32_t>(Pick(random, low, high))};
  };
  for (auto& gate : p.gates) gate = {scale(-3, 2), scale(-3, 2), scale(-16, -12)};
  p.to_hidden = scale(-23, -21);
  p.to_output = scale(-7, -5);
  p.input_zero_point = static_cast<int32_t>(Pick(random, -128, 127));
  p.hidden_zero_point = static_cast<int32_t>(Pick(random, -128, 127));
  p.state_zero_point = static_cast<int32_t>(Pick(random, -128, 127));
  p.cell_exponent = static_cast<int32_t>(Pick(random, -15, -9));
  return p;
}

// M: of matrices, x, h and y; B: of biases; V: of vectors and cells.
template <typename M, typename B, typename V>
std::vector<uint8_t> RunLayer(Isa isa, const SequenceLstmParams& p, bool wants_states, uint32_t seed) {
  Random random(seed);
  const bool is_float = sizeof(M) == 4;
  const double matrix = is_float ? 1 : 127, bias = is_float ? 1 : 20000, vector = is_float ? 1 : 32767;
  Operands operands;
  const auto gates = [&](int64_t count, auto add) {
    for (int g = 0; g < 4; ++g) g == 0 && p.coupled ? operands.AddNone() : add(count);
  };
  const auto add_matrix = [&](int64_t count) { operands.Add<M>(random, count, matrix); };
  operands.Add<M>(random, p.batch * p.steps * p.inputs, matrix);
  gates(p.cells * p.inputs, add_matrix);
  gates(p.cells * p.outputs, add_matrix);
  for (int g = 0; g < 3; ++g) {
    const bool is_there = p.peephole && !(g == 0 && p.coupled);
    is_there ? operands.Add<V>(random, p.cells, vector) : operands.AddNone();
  }
  gates(p.cells, [&](int64_t count) { operands.Add<B>(random, count, bias); });
  const bool projection_bias = p.projection && Pick(random, 0, 1) != 0;
  p.projection ? operands.Add<M>(random, p.outputs * p.cells, matrix) : operands.AddNone();
  projection_bias ? operands.Add<B>(random, p.outputs, bias) : operands.AddNone();
  operands.Add<M>(random, p.batch * p.outputs, matrix);
  operands.Add<V>(random, p.batch * p.cells, is_float ? 1 : 8000);
  for (int g = 0; g < 4; ++g) {
    const bool is_there = p.layer_norm && !(g == 0 && p.coupled);
    is_there ? operands.Add<V>(random, p.cells, vector) : operands.AddNone();
  }
  operands.AddOutput<M>(p.batch * p.steps * p.outputs);
  if (wants_states) {
    operands.AddOutput<M>(p.batch * p.outputs);
    operands.AddOutput<V>(p.batch * p.cells);
  } else {
    operands.AddNone();
    operands.AddNone();
  }
  const RecurrentKernels& kernels = *KernelsOf(isa).recurrent;
  RunTiles(is_float ? kernels.sequence_lstm_f32 : kernels.sequence_lstm_i8, &p, operands.pointers(),
           p.tile_count, p.workspace_bytes, random);
  return operands.Bytes();
}

class SequenceLstmTest : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, SequenceLstmTest, testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(SequenceLstmTest, SameAsScalar) {
  Random random(5);
  for (uint32_t i = 0; i < 60; ++i) {
    for (bool is_float : {false, true}) {
      SequenceLstmParams p = RandomLayer(random, is_float);
      ASSERT_TRUE(PrepareSequenceLstm(&p).ok());
      const bool wants_states = i % 3 != 0;
      const auto run = [&](Isa isa) {
        return is_float ? RunLayer<float, float, float>(isa, p, wants_states, i)
                        : RunLayer<int8_t, int32_t, int16_t>(isa, p, wants_states, i);
      };
      ExpectSame(run(GetParam()), run(Isa::kScalar), is_float);
    }
  }
}

// F: of x, features and y; S: of times and states.
template <typename F, typename S, typename B>
std::vector<uint8_t> RunSvdf(Isa isa, const SvdfParams& p, bool has_bias, uint32_t seed) {
  Random random(seed);
  const bool is_float = sizeof(F) == 4;
  const int64_t filters = p.units * p.rank;
  Operands operands;
  operands.Add<F>(random, p.batch * p.inputs, is_float ? 1 : 127);
  operands.Add<F>(random, filters * p.inputs, is_float ? 1 : 127);
  operands.Add<S>(random, filters * p.memory, is_float ? 1 : 32767);
  has_bias ? operands.Add<B>(random, p.units, is_float ? 1 : 20000) : operands.AddNone();
  operands.Add<S>(random, p.batch * filters * p.memory, is_float ? 1 : 32767);
  operands.AddOutput<F>(p.batch * p.units);
  operands.AddOutput<S>(p.batch * filters * p.memory);
  const RecurrentKernels& kernels = *KernelsOf(isa).recurrent;
  RunTiles(is_float ? kernels.svdf_f32 : kernels.svdf_i8, &p, operands.pointers(), p.tile_count, 0, random);
  return operands.Bytes();
}

TEST_P(SequenceLstmTest, SvdfSameAsScalar) {
  Random random(6);
  for (uint32_t i = 0; i < 80; ++i) {
    SvdfParams p;
    p.batch = Pick(random, 0, 3);
    p.inputs = Pick(random, 0, 50);
    p.units = Pick(random, 0, 20);
    p.rank = Pick(random, 1, 3);
    p.memory = Pick(random, 1, 20);
    p.relu = Pick(random, 0, 1) != 0;
    p.input_zero_point = static_cast<int32_t>(Pick(random, -128, 127));
    p.output_zero_point = static_cast<int32_t>(Pick(random, -128, 127));
    p.state_multiplier = p.output_multiplier = static_cast<int32_t>(Pick(random, 1 << 30, INT32_MAX));
    p.state_exponent = static_cast<int32_t>(Pick(random, -4, 3));
    p.output_exponent = static_cast<int32_t>(Pick(random, -25, -18));
    ASSERT_TRUE(PrepareSvdf(&p).ok());
    const bool has_bias = Pick(random, 0, 1) != 0;
    ExpectSame(RunSvdf<int8_t, int16_t, int32_t>(GetParam(), p, has_bias, i),
               RunSvdf<int8_t, int16_t, int32_t>(Isa::kScalar, p, has_bias, i), false);
    ExpectSame(RunSvdf<float, float, float>(GetParam(), p, has_bias, i),
               RunSvdf<float, float, float>(Isa::kScalar, p, has_bias, i), true);
  }
}

}  // namespace
}  // namespace mace::kernels
