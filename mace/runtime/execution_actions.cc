// What runs behind the units of a stage: operators whose sizes only computing tells, and If. Loop is in
// execution_loop.cc.
#include <cstring>

#include "mace/graph/op_definition.h"
#include "mace/ops/control/control.h"
#include "mace/ops/evaluate.h"
#include "mace/runtime/execution.h"

namespace mace {

// Gives a data-sized operator the memory of its outputs.
class Execution::ActionOutputs final : public OutputAllocator {
 public:
  ActionOutputs(Execution* execution, const Plan& plan, const PlannedAction& action)
      : execution_(execution), plan_(plan), action_(action) {}

  Result<TensorView> Allocate(int i, DType dtype, const Shape& shape) override {
    const Node& node = execution_->graph().nodes[action_.node];
    if (i < 0 || static_cast<size_t>(i) >= node.outputs.size() || node.outputs[i] == kNone) {
      return Internal("allocates output %d, which is not there", i);
    }
    ++count_;
    MACE_ASSIGN_OR_RETURN(void* data, execution_->ProvideOutput(plan_, action_, i, dtype, shape));
    return TensorView{data, dtype, shape};
  }
  int32_t count() const { return count_; }

 private:
  Execution* execution_;
  const Plan& plan_;
  const PlannedAction& action_;
  int32_t count_ = 0;
};

TensorView Execution::View(const Plan& plan, ValueId value) {
  if (value == kNone) return TensorView();
  if (plan.analysis.known[value] != nullptr) return *plan.analysis.known[value];
  const TensorType& type = plan.analysis.types[value];
  return {Resolve(plan, plan.locations[value]), type.dtype, type.shape};
}

Status Execution::RunActions(const Plan& plan, RunContext* context) {
  for (size_t i = 0; i < plan.analysis.learned.size(); ++i) {
    const ValueId value = plan.analysis.learned[i].value;
    if (plan.analysis.resolved[value] != 0) facts_[i] = View(plan, value);
  }
  uint64_t begin = context->profile ? StopCheck::NowNanoseconds() : 0;
  for (size_t i = 0; i < plan.actions.size(); ++i) {
    const PlannedAction& action = plan.actions[i];
    if (context->stop.ShouldStop()) return context->stop.ToStatus();
    Status status = RunAction(plan, action, context);
    if (!status.ok()) {
      const Node& node = graph().nodes[action.node];
      const OpDefinition* definition = FindOpDefinition(node.op);
      if (definition->reference != nullptr) return status;  // which says so already
      return std::move(status).WithPrefix("node '%s' (%s)", graph().LabelOf(node), definition->name);
    }
    if (context->profile) {
      const uint64_t end = StopCheck::NowNanoseconds();
      step_nanoseconds_[static_cast<size_t>(plan.first_step + plan.step_count) + i] += end - begin;
      begin = end;
    }
  }
  return Status::Ok();
}

Status Execution::RunAction(const Plan& plan, const PlannedAction& action, RunContext* context) {
  switch (graph().nodes[action.node].op) {
    case OpId::kIf:
      return RunIf(plan, action, context);
    case OpId::kLoop:
      return RunLoop(plan, action, context);
    default:
      break;
  }
  const OpDefinition* definition = FindOpDefinition(graph().nodes[action.node].op);
  return definition->evaluate != nullptr ? RunDataSized(plan, action) : RunInterpreted(plan, action);
}

Status Execution::RunDataSized(const Plan& plan, const PlannedAction& action) {
  const Node& node = graph().nodes[action.node];
  const OpDefinition* definition = FindOpDefinition(node.op);
  if (views_.size() < node.inputs.size()) MACE_RETURN_IF_ERROR(views_.Resize(node.inputs.size()));
  for (size_t i = 0; i < node.inputs.size(); ++i) views_[i] = View(plan, node.inputs[i]);
  ActionOutputs outputs(this, plan, action);
  const DynamicContext context = {graph(),
                                  node,
                                  views_.data(),
                                  static_cast<int>(node.inputs.size()),
                                  static_cast<int>(node.outputs.size()),
                                  &outputs,
                                  &runtime().custom_operators()};
  MACE_RETURN_IF_ERROR(definition->evaluate(context));
  int32_t wanted = 0;
  for (ValueId output : node.outputs) wanted += output != kNone;
  return outputs.count() == wanted ? Status::Ok()
                                   : Internal("made %d of %d outputs", outputs.count(), wanted);
}

// A node whose plan would hold for these elements alone: its shape rule and its reference kernel.
Status Execution::RunInterpreted(const Plan& plan, const PlannedAction& action) {
  const Node& node = graph().nodes[action.node];
  const size_t inputs = node.inputs.size(), count = inputs + node.outputs.size();
  if (views_.size() < count) MACE_RETURN_IF_ERROR(views_.Resize(count));
  if (types_.size() < count) MACE_RETURN_IF_ERROR(types_.Resize(count));
  if (known_.size() < count) MACE_RETURN_IF_ERROR(known_.Resize(count));
  for (size_t i = 0; i < inputs; ++i) {
    views_[i] = View(plan, node.inputs[i]);
    types_[i] = {views_[i].dtype, views_[i].shape, kNone};
    known_[i] = node.inputs[i] == kNone ? nullptr : &views_[i];
  }
  MACE_RETURN_IF_ERROR(InferNode(graph(), node, types_.data(), known_.data(), types_.data() + inputs));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    views_[inputs + i] = TensorView();
    if (node.outputs[i] == kNone) continue;
    const TensorType& type = types_[inputs + i];
    MACE_ASSIGN_OR_RETURN(void* data, ProvideOutput(plan, action, i, type.dtype, type.shape));
    views_[inputs + i] = {data, type.dtype, type.shape};
  }
  return EvaluateNode(graph(), node, views_.data(), views_.data() + inputs);
}

