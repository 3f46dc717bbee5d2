// mace.h: C++20 over mace_c.h, in headers only. Everything the library exports is the C ABI; this file adds
// ownership, spans and an Expected<T>. It works with and without exceptions: functions return Status or
// Expected<T>; where exceptions are on, value() throws mace::Error instead of returning an error.
//
//   auto runtime = mace::Runtime::Create({.num_threads = 2});
//   if (!runtime.ok()) return Fail(runtime.status().message());
//   auto model = mace::Model::LoadFile(*runtime, "net.mace");
//   if (!model.ok()) return Fail(model.status().message());
//   auto session = model->NewSession();
//   std::vector<float> pixels(4);
//   mace::Tensor input = mace::Tensor::Of<float>(pixels, {1, 4});
//   auto outputs = session->Run({&input, 1});                    // the session's buffers, until its next run
//   if (!outputs.ok()) return Fail(outputs.status().message());
//   for (float score : (*outputs)[0].elements<float>()) Print(score);
//
// Any thread may use a Runtime or a Model, one at a time a Session. They may be destroyed in any order.
#ifndef MACE_MACE_H_
#define MACE_MACE_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "mace/mace_c.h"

namespace mace {
inline namespace wrapper_0 {

using DType = mace_dtype;  // MACE_FLOAT32, ...

template <typename T>
constexpr DType DTypeOf() {
  static_assert(std::is_arithmetic_v<T>, "float16 and bfloat16 tensors: use Tensor's constructor");
  if (std::is_same_v<T, bool>) return MACE_BOOL;
  if (std::is_floating_point_v<T>) return sizeof(T) == 4 ? MACE_FLOAT32 : MACE_FLOAT64;
  constexpr DType kSigned[] = {MACE_INT8, MACE_INT16, MACE_INT32, MACE_INT64};
  constexpr DType kUnsigned[] = {MACE_UINT8, MACE_UINT16, MACE_UINT32, MACE_UINT64};
  constexpr int kLog = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  return std::is_signed_v<T> ? kSigned[kLog] : kUnsigned[kLog];
}

template <typename T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* handle) const { destroy(handle); }
};
template <typename T, void (*destroy)(T*)>
using Handle = std::unique_ptr<T, Destroy<T, destroy>>;

// Success, or a code and a message.
class [[nodiscard]] Status {
 public:
  explicit Status(mace_status* status = nullptr) : status_(status) {}
  bool ok() const { return status_ == nullptr; }
  mace_status_code code() const { return mace_status_get_code(status_.get()); }
  const char* message() const { return mace_status_get_message(status_.get()); }

 private:
  Handle<mace_status, mace_status_free> status_;
};

#if defined(__cpp_exceptions)
class Error : public std::runtime_error {
 public:
  explicit Error(const Status& status) : std::runtime_error(status.message()), code_(status.code()) {}
  mace_status_code code() const { return code_; }

 private:
  mace_status_code code_;
};
inline void ThrowIfError(const Status& status) {
  if (!status.ok()) throw Error(status);
}
#endif

// A T, or the Status that says why there is none. * and -> only where ok().
template <typename T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : value_(std::move(value)) {}                  // NOLINT: implicit on purpose
  Expected(Status status) : status_(std::move(status)) {}          // NOLINT: implicit on purpose
  Expected(Status status, T value) : status_(std::move(status)) {  // the value counts where the status is ok
    if (status_.ok()) value_ = std::move(value);
  }
  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& operator*() { return *value_; }
  T* operator->() { return &*value_; }
#if defined(__cpp_exceptions)
  T& value() & { return ok() ? *value_ : throw Error(status_); }
  T value() && { return ok() ? std::move(*value_) : throw Error(status_); }
#endif

 private:
  std::optional<T> value_;
  Status status_;
};

