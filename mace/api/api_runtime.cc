#include "mace/api/structs.h"
#include "mace/runtime/measure.h"

namespace mace::api {
namespace {

// Copies of the caller's extension points; RuntimeOptions refers to them.
struct ExtensionPoints {
  Allocator allocator;
  Executor executor;
};

Status ReadAllocator(const mace_allocator* caller, Allocator* allocator) {
  mace_allocator copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_allocator", sizeof(mace_allocator), &copy));
  if (copy.allocate == nullptr || copy.deallocate == nullptr) {
    return InvalidArgument("mace_allocator needs both allocate and deallocate");
  }
  *allocator = {copy.context, copy.allocate, copy.deallocate};
  return Status::Ok();
}

Status ReadLog(const mace_log* caller, Log* log) {
  mace_log copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_log", sizeof(mace_log), &copy));
  if (copy.write == nullptr) return InvalidArgument("mace_log needs write");
  log->context = copy.context;
  log->hook = reinterpret_cast<void (*)()>(copy.write);
  log->write = [](const Log& hooked, LogLevel level, const char* message) {
    reinterpret_cast<decltype(mace_log::write)>(hooked.hook)(hooked.context,
                                                             static_cast<mace_log_level>(level), message);
  };
  return Status::Ok();
}

Status ReadExecutor(const mace_executor* caller, Executor* executor) {
  mace_executor copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_executor", sizeof(mace_executor), &copy));
  *executor = {copy.context, copy.max_workers, copy.run};
  return Status::Ok();
}

Status ReadOptions(const mace_runtime_options* caller, ExtensionPoints* points, RuntimeOptions* options) {
  if (caller == nullptr) return Status::Ok();
  mace_runtime_options copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_runtime_options", kMinOptionsSize, &copy));
  options->num_threads = copy.num_threads;
  options->memory_limit = copy.memory_limit;
  if (copy.isa != nullptr) options->isa = copy.isa;
  if (copy.allocator != nullptr) {
    MACE_RETURN_IF_ERROR(ReadAllocator(copy.allocator, &points->allocator));
    options->allocator = &points->allocator;
  }
  if (copy.log != nullptr) MACE_RETURN_IF_ERROR(ReadLog(copy.log, &options->log));
  if (copy.executor != nullptr) {
    MACE_RETURN_IF_ERROR(ReadExecutor(copy.executor, &points->executor));
    options->executor = &points->executor;
  }
  return Status::Ok();
}

Status CreateRuntime(const mace_runtime_options* caller, mace_runtime** handle) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "runtime"));
  *handle = nullptr;
  ExtensionPoints points;
  RuntimeOptions options;
  MACE_RETURN_IF_ERROR(ReadOptions(caller, &points, &options));
  MACE_ASSIGN_OR_RETURN(Ref<Runtime> runtime, Runtime::Create(options));
  *handle = reinterpret_cast<mace_runtime*>(runtime.Detach());
  return Status::Ok();
}

Status Measure(mace_runtime* runtime, mace_capability* caller) {
  MACE_RETURN_IF_ERROR(CheckNotNull(runtime, "runtime"));
  MACE_RETURN_IF_ERROR(CheckNotNull(caller, "capability"));
  uint32_t size = 0;
  MACE_RETURN_IF_ERROR(ReadStructSize(caller, "mace_capability", kMinOptionsSize, &size));
  MACE_ASSIGN_OR_RETURN(const Capability measured,
                        MeasureCapability(Ref<Runtime>::Share(FromHandle(runtime))));
  const mace_capability result = {size, measured.float32_milliseconds, measured.int8_milliseconds};
  std::memcpy(caller, &result, size < sizeof(result) ? size : sizeof(result));
  return Status::Ok();
}

}  // namespace
}  // namespace mace::api

extern "C" {

mace_status* mace_runtime_create(const mace_runtime_options* options, mace_runtime** runtime) {
  return mace::api::ToHandle(mace::api::CreateRuntime(options, runtime));
}

void mace_runtime_destroy(mace_runtime* runtime) {
  if (runtime != nullptr) mace::api::FromHandle(runtime)->Release();
}

mace_status* mace_runtime_measure(mace_runtime* runtime, mace_capability* capability) {
  return mace::api::ToHandle(mace::api::Measure(runtime, capability));
}

}  // extern "C"
