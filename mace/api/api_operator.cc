// Operators that the application brings.
#include <memory>
#include <new>

#include "mace/api/structs.h"
#include "mace/graph/custom_operator.h"
#include "mace/ops/custom/custom.h"
#include "mace/runtime/runtime.h"

// What the application's function works with: the node that is run, and what it said of an error.
struct mace_operator_call {
  const mace::DynamicContext& context;
  char message[501] = {};
  bool allocated[mace::ops::CustomAttributes{}.dtypes.capacity()] = {};
};

namespace mace::api {
namespace {

constexpr uint64_t kMaxNameBytes = 1000;

using RunFunction = decltype(mace_custom_operator::run);

StatusCode CodeOf(mace_status_code code) {
  const bool known = code > MACE_OK && code <= MACE_FAILED_PRECONDITION;
  return known ? static_cast<StatusCode>(code) : StatusCode::kInternal;
}

Status RunCustom(const CustomOperator& self, const DynamicContext& context) {
  mace_operator_call call = {context};
  const mace_status_code code = reinterpret_cast<RunFunction>(self.hook)(self.context, &call);
  if (code != MACE_OK) {
    const char* message = call.message[0] != 0 ? call.message : "the application's function failed";
    return Status::Format(CodeOf(code), "operator '%s': %s", self.name.c_str(), message);
  }
  for (int i = 0; i < context.output_count; ++i) {
    if (context.has_output(i) && !call.allocated[i]) {
      return Internal("operator '%s': the application's function did not allocate output %d",
                      self.name.c_str(), i);
    }
  }
  return Status::Ok();
}

Status Register(mace_runtime* runtime, const mace_custom_operator* caller) {
  MACE_RETURN_IF_ERROR(CheckNotNull(runtime, "runtime"));
  MACE_RETURN_IF_ERROR(CheckNotNull(caller, "custom"));
  mace_custom_operator copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_custom_operator", sizeof(mace_custom_operator), &copy));
  MACE_RETURN_IF_ERROR(CheckNotNull(copy.name, "mace_custom_operator.name"));
  if (copy.run == nullptr) return InvalidArgument("mace_custom_operator needs run");
  const size_t length = std::strlen(copy.name);
  if (length == 0 || length > kMaxNameBytes) {
    return InvalidArgument("the name of an operator has %zu bytes, expected 1 to %llu", length,
                           static_cast<unsigned long long>(kMaxNameBytes));
  }
  std::unique_ptr<CustomOperator> custom(new (std::nothrow) CustomOperator);
  if (custom == nullptr) return Status::OutOfMemory();
  MACE_RETURN_IF_ERROR(custom->name.Assign({copy.name, length}));
  custom->context = copy.context;
  custom->hook = reinterpret_cast<void (*)()>(copy.run);
  custom->run = RunCustom;
  return FromHandle(runtime)->custom_operators().Add(std::move(custom));
}

// The node's operands without name and options.
int32_t OperandCount(const mace_operator_call* call) {
  return call == nullptr ? 0 : call->context.input_count - ops::kCustomOperands;
}

Status ReadInput(const mace_operator_call* call, int32_t index, mace_tensor* tensor) {
  MACE_RETURN_IF_ERROR(CheckNotNull(call, "call"));
  MACE_RETURN_IF_ERROR(CheckNotNull(tensor, "tensor"));
  uint32_t size = 0;
  MACE_RETURN_IF_ERROR(ReadStructSize(tensor, "mace_tensor", sizeof(mace_tensor), &size));
  if (index < 0 || index >= OperandCount(call)) {
    return InvalidArgument("input %d of %d", index, OperandCount(call));
  }
  mace_tensor result = {size};
  const int input = index + ops::kCustomOperands;
  if (call->context.has_input(input)) {
    const TensorView& view = call->context.inputs[input];
    result.dtype = static_cast<int32_t>(view.dtype);
    result.rank = view.shape.rank;
    for (int d = 0; d < view.shape.rank; ++d) result.dims[d] = view.shape[d];
    result.data = view.data;
    result.byte_size = static_cast<size_t>(view.bytes());
  }
  std::memcpy(tensor, &result, sizeof(result));
  return Status::Ok();
}

int32_t OutputDType(const mace_operator_call* call, int32_t index) {
  if (call == nullptr || index < 0 || !call->context.has_output(index)) return 0;
  return static_cast<int32_t>(call->context.attributes<ops::CustomAttributes>().dtypes[index]);
}

Status AllocateOutput(mace_operator_call* call, int32_t index, int32_t rank, const int64_t* dims,
                      void** data) {
  MACE_RETURN_IF_ERROR(CheckNotNull(call, "call"));
  MACE_RETURN_IF_ERROR(CheckNotNull(data, "data"));
  const int32_t dtype = OutputDType(call, index);
  if (dtype == 0) return InvalidArgument("output %d is not there", index);
  if (call->allocated[index]) return InvalidArgument("output %d was allocated before", index);
  if (rank < 0 || rank > kMaxRank) return InvalidArgument("rank %d, expected 0 to %d", rank, kMaxRank);
  if (rank > 0) MACE_RETURN_IF_ERROR(CheckNotNull(dims, "dims"));
  Shape shape;
  for (int d = 0; d < rank; ++d) {
    if (dims[d] < 0) {
      return InvalidArgument("dimension %d of output %d is %lld", d, index, static_cast<long long>(dims[d]));
    }
    shape.Push(dims[d]);
  }
  MACE_ASSIGN_OR_RETURN(const TensorView view,
                        call->context.outputs->Allocate(index, static_cast<DType>(dtype), shape));
  call->allocated[index] = true;
  *data = view.data;
  return Status::Ok();
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
  const mace::TensorView& options = call->context.inputs[mace::ops::kCustomOptions];
  if (byte_size != nullptr) *byte_size = static_cast<size_t>(options.bytes());
  return options.data;
}

int32_t mace_operator_input_count(const mace_operator_call* call) { return mace::api::OperandCount(call); }

int32_t mace_operator_output_count(const mace_operator_call* call) {
  return call == nullptr ? 0 : call->context.output_count;
}

mace_status* mace_operator_input(const mace_operator_call* call, int32_t index, mace_tensor* tensor) {
  return mace::api::ToHandle(mace::api::ReadInput(call, index, tensor));
}

int32_t mace_operator_output_dtype(const mace_operator_call* call, int32_t index) {
  return mace::api::OutputDType(call, index);
}

mace_status* mace_operator_allocate_output(mace_operator_call* call, int32_t index, int32_t rank,
                                           const int64_t* dims, void** data) {
  return mace::api::ToHandle(mace::api::AllocateOutput(call, index, rank, dims, data));
}

void mace_operator_fail(mace_operator_call* call, const char* message) {
  if (call == nullptr || message == nullptr) return;
  const size_t length = strnlen(message, sizeof(call->message) - 1);
  std::memcpy(call->message, message, length);
  call->message[length] = 0;
}

}  // extern "C"
