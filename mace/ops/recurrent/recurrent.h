// Recurrent layers.
#ifndef MACE_OPS_RECURRENT_RECURRENT_H_
#define MACE_OPS_RECURRENT_RECURRENT_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum class Direction : int32_t { kForward = 0, kReverse = 1, kBidirectional = 2, kCount = 3 };

// The functions of gates and candidates, with ONNX's alpha (a) and beta (b).
enum class GateActivation : int32_t {
  kSigmoid = 0,
  kTanh = 1,
  kRelu = 2,
  kAffine = 3,           // a x + b
  kLeakyRelu = 4,        // x, below 0 a x
  kThresholdedRelu = 5,  // x from a on, else 0
  kScaledTanh = 6,       // a tanh(b x)
  kHardSigmoid = 7,      // a x + b, held between 0 and 1
  kElu = 8,              // x, below 0 a (exp(x) - 1)
  kSoftsign = 9,
  kSoftplus = 10,
  kCount = 11,
};

// What Rnn, Gru and Lstm share. Operands: x [T, B, I], W [D, G * H, I], R [D, G * H, H], optional bias [D, 2
// * G * H] (of W, of R), optional sequence lengths [B] (i32 or i64; without them T), optional initial h
// (Lstm: then optional initial c) [D, B, H] -> optional y [T, D, B, H], optional y_h (Lstm: optional y_c) [D,
// B, H]: the states behind the last step of each sequence; y is 0 behind its end. In reverse a sequence is
// run from its own end. f32 or f64.
//
// `activations` are numbers of GateActivation, those of a direction in the order f, g, h of ONNX, each with
// an alpha and a beta; none: Sigmoid for gates, Tanh for the others. clip > 0 holds what goes into every one
// of them between -clip and clip.

// Rnn (G = 1, activation f): h' = f(W x + R h + bias).
struct RnnAttributes {
  int64_t hidden_size = 0;
  Direction direction = Direction::kForward;
  IntList activations = {};
  FloatList alphas = {}, betas = {};
  float clip = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, RnnAttributes, hidden_size), MACE_FIELD(2, RnnAttributes, direction),
                      MACE_FIELD(3, RnnAttributes, activations), MACE_FIELD(4, RnnAttributes, alphas),
                      MACE_FIELD(5, RnnAttributes, betas),       MACE_FIELD(6, RnnAttributes, clip)};
  }
};
// Gru (gates z, r, h; activations f, g), as in ONNX.
struct GruAttributes {
  int64_t hidden_size = 0;
  Direction direction = Direction::kForward;
  bool linear_before_reset = false;
  IntList activations = {};
  FloatList alphas = {}, betas = {};
  float clip = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, GruAttributes, hidden_size),
                      MACE_FIELD(2, GruAttributes, direction),
                      MACE_FIELD(3, GruAttributes, linear_before_reset),
                      MACE_FIELD(4, GruAttributes, activations),
                      MACE_FIELD(5, GruAttributes, alphas),
                      MACE_FIELD(6, GruAttributes, betas),
                      MACE_FIELD(7, GruAttributes, clip)};
  }
};
// Lstm (gates i, o, f, c; activations f, g, h), as in ONNX. One operand more: optional peepholes [D, 3H] (i,
// o, f). input_forget: the forget gate is one less the input gate.
struct LstmAttributes {
  int64_t hidden_size = 0;
  Direction direction = Direction::kForward;
  IntList activations = {};
  FloatList alphas = {}, betas = {};
  float clip = 0;
  bool input_forget = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LstmAttributes, hidden_size), MACE_FIELD(2, LstmAttributes, direction),
                      MACE_FIELD(3, LstmAttributes, activations), MACE_FIELD(4, LstmAttributes, alphas),
                      MACE_FIELD(5, LstmAttributes, betas),       MACE_FIELD(6, LstmAttributes, clip),
                      MACE_FIELD(7, LstmAttributes, input_forget)};
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
extern const OpDefinition kRnnDefinition;
extern const OpDefinition kGruDefinition;
extern const OpDefinition kLstmDefinition;
extern const OpDefinition kSvdfDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_RECURRENT_RECURRENT_H_
