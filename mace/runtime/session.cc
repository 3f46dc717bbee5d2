#include "mace/runtime/session.h"

#include <algorithm>
#include <cstring>

namespace mace {

Result<Ref<Session>> Session::Create(Ref<Model> model) {
  Ref<Session> session = Ref<Session>::Adopt(new (std::nothrow) Session(std::move(model)));
  if (!session) return Status::OutOfMemory();
  const Graph& graph = session->model_->graph();
  MACE_RETURN_IF_ERROR(session->key_.inputs.Resize(graph.inputs.size()));
  MACE_RETURN_IF_ERROR(session->key_.fed.Resize(graph.inputs.size()));
  MACE_RETURN_IF_ERROR(session->key_.states.Resize(graph.states.size()));
  MACE_RETURN_IF_ERROR(session->states_.Resize(graph.states.size()));
  MACE_RETURN_IF_ERROR(session->symbols_.Resize(graph.symbols.size()));
  MACE_RETURN_IF_ERROR(session->symbol_inputs_.Resize(graph.symbols.size()));
  MACE_RETURN_IF_ERROR(session->output_buffers_.Resize(graph.outputs.size()));
  MACE_RETURN_IF_ERROR(session->input_scratch_.Resize(graph.inputs.size()));
  MACE_RETURN_IF_ERROR(session->output_scratch_.Resize(graph.outputs.size()));
  return session;
}

Session::~Session() { ReleaseArena(); }

void Session::ReleaseArena() { model_->runtime().ReturnArena(std::move(arena_)); }

Status Session::CheckInput(size_t index, const RunTensor& tensor, bool needs_data) {
  const TensorType& wanted = model_->graph().values[model_->graph().inputs[index]].type;
  bool fits = tensor.dtype == wanted.dtype && tensor.shape.rank == wanted.shape.rank;
  for (int i = 0; fits && i < wanted.shape.rank; ++i) {
    fits = tensor.shape[i] >= 0 && (wanted.shape[i] < 0 || wanted.shape[i] == tensor.shape[i]);
  }
  if (!fits) {
    String expected;
    MACE_RETURN_IF_ERROR(AppendShape(wanted.shape, &expected));
    return InvalidArgument("input '%s': expected %s %s, got %s %s", model_->input_name(index),
                           NameOf(wanted.dtype), expected.c_str(), NameOf(tensor.dtype),
                           ShapeText(tensor.shape).text);
  }
  const int64_t bytes = ByteCount(tensor.dtype, tensor.shape);
  if (bytes < 0) {
    return InvalidArgument("input '%s' %s is too large", model_->input_name(index),
                           ShapeText(tensor.shape).text);
  }
  if (!needs_data || bytes == 0) return Status::Ok();
  if (tensor.data == nullptr) return InvalidArgument("input '%s' has no data", model_->input_name(index));
  if (tensor.byte_size < static_cast<uint64_t>(bytes)) {
    return InvalidArgument("input '%s': %s %s takes %lld bytes, got %llu", model_->input_name(index),
                           NameOf(tensor.dtype), ShapeText(tensor.shape).text, static_cast<long long>(bytes),
                           static_cast<unsigned long long>(tensor.byte_size));
  }
  // Kernels count on it.
  const auto* elements = static_cast<const uint8_t*>(tensor.data);
  if (tensor.dtype == DType::kBool &&
      std::any_of(elements, elements + bytes, [](uint8_t b) { return b > 1; })) {
    return InvalidArgument("input '%s': a bool is a byte that is 0 or 1, and one of these is neither",
                           model_->input_name(index));
  }
  return Status::Ok();
}

// As the model's author wrote it: with the names of dimensions, "?" where one has none.
Status Session::AppendShape(const Shape& shape, String* text) const {
  MACE_RETURN_IF_ERROR(text->AppendFormat("["));
  for (int i = 0; i < shape.rank; ++i) {
    const char* separator = i == 0 ? "" : ", ";
    if (shape[i] >= 0) {
      MACE_RETURN_IF_ERROR(text->AppendFormat("%s%lld", separator, static_cast<long long>(shape[i])));
      continue;
    }
    const char* name = model_->DimName(shape[i]);
    MACE_RETURN_IF_ERROR(text->AppendFormat("%s%.64s", separator, name == nullptr ? "?" : name));
  }
  return text->AppendFormat("]");
}

// A symbol has one value in all inputs that are fed.
Status Session::BindSymbols() {
  const Graph& graph = model_->graph();
  for (int64_t& symbol : symbols_) symbol = kUnknownDim;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (key_.fed[i] == 0) continue;
    const Shape& wanted = graph.values[graph.inputs[i]].type.shape;
    for (int axis = 0; axis < wanted.rank; ++axis) {
      if (!IsSymbolDim(wanted[axis])) continue;
      const int32_t id = SymbolOf(wanted[axis]);
      const Symbol& symbol = graph.symbols[id];
      const int64_t dim = key_.inputs[i][axis];
      if (dim < symbol.minimum || (symbol.maximum != kUnknownDim && dim > symbol.maximum)) {
        return InvalidArgument("input '%s': dimension %d ('%s') is %lld, outside of %lld to %lld",
                               model_->input_name(i), axis, symbol.name.c_str(), static_cast<long long>(dim),
                               static_cast<long long>(symbol.minimum),
                               static_cast<long long>(symbol.maximum));
      }
      if (symbols_[id] == kUnknownDim) {
        symbols_[id] = dim;
        symbol_inputs_[id] = static_cast<int32_t>(i);
      } else if (symbols_[id] != dim) {
        return InvalidArgument("input '%s': dimension %d ('%s') is %lld, but input '%s' makes it %lld",
                               model_->input_name(i), axis, symbol.name.c_str(), static_cast<long long>(dim),
                               model_->input_name(symbol_inputs_[id]), static_cast<long long>(symbols_[id]));
      }
    }
  }
  return Status::Ok();
}

