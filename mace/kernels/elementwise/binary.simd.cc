#include <math.h>

#include "mace/kernels/elementwise/broadcast-inl.h"
#include "mace/kernels/elementwise/elementwise-inl.h"
#include "mace/kernels/elementwise/post_ops-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::BinaryOp;
using kernels::BinaryParams;
using kernels::WhereParams;

template <BinaryOp op>
MACE_INLINE VecF32 ComputeBinary(VecF32 a, VecF32 b) {
  if constexpr (op == BinaryOp::kAdd) return Add(a, b);
  if constexpr (op == BinaryOp::kSub) return Sub(a, b);
  if constexpr (op == BinaryOp::kMul) return Mul(a, b);
  if constexpr (op == BinaryOp::kDiv) return Div(a, b);
  if constexpr (op == BinaryOp::kMax) return MaxNaN(a, b);
  if constexpr (op == BinaryOp::kMin) return MinNaN(a, b);
  if constexpr (op == BinaryOp::kPRelu) return LeakyRelu(a, b);
  if constexpr (op == BinaryOp::kSquaredDifference) {
    const VecF32 difference = Sub(a, b);
    return Mul(difference, difference);
  }
}

// A step of 0 is an operand that stands: one element for the whole row.
template <BinaryOp op, int a_step, int b_step>
MACE_INLINE void VectorRow(const float* a, const float* b, float* out, int64_t count) {
  const int64_t lanes = Lanes(kF32);
  int64_t i = 0;
  const VecF32 first_a = mace::MACE_ISA_NAMESPACE::Broadcast(kF32, a);
  const VecF32 first_b = mace::MACE_ISA_NAMESPACE::Broadcast(kF32, b);
  for (; i + lanes <= count; i += lanes) {
    const VecF32 va = a_step ? Load(kF32, a + i) : first_a;
    const VecF32 vb = b_step ? Load(kF32, b + i) : first_b;
    Store(out + i, ComputeBinary<op>(va, vb));
  }
  if (i < count) {
    const int64_t n = count - i;
    const VecF32 va = a_step ? LoadPartial(kF32, a + i, n) : first_a;
    const VecF32 vb = b_step ? LoadPartial(kF32, b + i, n) : first_b;
    StorePartial(out + i, ComputeBinary<op>(va, vb), n);
  }
}

template <BinaryOp op>
static void VectorTiles(const BinaryParams& params, void* const* operands, int64_t tile_begin,
                        int64_t tile_end) {
  const float* a = static_cast<const float*>(operands[0]);
  const float* b = static_cast<const float*>(operands[1]);
  float* out = static_cast<float*>(operands[2]);
  const bool a_runs = params.broadcast.row_steps[0] != 0;
  const bool b_runs = params.broadcast.row_steps[1] != 0;
  ForEachRow<2>(params.broadcast, tile_begin, tile_end,
                [=](int64_t out_offset, const int64_t* offsets, int64_t count)
                    __attribute__((always_inline)) {
                      const float* row_a = a + offsets[0];
                      const float* row_b = b + offsets[1];
                      if (a_runs && b_runs) {
                        VectorRow<op, 1, 1>(row_a, row_b, out + out_offset, count);
                      } else if (a_runs) {
                        VectorRow<op, 1, 0>(row_a, row_b, out + out_offset, count);
                      } else {
                        VectorRow<op, 0, 1>(row_a, row_b, out + out_offset, count);
                      }
                    });
}

// Plain loops: T to R by a function of two elements.
template <typename T, typename R, typename Function>
MACE_INLINE void ScalarTiles(const BinaryParams& params, void* const* operands, int64_t tile_begin,
                             int64_t tile_end, Function function) {
  const T* a = static_cast<const T*>(operands[0]);
  const T* b = static_cast<const T*>(operands[1]);
  R* out = static_cast<R*>(operands[2]);
  const int64_t a_step = params.broadcast.row_steps[0];
  const int64_t b_step = params.broadcast.row_steps[1];
  ForEachRow<2>(params.broadcast, tile_begin, tile_end,
                [=](int64_t out_offset, const int64_t* offsets, int64_t count)
                    __attribute__((always_inline)) {
                      const T* row_a = a + offsets[0];
                      const T* row_b = b + offsets[1];
                      R* row_out = out + out_offset;
                      if (a_step == 1 && b_step == 1) {
                        for (int64_t i = 0; i < count; ++i) row_out[i] = function(row_a[i], row_b[i]);
                      } else if (a_step == 1) {
                        const T value = *row_b;
                        for (int64_t i = 0; i < count; ++i) row_out[i] = function(row_a[i], value);
                      } else {
                        const T value = *row_a;
                        for (int64_t i = 0; i < count; ++i) row_out[i] = function(value, row_b[i * b_step]);
                      }
                    });
}

template <typename T>
static void CompareTiles(const BinaryParams& params, void* const* operands, int64_t tile_begin,
                         int64_t tile_end) {
  switch (params.op) {
    case BinaryOp::kLess:
      return ScalarTiles<T, bool>(params, operands, tile_begin, tile_end, [](T a, T b) { return a < b; });
    case BinaryOp::kGreater:
      return ScalarTiles<T, bool>(params, operands, tile_begin, tile_end, [](T a, T b) { return a > b; });
    case BinaryOp::kLessOrEqual:
      return ScalarTiles<T, bool>(params, operands, tile_begin, tile_end, [](T a, T b) { return a <= b; });
    case BinaryOp::kGreaterOrEqual:
      return ScalarTiles<T, bool>(params, operands, tile_begin, tile_end, [](T a, T b) { return a >= b; });
    default:
      return ScalarTiles<T, bool>(params, operands, tile_begin, tile_end, [](T a, T b) { return a == b; });
  }
}

