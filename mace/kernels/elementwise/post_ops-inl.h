// How post-ops are computed: for *.simd.cc files. Fixed cheap epilogues (bias and clamp, residual) belong
// into the kernel that has them; this is the general path, over a tile that lies in L1.
#ifndef MACE_KERNELS_ELEMENTWISE_POST_OPS_INL_H_
#define MACE_KERNELS_ELEMENTWISE_POST_OPS_INL_H_

#include "mace/kernels/elementwise/post_ops.h"
#include "mace/simd/math.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::HasTensorOperand;
using kernels::PostOp;
using kernels::PostOpKind;
using kernels::PostOps;

MACE_INLINE VecF32 LeakyRelu(VecF32 v, VecF32 slope) { return Select(Less(v, Zero(kF32)), Mul(v, slope), v); }
MACE_INLINE VecF32 HardSigmoid(VecF32 v, VecF32 a, VecF32 b) {
  return Clamp(MulAdd(v, a, b), Zero(kF32), Set(kF32, 1.0f));
}
MACE_INLINE VecF32 HardSwish(VecF32 v) {
  return Mul(v, HardSigmoid(v, Set(kF32, 1.0f / 6.0f), Set(kF32, 0.5f)));
}
// v times the share of the normal distribution that lies below v. 1 + erf(v / sqrt(2)) has few digits left
// below 0, so the tail is computed itself: erfc(m) / 2 = exp(-m^2 + log(erfcx(m))) / 2, m = |v| / sqrt(2),
// the logarithm by a fit on 0 <= m <= 4 made like those of math.h (1.6e-7 off). Relative error above -5.5:
// 2.1e-6.
MACE_INLINE VecF32 Gelu(VecF32 v) {
  const VecF32 half = Set(kF32, 0.5f);
  const VecF32 m = Min(Set(kF32, 4.0f), Mul(Abs(v), Set(kF32, 0.70710678f)));
  const VecF32 square = Mul(m, m);  // even and odd powers apart: two chains that do not wait for each other
  const VecF32 even = Polynomial(square, Set(kF32, -3.518552205e-7f), -7.835136785e-5f, -1.064425334e-3f,
                                 1.997925900e-2f, 3.634845912e-1f, 1.607695168e-7f);
  const VecF32 odd = Polynomial(square, Set(kF32, 8.026905562e-6f), 4.115251359e-4f, -7.650082116e-4f,
                                -1.031915843e-1f, -1.128389239e0f);
  const VecF32 p = MulAdd(m, odd, even);
  const VecF32 tail = Mul(half, Exp(NegMulAdd(Mul(v, half), v, p)));
  return Mul(v, Select(Less(v, Zero(kF32)), tail, Sub(Set(kF32, 1.0f), tail)));
}

template <PostOpKind kind>
MACE_INLINE VecF32 ComputePostOp(const PostOp& op, VecF32 v, VecF32 t) {
  if constexpr (kind == PostOpKind::kClip) return Clamp(v, Set(kF32, op.a), Set(kF32, op.b));
  if constexpr (kind == PostOpKind::kRelu) return Max(Zero(kF32), v);
  if constexpr (kind == PostOpKind::kLeakyRelu) return LeakyRelu(v, Set(kF32, op.a));
  if constexpr (kind == PostOpKind::kSigmoid) return Sigmoid(v);
  if constexpr (kind == PostOpKind::kTanh) return Tanh(v);
  if constexpr (kind == PostOpKind::kHardSigmoid) return HardSigmoid(v, Set(kF32, op.a), Set(kF32, op.b));
  if constexpr (kind == PostOpKind::kHardSwish) return HardSwish(v);
  if constexpr (kind == PostOpKind::kSilu) return Mul(v, Sigmoid(v));
  if constexpr (kind == PostOpKind::kGelu) return Gelu(v);
  if constexpr (kind == PostOpKind::kErf) return Erf(v);
  if constexpr (kind == PostOpKind::kAddScalar) return Add(v, Set(kF32, op.a));
  if constexpr (kind == PostOpKind::kMulScalar) return Mul(v, Set(kF32, op.a));
  if constexpr (kind == PostOpKind::kDivScalar) return Div(v, Set(kF32, op.a));
  if constexpr (kind == PostOpKind::kAdd) return Add(v, t);
  if constexpr (kind == PostOpKind::kSub) return Sub(v, t);
  if constexpr (kind == PostOpKind::kReverseSub) return Sub(t, v);
  if constexpr (kind == PostOpKind::kMul) return Mul(v, t);
  if constexpr (kind == PostOpKind::kPRelu) return LeakyRelu(v, t);
}

// Returns from the enclosing function with what `call` gives for the kind, named as a constant kKind.
#define MACE_POST_OP_CASE(name, call)              \
  case PostOpKind::name: {                         \
    constexpr PostOpKind kKind = PostOpKind::name; \
    return call;                                   \
  }
