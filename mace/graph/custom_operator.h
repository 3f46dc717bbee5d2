// Operators that the application brings: what it registered with the runtime, as the node Custom finds it by
// name (mace/ops/custom/custom.h).
#ifndef MACE_GRAPH_CUSTOM_OPERATOR_H_
#define MACE_GRAPH_CUSTOM_OPERATOR_H_

#include <string_view>

#include "mace/core/status.h"
#include "mace/core/string.h"

namespace mace {

struct DynamicContext;

struct CustomOperator {
  virtual ~CustomOperator() = default;
  String name;
  Status (*run)(const CustomOperator& self, const DynamicContext& call) = nullptr;
};

// Where a run looks them up. Thread-safe; what it finds stays.
class CustomOperators {
 public:
  virtual const CustomOperator* Find(std::string_view name) const = 0;  // null: nobody registered it

 protected:
  ~CustomOperators() = default;
};

}  // namespace mace

#endif  // MACE_GRAPH_CUSTOM_OPERATOR_H_
