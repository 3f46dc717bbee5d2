// Windows over 1 to 4 spatial axes: what the operators of any rank share (ConvNd, ConvTransposeNd, PoolNd,
// Col2Im, DeformConv). Tensors are channels last: [N, spatial..., C].
#ifndef MACE_OPS_ND_WINDOW_H_
#define MACE_OPS_ND_WINDOW_H_

#include "mace/ops/common.h"

namespace mace::ops {

inline constexpr int kMaxSpatialAxes = 4;

struct NdWindow {
  int rank = 0;
  WindowAxis axes[kMaxSpatialAxes];
  int64_t pad_begin[kMaxSpatialAxes] = {};  // for inputs of one size: ResolveNdPadding
  int64_t pad_end[kMaxSpatialAxes] = {};
};

// The lists have an entry per axis (`pads`: all begins, then all ends), or none: 1 (padding: 0) everywhere.
// Checked as MakeWindowAxis does.
Status MakeNdWindow(const int64_t* kernel, int rank, const IntList& strides, const IntList& dilations,
                    const IntList& pads, Padding padding, bool ceil_mode, NdWindow* window);

Status ResolveNdPadding(const int64_t* input, NdWindow* window);

// The number of windows along each axis.
Status NdOutputSize(const NdWindow& window, const int64_t* input, int64_t* output);

// The next of the positions begin <= at < end in row-major order; false after the last, when `at` is `begin`
// again. With no axes there is one position.
inline bool NextPosition(int rank, const int64_t* begin, const int64_t* end, int64_t* at) {
  for (int i = rank - 1; i >= 0; --i) {
    if (++at[i] < end[i]) return true;
    at[i] = begin[i];
  }
  return false;
}
inline bool NextPosition(int rank, const int64_t* end, int64_t* at) {
  constexpr int64_t kBegin[kMaxRank] = {};
  return NextPosition(rank, kBegin, end, at);
}

// Calls visit(pixel, tap) for every tap of the window at output position `at` that lies inside the input:
// the row-major numbers of the pixel and of the tap.
template <typename Visit>
void ForEachTap(const NdWindow& window, const int64_t* input, const int64_t* at, const Visit& visit) {
  int64_t start[kMaxSpatialAxes], begin[kMaxSpatialAxes], end[kMaxSpatialAxes], tap[kMaxSpatialAxes];
  for (int i = 0; i < window.rank; ++i) {
    const WindowAxis& axis = window.axes[i];
    start[i] = at[i] * axis.stride - window.pad_begin[i];
    ClipTaps(start[i], axis.kernel, axis.dilation, input[i], &begin[i], &end[i]);
    if (begin[i] >= end[i]) return;
    tap[i] = begin[i];
  }
  do {
    int64_t pixel = 0;
    uint64_t number = 0;  // wraps where the kernel is no tensor but four large numbers: nobody reads it then
    for (int i = 0; i < window.rank; ++i) {
      pixel = pixel * input[i] + start[i] + tap[i] * window.axes[i].dilation;
      number = number * static_cast<uint64_t>(window.axes[i].kernel) + static_cast<uint64_t>(tap[i]);
    }
    visit(pixel, static_cast<int64_t>(number));
  } while (NextPosition(window.rank, begin, end, tap));
}

// The same for a transposed window: tap k of input pixel i lands on i * stride - pad_begin + k * dilation;
// visits the pixels and taps that land on `at`. The kernel is that of a tensor.
template <typename Visit>
void ForEachStamp(const NdWindow& window, const int64_t* input, const int64_t* at, const Visit& visit) {
  int64_t kernel[kMaxSpatialAxes], tap[kMaxSpatialAxes] = {};
  for (int i = 0; i < window.rank; ++i) kernel[i] = window.axes[i].kernel;
  int64_t number = 0;
  do {
    int64_t pixel = 0;
    bool inside = true;
    for (int i = 0; i < window.rank && inside; ++i) {
      const WindowAxis& axis = window.axes[i];
      const int64_t place = at[i] + window.pad_begin[i] - tap[i] * axis.dilation;
      inside = place >= 0 && place % axis.stride == 0 && place / axis.stride < input[i];
      if (inside) pixel = pixel * input[i] + place / axis.stride;
    }
    if (inside) visit(pixel, number);
    ++number;
  } while (NextPosition(window.rank, kernel, tap));
}

}  // namespace mace::ops

#endif  // MACE_OPS_ND_WINDOW_H_
