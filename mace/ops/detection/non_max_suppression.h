// NonMaxSuppression: of boxes that overlap, the best ones, in a fixed number of rows.
//
//   inputs   boxes f32 [N, B, 4], scores f32 [N, C, B]
//   outputs  selected boxes f32 [N, D, 4], as they were given; their classes i32 [N, D], -1 behind the last;
//            scores f32 [N, D]; count i32 [N]; D = max_detections; boxes and scores behind the last are 0
//
// A box takes part in a class where its score is more than score_threshold (NaN is not). Of each class the
// best box is taken, those of the class are dropped whose intersection with it is more than iou_threshold of
// their union, and so on; of what all classes keep, the max_detections best are the result, best first.
// class_agnostic: a box takes part only as its best class, and boxes compete whatever their classes are. Of
// equal scores the lower class is the better one, then the lower box. A box without area overlaps none.
#ifndef MACE_OPS_DETECTION_NON_MAX_SUPPRESSION_H_
#define MACE_OPS_DETECTION_NON_MAX_SUPPRESSION_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"
#include "mace/ops/detection/suppression.h"

namespace mace::ops {

// Corners are any two opposite ones; kCentre: the middle's x and y, width, height.
enum class BoxFormat : int32_t { kYxyx = 0, kXyxy = 1, kCentre = 2, kCount = 3 };

struct NonMaxSuppressionAttributes {
  int64_t max_detections = 100;
  float iou_threshold = 0.5f;
  float score_threshold = 0;
  bool class_agnostic = false;
  BoxFormat box_format = BoxFormat::kYxyx;

  static constexpr auto Fields() {
    using A = NonMaxSuppressionAttributes;
    return std::array{MACE_FIELD(1, A, max_detections), MACE_FIELD(2, A, iou_threshold),
                      MACE_FIELD(3, A, score_threshold), MACE_FIELD(4, A, class_agnostic),
                      MACE_FIELD(5, A, box_format)};
  }
};
// Four numbers as a box with its corners in order.
Box DecodeBox(const float* box, BoxFormat format);

extern const OpDefinition kNonMaxSuppressionDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_NON_MAX_SUPPRESSION_H_
