// What the passes share that recognise an operator in the nodes that spell it out.
#ifndef MACE_PASSES_PATTERN_H_
#define MACE_PASSES_PATTERN_H_

#include <initializer_list>

#include "mace/core/shape.h"
#include "mace/passes/graph_editor.h"

namespace mace::passes {

// True where nobody but the pattern reads what its nodes compute: `root` and all that it depends on, up to
// constants and to the values in `sources`. Only then does replacing `root` spare the other nodes.
bool IsClosed(const GraphEditor& editor, NodeId root, std::initializer_list<ValueId> sources);

// True where the value is a float constant of one element, exactly `expected`.
bool IsExactly(const Graph& graph, ValueId value, double expected);
// Of a commutative node: the input beside a float scalar constant equal to `expected`; else kNone.
ValueId BesideScalar(const Graph& graph, const Node& node, double expected);
// The input beside `value`, which the node reads once; else kNone.
ValueId Beside(const Node& node, ValueId value);
// The input of the node of this operator that makes `value`; else kNone.
ValueId ArgumentOf(const GraphEditor& editor, OpId op, ValueId value);

// The float scalar constant beside which a commutative node has *other; false where there is none.
bool ScalarOperand(const Graph& graph, const Node& node, double* scalar, ValueId* other);

// Which axes of the operand of a Reduce node are reduced; false where that is not known.
bool AxesOfReduce(const GraphEditor& editor, const Node& reduce, bool reduced[kMaxRank]);

// True where both have the same known rank and the same sizes, symbols among them: nothing was broadcast.
bool HaveSameShape(const GraphEditor& editor, ValueId a, ValueId b);

// Removes the node, whose outputs nobody reads, and what only it needed.
void RemoveWithSources(GraphEditor* editor, NodeId id);

// Replaces the only output of `root` by that of a new node, and removes it with what only it needed.
template <typename A>
ValueId ReplaceByNode(GraphEditor* editor, NodeId root, OpId op, std::initializer_list<ValueId> inputs,
                      const A& attributes) {
  const ValueId old_value = editor->node(root).outputs[0];
  const ValueId new_value = editor->Emit(root, op, inputs, attributes);
  editor->ReplaceUses(old_value, new_value);
  RemoveWithSources(editor, root);
  return new_value;
}

// Calls match(&editor, id) for each node, from the outputs up: of a pattern the last node is seen first.
template <typename Match>
Status VisitFromOutputs(Graph* graph, const Match& match) {
  return Guarded([&] {
    GraphEditor editor(graph);
    for (NodeId id = editor.NodeCount() - 1; id >= 0; --id) {
      if (editor.IsAlive(id)) match(&editor, id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes

#endif  // MACE_PASSES_PATTERN_H_