// A contiguous, row-major tensor that somebody else owns.
class Tensor : public mace_tensor {
 public:
  Tensor() : mace_tensor{} { struct_size = sizeof(mace_tensor); }  // as an output: the session's buffer
  Tensor(DType type, std::span<const int64_t> shape, void* memory, size_t bytes) : Tensor() {
    dtype = type;
    rank = static_cast<int32_t>(shape.size());  // more than MACE_MAX_RANK: the run reports it
    for (size_t i = 0; i < shape.size() && i < MACE_MAX_RANK; ++i) dims[i] = shape[i];
    data = memory;
    byte_size = bytes;
  }
  template <typename T>
  static Tensor Of(std::span<T> values, std::initializer_list<int64_t> shape) {
    return Tensor(DTypeOf<std::remove_const_t<T>>(), {shape.begin(), shape.size()},
                  const_cast<std::remove_const_t<T>*>(values.data()), values.size_bytes());
  }
  // A buffer for an output: its shape is filled in by the run.
  template <typename T>
  static Tensor Into(std::span<T> values) {
    return Tensor(DTypeOf<T>(), {}, values.data(), values.size_bytes());
  }
  std::span<const int64_t> shape() const { return {dims, static_cast<size_t>(rank < 0 ? 0 : rank)}; }
  template <typename T>
  std::span<T> elements() const {
    return {static_cast<T*>(data), byte_size / sizeof(T)};
  }
};
static_assert(sizeof(Tensor) == sizeof(mace_tensor), "arrays of Tensor are arrays of mace_tensor");

struct TensorInfo {
  std::string name;
  DType dtype = MACE_FLOAT32;
  std::vector<int64_t> shape;          // -1: may differ from run to run
  bool has_rank = true;                // else the rank may differ, and shape is empty
  std::vector<std::string> dim_names;  // "" where a dimension has none
  bool optional = false;               // an input that may be left to the session's state
  float scale = 0;                     // 0: not quantized, or per channel
  int32_t zero_point = 0;
};

struct RuntimeOptions {
  int32_t num_threads = 0;  // 0: one per core
  uint64_t memory_limit = 0;
  const char* isa = nullptr;
  const mace_allocator* allocator = nullptr;
  const mace_log* log = nullptr;
  const mace_executor* executor = nullptr;
};

struct ModelOptions {
  bool verify_full = false;
  bool low_memory = false;
  bool reference_kernels = false;
  int32_t max_cached_plans = 0;                    // 0: 16
  mace_numerics numerics = MACE_NUMERICS_DEFAULT;  // MACE_NUMERICS_EXACT: not built yet, refused
};

struct RunOptions {
  uint64_t timeout_ns = 0;
  const volatile int32_t* cancel = nullptr;  // mace_run_options::cancel; set it through std::atomic_ref
  bool profile = false;
  int32_t priority = 0;  // reserved
};

class Session {
 public:
  explicit Session(mace_session* handle, int32_t outputs) : handle_(handle), output_count_(outputs) {}

  // Results in the session's buffers, which are valid until its next run.
  Expected<std::vector<Tensor>> Run(std::span<const Tensor> inputs, const RunOptions& options = {}) {
    std::vector<Tensor> outputs(static_cast<size_t>(output_count_));
    Status status = Run(inputs, outputs, options);
    return {std::move(status), outputs};
  }
  // Into the caller's buffers (Tensor::Into), or the session's where data is null. Only first runs allocate.
  Status Run(std::span<const Tensor> inputs, std::span<Tensor> outputs, const RunOptions& options = {}) {
    const mace_run_options run_options = {sizeof(run_options), options.priority, options.timeout_ns,
                                          options.cancel, options.profile};
    return Status(mace_session_run(handle_.get(), inputs.data(), static_cast<int32_t>(inputs.size()),
                                   outputs.data(), static_cast<int32_t>(outputs.size()), &run_options));
  }
  // Plans for these input shapes (data is not read), tells what outputs look like (-1, 0 bytes: data decide).
  Expected<std::vector<Tensor>> Prepare(std::span<const Tensor> inputs) {
    std::vector<Tensor> outputs(static_cast<size_t>(output_count_));
    Status status(mace_session_prepare(handle_.get(), inputs.data(), static_cast<int32_t>(inputs.size()),
                                       outputs.data(), output_count_));
    return {std::move(status), outputs};
  }
  Status ResetState() { return Status(mace_session_reset_state(handle_.get())); }
  Expected<std::string> ExplainJson() { return Text(&mace_session_explain_json); }
  Expected<std::string> ProfileJson() { return Text(&mace_session_profile_json); }
  mace_session* get() const { return handle_.get(); }

 private:
  Expected<std::string> Text(mace_status* (*function)(mace_session*, const char**)) {
    const char* text = nullptr;
    Status status(function(handle_.get(), &text));
    return {std::move(status), std::string(text == nullptr ? "" : text)};
  }
  Handle<mace_session, mace_session_destroy> handle_;
  int32_t output_count_ = 0;
};

