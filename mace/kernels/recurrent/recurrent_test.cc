#include "mace/kernels/recurrent/recurrent.h"

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Reference {  // ONNX's equations, in double precision
  std::vector<double> y, h, c;
};

struct Tensors {
  std::vector<float> x, w, r, b, h0, c0;
};

// Index of state value (direction, batch item, unit), of X and of Y.
int64_t StateIndex(const RecurrentParams& p, int64_t d, int64_t b, int64_t i) {
  return (d * p.batch + b) * p.hidden_size + i;
}
int64_t InputIndex(const RecurrentParams& p, int64_t t, int64_t b, int64_t k) {
  return (t * p.batch + b) * p.input_size + k;
}
int64_t OutputIndex(const RecurrentParams& p, int64_t t, int64_t d, int64_t b, int64_t i) {
  return ((t * p.directions + d) * p.batch + b) * p.hidden_size + i;
}

// The gate's input: X W^T + H R^T with both biases, or one of the two shares.
double GateSum(const RecurrentParams& p, const Tensors& in, int64_t d, int64_t t, int64_t b, int64_t gate,
               int64_t i, const std::vector<double>& h, bool with_input, bool with_state) {
  const int64_t rows = p.gates * p.hidden_size, row = gate * p.hidden_size + i;
  double sum = 0;
  if (with_input) {
    sum += in.b[d * 2 * rows + row];
    for (int64_t k = 0; k < p.input_size; ++k) {
      sum += static_cast<double>(in.x[InputIndex(p, t, b, k)]) * in.w[(d * rows + row) * p.input_size + k];
    }
  }
  if (with_state) {
    sum += in.b[d * 2 * rows + rows + row];
    for (int64_t k = 0; k < p.hidden_size; ++k) sum += h[k] * in.r[(d * rows + row) * p.hidden_size + k];
  }
  return sum;
}

void StepOfReference(const RecurrentParams& p, const Tensors& in, int64_t d, int64_t t, int64_t b,
                     std::vector<double>* h, std::vector<double>* c) {
  const int64_t size = p.hidden_size;
  const auto gate = [&](int64_t number, int64_t i) {
    return GateSum(p, in, d, t, b, number, i, *h, true, true);
  };
  std::vector<double> new_h(size);
  if (p.lstm) {
    std::vector<double> new_c(size);
    for (int64_t i = 0; i < size; ++i) {
      new_c[i] = Sigmoid(gate(2, i)) * (*c)[i] + Sigmoid(gate(0, i)) * std::tanh(gate(3, i));
      new_h[i] = Sigmoid(gate(1, i)) * std::tanh(new_c[i]);
    }
    *c = new_c;
  } else {
    std::vector<double> r(size), reset(size);
    for (int64_t i = 0; i < size; ++i) r[i] = Sigmoid(gate(1, i));
    for (int64_t i = 0; i < size; ++i) reset[i] = r[i] * (*h)[i];
    for (int64_t i = 0; i < size; ++i) {
      const double z = Sigmoid(gate(0, i));
      const double share = p.linear_before_reset ? r[i] * GateSum(p, in, d, t, b, 2, i, *h, false, true)
                                                 : GateSum(p, in, d, t, b, 2, i, reset, false, true);
      const double candidate = std::tanh(GateSum(p, in, d, t, b, 2, i, *h, true, false) + share);
      new_h[i] = (1 - z) * candidate + z * (*h)[i];
    }
  }
  *h = new_h;
}

Reference ComputeReference(const RecurrentParams& p, const Tensors& in) {
  const int64_t size = p.hidden_size, states = p.directions * p.batch * size;
  Reference result = {std::vector<double>(p.steps * states), std::vector<double>(states),
                      std::vector<double>(states)};
  for (int64_t d = 0; d < p.directions; ++d) {
    const bool reverse = p.direction == RecurrentDirection::kReverse || d == 1;
    for (int64_t b = 0; b < p.batch; ++b) {
      std::vector<double> h(size), c(size);
      for (int64_t i = 0; i < size; ++i) {
        h[i] = in.h0.empty() ? 0 : in.h0[StateIndex(p, d, b, i)];
        c[i] = in.c0.empty() ? 0 : in.c0[StateIndex(p, d, b, i)];
      }
      for (int64_t s = 0; s < p.steps; ++s) {
        const int64_t t = reverse ? p.steps - 1 - s : s;
        StepOfReference(p, in, d, t, b, &h, &c);
        for (int64_t i = 0; i < size; ++i) result.y[OutputIndex(p, t, d, b, i)] = h[i];
      }
      for (int64_t i = 0; i < size; ++i)
        result.h[StateIndex(p, d, b, i)] = h[i], result.c[StateIndex(p, d, b, i)] = c[i];
    }
  }
  return result;
}

