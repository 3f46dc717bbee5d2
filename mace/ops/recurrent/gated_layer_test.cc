// Results of all directions: onnx_cases_test. Here: carried state, absent outputs, zero steps, refusals.
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
}

}  // namespace
}  // namespace mace::ops
