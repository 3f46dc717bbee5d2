// e / sum(e) with e = exp(x - max(x)) over one axis -> Softmax: how Keras and hand-written layers spell it.
#include "mace/ops/norm/norm.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

// `value` reduces its argument over one axis, which stays with size 1: the argument, else kNone.
ValueId ReducedAlongOne(const GraphEditor& editor, ValueId value, ops::ReduceKind kind, int* axis) {
  const Node* reduce = editor.ProducerIf(value, OpId::kReduce);
  if (reduce == nullptr) return kNone;
  const auto& attributes = reduce->attributes.as<ops::ReduceAttributes>();
  bool reduced[kMaxRank] = {};
  if (attributes.kind != kind || !attributes.keep_dims || !AxesOfReduce(editor, *reduce, reduced))
    return kNone;
  int count = 0;
  for (int i = 0; i < kMaxRank; ++i) {
    if (!reduced[i]) continue;
    *axis = i;
    ++count;
  }
  return count == 1 ? reduce->inputs[0] : kNone;
}

}  // namespace

Status RunSoftmaxRecognition(Graph* graph) {
  return VisitFromOutputs(graph, [](GraphEditor* editor, NodeId id) {
    const Node& div = editor->node(id);
    if (div.op != OpId::kDiv || !IsFloat(editor->DTypeOf(div.outputs[0]))) return;
    const ValueId powers = div.inputs[0];
    int axis = -1, max_axis = -2;
    const Node* sub = editor->ProducerIf(ArgumentOf(*editor, OpId::kExp, powers), OpId::kSub);
    if (sub == nullptr) return;
    const ValueId x = sub->inputs[0];
    if (ReducedAlongOne(*editor, div.inputs[1], ops::ReduceKind::kSum, &axis) != powers ||
        ReducedAlongOne(*editor, sub->inputs[1], ops::ReduceKind::kMax, &max_axis) != x || axis != max_axis ||
        !HaveSameShape(*editor, x, div.outputs[0]) || !IsClosed(*editor, id, {x})) {
      return;
    }
    ops::SoftmaxAttributes attributes;
    attributes.axis = axis;
    ReplaceByNode(editor, id, OpId::kSoftmax, {x}, attributes);
  });
}

}  // namespace mace::passes
