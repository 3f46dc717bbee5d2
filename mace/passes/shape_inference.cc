#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::passes {

Status RunShapeInference(Graph* graph) { return InferGraphTypes(graph); }

}  // namespace mace::passes
