// For tests: memory between two pages that nobody may touch, so that an access outside is a crash. The
// standard library is allowed.
#ifndef MACE_CORE_GUARDED_MEMORY_TESTING_H_
#define MACE_CORE_GUARDED_MEMORY_TESTING_H_

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace mace {

// Zeroed bytes that end, but for what `alignment` asks, right before the second guard page, or begin right
// behind the first.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t bytes, bool at_start = false, size_t alignment = 1) : size_(bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    inner_ = (bytes + page - 1) / page * page;
    map_ = static_cast<uint8_t*>(
        mmap(nullptr, inner_ + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (map_ == MAP_FAILED || mprotect(map_, page, PROT_NONE) != 0 ||
        mprotect(map_ + page + inner_, page, PROT_NONE) != 0) {
      std::perror("GuardedBytes");
      std::abort();
    }
    data_ = map_ + page + (at_start ? 0 : (inner_ - bytes) / alignment * alignment);
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(map_, inner_ + 2 * static_cast<size_t>(sysconf(_SC_PAGESIZE))); }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  // Of the pages that hold the data.
  void MakeReadOnly() { mprotect(map_ + sysconf(_SC_PAGESIZE), inner_, PROT_READ); }

 private:
  size_t size_;
  size_t inner_ = 0;  // bytes between the guard pages
  uint8_t* map_ = nullptr;
  uint8_t* data_ = nullptr;
};

// `count` values of T in guarded memory.
template <typename T>
class Guarded {
 public:
  explicit Guarded(int64_t count, bool at_start = false)
      : bytes_(static_cast<size_t>(count) * sizeof(T), at_start) {}
  explicit Guarded(const std::vector<T>& values, bool at_start = false)
      : Guarded(static_cast<int64_t>(values.size()), at_start) {
    std::copy(values.begin(), values.end(), data());
  }
  T* data() { return reinterpret_cast<T*>(bytes_.data()); }
  int64_t size() const { return static_cast<int64_t>(bytes_.size() / sizeof(T)); }
  T& operator[](int64_t i) { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size(); }

 private:
  GuardedBytes bytes_;
};

}  // namespace mace

#endif  // MACE_CORE_GUARDED_MEMORY_TESTING_H_
