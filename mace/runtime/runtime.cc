#include "mace/runtime/runtime.h"

#include <algorithm>

#include "mace/backends/cpu/cpu_backend.h"
#include "mace/core/cpu_features.h"

namespace mace {
namespace {

constexpr int32_t kMaxThreads = 256;

Status LimitIsa(std::string_view name, CpuFeatures* features) {
  if (name.empty()) {
    features->isas &= kProvenIsas;
    return Status::Ok();
  }
  for (int i = 0; i < kIsaCount; ++i) {
    const auto isa = static_cast<Isa>(i);
    if (name != NameOf(isa)) continue;
    // What this CPU lacks is no harm where it has less; what this build has no kernels for says nothing here.
    if (((kernels::CompiledIsas() >> i) & 1) == 0) {
      return InvalidArgument("isa '%s': of another architecture, or left out of this build", NameOf(isa));
    }
    *features = features->LimitTo(isa);
    features->isas &= kProvenIsas | uint32_t{1} << i;
    return Status::Ok();
  }
  String names;
  for (int i = 0; i < kIsaCount; ++i) {
    MACE_RETURN_IF_ERROR(names.AppendFormat("%s%s", i == 0 ? "" : ", ", NameOf(static_cast<Isa>(i))));
  }
  return InvalidArgument("isa '%.*s' is not one of %s", static_cast<int>(std::min<size_t>(name.size(), 40)),
                         name.data(), names.c_str());
}

}  // namespace

BudgetAllocator::BudgetAllocator(const Allocator& base, uint64_t limit) : base_(base), limit_(limit) {
  allocator_.context = this;
  allocator_.allocate = [](void* context, size_t bytes, size_t alignment) {
    return static_cast<BudgetAllocator*>(context)->Allocate(bytes, alignment);
  };
  allocator_.deallocate = [](void* context, void* memory, size_t bytes) {
    static_cast<BudgetAllocator*>(context)->Deallocate(memory, bytes);
  };
}

void* BudgetAllocator::Allocate(size_t bytes, size_t alignment) {
  const uint64_t before = used_.fetch_add(bytes);
  const bool refused = limit_ != 0 && (bytes > limit_ || before > limit_ - bytes);
  void* memory = refused ? nullptr : base_.allocate(base_.context, bytes, alignment);
  if (memory == nullptr) used_.fetch_sub(bytes);
  if (refused) refusals_.fetch_add(1);
  return memory;
}

void BudgetAllocator::Deallocate(void* memory, size_t bytes) {
  base_.deallocate(base_.context, memory, bytes);
  used_.fetch_sub(bytes);
}

Status BudgetAllocator::Explain(Status status, uint64_t refusals_before) const {
  if (status.code() != StatusCode::kOutOfMemory || refusals() == refusals_before) return status;
  return ResourceExhausted("memory_limit, %llu bytes, does not allow this (in use: %llu)",
                           static_cast<unsigned long long>(limit_), static_cast<unsigned long long>(used()));
}

Status BudgetAllocator::Explain(Status status, uint64_t refusals_before, const char* what,
                                size_t bytes) const {
  if (status.code() != StatusCode::kOutOfMemory) return status;
  status = Explain(std::move(status), refusals_before);
  if (status.code() != StatusCode::kOutOfMemory) {
    return std::move(status).WithPrefix("%zu bytes for %s", bytes, what);
  }
  return Status::Format(StatusCode::kOutOfMemory, "out of memory: %zu bytes for %s", bytes, what);
}

Result<Ref<Runtime>> Runtime::Create(const RuntimeOptions& options) {
  if (options.num_threads < 0 || options.num_threads > kMaxThreads) {
    return InvalidArgument("num_threads is 0 (one per core) or 1 to %d, not %d", kMaxThreads,
                           options.num_threads);
  }
  CpuFeatures features = CpuFeatures::Detect();
  MACE_RETURN_IF_ERROR(LimitIsa(options.isa, &features));
  const Allocator& allocator = options.allocator != nullptr ? *options.allocator : SystemAllocator();
  Ref<Runtime> runtime = Ref<Runtime>::Adopt(new (std::nothrow) Runtime(allocator, options.memory_limit));
  if (!runtime) return Status::OutOfMemory();
  runtime->log_ = options.log;
  runtime->kernels_ = kernels::SelectKernels(features);
  if (options.executor != nullptr) {
    MACE_ASSIGN_OR_RETURN(runtime->pool_, ThreadPool::Create(*options.executor));
  } else {
    const int32_t cores = std::clamp<int32_t>(features.cores, 1, kMaxThreads);
    MACE_ASSIGN_OR_RETURN(runtime->pool_,
                          ThreadPool::Create(options.num_threads == 0 ? cores : options.num_threads));
  }
  MACE_ASSIGN_OR_RETURN(std::unique_ptr<Backend> cpu, MakeCpuBackend());
  MACE_RETURN_IF_ERROR(runtime->backends_.PushBack(std::move(cpu)));
  return runtime;
}

Status Runtime::AddBackend(std::unique_ptr<Backend> backend) {
  MACE_RETURN_IF_ERROR(backends_.PushBack(std::move(backend)));
  std::rotate(backends_.begin(), backends_.end() - 1, backends_.end());
  return Status::Ok();
}

Result<Buffer> Runtime::LeaseArena(size_t bytes) {
  Buffer too_small;  // freed outside of the lock
  {
    std::lock_guard lock(arena_mutex_);
    size_t best = free_arenas_.size(), largest = free_arenas_.size();
    for (size_t i = 0; i < free_arenas_.size(); ++i) {
      const size_t size = free_arenas_[i].size();
      if (size >= bytes && (best == free_arenas_.size() || size < free_arenas_[best].size())) best = i;
      if (largest == free_arenas_.size() || size > free_arenas_[largest].size()) largest = i;
    }
    const size_t taken = best < free_arenas_.size() ? best : largest;
    if (taken < free_arenas_.size()) {
      Buffer arena = std::move(free_arenas_[taken]);
      free_arenas_[taken] = std::move(free_arenas_.back());
      free_arenas_.PopBack();
      if (arena.size() >= bytes) return arena;
      too_small = std::move(arena);
    }
  }
  too_small.Reset();
  return Buffer::Allocate(bytes, allocator());
}

void Runtime::ReturnArena(Buffer arena) {
  if (arena.size() == 0) return;
  std::lock_guard lock(arena_mutex_);
  // Where the list cannot grow the arena is freed instead.
  free_arenas_.PushBack(std::move(arena)).IgnoreError();
}

void Runtime::FreeArenas() {
  Vector<Buffer> arenas;  // freed outside of the lock
  std::lock_guard lock(arena_mutex_);
  std::swap(arenas, free_arenas_);
}

Status CustomOperatorList::Add(std::unique_ptr<CustomOperator> custom) {
  if (custom == nullptr) return Status::OutOfMemory();
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& other : list_) {
    if (other->name.view() == custom->name.view()) {
      return Status::Format(StatusCode::kFailedPrecondition, "the operator '%s' is registered already",
                            custom->name.c_str());
    }
  }
  return list_.PushBack(std::move(custom));
}

const CustomOperator* CustomOperatorList::Find(std::string_view name) const {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& custom : list_) {
    if (custom->name.view() == name) return custom.get();
  }
  return nullptr;
}

}  // namespace mace