struct Options {
  bool initial = true, bias = true, only_last = false, in_place = false;
  float non_finite = 0.0f;  // where not 0: stands in x, h or c
  bool denormal = false;    // x is; its weights are so large that their products are not
};

void CheckRecurrent(Isa isa, RecurrentParams p, const Options& options, Random& random) {
  const KernelTable table = KernelsOf(isa);
  p.isa = table.recurrent_isa;
  ASSERT_TRUE(PrepareRecurrent(&p).ok());
  const int64_t rows = p.gates * p.hidden_size, states = p.directions * p.batch * p.hidden_size;
  Tensors in;
  in.x = RandomFloats(random, p.steps * p.batch * p.input_size);
  in.w = RandomFloats(random, p.directions * rows * p.input_size);
  in.r = RandomFloats(random, p.directions * rows * p.hidden_size);
  in.b = options.bias ? RandomFloats(random, p.directions * 2 * rows)
                      : std::vector<float>(p.directions * 2 * rows);
  if (options.initial) in.h0 = RandomFloats(random, states), in.c0 = RandomFloats(random, states);
  if (options.non_finite != 0.0f) {
    for (std::vector<float>* values : {&in.x, &in.h0, &in.c0}) {
      if (Pick(random, 0, 1) == 0 || values->empty()) continue;
      (*values)[static_cast<size_t>(Pick(random, 0, static_cast<int64_t>(values->size()) - 1))] =
          options.non_finite;
    }
  }
  if (options.denormal) {
    for (float& value : in.x) value *= 0x1p-130f;
    for (float& value : in.w) value *= 0x1p126f;
  }
  const Reference expected = ComputeReference(p, in);

  Guarded<float> packed(RecurrentPackedBytes(p) / 4);
  PackRecurrent(p, in.w.data(), in.r.data(), options.bias ? in.b.data() : nullptr, DType::kF32,
                packed.data());
  Guarded<float> x(in.x), y(p.steps * states), h0(in.h0), c0(in.c0), h(states), c(states);
  float* last_h = options.in_place ? h0.data() : h.data();
  float* last_c = options.in_place ? c0.data() : c.data();
  RunTiles(
      p.lstm ? table.recurrent->lstm_f32 : table.recurrent->gru_f32, &p,
      {x.data(), packed.data(), options.initial ? h0.data() : nullptr, options.initial ? c0.data() : nullptr,
       options.only_last ? nullptr : y.data(), last_h, p.lstm ? last_c : nullptr},
      p.tile_count, p.workspace_bytes, random);
  const double bound = 1e-5;
  for (int64_t i = 0; i < states; ++i) {
    ASSERT_TRUE(IsNear(last_h[i], expected.h[i], bound)) << NameOf(isa) << " h " << i;
    if (p.lstm) {
      ASSERT_TRUE(IsNear(last_c[i], expected.c[i], bound)) << NameOf(isa) << " c " << i;
    }
  }
  for (int64_t i = 0; !options.only_last && i < y.size(); ++i) {
    ASSERT_TRUE(IsNear(y[i], expected.y[i], bound)) << NameOf(isa) << " y " << i;
  }
}

RecurrentParams Shape(bool lstm, int64_t steps, int64_t batch, int64_t input, int64_t hidden) {
  RecurrentParams p;
  p.lstm = lstm, p.steps = steps, p.batch = batch, p.input_size = input, p.hidden_size = hidden;
  return p;
}