// The shape of each state before the run. An initial one takes the dimensions that the inputs give.
Status Session::ResolveStates() {
  const Graph& graph = model_->graph();
  for (size_t i = 0; i < graph.states.size(); ++i) {
    const State& state = graph.states[i];
    if (!states_[i].initial) {
      key_.states[i] = states_[i].shape;
      continue;
    }
    Shape shape = graph.values[state.read].type.shape;
    if (state.initial != kNone) shape = graph.constants[state.initial].view.shape;
    for (int axis = 0; axis < shape.rank; ++axis) {
      if (IsSymbolDim(shape[axis])) shape[axis] = symbols_[SymbolOf(shape[axis])];
    }
    if (!shape.IsConcrete()) {
      // Where the state is an input that is fed, its shape before the run does not matter.
      for (size_t input = 0; input < graph.inputs.size(); ++input) {
        if (model_->input_state(input) == static_cast<int32_t>(i) && key_.fed[input] != 0) {
          shape = key_.inputs[input];
        }
      }
    }
    if (!shape.IsConcrete()) {
      String wanted;
      MACE_RETURN_IF_ERROR(AppendShape(graph.values[state.read].type.shape, &wanted));
      return InvalidArgument("state '%s' %s: the inputs do not say how large it is; feed it",
                             state.name.c_str(), wanted.c_str());
    }
    key_.states[i] = shape;
  }
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (key_.fed[i] == 0) key_.inputs[i] = key_.states[model_->input_state(i)];
  }
  return Status::Ok();
}

Status Session::MakeKey(std::span<const RunTensor> inputs, bool needs_data) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool is_there = needs_data ? inputs[i].data != nullptr || inputs[i].shape.ElementCount() == 0
                                     : inputs[i].dtype != DType::kInvalid;
    key_.fed[i] = is_there || model_->input_state(i) == kNone;
    if (key_.fed[i] == 0) continue;
    MACE_RETURN_IF_ERROR(CheckInput(i, inputs[i], needs_data));
    key_.inputs[i] = inputs[i].shape;
  }
  MACE_RETURN_IF_ERROR(BindSymbols());
  return ResolveStates();
}

Status Session::UsePlan(std::span<const RunTensor> inputs, bool needs_data) {
  MACE_RETURN_IF_ERROR(MakeKey(inputs, needs_data));
  if (!plan_ || !(plan_->key == key_)) {
    MACE_ASSIGN_OR_RETURN(Ref<Plan> plan, model_->FindOrBuildPlan(key_));
    MACE_RETURN_IF_ERROR(InstallPlan(std::move(plan)));
  }
  MACE_RETURN_IF_ERROR(PrepareStates(*plan_));
  return EnsureArena();
}

