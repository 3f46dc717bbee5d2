#include "mace/ops/nd_window.h"

namespace mace::ops {

Status MakeNdWindow(const int64_t* kernel, int rank, const IntList& strides, const IntList& dilations,
                    const IntList& pads, Padding padding, bool ceil_mode, NdWindow* window) {
  if (rank < 1 || rank > kMaxSpatialAxes) {
    return Unsupported("windows over %d axes, expected 1 to %d", rank, kMaxSpatialAxes);
  }
  if ((!strides.empty() && strides.size() != rank) || (!dilations.empty() && dilations.size() != rank) ||
      (!pads.empty() && pads.size() != 2 * rank)) {
    return InvalidArgument("%d strides, %d dilations and %d pads for %d spatial axes", strides.size(),
                           dilations.size(), pads.size(), rank);
  }
  window->rank = rank;
  for (int i = 0; i < rank; ++i) {
    const int64_t stride = strides.empty() ? 1 : strides[i];
    const int64_t dilation = dilations.empty() ? 1 : dilations[i];
    const int64_t pad_begin = pads.empty() ? 0 : pads[i];
    const int64_t pad_end = pads.empty() ? 0 : pads[rank + i];
    MACE_RETURN_IF_ERROR(MakeWindowAxis(0, kernel[i], {stride, 1}, {dilation, 1}, {pad_begin, 0, pad_end, 0},
                                        padding, ceil_mode, &window->axes[i]));
  }
  return Status::Ok();
}

Status ResolveNdPadding(const int64_t* input, NdWindow* window) {
  for (int i = 0; i < window->rank; ++i) {
    MACE_RETURN_IF_ERROR(
        ResolvePadding(window->axes[i], input[i], &window->pad_begin[i], &window->pad_end[i]));
  }
  return Status::Ok();
}

Status NdOutputSize(const NdWindow& window, const int64_t* input, int64_t* output) {
  for (int i = 0; i < window.rank; ++i) {
    MACE_RETURN_IF_ERROR(OutputSize(window.axes[i], input[i], &output[i]));
  }
  return Status::Ok();
}

}  // namespace mace::ops
