// What is true of a graph for one set of input shapes: concrete types of all values that are needed, elements
// of small values that depend on shapes and constants alone, and which nodes have to run. Where sizes depend
// on data, it ends before them, and says what a run has to tell for the next stage
// (docs/design/25-control-flow.md).
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

// A value that the analysis of the next stage wants to know more about than this one could.
struct LearnedValue {
  ValueId value = kNone;
  bool elements = false;  // else its shape only
};

struct ShapeAnalysis {
  Vector<TensorType> types;         // per value; of values that no live node needs: as the graph has them
  Vector<const TensorView*> known;  // per value: elements, or null
  Vector<int32_t> uses;             // per value: PlanView::uses
  Vector<uint8_t> resolved;         // per value: `types` is what it is, not only what the graph declares
  Vector<uint8_t> kept;             // per value: an output, a state's next value, or read behind `nodes`
  Vector<NodeId> nodes;             // live, in topological order
  Vector<NodeId> actions;           // run behind `nodes`: control, and sizes that only computing tells
  Vector<NodeId> pending;           // of later stages
  Vector<LearnedValue> learned;     // by the run of this stage, for the next one
  Vector<Buffer> owned;             // behind `known`
  int32_t evaluated_nodes = 0;      // that were computed here
  int32_t dead_nodes = 0;           // that nothing needs

  PlanView View(const Graph& graph) const {
    return {&graph, types.span(), {known.data(), known.size()}, uses.span()};
  }
  bool IsLastStage() const { return actions.empty() && pending.empty(); }
};

// Errors name node and value. `allocator` outlives the analysis. `interprets`: a cheap node that waits for
// elements alone becomes an action, whose output has a shape in the next stage but no elements.
Status AnalyzeShapes(const Graph& graph, const PlanKey& key, bool interprets, const Allocator& allocator,
                     ShapeAnalysis* analysis);
// Of the stage behind `before`. `facts` says what its run learned, one view for each of before.learned (data
// where elements are wanted). Both outlive the analysis.
Status AnalyzeNextStage(const Graph& graph, const ShapeAnalysis& before, std::span<const TensorView> facts,
                        bool interprets, const Allocator& allocator, ShapeAnalysis* analysis);

}  // namespace mace

#endif  // MACE_RUNTIME_SHAPE_ANALYSIS_H_
