// SelectBoxes: of boxes that overlap, the best ones of each image and class; as many rows as there are
// (ONNX's NonMaxSuppression; the operator of that name here has a fixed number of rows).
//
//   inputs   boxes f32 [N, B, 4], scores f32 [N, C, B], optional scalars: the most boxes of a class and
//   image,
//            i64 (absent: 0), overlap from which a box is dropped, f32 0 .. 1 (absent: 0), and score above
//            which a box takes part, f32 (absent: all do)
//   output   i64 [n, 3]: image, class, box; by image, then class, then best first
//
// Of equal scores the lower box is the better one; a NaN is the worst score. Overlap is intersection over
// union; a box without area overlaps none.
#ifndef MACE_OPS_DETECTION_SELECT_BOXES_H_
#define MACE_OPS_DETECTION_SELECT_BOXES_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/detection/non_max_suppression.h"

namespace mace::ops {

struct SelectBoxesAttributes {
  BoxFormat box_format = BoxFormat::kYxyx;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, SelectBoxesAttributes, box_format)}; }
};

extern const OpDefinition kSelectBoxesDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_SELECT_BOXES_H_
