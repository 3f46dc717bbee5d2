// SuppressBoxes: the best of one picture's boxes that overlap, in as many rows as are asked for (TensorFlow
// Lite's NON_MAX_SUPPRESSION_V4 and V5).
//
//   inputs   boxes f32 [B, 4], two opposite corners (y, x, y, x); scores f32 [B]; the number of rows D, one
//            i32 or i64; scalars f32: the overlap from which a box is dropped, the score above which a box
//            takes part, and sigma (absent: 0)
//   outputs  boxes i32 [D], best first; their scores f32 [D]; how many they are, a scalar i32; 0 behind the
//            last one
//
// Overlap is intersection over union; a box without area overlaps none. Where sigma > 0 a box that overlaps
// a better one also loses score, by exp(-overlap^2 / (2 sigma)) for each, and competes again with what is
// left (N. Bodla et al., Soft-NMS - improving object detection with one line of code, 2017). Of equal scores
// the lower box is the better one.
#ifndef MACE_OPS_DETECTION_SUPPRESS_BOXES_H_
#define MACE_OPS_DETECTION_SUPPRESS_BOXES_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

extern const OpDefinition kSuppressBoxesDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_SUPPRESS_BOXES_H_
