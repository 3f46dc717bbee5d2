// Operations that lowering joins to the kernel that makes their input (docs/design/12-fusion.md): they run on
// the output while it is in registers or in L1. GEMM, convolution, depthwise and elementwise kernels share
// them; how they are computed is in post_ops-inl.h, for *.simd.cc files.
#ifndef MACE_KERNELS_ELEMENTWISE_POST_OPS_H_
#define MACE_KERNELS_ELEMENTWISE_POST_OPS_H_

#include <cstdint>

namespace mace::kernels {

enum class PostOpKind : uint8_t {
  // Of v alone.
  kClip,       // min(max(v, a), b); a and b may be infinite; NaN stays NaN
  kRelu,       // max(v, 0)
  kLeakyRelu,  // v < 0 ? a * v : v
  kSigmoid,    // 1 / (1 + exp(-v))
  kTanh,
  kHardSigmoid,  // clip(a * v + b, 0, 1)
  kHardSwish,    // v * clip(v / 6 + 1/2, 0, 1)
  kSilu,         // v * sigmoid(v)
  kGelu,         // v * (1 + erf(v / sqrt(2))) / 2
  kErf,
  kAddScalar,  // v + a
  kMulScalar,  // v * a
  kDivScalar,  // v / a, which v * (1 / a) is not: 41 times the float next to 1 / 41 is less than 1
  // Of v and t, an element of a float tensor laid out in rows as the output is: operand[row * row_stride +
  // column].
  // row_stride 0 makes it a value per channel (column), the same for all rows.
  kAdd,         // v + t
  kSub,         // v - t
  kReverseSub,  // t - v
  kMul,         // v * t
  kPRelu,       // v < 0 ? t * v : v
};

struct PostOp {
  PostOpKind kind = PostOpKind::kClip;
  int32_t operand =
      -1;  // index into the kernel call's operands (KernelArguments::operands), for those that have t
  float a = 0.0f;
  float b = 0.0f;
  int64_t row_stride = 0;  // floats from a row of t to the next
};

inline constexpr int kMaxPostOps = 8;

struct PostOps {
  int32_t count = 0;
  PostOp ops[kMaxPostOps];
};

// Inlined always: *.simd.cc files may not leave a copy of it to the linker.
__attribute__((always_inline)) inline constexpr bool HasTensorOperand(PostOpKind kind) {
  return kind >= PostOpKind::kAdd;
}

}  // namespace mace::kernels

#endif  // MACE_KERNELS_ELEMENTWISE_POST_OPS_H_
