// A part of an imported graph instead of the whole (CutOptions): what importers do before they declare states
// and verify.
#ifndef MACE_IMPORTERS_CUT_GRAPH_H_
#define MACE_IMPORTERS_CUT_GRAPH_H_

#include <functional>
#include <string>
#include <vector>

#include "mace/graph/graph.h"
#include "mace/importers/source_tensors.h"

namespace mace::importers {

// Joins, cuts at the chosen inputs and outputs, drops what these do not need and infers all types again.
//
// `value_of` gives the value that holds the source's tensor of a number, in the source's layout. Where no
// outputs are chosen graph->outputs are the model's own; the same goes for inputs. A chosen input that no
// output depends on stays one, with a warning; so the caller may feed what it chose. An output that needs an
// input which was not chosen is an error, as is a shape that contradicts the source. Throws ImportError.
void CutGraph(const ResolvedCut& cut, const std::function<ValueId(int32_t number)>& value_of, Graph* graph,
              std::vector<std::string>* warnings);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_CUT_GRAPH_H_
