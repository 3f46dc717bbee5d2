// Nv12ToRgb: a picture as cameras and video decoders give it, u8 [N, H * 3 / 2, W] or [N, H * 3 / 2, W, 1],
// to u8 [N, H, W, 3]: red, green, blue. H and W are even. Of an image's rows the first H are the luma Y of
// every pixel; the H / 2 behind them hold, for each 2 x 2 pixels, the pair of chroma values U (Cb) and V
// (Cr); in NV21 V stands first. By ITU-R BT.601, with the video range (Y 16 .. 235, chroma 16 .. 240 about
// 128):
//
//   red   = 1.164383 (Y - 16)                         + 1.596027 (V - 128)
//   green = 1.164383 (Y - 16) - 0.391762 (U - 128)    - 0.812968 (V - 128)
//   blue  = 1.164383 (Y - 16) + 2.017232 (U - 128)
//
// or with the full range (JPEG's; 0 .. 255, chroma about 128):
//
//   red = Y + 1.402 (V - 128), green = Y - 0.344136 (U - 128) - 0.714136 (V - 128), blue = Y + 1.772 (U -
//   128)
//
// computed with factors of 16 bits behind the point, rounded to the nearest integer (halves up) and clamped
// to 0 .. 255: the same bytes on every machine.
#ifndef MACE_OPS_VISION_NV12_TO_RGB_H_
#define MACE_OPS_VISION_NV12_TO_RGB_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct Nv12ToRgbAttributes {
  bool full_range = false;
  bool v_first = false;  // NV21

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, Nv12ToRgbAttributes, full_range),
                      MACE_FIELD(2, Nv12ToRgbAttributes, v_first)};
  }
};
extern const OpDefinition kNv12ToRgbDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_VISION_NV12_TO_RGB_H_
