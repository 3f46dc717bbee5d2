// Custom: an operator that the application brings (docs/custom_operators.md). Operands: its name (u8 [n]),
// its options as the source stores them (u8 [m]; both constants), then what the source's operator reads, of
// which any may be absent. What the outputs hold, and their shapes, says the function that the application
// registered with the runtime; so their shapes are known when it has run.
#ifndef MACE_OPS_CUSTOM_CUSTOM_H_
#define MACE_OPS_CUSTOM_CUSTOM_H_

#include <string_view>

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum : int { kCustomName = 0, kCustomOptions = 1, kCustomOperands = 2 };

struct CustomAttributes {
  IntList dtypes;  // a DType for each output, absent ones too

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, CustomAttributes, dtypes)}; }
};
extern const OpDefinition kCustomDefinition;

// The name that a Custom node gives; empty where it is no constant.
std::string_view CustomNameOf(const Graph& graph, const Node& node);

}  // namespace mace::ops

#endif  // MACE_OPS_CUSTOM_CUSTOM_H_
