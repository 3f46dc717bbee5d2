// An LSTM (Hochreiter and Schmidhuber, 1997) that was unrolled to the nodes of each step -> Lstm:
//   gates = x W + h R + bias, split in four; c' = sigmoid(f) c + sigmoid(i) tanh(g); h' = sigmoid(o)
//   tanh(c').
// The first step has neither h nor c: they are zeros there, and files leave out what they take part in.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"
#include "mace/passes/pattern.h"

namespace mace::passes {
namespace {

constexpr int kGates = 4;
enum Gate { kInput = 0, kOutput = 1, kForget = 2, kCandidate = 3 };  // as Lstm orders them

struct Cell {
  ValueId x = kNone, h = kNone, c = kNone;
  int previous = -1, next = -1;  // cells
  ValueId weights = kNone, recurrent = kNone;
  std::vector<double> bias;
  int part[kGates] = {-1, -1, -1, -1};  // of the split, for each gate
  int64_t batch = 0, hidden = 0;
};

class LstmMatcher {
 public:
  explicit LstmMatcher(GraphEditor* editor) : editor_(*editor), graph_(editor->graph()) {}

  void Run() {
    const int count = editor_.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor_.IsAlive(id) && editor_.node(id).op == OpId::kMul) FindCell(editor_.node(id));
    }
    for (int i = 0; i < static_cast<int>(cells_.size()); ++i) {
      if (cells_[i].previous < 0 && cells_[i].next >= 0) ReplaceChain(i);
    }
  }

 private:
  bool IsView(OpId op) const {
    return op == OpId::kReshape || op == OpId::kSqueeze || op == OpId::kUnsqueeze || op == OpId::kFlatten;
  }
  ValueId BehindViews(ValueId value) const {
    while (value != kNone && graph_.values[value].producer != kNone) {
      const Node& node = editor_.node(graph_.values[value].producer);
      if (!IsView(node.op)) break;
      value = node.inputs[0];
    }
    return value;
  }

  // `value` = function(one part of the split *gates): the part's number, else -1. *gates may be given.
  int GateOf(ValueId value, OpId function, NodeId* gates) const {
    const ValueId part = ArgumentOf(editor_, function, value);
    const Node* split = editor_.ProducerIf(part, OpId::kSplit);
    if (split == nullptr || split->outputs.size() != kGates) return -1;
    const NodeId id = graph_.values[part].producer;
    if (*gates != kNone && *gates != id) return -1;
    *gates = id;
    return static_cast<int>(std::find(split->outputs.begin(), split->outputs.end(), part) -
                            split->outputs.begin());
  }

  // `node` = sigmoid(part) * other: the part's number and *other, else -1.
  int GatedBy(const Node& node, NodeId* gates, ValueId* other) const {
    for (int i = 0; i < 2; ++i) {
      const int part = GateOf(node.inputs[i], OpId::kSigmoid, gates);
      *other = node.inputs[1 - i];
      if (part >= 0) return part;
    }
    return -1;
  }

  // c' = sigmoid(f) c + sigmoid(i) tanh(g), or without the first product.
  bool MatchState(ValueId c, NodeId* gates, ValueId* previous_c, Cell* cell) const {
    const Node* add = editor_.ProducerIf(c, OpId::kAdd);
    const Node* products[2] = {editor_.ProducerIf(c, OpId::kMul), nullptr};
    *previous_c = kNone;
    if (add != nullptr) {
      for (int i = 0; i < 2; ++i) products[i] = editor_.ProducerIf(add->inputs[i], OpId::kMul);
      if (products[0] == nullptr || products[1] == nullptr) return false;
    }
    if (products[0] == nullptr) return false;
    for (const Node* product : products) {
      if (product == nullptr) continue;
      ValueId other = kNone;
      const int part = GatedBy(*product, gates, &other);
      if (part < 0) return false;
      const int candidate = GateOf(other, OpId::kTanh, gates);
      if (candidate >= 0 && cell->part[kCandidate] < 0) {
        cell->part[kInput] = part;
        cell->part[kCandidate] = candidate;
      } else if (*previous_c == kNone) {
        cell->part[kForget] = part;
        *previous_c = other;
      } else {
        return false;
      }
    }
    return cell->part[kCandidate] >= 0 && (add == nullptr) == (*previous_c == kNone);
  }

