#include "mace/importers/tflite/tflite_sparse.h"

#include <memory>
#include <string>

#include "mace/importers/import_error.h"
#include "mace/importers/tflite/tflite_file.h"

namespace mace::importers::tflite {
namespace {

enum LevelFormat : int8_t { kDense = 0, kCompressed = 1 };

[[noreturn]] void Damaged(const std::string& what) {
  throw ImportError(StatusCode::kDataLoss, "the places of its elements are damaged: " + what);
}

// A list of integers of whatever width the file has.
class Numbers {
 public:
  Numbers(const void* table, file::SparseList kind) {
    if (table == nullptr || kind == file::SparseList::NONE) return;
    switch (kind) {
      case file::SparseList::SparseInt32:
        words_ = SpanOf(static_cast<const file::SparseInt32*>(table)->values());
        break;
      case file::SparseList::SparseUint16:
        halves_ = SpanOf(static_cast<const file::SparseUint16*>(table)->values());
        break;
      case file::SparseList::SparseUint8:
        bytes_ = SpanOf(static_cast<const file::SparseUint8*>(table)->values());
        break;
      default:
        Damaged("a list of kind " + std::to_string(static_cast<int>(kind)));
    }
  }
  int64_t size() const { return static_cast<int64_t>(words_.size() + halves_.size() + bytes_.size()); }
  int64_t operator[](int64_t i) const {
    const auto at = static_cast<size_t>(i);
    if (!words_.empty()) return words_[at];
    return halves_.empty() ? bytes_[at] : halves_[at];
  }

 private:
  std::span<const int32_t> words_;
  std::span<const uint16_t> halves_;
  std::span<const uint8_t> bytes_;
};

// One of the nested loops over the elements: over a dimension of the tensor, or inside of its blocks.
struct Level {
  int64_t size = 0;
  int64_t stride = 0;  // between neighbours, in elements of the dense tensor
  const file::SparseDimension* record = nullptr;

