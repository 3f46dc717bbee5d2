// FullyConnected: x [..., K], weights [N, K], optional bias [N] -> [..., N]. Types as Conv2d.
#ifndef MACE_OPS_MATMUL_FULLY_CONNECTED_H_
#define MACE_OPS_MATMUL_FULLY_CONNECTED_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct FullyConnectedAttributes {
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, FullyConnectedAttributes, rounding)}; }
};
extern const OpDefinition kFullyConnectedDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_MATMUL_FULLY_CONNECTED_H_
