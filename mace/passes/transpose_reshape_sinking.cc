// Transposes through Reshapes, by groups: dimensions of the Reshape's input and output are cut into the
// shortest runs of equal product. A channel shuffle (Reshape, Transpose, Reshape on NCHW) thereby becomes one
// on NHWC.
#include <algorithm>

#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/transpose_sinking.h"

namespace mace::passes {
namespace {

struct Group {
  std::vector<int> from;    // axes of the Reshape's input
  std::vector<int> to;      // axes of its output
  std::vector<int> source;  // axes of the Transpose's input behind `from`, without those of size 1
  int64_t key = 0;          // where the group stands in the source
};

// False where the dimensions cannot be matched (unknown, or zero).
bool MatchGroups(const Shape& from, const Shape& to, std::vector<Group>* groups) {
  int i = 0, j = 0;
  while (i < from.rank && j < to.rank) {
    Group group;
    group.from.push_back(i);
    group.to.push_back(j);
    if (from[i] == to[j] && from[i] != kUnknownDim && from[i] != 0) {
      ++i, ++j;
      groups->push_back(std::move(group));
      continue;
    }
    int64_t left = from[i++], right = to[j++];
    if (left <= 0 || right <= 0) return false;
    while (left != right) {
      int64_t& small = left < right ? left : right;
      const bool take_from = left < right;
      if (take_from ? i >= from.rank : j >= to.rank) return false;
      const int64_t dim = take_from ? from[i] : to[j];
      if (dim <= 0 || !CheckedMultiply(small, dim, &small)) return false;
      if (take_from) {
        group.from.push_back(i++);
      } else {
        group.to.push_back(j++);
      }
    }
    groups->push_back(std::move(group));
  }
  if (groups->empty()) return false;
  for (; i < from.rank; ++i) {
    if (from[i] != 1) return false;
    groups->back().from.push_back(i);
  }
  for (; j < to.rank; ++j) {
    if (to[j] != 1) return false;
    groups->back().to.push_back(j);
  }
  return true;
}

// Fills source and key; false where a group's axes do not stand together in the source.
bool LocateGroups(const Shape& source, const Permutation& perm, std::vector<Group>* groups) {
  std::vector<int> position(source.rank, -1);  // among the axes that are not of size 1
  int count = 0;
  for (int axis = 0; axis < source.rank; ++axis) {
    if (source[axis] != 1) position[axis] = count++;
  }
  for (Group& group : *groups) {
    int low = source.rank, high = -1;
    int64_t first = perm[group.from[0]];
    for (int axis : group.from) {
      const int source_axis = static_cast<int>(perm[axis]);
      first = std::min<int64_t>(first, source_axis);
      if (source[source_axis] == 1) continue;
      group.source.push_back(source_axis);
      low = std::min(low, position[source_axis]);
      high = std::max(high, position[source_axis]);
    }
    group.key = group.source.empty() ? first : *std::min_element(group.source.begin(), group.source.end());
    if (!group.source.empty() && high - low + 1 != static_cast<int>(group.source.size())) return false;
  }
  return true;
}

}  // namespace

bool SinkThroughReshape(GraphEditor* editor, NodeId id, const TransposedValue& transposed) {
  const ValueId y = editor->node(id).outputs[0];
  const Shape to = editor->ShapeOf(y);
  const Shape source = editor->ShapeOf(transposed.source);
  std::vector<Group> groups;
  if (!MatchGroups(editor->ShapeOf(editor->node(id).inputs[0]), to, &groups)) return false;
  if (!LocateGroups(source, transposed.perm, &groups)) return false;
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.key < b.key; });
  // `inner` brings each group's axes into the order the Reshape expects; `outer` brings the groups there.
  Permutation inner, outer;
  std::vector<int> order;
  Shape reshaped;
  for (int i = 0; i < to.rank; ++i) outer.Push(0);
  for (const Group& group : groups) {
    order.insert(order.end(), group.source.begin(), group.source.end());
    for (int axis : group.to) {
      outer[axis] = reshaped.rank;
      reshaped.Push(to[axis]);
    }
  }
  size_t next = 0;
  for (int axis = 0; axis < source.rank; ++axis) inner.Push(source[axis] == 1 ? axis : order[next++]);
  if (!IsIdentity(inner) && IsIdentity(outer)) return false;
  Shape ordered = source;
  for (int i = 0; i < source.rank; ++i) ordered[i] = source[static_cast<int>(inner[i])];
  ops::ReshapeAttributes attributes;
  if (!ExpressShape(ordered, reshaped, &attributes.shape)) return false;
  const int32_t quantization = editor->QuantizationIndexOf(y);
  const ValueId x = EmitTranspose(editor, id, transposed.source, inner);
  ValueId result = editor->Emit(id, OpId::kReshape, {x}, attributes, quantization);
  result = EmitTranspose(editor, id, result, outer);
  editor->ReplaceUses(y, result);
  editor->Remove(id);
  return true;
}

}  // namespace mace::passes
