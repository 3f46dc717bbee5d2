#include "mace/backends/cpu/storage.h"

namespace mace::cpu {

Status StorageMap::Init(const PlanView& plan, const GroupView& group, UnitBuilder* builder) {
  plan_ = &plan;
  builder_ = builder;
  const size_t count = plan.types.size();
  MACE_RETURN_IF_ERROR(index_.Resize(count));
  MACE_RETURN_IF_ERROR(storages_.Resize(count));
  for (size_t v = 0; v < count; ++v) {
    index_[v] = static_cast<int32_t>(v);
    Storage& storage = storages_[v];
    storage.member_count = 1;
    if (plan.known[v] != nullptr) {
      storage.kind = Storage::Kind::kKnown;
      storage.data = plan.known[v]->data;
    } else {
      const int64_t bytes = ByteCount(plan.types[v].dtype, plan.types[v].shape);
      storage.bytes = bytes < 0 ? 0 : bytes;
    }
  }
  for (ValueId value : group.inputs) {
    Storage& storage = storages_[value];
    if (storage.kind == Storage::Kind::kKnown) continue;
    storage.kind = Storage::Kind::kInput;
    storage.value = value;
    MACE_ASSIGN_OR_RETURN(storage.slot, builder->AddSlot(value, storage.bytes));
  }
  for (ValueId value : group.outputs) {
    Storage& storage = storages_[value];
    storage.kind = Storage::Kind::kOutput;
    storage.value = value;
    MACE_ASSIGN_OR_RETURN(storage.slot, builder->AddSlot(value, storage.bytes));
  }
  return Status::Ok();
}

int32_t StorageMap::Find(ValueId value) {
  int32_t root = index_[value];
  while (index_[root] != root) root = index_[root];
  index_[value] = root;
  return root;
}

bool StorageMap::Join(ValueId a, ValueId b) {
  const int32_t root_a = Find(a), root_b = Find(b);
  if (root_a == root_b) return true;
  const bool a_is_tied = storages_[root_a].kind != Storage::Kind::kInternal;
  const bool b_is_tied = storages_[root_b].kind != Storage::Kind::kInternal;
  if (a_is_tied && b_is_tied) return false;
  const int32_t keep = b_is_tied ? root_b : root_a, drop = b_is_tied ? root_a : root_b;
  index_[drop] = keep;
  storages_[keep].reads_left += storages_[drop].reads_left;
  storages_[keep].member_count += storages_[drop].member_count;
  return true;
}

void StorageMap::MakePart(ValueId part, ValueId whole, int64_t offset, int64_t pixel_stride) {
  Storage& storage = Of(part);
  storage.parent = Find(whole);
  storage.parent_offset = offset;
  storage.pixel_stride = pixel_stride;
  storage.is_part_or_whole = true;
  storages_[storage.parent].is_part_or_whole = true;
}

bool StorageMap::TryInPlace(ValueId in, ValueId out, int32_t reads) {
  const int32_t from = Find(in), to = Find(out);
  Storage& source = storages_[from];
  Storage& target = storages_[to];
  if (source.kind != Storage::Kind::kInternal || target.kind != Storage::Kind::kInternal) return false;
  if (source.slot == kNone || target.slot != kNone || source.is_part_or_whole || target.is_part_or_whole)
    return false;
  if (source.reads_left != reads || source.bytes != target.bytes) return false;
  if (source.pixel_stride != target.pixel_stride) return false;
  target.slot = source.slot;
  return true;
}

int64_t StorageMap::PixelStride(ValueId value) {
  const Storage& storage = Of(value);
  if (storage.pixel_stride != 0) return storage.pixel_stride;
  const TensorType& type = plan_->types[value];
  const int64_t channels = type.shape.rank == 0 ? 1 : type.shape[type.shape.rank - 1];
  return channels * BytesOf(type.dtype);
}

void StorageMap::SetPixelStride(ValueId value, int64_t pixel_stride) {
  Storage& storage = Of(value);
  const Shape& shape = plan_->types[value].shape;
  storage.pixel_stride = pixel_stride;
  storage.bytes = shape.Product(0, shape.rank - 1) * pixel_stride;
}

Result<Operand> StorageMap::PlaceStorage(int32_t index) {
  Storage& storage = storages_[index];
  if (storage.kind == Storage::Kind::kKnown) return Operand{kNone, 0, storage.data};
  if (storage.parent != kNone) {
    // A parent may have been joined to another storage since.
    MACE_ASSIGN_OR_RETURN(Operand whole, PlaceStorage(Find(storage.parent)));
    whole.offset += storage.parent_offset;
    return whole;
  }
  if (storage.slot == kNone) {
    MACE_ASSIGN_OR_RETURN(storage.slot, builder_->AddSlot(kNone, storage.bytes));
  }
  return Operand{storage.slot, 0, nullptr};
}

Result<Operand> StorageMap::Place(ValueId value) {
  if (value == kNone) return Operand{};
  return PlaceStorage(Find(value));
}

}  // namespace mace::cpu
