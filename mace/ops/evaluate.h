// Running shape rules and reference kernels on single nodes and whole graphs: what importers, passes, the
// planner and the tests share.
#ifndef MACE_OPS_EVALUATE_H_
#define MACE_OPS_EVALUATE_H_

#include "mace/core/memory.h"
#include "mace/core/status.h"
#include "mace/core/vector.h"
#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"

namespace mace {

// Runs the shape rule of `node`. `input_types` and `known` have one entry per input (of absent inputs: dtype
// kInvalid, null); the inferred types are written to `output_types` (one entry per output; at most
// InferContext::kMaxOutputs). Operand counts are checked here. Errors begin with "node 'name' (Op)", where
// name is Graph::LabelOf.
Status InferNode(const Graph& graph, const Node& node, const TensorType* input_types,
                 const TensorView* const* known, TensorType* output_types);
// The same for callers that name the node themselves, as importers do by its name in the source file.
Status InferNodeUnlabeled(const Graph& graph, const Node& node, const TensorType* input_types,
                          const TensorView* const* known, TensorType* output_types);
// The same, unlabelled, whatever ranks are known: where an input's rank is not (Shape::OfUnknownRank),
// outputs get what holds whatever it is. For If and Loop the bodies get the types of their inputs and are
// inferred with all that is in them: `graph->subgraphs` is written. What a loop carries is generalised until
// its body agrees.
Status InferNodeTypes(Graph* graph, const Node& node, const TensorType* input_types,
                      const TensorView* const* known, TensorType* output_types);

// Runs the reference kernel of `node` on concrete tensors (see ReferenceContext). Outputs are allocated by
// the caller.
Status EvaluateNode(const Graph& graph, const Node& node, const TensorView* inputs, TensorView* outputs);

// Infers the types of all values of `graph` in order, with constants as known inputs, and writes dtype and
// shape into the values (quantization is kept). Where an existing type is more precise than the inferred one,
// it is kept if it does not contradict; in bodies of control nodes what is inferred counts.
Status InferGraphTypes(Graph* graph);

struct EvaluatedTensor {
  TensorView view;
  Buffer buffer;
};

// Runs any node on concrete tensors, an operator whose output sizes depend on data or a control node too. One
// entry per output is made (of absent outputs: dtype kInvalid). A data-sized operator that wants more than
// `limit` bytes for one output is refused.
Status EvaluateDynamicNode(const Graph& graph, const Node& node, const TensorView* inputs,
                           Vector<EvaluatedTensor>* outputs, int64_t limit = INT64_MAX);

// Runs the whole graph with reference kernels: the oracle of tests. feeds in graph input order (an input that
// a state is read through may be left out: a view of dtype kInvalid); state buffers (one view per state,
// updated in place). Results are allocated here. A loop takes the time that its trip count asks for.
Status EvaluateGraph(const Graph& graph, std::span<const TensorView> feeds, std::span<TensorView> states,
                     Vector<EvaluatedTensor>* fetches);

}  // namespace mace

#endif  // MACE_OPS_EVALUATE_H_
