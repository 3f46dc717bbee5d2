// OpId: the operators of mace/ops/ops.def. The numbers are part of the .mace format.
#ifndef MACE_GRAPH_OP_ID_H_
#define MACE_GRAPH_OP_ID_H_

#include <cstdint>

namespace mace {

enum class OpId : uint16_t {
  kInvalid = 0,
#define MACE_OP(id, Name, folder) k##Name = id,
#include "mace/ops/ops.def"
#undef MACE_OP
};

}  // namespace mace

#endif  // MACE_GRAPH_OP_ID_H_