// Memory for an output of an action, where it is wanted, and a note of its shape for the next stage.
Result<void*> Execution::ProvideOutput(const Plan& plan, const PlannedAction& action, size_t output,
                                       DType dtype, const Shape& shape) {
  const int64_t bytes = ByteCount(dtype, shape);
  if (bytes < 0) {
    return ResourceExhausted("output %zu %s %s is too large", output, NameOf(dtype), ShapeText(shape).text);
  }
  const Location& location = plan.locations[graph().nodes[action.node].outputs[output]];
  const auto index = static_cast<size_t>(location.index);
  Status status;
  if (location.kind == Location::Kind::kOutput) {
    status = PrepareOutput(index, dtype, shape, bytes);
  } else if (location.kind == Location::Kind::kNextState) {
    status = states_->EnsureNext(index, bytes);
  } else {
    status = GrowBuffer(runtime(), "an output", static_cast<size_t>(bytes), Growth::kAmple, SIZE_MAX,
                        &held_[index]);
  }
  if (!status.ok()) return status;
  void* data = Resolve(plan, location);
  if (action.learned[output] != kNone) facts_[action.learned[output]] = {data, dtype, shape};
  return data;
}

// The buffer that a body can write an output of the node to, or null. For an output in the caller's buffer,
// of which nobody knows yet whether it is large enough: the one that it has without, and then it is copied.
Buffer* Execution::HomeOf(const Location& location) {
  const auto index = static_cast<size_t>(location.index);
  if (location.kind == Location::Kind::kHeld) return &held_[index];
  return location.kind == Location::Kind::kOutput ? homes_[index] : nullptr;
}

// What a body has made becomes an output of the node: it is there already, or is copied.
Status Execution::AcceptOutput(const Plan& plan, const PlannedAction& action, size_t output,
                               const RunTensor& result) {
  const Location& location = plan.locations[graph().nodes[action.node].outputs[output]];
  const Buffer* home = HomeOf(location);
  const bool is_home = home != nullptr && home->data() == result.data;
  MACE_ASSIGN_OR_RETURN(void* data, ProvideOutput(plan, action, output, result.dtype, result.shape));
  if (is_home && data == home->data()) return Status::Ok();
  if (result.byte_size > 0) {
    std::memcpy(data, result.data, static_cast<size_t>(ByteCount(result.dtype, result.shape)));
  }
  return Status::Ok();
}

