#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {

Status RunDeadCodeRemoval(Graph* graph) {
  return Guarded([&] { GraphEditor(graph).Finish(); });
}

}  // namespace mace::passes
