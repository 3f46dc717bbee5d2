#include "mace/core/thread_pool.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "mace/core/memory.h"
#include "mace/core/vector.h"

namespace mace {
namespace {

constexpr int32_t kMaxThreads = 256;
constexpr uint64_t kSpinNanoseconds = 50000;
constexpr uint64_t kOpen = uint64_t{1} << 31;

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Calls `done` until it gives true or the spin time is over; gives its last answer.
template <typename Done>
bool Spin(const Done& done) {
  for (int i = 0; i < 64; ++i) {
    if (done()) return true;
    Pause();
  }
  const uint64_t end = Now() + kSpinNanoseconds;
  while (Now() < end) {
    for (int i = 0; i < 64; ++i) {
      if (done()) return true;
      Pause();
    }
  }
  return done();
}

class Lock {
 public:
  explicit Lock(pthread_mutex_t* mutex) : mutex_(mutex) { pthread_mutex_lock(mutex_); }
  ~Lock() { pthread_mutex_unlock(mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  pthread_mutex_t* mutex_;
};

}  // namespace

// A job is open from its publication until its caller finds no more tiles. A worker joins an open job and is
// waited for; one that is too late to join is not: the caller of a short job never waits for a thread that
// the system has not scheduled yet.
struct ThreadPool::Impl {
  struct Worker {
    Impl* impl = nullptr;
    int32_t index = 0;
    pthread_t thread = {};
  };

  int32_t num_threads = 1;
  Executor executor;
  const pid_t creator = getpid();  // a forked child has a copy of the pool, but none of its threads
  Vector<Worker> workers;

  pthread_mutex_t caller_mutex = PTHREAD_MUTEX_INITIALIZER;  // held by the one ParallelFor that is going on
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
  pthread_cond_t done = PTHREAD_COND_INITIALIZER;

  // generation << 32 | kOpen where workers may join | number of workers that joined and have not left.
  alignas(64) std::atomic<uint64_t> state{0};
  alignas(64) std::atomic<int64_t> cursor{0};
  alignas(64) std::atomic<int32_t> sleepers{0};
  std::atomic<int32_t> runs{0};
  std::atomic<bool> caller_sleeps{false};
  std::atomic<bool> shutdown{false};

  // The job; written only while it is closed and nobody is inside.
  TileFunction function = nullptr;
  void* context = nullptr;
  int64_t tiles = 0;
  int64_t chunk = 1;
  std::atomic<int32_t> job_workers{0};  // atomic: read by workers before they know whether they may join

  ~Impl();
  bool HasLostWorkers() const { return !workers.empty() && getpid() != creator; }
  void WorkerLoop(int32_t index);
  bool WaitForWork(uint32_t seen);
  void WaitForWorkers();
  void ComputeTiles(int32_t worker);
  void Publish(int32_t count);

