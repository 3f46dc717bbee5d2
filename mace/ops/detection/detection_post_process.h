// DetectionPostProcess: TensorFlow Lite's custom operator TFLite_Detection_PostProcess: decodes the boxes of
// an SSD (Liu et al., "SSD: Single Shot MultiBox Detector", 2016) and keeps the best of those that overlap.
//
//   inputs   box encodings [1, N, 4 or more] (y, x, height, width, others are not read), class scores [1, N,
//   C],
//            anchors [N, 4] (y, x, height, width of the centre form); encodings and anchors f32 or both u8,
//            scores f32 or u8
//   outputs  boxes [1, D, 4] (y, x of two corners), classes [1, D], scores [1, D], the number of detections
//   [1],
//            all f32; D = max_detections * max_classes_per_detection; zeros behind the last detection
//
// C is num_classes, or one more: class 0 is the background then and not looked at. A box is suppressed where
// its intersection with a better one is more than iou_threshold of their union.
//   fast (use_regular_nms false): a box competes with its best class, and brings max_classes_per_detection
//        classes, a row of outputs each
//   regular: the boxes of each class compete with one another, detections_per_class of them are kept, and of
//        those of all classes the best max_detections
// Of equal scores the lower index is the better one.
#ifndef MACE_OPS_DETECTION_DETECTION_POST_PROCESS_H_
#define MACE_OPS_DETECTION_DETECTION_POST_PROCESS_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct DetectionPostProcessAttributes {
  int64_t max_detections = 0;
  int64_t max_classes_per_detection = 1;
  int64_t detections_per_class = 100;
  int64_t num_classes = 1;
  bool use_regular_nms = false;
  float score_threshold = 0;
  float iou_threshold = 0.5f;
  float y_scale = 1, x_scale = 1, h_scale = 1, w_scale = 1;  // what encodings are divided by

  static constexpr auto Fields() {
    using A = DetectionPostProcessAttributes;
    return std::array{MACE_FIELD(1, A, max_detections),
                      MACE_FIELD(2, A, max_classes_per_detection),
                      MACE_FIELD(3, A, detections_per_class),
                      MACE_FIELD(4, A, num_classes),
                      MACE_FIELD(5, A, use_regular_nms),
                      MACE_FIELD(6, A, score_threshold),
                      MACE_FIELD(7, A, iou_threshold),
                      MACE_FIELD(8, A, y_scale),
                      MACE_FIELD(9, A, x_scale),
                      MACE_FIELD(10, A, h_scale),
                      MACE_FIELD(11, A, w_scale)};
  }
};
extern const OpDefinition kDetectionPostProcessDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_DETECTION_POST_PROCESS_H_
