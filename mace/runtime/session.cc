#include "mace/runtime/session.h"

#include <algorithm>

namespace mace {

Result<Ref<Session>> Session::Create(Ref<Model> model) {
  Ref<Session> session = Ref<Session>::Adopt(new (std::nothrow) Session(std::move(model)));
  if (!session) return Status::OutOfMemory();
  MACE_RETURN_IF_ERROR(session->Init());
  return session;
}

Status Session::Init() {
  const Graph& graph = model_->graph();
  MACE_RETURN_IF_ERROR(key_.inputs.Resize(graph.inputs.size()));
  MACE_RETURN_IF_ERROR(key_.fed.Resize(graph.inputs.size()));
  MACE_RETURN_IF_ERROR(key_.states.Resize(graph.states.size()));
  MACE_RETURN_IF_ERROR(states_.Init());
  MACE_RETURN_IF_ERROR(symbols_.Resize(graph.symbols.size()));
  MACE_RETURN_IF_ERROR(symbol_inputs_.Resize(graph.symbols.size()));
  MACE_RETURN_IF_ERROR(input_scratch_.Resize(graph.inputs.size()));
  MACE_RETURN_IF_ERROR(output_scratch_.Resize(graph.outputs.size()));
  MACE_ASSIGN_OR_RETURN(execution_, Execution::Create(&model_->program(), &arena_, &states_));
  return Status::Ok();
}

Status Session::CheckInput(size_t index, const RunTensor& tensor, bool needs_data) {
  const TensorType& wanted = model_->graph().values[model_->graph().inputs[index]].type;
  bool fits =
      tensor.dtype == wanted.dtype && (!wanted.shape.HasRank() || tensor.shape.rank == wanted.shape.rank);
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
  if (!shape.HasRank()) return text->AppendFormat("of any shape");
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
    if (!states_.is_initial(i)) {
      key_.states[i] = states_.shape(i);
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
  if (!execution_->HasPlanFor(key_)) {
    MACE_RETURN_IF_ERROR(execution_->UsePlan(key_));
    has_profile_ = false;
  }
  const Plan& plan = *execution_->stages()[0];
  MACE_RETURN_IF_ERROR(states_.PrepareCurrent(plan));
  for (size_t i = 0; i < plan.next_state_bytes.size(); ++i) {
    if (plan.next_state_bytes[i] >= 0) {
      MACE_RETURN_IF_ERROR(states_.EnsureNext(i, plan.next_state_bytes[i]));
    }
  }
  return arena_.Ensure(static_cast<size_t>(plan.arena_bytes));
}

Status Session::Prepare(std::span<const RunTensor> inputs, std::span<RunTensor> outputs) {
  MACE_RETURN_IF_ERROR(UsePlan(inputs, false));
  return execution_->PrepareOutputs(outputs);
}

Status Session::Run(std::span<const RunTensor> inputs, std::span<RunTensor> outputs,
                    const RunOptions& options) {
  const uint64_t begin = StopCheck::NowNanoseconds();
  RunContext context;
  context.profile = options.profile;
  context.stop.cancel = options.cancel;
  if (options.timeout_ns != 0 &&
      __builtin_add_overflow(begin, options.timeout_ns, &context.stop.deadline_ns)) {
    context.stop.deadline_ns = 0;  // later than the end of time
  }
  MACE_RETURN_IF_ERROR(UsePlan(inputs, true));
  if (options.profile) {
    has_profile_ = false;
    execution_->ClearProfile();
  }
  ThreadPool* pool = model_->runtime().pool();
  pool->BeginRun();
  Status status = execution_->Run(inputs, outputs, &context);
  pool->EndRun();
  if (!status.ok()) return status;
  // Nothing can fail from here on: the states step forward together.
  states_.StepForward(*execution_->stages().back());
  if (options.profile) {
    run_nanoseconds_ = StopCheck::NowNanoseconds() - begin;
    has_profile_ = true;
  }
  if (model_->options().low_memory) {
    arena_.Release();
    execution_->ReleaseHeld();
  }
  return Status::Ok();
}

void Session::ResetState() { states_.Reset(); }

}  // namespace mace