  static void* ThreadMain(void* argument) {
    auto* worker = static_cast<Worker*>(argument);
    worker->impl->WorkerLoop(worker->index);
    return nullptr;
  }
};

ThreadPool::Impl::~Impl() {
  // Whatever a thread held or waited on when the process forked stays so for ever: nothing is touched.
  if (HasLostWorkers()) return;
  {
    Lock lock(&mutex);
    shutdown.store(true);
    pthread_cond_broadcast(&wake);
  }
  for (Worker& worker : workers) pthread_join(worker.thread, nullptr);
  pthread_cond_destroy(&wake);
  pthread_cond_destroy(&done);
  pthread_mutex_destroy(&mutex);
  pthread_mutex_destroy(&caller_mutex);
}

void ThreadPool::Impl::ComputeTiles(int32_t worker) {
  for (;;) {
    const int64_t begin = cursor.fetch_add(chunk, std::memory_order_relaxed);
    if (begin >= tiles) return;
    const int64_t end = tiles - begin < chunk ? tiles : begin + chunk;
    function(context, begin, end, worker);
  }
}

// True when there is a job of another generation than `seen`, false at shutdown.
bool ThreadPool::Impl::WaitForWork(uint32_t seen) {
  const auto is_new = [&] {
    return static_cast<uint32_t>(state.load() >> 32) != seen || shutdown.load(std::memory_order_relaxed);
  };
  if (runs.load(std::memory_order_relaxed) > 0) {
    Spin([&] { return is_new() || runs.load(std::memory_order_relaxed) == 0; });
  }
  if (!is_new()) {
    Lock lock(&mutex);
    sleepers.fetch_add(1);  // before the last look at the state: Publish looks at them in the other order
    while (!is_new()) pthread_cond_wait(&wake, &mutex);
    sleepers.fetch_sub(1);
  }
  return !shutdown.load();
}

void ThreadPool::Impl::WorkerLoop(int32_t index) {
  uint32_t seen = 0;
  while (WaitForWork(seen)) {
    uint64_t now = state.load();
    seen = static_cast<uint32_t>(now >> 32);
    if (index >= job_workers.load()) continue;
    bool joined = false;
    while ((now & kOpen) != 0 && static_cast<uint32_t>(now >> 32) == seen && !joined) {
      joined = state.compare_exchange_weak(now, now + 1);
    }
    if (!joined) continue;
    ComputeTiles(index);
    const uint64_t before = state.fetch_sub(1);
    if ((before & (kOpen | (kOpen - 1))) == 1 && caller_sleeps.load()) {
      Lock lock(&mutex);
      pthread_cond_signal(&done);
    }
  }
}

void ThreadPool::Impl::Publish(int32_t count) {
  job_workers.store(count);
  cursor.store(0, std::memory_order_relaxed);
  const uint64_t generation = (state.load(std::memory_order_relaxed) >> 32) + 1;
  state.store(generation << 32 | kOpen);
  if (sleepers.load() > 0) {
    Lock lock(&mutex);
    pthread_cond_broadcast(&wake);
  }
}

// Closes the job and returns when all who joined have left.
void ThreadPool::Impl::WaitForWorkers() {
  state.fetch_and(~kOpen);
  const auto is_done = [&] { return (state.load() & (kOpen - 1)) == 0; };
  if (Spin(is_done)) return;
  Lock lock(&mutex);
  caller_sleeps.store(true);
  while (!is_done()) pthread_cond_wait(&done, &mutex);
  caller_sleeps.store(false);
}

ThreadPool::ThreadPool() = default;
ThreadPool::~ThreadPool() = default;

Result<std::unique_ptr<ThreadPool>> ThreadPool::Create(int32_t num_threads) {
  if (num_threads < 1 || num_threads > kMaxThreads) {
    return InvalidArgument("a thread pool has 1 to %d threads, not %d", kMaxThreads, num_threads);
  }
  std::unique_ptr<ThreadPool> pool(new (std::nothrow) ThreadPool());
  if (pool == nullptr) return Status::OutOfMemory();
  MACE_ASSIGN_OR_RETURN(pool->impl_, MakeUnique<Impl>());
  Impl* impl = pool->impl_.get();
  impl->num_threads = num_threads;
  MACE_RETURN_IF_ERROR(impl->workers.Reserve(num_threads - 1));  // the threads hold pointers into it
  for (int32_t i = 1; i < num_threads; ++i) {
    MACE_RETURN_IF_ERROR(impl->workers.PushBack({impl, i, {}}));
    Impl::Worker& worker = impl->workers.back();
    if (const int error = pthread_create(&worker.thread, nullptr, Impl::ThreadMain, &worker); error != 0) {
      impl->workers.PopBack();
      return ResourceExhausted("the system refused thread %d of %d (error %d)", i + 1, num_threads, error);
    }
  }
  return pool;
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::Create(const Executor& executor) {
  if (executor.run == nullptr || executor.max_workers < 1) {
    return InvalidArgument("an executor needs a run function and max_workers >= 1");
  }
  std::unique_ptr<ThreadPool> pool(new (std::nothrow) ThreadPool());
  if (pool == nullptr) return Status::OutOfMemory();
  MACE_ASSIGN_OR_RETURN(pool->impl_, MakeUnique<Impl>());
  pool->impl_->num_threads = executor.max_workers < kMaxThreads ? executor.max_workers : kMaxThreads;
  pool->impl_->executor = executor;
  return pool;
}

int32_t ThreadPool::num_threads() const { return impl_->num_threads; }

void ThreadPool::ParallelFor(int64_t tiles, TileFunction function, void* context, int32_t max_workers) {
  if (tiles <= 0) return;
  Impl& impl = *impl_;
  int64_t count = max_workers > 0 && max_workers < impl.num_threads ? max_workers : impl.num_threads;
  if (count > tiles) count = tiles;
  if (count <= 1 || impl.HasLostWorkers()) {
    function(context, 0, tiles, 0);
    return;
  }
  Lock lock(&impl.caller_mutex);
  impl.function = function;
  impl.context = context;
  impl.tiles = tiles;
  // Eight turns a worker: fine enough for unequal cores, coarse enough to leave the cursor's line alone.
  impl.chunk = tiles / (count * 8) > 1 ? tiles / (count * 8) : 1;
  if (impl.executor.run != nullptr) {
    impl.cursor.store(0, std::memory_order_relaxed);
    impl.executor.run(
        impl.executor.context, static_cast<int32_t>(count),
        [](void* task_context, int32_t worker) { static_cast<Impl*>(task_context)->ComputeTiles(worker); },
        &impl);
    return;
  }
  impl.Publish(static_cast<int32_t>(count));
  impl.ComputeTiles(0);
  impl.WaitForWorkers();
}

void ThreadPool::BeginRun() { impl_->runs.fetch_add(1); }
void ThreadPool::EndRun() { impl_->runs.fetch_sub(1); }

}  // namespace mace
