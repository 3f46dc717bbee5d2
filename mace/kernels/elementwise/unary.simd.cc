#include "mace/kernels/elementwise/elementwise-inl.h"
#include "mace/kernels/elementwise/post_ops-inl.h"
#include "mace/kernels/elementwise/row_tiles-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::ChainParams;
using kernels::UnaryOp;
using kernels::UnaryParams;

// (1 + tanh(z)) / 2 is the sigmoid of 2 z.
MACE_INLINE VecF32 GeluTanh(VecF32 x) {
  constexpr float kTwiceRoot = 1.5957691216f;  // 2 * sqrt(2 / pi)
  const VecF32 cubic = MulAdd(Mul(x, x), Set(kF32, 0.044715f), Set(kF32, 1.0f));
  return Mul(x, Sigmoid(Mul(Mul(x, Set(kF32, kTwiceRoot)), cubic)));
}

// max(x, 0) + log(1 + e) with e = exp(-|x|): what 1 + e has lost is put back to first order.
MACE_INLINE VecF32 Softplus(VecF32 x) {
  const VecF32 one = Set(kF32, 1.0f);
  const VecF32 e = Exp(Neg(Abs(x)));
  const VecF32 sum = Add(one, e);
  const VecF32 logarithm = Add(Log(sum), Div(Sub(e, Sub(sum, one)), sum));
  return Add(Max(Zero(kF32), x), logarithm);
}

// With e = exp(x), tanh(log(1 + e)) is n / (n + 2) for n = e * (e + 2).
MACE_INLINE VecF32 Mish(VecF32 x) {
  const VecF32 two = Set(kF32, 2.0f);
  const VecF32 e = Exp(Min(x, Set(kF32, 20.0f)));  // beyond, the quotient is 1
  const VecF32 n = Mul(e, Add(e, two));
  return Mul(x, Div(n, Add(n, two)));
}

template <UnaryOp op>
MACE_INLINE VecF32 ComputeUnary(VecF32 x, float a, float b) {
  if constexpr (op == UnaryOp::kRelu) return Max(Zero(kF32), x);
  if constexpr (op == UnaryOp::kClip) return Clamp(x, Set(kF32, a), Set(kF32, b));
  if constexpr (op == UnaryOp::kLeakyRelu) return LeakyRelu(x, Set(kF32, a));
  if constexpr (op == UnaryOp::kSigmoid) return Sigmoid(x);
  if constexpr (op == UnaryOp::kTanh) return Tanh(x);
  if constexpr (op == UnaryOp::kHardSigmoid) return HardSigmoid(x, Set(kF32, a), Set(kF32, b));
  if constexpr (op == UnaryOp::kHardSwish) return HardSwish(x);
  if constexpr (op == UnaryOp::kSilu) return Mul(x, Sigmoid(x));
  if constexpr (op == UnaryOp::kGelu) return Gelu(x);
  if constexpr (op == UnaryOp::kErf) return Erf(x);
  if constexpr (op == UnaryOp::kExp) return Exp(x);
  if constexpr (op == UnaryOp::kLog) return Log(x);
  if constexpr (op == UnaryOp::kSqrt) return Sqrt(x);
  if constexpr (op == UnaryOp::kRsqrt) return Div(Set(kF32, 1.0f), Sqrt(x));
  if constexpr (op == UnaryOp::kReciprocal) return Div(Set(kF32, 1.0f), x);
  if constexpr (op == UnaryOp::kNeg) return Neg(x);
  if constexpr (op == UnaryOp::kAbs) return Abs(x);
  if constexpr (op == UnaryOp::kFloor) return Floor(x);
  if constexpr (op == UnaryOp::kCeil) return Ceil(x);
  if constexpr (op == UnaryOp::kRound) return Round(x);
  if constexpr (op == UnaryOp::kGeluTanh) return GeluTanh(x);
  if constexpr (op == UnaryOp::kSoftplus) return Softplus(x);
  if constexpr (op == UnaryOp::kMish) return Mish(x);
}

