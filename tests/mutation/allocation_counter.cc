#include "allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define MACE_MUTATION_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MACE_MUTATION_SANITIZER 1
#endif
#endif

#ifdef MACE_MUTATION_SANITIZER
// Of the sanitizers' run time; g++'s packages have the functions but not the header that declares them.
extern "C" size_t __sanitizer_get_allocated_size(const volatile void* memory);
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_allocate)(const volatile void*, size_t),
                                                         void (*on_free)(const volatile void*));
#else
#include <malloc.h>
#endif

namespace mace::mutation {
namespace {

constinit std::atomic<int64_t> live{0};
constinit std::atomic<int64_t> peak{0};
constinit std::atomic<int64_t> begin{0};

void Add(int64_t bytes) {
  const int64_t now = live.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
}

#ifdef MACE_MUTATION_SANITIZER
void OnAllocate(const volatile void*, size_t bytes) { Add(static_cast<int64_t>(bytes)); }
void OnFree(const volatile void* memory) {
  if (memory == nullptr) return;
  Add(-static_cast<int64_t>(__sanitizer_get_allocated_size(memory)));
}
#endif

}  // namespace

void BeginPeak() {
#ifdef MACE_MUTATION_SANITIZER
  static const bool installed = __sanitizer_install_malloc_and_free_hooks(&OnAllocate, &OnFree) != 0;
  (void)installed;
#endif
  begin = live.load();
  peak = live.load();
}

int64_t Peak() { return peak - begin; }
int64_t LiveSinceBegin() { return live - begin; }

}  // namespace mace::mutation

#ifndef MACE_MUTATION_SANITIZER
// Interposed over the C library's; operator new and libmace.so come through here too.
extern "C" {
void* __libc_malloc(size_t bytes);
void __libc_free(void* memory);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

static void* Counted(void* memory) {
  if (memory != nullptr) mace::mutation::Add(static_cast<int64_t>(malloc_usable_size(memory)));
  return memory;
}
void* malloc(size_t bytes) { return Counted(__libc_malloc(bytes)); }
void free(void* memory) {
  if (memory == nullptr) return;
  mace::mutation::Add(-static_cast<int64_t>(malloc_usable_size(memory)));
  __libc_free(memory);
}
void* calloc(size_t count, size_t bytes) { return Counted(__libc_calloc(count, bytes)); }
void* realloc(void* memory, size_t bytes) {
  const int64_t before = memory == nullptr ? 0 : static_cast<int64_t>(malloc_usable_size(memory));
  void* grown = __libc_realloc(memory, bytes);
  if (grown != nullptr || bytes == 0) mace::mutation::Add(-before);
  return Counted(grown);
}
void* memalign(size_t alignment, size_t bytes) { return Counted(__libc_memalign(alignment, bytes)); }
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  *memory = memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
}
#endif
