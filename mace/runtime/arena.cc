#include "mace/runtime/arena.h"

#include <algorithm>
#include <cstring>

namespace mace {

Status Arena::Ensure(size_t bytes) {
  if (buffer_.size() >= bytes) return Status::Ok();
  const uint64_t refusals = runtime_->budget().refusals();
  Release();
  auto arena = runtime_->LeaseArena(bytes);
  if (!arena.ok())
    return runtime_->budget().Explain(arena.TakeStatus(), refusals, "intermediate results", bytes);
  buffer_ = std::move(*arena);
  return Status::Ok();
}

Status GrowBuffer(Runtime& runtime, const char* what, size_t bytes, Growth growth, size_t limit,
                  Buffer* buffer) {
  const size_t old = buffer->size();
  if (old >= bytes) return Status::Ok();
  const BudgetAllocator& budget = runtime.budget();
  const uint64_t refusals = budget.refusals();
  if (growth != Growth::kAppend) buffer->Reset();
  const size_t ample = growth == Growth::kExact ? bytes : std::max(bytes, std::min(old + old / 2, limit));
  Buffer grown;
  for (size_t wanted : {ample, bytes}) {  // a little less may be there
    auto allocated = Buffer::Allocate(wanted, budget.allocator());
    if (!allocated.ok() && wanted > bytes) continue;
    if (!allocated.ok()) return budget.Explain(allocated.TakeStatus(), refusals, what, bytes);
    grown = std::move(*allocated);
    break;
  }
  if (growth == Growth::kAppend && old > 0) std::memcpy(grown.data(), buffer->data(), old);
  *buffer = std::move(grown);
  return Status::Ok();
}

}  // namespace mace
