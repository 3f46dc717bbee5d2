// Loop: the body runs again and again, what it carries from one buffer to another, what it scans into one
// that grows. Nothing is allocated from the trip count: a file may say anything there.
#include <cstring>
#include <utility>

#include "mace/ops/control/control.h"
#include "mace/runtime/execution.h"

namespace mace {
namespace {

// A scalar as the body declares it: [] or [1].
RunTensor ScalarInput(const TensorType& declared, DType dtype, void* data, uint64_t bytes) {
  Shape shape;
  if (declared.shape.IsConcrete() && declared.shape.ElementCount() == 1) shape = declared.shape;
  return {dtype, shape, data, bytes};
}

// The condition that the body leaves is the one it was given, or a constant that is true.
bool RunsToTheEnd(const Graph& body) {
  const ValueId condition = body.outputs[0];
  const TensorView* constant = body.ConstantOf(condition);
  return condition == body.inputs[1] || (constant != nullptr && constant->dtype == DType::kBool &&
                                         constant->elements() == 1 && *constant->as<uint8_t>() != 0);
}

Status TooManyIterations() {
  return ResourceExhausted(
      "the loops of one run may have %lld iterations together, and this one wants more (one that needs a new "
      "plan, as where sizes change, counts as %lld)",
      static_cast<long long>(kMaxLoopIterations), static_cast<long long>(kIterationsOfPlan));
}

// [iterations] and the shape of one row. Where there was no row: what the body declares, 0 for what is open.
Status ScannedShape(const TensorType& declared, int64_t iterations, const Shape& row, Shape* shape) {
  *shape = Shape{iterations};
  const Shape& inner = iterations > 0 ? row : declared.shape;
  for (int64_t dim : inner.span()) {
    if (!shape->Push(dim < 0 ? 0 : dim))
      return Unsupported("a scanned output would have rank %d", kMaxRank + 1);
  }
  return Status::Ok();
}

}  // namespace

Status Execution::RunLoop(const Plan& plan, const PlannedAction& action, RunContext* context) {
  const Node& node = graph().nodes[action.node];
  const TensorView trip_count = View(plan, node.inputs[0]);
  const TensorView condition = View(plan, node.inputs[1]);
  if (trip_count.elements() != 1 || condition.elements() != 1) {
    return InvalidArgument("trip count and condition have the shapes %s and %s, one element is expected",
                           ShapeText(trip_count.shape).text, ShapeText(condition.shape).text);
  }
  MACE_ASSIGN_OR_RETURN(Execution * body, BodyAt(node.attributes.as<ops::LoopAttributes>().body));
  MACE_RETURN_IF_ERROR(FeedBody(plan, node, ops::kLoopFixedInputs, ops::kLoopFixedInputs, body));
  MACE_RETURN_IF_ERROR(BeginLoop(plan, action, body));
  body->loop_.condition = *condition.as<uint8_t>();
  const int64_t count = *trip_count.as<int64_t>();
  if (body->loop_.condition != 0 && count > context->iterations_left && RunsToTheEnd(body->graph())) {
    return TooManyIterations();
  }
  MACE_RETURN_IF_ERROR(Iterate(node, count, body, context));
  return FinishLoop(plan, action, body->loop_.iteration, body);
}

// The buffers of the results, where they can stay if possible.
Status Execution::BeginLoop(const Plan& plan, const PlannedAction& action, Execution* body) {
  const Node& node = graph().nodes[action.node];
  const auto carried = static_cast<size_t>(node.attributes.as<ops::LoopAttributes>().carried_count);
  const size_t results = body->graph().outputs.size() - 1;
  LoopState& loop = body->loop_;
  MACE_RETURN_IF_ERROR(loop.results.Resize(results));
  MACE_RETURN_IF_ERROR(loop.targets.Resize(results));
  MACE_RETURN_IF_ERROR(loop.others.Resize(carried));
  MACE_RETURN_IF_ERROR(loop.scanned.Resize(results));
  MACE_RETURN_IF_ERROR(loop.initial.Resize(results));
  MACE_RETURN_IF_ERROR(loop.growth.Resize(results));
  loop.carried = carried;
  for (size_t i = 0; i < results; ++i) {
    const bool is_wanted = i < node.outputs.size() && node.outputs[i] != kNone;
    Buffer* home = is_wanted ? HomeOf(plan.locations[node.outputs[i]]) : nullptr;
    loop.targets[i] = home != nullptr ? home : &loop.results[i];
    loop.scanned[i] = RunTensor();
    loop.initial[i] =
        i < carried ? static_cast<int64_t>(body->body_inputs_[ops::kLoopFixedInputs + i].byte_size) : 0;
  }
  const Graph& graph = body->graph();
  loop.iteration = 0;
  body->body_inputs_[0] = ScalarInput(graph.values[graph.inputs[0]].type, DType::kI64, &loop.iteration, 8);
  body->body_inputs_[1] = ScalarInput(graph.values[graph.inputs[1]].type, DType::kBool, &loop.condition, 1);
  return Status::Ok();
}

Status Execution::Iterate(const Node& node, int64_t trip_count, Execution* body, RunContext* context) {
  const auto carried = static_cast<size_t>(node.attributes.as<ops::LoopAttributes>().carried_count);
  LoopState& loop = body->loop_;
  for (; loop.iteration < trip_count && loop.condition != 0; ++loop.iteration) {
    if (context->stop.ShouldStop()) return context->stop.ToStatus();
    if (context->iterations_left-- <= 0) return TooManyIterations();
    for (size_t i = 0; i < carried; ++i) {
      body->homes_[i + 1] = (loop.iteration & 1) == 0 ? loop.targets[i] : &loop.others[i];
    }
    Status status = body->RunBody(context);
    if (!status.ok()) {
      return std::move(status).WithPrefix("iteration %lld", static_cast<long long>(loop.iteration));
    }
    for (size_t i = 0; i < carried; ++i) {
      body->body_inputs_[ops::kLoopFixedInputs + i] = body->body_outputs_[i + 1];
    }
    for (size_t i = carried; i < loop.targets.size(); ++i) {
      MACE_RETURN_IF_ERROR(body->AppendScanned(body->body_outputs_[i + 1], loop.iteration, i)
                               .WithPrefix("'%s'", body->program_->output_name(i + 1)));
      loop.scanned[i] = body->body_outputs_[i + 1];
    }
    const RunTensor& condition = body->body_outputs_[0];
    if (condition.dtype != DType::kBool || condition.shape.ElementCount() != 1) {
      return InvalidArgument("its body leaves the condition %s %s, one bool is expected",
                             NameOf(condition.dtype), ShapeText(condition.shape).text);
    }
    loop.condition = *static_cast<const uint8_t*>(condition.data);
  }
  return Status::Ok();
}

// A result of the loop that this is the body of gets `bytes` large. Many results, and loops in loops, share
// one bound.
Status Execution::CountGrowth(size_t result, int64_t bytes) {
  const int64_t more = bytes - loop_.initial[result] - loop_.growth[result];
  if (more <= 0) return Status::Ok();
  if (runtime().budget().limit() == 0 && more > kMaxLoopBytes - arena_->loop_growth) {
    return ResourceExhausted(
        "would grow to %lld bytes; what loops carry and scan may grow by %lld bytes in all "
        "(memory_limit of the runtime takes the place of this bound)",
        static_cast<long long>(bytes), static_cast<long long>(kMaxLoopBytes));
  }
  loop_.growth[result] += more;
  arena_->loop_growth += more;
  return Status::Ok();
}

// Puts what one iteration has scanned behind what the earlier ones have.
Status Execution::AppendScanned(const RunTensor& row, int64_t iteration, size_t result) {
  const RunTensor& first = loop_.scanned[result];
  if (iteration > 0 && (row.dtype != first.dtype || !(row.shape == first.shape))) {
    return InvalidArgument("is %s in iteration %lld and was %s in iteration 0", ShapeText(row.shape).text,
                           static_cast<long long>(iteration), ShapeText(first.shape).text);
  }
  if (IsSubByte(row.dtype) && row.shape.ElementCount() * BitsOf(row.dtype) % 8 != 0) {
    return Unsupported("rows of %s that do not end with a byte", NameOf(row.dtype));
  }
  const int64_t bytes = ByteCount(row.dtype, row.shape);
  int64_t total = 0;
  if (!CheckedMultiply(bytes, iteration + 1, &total)) return Status::OutOfMemory();
  MACE_RETURN_IF_ERROR(CountGrowth(result, total));
  Buffer* target = loop_.targets[result];
  MACE_RETURN_IF_ERROR(GrowBuffer(runtime(), "a scanned output", static_cast<size_t>(total), Growth::kAppend,
                                  SIZE_MAX, target));
  if (bytes > 0) std::memcpy(target->data() + (total - bytes), row.data, static_cast<size_t>(bytes));
  return Status::Ok();
}

// The results become the node's outputs.
Status Execution::FinishLoop(const Plan& plan, const PlannedAction& action, int64_t iterations,
                             Execution* body) {
  const Node& node = graph().nodes[action.node];
  const auto carried = static_cast<size_t>(node.attributes.as<ops::LoopAttributes>().carried_count);
  LoopState& loop = body->loop_;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    RunTensor result;
    if (i < carried) {
      result = body->body_inputs_[ops::kLoopFixedInputs + i];
      // An even number of iterations has left it in the other buffer.
      if (iterations > 0 && iterations % 2 == 0) std::swap(*loop.targets[i], loop.others[i]);
    } else {
      const Graph& graph = body->graph();
      const TensorType& declared = graph.values[graph.outputs[i + 1]].type;
      result.dtype = iterations > 0 ? loop.scanned[i].dtype : declared.dtype;
      MACE_RETURN_IF_ERROR(ScannedShape(declared, iterations, loop.scanned[i].shape, &result.shape));
      result.data = loop.targets[i]->data();
      result.byte_size = static_cast<uint64_t>(ByteCount(result.dtype, result.shape));
    }
    if (node.outputs[i] != kNone) MACE_RETURN_IF_ERROR(AcceptOutput(plan, action, i, result));
  }
  return Status::Ok();
}

}  // namespace mace
