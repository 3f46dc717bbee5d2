// Operators that read or write elements at computed places. Elements of any dtype of whole bytes; indices
// int64 or int32, negative ones count from the end, any other outside of its axis is an error.
#ifndef MACE_OPS_INDEX_INDEX_OPS_H_
#define MACE_OPS_INDEX_INDEX_OPS_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

// GatherElements: data, indices of its rank, on other axes than `axis` no larger than it -> a tensor of the
// shape of indices: y[i, j, k] = data[i, indices[i, j, k], k] for axis 1.
struct GatherElementsAttributes {
  int64_t axis = 0;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, GatherElementsAttributes, axis)}; }
};

// GatherNd: data, indices [batch ..., rows ..., depth] -> [batch ..., rows ..., rest of data's shape]: each
// row names a place on `depth` axes behind the batch_dims first ones, which data and indices share.
struct GatherNdAttributes {
  int64_t batch_dims = 0;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, GatherNdAttributes, batch_dims)}; }
};

// What becomes of an element that an update falls on: replaced (by the last one), or joined with each in
// turn. Integers wrap around; of bools kAdd and kMax are "or", kMultiply and kMin "and"; a NaN wins. 16-bit
// floats are rounded after each step.
enum class ScatterReduction : int32_t {
  kNone = 0,
  kAdd = 1,
  kMultiply = 2,
  kMin = 3,
  kMax = 4,
  kCount = 5,
};

// ScatterElements: data, indices, updates of the shape of indices -> data with y[i, indices[i, j, k], k]
// updated by updates[i, j, k] for axis 1. Shapes as in GatherElements.
struct ScatterElementsAttributes {
  int64_t axis = 0;
  ScatterReduction reduction = ScatterReduction::kNone;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ScatterElementsAttributes, axis),
                      MACE_FIELD(2, ScatterElementsAttributes, reduction)};
  }
};

// ScatterNd: data, indices [rows ..., depth], updates [rows ..., rest of data's shape] -> data with the block
// at each place updated.
struct ScatterNdAttributes {
  ScatterReduction reduction = ScatterReduction::kNone;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, ScatterNdAttributes, reduction)}; }
};

// TensorScatter: cache [batch, ...], update of its shape but for a smaller `axis`, optional int64 or int32
// positions [batch] -> cache with the update of each batch entry written from its position (0) on along
// `axis`; circular: what would go beyond the end goes to the beginning.
struct TensorScatterAttributes {
  int64_t axis = -2;
  bool circular = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, TensorScatterAttributes, axis),
                      MACE_FIELD(2, TensorScatterAttributes, circular)};
  }
};

// OneHot: indices, depth (one int64 or int32), values [2] (off, on) -> values of the shape of indices with a
// new axis of size depth at place `axis` of the result: on where the index along it is that of the element.
// An index outside of -depth .. depth - 1 is no error: it is nowhere on.
struct OneHotAttributes {
  int64_t axis = -1;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, OneHotAttributes, axis)}; }
};

extern const OpDefinition kGatherElementsDefinition;
extern const OpDefinition kGatherNdDefinition;
extern const OpDefinition kScatterElementsDefinition;
extern const OpDefinition kScatterNdDefinition;
extern const OpDefinition kTensorScatterDefinition;
extern const OpDefinition kOneHotDefinition;

// Brings an index counted from the end into 0 .. dim - 1, or says what was expected.
inline Status ResolveIndex(int64_t index, int64_t dim, int64_t* resolved) {
  *resolved = index < 0 ? index + dim : index;
  if (index >= -dim && index < dim) return Status::Ok();
  return InvalidArgument("index %lld of an axis of size %lld", static_cast<long long>(index),
                         static_cast<long long>(dim));
}

// The shape rule's checks of data and indices that name elements along `axis`; resolves the axis.
Status CheckElementIndices(const InferContext& context, int64_t listed_axis, int* axis);

// Places as rows of `depth` indices name them: the offset, in elements, of the block of data at axes
// [first_axis, first_axis + depth). For concrete shapes.
struct BlockPlaces {
  BlockPlaces(const TensorView& indices, const Shape& data, int first_axis);

  Status Offset(int64_t row, int64_t* offset) const;

  const TensorView& indices;
  int64_t depth;
  int64_t rows;   // of indices
  int64_t block;  // elements of one block of data
  int64_t dims[kMaxRank] = {};
  int64_t strides[kMaxRank] = {};
};

}  // namespace mace::ops

#endif  // MACE_OPS_INDEX_INDEX_OPS_H_
