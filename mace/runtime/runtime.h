// Runtime: what models and sessions share: threads, memory, kernels, backends, the log
// (docs/design/03-objects.md). Thread-safe once made.
#ifndef MACE_RUNTIME_RUNTIME_H_
#define MACE_RUNTIME_RUNTIME_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "mace/backends/backend.h"
#include "mace/core/log.h"
#include "mace/core/memory.h"
#include "mace/core/thread_pool.h"
#include "mace/graph/custom_operator.h"
#include "mace/kernels/kernel_table.h"
#include "mace/runtime/ref.h"

namespace mace {

struct RuntimeOptions {
  int32_t num_threads = 0;               // 0: one per core that this process may use
  const Allocator* allocator = nullptr;  // null: the system's; copied
  Log log;
  const Executor* executor = nullptr;  // null: own threads; copied
  uint64_t memory_limit = 0;           // bytes of arenas, held results and packed weights; 0: none
  std::string_view isa;                // empty: the best of this CPU
};

// An Allocator that counts what it gave and refuses to give more than a limit.
class BudgetAllocator {
 public:
  BudgetAllocator(const Allocator& base, uint64_t limit);
  const Allocator& allocator() const { return allocator_; }
  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  // Where `status` is "out of memory" and the limit, not the system, was the reason since `refusals` was
  // read: says so.
  Status Explain(Status status, uint64_t refusals_before) const;
  // Also says what the memory was for, and how much of it was wanted.
  Status Explain(Status status, uint64_t refusals_before, const char* what, size_t bytes) const;
  uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }

 private:
  void* Allocate(size_t bytes, size_t alignment);
  void Deallocate(void* memory, size_t bytes);
  Allocator base_;
  uint64_t limit_;
  std::atomic<uint64_t> used_{0};
  std::atomic<uint64_t> refusals_{0};
  Allocator allocator_;
};

// The operators that the application registered, which stay as long as the runtime.
class CustomOperatorList final : public CustomOperators {
 public:
  // An error where the name is taken.
  Status Add(std::unique_ptr<CustomOperator> custom);
  const CustomOperator* Find(std::string_view name) const override;

 private:
  mutable std::mutex mutex_;
  Vector<std::unique_ptr<CustomOperator>> list_;
};

class Runtime final : public RefCounted {
 public:
  static Result<Ref<Runtime>> Create(const RuntimeOptions& options);

  // Puts a backend in front of those that are there: it is asked first. Before the first model only.
  Status AddBackend(std::unique_ptr<Backend> backend);
  std::span<const std::unique_ptr<Backend>> backends() const { return backends_.span(); }

  CustomOperatorList& custom_operators() { return custom_operators_; }

  ThreadPool* pool() const { return pool_.get(); }
  const Allocator& allocator() const { return budget_.allocator(); }
  const BudgetAllocator& budget() const { return budget_; }
  const kernels::KernelTable& kernels() const { return kernels_; }
  int32_t num_threads() const { return pool_->num_threads(); }
  void LogMessage(LogLevel level, const char* message) const {
    if (log_.write != nullptr) log_.write(log_, level, message);
  }

  // Arenas are pooled: the smallest free one of at least `bytes`, else a new one in the place of the largest
  // free one that is too small. Give it back when the session ends.
  Result<Buffer> LeaseArena(size_t bytes);
  void ReturnArena(Buffer arena);
  void FreeArenas();  // those that are not leased

 private:
  Runtime(const Allocator& allocator, uint64_t memory_limit) : budget_(allocator, memory_limit) {}

  BudgetAllocator budget_;
  Log log_;
  kernels::KernelTable kernels_;
  std::unique_ptr<ThreadPool> pool_;
  Vector<std::unique_ptr<Backend>> backends_;
  CustomOperatorList custom_operators_;
  std::mutex arena_mutex_;
  Vector<Buffer> free_arenas_;
};

}  // namespace mace

#endif  // MACE_RUNTIME_RUNTIME_H_
