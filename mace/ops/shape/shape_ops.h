// Operators that change or report shapes, not elements.
#ifndef MACE_OPS_SHAPE_SHAPE_OPS_H_
#define MACE_OPS_SHAPE_SHAPE_OPS_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

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
// Squeeze: drops the axes (all of size 1; none given: every axis of size 1, which must then be constant).
struct SqueezeAttributes {
  IntList axes;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, SqueezeAttributes, axes)}; }
};
// Unsqueeze: inserts axes of size 1 at these places of the output.
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

extern const OpDefinition kReshapeDefinition;
extern const OpDefinition kFlattenDefinition;
extern const OpDefinition kSqueezeDefinition;
extern const OpDefinition kUnsqueezeDefinition;
extern const OpDefinition kShapeDefinition;
extern const OpDefinition kExpandDefinition;
extern const OpDefinition kConstantOfShapeDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_SHAPE_SHAPE_OPS_H_