Status Session::InstallPlan(Ref<Plan> plan) {
  MACE_RETURN_IF_ERROR(slots_.Resize(plan->slot_count));
  MACE_RETURN_IF_ERROR(step_nanoseconds_.Resize(plan->step_count));
  has_profile_ = false;
  plan_ = std::move(plan);
  return Status::Ok();
}

// Says so where the runtime's memory limit, not the system, refuses.
Result<Buffer> Session::AllocateBuffer(const char* what, size_t bytes) {
  const BudgetAllocator& budget = model_->runtime().budget();
  const uint64_t refusals = budget.refusals();
  auto buffer = Buffer::Allocate(bytes, budget.allocator());
  if (!buffer.ok()) return budget.Explain(buffer.TakeStatus(), refusals, what, bytes);
  return buffer;
}

// Both buffers of each state are large enough; what the current one holds is kept.
Status Session::PrepareStates(const Plan& plan) {
  for (size_t i = 0; i < states_.size(); ++i) {
    SessionState& state = states_[i];
    Buffer& current = state.buffers[state.current];
    Buffer& next = state.buffers[1 - state.current];
    const auto bytes = static_cast<size_t>(plan.state_bytes[i]);
    const auto next_bytes = static_cast<size_t>(plan.next_state_bytes[i]);
    if (state.initial && current.size() < bytes) {
      state.filled = false;
      current.Reset();
      MACE_ASSIGN_OR_RETURN(current, AllocateBuffer("a state", bytes));
    }
    if (state.initial && (!state.filled || !(state.shape == key_.states[i]))) {
      FillInitialState(i, plan.state_bytes[i]);
      state.shape = key_.states[i];
      state.filled = true;
    }
    if (next.size() < next_bytes) {
      next.Reset();
      MACE_ASSIGN_OR_RETURN(next, AllocateBuffer("a state", next_bytes));
    }
  }
  return Status::Ok();
}

void Session::FillInitialState(size_t index, int64_t bytes) {
  const Graph& graph = model_->graph();
  const State& state = graph.states[index];
  uint8_t* data = states_[index].buffers[states_[index].current].data();
  if (bytes == 0) return;
  if (state.initial != kNone) {
    std::memcpy(data, graph.constants[state.initial].view.data, static_cast<size_t>(bytes));
    return;
  }
  std::memset(data, 0, static_cast<size_t>(bytes));
  const Quantization* quantization = graph.QuantizationOf(state.read);
  if (quantization == nullptr || quantization->zero_points.size() != 1) return;
  const int32_t zero_point = quantization->zero_points[0];
  const int size = BytesOf(graph.values[state.read].type.dtype);
  for (int64_t i = 0; size > 0 && i + size <= bytes; i += size) {
    std::memcpy(data + i, &zero_point, size < 4 ? size : 4);  // little endian
  }
}

Status Session::EnsureArena() {
  const auto bytes = static_cast<size_t>(plan_->arena_bytes);
  if (arena_.size() >= bytes) return Status::Ok();
  Runtime& runtime = model_->runtime();
  const uint64_t refusals = runtime.budget().refusals();
  ReleaseArena();
  auto arena = runtime.LeaseArena(bytes);
  if (!arena.ok())
    return runtime.budget().Explain(arena.TakeStatus(), refusals, "intermediate results", bytes);
  arena_ = std::move(*arena);
  return Status::Ok();
}

// Fills in what the outputs look like, and gives those without a buffer the session's.
Status Session::PrepareOutputs(std::span<RunTensor> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    RunTensor& output = outputs[i];
    const auto bytes = static_cast<uint64_t>(plan_->output_bytes[i]);
    output.dtype = plan_->outputs[i].dtype;
    output.shape = plan_->outputs[i].shape;
    if (output.data == nullptr) {
      Buffer& buffer = output_buffers_[i];
      if (buffer.size() < bytes) {
        buffer.Reset();
        MACE_ASSIGN_OR_RETURN(buffer, AllocateBuffer("an output", bytes));
      }
      output.data = buffer.data();
    } else if (output.byte_size < bytes) {
      return InvalidArgument("output '%s': %s %s takes %llu bytes, the buffer has %llu",
                             model_->output_name(i), NameOf(output.dtype), ShapeText(output.shape).text,
                             static_cast<unsigned long long>(bytes),
                             static_cast<unsigned long long>(output.byte_size));
    }
    output.byte_size = bytes;
  }
  return Status::Ok();
}

