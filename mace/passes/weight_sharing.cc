#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <unordered_map>

#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// As in common_subexpressions.
constexpr size_t kMostUsers = 4096;

uint64_t HashConstant(const TensorView& view) {
  const uint64_t seed = XXH3_64bits_withSeed(view.shape.dims, view.shape.rank * sizeof(int64_t),
                                             static_cast<uint64_t>(view.dtype));
  return XXH3_64bits_withSeed(view.data, static_cast<size_t>(view.bytes()), seed);
}

bool IsSame(const Graph& graph, ValueId a, ValueId b) {
  const TensorView& x = *graph.ConstantOf(a);
  const TensorView& y = *graph.ConstantOf(b);
  return x.dtype == y.dtype && x.shape == y.shape && SameQuantization(graph, a, b) &&
         (x.bytes() == 0 || std::memcmp(x.data, y.data, static_cast<size_t>(x.bytes())) == 0);
}

}  // namespace

Status RunWeightSharing(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    std::unordered_map<uint64_t, ValueId> seen;
    const auto count = static_cast<ValueId>(graph->values.size());
    for (ValueId value = 0; value < count; ++value) {
      const TensorView* view = graph->ConstantOf(value);
      if (view == nullptr || editor.UsersOf(value).empty() || editor.IsResult(value)) continue;
      const auto [entry, is_new] = seen.emplace(HashConstant(*view), value);
      if (is_new || !IsSame(*graph, entry->second, value)) continue;
      if (editor.UsersOf(value).size() + editor.UsersOf(entry->second).size() > kMostUsers) {
        entry->second = value;
        continue;
      }
      editor.ReplaceUses(value, entry->second);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
