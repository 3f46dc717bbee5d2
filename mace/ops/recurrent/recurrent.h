// Recurrent layers.
#ifndef MACE_OPS_RECURRENT_RECURRENT_H_
#define MACE_OPS_RECURRENT_RECURRENT_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum class Direction : int32_t { kForward = 0, kReverse = 1, kBidirectional = 2, kCount = 3 };
// Gru, as in ONNX (gates z, r, h): x [T, B, I], W [D, 3H, I], R [D, 3H, H], optional bias [D, 6H], optional
// (absent) sequence lengths, optional initial h [D, B, H] -> optional y [T, D, B, H], optional y_h [D, B, H].
struct GruAttributes {
  int64_t hidden_size = 0;
  Direction direction = Direction::kForward;
  bool linear_before_reset = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, GruAttributes, hidden_size), MACE_FIELD(2, GruAttributes, direction),
                      MACE_FIELD(3, GruAttributes, linear_before_reset)};
  }
};
// Lstm, as in ONNX (gates i, o, f, c): x, W [D, 4H, I], R [D, 4H, H], optional bias [D, 8H], sequence lengths
// (absent), initial h, initial c [D, B, H] -> optional y [T, D, B, H], y_h, y_c [D, B, H].
struct LstmAttributes {
  int64_t hidden_size = 0;
  Direction direction = Direction::kForward;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LstmAttributes, hidden_size), MACE_FIELD(2, LstmAttributes, direction)};
  }
};
// Svdf (TensorFlow Lite): x [B, I], weights_feature [F, I], weights_time [F, M], optional bias [U], state [B,
// F * M] -> y [B, U], new state [B, F * M]; F = U * rank. Integer form: x, weights_feature i8, weights_time,
// state i16, bias i32, y i8.
struct SvdfAttributes {
  int64_t rank = 1;
  bool relu = false;  // the file asks for a fused ReLU

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, SvdfAttributes, rank), MACE_FIELD(2, SvdfAttributes, relu)};
  }
};
extern const OpDefinition kGruDefinition;
extern const OpDefinition kLstmDefinition;
extern const OpDefinition kSvdfDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_RECURRENT_H_
