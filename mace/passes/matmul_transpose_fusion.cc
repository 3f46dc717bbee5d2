#include <utility>

#include "mace/ops/matmul/matmul.h"
#include "mace/passes/passes.h"
#include "mace/passes/transpose_sinking.h"

namespace mace::passes {
namespace {

// With the flag set, MatMul swaps the last two axes itself. Worth it where the Transpose that is left keeps
// the last axis in place (whole rows move), or vanishes.
bool Fuse(GraphEditor* editor, NodeId id, int side) {
  TransposedValue transposed;
  const ValueId input = editor->node(id).inputs[side];
  const Quantization* quantization = editor->graph().QuantizationOf(input);
  const bool per_channel = quantization != nullptr && quantization->axis != kNone;
  if (per_channel || !FindTranspose(*editor, input, &transposed)) return false;
  const int rank = transposed.perm.size();
  if (rank < 2 || transposed.perm[rank - 1] == rank - 1) return false;
  Permutation rest = transposed.perm;
  std::swap(rest[rank - 1], rest[rank - 2]);
  if (rest[rank - 1] != rank - 1) return false;
  auto attributes = editor->node(id).attributes.as<ops::MatMulAttributes>();
  bool& flag = side == 0 ? attributes.transpose_a : attributes.transpose_b;
  flag = !flag;
  ValueId inputs[] = {editor->node(id).inputs[0], editor->node(id).inputs[1]};
  inputs[side] = EmitTranspose(editor, id, transposed.source, rest);
  const ValueId y = editor->node(id).outputs[0];
  editor->ReplaceUses(y, editor->Emit(id, OpId::kMatMul, std::span<const ValueId>(inputs), attributes,
                                      editor->QuantizationIndexOf(y)));
  editor->Remove(id);
  return true;
}

}  // namespace

Status RunMatMulTransposeFusion(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    // A node that was replaced for one side is looked at again for the other.
    for (NodeId id = 0; id < editor.NodeCount(); ++id) {
      if (!editor.IsAlive(id) || editor.node(id).op != OpId::kMatMul) continue;
      if (!Fuse(&editor, id, 1)) Fuse(&editor, id, 0);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
