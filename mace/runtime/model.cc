#include "mace/runtime/model.h"

#include <cstring>

#include "mace/graph/op_definition.h"
#include "mace/model/loader.h"
#include "mace/ops/custom/custom.h"

namespace mace {
namespace {

constexpr int32_t kDefaultCachedPlans = 16;

// The names of the operators of the graph and its subgraphs, each once. `seen`: per operator.
Status ListOperators(const Graph& graph, Vector<uint8_t>* seen, String* names) {
  for (const Node& node : graph.nodes) {
    const OpDefinition* definition = FindOpDefinition(node.op);
    uint8_t& is_seen = (*seen)[static_cast<uint16_t>(node.op)];
    if (definition == nullptr || is_seen != 0) continue;
    is_seen = 1;
    MACE_RETURN_IF_ERROR(names->AppendFormat("%s%s", names->empty() ? "" : ", ", definition->name));
  }
  for (const std::unique_ptr<Graph>& subgraph : graph.subgraphs) {
    MACE_RETURN_IF_ERROR(ListOperators(*subgraph, seen, names));
  }
  return Status::Ok();
}

// Whether the application registered what the model needs of it, bodies of If and Loop included.
Status CheckCustomOperators(const Graph& graph, const CustomOperators& custom) {
  for (const Node& node : graph.nodes) {
    if (node.op != OpId::kCustom) continue;
    const std::string_view name = ops::CustomNameOf(graph, node);
    if (custom.Find(name) != nullptr) continue;
    return Status::Format(
        StatusCode::kFailedPrecondition,
        "node '%s' needs the operator '%.*s', which the application has to register with the runtime "
        "(mace_runtime_register_operator; in Python mace.load's custom_operators)",
        graph.LabelOf(node), static_cast<int>(name.size()), name.data());
  }
  for (const auto& subgraph : graph.subgraphs) MACE_RETURN_IF_ERROR(CheckCustomOperators(*subgraph, custom));
  return Status::Ok();
}

// numerics = exact is not built: every operator of the model is refused by its name.
Status RefuseExactNumerics(const Graph& graph) {
  String names;
  Vector<uint8_t> seen;
  MACE_RETURN_IF_ERROR(seen.Resize(UINT16_MAX + 1));
  MACE_RETURN_IF_ERROR(ListOperators(graph, &seen, &names));
  return Unsupported("numerics = exact is not built yet; these operators are not defined in it: %s",
                     names.c_str());
}

}  // namespace

Model::Model(Ref<Runtime> runtime, const ModelOptions& options)
    : runtime_(std::move(runtime)), options_(options) {}

Result<Ref<Model>> Model::LoadFile(Ref<Runtime> runtime, const char* path, const ModelOptions& options) {
  MACE_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  Ref<Model> model = Ref<Model>::Adopt(new (std::nothrow) Model(std::move(runtime), options));
  if (!model) return Status::OutOfMemory();
  model->file_ = std::move(file);
  Status status = model->LoadBytes(model->file_.bytes());
  if (!status.ok()) return std::move(status).WithPrefix("%s", path);
  return model;
}

Result<Ref<Model>> Model::LoadMemory(Ref<Runtime> runtime, std::span<const uint8_t> bytes,
                                     const ModelOptions& options) {
  Ref<Model> model = Ref<Model>::Adopt(new (std::nothrow) Model(std::move(runtime), options));
  if (!model) return Status::OutOfMemory();
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kModelAlignment != 0 && !bytes.empty()) {
    const BudgetAllocator& budget = model->runtime_->budget();
    const uint64_t refusals = budget.refusals();
    auto copy = Buffer::Allocate(bytes.size(), budget.allocator(), kModelAlignment);
    if (!copy.ok())
      return budget.Explain(copy.TakeStatus(), refusals, "an aligned copy of the file", bytes.size());
    model->copy_ = std::move(*copy);
    std::memcpy(model->copy_.data(), bytes.data(), bytes.size());
    bytes = {model->copy_.data(), model->copy_.size()};
  }
  MACE_RETURN_IF_ERROR(model->LoadBytes(bytes));
  return model;
}

Result<Ref<Model>> Model::FromGraph(Ref<Runtime> runtime, Graph graph, const ModelOptions& options) {
  Ref<Model> model = Ref<Model>::Adopt(new (std::nothrow) Model(std::move(runtime), options));
  if (!model) return Status::OutOfMemory();
  model->graph_ = std::move(graph);
  MACE_RETURN_IF_ERROR(model->Prepare());
  return model;
}

Status Model::LoadBytes(std::span<const uint8_t> bytes) {
  LoadOptions options;
  options.verify_full = options_.verify_full;
  MACE_RETURN_IF_ERROR(LoadModel(bytes, options, &graph_));
  file_bytes_ = bytes.size();
  return Prepare();
}

Status Model::Prepare() {
  if (options_.max_cached_plans < 0) {
    return InvalidArgument("max_cached_plans is 0 (16) or more, not %d", options_.max_cached_plans);
  }
  if (options_.max_cached_plans == 0) options_.max_cached_plans = kDefaultCachedPlans;
  if (options_.exact_numerics) return RefuseExactNumerics(graph_);
  MACE_RETURN_IF_ERROR(CheckCustomOperators(graph_, runtime_->custom_operators()));
  MACE_ASSIGN_OR_RETURN(program_, Program::Create(graph_, runtime_.get(), options_));
  Vector<int32_t> state_of;  // per value
  MACE_RETURN_IF_ERROR(state_of.Resize(graph_.values.size()));
  for (int32_t& state : state_of) state = kNone;
  for (size_t i = 0; i < graph_.states.size(); ++i) state_of[graph_.states[i].read] = static_cast<int32_t>(i);
  for (ValueId input : graph_.inputs) MACE_RETURN_IF_ERROR(input_states_.PushBack(state_of[input]));
  return Status::Ok();
}

const char* Model::DimName(int64_t dim) const {
  if (!IsSymbolDim(dim) || static_cast<size_t>(SymbolOf(dim)) >= graph_.symbols.size()) return nullptr;
  const String& name = graph_.symbols[SymbolOf(dim)].name;
  return name.empty() ? nullptr : name.c_str();
}

}  // namespace mace
