// The steps of ImportOnnx that are not about single operators.
#ifndef MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_
#define MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_

#include <vector>

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// The nodes' indices in topological order; files need not be sorted. Throws ImportError for cycles, for
// values produced twice and for ones that nothing produces.
std::vector<int32_t> SortNodes(const GraphProto& graph);

// Throws one kUnsupported error that names every operator the importer does not know, with its count and the
// first node that uses it.
void RequireKnownOperators(const GraphProto& graph, const std::vector<OpsetImport>& opsets);

// Declares the states that it finds beside those that the options named: a recurrent layer whose initial
// state is a graph input and whose last state is a graph output.
void FindRecurrentStates(OnnxContext* context);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_
