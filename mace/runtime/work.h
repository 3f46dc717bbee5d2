// How much a node computes, and on what kind of numbers: for explain and profile.
#ifndef MACE_RUNTIME_WORK_H_
#define MACE_RUNTIME_WORK_H_

#include "mace/backends/backend.h"
#include "mace/graph/graph.h"

namespace mace {

struct StepWork {
  int64_t multiply_adds = 0;
  int32_t main_node = 0;    // index into the step's nodes: the one that computes most
  bool is_integer = false;  // its main node reads quantized values as they are stored
};

// Of a step of a plan; `types` are the concrete types of all values. Multiply-adds are those of convolutions,
// matrix products and recurrent layers, as the backend counts them; of reference kernels counted here.
StepWork WorkOf(const Graph& graph, const TensorType* types, const StepInfo& step);

}  // namespace mace

#endif  // MACE_RUNTIME_WORK_H_
