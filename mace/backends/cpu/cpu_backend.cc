#include "mace/backends/cpu/cpu_backend.h"

#include "mace/backends/cpu/cpu_unit.h"
#include "mace/backends/cpu/lowering.h"
#include "mace/graph/op_definition.h"

namespace mace {
namespace {

class CpuBackend final : public Backend {
 public:
  const char* name() const override { return "cpu"; }
  Status Assess(const PlanView& plan, std::span<const NodeId> nodes, Assessment* assessment) override;
  Result<std::unique_ptr<Unit>> Compile(const PlanView& plan, const GroupView& group,
                                        const CompileOptions& options, std::span<const uint8_t> cached,
                                        Vector<uint8_t>* blob) override;
};

Status CpuBackend::Assess(const PlanView& plan, std::span<const NodeId> nodes, Assessment* assessment) {
  Assessment::Group group;
  for (NodeId id : nodes) {
    const Node& node = plan.graph->nodes[id];
    const OpDefinition* definition = FindOpDefinition(node.op);
    if (definition != nullptr && definition->reference != nullptr) {
      MACE_RETURN_IF_ERROR(group.nodes.PushBack(id));
      continue;
    }
    Assessment::Refusal refusal;
    refusal.node = id;
    MACE_RETURN_IF_ERROR(
        refusal.reason.AppendFormat("this build has no kernel for operator %d", static_cast<int>(node.op)));
    MACE_RETURN_IF_ERROR(assessment->refusals.PushBack(std::move(refusal)));
  }
  if (!group.nodes.empty()) MACE_RETURN_IF_ERROR(assessment->groups.PushBack(std::move(group)));
  return Status::Ok();
}

Result<std::unique_ptr<Unit>> CpuBackend::Compile(const PlanView& plan, const GroupView& group,
                                                  const CompileOptions& options, std::span<const uint8_t>,
                                                  Vector<uint8_t>*) {
  MACE_ASSIGN_OR_RETURN(std::unique_ptr<cpu::CpuUnit> unit, MakeUnique<cpu::CpuUnit>());
  cpu::Lowering lowering(plan, group, options, unit.get());
  MACE_RETURN_IF_ERROR(lowering.Run());
  return std::unique_ptr<Unit>(std::move(unit));
}

}  // namespace

Result<std::unique_ptr<Backend>> MakeCpuBackend() {
  MACE_ASSIGN_OR_RETURN(std::unique_ptr<CpuBackend> backend, MakeUnique<CpuBackend>());
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace mace
