#include "mace/api/structs.h"

namespace mace::api {
namespace {

// An array of the caller's tensors: its elements lie struct_size apart, whatever version that was.
template <typename Tensor>
class TensorArray {
 public:
  Status Init(Tensor* first, int32_t count, const char* what) {
    what_ = what;
    if (count == 0) return Status::Ok();
    MACE_RETURN_IF_ERROR(CheckNotNull(first, what));
    MACE_RETURN_IF_ERROR(ReadStructSize(first, "mace_tensor", sizeof(mace_tensor), &stride_));
    first_ = first;
    return Status::Ok();
  }
  // The element, if it has the struct_size of the first.
  Status At(int32_t index, Tensor** tensor) const {
    using Byte = std::conditional_t<std::is_const_v<Tensor>, const unsigned char, unsigned char>;
    *tensor =
        reinterpret_cast<Tensor*>(reinterpret_cast<Byte*>(first_) + static_cast<size_t>(index) * stride_);
    if ((*tensor)->struct_size == stride_) return Status::Ok();
    return InvalidArgument("%s[%d].struct_size is %u, that of %s[0] %u", what_, index, (*tensor)->struct_size,
                           what_, stride_);
  }

 private:
  const char* what_ = "";
  Tensor* first_ = nullptr;
  uint32_t stride_ = 0;
};

Status ReadInputs(Session* session, const mace_tensor* inputs, int32_t count) {
  const std::span<RunTensor> scratch = session->input_scratch();
  const Model& model = session->model();
  if (count < 0 || static_cast<size_t>(count) > scratch.size()) {
    return InvalidArgument("the model has %zu inputs, got %d", scratch.size(), count);
  }
  TensorArray<const mace_tensor> array;
  MACE_RETURN_IF_ERROR(array.Init(inputs, count, "inputs"));
  for (size_t i = 0; i < scratch.size(); ++i) {
    scratch[i] = RunTensor();
    if (i >= static_cast<size_t>(count)) {
      if (model.input_state(i) != kNone) continue;  // left to its state
      return InvalidArgument("the model has %zu inputs, got %d: input '%s' is missing", scratch.size(), count,
                             model.input_name(i));
    }
    const mace_tensor* tensor = nullptr;
    MACE_RETURN_IF_ERROR(array.At(static_cast<int32_t>(i), &tensor));
    if (tensor->data == nullptr && tensor->dtype == 0 && model.input_state(i) != kNone) continue;
    if (tensor->rank < 0 || tensor->rank > kMaxRank) {
      return InvalidArgument("input '%s' has rank %d; ranks are 0 to %d", model.input_name(i), tensor->rank,
                             kMaxRank);
    }
    if (tensor->memory_kind != MACE_MEMORY_HOST) {
      return Unsupported("input '%s': memory kind %d", model.input_name(i), tensor->memory_kind);
    }
    const bool known = tensor->dtype > 0 && tensor->dtype < kDTypeCount;
    scratch[i].dtype = known ? static_cast<DType>(tensor->dtype) : DType::kInvalid;
    scratch[i].shape.rank = tensor->rank;
    for (int axis = 0; axis < tensor->rank; ++axis) scratch[i].shape[axis] = tensor->dims[axis];
    scratch[i].data = tensor->data;
    scratch[i].byte_size = tensor->byte_size;
  }
  return Status::Ok();
}

Status ReadOutputs(Session* session, TensorArray<mace_tensor>* array, mace_tensor* outputs, int32_t count) {
  const std::span<RunTensor> scratch = session->output_scratch();
  if (count < 0 || static_cast<size_t>(count) != scratch.size()) {
    return InvalidArgument("the model has %zu outputs, got %d", scratch.size(), count);
  }
  MACE_RETURN_IF_ERROR(array->Init(outputs, count, "outputs"));
  for (int32_t i = 0; i < count; ++i) {
    mace_tensor* tensor = nullptr;
    MACE_RETURN_IF_ERROR(array->At(i, &tensor));
    if (tensor->memory_kind != MACE_MEMORY_HOST) {
      return Unsupported("output '%s': memory kind %d", session->model().output_name(i), tensor->memory_kind);
    }
    scratch[i] = RunTensor();
    scratch[i].data = tensor->data;
    scratch[i].byte_size = tensor->byte_size;
  }
  return Status::Ok();
}

// `with_data`: also where the session's buffers are.
Status WriteOutputs(Session* session, const TensorArray<mace_tensor>& array, bool with_data) {
  const std::span<RunTensor> scratch = session->output_scratch();
  for (size_t i = 0; i < scratch.size(); ++i) {
    mace_tensor* tensor = nullptr;
    MACE_RETURN_IF_ERROR(array.At(static_cast<int32_t>(i), &tensor));
    tensor->dtype = static_cast<int32_t>(scratch[i].dtype);
    tensor->rank = scratch[i].shape.rank;
    for (int axis = 0; axis < MACE_MAX_RANK; ++axis) {
      tensor->dims[axis] = axis < tensor->rank ? scratch[i].shape[axis] : 0;
    }
    if (with_data) tensor->data = scratch[i].data;
    tensor->byte_size = static_cast<size_t>(scratch[i].byte_size);
  }
  return Status::Ok();
}

Status CreateSession(mace_model* model, mace_session** handle) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "session"));
  *handle = nullptr;
  MACE_RETURN_IF_ERROR(CheckNotNull(model, "model"));
  MACE_ASSIGN_OR_RETURN(Ref<Session> session, Session::Create(Ref<Model>::Share(FromHandle(model))));
  *handle = reinterpret_cast<mace_session*>(session.Detach());
  return Status::Ok();
}

