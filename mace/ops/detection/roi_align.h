// RoiAlign: x [N, H, W, C], boxes [R, 4] (x0, y0, x1, y1), int64 batch_indices [R] -> [R, output_height,
// output_width, C]. Each bin of a box is the mean, or the maximum, of samples at a regular grid of places,
// `sampling_ratio` (0: as many as the bin has pixels) along each side. A sample mixes its four neighbours; more
// than a pixel outside of x it is 0. The maximum is that of the weighted neighbours, as ONNX defines it.
//
// MaxRoiPool: x [N, H, W, C], boxes [R, 5] (batch, x0, y0, x1, y1) -> [R, output_height, output_width, C]: the
// maximum over the pixels of each bin (R. Girshick, Fast R-CNN, arXiv:1504.08083); 0 where it has none.
//
// All operands but the indices are f32 or all f64.
#ifndef MACE_OPS_DETECTION_ROI_ALIGN_H_
#define MACE_OPS_DETECTION_ROI_ALIGN_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct RoiAlignAttributes {
  int64_t output_height = 1;
  int64_t output_width = 1;
  int64_t sampling_ratio = 0;
  float spatial_scale = 1;  // from the boxes' coordinates to x's
  bool half_pixel = true;   // pixel 0 is centred on 0, and boxes may be smaller than a pixel
  bool maximum = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, RoiAlignAttributes, output_height),
                      MACE_FIELD(2, RoiAlignAttributes, output_width),
                      MACE_FIELD(3, RoiAlignAttributes, sampling_ratio),
                      MACE_FIELD(4, RoiAlignAttributes, spatial_scale),
                      MACE_FIELD(5, RoiAlignAttributes, half_pixel),
                      MACE_FIELD(6, RoiAlignAttributes, maximum)};
  }
};
extern const OpDefinition kRoiAlignDefinition;

struct MaxRoiPoolAttributes {
  int64_t output_height = 1;
  int64_t output_width = 1;
  float spatial_scale = 1;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, MaxRoiPoolAttributes, output_height),
                      MACE_FIELD(2, MaxRoiPoolAttributes, output_width),
                      MACE_FIELD(3, MaxRoiPoolAttributes, spatial_scale)};
  }
};
extern const OpDefinition kMaxRoiPoolDefinition;

// The shape rule of both: boxes of `columns` numbers.
Status InferRoi(InferContext& context, int64_t columns, int64_t height, int64_t width);

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_ROI_ALIGN_H_
