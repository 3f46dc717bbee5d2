// What is true of a graph for one set of input shapes: concrete types of all values that are needed, elements
// of small values that depend on shapes and constants alone, and which nodes have to run.
#ifndef MACE_RUNTIME_SHAPE_ANALYSIS_H_
#define MACE_RUNTIME_SHAPE_ANALYSIS_H_

#include "mace/backends/backend.h"
#include "mace/core/memory.h"
#include "mace/core/vector.h"
#include "mace/graph/graph.h"

namespace mace {

// What a plan is made for. Concrete shapes.
struct PlanKey {
  Vector<Shape> inputs;  // one per graph input; of one that is not fed: its state's shape
  Vector<uint8_t> fed;   // one per graph input: 0 where an optional one is left to its state
  Vector<Shape> states;  // one per state: before the run
  friend bool operator==(const PlanKey& a, const PlanKey& b);
  Status CopyFrom(const PlanKey& other);
};

struct ShapeAnalysis {
  Vector<TensorType> types;         // per value; of values that no live node needs: as the graph has them
  Vector<const TensorView*> known;  // per value: elements, or null
  Vector<int32_t> uses;             // per value: PlanView::uses
  Vector<NodeId> nodes;             // live, in topological order
  Vector<Buffer> owned;             // behind `known`
  int32_t evaluated_nodes = 0;      // that were computed here
  int32_t dead_nodes = 0;           // that nothing needs

  PlanView View(const Graph& graph) const {
    return {&graph, types.span(), {known.data(), known.size()}, uses.span()};
  }
};

// Errors name node and value. `allocator` outlives the analysis.
Status AnalyzeShapes(const Graph& graph, const PlanKey& key, const Allocator& allocator,
                     ShapeAnalysis* analysis);

}  // namespace mace

#endif  // MACE_RUNTIME_SHAPE_ANALYSIS_H_
