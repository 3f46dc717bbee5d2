// How post-ops are computed: for *.simd.cc files. Fixed cheap epilogues (bias and clamp, residual) belong
// into the kernel that has them; this is the general path, over a tile that lies in L1.
#ifndef MACE_KERNELS_ELEMENTWISE_POST_OPS_INL_H_
#define MACE_KERNELS_ELEMENTWISE_POST_OPS_INL_H_

#include "mace/kernels/elementwise/post_ops.h"
#include "mace/simd/math.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

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
MACE_INLINE VecF32 Gelu(VecF32 v) {
  const VecF32 e = Erf(Mul(v, Set(kF32, 0.70710678f)));
  return Mul(Mul(v, Set(kF32, 0.5f)), Add(e, Set(kF32, 1.0f)));
}

// One post-op on one vector; t is the operand's vector, or anything for kinds that have none.
MACE_INLINE VecF32 ApplyPostOp(const PostOp& op, VecF32 v, VecF32 t) {
  switch (op.kind) {
    case PostOpKind::kClip:
      return Clamp(v, Set(kF32, op.a), Set(kF32, op.b));
    case PostOpKind::kRelu:
      return Max(Zero(kF32), v);
    case PostOpKind::kLeakyRelu:
      return LeakyRelu(v, Set(kF32, op.a));
    case PostOpKind::kSigmoid:
      return Sigmoid(v);
    case PostOpKind::kTanh:
      return Tanh(v);
    case PostOpKind::kHardSigmoid:
      return HardSigmoid(v, Set(kF32, op.a), Set(kF32, op.b));
    case PostOpKind::kHardSwish:
      return HardSwish(v);
    case PostOpKind::kSilu:
      return Mul(v, Sigmoid(v));
    case PostOpKind::kGelu:
      return Gelu(v);
    case PostOpKind::kErf:
      return Erf(v);
    case PostOpKind::kAddScalar:
      return Add(v, Set(kF32, op.a));
    case PostOpKind::kMulScalar:
      return Mul(v, Set(kF32, op.a));
    case PostOpKind::kAdd:
      return Add(v, t);
    case PostOpKind::kSub:
      return Sub(v, t);
    case PostOpKind::kReverseSub:
      return Sub(t, v);
    case PostOpKind::kMul:
      return Mul(v, t);
    case PostOpKind::kPRelu:
      return LeakyRelu(v, t);
  }
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

// In place over a tile of `rows` x `columns` floats at c, whose rows lie c_stride floats apart; its first
// element is (row, column) of the output, which places the operands.
MACE_NOINLINE void ApplyPostOpsToTile(const PostOps& ops, void* const* operands, float* c, int64_t c_stride,
                                      int64_t rows, int64_t columns, int64_t row, int64_t column) {
  if (ops.count == 0) return;
  const int64_t lanes = Lanes(kF32);
  for (int64_t r = 0; r < rows; ++r) {
    float* line = c + r * c_stride;
    int64_t i = 0;
    for (; i + lanes <= columns; i += lanes) {
      Store(line + i, ApplyPostOps(ops, operands, Load(kF32, line + i), row + r, column + i));
    }
    if (i < columns) {
      const int64_t n = columns - i;
      const VecF32 v = LoadPartial(kF32, line + i, n);
      StorePartial(line + i, ApplyPostOpsPartial(ops, operands, v, row + r, column + i, n), n);
    }
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace

#endif  // MACE_KERNELS_ELEMENTWISE_POST_OPS_INL_H_
