// Operators that the application brings.
#include <cstring>

#include "mace/api/structs.h"
#include "mace/runtime/custom_call.h"

namespace mace::api {

// The handle is the call itself.
static CustomCall* FromHandle(mace_operator_call* handle) { return reinterpret_cast<CustomCall*>(handle); }
static const CustomCall* FromHandle(const mace_operator_call* handle) {
  return reinterpret_cast<const CustomCall*>(handle);
}

namespace {

using RunFunction = decltype(mace_custom_operator::run);

StatusCode Run(void (*hook)(), void* context, CustomCall* call) {
  const int32_t code =
      reinterpret_cast<RunFunction>(hook)(context, reinterpret_cast<mace_operator_call*>(call));
  const bool known = code >= MACE_OK && code <= MACE_FAILED_PRECONDITION;
  return known ? static_cast<StatusCode>(code) : StatusCode::kInternal;
}

Status Register(mace_runtime* runtime, const mace_custom_operator* caller) {
  MACE_RETURN_IF_ERROR(CheckNotNull(runtime, "runtime"));
  MACE_RETURN_IF_ERROR(CheckNotNull(caller, "custom"));
  mace_custom_operator copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_custom_operator", sizeof(mace_custom_operator), &copy));
  MACE_RETURN_IF_ERROR(CheckNotNull(copy.name, "mace_custom_operator.name"));
  if (copy.run == nullptr) return InvalidArgument("mace_custom_operator needs run");
  return RegisterCustomOperator(api::FromHandle(runtime), copy.name,
                                {copy.context, reinterpret_cast<void (*)()>(copy.run), Run});
}

Status ReadInput(const mace_operator_call* handle, int32_t index, mace_tensor* tensor) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "call"));
  MACE_RETURN_IF_ERROR(CheckNotNull(tensor, "tensor"));
  uint32_t size = 0;
  MACE_RETURN_IF_ERROR(ReadStructSize(tensor, "mace_tensor", sizeof(mace_tensor), &size));
  const CustomCall* call = FromHandle(handle);
  if (index < 0 || index >= call->input_count()) {
    return InvalidArgument("input %d of %d", index, call->input_count());
  }
  mace_tensor result = {};
  result.struct_size = size;
  if (const TensorView view = call->input(index); view.dtype != DType::kInvalid) {
    result.dtype = static_cast<int32_t>(view.dtype);
    result.rank = view.shape.rank;
    for (int d = 0; d < view.shape.rank; ++d) result.dims[d] = view.shape[d];
    result.data = view.data;
    result.byte_size = static_cast<size_t>(view.bytes());
  }
  std::memcpy(tensor, &result, sizeof(result));
  return Status::Ok();
}

Status AllocateOutput(mace_operator_call* handle, int32_t index, int32_t rank, const int64_t* dims,
                      void** data) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "call"));
  MACE_RETURN_IF_ERROR(CheckNotNull(data, "data"));
  if (rank < 0) return InvalidArgument("rank %d of output %d", rank, index);
  if (rank > 0) MACE_RETURN_IF_ERROR(CheckNotNull(dims, "dims"));
  return FromHandle(handle)->AllocateOutput(index, {dims, static_cast<size_t>(rank)}, data);
}

}  // namespace
}  // namespace mace::api

extern "C" {

mace_status* mace_runtime_register_operator(mace_runtime* runtime, const mace_custom_operator* custom) {
  return mace::api::ToHandle(mace::api::Register(runtime, custom));
}

const void* mace_operator_options(const mace_operator_call* call, size_t* byte_size) {
  if (byte_size != nullptr) *byte_size = 0;
  if (call == nullptr) return nullptr;
  const std::span<const uint8_t> options = mace::api::FromHandle(call)->options();
  if (byte_size != nullptr) *byte_size = options.size();
  return options.data();
}

int32_t mace_operator_input_count(const mace_operator_call* call) {
  return call == nullptr ? 0 : mace::api::FromHandle(call)->input_count();
}

int32_t mace_operator_output_count(const mace_operator_call* call) {
  return call == nullptr ? 0 : mace::api::FromHandle(call)->output_count();
}

mace_status* mace_operator_input(const mace_operator_call* call, int32_t index, mace_tensor* tensor) {
  return mace::api::ToHandle(mace::api::ReadInput(call, index, tensor));
}

int32_t mace_operator_output_dtype(const mace_operator_call* call, int32_t index) {
  return call == nullptr ? 0 : static_cast<int32_t>(mace::api::FromHandle(call)->output_dtype(index));
}

mace_status* mace_operator_allocate_output(mace_operator_call* call, int32_t index, int32_t rank,
                                           const int64_t* dims, void** data) {
  return mace::api::ToHandle(mace::api::AllocateOutput(call, index, rank, dims, data));
}

void mace_operator_fail(mace_operator_call* call, const char* message) {
  if (call != nullptr && message != nullptr) mace::api::FromHandle(call)->Fail(message);
}

}  // extern "C"
