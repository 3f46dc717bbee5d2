#include "mace/core/memory.h"

#include <cstdlib>

namespace mace {
namespace {

void* SystemAllocate(void*, size_t bytes, size_t alignment) {
  void* memory = nullptr;
  if (alignment < sizeof(void*)) alignment = sizeof(void*);
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void SystemDeallocate(void*, void* memory, size_t) { std::free(memory); }

constexpr Allocator kSystemAllocator = {nullptr, SystemAllocate, SystemDeallocate};

}  // namespace

const Allocator& SystemAllocator() { return kSystemAllocator; }

Result<Buffer> Buffer::Allocate(size_t bytes, const Allocator& allocator, size_t alignment) {
  Buffer buffer;
  if (bytes == 0) return buffer;
  buffer.data_ = static_cast<uint8_t*>(allocator.allocate(allocator.context, bytes, alignment));
  if (buffer.data_ == nullptr) return Status::OutOfMemory();
  buffer.allocator_ = &allocator;
  buffer.size_ = bytes;
  return buffer;
}

void Buffer::Reset() {
  if (data_ != nullptr) allocator_->deallocate(allocator_->context, data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace mace
