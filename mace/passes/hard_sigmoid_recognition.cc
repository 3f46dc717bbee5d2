// clip(a * x + b, 0, 1) and clip(x + 3, 0, 6) / 6 -> HardSigmoid: the gate of squeeze and excitation in
// MobileNetV3 (Howard et al., arXiv:1905.02244). Behind hard_swish_recognition.
#include "mace/ops/unary/unary.h"
#include "mace/passes/hard_line.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {

Status RunHardSigmoidRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& node = editor->node(id);
    if (node.op != OpId::kMul && node.op != OpId::kDiv && node.op != OpId::kClip) return;
    const ValueId y = node.outputs[0];
    HardLine line;
    if (editor->DTypeOf(y) != DType::kF32 || !MatchHardLine(*editor, y, &line)) return;
    if (!HaveSameShape(*editor, line.x, y) || !IsClosed(*editor, id, {line.x})) return;
    ops::HardSigmoidAttributes attributes;
    attributes.alpha = static_cast<float>(line.slope);
    attributes.beta = static_cast<float>(line.offset);
    ReplaceByNode(editor, id, OpId::kHardSigmoid, {line.x}, attributes);
  });
}

}  // namespace mace::passes
