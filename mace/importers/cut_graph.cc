#include "mace/importers/cut_graph.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "mace/importers/import_error.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::importers {
namespace {

using Tensor = ResolvedCut::Tensor;

std::string Quoted(std::string_view name) { return "'" + std::string(name.substr(0, 120)) + "'"; }

[[noreturn]] void Refuse(const std::string& text) { throw ImportError(StatusCode::kInvalidArgument, text); }

bool Contains(const Vector<ValueId>& list, ValueId value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class Cutter {
 public:
  Cutter(const ResolvedCut& cut, const std::function<ValueId(int32_t)>& value_of, Graph* graph,
         std::vector<std::string>* warnings)
      : cut_(cut), value_of_(value_of), graph_(*graph), warnings_(*warnings) {}

  void Run() {
    for (const auto& [from, to] : cut_.joins) Join(from, to);
    TakeInputs();
    TakeOutputs();
    FindNeeds();
    DropStates();
    DropInputs();
    Check(passes::RunDeadCodeRemoval(&graph_));
    Status status = InferGraphTypes(&graph_);
    if (!status.ok()) {
      Check(std::move(status).WithPrefix("the model does not fit the chosen inputs"), ImportStage::kShape);
    }
  }

 private:
  ValueId ValueOf(const Tensor& tensor) {
    ValueId value = value_of_(tensor.number);
    // A joined tensor is what it was joined to, which may have been joined as well.
    for (auto found = joined_.find(value); found != joined_.end(); found = joined_.find(value)) {
      value = found->second;
    }
    return value;
  }
  const TensorType& TypeOf(ValueId value) const { return graph_.values[value].type; }
  std::string NameOfValue(ValueId value) const { return Quoted(graph_.values[value].name.view()); }

  // A copy of `value` with this name and quantization.
  ValueId Copy(ValueId value, std::string_view name, int32_t quantization) {
    TensorType type = TypeOf(value);
    type.quantization = quantization;
    const ValueId copy = Unwrap(graph_.AddValue(name, type));
    Unwrap(graph_.AddNode(OpId::kIdentity, name, {&value, 1}, {&copy, 1}));
    return copy;
  }

  // Whether `value` is computed from `other`.
  bool DependsOn(ValueId value, ValueId other) const {
    std::unordered_set<ValueId> seen;
    std::vector<ValueId> waiting = {value};
    while (!waiting.empty()) {
      const ValueId next = waiting.back();
      waiting.pop_back();
      if (next == other) return true;
      if (next == kNone || !seen.insert(next).second || graph_.values[next].producer == kNone) continue;
      for (ValueId input : graph_.nodes[graph_.values[next].producer].inputs) waiting.push_back(input);
    }
    return false;
  }

  void Join(const Tensor& from, const Tensor& to) {
    const std::string text = "join of " + Quoted(from.name) + " to " + Quoted(to.name) + ": ";
    ValueId source = ValueOf(from);
    const ValueId target = ValueOf(to);
    if (graph_.ConstantOf(target) != nullptr) Refuse(text + Quoted(to.name) + " is a constant");
    if (DependsOn(source, target)) Refuse(text + "the first depends on the second");
    const TensorType& a = TypeOf(source);
    const TensorType& b = TypeOf(target);
    const bool known = a.shape.HasRank() && b.shape.HasRank();
    bool fits = a.dtype == b.dtype && (!known || a.shape.rank == b.shape.rank);
    for (int i = 0; fits && known && i < a.shape.rank; ++i) {
      fits = a.shape[i] < 0 || b.shape[i] < 0 || a.shape[i] == b.shape[i];
    }
    if (!fits) {
      Refuse(text + "the first is " + NameOf(a.dtype) + ShapeText(a.shape).text + ", the second " +
             NameOf(b.dtype) + ShapeText(b.shape).text);
    }
    // The integers go over as they are; who reads them does so with the scale that it expects.
    const bool rescaled = a.quantization != b.quantization && b.quantization != kNone;
    if (rescaled) source = Copy(source, "", b.quantization);
    for (Node& node : graph_.nodes) {
      for (ValueId& input : node.inputs) {
        if (input == target) input = source;
      }
    }
    for (State& state : graph_.states) {
      if (state.write == target) state.write = source;
    }
    for (ValueId& output : graph_.outputs) {
      if (output != target) continue;
      const std::string name(graph_.values[target].name.view());
      output = Copy(source, name, TypeOf(source).quantization);
    }
    Remove(&graph_.inputs, target);
    joined_[target] = source;
  }

  static void Remove(Vector<ValueId>* list, ValueId value) {
    Vector<ValueId> rest;
    for (ValueId other : *list) {
      if (other != value) Check(rest.PushBack(other));
    }
    *list = std::move(rest);
  }

  void TakeInputs() {
    if (cut_.inputs.empty()) return;
    Vector<ValueId> inputs;
    for (const Tensor& tensor : cut_.inputs) {
      const ValueId value = ValueOf(tensor);
      const std::string text = "input " + Quoted(tensor.name);
      if (graph_.ConstantOf(value) != nullptr) {
        Refuse(text + ": is a constant of the model, or computed from constants only");
      }
      if (Contains(inputs, value)) Refuse(text + ": is the same tensor as the input " + NameOfValue(value));
      Detach(value);
      Check(graph_.values[value].name.Assign(tensor.name));
      FixShape(tensor, value);
      Check(inputs.PushBack(value));
    }
    graph_.inputs = std::move(inputs);
  }

  // The node that computes `value` gets another value to write in its place.
  void Detach(ValueId value) {
    const NodeId producer = graph_.values[value].producer;
    if (producer == kNone) return;
    const ValueId unread = Unwrap(graph_.AddValue("", TypeOf(value)));
    for (ValueId& output : graph_.nodes[producer].outputs) {
      if (output == value) output = unread;
    }
    graph_.values[unread].producer = producer;
    graph_.values[value].producer = kNone;
  }

  void FixShape(const Tensor& tensor, ValueId value) {
    Shape shape = TypeOf(value).shape;
    const std::string text =
        "input " + Quoted(tensor.name) + ": the source's shape is " + ShapeText(shape).text;
    if (tensor.shape.has_value() && !shape.HasRank()) {
      if (tensor.shape->size() > kMaxRank) Refuse(text + ", the given one has more than 8 dimensions");
      shape = Shape();
      while (shape.rank < static_cast<int>(tensor.shape->size())) shape.Push(kUnknownDim);
    }
    if (tensor.shape.has_value() && tensor.shape->size() != static_cast<size_t>(shape.rank)) {
      Refuse(text + ", the given one has " + std::to_string(tensor.shape->size()) + " dimensions");
    }
    for (int i = 0; i < shape.rank; ++i) {
      const int64_t dim = tensor.shape.has_value() ? (*tensor.shape)[static_cast<size_t>(i)] : -1;
      if (dim < -1) Refuse(text + ", dimension " + std::to_string(i) + " is given as " + std::to_string(dim));
      if (dim >= 0 && shape[i] >= 0 && shape[i] != dim) {
        Refuse(text + ", dimension " + std::to_string(i) + " cannot be " + std::to_string(dim));
      }
      if (dim >= 0) {
        shape[i] = dim;
      } else if (shape[i] == kUnknownDim) {
        // A symbol of its own, so that shapes computed from it can be compared.
        const std::string symbol = tensor.name + "_dim" + std::to_string(i);
        shape[i] = SymbolDim(Unwrap(graph_.FindOrAddSymbol(symbol)));
      }
    }
    graph_.values[value].type.shape = shape;
  }

  void TakeOutputs() {
    if (cut_.outputs.empty()) return;
    Vector<ValueId> outputs;
    for (const Tensor& tensor : cut_.outputs) {
      ValueId value = ValueOf(tensor);
      // Every output is written by a node, and has a value and a name of its own.
      if (graph_.values[value].producer == kNone || Contains(outputs, value)) {
        value = Copy(value, tensor.name, TypeOf(value).quantization);
      } else {
        Check(graph_.values[value].name.Assign(tensor.name));
      }
      Check(outputs.PushBack(value));
    }
    graph_.outputs = std::move(outputs);
  }

  bool IsNeeded(ValueId value) const { return needed_[static_cast<size_t>(value)]; }

  // All that the outputs depend on, and what the states become that they read.
  void FindNeeds() {
    for (const State& state : graph_.states) becomes_[state.read] = state.write;
    needed_.assign(graph_.values.size(), false);
    is_input_.assign(graph_.values.size(), false);
    for (ValueId input : graph_.inputs) is_input_[static_cast<size_t>(input)] = true;
    for (ValueId output : graph_.outputs) Need(output);
  }

  void Need(ValueId output) {
    std::vector<ValueId> waiting = {output};
    while (!waiting.empty()) {
      const ValueId value = waiting.back();
      waiting.pop_back();
      if (value == kNone || needed_[static_cast<size_t>(value)]) continue;
      needed_[static_cast<size_t>(value)] = true;
      const NodeId producer = graph_.values[value].producer;
      if (producer != kNone) {
        for (ValueId input : graph_.nodes[producer].inputs) waiting.push_back(input);
      } else if (const auto state = becomes_.find(value); state != becomes_.end()) {
        waiting.push_back(state->second);
      } else if (graph_.ConstantOf(value) == nullptr && !is_input_[static_cast<size_t>(value)]) {
        std::string chosen;
        for (size_t i = 0; i < cut_.inputs.size() && i < 8; ++i) {
          chosen += (i == 0 ? "" : ", ") + Quoted(cut_.inputs[i].name);
        }
        Refuse("output " + NameOfValue(output) + " needs the model's input " + NameOfValue(value) +
               ", which is not among the chosen inputs (" + chosen + ")");
      }
    }
  }

  void DropStates() {
    Vector<State> states;
    for (State& state : graph_.states) {
      if (IsNeeded(state.read)) {
        Check(states.PushBack(std::move(state)));
      } else {
        Warn("state " + Quoted(state.name.view()) + " was dropped: no chosen output depends on it");
      }
    }
    graph_.states = std::move(states);
  }

  void DropInputs() {
    if (!cut_.inputs.empty()) {
      for (ValueId input : graph_.inputs) {
        if (!IsNeeded(input)) Warn("no output depends on the chosen input " + NameOfValue(input));
      }
      return;
    }
    // The model's own inputs, which had no effect from the start, stay.
    if (cut_.outputs.empty()) return;
    Vector<ValueId> inputs;
    for (ValueId input : graph_.inputs) {
      if (IsNeeded(input)) {
        Check(inputs.PushBack(input));
      } else {
        Warn("input " + NameOfValue(input) + " was dropped: no chosen output depends on it");
      }
    }
    graph_.inputs = std::move(inputs);
  }

  void Warn(std::string text) {
    constexpr size_t kMaxWarnings = 200;
    if (warnings_.size() < kMaxWarnings) warnings_.push_back(std::move(text));
  }

  const ResolvedCut& cut_;
  const std::function<ValueId(int32_t)>& value_of_;
  Graph& graph_;
  std::vector<std::string>& warnings_;
  std::unordered_map<ValueId, ValueId> joined_;
  std::unordered_map<ValueId, ValueId> becomes_;  // by the read value of a state: what it becomes
  // Of each value: an output depends on it; it is an input.
  std::vector<bool> needed_, is_input_;
};

}  // namespace

void CutGraph(const ResolvedCut& cut, const std::function<ValueId(int32_t number)>& value_of, Graph* graph,
              std::vector<std::string>* warnings) {
  Cutter(cut, value_of, graph, warnings).Run();
}

}  // namespace mace::importers