#define MACE_SWITCH_POST_OP(kind, call)   \
  switch (kind) {                         \
    MACE_POST_OP_CASE(kClip, call)        \
    MACE_POST_OP_CASE(kRelu, call)        \
    MACE_POST_OP_CASE(kLeakyRelu, call)   \
    MACE_POST_OP_CASE(kSigmoid, call)     \
    MACE_POST_OP_CASE(kTanh, call)        \
    MACE_POST_OP_CASE(kHardSigmoid, call) \
    MACE_POST_OP_CASE(kHardSwish, call)   \
    MACE_POST_OP_CASE(kSilu, call)        \
    MACE_POST_OP_CASE(kGelu, call)        \
    MACE_POST_OP_CASE(kErf, call)         \
    MACE_POST_OP_CASE(kAddScalar, call)   \
    MACE_POST_OP_CASE(kMulScalar, call)   \
    MACE_POST_OP_CASE(kDivScalar, call)   \
    MACE_POST_OP_CASE(kAdd, call)         \
    MACE_POST_OP_CASE(kSub, call)         \
    MACE_POST_OP_CASE(kReverseSub, call)  \
    MACE_POST_OP_CASE(kMul, call)         \
    MACE_POST_OP_CASE(kPRelu, call)       \
  }

// One post-op on one vector; t is the operand's vector, or anything for kinds that have none.
MACE_INLINE VecF32 ApplyPostOp(const PostOp& op, VecF32 v, VecF32 t) {
  MACE_SWITCH_POST_OP(op.kind, (ComputePostOp<kKind>(op, v, t)))
  return v;
}

MACE_INLINE const float* PostOpRow(const PostOp& op, void* const* operands, int64_t row, int64_t column) {
  return static_cast<const float*>(operands[op.operand]) + row * op.row_stride + column;
}

// All post-ops on the vector that will be stored at (row, column) of the output. Not inlined: it holds every
// activation, and costs a call and a branch for each op.
MACE_NOINLINE VecF32 ApplyPostOps(const PostOps& ops, void* const* operands, VecF32 v, int64_t row,
                                  int64_t column) {
  for (int i = 0; i < ops.count; ++i) {
    const PostOp& op = ops.ops[i];
    const VecF32 t = HasTensorOperand(op.kind) ? Load(kF32, PostOpRow(op, operands, row, column)) : v;
    v = ApplyPostOp(op, v, t);
  }
  return v;
}

// The same where only the first n lanes lie within the output.
MACE_NOINLINE VecF32 ApplyPostOpsPartial(const PostOps& ops, void* const* operands, VecF32 v, int64_t row,
                                         int64_t column, int64_t n) {
  for (int i = 0; i < ops.count; ++i) {
    const PostOp& op = ops.ops[i];
    const VecF32 t =
        HasTensorOperand(op.kind) ? LoadPartial(kF32, PostOpRow(op, operands, row, column), n) : v;
    v = ApplyPostOp(op, v, t);
  }
  return v;
}

template <PostOpKind kind>
MACE_INLINE void PostOpLoop(const PostOp& op, const float* in, float* out, const float* t, int64_t count) {
  const int64_t lanes = Lanes(kF32);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const VecF32 v = Load(kF32, in + i);
    if constexpr (HasTensorOperand(kind)) {
      Store(out + i, ComputePostOp<kind>(op, v, Load(kF32, t + i)));
    } else {
      Store(out + i, ComputePostOp<kind>(op, v, v));
    }
  }
  if (i < count) {
    const int64_t n = count - i;
    const VecF32 v = LoadPartial(kF32, in + i, n);
    if constexpr (HasTensorOperand(kind)) {
      StorePartial(out + i, ComputePostOp<kind>(op, v, LoadPartial(kF32, t + i, n)), n);
    } else {
      StorePartial(out + i, ComputePostOp<kind>(op, v, v), n);
    }
  }
}

// One post-op along a row; t as in ApplyPostOp. `in` may be `out`.
MACE_NOINLINE void ApplyPostOpToRow(const PostOp& op, const float* in, float* out, const float* t,
                                    int64_t count){
    MACE_SWITCH_POST_OP(op.kind, (PostOpLoop<kKind>(op, in, out, t, count)))}

// All post-ops over `columns` of one row, which starts at (row, column) of the output: op by op over parts of
// a row that stay in L1. With no ops it is a copy.
MACE_NOINLINE void ApplyPostOpsToRow(const PostOps& ops, void* const* operands, const float* in, float* out,
                                     int64_t columns, int64_t row, int64_t column) {
  constexpr int64_t kPart = 1024;
  if (ops.count == 0) {
    if (in != out) __builtin_memcpy(out, in, static_cast<size_t>(columns) * sizeof(float));
    return;
  }
  for (int64_t begin = 0; begin < columns; begin += kPart) {
    const int64_t count = ScalarMin(kPart, columns - begin);
    const float* source = in + begin;
    for (int i = 0; i < ops.count; ++i) {
      const PostOp& op = ops.ops[i];
      const float* t = HasTensorOperand(op.kind) ? PostOpRow(op, operands, row, column + begin) : nullptr;
      ApplyPostOpToRow(op, source, out + begin, t, count);
      source = out + begin;
    }
  }
}

// In place over a tile of `rows` x `columns` floats at c, whose rows lie c_stride floats apart; its first
// element is (row, column) of the output, which places the operands.
MACE_NOINLINE void ApplyPostOpsToTile(const PostOps& ops, void* const* operands, float* c, int64_t c_stride,
                                      int64_t rows, int64_t columns, int64_t row, int64_t column) {
  if (ops.count == 0) return;
  for (int64_t r = 0; r < rows; ++r) {
    float* line = c + r * c_stride;
    ApplyPostOpsToRow(ops, operands, line, line, columns, row + r, column);
  }
}

#undef MACE_SWITCH_POST_OP
#undef MACE_POST_OP_CASE

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_ELEMENTWISE_POST_OPS_INL_H_
