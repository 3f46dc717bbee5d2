// Where values lie: which of them share bytes (views), and at which slot, offset and pixel stride. Storage is
// decided before any step is made; slots are made when a step first names them.
#ifndef MACE_BACKENDS_CPU_STORAGE_H_
#define MACE_BACKENDS_CPU_STORAGE_H_

#include "mace/backends/cpu/unit_builder.h"

namespace mace::cpu {

// The bytes of a value and its views.
struct Storage {
  enum class Kind : uint8_t { kInternal, kInput, kOutput, kKnown };
  Kind kind = Kind::kInternal;
  int32_t slot = kNone;
  ValueId value = kNone;       // kInput, kOutput: the boundary value
  const void* data = nullptr;  // kKnown
  int64_t bytes = 0;           // of an internal storage, padding of pixel strides included
  int64_t pixel_stride = 0;    // bytes from a channel vector to the next; 0: contiguous
  int32_t reads_left = 0;      // operand reads by nodes that are not lowered yet
  int32_t member_count = 0;    // values
  int32_t parent = kNone;      // this storage is a part of another one (a concatenation's input)...
  int64_t parent_offset = 0;   // ... from this byte on
  // It is such a part, or has such parts: its bytes are another storage's too, and no value may take them
  // over.
  bool is_part_or_whole = false;
};

class StorageMap {
 public:
  Status Init(const PlanView& plan, const GroupView& group, UnitBuilder* builder);

  // Makes `b` (written by nobody else) a view of `a`. False, and nothing is changed, where both are tied to
  // different places.
  bool Join(ValueId a, ValueId b);
  // Index of the value's storage.
  int32_t Find(ValueId value);
  Storage& Of(ValueId value) { return storages_[Find(value)]; }
  bool SameStorage(ValueId a, ValueId b) { return Find(a) == Find(b); }
  // Makes an internal storage the part of `whole` that begins at byte `offset`, with the pixel stride given.
  void MakePart(ValueId part, ValueId whole, int64_t offset, int64_t pixel_stride);
  // Lets `out` reuse the bytes of `in` where nothing reads `in` any more but `reads` operands of the step to
  // come. True where they now coincide.
  bool TryInPlace(ValueId in, ValueId out, int32_t reads);

  bool IsPartOf(ValueId part, ValueId whole) { return Of(part).parent == Find(whole); }
  // Pixels lie further apart than they are long.
  bool IsPadded(ValueId value) { return Of(value).pixel_stride != 0; }

  // Bytes from one channel vector to the next (of the last axis), whatever the storage.
  int64_t PixelStride(ValueId value);
  Result<Operand> Place(ValueId value);
  // Pads the pixel stride of an internal, unshared storage to `pixel_stride` bytes.
  void SetPixelStride(ValueId value, int64_t pixel_stride);

 private:
  Result<Operand> PlaceStorage(int32_t index);
  const PlanView* plan_ = nullptr;
  UnitBuilder* builder_ = nullptr;
  Vector<int32_t> index_;  // per value
  Vector<Storage> storages_;
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_STORAGE_H_
