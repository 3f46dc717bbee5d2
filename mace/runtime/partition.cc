#include "mace/runtime/partition.h"

#include "mace/graph/op_definition.h"

namespace mace {
namespace {

class Partitioner {
 public:
  Partitioner(const PlanView& plan, std::span<const NodeId> nodes,
              std::span<const std::unique_ptr<Backend>> backends, std::span<const uint8_t> refused)
      : plan_(plan), nodes_(nodes), backends_(backends), refused_(refused) {}

  Status Assign(Vector<NodeRefusal>* refusals);
  Status Order(Vector<PartitionUnit>* units);
  Status FindBoundaries(std::span<const uint8_t> kept, Vector<PartitionUnit>* units) const;

 private:
  struct Group {
    int32_t backend = 0;
    float predicted_milliseconds = 0;
    int32_t outside = 0;  // operands that nodes outside the group, not scheduled yet, have to produce
    int32_t left = 0;     // nodes not scheduled yet
    Vector<NodeId> nodes;
  };
  Status AskBackend(int32_t backend, Vector<NodeId>* pending, Vector<NodeRefusal>* refusals);
  Status ErrorOf(std::span<const NodeId> pending, std::span<const NodeRefusal> refusals) const;
  const Graph& graph() const { return *plan_.graph; }
  // The live node that writes `value` while the plan runs, or kNone.
  NodeId ProducerOf(ValueId value) const {
    if (value == kNone || plan_.known[value] != nullptr) return kNone;
    const NodeId producer = graph().values[value].producer;
    return producer != kNone && group_of_[producer] != kNone ? producer : kNone;
  }
  bool IsReady(NodeId node) const {
    for (ValueId input : graph().nodes[node].inputs) {
      const NodeId producer = ProducerOf(input);
      if (producer != kNone && scheduled_[producer] == 0) return false;
    }
    return true;
  }
  Status ScheduleFrom(int32_t group, Vector<PartitionUnit>* units);

