#include "mace/kernels/pooling/pooling.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {

Status PreparePooling(PoolingParams* p) {
  if (p->kernel_height <= 0 || p->kernel_width <= 0 || p->stride_y <= 0 || p->stride_x <= 0 ||
      p->dilation_y <= 0 || p->dilation_x <= 0) {
    return InvalidArgument("pooling: kernel, stride and dilation must be positive");
  }
  if (!SizesFit(p->batch, p->input_height) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 4 * p->input_pixel_stride) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 4 * p->output_pixel_stride) ||
      !SizesFit(p->channels, 4) || !SizesFit(p->kernel_height, p->kernel_width, p->channels) ||
      !SizesFit(p->kernel_height, p->dilation_y) || !SizesFit(p->kernel_width, p->dilation_x) ||
      !SizesFit(p->output_height, p->stride_y) || !SizesFit(p->output_width, p->stride_x)) {
    return InvalidArgument("pooling: sizes out of range");
  }
  p->tile_count = p->workspace_bytes = p->tile_output_rows = 0;
  if (p->batch * p->output_height * p->output_width * p->channels == 0) return Status::Ok();
  constexpr int64_t kTileWork = 128 * 1024;  // values read
  const int64_t taps = (p->kernel_height < p->input_height ? p->kernel_height : p->input_height) *
                       (p->kernel_width < p->input_width ? p->kernel_width : p->input_width);
  int64_t row_work = kTileWork;
  if (SizesFit(p->output_width, p->channels, taps)) row_work = p->output_width * p->channels * taps;
  if (row_work == 0) row_work = 1;  // windows that see nothing but padding
  const int64_t rows = DivideRoundUp(kTileWork, row_work);
  p->tile_output_rows = rows < p->output_height ? rows : p->output_height;
  p->tile_count = p->batch * DivideRoundUp(p->output_height, p->tile_output_rows);
  return Status::Ok();
}

}  // namespace mace::kernels
