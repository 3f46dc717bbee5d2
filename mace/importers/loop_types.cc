#include "mace/importers/loop_types.h"

#include "mace/graph/control_nodes.h"
#include "mace/importers/import_error.h"

namespace mace::importers {

bool WidenLoopTypes(std::span<const TensorType> results, int attempt, std::span<TensorType> types) {
  bool changed = false;
  for (size_t i = 0; i < types.size(); ++i) {
    TensorType& type = types[i];
    if (type.dtype != results[i].dtype) {
      throw ImportError(InvalidArgument("carried value %zu is %s, the body makes %s of it", i,
                                        NameOf(type.dtype), NameOf(results[i].dtype)));
    }
    const Shape shape = CommonShape(type.shape, results[i].shape);
    changed = changed || !(shape == type.shape);
    type.shape = shape;
  }
  // One value may change another, one attempt later each: then all are left open, at last even the ranks.
  constexpr int kDimsAttempt = 2, kRanksAttempt = 3;
  for (TensorType& type : types) {
    if (!changed || attempt < kDimsAttempt) break;
    if (attempt >= kRanksAttempt) type.shape = Shape::OfUnknownRank();
    for (int axis = 0; axis < type.shape.rank; ++axis) type.shape[axis] = kUnknownDim;
  }
  return changed;
}

}  // namespace mace::importers