  // The terms that a sum is made of: FullyConnected layers, and constants, which go into the bias.
  bool AddTerms(ValueId value, Cell* cell, std::vector<const Node*>* layers, int depth = 0) const {
    const auto width = static_cast<int64_t>(cell->bias.size());
    if (depth > 4) return false;
    if (const TensorView* constant = graph_.ConstantOf(value); constant != nullptr) {
      const int64_t count = constant->elements();
      if (constant->dtype != DType::kF32 || (count != width && count != 1)) return false;
      if (count == width && constant->shape[constant->shape.rank - 1] != width) return false;
      for (int64_t i = 0; i < width; ++i) {
        cell->bias[i] += static_cast<double>(constant->as<float>()[count == 1 ? 0 : i]);
      }
      return true;
    }
    const Shape& shape = editor_.ShapeOf(value);
    if (shape.rank < 1 || shape[shape.rank - 1] != width || shape.ElementCount() != cell->batch * width) {
      return false;
    }
    const NodeId producer = graph_.values[value].producer;
    if (producer == kNone) return false;
    const Node& node = editor_.node(producer);
    if (node.op == OpId::kAdd) {
      return AddTerms(node.inputs[0], cell, layers, depth + 1) &&
             AddTerms(node.inputs[1], cell, layers, depth + 1);
    }
    if (IsView(node.op)) return AddTerms(node.inputs[0], cell, layers, depth + 1);
    const TensorView* weights =
        node.op == OpId::kFullyConnected ? graph_.ConstantOf(node.inputs[1]) : nullptr;
    if (weights == nullptr || weights->dtype != DType::kF32) return false;
    layers->push_back(&node);
    const ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : kNone;
    return bias == kNone || (editor_.IsConstant(bias) && AddTerms(bias, cell, layers, depth + 1));
  }

  bool MatchLayers(NodeId split, ValueId previous_c, Cell* cell) const {
    std::vector<const Node*> layers;
    if (!AddTerms(editor_.node(split).inputs[0], cell, &layers)) return false;
    if (layers.size() != (previous_c == kNone ? 1u : 2u)) return false;
    for (const Node* layer : layers) {
      const auto found = cell_of_h_.find(BehindViews(layer->inputs[0]));
      const bool is_previous = previous_c != kNone && cell->previous < 0 && found != cell_of_h_.end() &&
                               cells_[found->second].c == previous_c && cells_[found->second].next < 0;
      if (is_previous) {
        cell->previous = found->second;
        cell->recurrent = layer->inputs[1];
      } else {
        cell->x = layer->inputs[0];
        cell->weights = layer->inputs[1];
      }
    }
    if (cell->x == kNone || (previous_c == kNone) != (cell->previous < 0)) return false;
    const Shape& x = editor_.ShapeOf(cell->x);
    return x.rank >= 1 && x.IsConcrete() && x.ElementCount() == cell->batch * x[x.rank - 1];
  }

  // Whether the cell repeats the one before it.
  bool Continues(const Cell& cell) const {
    const Cell& before = cells_[cell.previous];
    if (cell.weights != before.weights || cell.batch != before.batch || cell.hidden != before.hidden) {
      return false;
    }
    if (before.recurrent != kNone && before.recurrent != cell.recurrent) return false;
    for (int gate = 0; gate < kGates; ++gate) {
      if (before.part[gate] >= 0 && before.part[gate] != cell.part[gate]) return false;
    }
    for (size_t i = 0; i < cell.bias.size(); ++i) {
      // The same numbers, added in another order.
      if (!(std::abs(cell.bias[i] - before.bias[i]) <= 1e-12 * (1 + std::abs(cell.bias[i])))) return false;
    }
    return true;
  }

