// The table made from ops.def: the only place that knows every operator.
#include <string_view>

#include "mace/graph/op_definition.h"

namespace mace {
namespace ops {
#define MACE_OP(id, Name, folder) extern const OpDefinition k##Name##Definition;
#include "mace/ops/ops.def"
#undef MACE_OP
}  // namespace ops

const OpDefinition* FindOpDefinition(OpId op) {
  switch (op) {
#define MACE_OP(id, Name, folder) \
  case OpId::k##Name:             \
    return &ops::k##Name##Definition;
#include "mace/ops/ops.def"
#undef MACE_OP
    case OpId::kInvalid:
      return nullptr;
  }
  return nullptr;
}

const OpDefinition* FindOpDefinition(std::string_view name) {
#define MACE_OP(id, Name, folder) \
  if (name == #Name) return &ops::k##Name##Definition;
#include "mace/ops/ops.def"
#undef MACE_OP
  return nullptr;
}

}  // namespace mace
