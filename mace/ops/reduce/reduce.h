// Reduce: x, optional axes (i64 or i32, one dimension) -> the elements along some axes made one. Numbers of
// any type but 16-bit floats; floats are summed in double, integers modulo 2^64. Booleans: kMax (any) and
// kMin (all). Or quantized values (reduce_integer.h).
//
// Of no elements: sums 0, products 1, kMax the lowest and kMin the highest number of the type, kMean NaN (0
// of integers), kLogSum and kLogSumExp minus infinity.
#ifndef MACE_OPS_REDUCE_REDUCE_H_
#define MACE_OPS_REDUCE_REDUCE_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

enum class ReduceKind : int32_t {
  kSum = 0,
  kMean = 1,
  kMax = 2,
  kMin = 3,
  kProd = 4,
  kL2 = 5,
  kSumSquare = 6,
  kL1 = 7,
  kLogSum = 8,
  kLogSumExp = 9,
  kCount = 10
};
struct ReduceAttributes {
  ReduceKind kind = ReduceKind::kSum;
  IntList axes = {};  // negative: from the end; empty: all axes; not read where the axes are an operand
  bool keep_dims = true;
  Rounding rounding = Rounding::kHalfEvenFloat;
  bool empty_is_none = false;  // no axes: none is reduced, instead of all

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ReduceAttributes, kind), MACE_FIELD(2, ReduceAttributes, axes),
                      MACE_FIELD(3, ReduceAttributes, keep_dims), MACE_FIELD(4, ReduceAttributes, rounding),
                      MACE_FIELD(5, ReduceAttributes, empty_is_none)};
  }
};
extern const OpDefinition kReduceDefinition;

// Which axes of a tensor of this rank are reduced. `axes`: the operand's elements, null where there is none.
Status ReducedAxes(const ReduceAttributes& attributes, const TensorView* axes, int rank,
                   bool reduced[kMaxRank]);

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_H_