template <UnaryOp op>
static void UnaryRow(const float* in, float* out, int64_t count, float a, float b) {
  const int64_t lanes = Lanes(kF32);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) Store(out + i, ComputeUnary<op>(Load(kF32, in + i), a, b));
  if (i < count) {
    const int64_t n = count - i;
    StorePartial(out + i, ComputeUnary<op>(LoadPartial(kF32, in + i, n), a, b), n);
  }
}

using UnaryRowFunction = void (*)(const float* in, float* out, int64_t count, float a, float b);

static UnaryRowFunction RowFunctionOf(UnaryOp op) {
  switch (op) {
    case UnaryOp::kRelu:
      return UnaryRow<UnaryOp::kRelu>;
    case UnaryOp::kClip:
      return UnaryRow<UnaryOp::kClip>;
    case UnaryOp::kLeakyRelu:
      return UnaryRow<UnaryOp::kLeakyRelu>;
    case UnaryOp::kSigmoid:
      return UnaryRow<UnaryOp::kSigmoid>;
    case UnaryOp::kTanh:
      return UnaryRow<UnaryOp::kTanh>;
    case UnaryOp::kHardSigmoid:
      return UnaryRow<UnaryOp::kHardSigmoid>;
    case UnaryOp::kHardSwish:
      return UnaryRow<UnaryOp::kHardSwish>;
    case UnaryOp::kSilu:
      return UnaryRow<UnaryOp::kSilu>;
    case UnaryOp::kGelu:
      return UnaryRow<UnaryOp::kGelu>;
    case UnaryOp::kErf:
      return UnaryRow<UnaryOp::kErf>;
    case UnaryOp::kExp:
      return UnaryRow<UnaryOp::kExp>;
    case UnaryOp::kLog:
      return UnaryRow<UnaryOp::kLog>;
    case UnaryOp::kSqrt:
      return UnaryRow<UnaryOp::kSqrt>;
    case UnaryOp::kRsqrt:
      return UnaryRow<UnaryOp::kRsqrt>;
    case UnaryOp::kReciprocal:
      return UnaryRow<UnaryOp::kReciprocal>;
    case UnaryOp::kNeg:
      return UnaryRow<UnaryOp::kNeg>;
    case UnaryOp::kAbs:
      return UnaryRow<UnaryOp::kAbs>;
    case UnaryOp::kFloor:
      return UnaryRow<UnaryOp::kFloor>;
    case UnaryOp::kCeil:
      return UnaryRow<UnaryOp::kCeil>;
    case UnaryOp::kGeluTanh:
      return UnaryRow<UnaryOp::kGeluTanh>;
    case UnaryOp::kSoftplus:
      return UnaryRow<UnaryOp::kSoftplus>;
    case UnaryOp::kMish:
      return UnaryRow<UnaryOp::kMish>;
    case UnaryOp::kRound:
      break;
  }
  return UnaryRow<UnaryOp::kRound>;
}

void UnaryF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const UnaryParams& params = *static_cast<const UnaryParams*>(arguments.params);
  const float* input = static_cast<const float*>(arguments.operands[0]);
  float* output = static_cast<float*>(arguments.operands[1]);
  const UnaryRowFunction row_function = RowFunctionOf(params.op);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      row_function(input + row * params.input_stride + range.column_begin,
                   output + row * params.output_stride + range.column_begin,
                   range.column_end - range.column_begin, params.a, params.b);
    }
  }
}

void ChainF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const ChainParams& params = *static_cast<const ChainParams*>(arguments.params);
  const float* input = static_cast<const float*>(arguments.operands[0]);
  float* output = static_cast<float*>(arguments.operands[1]);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      ApplyPostOpsToRow(params.post_ops, arguments.operands,
                        input + row * params.input_stride + range.column_begin,
                        output + row * params.output_stride + range.column_begin,
                        range.column_end - range.column_begin, row, range.column_begin);
    }
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