Result<Execution*> Execution::BodyAt(int32_t subgraph) {
  std::unique_ptr<Execution>& body = bodies_[subgraph];
  if (body == nullptr) {
    MACE_ASSIGN_OR_RETURN(body, Create(&program_->body(subgraph), arena_, nullptr));
  }
  return body.get();
}

// Operands of the node, from `first_operand` on, become inputs of the body, from `first_input` on.
Status Execution::FeedBody(const Plan& plan, const Node& node, size_t first_operand, size_t first_input,
                           Execution* body) {
  const size_t count = node.inputs.size() - first_operand;
  if (body->body_inputs_.size() != first_input + count) {
    return InvalidArgument("its body has %zu inputs, expected %zu", body->body_inputs_.size(),
                           first_input + count);
  }
  for (size_t i = 0; i < count; ++i) {
    const TensorView view = View(plan, node.inputs[first_operand + i]);
    body->body_inputs_[first_input + i] = {view.dtype, view.shape, view.data,
                                           static_cast<uint64_t>(view.bytes())};
  }
  return Status::Ok();
}

Status Execution::CheckBodyInputs() const {
  for (size_t i = 0; i < body_inputs_.size(); ++i) {
    const TensorType& wanted = graph().values[graph().inputs[i]].type;
    const RunTensor& given = body_inputs_[i];
    bool fits =
        given.dtype == wanted.dtype && (!wanted.shape.HasRank() || wanted.shape.rank == given.shape.rank);
    for (int axis = 0; fits && axis < wanted.shape.rank; ++axis) {
      fits = wanted.shape[axis] < 0 || wanted.shape[axis] == given.shape[axis];
    }
    if (fits) continue;
    return InvalidArgument("input '%s' of its body is %s %s, the model says %s %s", program_->input_name(i),
                           NameOf(given.dtype), ShapeText(given.shape).text, NameOf(wanted.dtype),
                           ShapeText(wanted.shape).text);
  }
  return Status::Ok();
}

// Runs this body on body_inputs_; body_outputs_ say what came out and where it is.
Status Execution::RunBody(RunContext* context) {
  bool is_planned = IsUpToDate();
  for (size_t i = 0; is_planned && i < body_inputs_.size(); ++i) {
    is_planned = body_inputs_[i].dtype == graph().values[graph().inputs[i]].type.dtype &&
                 body_inputs_[i].shape == stages_[0]->key.inputs[i];
  }
  if (!is_planned) {
    MACE_RETURN_IF_ERROR(CheckBodyInputs());
    for (size_t i = 0; i < body_inputs_.size(); ++i) body_key_.inputs[i] = body_inputs_[i].shape;
    MACE_RETURN_IF_ERROR(UsePlan(body_key_, context));
  }
  for (RunTensor& output : body_outputs_) output = RunTensor();
  return Run(body_inputs_.span(), body_outputs_.span(), context);
}

Status Execution::RunIf(const Plan& plan, const PlannedAction& action, RunContext* context) {
  const Node& node = graph().nodes[action.node];
  const auto& attributes = node.attributes.as<ops::IfAttributes>();
  bool is_true = false;
  MACE_RETURN_IF_ERROR(ops::ReadCondition(View(plan, node.inputs[0]), &is_true));
  MACE_ASSIGN_OR_RETURN(Execution * body, BodyAt(is_true ? attributes.then_branch : attributes.else_branch));
  MACE_RETURN_IF_ERROR(FeedBody(plan, node, 1, 0, body));
  for (size_t i = 0; i < body->homes_.size(); ++i) {
    const bool is_wanted = i < node.outputs.size() && node.outputs[i] != kNone;
    Buffer* home = is_wanted ? HomeOf(plan.locations[node.outputs[i]]) : nullptr;
    body->homes_[i] = home != nullptr ? home : &body->output_buffers_[i];
  }
  MACE_RETURN_IF_ERROR(body->RunBody(context).WithPrefix("%s", is_true ? "then branch" : "else branch"));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNone) continue;
    MACE_RETURN_IF_ERROR(AcceptOutput(plan, action, i, body->body_outputs_[i]));
  }
  return Status::Ok();
}

}  // namespace mace