Status Prepare(mace_session* handle, const mace_tensor* inputs, int32_t input_count, mace_tensor* outputs,
               int32_t output_count) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "session"));
  Session* session = FromHandle(handle);
  Session::CallGuard guard(session);
  MACE_RETURN_IF_ERROR(guard.Check());
  TensorArray<mace_tensor> array;
  MACE_RETURN_IF_ERROR(ReadInputs(session, inputs, input_count));
  MACE_RETURN_IF_ERROR(ReadOutputs(session, &array, outputs, output_count));
  MACE_RETURN_IF_ERROR(session->Prepare(session->input_scratch(), session->output_scratch()));
  return WriteOutputs(session, array, false);
}

Status Run(mace_session* handle, const mace_tensor* inputs, int32_t input_count, mace_tensor* outputs,
           int32_t output_count, const mace_run_options* caller) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "session"));
  Session* session = FromHandle(handle);
  Session::CallGuard guard(session);
  MACE_RETURN_IF_ERROR(guard.Check());
  RunOptions options;
  if (caller != nullptr) {
    mace_run_options copy;
    MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_run_options", kMinOptionsSize, &copy));
    if (copy.priority != 0) {
      return Unsupported("mace_run_options.priority is reserved: 0 is expected, not %d", copy.priority);
    }
    options.timeout_ns = copy.timeout_ns;
    options.cancel = copy.cancel;
    options.profile = copy.profile != 0;
  }
  TensorArray<mace_tensor> array;
  MACE_RETURN_IF_ERROR(ReadInputs(session, inputs, input_count));
  MACE_RETURN_IF_ERROR(ReadOutputs(session, &array, outputs, output_count));
  MACE_RETURN_IF_ERROR(session->Run(session->input_scratch(), session->output_scratch(), options));
  return WriteOutputs(session, array, true);
}

Status GiveText(Result<const char*> result, const char** text) {
  if (!result.ok()) return result.TakeStatus();
  *text = *result;
  return Status::Ok();
}

Status Explain(mace_session* handle, const char** text, bool profile) {
  MACE_RETURN_IF_ERROR(CheckNotNull(text, "text"));
  *text = "";
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "session"));
  Session* session = FromHandle(handle);
  Session::CallGuard guard(session);
  MACE_RETURN_IF_ERROR(guard.Check());
  return GiveText(profile ? session->ProfileJson() : session->ExplainJson(), text);
}

Status ResetState(mace_session* handle) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "session"));
  Session::CallGuard guard(FromHandle(handle));
  MACE_RETURN_IF_ERROR(guard.Check());
  FromHandle(handle)->ResetState();
  return Status::Ok();
}

}  // namespace
}  // namespace mace::api

extern "C" {

mace_status* mace_session_create(mace_model* model, mace_session** session) {
  return mace::api::ToHandle(mace::api::CreateSession(model, session));
}

void mace_session_destroy(mace_session* session) {
  if (session != nullptr) mace::api::FromHandle(session)->Release();
}

mace_status* mace_session_prepare(mace_session* session, const mace_tensor* inputs, int32_t input_count,
                                  mace_tensor* outputs, int32_t output_count) {
  return mace::api::ToHandle(mace::api::Prepare(session, inputs, input_count, outputs, output_count));
}

mace_status* mace_session_run(mace_session* session, const mace_tensor* inputs, int32_t input_count,
                              mace_tensor* outputs, int32_t output_count, const mace_run_options* options) {
  return mace::api::ToHandle(mace::api::Run(session, inputs, input_count, outputs, output_count, options));
}

mace_status* mace_session_reset_state(mace_session* session) {
  return mace::api::ToHandle(mace::api::ResetState(session));
}

mace_status* mace_session_explain_json(mace_session* session, const char** text) {
  return mace::api::ToHandle(mace::api::Explain(session, text, false));
}

mace_status* mace_session_profile_json(mace_session* session, const char** text) {
  return mace::api::ToHandle(mace::api::Explain(session, text, true));
}

}  // extern "C"
