// Normalising operators.
#ifndef MACE_OPS_NORM_NORM_H_
#define MACE_OPS_NORM_NORM_H_

#include <cmath>

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

// Softmax over one axis: f32, f64; or u8/i8/i16 quantized: with a tflite rounding over the last axis, as
// TensorFlow Lite's integer reference computes it, with kHalfEvenFloat to any quantization.
struct SoftmaxAttributes {
  int64_t axis = -1;
  float beta = 1.0f;  // multiplies x first
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, SoftmaxAttributes, axis), MACE_FIELD(2, SoftmaxAttributes, beta),
                      MACE_FIELD(3, SoftmaxAttributes, rounding)};
  }
};
// LayerNormalization: x, optional scale, optional bias of shape x.shape[axis:] -> (x - mean) / deviation *
// scale + bias, optional mean, optional 1 / deviation [x.shape[:axis], 1, ...]. Mean and deviation, the root
// of variance + epsilon, are of the axes from `axis` on. root_mean_square: nothing is subtracted, and the
// deviation is the root of the mean of the squares + epsilon. f32 or f64.
struct LayerNormalizationAttributes {
  int64_t axis = -1;
  float epsilon = 1e-5f;
  bool root_mean_square = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LayerNormalizationAttributes, axis),
                      MACE_FIELD(2, LayerNormalizationAttributes, epsilon),
                      MACE_FIELD(3, LayerNormalizationAttributes, root_mean_square)};
  }
};
// BatchNormalization (inference): x [..., C], scale, bias, mean, variance [C]; f32 or f64.
struct BatchNormalizationAttributes {
  float epsilon = 1e-5f;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, BatchNormalizationAttributes, epsilon)}; }
};
// One channel of it is a line, computed in double precision: what passes and backends replace the operator
// by.
struct ChannelLine {
  float factor, shift;  // y = x * factor + shift
};
inline ChannelLine LineOfBatchNormalization(float scale, float bias, float mean, float variance,
                                            double epsilon) {
  const double factor = scale / std::sqrt(variance + epsilon);
  return {static_cast<float>(factor), static_cast<float>(bias - mean * factor)};
}
// LogSoftmax: the logarithm of Softmax over the last axis; f32, or quantized i8/u8.
extern const OpDefinition kSoftmaxDefinition;
extern const OpDefinition kLogSoftmaxDefinition;
extern const OpDefinition kLayerNormalizationDefinition;
extern const OpDefinition kBatchNormalizationDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_NORM_NORM_H_
