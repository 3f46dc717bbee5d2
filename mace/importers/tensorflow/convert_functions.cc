// Functions of 2.x: calls of them are expanded, If, Case and While get bodies of them.
#include <algorithm>

#include "mace/importers/tensorflow/tensorflow_registry.h"

namespace mace::importers::tensorflow {
namespace {

// Takes a function among those being expanded for as long as the object lives.
class Expansion {
 public:
  Expansion(ImportWork* work, std::string_view function) : work_(*work) {
    if (std::ranges::find(work_.calls, function) != work_.calls.end()) {
      throw ImportError(Unsupported("function '%s' calls itself", Text(function).c_str()));
    }
    work_.calls.push_back(function);
  }
  ~Expansion() { work_.calls.pop_back(); }
  Expansion(const Expansion&) = delete;
  Expansion& operator=(const Expansion&) = delete;

 private:
  ImportWork& work_;
};

// The results of a function on values of `builder`; nullopt where a node in it failed.
std::optional<Results> Expand(Call& call, std::string_view function, GraphBuilder* builder,
                              std::span<const ValueId> arguments) {
  ImportWork& work = call.scope.work();
  const Expansion expansion(&work, function);
  const NodeTable& table = work.TableOf(function);
  if (table.arguments.size() != arguments.size()) {
    throw ImportError(DataLoss("function '%s' takes %zu arguments, %zu are given", Text(function).c_str(),
                               table.arguments.size(), arguments.size()));
  }
  Scope scope(&work, &table, builder, nullptr, nullptr);
  scope.prefix = call.scope.prefix + std::string(call.node.name) + "/";
  constexpr size_t kMostPrefix = 1024;
  if (scope.prefix.size() > kMostPrefix) scope.prefix.resize(kMostPrefix);
  for (size_t i = 0; i < arguments.size(); ++i) scope.Bind(static_cast<int32_t>(i), {arguments[i]});
  Results results;
  bool failed = false;
  for (const TensorRef& ref : table.results) {
    results.push_back(scope.Evaluate(ref));
    failed = failed || results.back() == kNone;
  }
  if (failed) return std::nullopt;
  return results;
}

const Results kFailed = {kNone};

BranchWriter BranchOf(Call& call, std::string_view function, size_t first) {
  return [&call, function, first](GraphBuilder& builder, Body* body) {
    Results arguments;
    for (size_t i = first; i < call.count(); ++i) {
      arguments.push_back(body == nullptr ? call.In(i) : body->Capture(call.In(i)));
    }
    return Expand(call, function, &builder, arguments);
  };
}

// Branch `index` of a Case, or one behind it; `selector` is of the builder's graph.
std::optional<Results> EmitCase(Call& call, const std::vector<std::string_view>& branches, size_t index,
                                GraphBuilder* builder, Body* body, ValueId selector,
                                std::span<const ValueId> arguments) {
  if (index + 1 == branches.size()) return Expand(call, branches[index], builder, arguments);
  ImportWork& work = call.scope.work();
  const ValueId here =
      builder->Emit(OpId::kEqual, {selector, builder->Scalar(static_cast<double>(index), DType::kI32)});
  const auto inside = [&](Body* inner) {
    Results values;
    for (ValueId value : arguments) values.push_back(inner == nullptr ? value : inner->Capture(value));
    return values;
  };
  return EmitIf(
      &work, builder, AsCondition(builder, here),
      [&](GraphBuilder& graph, Body* inner) { return Expand(call, branches[index], &graph, inside(inner)); },
      [&](GraphBuilder& graph, Body* inner) {
        const ValueId same = inner == nullptr ? selector : inner->Capture(selector);
        return EmitCase(call, branches, index + 1, &graph, inner, same, inside(inner));
      });
}

}  // namespace

Results ConvertFunctionCall(Call& call, const TensorflowOp& entry) {
  return Expand(call, call.Function("f"), &call.g, call.inputs).value_or(kFailed);
}

Results ConvertFunctionIf(Call& call, const TensorflowOp& entry) {
  const ValueId condition = AsCondition(&call.g, call.In(0));
  return EmitIf(&call.scope.work(), &call.g, condition, BranchOf(call, call.Function("then_branch"), 1),
                BranchOf(call, call.Function("else_branch"), 1))
      .value_or(kFailed);
}

Results ConvertFunctionCase(Call& call, const TensorflowOp& entry) {
  const AttributeValue* value = call.node.Find("branches");
  constexpr size_t kMostBranches = 16;  // each is a level of bodies
  if (value == nullptr || value->functions.empty() || value->functions.size() > kMostBranches) {
    throw ImportError(Unsupported("a Case without branches, or with more than %zu", kMostBranches));
  }
  const Results arguments(call.inputs.begin() + (call.count() > 0 ? 1 : 0), call.inputs.end());
  return EmitCase(call, value->functions, 0, &call.g, nullptr, call.In(0), arguments).value_or(kFailed);
}

Results ConvertFunctionWhile(Call& call, const TensorflowOp& entry) {
  const std::string_view condition_name = call.Function("cond"), body_name = call.Function("body");
  const NodeTable& table = call.scope.work().TableOf(body_name);
  if (table.results.size() != call.count() || table.arguments.size() != call.count()) {
    throw ImportError(DataLoss("a body of %zu results for %zu values", table.results.size(), call.count()));
  }
  std::vector<bool> is_constant;  // no iteration changes it
  std::vector<ValueId> carried;
  for (size_t i = 0; i < call.count(); ++i) {
    is_constant.push_back(table.Origin(table.results[i]) == TensorRef{static_cast<int32_t>(i), 0});
    if (!is_constant[i]) carried.push_back(call.In(i));
  }
  const auto condition_of = [&](GraphBuilder* builder, std::span<const ValueId> values) {
    const auto results = Expand(call, condition_name, builder, values);
    if (results.has_value() && results->size() != 1) {
      throw ImportError(DataLoss("a condition of %zu results", results->size()));
    }
    return results.has_value() ? AsCondition(builder, (*results)[0]) : kNone;
  };
  const ValueId condition = condition_of(&call.g, call.inputs);
  if (condition == kNone) return kFailed;
  const Results outputs = EmitLoop(
      &call.scope.work(), &call.g, condition, carried, [&](Body& body, std::span<const ValueId> inner) {
        Results values;
        size_t next = 0;
        for (size_t i = 0; i < call.count(); ++i) {
          values.push_back(is_constant[i] ? body.Capture(call.In(i)) : inner[next++]);
        }
        const auto results = Expand(call, body_name, &body.builder(), values);
        if (!results.has_value()) return Results{};
        Results all = {kNone};
        for (size_t i = 0; i < call.count(); ++i) {
          if (is_constant[i]) continue;
          values[i] = (*results)[i];
          all.push_back(values[i]);
        }
        all[0] = condition_of(&body.builder(), values);
        return all[0] == kNone ? Results{} : all;
      });
  if (outputs.empty() && !carried.empty()) return kFailed;
  Results results;
  size_t next = 0;
  for (size_t i = 0; i < call.count(); ++i) results.push_back(is_constant[i] ? call.In(i) : outputs[next++]);
  return results;
}

}  // namespace mace::importers::tensorflow