const uint8_t* Session::Resolve(const Location& location, std::span<const RunTensor> inputs,
                                std::span<const RunTensor> outputs) const {
  const auto index = static_cast<size_t>(location.index);
  switch (location.kind) {
    case Location::Kind::kArena:
      return arena_.data() + location.offset;
    case Location::Kind::kInput:
      return static_cast<const uint8_t*>(inputs[index].data);
    case Location::Kind::kOutput:
      return static_cast<const uint8_t*>(outputs[index].data);
    case Location::Kind::kState:
      return states_[index].buffers[states_[index].current].data();
    case Location::Kind::kNextState:
      return states_[index].buffers[1 - states_[index].current].data();
    case Location::Kind::kKnown:
      return static_cast<const uint8_t*>(plan_->analysis.known[index]->data);
    case Location::Kind::kNowhere:
      break;
  }
  return nullptr;
}

void Session::BindSlots(std::span<const RunTensor> inputs, std::span<const RunTensor> outputs) {
  void** slot = slots_.data();
  for (const PlannedUnit& planned : plan_->units) {
    for (const Location& location : planned.slots) {
      *slot++ = const_cast<uint8_t*>(Resolve(location, inputs, outputs));
    }
  }
}

Status Session::RunUnits(const StopCheck& stop, bool profile) {
  ThreadPool* pool = model_->runtime().pool();
  UnitBindings bindings;
  bindings.pool = pool;
  bindings.stop = &stop;
  size_t slot = 0, step = 0;
  for (const PlannedUnit& planned : plan_->units) {
    if (stop.ShouldStop()) return stop.ToStatus();
    bindings.slots = slots_.data() + slot;
    bindings.workspace = arena_.data() + planned.workspace_offset;
    bindings.step_nanoseconds = profile ? step_nanoseconds_.data() + step : nullptr;
    MACE_ASSIGN_OR_RETURN(Event event, planned.unit->Enqueue(bindings, Event()));
    if (event.wait != nullptr) MACE_RETURN_IF_ERROR(event.wait(event.context));
    slot += planned.slots.size();
    step += planned.unit->steps().size();
  }
  return stop.ShouldStop() ? stop.ToStatus() : Status::Ok();
}

Status Session::Prepare(std::span<const RunTensor> inputs, std::span<RunTensor> outputs) {
  MACE_RETURN_IF_ERROR(UsePlan(inputs, false));
  return PrepareOutputs(outputs);
}

Status Session::Run(std::span<const RunTensor> inputs, std::span<RunTensor> outputs,
                    const RunOptions& options) {
  const uint64_t begin = StopCheck::NowNanoseconds();
  StopCheck stop;
  stop.cancel = options.cancel;
  if (options.timeout_ns != 0 && __builtin_add_overflow(begin, options.timeout_ns, &stop.deadline_ns)) {
    stop.deadline_ns = 0;  // later than the end of time
  }
  MACE_RETURN_IF_ERROR(UsePlan(inputs, true));
  MACE_RETURN_IF_ERROR(PrepareOutputs(outputs));
  BindSlots(inputs, outputs);
  if (options.profile) {
    has_profile_ = false;
    for (uint64_t& time : step_nanoseconds_) time = 0;
  }
  ThreadPool* pool = model_->runtime().pool();
  pool->BeginRun();
  Status status = RunUnits(stop, options.profile);
  pool->EndRun();
  if (!status.ok()) return status;
  for (const PlannedCopy& copy : plan_->copies) {
    if (copy.bytes == 0) continue;
    std::memmove(const_cast<uint8_t*>(Resolve(copy.to, inputs, outputs)), Resolve(copy.from, inputs, outputs),
                 static_cast<size_t>(copy.bytes));
  }
  // Nothing can fail from here on: the states step forward together.
  for (size_t i = 0; i < states_.size(); ++i) {
    states_[i].current = 1 - states_[i].current;
    states_[i].shape = plan_->next_states[i];
    states_[i].initial = false;
  }
  if (options.profile) {
    run_nanoseconds_ = StopCheck::NowNanoseconds() - begin;
    has_profile_ = true;
  }
  if (model_->options().low_memory) ReleaseArena();
  return Status::Ok();
}

void Session::ResetState() {
  for (SessionState& state : states_) {
    state.initial = true;
    state.filled = false;
  }
}

}  // namespace mace
