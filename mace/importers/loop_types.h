// Types of what a loop carries, as the importers find them.
#ifndef MACE_IMPORTERS_LOOP_TYPES_H_
#define MACE_IMPORTERS_LOOP_TYPES_H_

#include <span>

#include "mace/graph/graph.h"

namespace mace::importers {

// Brings the types of the carried values closer to what holds in all iterations: `results` are those that the
// body made of `types`. False where they held already. Called with 0, 1, 2 ... until then. Throws where the
// body changes a dtype.
bool WidenLoopTypes(std::span<const TensorType> results, int attempt, std::span<TensorType> types);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_LOOP_TYPES_H_
