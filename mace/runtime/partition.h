// Which backend runs which nodes, in units whose order respects the graph (docs/design/20-backends.md).
#ifndef MACE_RUNTIME_PARTITION_H_
#define MACE_RUNTIME_PARTITION_H_

#include <memory>
#include <span>

#include "mace/backends/backend.h"
#include "mace/runtime/plan.h"

namespace mace {

struct PartitionUnit {
  int32_t backend = 0;
  float predicted_milliseconds = 0;  // the backend's word, by the share of the nodes where a group was cut
  Vector<NodeId> nodes;              // topological order
  Vector<ValueId> inputs;
  Vector<ValueId> outputs;
  GroupView View() const { return {nodes.span(), inputs.span(), outputs.span()}; }
};

// Backends are asked in their order; what one refuses goes to the next, the last has to take all. `refused`
// holds one byte per backend and node (backend * nodes + node): not 0 where a compilation failed before.
// `kept` holds one per value: not 0 where it is read by others than `nodes`.
// Reasons are appended to `refusals`. Nodes that no backend takes are an error that names them all.
Status PartitionNodes(const PlanView& plan, std::span<const NodeId> nodes,
                      std::span<const std::unique_ptr<Backend>> backends, std::span<const uint8_t> refused,
                      std::span<const uint8_t> kept, Vector<PartitionUnit>* units,
                      Vector<NodeRefusal>* refusals);

}  // namespace mace

#endif  // MACE_RUNTIME_PARTITION_H_
