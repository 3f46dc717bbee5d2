#include "mace/core/thread_pool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace mace {
namespace {

struct Counts {
  std::vector<int> tiles;  // how often each tile was computed
  std::atomic<int> most_workers{0};
};

void Count(void* context, int64_t begin, int64_t end, int32_t worker) {
  auto* counts = static_cast<Counts*>(context);
  for (int64_t i = begin; i < end; ++i) ++counts->tiles[i];
  int most = counts->most_workers.load();
  while (worker > most && !counts->most_workers.compare_exchange_weak(most, worker)) {
  }
}

void ExpectEachTileOnce(ThreadPool* pool, int64_t tiles, int32_t max_workers = 0) {
  Counts counts;
  counts.tiles.assign(tiles, 0);
  pool->ParallelFor(tiles, Count, &counts, max_workers);
  EXPECT_EQ(std::count(counts.tiles.begin(), counts.tiles.end(), 1), tiles);
  const int32_t limit = max_workers > 0 ? std::min(max_workers, pool->num_threads()) : pool->num_threads();
  EXPECT_LT(counts.most_workers.load(), limit);
}

TEST(ThreadPool, ComputesEachTileOnce) {
  for (int32_t threads : {1, 2, 3, 7}) {
    auto pool = ThreadPool::Create(threads);
    ASSERT_TRUE(pool.ok());
    EXPECT_EQ((*pool)->num_threads(), threads);
    for (int64_t tiles : {0, 1, 2, 3, 7, 64, 1000}) {
      ExpectEachTileOnce(pool->get(), tiles);
      ExpectEachTileOnce(pool->get(), tiles, 2);
    }
  }
}

// Many short jobs inside and outside of runs: what goes wrong when a worker misses a wake-up or joins late.
TEST(ThreadPool, ManyShortJobs) {
  auto pool = ThreadPool::Create(4);
  ASSERT_TRUE(pool.ok());
  for (int run = 0; run < 20; ++run) {
    (*pool)->BeginRun();
    for (int step = 0; step < 50; ++step) ExpectEachTileOnce(pool->get(), 1 + (run * 7 + step) % 13);
    (*pool)->EndRun();
    ExpectEachTileOnce(pool->get(), 5);
  }
}

TEST(ThreadPool, CallersFromSeveralThreadsWaitForOneAnother) {
  auto pool = ThreadPool::Create(3);
  ASSERT_TRUE(pool.ok());
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      for (int step = 0; step < 100; ++step) ExpectEachTileOnce(pool->get(), 9);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST(ThreadPool, SlowWorkerIsWaitedFor) {
  auto pool = ThreadPool::Create(2);
  ASSERT_TRUE(pool.ok());
  std::atomic<int> computed{0};
  for (int i = 0; i < 5; ++i) {
    (*pool)->ParallelFor(
        2,
        [](void* context, int64_t begin, int64_t end, int32_t) {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than anybody spins
          static_cast<std::atomic<int>*>(context)->fetch_add(static_cast<int>(end - begin));
        },
        &computed);
    EXPECT_EQ(computed.load(), 2 * (i + 1));
  }
}

TEST(ThreadPool, RefusesCountsOutOfRange) {
  for (int32_t threads : {-1, 0, 257}) {
    auto pool = ThreadPool::Create(threads);
    EXPECT_EQ(pool.status().code(), StatusCode::kInvalidArgument) << threads;
  }
  EXPECT_FALSE(ThreadPool::Create(Executor{}).ok());
}

#if defined(__SANITIZE_THREAD__)
#define MACE_TEST_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MACE_TEST_HAS_TSAN 1
#endif
#endif

TEST(ThreadPool, ForkedChildComputesAloneAndExits) {
#ifdef MACE_TEST_HAS_TSAN
  GTEST_SKIP() << "ThreadSanitizer does not follow a fork of several threads";
#endif
  auto pool = ThreadPool::Create(4);
  ASSERT_TRUE(pool.ok());
  ExpectEachTileOnce(pool->get(), 64);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Counts counts;
    counts.tiles.assign(64, 0);
    (*pool)->BeginRun();
    (*pool)->ParallelFor(64, Count, &counts);
    (*pool)->EndRun();
    const bool once = std::count(counts.tiles.begin(), counts.tiles.end(), 1) == 64;
    const bool alone = counts.most_workers.load() == 0;
    std::move(*pool).reset();
    _exit(once && alone ? 0 : 1);
  }
  int status = -1;
  pid_t ended = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((ended = waitpid(child, &status, WNOHANG)) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (ended == 0) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  ASSERT_EQ(ended, child) << "the child hangs";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ExpectEachTileOnce(pool->get(), 64);  // the parent's threads are as they were
}

TEST(ThreadPool, CallersExecutor) {
  struct Seen {
    int32_t calls = 0, workers = 0;
  } seen;
  Executor executor;
  executor.context = &seen;
  executor.max_workers = 3;
  executor.run = [](void* context, int32_t workers, void (*task)(void*, int32_t), void* task_context) {
    auto* seen = static_cast<Seen*>(context);
    ++seen->calls;
    seen->workers = workers;
    std::vector<std::thread> threads;
    for (int32_t i = 0; i < workers; ++i) threads.emplace_back(task, task_context, i);
    for (std::thread& thread : threads) thread.join();
  };
  auto pool = ThreadPool::Create(executor);
  ASSERT_TRUE(pool.ok());
  EXPECT_EQ((*pool)->num_threads(), 3);
  ExpectEachTileOnce(pool->get(), 100);
  EXPECT_EQ(seen.workers, 3);
  ExpectEachTileOnce(pool->get(), 2);
  EXPECT_EQ(seen.workers, 2);
  ExpectEachTileOnce(pool->get(), 1);
  EXPECT_EQ(seen.calls, 2) << "one tile needs no executor";
}

}  // namespace
}  // namespace mace