  bool is_dense() const { return record->format() == kDense; }
  Numbers segments() const { return {record->segments(), record->segments_type()}; }
  Numbers indices() const { return {record->indices(), record->indices_type()}; }
};

// `numbers` are those from `first` on in any order.
bool IsPermutation(std::span<const int32_t> numbers, int32_t first) {
  std::vector<bool> seen(numbers.size(), false);
  for (int32_t number : numbers) {
    const int64_t place = int64_t{number} - first;
    if (place < 0 || place >= static_cast<int64_t>(seen.size()) || seen[static_cast<size_t>(place)]) {
      return false;
    }
    seen[static_cast<size_t>(place)] = true;
  }
  return true;
}

// The levels in the order of the loops: first the tensor's dimensions, which count blocks where they are cut
// into some, then the blocks' own.
std::vector<Level> LevelsOf(const file::SparsityRecord& record, const Shape& shape) {
  const auto order = SpanOf(record.traversal_order());
  const auto block_map = SpanOf(record.block_map());
  const auto rank = static_cast<size_t>(shape.rank);
  const size_t count = record.dimensions() == nullptr ? 0 : record.dimensions()->size();
  if (block_map.size() > rank || order.size() != rank + block_map.size() || count != order.size()) {
    Damaged(std::to_string(order.size()) + " levels in order, " + std::to_string(count) +
            " described, for rank " + std::to_string(rank) + " and " + std::to_string(block_map.size()) +
            " blocks");
  }
  if (!IsPermutation(order.first(rank), 0) ||
      !IsPermutation(order.subspan(rank), static_cast<int32_t>(rank))) {
    Damaged("its order is none of the dimensions with the blocks behind them");
  }
  std::vector<Level> levels(count);
  std::vector<Level*> of_dimension(count);
  for (size_t i = 0; i < count; ++i) {
    levels[i].record = record.dimensions()->Get(static_cast<flatbuffers::uoffset_t>(i));
    of_dimension[static_cast<size_t>(order[i])] = &levels[i];
  }
  for (int d = 0; d < shape.rank; ++d) {
    of_dimension[static_cast<size_t>(d)]->size = shape[d];
    of_dimension[static_cast<size_t>(d)]->stride = shape.Product(d + 1, shape.rank);
  }
  std::vector<bool> is_cut(rank, false);
  for (size_t b = 0; b < block_map.size(); ++b) {
    const int32_t d = block_map[b];
    if (d < 0 || d >= shape.rank || is_cut[static_cast<size_t>(d)]) {
      Damaged("block " + std::to_string(b) + " of dimension " + std::to_string(d));
    }
    is_cut[static_cast<size_t>(d)] = true;
    Level& inner = *of_dimension[rank + b];
    Level& outer = *of_dimension[static_cast<size_t>(d)];
    inner.size = inner.record->dense_size();
    if (inner.size < 1 || outer.size % inner.size != 0 || !inner.is_dense()) {
      Damaged("blocks of " + std::to_string(inner.size) + " in a dimension of " + std::to_string(outer.size));
    }
    inner.stride = outer.stride;
    outer.size /= inner.size;
    outer.stride *= inner.size;
  }
  return levels;
}

// How many entries each level has follows from the sizes of lists alone: nothing is allocated for counts that
// the file does not pay for. No level has more than the dense tensor.
void CheckCounts(const std::vector<Level>& levels, int64_t elements, int64_t stored) {
  int64_t entries = 1;
  for (const Level& level : levels) {
    if (level.is_dense()) {
      if (level.record->dense_size() != level.size) {
        Damaged("a level of " + std::to_string(level.record->dense_size()) + " for a size of " +
                std::to_string(level.size));
      }
      if (entries > elements / level.size) Damaged("more places than elements");
      entries *= level.size;
      continue;
    }
    if (level.record->format() != kCompressed) {
      Damaged("a level of format " + std::to_string(level.record->format()));
    }
    const int64_t indices = level.indices().size();
    if (level.segments().size() != entries + 1 || indices > elements) {
      Damaged(std::to_string(level.segments().size()) + " ends of segments for " + std::to_string(entries) +
              " segments with " + std::to_string(indices) + " indices");
    }
    entries = indices;
  }
  if (entries != stored) {
    Damaged(std::to_string(entries) + " places for " + std::to_string(stored) + " elements");
  }
}

// The places of a level's entries, from those of the level around it.
std::vector<int64_t> EntriesOf(const Level& level, const std::vector<int64_t>& around) {
  std::vector<int64_t> entries;
  if (level.is_dense()) {
    entries.reserve(around.size() * static_cast<size_t>(level.size));
    for (int64_t place : around) {
      for (int64_t i = 0; i < level.size; ++i) entries.push_back(place + i * level.stride);
    }
    return entries;
  }
  const Numbers segments = level.segments();
  const Numbers indices = level.indices();
  const auto parents = static_cast<int64_t>(around.size());
  if (segments[0] != 0 || segments[parents] != indices.size()) {
    Damaged("segments from " + std::to_string(segments[0]) + " to " + std::to_string(segments[parents]) +
            " of " + std::to_string(indices.size()) + " indices");
  }
  entries.reserve(static_cast<size_t>(indices.size()));
  for (int64_t p = 0; p < parents; ++p) {
    const int64_t end = segments[p + 1];
    if (end < segments[p] || end > indices.size()) Damaged("a segment that ends before it begins");
    int64_t before = -1;  // rising indices: no place comes twice
    for (int64_t i = segments[p]; i < end; ++i) {
      const int64_t index = indices[i];
      if (index <= before || index >= level.size) {
        Damaged("index " + std::to_string(index) + " behind " + std::to_string(before) + " of " +
                std::to_string(level.size));
      }
      before = index;
      entries.push_back(around[static_cast<size_t>(p)] + index * level.stride);
    }
  }
  return entries;
}

}  // namespace

std::vector<int64_t> PlacesOfStored(const file::SparsityRecord& record, const Shape& shape, int64_t stored) {
  const std::vector<Level> levels = LevelsOf(record, shape);
  CheckCounts(levels, shape.ElementCount(), stored);
  std::vector<int64_t> places = {0};
  for (const Level& level : levels) places = EntriesOf(level, places);
  return places;
}

}  // namespace mace::importers::tflite
