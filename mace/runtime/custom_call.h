// One call of an operator that the application brings, and registering one: what the C ABI hands on.
#ifndef MACE_RUNTIME_CUSTOM_CALL_H_
#define MACE_RUNTIME_CUSTOM_CALL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/core/tensor_view.h"
#include "mace/runtime/runtime.h"

namespace mace {

class CustomCall {
 public:
  explicit CustomCall(const DynamicContext& context) : context_(context) {}

  std::span<const uint8_t> options() const;
  // Without name and options, which the node holds as its first inputs.
  int32_t input_count() const;
  int32_t output_count() const;
  // Of an absent input: dtype kInvalid. `index` is in range.
  TensorView input(int32_t index) const;
  DType output_dtype(int32_t index) const;  // kInvalid: nobody reads it
  Status AllocateOutput(int32_t index, std::span<const int64_t> dims, void** data);
  // What the application says of an error: copied, up to kMaxMessage bytes.
  void Fail(std::string_view message);
  const char* message() const { return message_; }
  // The first output that is read and was not allocated, or -1.
  int32_t MissingOutput() const;

  static constexpr size_t kMaxMessage = 500;

 private:
  static constexpr int32_t kMaxOutputs = 8;
  const DynamicContext& context_;
  char message_[kMaxMessage + 1] = {};
  bool allocated_[kMaxOutputs] = {};
};

// `run` gets what was registered and the call; `hook` is the application's function, which `run` knows. An
// error where the name is empty, long or taken.
struct CustomFunction {
  void* context = nullptr;
  void (*hook)() = nullptr;
  StatusCode (*run)(void (*hook)(), void* context, CustomCall* call) = nullptr;
};
Status RegisterCustomOperator(Runtime* runtime, std::string_view name, const CustomFunction& function);

}  // namespace mace

#endif  // MACE_RUNTIME_CUSTOM_CALL_H_
