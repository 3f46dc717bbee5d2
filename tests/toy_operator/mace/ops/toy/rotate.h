// Rotate: x f32 [..., n] -> the elements of the last axis moved `places` towards the end, those that fall
// off at the end entering at the beginning.
#ifndef MACE_OPS_TOY_ROTATE_H_
#define MACE_OPS_TOY_ROTATE_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

struct RotateAttributes {
  int64_t places = 1;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, RotateAttributes, places)}; }
};
extern const OpDefinition kRotateDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_TOY_ROTATE_H_
