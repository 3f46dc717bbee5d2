// Every byte libmace takes from the system comes through here (or through Vector, String and Status::Rep,
// which use malloc directly), returns null on failure and never throws.
#ifndef MACE_CORE_MEMORY_H_
#define MACE_CORE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "mace/core/result.h"
#include "mace/core/status.h"

namespace mace {

inline constexpr size_t kBufferAlignment = 64;  // of tensors, arenas, packed weights, file segments

// Where large blocks (arenas, packed weights, file images) come from: a plain struct, so that a caller of the
// C ABI can supply it. `allocate` returns null on failure; `alignment` is a power of two. Both must be
// thread-safe.
struct Allocator {
  void* context = nullptr;
  void* (*allocate)(void* context, size_t bytes, size_t alignment) = nullptr;
  void (*deallocate)(void* context, void* memory, size_t bytes) = nullptr;
};

// posix_memalign / free. Lives for ever.
const Allocator& SystemAllocator();

// An owned, aligned block. Its content is not initialised.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      Reset();
      allocator_ = other.allocator_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { Reset(); }

  // `allocator` must outlive the buffer. Zero bytes give an empty buffer with null data.
  static Result<Buffer> Allocate(size_t bytes, const Allocator& allocator = SystemAllocator(),
                                 size_t alignment = kBufferAlignment);

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  void Reset();

 private:
  const Allocator* allocator_ = nullptr;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// std::unique_ptr neither allocates nor throws; this makes one without throwing.
template <typename T, typename... Arguments>
Result<std::unique_ptr<T>> MakeUnique(Arguments&&... arguments) {
  T* object = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
  if (object == nullptr) return Status::OutOfMemory();
  return std::unique_ptr<T>(object);
}

}  // namespace mace

#endif  // MACE_CORE_MEMORY_H_
