// Pairs of an output and an input that the user declares to be one state (ImportOptions::states).
#ifndef MACE_IMPORTERS_STATES_H_
#define MACE_IMPORTERS_STATES_H_

#include "mace/core/status.h"
#include "mace/graph/graph.h"
#include "mace/importers/importer.h"

namespace mace::importers {

// For each pair the input becomes the read value of a new state (zeros at first), which a run may still feed,
// and the output its written value, which a run still returns. Both sides must be there, in no other state,
// and agree in dtype and shape.
Status DeclareStates(const ImportOptions& options, Graph* graph);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_STATES_H_
