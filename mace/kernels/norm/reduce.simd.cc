// Reductions. A sum is made of partial sums of kFlush terms each, so that its error grows with the number of
// parts and not with the number of terms.
#include "mace/kernels/elementwise/row_tiles-inl.h"
#include "mace/kernels/norm/norm-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::ReduceOp;
using kernels::ReduceParams;

constexpr int64_t kFlush = 64;

constexpr bool IsSum(ReduceOp op) {
  return op == ReduceOp::kSum || op == ReduceOp::kMean || op == ReduceOp::kSumSquare || op == ReduceOp::kL2;
}

template <ReduceOp op>
constexpr float kIdentity = op == ReduceOp::kMax    ? -__builtin_inff()
                            : op == ReduceOp::kMin  ? __builtin_inff()
                            : op == ReduceOp::kProd ? 1.0f
                                                    : 0.0f;

// Takes an element into an accumulator.
template <ReduceOp op>
MACE_INLINE VecF32 Accumulate(VecF32 sum, VecF32 x) {
  if constexpr (op == ReduceOp::kMax) return MaxNaN(sum, x);
  if constexpr (op == ReduceOp::kMin) return MinNaN(sum, x);
  if constexpr (op == ReduceOp::kProd) return Mul(sum, x);
  if constexpr (op == ReduceOp::kSumSquare || op == ReduceOp::kL2) return MulAdd(x, x, sum);
  if constexpr (op == ReduceOp::kSum || op == ReduceOp::kMean) return Add(sum, x);
}

// Joins two accumulators.
template <ReduceOp op>
MACE_INLINE VecF32 Join(VecF32 a, VecF32 b) {
  if constexpr (IsSum(op)) {
    return Add(a, b);
  } else {
    return Accumulate<op>(a, b);
  }
}

template <ReduceOp op>
MACE_INLINE VecF32 Finish(VecF32 v, int64_t count) {
  if constexpr (op == ReduceOp::kMean) return Div(v, Set(kF32, static_cast<float>(count)));
  if constexpr (op == ReduceOp::kL2) return Sqrt(v);
  if constexpr (op != ReduceOp::kMean && op != ReduceOp::kL2) return v;
}

// Sums are the same function of a row for all its lanes; a product has no tree over lanes here and runs
// element by element.
template <ReduceOp op>
MACE_INLINE float ReduceRow(const float* in, int64_t count) {
  if constexpr (op == ReduceOp::kProd) {
    float product = 1.0f;
    for (int64_t i = 0; i < count; ++i) product *= in[i];
    return product;
  } else {
    const int64_t lanes = Lanes(kF32);
    const VecF32 identity = Set(kF32, kIdentity<op>);
    VecF32 total = identity;
    int64_t i = 0;
    while (i + 4 * lanes <= count) {
      const int64_t end = ScalarMin(i + 4 * kFlush * lanes, count);
      VecF32 a = identity;
      VecF32 b = identity;
      VecF32 c = identity;
      VecF32 d = identity;
      for (; i + 4 * lanes <= end; i += 4 * lanes) {
        a = Accumulate<op>(a, Load(kF32, in + i));
        b = Accumulate<op>(b, Load(kF32, in + i + lanes));
        c = Accumulate<op>(c, Load(kF32, in + i + 2 * lanes));
        d = Accumulate<op>(d, Load(kF32, in + i + 3 * lanes));
      }
      total = Join<op>(total, Join<op>(Join<op>(a, b), Join<op>(c, d)));
    }
    for (; i + lanes <= count; i += lanes) total = Accumulate<op>(total, Load(kF32, in + i));
    if (i < count) {
      const int64_t n = count - i;
      total = Accumulate<op>(total, KeepFirst(LoadPartial(kF32, in + i, n), n, kIdentity<op>));
    }
    if constexpr (IsSum(op)) return ReduceAdd(total);
    // ReduceMax and ReduceMin may lose a NaN.
    if (ReduceAdd(Select(IsNaN(total), Set(kI32, 1), Zero(kI32))) != 0) return __builtin_nanf("");
    return op == ReduceOp::kMax ? ReduceMax(total) : ReduceMin(total);
  }
}

