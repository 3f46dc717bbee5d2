// Elementwise operators of one input: output has the input's dtype and shape. Floats; Relu, Clip, Neg, Abs,
// Sign also integers (Neg of unsigned ones wraps); Identity any type. All but Not also quantized values
// (unary_integer.h), with a scale of its own on each side.
#ifndef MACE_OPS_UNARY_UNARY_H_
#define MACE_OPS_UNARY_UNARY_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct ClipAttributes {
  float min = -__builtin_huge_valf();
  float max = __builtin_huge_valf();
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ClipAttributes, min), MACE_FIELD(2, ClipAttributes, max),
                      MACE_FIELD(3, ClipAttributes, rounding)};
  }
};
struct LeakyReluAttributes {
  float alpha = 0.01f;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LeakyReluAttributes, alpha),
                      MACE_FIELD(2, LeakyReluAttributes, rounding)};
  }
};
struct EluAttributes {  // x, but alpha * (exp(x) - 1) below 0
  float alpha = 1.0f;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, EluAttributes, alpha), MACE_FIELD(2, EluAttributes, rounding)};
  }
};
struct SeluAttributes {  // gamma * Elu(x)
  float alpha = 1.67326319217681884765625f;
  float gamma = 1.05070102214813232421875f;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, SeluAttributes, alpha), MACE_FIELD(2, SeluAttributes, gamma),
                      MACE_FIELD(3, SeluAttributes, rounding)};
  }
};
struct HardSigmoidAttributes {  // max(0, min(1, alpha * x + beta))
  float alpha = 0.2f;
  float beta = 0.5f;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, HardSigmoidAttributes, alpha), MACE_FIELD(2, HardSigmoidAttributes, beta),
                      MACE_FIELD(3, HardSigmoidAttributes, rounding)};
  }
};
struct GeluAttributes {
  bool tanh_approximation = false;  // else the erf form
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, GeluAttributes, tanh_approximation),
                      MACE_FIELD(2, GeluAttributes, rounding)};
  }
};

extern const OpDefinition kReluDefinition;
extern const OpDefinition kClipDefinition;
extern const OpDefinition kLeakyReluDefinition;
extern const OpDefinition kSigmoidDefinition;
extern const OpDefinition kTanhDefinition;
extern const OpDefinition kHardSigmoidDefinition;
extern const OpDefinition kHardSwishDefinition;
extern const OpDefinition kSiluDefinition;
extern const OpDefinition kGeluDefinition;
extern const OpDefinition kErfDefinition;
extern const OpDefinition kExpDefinition;
extern const OpDefinition kLogDefinition;
extern const OpDefinition kSqrtDefinition;
extern const OpDefinition kReciprocalDefinition;
extern const OpDefinition kNegDefinition;
extern const OpDefinition kAbsDefinition;
extern const OpDefinition kFloorDefinition;
extern const OpDefinition kCeilDefinition;
extern const OpDefinition kRoundDefinition;
extern const OpDefinition kNotDefinition;
extern const OpDefinition kIdentityDefinition;
extern const OpDefinition kRsqrtDefinition;
extern const OpDefinition kSoftplusDefinition;
extern const OpDefinition kEluDefinition;
extern const OpDefinition kSeluDefinition;
extern const OpDefinition kMishDefinition;
extern const OpDefinition kSoftsignDefinition;
extern const OpDefinition kSignDefinition;
extern const OpDefinition kSinDefinition;
extern const OpDefinition kCosDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_UNARY_UNARY_H_
