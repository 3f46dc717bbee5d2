// States of a graph whose two sides are an output and an input: declared by the user (ImportOptions::states)
// or found by an importer.
#ifndef MACE_IMPORTERS_STATES_H_
#define MACE_IMPORTERS_STATES_H_

#include "mace/core/status.h"
#include "mace/graph/graph.h"
#include "mace/importers/importer.h"

namespace mace::importers {

bool HasState(const Graph& graph, ValueId read, ValueId write);  // one that has either side

// A state of the name of `read`, zeros at first.
Status AddState(Graph* graph, ValueId read, ValueId write);

// For each pair the input becomes the read value of a new state (zeros at first), which a run may still feed,
// and the output its written value, which a run still returns. Both sides must be there, in no other state,
// and agree in dtype and shape.
Status DeclareStates(const ImportOptions& options, Graph* graph);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_STATES_H_
