// PackedCache: weights in the form that kernels want, made once per (constant, pack format) and shared by all
// plans of a model (docs/design/17-packed-weights.md). Thread-safe.
#ifndef MACE_BACKENDS_PACKED_CACHE_H_
#define MACE_BACKENDS_PACKED_CACHE_H_

#include <memory>
#include <mutex>

#include "mace/core/memory.h"
#include "mace/core/result.h"
#include "mace/core/vector.h"

namespace mace {

class PackedCache {
 public:
  // `format` identifies layout and source interpretation: a hash of whatever distinguishes two packed forms
  // of one constant (kernel row, transposition, bias constant, geometry).
  struct Key {
    int32_t constant;
    uint64_t format;
    friend bool operator==(const Key&, const Key&) = default;
  };
  explicit PackedCache(const Allocator& allocator, uint64_t limit_bytes)
      : allocator_(allocator), limit_bytes_(limit_bytes) {}

  // The packed bytes for `key`; on first use they are allocated and filled by `pack(context, destination)`.
  // ResourceExhausted above the limit.
  using PackFunction = Status (*)(const void* context, uint8_t* destination);
  Result<const uint8_t*> FindOrPack(const Key& key, size_t bytes, PackFunction pack, const void* context);
  uint64_t total_bytes() const;

 private:
  struct Entry {
    Key key;
    Buffer bytes;
  };
  const Allocator& allocator_;
  uint64_t limit_bytes_;
  mutable std::mutex mutex_;
  uint64_t total_bytes_ = 0;
  Vector<Entry> entries_;
};

}  // namespace mace

#endif  // MACE_BACKENDS_PACKED_CACHE_H_
