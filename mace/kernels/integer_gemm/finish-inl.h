// How the sums of a tile, bias included, become outputs, for *.simd.cc files: rows are pixels, columns are
// channels.
#ifndef MACE_KERNELS_INTEGER_GEMM_FINISH_INL_H_
#define MACE_KERNELS_INTEGER_GEMM_FINISH_INL_H_

#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/simd/simd.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

// `sums` are of `rows` rows, sums_stride apart, and of columns that exist.
struct Finish {
  const kernels::Requantization* q;
  const uint8_t* arrays;  // from the first of the columns on, each array `width` long
  int64_t width, columns;
  const int32_t* sums;
  int64_t sums_stride;
  int rows;
  const int32_t* row_sums;  // or null
  uint8_t* out;
  int64_t out_stride_bytes;
};

using FinishFunction = void (*)(const Finish&);
// The fastest way for these outputs.
FinishFunction FinishOf(const kernels::Requantization& q, const kernels::ChannelShifts& shifts);

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_INTEGER_GEMM_FINISH_INL_H_