  void FindCell(const Node& product) {
    Cell cell;
    cell.h = product.outputs[0];
    const Shape& shape = editor_.ShapeOf(cell.h);
    if (editor_.DTypeOf(cell.h) != DType::kF32 || shape.rank != 2 || !shape.IsConcrete()) return;
    cell.batch = shape[0];
    cell.hidden = shape[1];
    NodeId gates = kNone;
    ValueId squashed = kNone, previous_c = kNone;
    cell.part[kOutput] = GatedBy(product, &gates, &squashed);
    if (cell.part[kOutput] < 0 || cell.batch < 1 || cell.hidden < 1) return;
    cell.c = ArgumentOf(editor_, OpId::kTanh, squashed);
    if (cell.c == kNone || !MatchState(cell.c, &gates, &previous_c, &cell)) return;
    const Node& split = editor_.node(gates);
    const Shape& whole = editor_.ShapeOf(split.inputs[0]);
    int axis = 0;
    if (!whole.IsConcrete() || whole.rank < 1 || whole[whole.rank - 1] != kGates * cell.hidden ||
        !NormalizeAxis(split.attributes.as<ops::SplitAttributes>().axis, whole.rank, &axis) ||
        axis != whole.rank - 1) {
      return;
    }
    for (ValueId part : split.outputs) {
      if (!(editor_.ShapeOf(part) == shape)) return;
    }
    cell.bias.assign(static_cast<size_t>(kGates * cell.hidden), 0.0);
    if (!MatchLayers(gates, previous_c, &cell)) return;
    if (cell.previous >= 0 && !Continues(cell)) return;
    const int index = static_cast<int>(cells_.size());
    if (cell.previous >= 0) cells_[cell.previous].next = index;
    cell_of_h_[cell.h] = index;
    cells_.push_back(std::move(cell));
  }

  // Steps of one layer are what the next one reads: these are others once they have been replaced.
  ValueId Current(ValueId value) const {
    const auto found = renamed_.find(value);
    return found == renamed_.end() ? value : found->second;
  }

  // The nodes of the chain; empty where others read what is no h, or no last c.
  std::set<NodeId> NodesOf(const std::vector<const Cell*>& chain) const {
    std::set<NodeId> nodes;
    std::set<ValueId> stops, results;
    std::vector<ValueId> stack;
    for (const Cell* cell : chain) {
      stops.insert(Current(cell->x));
      results.insert(cell->h);
      stack.push_back(cell->h);
    }
    results.insert(chain.back()->c);
    while (!stack.empty()) {
      const ValueId value = stack.back();
      stack.pop_back();
      const NodeId producer = value == kNone ? kNone : graph_.values[value].producer;
      if (producer == kNone || stops.count(value) > 0 || !nodes.insert(producer).second) continue;
      for (ValueId input : editor_.node(producer).inputs) stack.push_back(input);
    }
    for (NodeId id : nodes) {
      for (ValueId output : editor_.node(id).outputs) {
        if (output == kNone || results.count(output) > 0) continue;
        const auto& users = editor_.UsersOf(output);
        const auto is_inside = [&](NodeId user) { return nodes.count(user) > 0; };
        if (editor_.IsResult(output) || !std::all_of(users.begin(), users.end(), is_inside)) return {};
      }
    }
    return nodes;
  }

  bool IsReadOutside(ValueId value, const std::set<NodeId>& nodes) const {
    const auto& users = editor_.UsersOf(value);
    return editor_.IsResult(value) ||
           std::any_of(users.begin(), users.end(), [&](NodeId user) { return nodes.count(user) == 0; });
  }

  // [T, B, I]. Steps that are the parts of one Split, forwards or backwards, need no copy.
  ValueId SequenceOf(NodeId anchor, const std::vector<const Cell*>& chain, bool* is_reverse) {
    const Cell& first = *chain[0];
    const Shape step = editor_.ShapeOf(Current(first.x));
    const int64_t length = static_cast<int64_t>(chain.size()), width = step[step.rank - 1];
    const auto part_of = [&](const Cell* cell, NodeId split) -> int64_t {
      const ValueId part = BehindViews(Current(cell->x));
      if (part == kNone || graph_.values[part].producer != split) return -1;
      const auto& outputs = editor_.node(split).outputs;
      return std::find(outputs.begin(), outputs.end(), part) - outputs.begin();
    };
    *is_reverse = false;
    const ValueId part = BehindViews(Current(first.x));
    if (const Node* split = editor_.ProducerIf(part, OpId::kSplit); split != nullptr) {
      const NodeId id = graph_.values[part].producer;
      const ValueId source = split->inputs[0];
      const bool is_split_by_time = split->attributes.as<ops::SplitAttributes>().axis == 0 &&
                                    editor_.ShapeOf(source) == Shape{length, first.batch, width} &&
                                    static_cast<int64_t>(split->outputs.size()) == length;
      bool forwards = is_split_by_time, backwards = is_split_by_time;
      for (int64_t t = 0; t < length; ++t) {
        const int64_t at = part_of(chain[t], id);
        forwards = forwards && at == t;
        backwards = backwards && at == length - 1 - t;
      }
      *is_reverse = backwards && !forwards;
      if (forwards || backwards) return source;
    }
    std::vector<ValueId> steps;
    for (const Cell* cell : chain) {
      steps.push_back(editor_.Emit(anchor, OpId::kReshape, {Current(cell->x)},
                                   ops::ReshapeAttributes{.shape = {1, first.batch, width}}));
    }
    return editor_.Emit(anchor, OpId::kConcat, std::span<const ValueId>(steps), ops::ConcatAttributes{});
  }

