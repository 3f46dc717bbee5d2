// Pixel strides (docs/design/13-pixel-stride.md): which values lie with gaps between their channel vectors.
// Channel concatenations and splits become views: producers write into the whole, consumers read out of it.
// And a stride that is a multiple of 2 KiB is padded by 64 bytes where a kernel touches several pixels at a
// time.
#ifndef MACE_BACKENDS_CPU_STRIDE_PLANNER_H_
#define MACE_BACKENDS_CPU_STRIDE_PLANNER_H_

#include "mace/backends/cpu/lowering.h"

namespace mace::cpu {

// After fusion, before any step is made.
void PlanStrides(Lowering& lowering);

// What the planner may rely on: these nodes will not fall back to their reference kernels, which know no
// gaps. Each is what the lowering function itself asks.
bool HasConvolutionKernel(const Lowering& lowering, const Node& node);  // lower_convolution.cc
bool HasPoolingKernel(const Lowering& lowering, const Node& node);      // lower_pooling.cc
bool HasResizeKernel(const Lowering& lowering, const Node& node);       // lower_pooling.cc
bool HasReductionKernel(const Lowering& lowering, const Node& node);    // lower_norm.cc

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_STRIDE_PLANNER_H_