TEST(Recurrent, Gru) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (bool linear : {false, true}) {
      RecurrentParams p = Shape(false, 7, 1, 20, 33);
      p.linear_before_reset = linear;
      CheckRecurrent(isa, p, {}, random);
      CheckRecurrent(isa, p, {.in_place = true}, random);
      p = Shape(false, 4, 3, 5, 9);
      p.linear_before_reset = linear;
      CheckRecurrent(isa, p, {.initial = false, .only_last = true}, random);
      p.direction = RecurrentDirection::kBidirectional;
      CheckRecurrent(isa, p, {}, random);
      CheckRecurrent(isa, p, {.bias = false}, random);
      p.direction = RecurrentDirection::kReverse;
      CheckRecurrent(isa, p, {}, random);
    }
  }
}

TEST(Recurrent, Lstm) {
  Random random(2);
  for (Isa isa : TestIsas()) {
    CheckRecurrent(isa, Shape(true, 6, 1, 17, 40), {.in_place = true}, random);
    RecurrentParams p = Shape(true, 5, 4, 6, 11);
    p.direction = RecurrentDirection::kBidirectional;
    CheckRecurrent(isa, p, {}, random);
    CheckRecurrent(isa, p, {.initial = false, .bias = false}, random);
    p.direction = RecurrentDirection::kReverse;
    CheckRecurrent(isa, p, {.only_last = true}, random);
  }
}

TEST(Recurrent, NonFiniteAndDenormalInputs) {
  Random random(5);
  for (Isa isa : TestIsas()) {
    for (bool lstm : {false, true}) {
      for (bool linear : {false, true}) {
        RecurrentParams p = Shape(lstm, 5, 3, 7, 19);
        p.linear_before_reset = linear;
        p.direction = RecurrentDirection::kBidirectional;
        for (int i = 0; i < 12; ++i) CheckRecurrent(isa, p, {.non_finite = kNonFinite[i % 3]}, random);
        CheckRecurrent(isa, p, {.denormal = true}, random);
      }
    }
  }
}

TEST(Recurrent, ZeroSizes) {
  Random random(3);
  for (Isa isa : TestIsas()) {
    CheckRecurrent(isa, Shape(false, 0, 2, 5, 6), {}, random);  // no step: the state stays
    CheckRecurrent(isa, Shape(true, 3, 0, 5, 6), {}, random);
    CheckRecurrent(isa, Shape(true, 3, 2, 0, 6), {}, random);
  }
}

TEST(Recurrent, TenStepsAtOnceOrOneByOne) {  // a stream of frames gives the same bytes as the whole sequence
  Random random(4);
  for (Isa isa : TestIsas()) {
    const KernelTable table = KernelsOf(isa);
    RecurrentParams whole = Shape(false, 10, 1, 24, 40);
    whole.isa = table.recurrent_isa;
    ASSERT_TRUE(PrepareRecurrent(&whole).ok());
    RecurrentParams single = whole;
    single.steps = 1;
    ASSERT_TRUE(PrepareRecurrent(&single).ok());
    const std::vector<float> w = RandomFloats(random, 3 * 40 * 24), r = RandomFloats(random, 3 * 40 * 40);
    std::vector<float> x = RandomFloats(random, 10 * 24), y(10 * 40), one(40), h(40), state(40);
    std::vector<float> packed(static_cast<size_t>(RecurrentPackedBytes(whole) / 4));
    PackRecurrent(whole, w.data(), r.data(), nullptr, DType::kF32, packed.data());
    RunTiles(table.recurrent->gru_f32, &whole,
             {x.data(), packed.data(), nullptr, nullptr, y.data(), h.data(), nullptr}, whole.tile_count,
             whole.workspace_bytes, random);
    for (int t = 0; t < 10; ++t) {
      RunTiles(table.recurrent->gru_f32, &single,
               {x.data() + t * 24, packed.data(), state.data(), nullptr, one.data(), state.data(), nullptr},
               single.tile_count, single.workspace_bytes, random);
      EXPECT_EQ(std::memcmp(one.data(), y.data() + t * 40, 40 * sizeof(float)), 0)
          << NameOf(isa) << " step " << t;
    }
  }
}

}  // namespace
}  // namespace mace::kernels
