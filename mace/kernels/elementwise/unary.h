// Kernels unary_f32 (one function of each element) and chain_f32 (a list of post-ops on a tensor that no GEMM
// or convolution made). Input and output may be the same memory.
#ifndef MACE_KERNELS_ELEMENTWISE_UNARY_H_
#define MACE_KERNELS_ELEMENTWISE_UNARY_H_

#include "mace/core/status.h"
#include "mace/kernels/elementwise/post_ops.h"
#include "mace/kernels/elementwise/row_tiles.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

enum class UnaryOp : uint8_t {
  kRelu,       // max(x, 0)
  kClip,       // min(max(x, a), b); NaN stays NaN
  kLeakyRelu,  // x < 0 ? a * x : x
  kSigmoid,
  kTanh,
  kHardSigmoid,  // clip(a * x + b, 0, 1)
  kHardSwish,    // x * clip(x / 6 + 1/2, 0, 1)
  kSilu,         // x * sigmoid(x)
  kGelu,         // x * (1 + erf(x / sqrt(2))) / 2
  kErf,
  kExp,
  kLog,
  kSqrt,
  kRsqrt,       // 1 / sqrt(x)
  kReciprocal,  // 1 / x
  kNeg,
  kAbs,
  kFloor,
  kCeil,
  kRound,     // to nearest, ties to even
  kGeluTanh,  // x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2
  kSoftplus,  // log(1 + exp(x))
  kMish,      // x * tanh(log(1 + exp(x)))
};

// Operands: 0 input, 1 output.
struct UnaryParams {
  // Set by the caller. A dense tensor is one row.
  UnaryOp op = UnaryOp::kRelu;
  float a = 0.0f;
  float b = 0.0f;
  int64_t rows = 1;
  int64_t columns = 0;
  int64_t input_stride = 0;  // floats from a row to the next; of no account with one row
  int64_t output_stride = 0;

  // Set by PrepareUnary.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareUnary(UnaryParams* params);

// Operands: 0 input, 1 output, then those that the post-ops name.
struct ChainParams {
  // Set by the caller.
  PostOps post_ops;
  int64_t rows = 1;
  int64_t columns = 0;
  int64_t input_stride = 0;
  int64_t output_stride = 0;

  // Set by PrepareChain.
  RowTiles tiles;
  int64_t tile_count = 0;
};
Status PrepareChain(ChainParams* params);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_ELEMENTWISE_UNARY_H_
