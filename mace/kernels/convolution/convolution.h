// kernels.def family `convolution`.
#ifndef MACE_KERNELS_CONVOLUTION_CONVOLUTION_H_
#define MACE_KERNELS_CONVOLUTION_CONVOLUTION_H_

#include "mace/kernels/convolution/conv2d.h"
#include "mace/kernels/convolution/conv_transpose2d.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

struct ConvolutionKernels {
  KernelFunction conv2d_f32;
  KernelFunction conv_transpose2d_f32;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_CONVOLUTION_CONVOLUTION_H_
