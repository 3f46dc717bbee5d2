// Operators that change or report shapes, not elements.
#ifndef MACE_OPS_SHAPE_SHAPE_OPS_H_
#define MACE_OPS_SHAPE_SHAPE_OPS_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

// The result of an operator whose rank is the length of a list with unknown elements: unknown too where that
// is open. At most kMaxRank.
inline Shape OpenShape(int64_t rank) {
  if (rank < 0) return Shape::OfUnknownRank();
  Shape shape;
  for (int64_t i = 0; i < rank; ++i) shape.Push(kUnknownDim);
  return shape;
}

// Reshape: x, optional int64 shape [rank] -> same elements. Without the input the attribute `shape` holds.
// -1: inferred, 0: copied from x unless allow_zero.
struct ReshapeAttributes {
  IntList shape;
  bool allow_zero = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ReshapeAttributes, shape), MACE_FIELD(2, ReshapeAttributes, allow_zero)};
  }
};
// Flatten: [d0 * .. * d(axis-1), d(axis) * ..].
struct FlattenAttributes {
  int64_t axis = 1;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, FlattenAttributes, axis)}; }
};
// Squeeze: x, optional int64 or int32 axes [n] -> x without these axes (all of size 1). Without the input the
// attribute holds; none given: every axis of size 1 (the rank is unknown while a dimension is open).
struct SqueezeAttributes {
  IntList axes;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, SqueezeAttributes, axes)}; }
};
// Unsqueeze: x, optional int64 or int32 axes [n] -> x with axes of size 1 at these places of the output.
// Without the input the attribute holds.
struct UnsqueezeAttributes {
  IntList axes;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, UnsqueezeAttributes, axes)}; }
};
// Shape: int64 [n], the dimensions start .. end - 1 of x (negative: from the end).
struct ShapeAttributes {
  int64_t start = 0;
  int64_t end = INT64_MAX;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ShapeAttributes, start), MACE_FIELD(2, ShapeAttributes, end)};
  }
};
// Expand: x, int64 shape -> x broadcast with that shape.
// ConstantOfShape: int64 shape -> a tensor of one value.
struct ConstantOfShapeAttributes {
  DType dtype = DType::kF32;
  float float_value = 0;  // for float dtypes
  int64_t int_value = 0;  // for the others

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ConstantOfShapeAttributes, dtype),
                      MACE_FIELD(2, ConstantOfShapeAttributes, float_value),
                      MACE_FIELD(3, ConstantOfShapeAttributes, int_value)};
  }
};

// The axes of a Squeeze or Unsqueeze: input 1, or `listed` where that is absent. *known is false where they
// are not known yet; *count is how many there are, kUnknownDim where that is open.
Status FindAxes(const InferContext& context, const IntList& listed, IntList* axes, int64_t* count,
                bool* known);

extern const OpDefinition kReshapeDefinition;
extern const OpDefinition kFlattenDefinition;
extern const OpDefinition kSqueezeDefinition;
extern const OpDefinition kUnsqueezeDefinition;
extern const OpDefinition kShapeDefinition;
extern const OpDefinition kExpandDefinition;
extern const OpDefinition kConstantOfShapeDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_SHAPE_SHAPE_OPS_H_
