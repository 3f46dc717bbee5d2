// The CPU as a backend (docs/design/20-backends.md): it takes every node of an operator that this build
// knows.
//
// What a compiled unit refers to and does not own must outlive it: the graph, the kernel table, the cache of
// packed weights, the allocator, and the elements that PlanView::known points to.
#ifndef MACE_BACKENDS_CPU_CPU_BACKEND_H_
#define MACE_BACKENDS_CPU_CPU_BACKEND_H_

#include <memory>

#include "mace/backends/backend.h"

namespace mace {

// Thread-safe: the backend itself keeps nothing.
Result<std::unique_ptr<Backend>> MakeCpuBackend();

}  // namespace mace

#endif  // MACE_BACKENDS_CPU_CPU_BACKEND_H_
