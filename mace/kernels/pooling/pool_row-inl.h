// One row of a pooled map: for the pooling kernels, and for those that pool what they have just made.
#ifndef MACE_KERNELS_POOLING_POOL_ROW_INL_H_
#define MACE_KERNELS_POOLING_POOL_ROW_INL_H_

#include "mace/core/clip_taps.h"
#include "mace/kernels/pooling/pooling.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// Taps [begin, end) of one axis that lie inside [0, size), and how many lie inside [-pad, size + pad_end).
struct AxisWindow {
  int64_t begin, end, padded;
};
MACE_INLINE AxisWindow ClipWindow(int64_t first, int64_t kernel, int64_t dilation, int64_t size,
                                  int64_t pad_end) {
  AxisWindow window;
  ClipTaps(first, kernel, dilation, size, &window.begin, &window.end);
  int64_t begin = 0;  // in the padding; no window begins before that
  ClipTaps(first, kernel, dilation, size + pad_end, &begin, &window.padded);
  return window;
}

struct MaxOfWindow {
  static constexpr float kStart = -__builtin_inff();
  MACE_INLINE VecF32 Join(VecF32 a, VecF32 x) { return MaxNaN(a, x); }
  MACE_INLINE VecF32 Finish(VecF32 a, VecF32 divisor) { return a; }
};
struct AverageOfWindow {
  static constexpr float kStart = 0.0f;
  MACE_INLINE VecF32 Join(VecF32 a, VecF32 x) { return Add(a, x); }
  MACE_INLINE VecF32 Finish(VecF32 a, VecF32 divisor) { return Div(a, divisor); }
};

// One output pixel. `input` is the window's first pixel that exists; rows x columns of them lie row_step and
// column_step floats apart.
template <typename Operation>
MACE_INLINE void PoolPixel(const float* input, int64_t rows, int64_t columns, int64_t row_step,
                           int64_t column_step, int64_t channels, float divisor, float* out) {
  const VecF32 divisors = Set(kF32, divisor);
  const int64_t lanes = Lanes(kF32);
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    VecF32 sum = Set(kF32, Operation::kStart);
    for (int64_t y = 0; y < rows; ++y) {
      const float* line = input + y * row_step + c;
      for (int64_t x = 0; x < columns; ++x) sum = Operation::Join(sum, Load(kF32, line + x * column_step));
    }
    Store(out + c, Operation::Finish(sum, divisors));
  }
  if (c == channels) return;
  VecF32 sum = Set(kF32, Operation::kStart);
  for (int64_t y = 0; y < rows; ++y) {
    const float* line = input + y * row_step + c;
    for (int64_t x = 0; x < columns; ++x)
      sum = Operation::Join(sum, LoadPartial(kF32, line + x * column_step, channels - c));
  }
  StorePartial(out + c, Operation::Finish(sum, divisors), channels - c);
}

// Row y of the output of one image. `input` begins with row `input_begin` of the map; all rows that the
// windows see are there.
template <typename Operation>
MACE_INLINE void PoolRow(const kernels::PoolingParams& p, const float* input, int64_t input_begin, int64_t y,
                         float* out) {
  const int64_t row_floats = p.input_width * p.input_pixel_stride;
  const int64_t first_y = y * p.stride_y - p.pad_top;
  const AxisWindow rows = ClipWindow(first_y, p.kernel_height, p.dilation_y, p.input_height, p.pad_bottom);
  for (int64_t x = 0; x < p.output_width; ++x, out += p.output_pixel_stride) {
    const int64_t first_x = x * p.stride_x - p.pad_left;
    const AxisWindow columns = ClipWindow(first_x, p.kernel_width, p.dilation_x, p.input_width, p.pad_right);
    const int64_t row_count = rows.end - rows.begin;
    const int64_t column_count = columns.end - columns.begin;
    const int64_t inside = row_count * column_count;
    const int64_t divisor = p.count_include_pad ? rows.padded * columns.padded : inside;
    const float* window = inside == 0
                              ? input
                              : input + (first_y + rows.begin * p.dilation_y - input_begin) * row_floats +
                                    (first_x + columns.begin * p.dilation_x) * p.input_pixel_stride;
    PoolPixel<Operation>(window, inside == 0 ? 0 : row_count, column_count, p.dilation_y * row_floats,
                         p.dilation_x * p.input_pixel_stride, p.channels,
                         divisor == 0 ? 1.0f : static_cast<float>(divisor), out);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_POOLING_POOL_ROW_INL_H_
