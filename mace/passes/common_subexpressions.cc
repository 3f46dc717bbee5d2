#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <unordered_map>

#include "mace/graph/op_definition.h"
#include "mace/passes/matching.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// The editor looks through the users of a value one by one: a value does not get more than these by this
// pass.
constexpr size_t kMostUsers = 4096;

uint64_t HashNode(const Node& node) {
  const uint64_t seed = HashAttributes(FindOpDefinition(node.op)->attributes, node.attributes) +
                        (static_cast<uint64_t>(node.op) << 32) + node.outputs.size();
  return XXH3_64bits_withSeed(node.inputs.data(), node.inputs.size() * sizeof(ValueId), seed);
}

// The same operator on the same operands, with outputs of the same type.
bool IsTwin(const Graph& graph, const Node& a, const Node& b) {
  if (a.op != b.op || a.version != b.version || a.outputs.size() != b.outputs.size() ||
      !std::equal(a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end()) ||
      !AttributesEqual(FindOpDefinition(a.op)->attributes, a.attributes, b.attributes)) {
    return false;
  }
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    const ValueId x = a.outputs[i], y = b.outputs[i];
    if ((x == kNone) != (y == kNone)) return false;
    if (x == kNone) continue;
    if (graph.values[x].type.dtype != graph.values[y].type.dtype || !SameQuantization(graph, x, y)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Status RunCommonSubexpressions(Graph* graph) {
  return Guarded([&] {
    GraphEditor editor(graph);
    std::unordered_map<uint64_t, NodeId> seen;
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = editor.node(id);
      // A node without inputs is a constant of its own making; folding deals with it.
      if ((FindOpDefinition(node.op)->flags & (kOpControl | kOpRandom)) != 0 || node.inputs.empty()) continue;
      const auto [entry, is_new] = seen.emplace(HashNode(node), id);
      if (is_new) continue;
      const Node& first = editor.node(entry->second);
      if (!IsTwin(*graph, first, node)) continue;
      bool fits = true;
      for (size_t i = 0; i < node.outputs.size() && fits; ++i) {
        if (node.outputs[i] == kNone) continue;
        const size_t users = editor.UsersOf(node.outputs[i]).size() + editor.UsersOf(first.outputs[i]).size();
        fits = !NeedsNode(editor, node.outputs[i], first.outputs[i]) && users <= kMostUsers;
      }
      if (!fits) {
        entry->second = id;
        continue;
      }
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] != kNone) editor.ReplaceUses(ValueId{node.outputs[i]}, ValueId{first.outputs[i]});
      }
      editor.Remove(id);
    }
    if (editor.changes() > 0) editor.Finish();
  });
}

}  // namespace mace::passes