  const PlanView& plan_;
  std::span<const NodeId> nodes_;
  std::span<const std::unique_ptr<Backend>> backends_;
  std::span<const uint8_t> refused_;
  Vector<int32_t> group_of_;  // per node of the graph; kNone: not live
  Vector<uint8_t> scheduled_;
  Vector<int32_t> unit_of_;
  Vector<Group> groups_;
};

Status Partitioner::ErrorOf(std::span<const NodeId> pending, std::span<const NodeRefusal> refusals) const {
  String text;
  MACE_RETURN_IF_ERROR(text.AppendFormat("no backend takes %zu node(s):", pending.size()));
  for (NodeId id : pending) {
    const Node& node = graph().nodes[id];
    const OpDefinition* definition = FindOpDefinition(node.op);
    const char* reason = "";
    for (const NodeRefusal& refusal : refusals) {
      if (refusal.node == id) reason = refusal.reason.c_str();
    }
    if (text.size() > 3500) {
      MACE_RETURN_IF_ERROR(text.Append(" ..."));
      break;
    }
    MACE_RETURN_IF_ERROR(text.AppendFormat(" '%s' (%s): %s;", node.name.c_str(),
                                           definition == nullptr ? "?" : definition->name, reason));
  }
  return Unsupported("%s", text.c_str());
}

// Asks one backend about the nodes that are left and removes what it takes from `pending`.
Status Partitioner::AskBackend(int32_t backend, Vector<NodeId>* pending, Vector<NodeRefusal>* refusals) {
  Vector<NodeId> asked, left;
  for (NodeId id : *pending) {
    const size_t flag = static_cast<size_t>(backend) * graph().nodes.size() + id;
    MACE_RETURN_IF_ERROR((refused_[flag] != 0 ? left : asked).PushBack(id));
  }
  Assessment assessment;
  MACE_RETURN_IF_ERROR(backends_[backend]
                           ->Assess(plan_, asked.span(), &assessment)
                           .WithPrefix("%s", backends_[backend]->name()));
  for (Assessment::Group& offered : assessment.groups) {
    Group group;
    group.backend = backend;
    group.predicted_milliseconds = offered.predicted_milliseconds;
    const auto index = static_cast<int32_t>(groups_.size());
    for (NodeId id : offered.nodes) {
      if (id < 0 || static_cast<size_t>(id) >= graph().nodes.size() || group_of_[id] != kNone) {
        return Internal("backend %s offers node %d, which it was not asked about or has offered before",
                        backends_[backend]->name(), id);
      }
      group_of_[id] = index;
    }
    MACE_RETURN_IF_ERROR(groups_.PushBack(std::move(group)));
  }
  for (Assessment::Refusal& refusal : assessment.refusals) {
    MACE_RETURN_IF_ERROR(refusals->PushBack({backend, refusal.node, std::move(refusal.reason)}));
  }
  pending->Clear();
  for (NodeId id : nodes_) {  // merges what was not asked and what was not taken, in topological order
    if (group_of_[id] == kNone) MACE_RETURN_IF_ERROR(pending->PushBack(id));
  }
  return Status::Ok();
}

Status Partitioner::Assign(Vector<NodeRefusal>* refusals) {
  MACE_RETURN_IF_ERROR(group_of_.Resize(graph().nodes.size()));
  MACE_RETURN_IF_ERROR(scheduled_.Resize(graph().nodes.size()));
  MACE_RETURN_IF_ERROR(unit_of_.Resize(graph().nodes.size()));
  for (int32_t& group : group_of_) group = kNone;
  for (int32_t& unit : unit_of_) unit = kNone;
  Vector<NodeId> pending;
  MACE_RETURN_IF_ERROR(pending.Assign(nodes_.data(), nodes_.size()));
  for (size_t backend = 0; backend < backends_.size() && !pending.empty(); ++backend) {
    MACE_RETURN_IF_ERROR(AskBackend(static_cast<int32_t>(backend), &pending, refusals));
  }
  if (!pending.empty()) return ErrorOf(pending.span(), refusals->span());
  // Backends may list a group's nodes in any order; the graph's order is topological.
  for (NodeId id : nodes_) MACE_RETURN_IF_ERROR(groups_[group_of_[id]].nodes.PushBack(id));
  for (NodeId id : nodes_) {
    Group& group = groups_[group_of_[id]];
    ++group.left;
    for (ValueId input : graph().nodes[id].inputs) {
      const NodeId producer = ProducerOf(input);
      if (producer != kNone && group_of_[producer] != group_of_[id]) ++group.outside;
    }
  }
  return Status::Ok();
}

// Appends a unit of all nodes of `group` that can run now.
Status Partitioner::ScheduleFrom(int32_t group, Vector<PartitionUnit>* units) {
  PartitionUnit unit;
  unit.backend = groups_[group].backend;
  const auto index = static_cast<int32_t>(units->size());
  for (NodeId id : groups_[group].nodes) {
    if (scheduled_[id] != 0 || !IsReady(id)) continue;
    scheduled_[id] = 1;
    unit_of_[id] = index;
    --groups_[group].left;
    MACE_RETURN_IF_ERROR(unit.nodes.PushBack(id));
  }
  unit.predicted_milliseconds = groups_[group].predicted_milliseconds *
                                static_cast<float>(unit.nodes.size()) /
                                static_cast<float>(groups_[group].nodes.size());
  return units->PushBack(std::move(unit));
}

// Units in an order that respects the graph. A group whose operands from outside are all there runs whole;
// where no group is in that state, one is cut at what is missing.
Status Partitioner::Order(Vector<PartitionUnit>* units) {
  size_t left = nodes_.size();
  size_t first = 0;  // of nodes_, not scheduled
  while (left > 0) {
    while (scheduled_[nodes_[first]] != 0) ++first;
    int32_t chosen = group_of_[nodes_[first]];  // the first node left is always ready
    for (size_t group = 0; group < groups_.size(); ++group) {
      if (groups_[group].left > 0 && groups_[group].outside == 0) {
        chosen = static_cast<int32_t>(group);
        break;
      }
    }
    MACE_RETURN_IF_ERROR(ScheduleFrom(chosen, units));
    const PartitionUnit& unit = units->back();
    left -= unit.nodes.size();
    // What the new unit produces is no longer missing elsewhere.
    for (NodeId id : nodes_) {
      if (scheduled_[id] != 0) continue;
      for (ValueId input : graph().nodes[id].inputs) {
        const NodeId producer = ProducerOf(input);
        if (producer != kNone && unit_of_[producer] == static_cast<int32_t>(units->size()) - 1 &&
            group_of_[producer] != group_of_[id]) {
          --groups_[group_of_[id]].outside;
        }
      }
    }
  }
  return Status::Ok();
}

// The values that cross the edge of each unit.
Status Partitioner::FindBoundaries(std::span<const uint8_t> kept, Vector<PartitionUnit>* units) const {
  Vector<int32_t> last_reader;  // per value: the last unit that lists it as an input
  Vector<uint8_t> is_output;    // per value
  MACE_RETURN_IF_ERROR(last_reader.Resize(graph().values.size()));
  MACE_RETURN_IF_ERROR(is_output.Assign(kept.data(), kept.size()));
  for (int32_t& unit : last_reader) unit = kNone;
  for (size_t u = 0; u < units->size(); ++u) {
    const auto index = static_cast<int32_t>(u);
    for (NodeId id : (*units)[u].nodes) {
      for (ValueId input : graph().nodes[id].inputs) {
        if (input == kNone || plan_.known[input] != nullptr || last_reader[input] == index) continue;
        const NodeId producer = ProducerOf(input);
        if (producer != kNone && unit_of_[producer] == index) continue;
        last_reader[input] = index;
        if (producer != kNone) is_output[input] = 1;
        MACE_RETURN_IF_ERROR((*units)[u].inputs.PushBack(input));
      }
    }
  }
  for (PartitionUnit& unit : *units) {
    for (NodeId id : unit.nodes) {
      for (ValueId output : graph().nodes[id].outputs) {
        if (output == kNone || is_output[output] == 0 || plan_.known[output] != nullptr) continue;
        MACE_RETURN_IF_ERROR(unit.outputs.PushBack(output));
      }
    }
  }
  return Status::Ok();
}

}  // namespace

Status PartitionNodes(const PlanView& plan, std::span<const NodeId> nodes,
                      std::span<const std::unique_ptr<Backend>> backends, std::span<const uint8_t> refused,
                      std::span<const uint8_t> kept, Vector<PartitionUnit>* units,
                      Vector<NodeRefusal>* refusals) {
  Partitioner partitioner(plan, nodes, backends, refused);
  MACE_RETURN_IF_ERROR(partitioner.Assign(refusals));
  MACE_RETURN_IF_ERROR(partitioner.Order(units));
  return partitioner.FindBoundaries(kept, units);
}

}  // namespace mace