// One vector of columns (n lanes of it), down `count` rows.
template <ReduceOp op, bool is_whole>
MACE_INLINE VecF32 ReduceColumn(const float* in, int64_t count, int64_t stride, int64_t n) {
  const VecF32 identity = Set(kF32, kIdentity<op>);
  VecF32 total = identity;
  for (int64_t begin = 0; begin < count; begin += kFlush) {
    const int64_t end = ScalarMin(begin + kFlush, count);
    VecF32 part = identity;
    for (int64_t i = begin; i < end; ++i) {
      const float* p = in + i * stride;
      part = Accumulate<op>(part, is_whole ? Load(kF32, p) : LoadPartial(kF32, p, n));
    }
    total = Join<op>(total, part);
  }
  return Finish<op>(total, count);
}

// Four vectors of columns at once: the same sums, with four chains of additions under way.
template <ReduceOp op>
MACE_INLINE void ReduceFourColumns(const float* in, float* out, int64_t count, int64_t stride) {
  const int64_t lanes = Lanes(kF32);
  const VecF32 identity = Set(kF32, kIdentity<op>);
  VecF32 total_a = identity, total_b = identity, total_c = identity, total_d = identity;
  for (int64_t begin = 0; begin < count; begin += kFlush) {
    const int64_t end = ScalarMin(begin + kFlush, count);
    VecF32 a = identity, b = identity, c = identity, d = identity;
    for (int64_t i = begin; i < end; ++i) {
      const float* p = in + i * stride;
      a = Accumulate<op>(a, Load(kF32, p));
      b = Accumulate<op>(b, Load(kF32, p + lanes));
      c = Accumulate<op>(c, Load(kF32, p + 2 * lanes));
      d = Accumulate<op>(d, Load(kF32, p + 3 * lanes));
    }
    total_a = Join<op>(total_a, a);
    total_b = Join<op>(total_b, b);
    total_c = Join<op>(total_c, c);
    total_d = Join<op>(total_d, d);
  }
  Store(out, Finish<op>(total_a, count));
  Store(out + lanes, Finish<op>(total_b, count));
  Store(out + 2 * lanes, Finish<op>(total_c, count));
  Store(out + 3 * lanes, Finish<op>(total_d, count));
}

template <ReduceOp op>
static void ReduceTiles(const ReduceParams& params, const float* input, float* output, int64_t tile_begin,
                        int64_t tile_end) {
  const int64_t lanes = Lanes(kF32);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      const float* in = input + row * params.reduced * params.input_stride;
      float* out = output + row * params.inner;
      if (params.inner == 1) {
        float value = ReduceRow<op>(in, params.reduced);
        if (op == ReduceOp::kMean) value /= static_cast<float>(params.reduced);
        if (op == ReduceOp::kL2) value = __builtin_sqrtf(value);
        *out = value;
        continue;
      }
      int64_t c = range.column_begin;
      for (; c + 4 * lanes <= range.column_end; c += 4 * lanes) {
        ReduceFourColumns<op>(in + c, out + c, params.reduced, params.input_stride);
      }
      for (; c + lanes <= range.column_end; c += lanes) {
        Store(out + c, ReduceColumn<op, true>(in + c, params.reduced, params.input_stride, lanes));
      }
      if (c < range.column_end) {
        const int64_t n = range.column_end - c;
        StorePartial(out + c, ReduceColumn<op, false>(in + c, params.reduced, params.input_stride, n), n);
      }
    }
  }
}

void ReduceF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const ReduceParams& params = *static_cast<const ReduceParams*>(arguments.params);
  const float* input = static_cast<const float*>(arguments.operands[0]);
  float* output = static_cast<float*>(arguments.operands[1]);
  switch (params.op) {
    case ReduceOp::kSum:
      return ReduceTiles<ReduceOp::kSum>(params, input, output, tile_begin, tile_end);
    case ReduceOp::kMean:
      return ReduceTiles<ReduceOp::kMean>(params, input, output, tile_begin, tile_end);
    case ReduceOp::kMax:
      return ReduceTiles<ReduceOp::kMax>(params, input, output, tile_begin, tile_end);
    case ReduceOp::kMin:
      return ReduceTiles<ReduceOp::kMin>(params, input, output, tile_begin, tile_end);
    case ReduceOp::kProd:
      return ReduceTiles<ReduceOp::kProd>(params, input, output, tile_begin, tile_end);
    case ReduceOp::kSumSquare:
      return ReduceTiles<ReduceOp::kSumSquare>(params, input, output, tile_begin, tile_end);
    case ReduceOp::kL2:
      break;
  }
  return ReduceTiles<ReduceOp::kL2>(params, input, output, tile_begin, tile_end);
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
