#include "tests/fake_npu/fake_npu.h"

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "mace/core/tensor_view.h"
#include "mace/ops/evaluate.h"

namespace mace_test {
namespace {

using mace::GroupView;
using mace::kNone;
using mace::Node;
using mace::NodeId;
using mace::OpId;
using mace::PlanView;
using mace::Result;
using mace::Status;
using mace::TensorView;
using mace::ValueId;

constexpr uint8_t kBlobByte = 0x4E;
constexpr float kMillisecondsPerNode = 0.25f;

// Holds what it needs of the plan: the unit outlives the PlanView.
class FakeNpuUnit final : public mace::Unit {
 public:
  FakeNpuUnit(FakeNpuDevice* device, const PlanView& plan, const GroupView& group)
      : device_(device), graph_(*plan.graph), nodes_(group.nodes.begin(), group.nodes.end()) {
    backend_name_ = "fake_npu";
    slot_of_.assign(graph_.values.size(), -1);
    views_.resize(graph_.values.size());
    for (NodeId id : nodes_) {
      for (ValueId value : graph_.nodes[id].inputs) Describe(plan, value);
      for (ValueId value : graph_.nodes[id].outputs) Describe(plan, value);
    }
  }

  Status MakeSlots(const GroupView& group) {
    for (ValueId value : group.inputs) MACE_RETURN_IF_ERROR(AddSlot(value, value, 0));
    for (ValueId value : group.outputs) MACE_RETURN_IF_ERROR(AddSlot(value, value, 0));
    for (NodeId id : nodes_) {
      for (ValueId value : graph_.nodes[id].outputs) {
        if (slot_of_[value] < 0) MACE_RETURN_IF_ERROR(AddSlot(value, kNone, views_[value].bytes()));
      }
    }
    mace::StepInfo step;  // the whole chain is one step
    step.kernel = "fake_npu_chain";
    MACE_RETURN_IF_ERROR(step.reason.Assign("a chain of convolutions of static shapes"));
    for (NodeId id : nodes_) MACE_RETURN_IF_ERROR(step.nodes.PushBack(id));
    return steps_.PushBack(std::move(step));
  }

  Result<mace::Event> Enqueue(const mace::UnitBindings& bindings, const mace::Event& wait) override {
    if (wait.wait != nullptr) MACE_RETURN_IF_ERROR(wait.wait(wait.context));
    ++device_->enqueued;
    bindings_ = bindings;
    mace::Event event;
    event.context = this;
    event.wait = [](void* context) { return static_cast<FakeNpuUnit*>(context)->Compute(); };
    return event;
  }

 private:
  void Describe(const PlanView& plan, ValueId value) {
    if (value == kNone) return;
    views_[value] = {nullptr, plan.types[value].dtype, plan.types[value].shape};
    if (plan.known[value] != nullptr) views_[value].data = plan.known[value]->data;
  }
  Status AddSlot(ValueId value, ValueId boundary, int64_t bytes) {
    slot_of_[value] = static_cast<int32_t>(slots_.size());
    mace::UnitSlot slot;
    slot.value = boundary;
    slot.bytes = bytes;
    return slots_.PushBack(slot);
  }
  Status Compute() {
    ++device_->waited;
    if (bindings_.stop->ShouldStop()) return bindings_.stop->ToStatus();
    for (NodeId id : nodes_) {
      const Node& node = graph_.nodes[id];
      std::vector<TensorView> inputs, outputs;
      for (ValueId value : node.inputs) inputs.push_back(Bound(value));
      for (ValueId value : node.outputs) outputs.push_back(Bound(value));
      MACE_RETURN_IF_ERROR(mace::EvaluateNode(graph_, node, inputs.data(), outputs.data()));
    }
    return Status::Ok();
  }
  TensorView Bound(ValueId value) const {
    if (value == kNone) return TensorView();
    TensorView view = views_[value];
    if (slot_of_[value] >= 0) view.data = bindings_.slots[slot_of_[value]];
    return view;
  }

  FakeNpuDevice* device_;
  const mace::Graph& graph_;
  std::vector<NodeId> nodes_;
  std::vector<int32_t> slot_of_;
  std::vector<TensorView> views_;
  mace::UnitBindings bindings_;
};

class FakeNpu final : public mace::Backend {
 public:
  explicit FakeNpu(FakeNpuDevice* device) : device_(device) {}
  const char* name() const override { return "fake_npu"; }

