// The phases of a transposed convolution, by arithmetic alone: packing and the kernel compute them alike.
#ifndef MACE_KERNELS_CONVOLUTION_TRANSPOSE_PHASE_H_
#define MACE_KERNELS_CONVOLUTION_TRANSPOSE_PHASE_H_

#include "mace/kernels/convolution/conv_transpose2d.h"

namespace mace::kernels {

// Always inlined, so that no copy made with one ISA's flags can be linked into code for another.
// One axis: outputs phase, phase + stride, ... are made by kernel positions kernel_begin + t * kernel_step, t
// < taps. Output number j of the phase (at phase + j * stride) reads input j + input_begin + t * input_step.
struct TransposeAxis {
  int64_t outputs = 0, taps = 0;
  int64_t kernel_begin = 0, kernel_step = 1;
  int64_t input_begin = 0, input_step = 0;
};

__attribute__((always_inline)) constexpr TransposeAxis MakeTransposeAxis(int64_t phase, int64_t output,
                                                                         int64_t kernel, int64_t stride,
                                                                         int64_t dilation, int64_t pad) {
  TransposeAxis axis;
  axis.outputs = phase < output ? DivideRoundUp(output - phase, stride) : 0;
  // k * dilation = phase + pad (mod stride) has a solution k < stride at most once in every `step` positions.
  int64_t common = stride, other = dilation;
  while (other != 0) {
    const int64_t rest = common % other;
    common = other, other = rest;
  }
  axis.kernel_step = stride / common;
  axis.kernel_begin = 0;
  const int64_t end = axis.kernel_step < kernel ? axis.kernel_step : kernel;
  while (axis.kernel_begin < end && (phase + pad - axis.kernel_begin * dilation) % stride != 0)
    ++axis.kernel_begin;
  if (axis.kernel_begin >= end) return axis;
  axis.taps = DivideRoundUp(kernel - axis.kernel_begin, axis.kernel_step);
  axis.input_begin = (phase + pad - axis.kernel_begin * dilation) / stride;
  axis.input_step = -(axis.kernel_step * dilation) / stride;
  return axis;
}

struct TransposePhase {
  TransposeAxis y, x;
  constexpr int64_t taps() const { return y.taps * x.taps; }
  constexpr int64_t pixels() const { return y.outputs * x.outputs; }
};

__attribute__((always_inline)) constexpr TransposePhase MakeTransposePhase(const ConvTranspose2dParams& p,
                                                                           int64_t phase_y, int64_t phase_x) {
  return {MakeTransposeAxis(phase_y, p.output_height, p.kernel_height, p.stride_y, p.dilation_y, p.pad_top),
          MakeTransposeAxis(phase_x, p.output_width, p.kernel_width, p.stride_x, p.dilation_x, p.pad_left)};
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_CONVOLUTION_TRANSPOSE_PHASE_H_
