#include "mace/backends/packed_cache.h"

namespace mace {

Result<const uint8_t*> PackedCache::FindOrPack(const Key& key, size_t bytes, PackFunction pack,
                                               const void* context) {
  // Packing happens under the lock: two plans that want one form at once would else both make it.
  std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (!(entry.key == key)) continue;
    if (entry.bytes.size() != (bytes == 0 ? 1 : bytes)) {
      return Internal("two packed forms of constant %d share a key", key.constant);
    }
    return static_cast<const uint8_t*>(entry.bytes.data());
  }
  if (limit_bytes_ != 0 && (bytes > limit_bytes_ || total_bytes_ > limit_bytes_ - bytes)) {
    return ResourceExhausted("%zu bytes of packed weights do not fit: the limit is %llu, in use are %llu",
                             bytes, static_cast<unsigned long long>(limit_bytes_),
                             static_cast<unsigned long long>(total_bytes_));
  }
  Entry entry{key, {}};
  // One byte for nothing: the answer is never a null pointer.
  MACE_ASSIGN_OR_RETURN(entry.bytes, Buffer::Allocate(bytes == 0 ? 1 : bytes, allocator_));
  MACE_RETURN_IF_ERROR(pack(context, entry.bytes.data()));
  const uint8_t* data = entry.bytes.data();
  MACE_RETURN_IF_ERROR(entries_.PushBack(std::move(entry)));
  total_bytes_ += bytes;
  return data;
}

uint64_t PackedCache::total_bytes() const {
  std::lock_guard lock(mutex_);
  return total_bytes_;
}

}  // namespace mace
