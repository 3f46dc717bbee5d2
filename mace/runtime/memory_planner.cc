#include "mace/runtime/memory_planner.h"

#include <algorithm>

#include "mace/core/memory.h"
#include "mace/core/shape.h"
#include "mace/core/vector.h"

namespace mace {
namespace {

constexpr int64_t kAlignment = static_cast<int64_t>(kBufferAlignment);
// The greedy search looks at every pair; beyond this many requests one pass in order of time has to do (a
// hostile file must not keep the planner busy for minutes).
constexpr size_t kMaxGreedyRequests = 3000;

// Rounded up to the alignment; false where that does not fit.
bool RoundUp(int64_t bytes, int64_t* rounded) {
  if (!CheckedAdd(bytes, kAlignment - 1, rounded)) return false;
  *rounded &= ~(kAlignment - 1);
  return true;
}

enum class Order { kSize, kSizeTimesLifetime, kLifetime, kBegin, kCount };

struct Ranker {
  std::span<const MemoryRequest> requests;
  Order order;
  double Rank(int32_t i) const {
    const MemoryRequest& request = requests[i];
    const double size = static_cast<double>(request.bytes);
    const double lifetime = static_cast<double>(request.last) - request.first + 1;
    switch (order) {
      case Order::kSize:
        return size;
      case Order::kSizeTimesLifetime:
        return size * lifetime;
      case Order::kLifetime:
        return lifetime;
      default:
        return -static_cast<double>(request.first);
    }
  }
  bool operator()(int32_t a, int32_t b) const {
    const double rank_a = Rank(a), rank_b = Rank(b);
    if (rank_a != rank_b) return rank_a > rank_b;
    if (requests[a].bytes != requests[b].bytes) return requests[a].bytes > requests[b].bytes;
    return a < b;
  }
};

bool LiveTogether(const MemoryRequest& a, const MemoryRequest& b) {
  return a.first <= b.last && b.first <= a.last;
}

// Places requests in the order of `sequence`, each into the smallest gap between those placed before that are
// live at the same time. `placed` is scratch, kept sorted by offset.
bool PlaceGreedily(std::span<const MemoryRequest> requests, std::span<const int32_t> sequence,
                   Vector<int32_t>* placed, std::span<int64_t> offsets, int64_t* total) {
  *total = 0;
  placed->Clear();
  for (int32_t i : sequence) {
    int64_t size = 0;
    if (!RoundUp(requests[i].bytes, &size)) return false;
    int64_t best = -1, best_gap = INT64_MAX, end = 0;
    for (int32_t j : *placed) {
      if (!LiveTogether(requests[i], requests[j])) continue;
      const int64_t gap = offsets[j] - end;
      if (gap >= size && gap < best_gap) {
        best = end;
        best_gap = gap;
      }
      int64_t other = 0;
      RoundUp(requests[j].bytes, &other);
      end = std::max(end, offsets[j] + other);
    }
    if (best < 0) best = end;
    int64_t top = 0;
    if (!CheckedAdd(best, size, &top)) return false;
    offsets[i] = best;
    *total = std::max(*total, top);
    size_t position = placed->size();
    placed->PushBack(i).IgnoreError();  // reserved by the caller
    for (; position > 0 && offsets[(*placed)[position - 1]] > best; --position) {
      (*placed)[position] = (*placed)[position - 1];
    }
    (*placed)[position] = i;
  }
  return true;
}

struct FreeBlock {
  int64_t offset;
  int64_t size;
};

// Gives a block back, joined with its neighbours. `blocks` is sorted by offset.
Status GiveBack(FreeBlock freed, Vector<FreeBlock>* blocks) {
  size_t at = std::lower_bound(blocks->begin(), blocks->end(), freed.offset,
                               [](const FreeBlock& block, int64_t offset) { return block.offset < offset; }) -
              blocks->begin();
  if (at > 0 && (*blocks)[at - 1].offset + (*blocks)[at - 1].size == freed.offset) {
    --at;
    (*blocks)[at].size += freed.size;
  } else {
    MACE_RETURN_IF_ERROR(blocks->PushBack(freed));
    std::rotate(blocks->begin() + at, blocks->end() - 1, blocks->end());
  }
  if (at + 1 < blocks->size() && (*blocks)[at].offset + (*blocks)[at].size == (*blocks)[at + 1].offset) {
    (*blocks)[at].size += (*blocks)[at + 1].size;
    std::rotate(blocks->begin() + at + 1, blocks->begin() + at + 2, blocks->end());
    blocks->PopBack();
  }
  return Status::Ok();
}

// One pass in order of time over a list of free blocks, first fit.
Status PlaceInOrderOfTime(std::span<const MemoryRequest> requests, std::span<const int32_t> by_begin,
                          std::span<const int32_t> by_end, std::span<int64_t> offsets, int64_t* total) {
  Vector<FreeBlock> blocks;
  size_t ended = 0;
  *total = 0;
  for (int32_t i : by_begin) {
    for (; ended < by_end.size() && requests[by_end[ended]].last < requests[i].first; ++ended) {
      int64_t size = 0;
      RoundUp(requests[by_end[ended]].bytes, &size);
      MACE_RETURN_IF_ERROR(GiveBack({offsets[by_end[ended]], size}, &blocks));
    }
    int64_t size = 0;
    if (!RoundUp(requests[i].bytes, &size))
      return ResourceExhausted("a buffer's size does not fit in 63 bits");
    auto block =
        std::find_if(blocks.begin(), blocks.end(), [&](const FreeBlock& b) { return b.size >= size; });
    if (block != blocks.end()) {
      offsets[i] = block->offset;
      block->offset += size;
      block->size -= size;
      if (block->size == 0) {
        std::rotate(block, block + 1, blocks.end());
        blocks.PopBack();
      }
      continue;
    }
    offsets[i] = *total;
    if (!CheckedAdd(*total, size, total))
      return ResourceExhausted("the arena's size does not fit in 63 bits");
  }
  return Status::Ok();
}

}  // namespace

Status PlanMemory(std::span<MemoryRequest> requests, int64_t* total_bytes) {
  *total_bytes = 0;
  Vector<int32_t> sequence, scratch;
  Vector<int64_t> offsets, best;
  // Requests of no bytes take no part: they may lie anywhere.
  MACE_RETURN_IF_ERROR(sequence.Reserve(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].bytes < 0 || requests[i].first > requests[i].last) {
      return Internal("buffer %zu of the memory plan has %lld bytes and lives from %d to %d", i,
                      static_cast<long long>(requests[i].bytes), requests[i].first, requests[i].last);
    }
    requests[i].offset = 0;
    if (requests[i].bytes > 0) MACE_RETURN_IF_ERROR(sequence.PushBack(static_cast<int32_t>(i)));
  }
  MACE_RETURN_IF_ERROR(offsets.Resize(requests.size()));
  MACE_RETURN_IF_ERROR(scratch.Reserve(sequence.size()));
  if (sequence.size() > kMaxGreedyRequests) {
    MACE_RETURN_IF_ERROR(scratch.Assign(sequence.data(), sequence.size()));
    std::sort(sequence.begin(), sequence.end(), Ranker{requests, Order::kBegin});
    std::sort(scratch.begin(), scratch.end(), [&](int32_t a, int32_t b) {
      return requests[a].last != requests[b].last ? requests[a].last < requests[b].last : a < b;
    });
    MACE_RETURN_IF_ERROR(
        PlaceInOrderOfTime(requests, sequence.span(), scratch.span(), offsets.span(), total_bytes));
    for (int32_t i : sequence) requests[i].offset = offsets[i];
    return Status::Ok();
  }
  bool found = false;
  for (int32_t order = 0; order < static_cast<int32_t>(Order::kCount); ++order) {
    std::sort(sequence.begin(), sequence.end(), Ranker{requests, static_cast<Order>(order)});
    int64_t total = 0;
    if (!PlaceGreedily(requests, sequence.span(), &scratch, offsets.span(), &total)) continue;
    if (found && total >= *total_bytes) continue;
    found = true;
    *total_bytes = total;
    for (int32_t i : sequence) requests[i].offset = offsets[i];
  }
  if (!found) return ResourceExhausted("the arena's size does not fit in 63 bits");
  return Status::Ok();
}

}  // namespace mace
