// Pooling over 1 to 4 spatial axes. (MaxPool2d and AveragePool2d are the forms with fast kernels: importers
// make them where they can.)
//
// PoolNd: x [N, spatial..., C] -> [N, spatial..., C] and, of a maximum, optional int64 indices of the same
// shape: which element of x the maximum is (the first of equal ones), counted row-major through x laid out as
// [N, C, spatial...], as ONNX counts; with `column_major` the spatial axes are counted first axis fastest. A
// window without any input gives the lowest value and index -1, an average of 0.
//   kMax: f32, f64, i8, u8; NaN where the window has one.
//   kAverage: f32, f64; by the taps inside the input, or with count_include_pad inside the padded input.
//   kLp: f32, f64: (sum of |x|^p)^(1/p).
//
// MaxUnpool: x, int64 indices of the same shape [N, C, spatial...] (channels first: the indices count that
// way), optional int64 output_shape -> zeros but for x at its indices. These count in the shape of which the
// pooling window makes x's shape; where output_shape is larger, it gets zeros at the ends, and where that
// names fewer elements they are cut off. Whole-byte types.
#ifndef MACE_OPS_POOLING_POOL_ND_H_
#define MACE_OPS_POOLING_POOL_ND_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/nd_window.h"

namespace mace::ops {

enum class PoolNdKind : int32_t { kMax = 0, kAverage = 1, kLp = 2, kCount = 3 };

// Lists that are empty: ones, or zeros for pads.
struct PoolNdAttributes {
  PoolNdKind kind = PoolNdKind::kMax;
  IntList kernel = {1, 1};
  IntList strides;
  IntList pads;  // all begins, then all ends; used where padding is kExplicit
  IntList dilations;
  Padding padding = Padding::kExplicit;
  bool ceil_mode = false;
  bool count_include_pad = false;
  bool column_major = false;
  int64_t p = 2;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, PoolNdAttributes, kind),
                      MACE_FIELD(2, PoolNdAttributes, kernel),
                      MACE_FIELD(3, PoolNdAttributes, strides),
                      MACE_FIELD(4, PoolNdAttributes, pads),
                      MACE_FIELD(5, PoolNdAttributes, dilations),
                      MACE_FIELD(6, PoolNdAttributes, padding),
                      MACE_FIELD(7, PoolNdAttributes, ceil_mode),
                      MACE_FIELD(8, PoolNdAttributes, count_include_pad),
                      MACE_FIELD(9, PoolNdAttributes, column_major),
                      MACE_FIELD(10, PoolNdAttributes, p)};
  }
};
extern const OpDefinition kPoolNdDefinition;

struct MaxUnpoolAttributes {
  IntList kernel = {1, 1};
  IntList strides;
  IntList pads;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, MaxUnpoolAttributes, kernel), MACE_FIELD(2, MaxUnpoolAttributes, strides),
                      MACE_FIELD(3, MaxUnpoolAttributes, pads)};
  }
};
extern const OpDefinition kMaxUnpoolDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_POOLING_POOL_ND_H_
