// Small models as .mace bytes, for tests that know nothing of libmace but its C ABI.
#ifndef TESTS_API_TEST_MODELS_H_
#define TESTS_API_TEST_MODELS_H_

#include <cstdint>
#include <vector>

namespace mace_test {

// y = max(2 x + 1, 0); x float32 [batch, 4], named "x"; y "y".
std::vector<uint8_t> AffineModel();
// x float32 [2]; a state "sum" [2], at first {10, 20}; total = x + sum is the output and the new state.
std::vector<uint8_t> AccumulatorModel();
// Inputs x and h, float32 [2]; h is fed back from the output total = x + h, so feeding it is optional;
// nameless.
std::vector<uint8_t> FedBackModel();
// x int64 [n, 3]. Outputs: x itself; a constant float32 [2] {5, 6}; the shape of x, int64 [2]; x + x twice.
std::vector<uint8_t> EdgesModel();
// x float32 [batch, 64] through `layers` products with a [64, 64] constant, each followed by Relu.
std::vector<uint8_t> DeepModel(int layers);
// A small classifier, x float32 [batch, 9, 9, 3]: convolution, depthwise and 1x1 convolution, residual, mean,
// MatMul, Softmax; y [batch, 5].
std::vector<uint8_t> NetworkModel();
// x float32 [n]; an operator whose size depends on data, and an If in a Loop of 3 iterations: what x becomes,
// a list that grows, what x was after each iteration [3, n]. Every kind of step that is no unit.
std::vector<uint8_t> ControlModel();
// x uint8 [4], scale 0.5, zero point 128; Relu of it.
std::vector<uint8_t> QuantizedModel();
// y = x + x, float32 [1, 2, 3, 4].
std::vector<uint8_t> PictureModel();
// x float16 [2, 3]; y is x transposed.
std::vector<uint8_t> HalfModel();
// y = Scaled(x), doubled; x: f32 [batch, 4]. Scaled is an operator that the application brings, its options
// are the bytes 7 and 9.
std::vector<uint8_t> CustomModel();

}  // namespace mace_test

#endif  // TESTS_API_TEST_MODELS_H_
