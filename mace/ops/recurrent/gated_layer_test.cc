// Results of all directions: onnx_cases_test. Here: carried state, absent outputs, zero steps, refusals.
#include <algorithm>

#include "mace/ops/op_tester.h"
#include "mace/ops/recurrent/recurrent.h"

namespace mace::ops {
namespace {

constexpr int64_t kSteps = 5, kBatch = 2, kInput = 3, kHidden = 4;

// One Gru or Lstm call over steps [begin, end) of x from the given states.
struct Layer {
  OpId op;
  int gates;
  std::vector<float> x = TestValues(kSteps * kBatch * kInput, 1);

  Status Run(int64_t begin, int64_t end, const std::vector<float>& h, const std::vector<float>& c,
             OpTester* tester) {
    if (op == OpId::kGru) {
      tester->attributes<GruAttributes>().hidden_size = kHidden;
    } else {
      tester->attributes<LstmAttributes>().hidden_size = kHidden;
    }
    const int64_t row = kBatch * kInput;
    tester->Input({end - begin, kBatch, kInput},
                  std::vector<float>(x.begin() + begin * row, x.begin() + end * row));
    tester->Input({1, gates * kHidden, kInput}, TestValues(gates * kHidden * kInput, 2));
    tester->Input({1, gates * kHidden, kHidden}, TestValues(gates * kHidden * kHidden, 3));
    tester->Input({1, 2 * gates * kHidden}, TestValues(2 * gates * kHidden, 4)).NoInput();
    tester->Input({1, kBatch, kHidden}, h);
    if (op == OpId::kLstm) tester->Input({1, kBatch, kHidden}, c);
    return tester->Run();
  }
};

TEST(GatedLayer, StepsAddUp) {
  const std::vector<float> zeros(kBatch * kHidden, 0.0f);
  for (Layer layer : {Layer{OpId::kGru, 3}, Layer{OpId::kLstm, 4}}) {
    const int outputs = layer.op == OpId::kGru ? 2 : 3;
    OpTester all(layer.op, outputs);
    ASSERT_OK(layer.Run(0, kSteps, zeros, zeros, &all));
    std::vector<float> h = zeros, c = zeros, y;
    for (int64_t step = 0; step < kSteps; ++step) {
      OpTester one(layer.op, outputs);
      ASSERT_OK(layer.Run(step, step + 1, h, c, &one));
      h = one.Output<float>(1);
      if (outputs == 3) c = one.Output<float>(2);
      EXPECT_EQ(one.Output<float>(0), h);
      y.insert(y.end(), h.begin(), h.end());
    }
    EXPECT_EQ(all.Output<float>(0), y);
    EXPECT_EQ(all.Output<float>(1), h);
    OpTester last_only(layer.op, outputs);
    ASSERT_OK(layer.Run(0, kSteps, zeros, zeros, &last_only.NoOutput(0)));
    EXPECT_EQ(last_only.Output<float>(1), h);
  }
}

TEST(GatedLayer, NoStepsLeaveTheState) {
  Layer layer{OpId::kGru, 3};
  const std::vector<float> h = TestValues(kBatch * kHidden, 9);
  OpTester tester(OpId::kGru, 2);
  ASSERT_OK(layer.Run(2, 2, h, {}, &tester));
  EXPECT_EQ(tester.Output<float>(1), h);
}

// Each sequence by itself, in both directions, against the batch of all.
TEST(GatedLayer, SequencesOfTheirOwnLength) {
  const std::vector<int32_t> lengths = {3, 0, 5};
  const int64_t batch = 3, directions = 2;
  const std::vector<float> x = TestValues(kSteps * batch * kInput, 1);
  const std::vector<float> state = TestValues(directions * batch * kHidden, 5);
  for (const auto& [op, gates] : {std::pair{OpId::kRnn, 1}, {OpId::kGru, 3}, {OpId::kLstm, 4}}) {
    const auto run = [&, op = op, gates = gates](int64_t steps, const std::vector<float>& data, int64_t rows,
                                                 const std::vector<float>& h,
                                                 const std::vector<int32_t>& ends, OpTester* tester) {
      if (op == OpId::kRnn) {
        tester->attributes<RnnAttributes>() = {.hidden_size = kHidden,
                                               .direction = Direction::kBidirectional};
      } else if (op == OpId::kGru) {
        tester->attributes<GruAttributes>() = {.hidden_size = kHidden,
                                               .direction = Direction::kBidirectional};
      } else {
        tester->attributes<LstmAttributes>() = {.hidden_size = kHidden,
                                                .direction = Direction::kBidirectional};
      }
      tester->Input({steps, rows, kInput}, data);
      tester->Input({2, gates * kHidden, kInput}, TestValues(2 * gates * kHidden * kInput, 2));
      tester->Input({2, gates * kHidden, kHidden}, TestValues(2 * gates * kHidden * kHidden, 3)).NoInput();
      if (ends.empty()) {
        tester->NoInput();
      } else {
        tester->Input({rows}, ends);
      }
      return tester->Input({2, rows, kHidden}, h).Run();
    };
    OpTester all(op, 2);
    ASSERT_OK(run(kSteps, x, batch, state, lengths, &all));
    for (int64_t b = 0; b < batch; ++b) {
      std::vector<float> own, h;
      for (int64_t t = 0; t < lengths[b]; ++t) {
        own.insert(own.end(), x.begin() + (t * batch + b) * kInput, x.begin() + (t * batch + b + 1) * kInput);
      }
      for (int64_t d = 0; d < 2; ++d) {
        const auto begin = state.begin() + (d * batch + b) * kHidden;
        h.insert(h.end(), begin, begin + kHidden);
      }
      OpTester one(op, 2);
      ASSERT_OK(run(lengths[b], own, 1, h, {}, &one));
      for (int64_t d = 0; d < 2; ++d) {
        for (int64_t j = 0; j < kHidden; ++j) {
          for (int64_t t = 0; t < kSteps; ++t) {
            EXPECT_EQ(all.Output<float>(0)[((t * 2 + d) * batch + b) * kHidden + j],
                      t < lengths[b] ? one.Output<float>(0)[(t * 2 + d) * kHidden + j] : 0);
          }
          EXPECT_EQ(all.Output<float>(1)[(d * batch + b) * kHidden + j],
                    one.Output<float>(1)[d * kHidden + j]);
        }
      }
    }
    OpTester long_one(op, 2);
    EXPECT_ERROR(run(kSteps, x, batch, state, {1, 6, 1}, &long_one), kInvalidArgument);
  }
}

// One step of one unit, whose weights let x through.
TEST(GatedLayer, Activations) {
  struct Case {
    GateActivation activation;
    double (*function)(double);
  };
  const Case cases[] = {
      {GateActivation::kSigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {GateActivation::kTanh, [](double x) { return std::tanh(x); }},
      {GateActivation::kRelu, [](double x) { return std::max(x, 0.0); }},
      {GateActivation::kAffine, [](double x) { return 0.3 * x + 0.6; }},
      {GateActivation::kLeakyRelu, [](double x) { return x < 0 ? 0.3 * x : x; }},
      {GateActivation::kThresholdedRelu, [](double x) { return x >= 0.3 ? x : 0; }},
      {GateActivation::kScaledTanh, [](double x) { return 0.3 * std::tanh(0.6 * x); }},
      {GateActivation::kHardSigmoid, [](double x) { return std::clamp(0.3 * x + 0.6, 0.0, 1.0); }},
      {GateActivation::kElu, [](double x) { return x < 0 ? 0.3 * (std::exp(x) - 1) : x; }},
      {GateActivation::kSoftsign, [](double x) { return x / (1 + std::fabs(x)); }},
      {GateActivation::kSoftplus, [](double x) { return std::log(1 + std::exp(x)); }},
  };
  EXPECT_EQ(std::size(cases), static_cast<size_t>(GateActivation::kCount));
  for (const Case& one : cases) {
    OpTester tester(OpId::kRnn);
    tester.attributes<RnnAttributes>() = {.hidden_size = 1,
                                          .activations = {static_cast<int64_t>(one.activation)},
                                          .alphas = {0.3f},
                                          .betas = {0.6f},
                                          .clip = 2};
    const std::vector<double> x = {-5, -1, -0.1, 0, 0.2, 0.7, 1.5, 5};
    ASSERT_OK(tester.Input({1, 8, 1}, x).Input<double>({1, 1, 1}, {1}).Input<double>({1, 1, 1}, {1}).Run());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(tester.Output<double>()[i], one.function(std::clamp(x[i], -2.0, 2.0)), 1e-7)
          << static_cast<int>(one.activation) << " of " << x[i];
    }
  }
}

// Peepholes and the coupled gate, written out for one unit and two steps.
TEST(GatedLayer, PeepholesAndCoupledGates) {
  const double w[] = {0.5, -0.3, 0.8, 1.1}, r[] = {0.2, 0.4, -0.6, 0.9}, p[] = {0.7, -0.5, 0.3};
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (const bool coupled : {false, true}) {
    OpTester tester(OpId::kLstm, 3);
    tester.attributes<LstmAttributes>() = {.hidden_size = 1, .input_forget = coupled};
    tester.Input<double>({2, 1, 1}, {1.5, -0.5});
    tester.Input<double>({1, 4, 1}, {w[0], w[1], w[2], w[3]});
    tester.Input<double>({1, 4, 1}, {r[0], r[1], r[2], r[3]});
    for (int i = 0; i < 4; ++i) tester.NoInput();
    ASSERT_OK(tester.Input<double>({1, 3}, {p[0], p[1], p[2]}).Run());
    double h = 0, c = 0;
    for (const double x : {1.5, -0.5}) {
      const double input = sigmoid(w[0] * x + r[0] * h + p[0] * c);
      const double forget = coupled ? 1 - input : sigmoid(w[2] * x + r[2] * h + p[2] * c);
      c = forget * c + input * std::tanh(w[3] * x + r[3] * h);
      h = sigmoid(w[1] * x + r[1] * h + p[1] * c) * std::tanh(c);
    }
    EXPECT_NEAR(tester.Output<double>(1)[0], h, 1e-12);
    EXPECT_NEAR(tester.Output<double>(2)[0], c, 1e-12);
  }
}

TEST(GatedLayer, OpenDimensionsAndRefusals) {
  OpTester tester(OpId::kGru, 2);
  tester.attributes<GruAttributes>().hidden_size = kHidden;
  std::vector<TensorType> y;
  const auto f32 = [](const Shape& shape) { return TensorType{DType::kF32, shape, kNone}; };
  const int64_t s = SymbolDim(0);
  ASSERT_OK(tester.Infer({f32({s, 1, 3}), f32({1, 12, 3}), f32({1, 12, 4})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{s, 1, 1, 4}) && y[1].shape == (Shape{1, 1, 4}));
  EXPECT_ERROR(tester.Infer({f32({s, 1, 3}), f32({1, 12, 2}), f32({1, 12, 4})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({f32({s, 1, 3}), f32({2, 12, 3}), f32({1, 12, 4})}, &y), kInvalidArgument);
  for (int64_t hidden : {int64_t{0}, int64_t{-4}, INT64_MAX}) {
    tester.attributes<GruAttributes>().hidden_size = hidden;
    EXPECT_ERROR(tester.Infer({f32({s, 1, 3}), f32({1, 12, 3}), f32({1, 12, 4})}, &y), kInvalidArgument);
  }
  auto& attributes = tester.attributes<GruAttributes>();
  attributes = {.hidden_size = kHidden, .activations = {0}, .alphas = {0}, .betas = {0}};
  EXPECT_ERROR(tester.Infer({f32({s, 1, 3}), f32({1, 12, 3}), f32({1, 12, 4})}, &y), kInvalidArgument);
  attributes.activations = {0, 99}, attributes.alphas = {0, 0}, attributes.betas = {0, 0};
  EXPECT_ERROR(tester.Infer({f32({s, 1, 3}), f32({1, 12, 3}), f32({1, 12, 4})}, &y), kInvalidArgument);
  attributes = {.hidden_size = kHidden, .clip = std::nanf("")};
  EXPECT_ERROR(tester.Infer({f32({s, 1, 3}), f32({1, 12, 3}), f32({1, 12, 4})}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
