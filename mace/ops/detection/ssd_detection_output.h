// SsdDetectionOutput: decodes the boxes of an SSD as Caffe's layer DetectionOutput does and keeps the best of
// those that overlap (W. Liu et al.: SSD: Single shot multibox detector, 2016).
//
//   inputs   locations f32 [N, P * L * 4], L = 1 where share_location, else classes; scores f32
//            [N, P * classes]; priors f32 [1 or N, 2, P * 4]: boxes (x0, y0, x1, y1) and their variances
//   output   f32 [1, 1, n, 7]: image, class, score, x0, y0, x1, y1; by image, then class, then best first.
//            Where no image has a detection: a row of -1 for each image, its number in front.
//
// A box takes part in a class where its score is more than score_threshold (NaN is not); of each class the
// top_k best (-1: all) compete: one is dropped where its overlap with a better one is more than
// overlap_threshold. With eta < 1 that threshold, as long as it is above 0.5, is multiplied by eta whenever a
// box is kept. Of what all classes of an image keep, the keep_top_k best (-1: all) are the result. Of equal
// scores the lower class is better, then the lower box.
#ifndef MACE_OPS_DETECTION_SSD_DETECTION_OUTPUT_H_
#define MACE_OPS_DETECTION_SSD_DETECTION_OUTPUT_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

// How locations move a prior box: its corners, its centre and size, or its corners in units of its size.
enum class BoxCode : int32_t { kCorner = 0, kCentreSize = 1, kCornerSize = 2, kCount = 3 };

struct SsdDetectionOutputAttributes {
  int64_t classes = 1;
  int64_t background = 0;  // a class that is not looked at; below 0: none
  int64_t top_k = -1;
  int64_t keep_top_k = -1;
  BoxCode code = BoxCode::kCorner;
  float overlap_threshold = 0.3f;
  float score_threshold = -__builtin_huge_valf();
  float eta = 1;
  bool share_location = true;
  bool variances_in_locations = false;  // they have been multiplied in already
  bool clip = false;                    // decoded boxes to 0 .. 1

  static constexpr auto Fields() {
    using A = SsdDetectionOutputAttributes;
    return std::array{MACE_FIELD(1, A, classes),
                      MACE_FIELD(2, A, background),
                      MACE_FIELD(3, A, top_k),
                      MACE_FIELD(4, A, keep_top_k),
                      MACE_FIELD(5, A, code),
                      MACE_FIELD(6, A, overlap_threshold),
                      MACE_FIELD(7, A, score_threshold),
                      MACE_FIELD(8, A, eta),
                      MACE_FIELD(9, A, share_location),
                      MACE_FIELD(10, A, variances_in_locations),
                      MACE_FIELD(11, A, clip)};
  }
};
extern const OpDefinition kSsdDetectionOutputDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_SSD_DETECTION_OUTPUT_H_