void BinaryF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const BinaryParams& params = *static_cast<const BinaryParams*>(arguments.params);
  void* const* operands = arguments.operands;
  switch (params.op) {
    case BinaryOp::kAdd:
      return VectorTiles<BinaryOp::kAdd>(params, operands, tile_begin, tile_end);
    case BinaryOp::kSub:
      return VectorTiles<BinaryOp::kSub>(params, operands, tile_begin, tile_end);
    case BinaryOp::kMul:
      return VectorTiles<BinaryOp::kMul>(params, operands, tile_begin, tile_end);
    case BinaryOp::kDiv:
      return VectorTiles<BinaryOp::kDiv>(params, operands, tile_begin, tile_end);
    case BinaryOp::kMax:
      return VectorTiles<BinaryOp::kMax>(params, operands, tile_begin, tile_end);
    case BinaryOp::kMin:
      return VectorTiles<BinaryOp::kMin>(params, operands, tile_begin, tile_end);
    case BinaryOp::kPRelu:
      return VectorTiles<BinaryOp::kPRelu>(params, operands, tile_begin, tile_end);
    case BinaryOp::kSquaredDifference:
      return VectorTiles<BinaryOp::kSquaredDifference>(params, operands, tile_begin, tile_end);
    case BinaryOp::kPow:
      // The square is what networks use most (layer normalization in parts); x * x is also exactly what powf
      // gives.
      return ScalarTiles<float, float>(params, operands, tile_begin, tile_end,
                                       [](float a, float b) { return b == 2.0f ? a * a : powf(a, b); });
    default:
      return CompareTiles<float>(params, operands, tile_begin, tile_end);
  }
}

// Two's complement wraps around, without undefined behaviour.
template <typename T>
MACE_INLINE T WrapMul(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

template <typename T>
MACE_INLINE T IntegerPower(T base, T exponent) {
  if (exponent < 0) {
    // 1 / base^n rounded towards zero.
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  T result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) result = WrapMul(result, base);
    base = WrapMul(base, base);
  }
  return result;
}

template <typename T>
MACE_INLINE T IntegerQuotient(T a, T b) {
  if (b == 0) return 0;
  if (b == -1)
    return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(a));  // the least integer has no opposite
  return a / b;
}

template <typename T>
static void IntegerTiles(const BinaryParams& params, void* const* operands, int64_t tile_begin,
                         int64_t tile_end) {
  switch (params.op) {
    case BinaryOp::kAdd:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end, [](T a, T b) {
        return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
      });
    case BinaryOp::kSub:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end, [](T a, T b) {
        return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
      });
    case BinaryOp::kMul:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end,
                               [](T a, T b) { return WrapMul(a, b); });
    case BinaryOp::kDiv:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end,
                               [](T a, T b) { return IntegerQuotient(a, b); });
    case BinaryOp::kMax:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end,
                               [](T a, T b) { return ScalarMax(a, b); });
    case BinaryOp::kMin:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end,
                               [](T a, T b) { return ScalarMin(a, b); });
    case BinaryOp::kPow:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end,
                               [](T a, T b) { return IntegerPower(a, b); });
    case BinaryOp::kPRelu:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end,
                               [](T a, T b) { return a < 0 ? WrapMul(a, b) : a; });
    case BinaryOp::kSquaredDifference:
      return ScalarTiles<T, T>(params, operands, tile_begin, tile_end, [](T a, T b) {
        const T difference = static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
        return WrapMul(difference, difference);
      });
    default:
      return CompareTiles<T>(params, operands, tile_begin, tile_end);
  }
}

void BinaryI32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const BinaryParams& params = *static_cast<const BinaryParams*>(arguments.params);
  IntegerTiles<int32_t>(params, arguments.operands, tile_begin, tile_end);
}

void BinaryI64(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const BinaryParams& params = *static_cast<const BinaryParams*>(arguments.params);
  IntegerTiles<int64_t>(params, arguments.operands, tile_begin, tile_end);
}

// Elements are moved as integers of their size: a NaN keeps its bits.
template <typename T>
static void WhereTiles(const WhereParams& params, void* const* operands, int64_t tile_begin,
                       int64_t tile_end) {
  const uint8_t* condition = static_cast<const uint8_t*>(operands[0]);
  const T* if_true = static_cast<const T*>(operands[1]);
  const T* if_false = static_cast<const T*>(operands[2]);
  T* out = static_cast<T*>(operands[3]);
  const int64_t* steps = params.broadcast.row_steps;
  ForEachRow<3>(params.broadcast, tile_begin, tile_end,
                [=](int64_t out_offset, const int64_t* offsets, int64_t count)
                    __attribute__((always_inline)) {
                      for (int64_t i = 0; i < count; ++i) {
                        // Both are read: a branch would be mispredicted.
                        const T yes = if_true[offsets[1] + i * steps[1]];
                        const T no = if_false[offsets[2] + i * steps[2]];
                        out[out_offset + i] = condition[offsets[0] + i * steps[0]] != 0 ? yes : no;
                      }
                    });
}

void Where(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const WhereParams& params = *static_cast<const WhereParams*>(arguments.params);
  switch (params.element_bytes) {
    case 1:
      return WhereTiles<uint8_t>(params, arguments.operands, tile_begin, tile_end);
    case 2:
      return WhereTiles<uint16_t>(params, arguments.operands, tile_begin, tile_end);
    case 4:
      return WhereTiles<uint32_t>(params, arguments.operands, tile_begin, tile_end);
    default:
      return WhereTiles<uint64_t>(params, arguments.operands, tile_begin, tile_end);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
