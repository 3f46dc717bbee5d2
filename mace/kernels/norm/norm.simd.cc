// Softmax and layer normalization.
#include "mace/kernels/elementwise/row_tiles-inl.h"
#include "mace/kernels/norm/norm-inl.h"
#include "mace/simd/math.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::LayerNormParams;
using kernels::SoftmaxParams;

static void SoftmaxRow(const float* in, float* out, int64_t count) {
  const int64_t lanes = Lanes(kF32);
  const int64_t whole = count / lanes * lanes;
  const int64_t rest = count - whole;
  const float infinity = __builtin_inff();
  VecF32 most = Set(kF32, -infinity);
  for (int64_t i = 0; i < whole; i += lanes) most = Max(most, Load(kF32, in + i));
  if (rest > 0) most = Max(most, KeepFirst(LoadPartial(kF32, in + whole, rest), rest, -infinity));
  // A NaN may get lost here; it comes back from its own exponential and spreads by the sum.
  const VecF32 shift = Set(kF32, ReduceMax(most));
  VecF32 sum = Zero(kF32);
  for (int64_t i = 0; i < whole; i += lanes) {
    const VecF32 e = Exp(Sub(Load(kF32, in + i), shift));
    Store(out + i, e);
    sum = Add(sum, e);
  }
  if (rest > 0) {
    const VecF32 e = Exp(Sub(LoadPartial(kF32, in + whole, rest), shift));
    StorePartial(out + whole, e, rest);
    sum = Add(sum, KeepFirst(e, rest, 0.0f));
  }
  const VecF32 scale = Set(kF32, 1.0f / ReduceAdd(sum));
  for (int64_t i = 0; i < whole; i += lanes) Store(out + i, Mul(Load(kF32, out + i), scale));
  if (rest > 0) StorePartial(out + whole, Mul(LoadPartial(kF32, out + whole, rest), scale), rest);
}

// n lanes of columns, down an axis of `count` elements that lie `stride` apart.
template <bool is_whole>
MACE_INLINE void SoftmaxColumns(const float* in, float* out, int64_t count, int64_t stride, int64_t n) {
  const auto load = [n](const float* p) __attribute__((always_inline)) {
    return is_whole ? Load(kF32, p) : LoadPartial(kF32, p, n);
  };
  VecF32 most = load(in);
  for (int64_t i = 1; i < count; ++i) most = Max(most, load(in + i * stride));
  VecF32 sum = Zero(kF32);
  for (int64_t i = 0; i < count; ++i) {
    const VecF32 e = Exp(Sub(load(in + i * stride), most));
    sum = Add(sum, e);
    if constexpr (is_whole) {
      Store(out + i * stride, e);
    } else {
      StorePartial(out + i * stride, e, n);
    }
  }
  const VecF32 scale = Div(Set(kF32, 1.0f), sum);
  for (int64_t i = 0; i < count; ++i) {
    const VecF32 e = Mul(load(out + i * stride), scale);
    if constexpr (is_whole) {
      Store(out + i * stride, e);
    } else {
      StorePartial(out + i * stride, e, n);
    }
  }
}

static void SoftmaxF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const SoftmaxParams& params = *static_cast<const SoftmaxParams*>(arguments.params);
  const float* input = static_cast<const float*>(arguments.operands[0]);
  float* output = static_cast<float*>(arguments.operands[1]);
  const int64_t lanes = Lanes(kF32);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      const int64_t offset = row * params.axis * params.inner;
      if (params.inner == 1) {
        SoftmaxRow(input + offset, output + offset, params.axis);
        continue;
      }
      int64_t c = range.column_begin;
      for (; c + lanes <= range.column_end; c += lanes) {
        SoftmaxColumns<true>(input + offset + c, output + offset + c, params.axis, params.inner, lanes);
      }
      if (c < range.column_end) {
        SoftmaxColumns<false>(input + offset + c, output + offset + c, params.axis, params.inner,
                              range.column_end - c);
      }
    }
  }
}

// The sum over a row of x - center, or of its square; partial sums of kFlush vectors keep the error small.
template <bool is_squared>
MACE_INLINE float SumOfDeviations(const float* in, int64_t count, float center) {
  constexpr int64_t kFlush = 32;
  const int64_t lanes = Lanes(kF32);
  const VecF32 shift = Set(kF32, center);
  VecF32 total = Zero(kF32);
  int64_t i = 0;
  while (i + lanes <= count) {
    const int64_t end = ScalarMin(i + kFlush * lanes, count);
    VecF32 sum = Zero(kF32);
    for (; i + lanes <= end; i += lanes) {
      const VecF32 d = Sub(Load(kF32, in + i), shift);
      sum = is_squared ? MulAdd(d, d, sum) : Add(sum, d);
    }
    total = Add(total, sum);
  }
  if (i < count) {
    const VecF32 d = KeepFirst(Sub(LoadPartial(kF32, in + i, count - i), shift), count - i, 0.0f);
    total = is_squared ? MulAdd(d, d, total) : Add(total, d);
  }
  return ReduceAdd(total);
}

template <bool has_scale, bool has_bias>
static void NormalizeRow(const float* in, const float* scale, const float* bias, float* out, int64_t count,
                         float mean, float inverse_deviation) {
  const int64_t lanes = Lanes(kF32);
  const VecF32 center = Set(kF32, mean);
  const VecF32 inverse = Set(kF32, inverse_deviation);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    VecF32 v = Mul(Sub(Load(kF32, in + i), center), inverse);
    if constexpr (has_scale) v = Mul(v, Load(kF32, scale + i));
    if constexpr (has_bias) v = Add(v, Load(kF32, bias + i));
    Store(out + i, v);
  }
  if (i < count) {
    const int64_t n = count - i;
    VecF32 v = Mul(Sub(LoadPartial(kF32, in + i, n), center), inverse);
    if constexpr (has_scale) v = Mul(v, LoadPartial(kF32, scale + i, n));
    if constexpr (has_bias) v = Add(v, LoadPartial(kF32, bias + i, n));
    StorePartial(out + i, v, n);
  }
}

static void LayerNormF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const LayerNormParams& params = *static_cast<const LayerNormParams*>(arguments.params);
  const float* input = static_cast<const float*>(arguments.operands[0]);
  const float* scale = static_cast<const float*>(arguments.operands[1]);
  const float* bias = static_cast<const float*>(arguments.operands[2]);
  float* output = static_cast<float*>(arguments.operands[3]);
  const auto normalize = scale != nullptr
                             ? (bias != nullptr ? NormalizeRow<true, true> : NormalizeRow<true, false>)
                             : (bias != nullptr ? NormalizeRow<false, true> : NormalizeRow<false, false>);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const TileRange range = RangeOfTile(params.tiles, tile);
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      const float* in = input + row * params.input_stride;
      const float count = static_cast<float>(params.columns);
      const float mean =
          params.root_mean_square ? 0.0f : SumOfDeviations<false>(in, params.columns, 0.0f) / count;
      const float variance = SumOfDeviations<true>(in, params.columns, mean) / count;
      normalize(in, scale, bias, output + row * params.output_stride, params.columns, mean,
                1.0f / __builtin_sqrtf(variance + params.epsilon));
    }
  }
}

extern const kernels::NormKernels kNormKernels;
const kernels::NormKernels kNormKernels = {
    .softmax_f32 = SoftmaxF32,
    .layer_norm_f32 = LayerNormF32,
    .group_norm_f32 = GroupNormF32,
    .reduce_f32 = ReduceF32,
    .arg_reduce = ArgReduce,
};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
