// Kernel detection_post_process: decodes the boxes of a detector and keeps the best of those that overlap
// (mace/ops/detection/detection_post_process.h says what is computed). One tile: the boxes compete. No vector
// code: a heap brings the best candidates, and only those are decoded and compared.
#ifndef MACE_KERNELS_DETECTION_DETECTION_H_
#define MACE_KERNELS_DETECTION_DETECTION_H_

#include <cstdint>

#include "mace/core/status.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

// Operands: 0 box encodings [boxes, box_values], 1 scores [boxes, columns], 2 anchors [boxes, 4], 3 boxes
// [rows, 4], 4 classes [rows], 5 scores [rows], 6 their number [1]; rows = max_detections *
// classes_per_detection; outputs may be null.
struct DetectionParams {
  // f32, or u8 with scale and zero point.
  struct Values {
    bool is_u8 = false;
    float scale = 1;
    int32_t zero_point = 0;
  };

  // Set by the caller.
  int64_t boxes = 0, box_values = 4;
  int64_t columns = 1, classes = 1;  // columns - classes of the first columns are not looked at
  int64_t max_detections = 0, classes_per_detection = 1;
  int64_t detections_per_class = 1;
  bool regular = false;  // each class on its own
  float score_threshold = 0, overlap_threshold = 0.5f;
  float box_scales[4] = {1, 1, 1, 1};  // of y, x, height, width
  Values encodings, scores, anchors;

  // Set by PrepareDetection.
  int64_t tile_count = 1;
  int64_t workspace_bytes = 0;
};
Status PrepareDetection(DetectionParams* params);

void DetectionPostProcess(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_DETECTION_DETECTION_H_
