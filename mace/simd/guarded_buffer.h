// For tests: memory between two pages that nobody may touch, so that an access one byte outside is a crash.
#ifndef MACE_SIMD_GUARDED_BUFFER_H_
#define MACE_SIMD_GUARDED_BUFFER_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace mace {

// `count` elements of T that end right before the second guard page, or begin right after the first.
template <typename T>
class GuardedBuffer {
 public:
  enum class Edge { kEnd, kBegin };

  explicit GuardedBuffer(size_t count, Edge edge = Edge::kEnd) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = count * sizeof(T);
    const size_t inner = (bytes + page - 1) / page * page + (bytes == 0 ? page : 0);
    mapped_bytes_ = inner + 2 * page;
    mapped_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t* base = static_cast<uint8_t*>(mapped_);
    if (mapped_ == MAP_FAILED || mprotect(base, page, PROT_NONE) != 0 ||
        mprotect(base + page + inner, page, PROT_NONE) != 0) {
      std::perror("GuardedBuffer");
      std::abort();
    }
    data_ = reinterpret_cast<T*>(base + page + (edge == Edge::kEnd ? inner - bytes : 0));
  }
  ~GuardedBuffer() { munmap(mapped_, mapped_bytes_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }

 private:
  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace mace

#endif  // MACE_SIMD_GUARDED_BUFFER_H_
