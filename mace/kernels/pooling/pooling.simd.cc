#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/pooling/pool_row-inl.h"
#include "mace/kernels/pooling/pooling.h"
#include "mace/kernels/sizes.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::KernelArguments;
using kernels::PoolingParams;

template <typename Operation>
void PoolF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const PoolingParams*>(arguments.params);
  const int64_t image_tiles = kernels::DivideRoundUp(p.output_height, p.tile_output_rows);
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t begin = t % image_tiles * p.tile_output_rows;
    const int64_t end = ScalarMin(begin + p.tile_output_rows, p.output_height);
    const int64_t image = t / image_tiles;
    const float* input = static_cast<const float*>(arguments.operands[0]) +
                         image * p.input_height * p.input_width * p.input_pixel_stride;
    const int64_t row_floats = p.output_width * p.output_pixel_stride;
    float* out = static_cast<float*>(arguments.operands[1]) + (image * p.output_height + begin) * row_floats;
    for (int64_t y = begin; y < end; ++y, out += row_floats) PoolRow<Operation>(p, input, 0, y, out);
  }
}

}  // namespace

extern const kernels::PoolingKernels kPoolingKernels;
const kernels::PoolingKernels kPoolingKernels = {PoolF32<MaxOfWindow>, PoolF32<AverageOfWindow>};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