  Status Assess(const PlanView& plan, std::span<const NodeId> nodes, mace::Assessment* assessment) override {
    std::vector<int32_t> group_of(plan.graph->nodes.size(), -1);
    if (device_->offers_foreign_nodes) {
      mace::Assessment::Group group;
      MACE_RETURN_IF_ERROR(group.nodes.PushBack(static_cast<NodeId>(plan.graph->nodes.size())));
      return assessment->groups.PushBack(std::move(group));
    }
    for (NodeId id : nodes) {
      const Node& node = plan.graph->nodes[id];
      const char* reason = RefusalOf(plan, node, device_->int8_only);
      const NodeId producer = plan.graph->values[node.inputs[0]].producer;
      const bool joins = producer != kNone && group_of[producer] >= 0;
      if (reason == nullptr && node.op != OpId::kConv2d && !joins) {
        reason = "an activation without a convolution before it";
      }
      if (reason != nullptr) {
        mace::Assessment::Refusal refusal;
        refusal.node = id;
        MACE_RETURN_IF_ERROR(refusal.reason.Assign(reason));
        MACE_RETURN_IF_ERROR(assessment->refusals.PushBack(std::move(refusal)));
        continue;
      }
      if (joins) {
        group_of[id] = group_of[producer];
      } else {
        group_of[id] = static_cast<int32_t>(assessment->groups.size());
        MACE_RETURN_IF_ERROR(assessment->groups.PushBack({}));
      }
      mace::Assessment::Group& group = assessment->groups[group_of[id]];
      MACE_RETURN_IF_ERROR(group.nodes.PushBack(id));
      group.predicted_milliseconds += kMillisecondsPerNode;
    }
    return Status::Ok();
  }

  Result<std::unique_ptr<mace::Unit>> Compile(const PlanView& plan, const GroupView& group,
                                              const mace::CompileOptions&, std::span<const uint8_t> cached,
                                              mace::Vector<uint8_t>* blob) override {
    int32_t convolutions = 0;
    for (NodeId id : group.nodes) convolutions += plan.graph->nodes[id].op == OpId::kConv2d;
    if (device_->failures_left.load() > 0) {
      --device_->failures_left;
      return mace::Internal("the device's compiler crashed");
    }
    if (convolutions > device_->max_convolutions) {
      return mace::ResourceExhausted("%d convolutions do not fit into the device", convolutions);
    }
    if (!cached.empty()) {
      if (cached.size() != 4 || cached[0] != kBlobByte) return mace::Internal("this is not my blob");
      ++device_->compiled_from_blob;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(device_->compile_milliseconds));
      ++device_->compiled;
      for (int i = 0; i < 4; ++i) MACE_RETURN_IF_ERROR(blob->PushBack(kBlobByte));
    }
    MACE_ASSIGN_OR_RETURN(std::unique_ptr<FakeNpuUnit> unit,
                          mace::MakeUnique<FakeNpuUnit>(device_, plan, group));
    MACE_RETURN_IF_ERROR(unit->MakeSlots(group));
    return std::unique_ptr<mace::Unit>(std::move(unit));
  }

 private:
  // Why the device cannot run `node`, or null.
  static const char* RefusalOf(const PlanView& plan, const Node& node, bool int8_only) {
    if (node.op != OpId::kConv2d && node.op != OpId::kRelu && node.op != OpId::kClip) {
      return "not an operator of the device";
    }
    const mace::DType dtype = plan.types[node.inputs[0]].dtype;
    if (dtype != mace::DType::kI8 && (int8_only || dtype != mace::DType::kF32)) {
      return int8_only ? "the device computes int8 only" : "not an element type of the device";
    }
    if (!plan.graph->values[node.inputs[0]].type.shape.IsConcrete()) return "its shape is not static";
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != kNone && plan.known[node.inputs[i]] == nullptr)
        return "its weights are not constant";
    }
    return nullptr;
  }

  FakeNpuDevice* device_;
};

}  // namespace

Result<std::unique_ptr<mace::Backend>> MakeFakeNpu(FakeNpuDevice* device) {
  return std::unique_ptr<mace::Backend>(new FakeNpu(device));
}

}  // namespace mace_test
