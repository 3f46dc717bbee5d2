#include "mace/kernels/resize/resize.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {

Status PrepareResize(ResizeParams* p) {
  constexpr int64_t kMostPixels = int64_t{1} << 24;  // a coordinate must be exact in single precision
  if (p->input_height >= kMostPixels || p->input_width >= kMostPixels || p->output_height >= kMostPixels ||
      p->output_width >= kMostPixels || !SizesFit(p->batch, p->input_height) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 4 * p->input_pixel_stride) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 4 * p->output_pixel_stride) ||
      !SizesFit(p->channels, 4)) {
    return InvalidArgument("resize: sizes out of range");
  }
  p->tile_count = p->workspace_bytes = p->tile_output_rows = 0;
  const int64_t outputs = p->batch * p->output_height * p->output_width * p->channels;
  if (outputs == 0) return Status::Ok();
  if (p->input_height * p->input_width == 0)
    return InvalidArgument("resize: nothing to enlarge: the input has no pixels");
  constexpr int64_t kTileWork = 64 * 1024;  // values written
  const int64_t rows = DivideRoundUp(kTileWork, p->output_width * p->channels);
  p->tile_output_rows = rows < p->output_height ? rows : p->output_height;
  p->tile_count = p->batch * DivideRoundUp(p->output_height, p->tile_output_rows);
  return Status::Ok();
}

int64_t ResizeTableBytes(const ResizeParams& p) {
  return (p.output_height + p.output_width) * static_cast<int64_t>(sizeof(ResizeTap));
}

}  // namespace mace::kernels