  // The rows of constant [4H, n] in Lstm's order of gates, as [1, 4H, n].
  ValueId Ordered(const Cell& cell, ValueId constant) {
    const TensorView view = *graph_.ConstantOf(constant);
    const int64_t n = view.shape[1], block = cell.hidden * n;
    std::vector<float> elements(static_cast<size_t>(kGates * block));
    for (int gate = 0; gate < kGates; ++gate) {
      std::copy_n(view.as<float>() + cell.part[gate] * block, block, elements.begin() + gate * block);
    }
    return Unwrap(AddFloatConstant(&graph_, "", elements, Shape{1, kGates * cell.hidden, n}));
  }
  ValueId OrderedBias(const Cell& cell) {
    std::vector<float> elements(static_cast<size_t>(2 * kGates * cell.hidden), 0.0f);
    for (int gate = 0; gate < kGates; ++gate) {
      for (int64_t i = 0; i < cell.hidden; ++i) {
        elements[gate * cell.hidden + i] = static_cast<float>(cell.bias[cell.part[gate] * cell.hidden + i]);
      }
    }
    return Unwrap(AddFloatConstant(&graph_, "", elements, Shape{1, 2 * kGates * cell.hidden}));
  }

  void ReplaceChain(int first) {
    std::vector<const Cell*> chain;
    for (int i = first; i >= 0; i = cells_[i].next) chain.push_back(&cells_[i]);
    const Cell& last = *chain.back();
    const std::set<NodeId> nodes = NodesOf(chain);
    if (nodes.empty()) return;
    const NodeId anchor = graph_.values[last.h].producer;
    const int64_t length = static_cast<int64_t>(chain.size());
    const IntList rows = {last.batch, last.hidden};
    const ValueId weights = Ordered(last, last.weights), recurrent = Ordered(last, last.recurrent);
    const ValueId bias = OrderedBias(last);
    editor_.Track();
    // Stands where the first step stood: what reads a step may stand in front of the last.
    const NodeId start = graph_.values[chain[0]->h].producer;
    bool is_reverse = false;
    const ValueId x = SequenceOf(anchor, chain, &is_reverse);
    ops::LstmAttributes attributes;
    attributes.hidden_size = last.hidden;
    attributes.direction = is_reverse ? ops::Direction::kReverse : ops::Direction::kForward;
    const ValueId operands[] = {x, weights, recurrent, bias};
    const std::vector<ValueId> outputs = editor_.EmitMany(start, OpId::kLstm, operands, attributes, 3);
    const auto replaced = [&](ValueId old_value, ValueId state) {
      const ValueId value =
          editor_.Emit(start, OpId::kReshape, {state}, ops::ReshapeAttributes{.shape = rows});
      editor_.ReplaceUses(old_value, value);
      renamed_[old_value] = value;
    };
    std::vector<ValueId> steps;
    for (int64_t t = 0; t < length; ++t) {
      if (!IsReadOutside(chain[t]->h, nodes)) continue;
      if (t + 1 == length) {
        replaced(chain[t]->h, outputs[1]);
        continue;
      }
      if (steps.empty()) {
        const ValueId y = outputs[0];
        steps = editor_.EmitMany(start, OpId::kSplit, std::span<const ValueId>(&y, 1),
                                 ops::SplitAttributes{.axis = 0}, static_cast<int>(length));
      }
      replaced(chain[t]->h, steps[is_reverse ? length - 1 - t : t]);
    }
    if (IsReadOutside(last.c, nodes)) replaced(last.c, outputs[2]);
  }

  GraphEditor& editor_;
  Graph& graph_;
  std::vector<Cell> cells_;
  std::map<ValueId, int> cell_of_h_;
  std::map<ValueId, ValueId> renamed_;
};

}  // namespace

Status RunLstmRecognition(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    LstmMatcher(&editor).Run();
    editor.Finish();
  });
}

}  // namespace mace::passes
