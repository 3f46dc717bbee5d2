// Results at size: against onnxruntime (tests/onnx). Here: every packing written out, refusals.
#include "mace/ops/matmul/block_matmul.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Two columns of 10 elements in blocks of 8: the second block is half empty.
struct Weights {
  int64_t bits;
  std::vector<uint8_t> packed;
  std::vector<std::vector<int>> stored = {std::vector<int>(16), std::vector<int>(16)};

  explicit Weights(int64_t width) : bits(width), packed(static_cast<size_t>(2 * 16 * width / 8)) {
    for (int n = 0; n < 2; ++n) {
      for (int k = 0; k < 16; ++k) {
        const int value = (7 * k + 3 * n + 1) % (1 << bits);
        stored[n][k] = value;
        const int64_t bit = (n * 16 + k) * bits;
        packed[bit / 8] = static_cast<uint8_t>(packed[bit / 8] | value << bit % 8);
      }
    }
  }
};

TEST(BlockMatMul, Packings) {
  const std::vector<float> x = TestValues(3 * 10), scales = {0.5f, 2, -1, 0.25f};
  const std::vector<float> bias = {100, 200};
  for (const int64_t bits : {2, 4, 8}) {
    for (const int kind : {0, 1, 2}) {  // zero points: none, packed, floats
      const Weights weights(bits);
      OpTester tester(OpId::kBlockMatMul);
      tester.attributes<BlockMatMulAttributes>() = {.depth = 10, .columns = 2, .bits = bits, .block_size = 8};
      tester.Input({3, 10}, x).Input<uint8_t>({2, 2, 8 * bits / 8}, weights.packed).Input({4}, scales);
      std::vector<float> zeros = {1, 2, 3, 0};
      if (kind == 0) {
        zeros.assign(4, static_cast<float>(1 << (bits - 1)));
        tester.NoInput();
      } else if (kind == 1) {
        const std::vector<uint8_t> wide = {1, 2, 3, 0}, four = {0x21, 0x03}, two = {0x9, 0x3};
        const std::vector<uint8_t>& packed = bits == 8 ? wide : bits == 4 ? four : two;
        tester.Input({2, static_cast<int64_t>(packed.size()) / 2}, packed);
      } else {
        zeros = {1.5f, 2, -3, 0};
        tester.Input({2, 2}, zeros);
      }
      ASSERT_OK(tester.Input({2}, bias).Run());
      std::vector<float> expected;
      for (int m = 0; m < 3; ++m) {
        for (int n = 0; n < 2; ++n) {
          double sum = static_cast<double>(bias[n]);
          for (int k = 0; k < 10; ++k) {
            const int block = n * 2 + k / 8;
            sum += static_cast<double>(x[m * 10 + k]) *
                   (weights.stored[n][k] - static_cast<double>(zeros[block])) *
                   static_cast<double>(scales[block]);
          }
          expected.push_back(static_cast<float>(sum));
        }
      }
      ExpectNear(tester.Output<float>(), expected, 1e-5);
    }
  }
}

TEST(BlockMatMul, Refusals) {
  std::vector<TensorType> y;
  OpTester tester(OpId::kBlockMatMul);
  auto& attributes = tester.attributes<BlockMatMulAttributes>();
  const TensorType x = {DType::kF32, {SymbolDim(0), 16}, kNone}, scales = {DType::kF32, {2}, kNone};
  const TensorType weights = {DType::kU8, {2, 1, 8}, kNone};
  attributes = {.depth = 16, .columns = 2, .bits = 4, .block_size = 16};
  ASSERT_OK(tester.Infer({x, weights, scales}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), 2}));
  EXPECT_ERROR(tester.Infer({x, weights, weights}, &y), kUnsupported);
  EXPECT_ERROR(tester.Infer({{DType::kF32, {4}, kNone}, weights, scales}, &y), kInvalidArgument);
  attributes.block_size = 24;
  EXPECT_ERROR(tester.Infer({x, weights, scales}, &y), kInvalidArgument);
  attributes = {.depth = 16, .columns = 2, .bits = 3, .block_size = 16};
  EXPECT_ERROR(tester.Infer({x, weights, scales}, &y), kUnsupported);
  attributes = {.depth = INT64_MAX, .columns = INT64_MAX, .bits = 4, .block_size = 16};
  EXPECT_ERROR(tester.Infer({x, weights, scales}, &y), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
