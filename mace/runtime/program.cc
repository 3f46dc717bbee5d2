#include "mace/runtime/program.h"

#include <algorithm>
#include <cstring>

#include "mace/runtime/plan_builder.h"

namespace mace {
namespace {

// Stages of one plan: each holds an analysis of the whole graph.
constexpr size_t kMaxStages = 4096;

// So many plans for other elements of the same shapes are enough.
constexpr int32_t kMaxRepeats = 8;

bool SameTypes(const Vector<TensorType>& a, const Vector<TensorType>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const TensorType& x, const TensorType& y) {
    return x.dtype == y.dtype && x.shape == y.shape;
  });
}

Status NameTensors(const Graph& graph, const Vector<ValueId>& values, const char* prefix,
                   Vector<String>* names) {
  MACE_RETURN_IF_ERROR(names->Resize(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const String& name = graph.values[values[i]].name;
    MACE_RETURN_IF_ERROR(name.empty() ? (*names)[i].AppendFormat("%s_%zu", prefix, i)
                                      : (*names)[i].Assign(name.view()));
  }
  return Status::Ok();
}

}  // namespace

Program::Program(const Graph& graph, Runtime* runtime, const ModelOptions& options)
    : graph_(graph),
      runtime_(runtime),
      options_(options),
      packed_(runtime->allocator(), runtime->budget().limit()) {}

Result<std::unique_ptr<Program>> Program::Create(const Graph& graph, Runtime* runtime,
                                                 const ModelOptions& options) {
  std::unique_ptr<Program> program(new (std::nothrow) Program(graph, runtime, options));
  if (program == nullptr) return Status::OutOfMemory();
  MACE_RETURN_IF_ERROR(NameTensors(graph, graph.inputs, "input", &program->input_names_));
  MACE_RETURN_IF_ERROR(NameTensors(graph, graph.outputs, "output", &program->output_names_));
  for (const std::unique_ptr<Graph>& subgraph : graph.subgraphs) {
    MACE_ASSIGN_OR_RETURN(std::unique_ptr<Program> body, Create(*subgraph, runtime, options));
    MACE_RETURN_IF_ERROR(program->bodies_.PushBack(std::move(body)));
  }
  return program;
}

uint64_t Program::packed_bytes() const {
  uint64_t bytes = packed_.total_bytes();
  for (const std::unique_ptr<Program>& body : bodies_) bytes += body->packed_bytes();
  return bytes;
}

bool Program::IsPlanFor(const Plan& plan, const Plan& before, std::span<const TensorView> facts) {
  if (plan.before_serial != before.serial) return false;
  for (size_t i = 0; i < facts.size(); ++i) {
    const TensorView& known = plan.facts[i];
    if (known.dtype != facts[i].dtype || !(known.shape == facts[i].shape)) return false;
    if (!before.analysis.learned[i].elements) continue;
    const int64_t bytes = facts[i].bytes();
    if (bytes > 0 && std::memcmp(known.data, facts[i].data, static_cast<size_t>(bytes)) != 0) return false;
  }
  return true;
}

template <typename Matches>
Ref<Plan> Program::Find(size_t stage, const Matches& matches) {
  std::lock_guard lock(plans_mutex_);
  if (stage >= plans_.size()) return Ref<Plan>();
  Vector<Ref<Plan>>& plans = plans_[stage];
  for (size_t i = plans.size(); i-- > 0;) {
    if (!matches(*plans[i])) continue;
    std::rotate(plans.begin() + i, plans.begin() + i + 1, plans.end());
    return plans.back();
  }
  return Ref<Plan>();
}

template <typename Matches>
Result<Ref<Plan>> Program::FindOrBuild(size_t stage, const Matches& matches, PlanBuilder builder,
                                       bool* is_built) {
  if (Ref<Plan> plan = Find(stage, matches)) return plan;
  std::lock_guard build_lock(build_mutex_);
  if (Ref<Plan> plan = Find(stage, matches)) return plan;  // built while this thread waited
  const uint64_t refusals = runtime_->budget().refusals();
  auto built = builder.Build();
  if (!built.ok()) return runtime_->budget().Explain(built.TakeStatus(), refusals);
  Ref<Plan> plan = std::move(built).value();
  plan->serial = ++last_serial_;
  *is_built = true;
  MACE_RETURN_IF_ERROR(Keep(stage, plan));
  return plan;
}

// `kept`: plans of the same stage.
void Program::CountRepeats(std::span<const Ref<Plan>> kept, Plan* plan) {
  for (size_t i = kept.size(); i-- > 0;) {
    if (kept[i]->before_serial != plan->before_serial) continue;
    if (SameTypes(kept[i]->analysis.types, plan->analysis.types)) plan->repeats = kept[i]->repeats + 1;
    break;
  }
  if (plan->repeats >= kMaxRepeats) interprets_.store(true, std::memory_order_relaxed);
}

// In the place of the one that was not wanted for longest, where there are enough. What stands behind that
// one is found no more, and goes the same way in its turn.
Status Program::Keep(size_t stage, const Ref<Plan>& plan) {
  Ref<Plan> evicted;  // destroyed outside of the lock
  std::lock_guard lock(plans_mutex_);
  if (stage >= plans_.size()) MACE_RETURN_IF_ERROR(plans_.Resize(stage + 1));
  Vector<Ref<Plan>>& plans = plans_[stage];
  if (stage > 0) CountRepeats(plans.span(), plan.get());
  if (plans.size() >= static_cast<size_t>(options_.max_cached_plans)) {
    evicted = std::move(plans[0]);
    std::rotate(plans.begin(), plans.begin() + 1, plans.end());
    plans.PopBack();
  }
  return plans.PushBack(plan);
}

Result<Ref<Plan>> Program::FindOrBuildPlan(const PlanKey& key, bool* is_built) {
  const auto matches = [&](const Plan& plan) { return plan.key == key && plan.interprets == interprets(); };
  return FindOrBuild(0, matches, PlanBuilder(this, key), is_built);
}

Result<Ref<Plan>> Program::FindOrBuildNext(const Plan& before, std::span<const TensorView> facts,
                                           bool* is_built) {
  const auto stage = static_cast<size_t>(before.stage) + 1;
  if (stage >= kMaxStages) return ResourceExhausted("a plan of more than %zu stages", kMaxStages);
  const auto matches = [&](const Plan& plan) { return IsPlanFor(plan, before, facts); };
  return FindOrBuild(stage, matches, PlanBuilder(this, before, facts), is_built);
}

}  // namespace mace
