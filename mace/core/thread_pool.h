// ThreadPool (docs/design/18-threads.md): tiles are handed out through an atomic cursor, so that fast cores
// take more. Between the steps of one run (inside BeginRun/EndRun) a worker spins at most 50 us, then sleeps;
// nothing spins after a run. Affinity and priority are never touched. After Create nothing allocates.
#ifndef MACE_CORE_THREAD_POOL_H_
#define MACE_CORE_THREAD_POOL_H_

#include <cstdint>
#include <memory>

#include "mace/core/result.h"

namespace mace {

// A caller's executor (mace_executor of mace_c.h).
struct Executor {
  void* context = nullptr;
  int32_t max_workers = 1;
  void (*run)(void* context, int32_t workers, void (*task)(void* task_context, int32_t worker),
              void* task_context) = nullptr;
};

class ThreadPool {
 public:
  // Computes the tiles [tile_begin, tile_end) as worker 0 .. num_threads - 1.
  using TileFunction = void (*)(void* context, int64_t tile_begin, int64_t tile_end, int32_t worker);

  // num_threads >= 1 counts the calling thread: 1 starts none. Where the system refuses a thread, an error.
  static Result<std::unique_ptr<ThreadPool>> Create(int32_t num_threads);
  static Result<std::unique_ptr<ThreadPool>> Create(const Executor& executor);
  ~ThreadPool();

  int32_t num_threads() const;
  // Calls `function` until all tiles are done; the caller is worker 0. At most `max_workers` workers take
  // part (0: all). One ParallelFor at a time: callers from several threads wait for one another. With one
  // tile, or one thread, no other thread is woken.
  void ParallelFor(int64_t tiles, TileFunction function, void* context, int32_t max_workers = 0);
  void BeginRun();
  void EndRun();

  struct Impl;

 private:
  ThreadPool();
  std::unique_ptr<Impl> impl_;
};

}  // namespace mace

#endif  // MACE_CORE_THREAD_POOL_H_
