#include "mace/runtime/custom_call.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "mace/graph/custom_operator.h"
#include "mace/graph/op_definition.h"
#include "mace/ops/custom/custom.h"

namespace mace {
namespace {

constexpr size_t kMaxNameBytes = 1000;

struct RegisteredOperator final : CustomOperator {
  CustomFunction function;
};

Status RunRegistered(const CustomOperator& self, const DynamicContext& context) {
  const CustomFunction& function = static_cast<const RegisteredOperator&>(self).function;
  CustomCall call(context);
  const StatusCode code = function.run(function.hook, function.context, &call);
  if (code != StatusCode::kOk) {
    const char* message = call.message()[0] != 0 ? call.message() : "the application's function failed";
    return Status::Format(code, "operator '%s': %s", self.name.c_str(), message);
  }
  if (const int32_t missing = call.MissingOutput(); missing >= 0) {
    return Internal("operator '%s': the application's function did not allocate output %d", self.name.c_str(),
                    missing);
  }
  return Status::Ok();
}

}  // namespace

std::span<const uint8_t> CustomCall::options() const {
  const TensorView& view = context_.inputs[ops::kCustomOptions];
  return {static_cast<const uint8_t*>(view.data), static_cast<size_t>(view.bytes())};
}

int32_t CustomCall::input_count() const { return context_.input_count - ops::kCustomOperands; }
int32_t CustomCall::output_count() const { return context_.output_count; }

TensorView CustomCall::input(int32_t index) const {
  const int input = index + ops::kCustomOperands;
  return context_.has_input(input) ? context_.inputs[input] : TensorView();
}

DType CustomCall::output_dtype(int32_t index) const {
  if (index < 0 || !context_.has_output(index)) return DType::kInvalid;
  return static_cast<DType>(context_.attributes<ops::CustomAttributes>().dtypes[index]);
}

Status CustomCall::AllocateOutput(int32_t index, std::span<const int64_t> dims, void** data) {
  const DType dtype = output_dtype(index);
  if (dtype == DType::kInvalid) return InvalidArgument("output %d is not there", index);
  if (allocated_[index]) return InvalidArgument("output %d was allocated before", index);
  if (dims.size() > static_cast<size_t>(kMaxRank)) {
    return InvalidArgument("rank %zu, expected 0 to %d", dims.size(), kMaxRank);
  }
  Shape shape;
  for (int64_t dim : dims) {
    if (dim < 0)
      return InvalidArgument("a dimension of output %d is %lld", index, static_cast<long long>(dim));
    shape.Push(dim);
  }
  MACE_ASSIGN_OR_RETURN(const TensorView view, context_.outputs->Allocate(index, dtype, shape));
  allocated_[index] = true;
  *data = view.data;
  return Status::Ok();
}

void CustomCall::Fail(std::string_view message) {
  const size_t length = std::min(message.size(), kMaxMessage);
  std::memcpy(message_, message.data(), length);
  message_[length] = 0;
}

int32_t CustomCall::MissingOutput() const {
  for (int32_t i = 0; i < output_count(); ++i) {
    if (context_.has_output(i) && !allocated_[i]) return i;
  }
  return -1;
}

Status RegisterCustomOperator(Runtime* runtime, std::string_view name, const CustomFunction& function) {
  if (name.empty() || name.size() > kMaxNameBytes) {
    return InvalidArgument("the name of an operator has %zu bytes, expected 1 to %zu", name.size(),
                           kMaxNameBytes);
  }
  std::unique_ptr<RegisteredOperator> custom(new (std::nothrow) RegisteredOperator);
  if (custom == nullptr) return Status::OutOfMemory();
  MACE_RETURN_IF_ERROR(custom->name.Assign(name));
  custom->function = function;
  custom->run = RunRegistered;
  return runtime->custom_operators().Add(std::move(custom));
}

}  // namespace mace