class Runtime {
 public:
  static Expected<Runtime> Create(const RuntimeOptions& options = {}) {
    const mace_runtime_options c_options = {sizeof(c_options), options.num_threads, options.allocator,
                                            options.log,       options.executor,    options.memory_limit,
                                            options.isa};
    mace_runtime* handle = nullptr;
    Status status(mace_runtime_create(&c_options, &handle));
    return {std::move(status), Runtime(handle)};
  }
  // Runs a network that is always the same and tells how long it takes: mace_runtime_measure.
  Expected<mace_capability> Measure() const {
    mace_capability capability = {sizeof(capability), 0, 0};
    Status status(mace_runtime_measure(get(), &capability));
    return {std::move(status), capability};
  }
  mace_runtime* get() const { return handle_.get(); }

 private:
  explicit Runtime(mace_runtime* handle) : handle_(handle) {}
  Handle<mace_runtime, mace_runtime_destroy> handle_;
};

class Model {
 public:
  static Expected<Model> LoadFile(const Runtime& runtime, const char* path,
                                  const ModelOptions& options = {}) {
    const mace_model_options c_options = ToC(options);
    mace_model* handle = nullptr;
    Status status(mace_model_load_file(runtime.get(), path, &c_options, &handle));
    return {std::move(status), Model(handle)};
  }
  // `bytes` must stay valid and unchanged while the model lives.
  static Expected<Model> LoadMemory(const Runtime& runtime, std::span<const uint8_t> bytes,
                                    const ModelOptions& options = {}) {
    const mace_model_options c_options = ToC(options);
    mace_model* handle = nullptr;
    Status status(mace_model_load_memory(runtime.get(), bytes.data(), bytes.size(), &c_options, &handle));
    return {std::move(status), Model(handle)};
  }
  std::vector<TensorInfo> inputs() const { return Infos(mace_model_input_count, mace_model_input_info); }
  std::vector<TensorInfo> outputs() const { return Infos(mace_model_output_count, mace_model_output_info); }
  // Texts stored with the model; where a key is there twice the first one counts.
  std::vector<std::pair<std::string, std::string>> metadata() const {
    std::vector<std::pair<std::string, std::string>> entries;
    for (int32_t i = 0; i < mace_model_metadata_count(get()); ++i) {
      const char *key = "", *value = "";
      if (Status(mace_model_metadata(get(), i, &key, &value)).ok()) entries.emplace_back(key, value);
    }
    return entries;
  }
  Expected<Session> NewSession() const {
    mace_session* handle = nullptr;
    Status status(mace_session_create(get(), &handle));
    return {std::move(status), Session(handle, mace_model_output_count(get()))};
  }
  mace_model* get() const { return handle_.get(); }

 private:
  explicit Model(mace_model* handle) : handle_(handle) {}
  static mace_model_options ToC(const ModelOptions& options) {
    return {sizeof(mace_model_options), options.verify_full,      options.numerics,
            options.low_memory,         options.max_cached_plans, options.reference_kernels};
  }
  Handle<mace_model, mace_model_destroy> handle_;

  std::vector<TensorInfo> Infos(decltype(&mace_model_input_count) count,
                                decltype(&mace_model_input_info) function) const {
    std::vector<TensorInfo> infos(static_cast<size_t>(count(get())));
    for (int32_t i = 0; i < count(get()); ++i) {
      mace_tensor_info c_info = {};
      c_info.struct_size = sizeof(c_info);
      if (!Status(function(get(), i, &c_info)).ok()) continue;  // cannot be: the index is in range
      TensorInfo& info = infos[static_cast<size_t>(i)];
      info.name = c_info.name;
      info.dtype = static_cast<DType>(c_info.dtype);
      info.has_rank = c_info.rank >= 0;
      info.shape.assign(c_info.dims, c_info.dims + (info.has_rank ? c_info.rank : 0));
      for (const char* dim : std::span(c_info.dim_names, info.shape.size()))
        info.dim_names.emplace_back(dim == nullptr ? "" : dim);
      info.optional = c_info.optional != 0;
      info.scale = c_info.scale;
      info.zero_point = c_info.zero_point;
    }
    return infos;
  }
};

}  // namespace wrapper_0
}  // namespace mace

#endif  // MACE_MACE_H_
