#include "tests/oom/malloc_interposer.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

// glibc's own functions, under the names that stay reachable when malloc is replaced.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* memory);
}

namespace {

std::atomic<int64_t> g_count{0};
std::atomic<int64_t> g_live{0};
std::atomic<int64_t> g_until_failure{0};  // 0: none is to fail
std::atomic<bool> g_failed{false};

bool MustFail() {
  g_count.fetch_add(1, std::memory_order_relaxed);
  if (g_until_failure.load(std::memory_order_relaxed) <= 0) return false;
  if (g_until_failure.fetch_sub(1) != 1) return false;
  g_failed = true;
  errno = ENOMEM;
  return true;
}

void* Count(void* memory) {
  if (memory != nullptr) g_live.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

}  // namespace

namespace mace_test {

int64_t AllocationCount() { return g_count; }
int64_t LiveAllocations() { return g_live; }
void FailAllocation(int64_t n) {
  g_failed = false;
  g_until_failure = n;
}
bool HasFailed() { return g_failed; }

}  // namespace mace_test

// Visible to the shared libraries of the process.
#pragma GCC visibility push(default)
extern "C" {

void* malloc(size_t bytes) { return MustFail() ? nullptr : Count(__libc_malloc(bytes)); }

void* calloc(size_t count, size_t bytes) { return MustFail() ? nullptr : Count(__libc_calloc(count, bytes)); }

void* realloc(void* memory, size_t bytes) {
  if (MustFail()) return nullptr;
  void* grown = __libc_realloc(memory, bytes);
  if (memory == nullptr) Count(grown);
  if (memory != nullptr && bytes == 0) g_live.fetch_sub(1, std::memory_order_relaxed);
  return grown;
}

void* memalign(size_t alignment, size_t bytes) {
  return MustFail() ? nullptr : Count(__libc_memalign(alignment, bytes));
}

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  void* result = memalign(alignment, bytes);
  if (result == nullptr) return ENOMEM;
  *memory = result;
  return 0;
}

void free(void* memory) {
  if (memory == nullptr) return;
  g_live.fetch_sub(1, std::memory_order_relaxed);
  __libc_free(memory);
}

}  // extern "C"
#pragma GCC visibility pop
