// Layer normalisation (Ba et al., arXiv:1607.06450) and normalisation by the root mean square (Zhang and
// Sennrich, arXiv:1910.07467), spelled out as exporters of PyTorch, Keras and TensorFlow do.
#include "mace/ops/norm/norm.h"
#include "mace/passes/constants.h"
#include "mace/passes/moments.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

// The first of the reduced axes, where these are the last ones; else -1.
int FirstOfTrailing(const bool reduced[kMaxRank], int rank) {
  int axis = rank;
  while (axis > 0 && reduced[axis - 1]) --axis;
  for (int i = 0; i < axis; ++i) {
    if (reduced[i]) return -1;
  }
  return axis < rank ? axis : -1;
}

// `value` is a constant, perhaps behind a Cast, of the shape of x from `axis` on.
bool IsRowConstant(const GraphEditor& editor, ValueId value, ValueId x, int axis) {
  if (value == kNone || !IsWeightChain(editor.graph(), value)) return false;
  const Shape& shape = editor.ShapeOf(x);
  const Shape& row = editor.ShapeOf(value);
  if (editor.DTypeOf(value) != editor.DTypeOf(x) || row.rank != shape.rank - axis) return false;
  for (int i = 0; i < row.rank; ++i) {
    if (row[i] < 0 || row[i] != shape[axis + i]) return false;
  }
  return true;
}

bool AttributesOf(const GraphEditor& editor, const Moments& moments,
                  ops::LayerNormalizationAttributes* attributes) {
  const int axis = FirstOfTrailing(moments.reduced, editor.ShapeOf(moments.x).rank);
  attributes->axis = axis;
  attributes->root_mean_square = moments.mean == kNone;
  return axis >= 0 && EpsilonAttribute(editor, moments, &attributes->epsilon);
}

// (x - mean) / deviation, without scale and bias.
void MatchNormal(GraphEditor* editor, NodeId id) {
  Moments moments;
  ops::LayerNormalizationAttributes attributes;
  if (!MatchStandardized(*editor, editor->node(id), &moments) ||
      !AttributesOf(*editor, moments, &attributes) ||
      !HaveSameShape(*editor, moments.x, editor->node(id).outputs[0]) ||
      !IsClosed(*editor, id, {moments.x})) {
    return;
  }
  ReplaceByNode(editor, id, OpId::kLayerNormalization, {moments.x}, attributes);
}

// x * f + (bias - mean * f), where f = scale / deviation: how Keras writes it.
void MatchLine(GraphEditor* editor, NodeId id) {
  const Graph& graph = editor->graph();
  const Node& add = editor->node(id);
  for (int i = 0; i < 2; ++i) {
    const Node* product = editor->ProducerIf(add.inputs[i], OpId::kMul);
    const Node* shift = editor->ProducerIf(add.inputs[1 - i], OpId::kSub);
    const Node* centre = shift == nullptr ? nullptr : editor->ProducerIf(shift->inputs[1], OpId::kMul);
    if (product == nullptr || centre == nullptr) continue;
    for (int j = 0; j < 2; ++j) {
      const ValueId factor = product->inputs[j], x = product->inputs[1 - j];
      const Node* scaled = editor->ProducerIf(factor, OpId::kMul);
      ValueId inverse = factor, scale = kNone;
      if (scaled != nullptr) {
        const int constant = IsWeightChain(graph, scaled->inputs[0]) ? 0 : 1;
        scale = scaled->inputs[constant];
        inverse = scaled->inputs[1 - constant];
      }
      Moments moments;
      ops::LayerNormalizationAttributes attributes;
      const ValueId bias = shift->inputs[0];
      if (!MatchInverseDeviation(*editor, inverse, &moments) || moments.x != x || moments.mean == kNone ||
          Beside(*centre, factor) != moments.mean || !AttributesOf(*editor, moments, &attributes)) {
        continue;
      }
      const int axis = static_cast<int>(attributes.axis);
      if ((scale != kNone && !IsRowConstant(*editor, scale, x, axis)) ||
          !IsRowConstant(*editor, bias, x, axis) || !HaveSameShape(*editor, x, add.outputs[0]) ||
          !IsClosed(*editor, id, {x, scale, bias})) {
        continue;
      }
      ReplaceByNode(editor, id, OpId::kLayerNormalization, {x, scale, bias}, attributes);
      return;
    }
  }
}

// The Mul, or the Add, by a constant row behind a normalisation that has none yet.
void TakeOperand(GraphEditor* editor, NodeId id) {
  const Node& node = editor->node(id);
  const bool is_scale = node.op == OpId::kMul;
  for (int i = 0; i < 2; ++i) {
    const ValueId normal = node.inputs[i], constant = node.inputs[1 - i];
    const Node* norm = editor->ProducerIf(normal, OpId::kLayerNormalization);
    if (norm == nullptr || norm->outputs.size() != 1 || !editor->HasOneUse(normal)) continue;
    const auto attributes = norm->attributes.as<ops::LayerNormalizationAttributes>();
    const ValueId x = norm->inputs[0];
    const ValueId scale = norm->inputs.size() > 1 ? norm->inputs[1] : kNone;
    const ValueId bias = norm->inputs.size() > 2 ? norm->inputs[2] : kNone;
    int axis = 0;
    if (bias != kNone || (is_scale && scale != kNone) || !editor->ShapeOf(x).HasRank() ||
        !NormalizeAxis(attributes.axis, editor->ShapeOf(x).rank, &axis) ||
        !IsRowConstant(*editor, constant, x, axis)) {
      continue;
    }
    if (is_scale) {
      ReplaceByNode(editor, id, OpId::kLayerNormalization, {x, constant, kNone}, attributes);
    } else {
      ReplaceByNode(editor, id, OpId::kLayerNormalization, {x, scale, constant}, attributes);
    }
    return;
  }
}

void Visit(GraphEditor* editor, NodeId id) {
  const OpId op = editor->node(id).op;
  if (op == OpId::kMul || op == OpId::kDiv) MatchNormal(editor, id);
  if (op == OpId::kAdd) MatchLine(editor, id);
  if (editor->IsAlive(id) && (op == OpId::kMul || op == OpId::kAdd)) TakeOperand(editor, id);
}

}  // namespace

// Downwards: a normalisation is there before the operands behind it are looked at.
Status RunLayerNormRecognition(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id)) Visit(&editor, id);
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
