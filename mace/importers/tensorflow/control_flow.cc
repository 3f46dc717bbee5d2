// Control flow of TensorFlow 1.x, which has no subgraphs: a loop is a frame, entered by Enter, left by Exit,
// whose values go round through Merge, Switch and NextIteration; a conditional is Switches in front and
// Merges behind (Yu et al., "Dynamic Control Flow in Large-Scale Machine Learning", 2018,
// https://arxiv.org/abs/1805.01772). An Exit becomes a Loop, a Merge of two branches an If; what is between
// them is converted in scopes of their own.
#include <algorithm>
#include <map>

#include "mace/importers/tensorflow/tensorflow_context.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::importers::tensorflow {

bool IsControlOperator(std::string_view name) {
  if (name.starts_with("Ref")) name = name.substr(3);
  constexpr std::string_view kNames[] = {"Enter", "Exit", "Merge", "NextIteration", "Switch"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

void FindLoopParts(NodeTable* table) {
  const auto count = static_cast<int32_t>(table->nodes.size());
  for (int32_t i = 0; i < count; ++i) {
    const std::string_view op = table->op(i);
    if (op == "Enter") {
      const AttributeValue* frame = table->nodes[i]->Find("frame_name");
      table->enters[frame != nullptr ? frame->s.value_or("") : ""].push_back(i);
    } else if (op == "Merge") {
      for (const TensorRef& ref : table->inputs[i]) {
        if (table->op(ref.node) == "Enter") table->merge_of_enter[ref.node] = i;
      }
    } else if (op == "Switch" && !table->inputs[i].empty()) {
      const TensorRef data = table->Origin(table->inputs[i][0]);
      if (table->op(data.node) == "Merge") table->switches_of_merge[data.node].push_back(i);
    }
  }
  for (int32_t i = 0; i < count; ++i) {
    if (table->op(i) != "Exit" || table->inputs[i].empty()) continue;
    const TensorRef data = table->Origin(table->inputs[i][0]);
    if (table->op(data.node) != "Switch" || table->inputs[data.node].empty()) continue;
    const TensorRef merged = table->Origin(table->inputs[data.node][0]);
    if (table->op(merged.node) == "Merge") table->exits_of_merge[merged.node].push_back(i);
  }
}

namespace {

TensorRef InputOf(const NodeTable& table, int32_t node, size_t i) {
  if (i >= table.inputs[node].size()) {
    throw ImportError(DataLoss("node '%s' has no input %zu", Text(table.nodes[node]->name).c_str(), i));
  }
  return table.inputs[node][i];
}

// The node LoopCond that a Switch asks, or -1: then it is one of a conditional.
int32_t LoopConditionOf(const NodeTable& table, int32_t node) {
  TensorRef ref = InputOf(table, node, 1);
  for (size_t steps = 0; steps < table.nodes.size(); ++steps) {
    if (table.op(ref.node) == "LoopCond") return ref.node;
    if (table.op(ref.node) != "Identity" || table.inputs[ref.node].empty()) return -1;
    ref = table.inputs[ref.node][0];
  }
  return -1;
}

// ---- loops

struct LoopVariable {
  TensorRef initial;
  int32_t merge = -1;
  TensorRef next;
  bool is_constant = false;  // no iteration changes it
};

struct Frame {
  std::vector<LoopVariable> variables;
  TensorRef condition;
};

std::string_view FrameOf(const NodeTable& table, int32_t exit) {
  const TensorRef origin = table.Origin(InputOf(table, exit, 0));
  if (table.op(origin.node) == "Switch") {
    const TensorRef merge = table.Origin(InputOf(table, origin.node, 0));
    if (table.op(merge.node) == "Merge") {
      for (const TensorRef& ref : table.inputs[merge.node]) {
        if (table.op(ref.node) != "Enter") continue;
        const AttributeValue* frame = table.nodes[ref.node]->Find("frame_name");
        return frame != nullptr ? frame->s.value_or("") : "";
      }
    }
  }
  throw ImportError(Unsupported("this Exit belongs to no loop of Enter, Merge and Switch"));
}

Frame ReadFrame(const NodeTable& table, std::string_view name) {
  Frame frame;
  int32_t condition = -1;
  for (int32_t enter : table.enters.at(name)) {
    const auto merge = table.merge_of_enter.find(enter);
    if (merge == table.merge_of_enter.end()) continue;
    LoopVariable variable;
    variable.initial = InputOf(table, enter, 0);
    variable.merge = merge->second;
    for (const TensorRef& ref : table.inputs[variable.merge]) {
      if (table.op(ref.node) == "NextIteration") variable.next = InputOf(table, ref.node, 0);
    }
    if (variable.next.node < 0) throw ImportError(Unsupported("a loop variable without NextIteration"));
    const TensorRef origin = table.Origin(variable.next);
    if (const auto found = table.switches_of_merge.find(variable.merge);
        found != table.switches_of_merge.end()) {
      for (int32_t node : found->second) {
        if (LoopConditionOf(table, node) >= 0) condition = LoopConditionOf(table, node);
        variable.is_constant = variable.is_constant || origin == TensorRef{node, 1};
      }
    }
    frame.variables.push_back(variable);
  }
  if (condition < 0) throw ImportError(Unsupported("a loop without LoopCond"));
  frame.condition = InputOf(table, condition, 0);
  return frame;
}

// The loop variables inside of the frame.
void BindVariable(Scope* scope, const LoopVariable& variable, ValueId value) {
  scope->Bind(variable.merge, {value, kNone});
  const auto found = scope->table().switches_of_merge.find(variable.merge);
  if (found == scope->table().switches_of_merge.end()) return;
  for (int32_t node : found->second) {
    if (LoopConditionOf(scope->table(), node) >= 0) scope->Bind(node, {value, value});
  }
}

// The condition where the variables have these values. `body`: null outside of it.
ValueId EvaluateCondition(Scope* around, const Frame& frame, GraphBuilder* builder, Body* body,
                          std::span<const ValueId> values) {
  Scope scope(&around->work(), &around->table(), builder, around, body, Scope::Kind::kFrame);
  for (size_t i = 0; i < frame.variables.size(); ++i) BindVariable(&scope, frame.variables[i], values[i]);
  const ValueId condition = scope.Evaluate(frame.condition);
  return condition == kNone ? kNone : AsCondition(builder, condition);
}

Results ConvertExit(Scope* scope, int32_t exit) {
  const NodeTable& table = scope->table();
  const Frame frame = ReadFrame(table, FrameOf(table, exit));
  std::vector<ValueId> initial, carried;
  for (const LoopVariable& variable : frame.variables) {
    const ValueId value = scope->Evaluate(variable.initial);
    if (value == kNone) return {};
    initial.push_back(value);
    if (!variable.is_constant) carried.push_back(value);
  }
  const ValueId condition = EvaluateCondition(scope, frame, &scope->builder(), nullptr, initial);
  if (condition == kNone) return {};
  const Results results = EmitLoop(
      &scope->work(), &scope->builder(), condition, carried, [&](Body& body, std::span<const ValueId> inner) {
        Scope inside(&scope->work(), &table, &body.builder(), scope, &body, Scope::Kind::kFrame);
        std::vector<ValueId> values;
        size_t next = 0;
        for (size_t i = 0; i < frame.variables.size(); ++i) {
          const LoopVariable& variable = frame.variables[i];
          values.push_back(variable.is_constant ? body.Capture(initial[i]) : inner[next++]);
          BindVariable(&inside, variable, values.back());
        }
        Results outputs = {kNone};
        for (size_t i = 0; i < frame.variables.size(); ++i) {
          if (frame.variables[i].is_constant) continue;
          values[i] = inside.Evaluate(frame.variables[i].next);
          if (values[i] == kNone) return Results{};
          outputs.push_back(values[i]);
        }
        outputs[0] = EvaluateCondition(scope, frame, &body.builder(), &body, values);
        return outputs[0] == kNone ? Results{} : outputs;
      });
  if (results.empty() && !carried.empty()) return {};
  size_t next = 0;
  for (size_t i = 0; i < frame.variables.size(); ++i) {
    const ValueId value = frame.variables[i].is_constant ? initial[i] : results[next++];
    const auto exits = table.exits_of_merge.find(frame.variables[i].merge);
    if (exits == table.exits_of_merge.end()) continue;
    for (int32_t node : exits->second) scope->Bind(node, {value});
  }
  const Results* found = scope->Find(exit);
  return found == nullptr ? Results{} : *found;
}

// ---- conditionals

struct Conditional {
  TensorRef predicate;
  TensorRef branches[2];  // when it is false, when it is true
  bool then_is_second = false;
};

// Which sides of which predicates are asked above `start`, not looking behind the Switches of `until`: what
// is there was computed before this conditional, perhaps by another one on the same predicate.
std::map<std::pair<int32_t, int32_t>, int> SidesAbove(const NodeTable& table, TensorRef start,
                                                      ImportWork* work, TensorRef until = {}) {
  std::map<std::pair<int32_t, int32_t>, int> sides;
  std::unordered_set<int32_t> seen;
  std::vector<TensorRef> stack = {start};
  while (!stack.empty()) {
    const TensorRef ref = stack.back();
    stack.pop_back();
    if (table.op(ref.node) == "Switch" && ref.output >= 0 && LoopConditionOf(table, ref.node) < 0) {
      const TensorRef predicate = table.Origin(InputOf(table, ref.node, 1));
      sides[{predicate.node, predicate.output}] |= ref.output == 0 ? 1 : 2;
      if (predicate == until) continue;
    }
    if (table.op(ref.node) == "NextIteration" || !seen.insert(ref.node).second) continue;
    work->Visit(1 + static_cast<int64_t>(table.inputs[ref.node].size()));
    for (const TensorRef& input : table.inputs[ref.node]) stack.push_back(input);
    for (int32_t control : table.controls[ref.node]) stack.push_back({control, -1});
  }
  return sides;
}

Conditional ReadConditional(const NodeTable& table, int32_t merge, ImportWork* work) {
  if (table.inputs[merge].size() != 2) {
    throw ImportError(Unsupported("a Merge of %zu branches", table.inputs[merge].size()));
  }
  const TensorRef inputs[] = {table.inputs[merge][0], table.inputs[merge][1]};
  const auto first = SidesAbove(table, inputs[0], work);
  const auto second = SidesAbove(table, inputs[1], work);
  Conditional conditional;
  const auto take = [&](const std::pair<int32_t, int32_t>& predicate, int sides, int other) {
    if ((sides | other) != 3 || (sides & other) != 0) return false;
    conditional.predicate = {predicate.first, predicate.second};
    conditional.then_is_second = sides == 1;
    conditional.branches[conditional.then_is_second ? 0 : 1] = inputs[0];
    conditional.branches[conditional.then_is_second ? 1 : 0] = inputs[1];
    return true;
  };
  for (const auto& [predicate, sides] : first) {
    const auto other = second.find(predicate);
    if (other != second.end() && take(predicate, sides, other->second)) return conditional;
  }
  // Both sides are asked where an earlier conditional has the same predicate: then the nearest Switches
  // count.
  for (const auto& [predicate, sides] : first) {
    if (!second.contains(predicate)) continue;
    const TensorRef until = {predicate.first, predicate.second};
    const int near = SidesAbove(table, inputs[0], work, until)[predicate];
    if (take(predicate, near, SidesAbove(table, inputs[1], work, until)[predicate])) return conditional;
  }
  // A branch that reads nothing but what holds everywhere asks no Switch at all.
  for (const auto& [sides, other, input] : {std::tuple(&first, &second, 0), std::tuple(&second, &first, 1)}) {
    for (const auto& [predicate, side] : *sides) {
      if (side == 3 || other->contains(predicate)) continue;
      conditional.predicate = {predicate.first, predicate.second};
      const int own = side == 2 ? 1 : 0;
      conditional.branches[own] = table.inputs[merge][input];
      conditional.branches[1 - own] = table.inputs[merge][1 - input];
      conditional.then_is_second = (own == 1) == (input == 1);
      return conditional;
    }
  }
  throw ImportError(Unsupported("a Merge whose two branches depend on no common condition"));
}

bool IsSwitchOf(const NodeTable& table, int32_t node, TensorRef predicate) {
  return table.op(node) == "Switch" && table.inputs[node].size() == 2 &&
         table.Origin(table.inputs[node][1]) == predicate;
}

// What the branches take from around them.
std::vector<int32_t> BranchInputs(const NodeTable& table, const Conditional& conditional, Scope* scope) {
  std::vector<int32_t> needed = {conditional.predicate.node};
  std::unordered_set<int32_t> seen;
  std::vector<int32_t> stack = {conditional.branches[0].node, conditional.branches[1].node};
  while (!stack.empty()) {
    const int32_t node = stack.back();
    stack.pop_back();
    if (table.op(node) == "NextIteration" || !seen.insert(node).second || scope->Find(node) != nullptr) {
      continue;
    }
    scope->work().Visit(1 + static_cast<int64_t>(table.inputs[node].size()));
    if (IsSwitchOf(table, node, conditional.predicate)) {
      needed.push_back(table.inputs[node][0].node);
      continue;
    }
    // The frame's outside is not of this scope.
    if (table.op(node) == "Enter" && scope->kind() == Scope::Kind::kFrame) continue;
    for (const TensorRef& input : table.inputs[node]) stack.push_back(input.node);
  }
  return needed;
}

Results ConvertMerge(Scope* scope, int32_t merge) {
  const NodeTable& table = scope->table();
  const Conditional conditional = ReadConditional(table, merge, &scope->work());
  ValueId condition = scope->Evaluate(conditional.predicate);
  if (condition == kNone) return {};
  condition = AsCondition(&scope->builder(), condition);
  const auto branch = [&](bool side) {
    return [&, side](GraphBuilder& builder, Body* body) -> std::optional<Results> {
      Scope inside(&scope->work(), &table, &builder, scope, body, Scope::Kind::kBranch);
      inside.condition = conditional.predicate;
      inside.side = side;
      const ValueId value = inside.Evaluate(conditional.branches[side ? 1 : 0]);
      if (value == kNone) return std::nullopt;
      return Results{value};
    };
  };
  const auto results = EmitIf(&scope->work(), &scope->builder(), condition, branch(true), branch(false));
  if (!results.has_value()) return {};
  GraphBuilder& g = scope->builder();
  const ValueId second = conditional.then_is_second ? condition : g.Emit(OpId::kNot, {condition});
  return {(*results)[0], g.Cast(second, DType::kI32)};
}

Scope* BranchOf(Scope* scope, int32_t node) {
  const TensorRef predicate = scope->table().Origin(InputOf(scope->table(), node, 1));
  for (Scope* other = scope; other != nullptr; other = other->outer()) {
    if (other->kind() == Scope::Kind::kBranch && other->condition == predicate) return other;
  }
  return nullptr;
}

// The scope of the frame around; null outside of loops.
Scope* FrameAround(Scope* scope) {
  while (scope != nullptr && scope->kind() != Scope::Kind::kFrame) scope = scope->outer();
  return scope;
}

// A value that comes from around `owner`, as it is seen in `scope`.
Results FromAround(Scope* scope, Scope* owner, int32_t node, TensorRef data, size_t outputs) {
  if (owner->outer() == nullptr) throw ImportError(Internal("a scope without surroundings"));
  if (owner != scope) {
    const Results* results = owner->Evaluate(node);
    return results == nullptr ? Results{} : *scope->Find(node);
  }
  const ValueId value = owner->outer()->Evaluate(data);
  if (value == kNone) return {};
  return Results(outputs, owner->Import(value));
}

}  // namespace

TensorRef PredicateOf(const NodeTable& table, int32_t merge, ImportWork* work) {
  for (const TensorRef& ref : table.inputs[merge]) {
    if (table.op(ref.node) == "NextIteration" || table.op(ref.node) == "Enter") return {};
  }
  try {
    return ReadConditional(table, merge, work).predicate;
  } catch (const ImportError& error) {  // told when the node is converted
    if (error.code() == StatusCode::kResourceExhausted) throw;
    return {};
  }
}

std::vector<int32_t> NeededByControl(Scope* scope, int32_t node) {
  const NodeTable& table = scope->table();
  std::vector<int32_t> needed;
  try {
    if (table.op(node) == "Exit") {
      for (int32_t enter : table.enters.at(FrameOf(table, node))) {
        for (const TensorRef& ref : table.inputs[enter]) needed.push_back(ref.node);
      }
    } else if (table.op(node) == "Merge") {
      return BranchInputs(table, ReadConditional(table, node, &scope->work()), scope);
    }
  } catch (const ImportError& error) {  // told when the node is converted
    if (error.code() == StatusCode::kResourceExhausted) throw;
  }
  return needed;
}

Results ConvertControl(Scope* scope, int32_t node) {
  const NodeTable& table = scope->table();
  const std::string_view op = table.op(node);
  if (op == "Exit") return ConvertExit(scope, node);
  if (op == "Merge") return ConvertMerge(scope, node);
  if (op == "Enter") {
    Scope* frame = FrameAround(scope);
    if (frame == nullptr) throw ImportError(Unsupported("what a loop computes is read outside of it"));
    return FromAround(scope, frame, node, InputOf(table, node, 0), 1);
  }
  if (op == "Switch") {
    Scope* branch = BranchOf(scope, node);
    if (branch == nullptr) throw ImportError(Unsupported("what one branch computes is read outside of it"));
    return FromAround(scope, branch, node, InputOf(table, node, 0), 2);
  }
  throw ImportError(Unsupported("%s outside of a loop", Text(op).c_str()));
}

}  // namespace mace::importers::tensorflow
