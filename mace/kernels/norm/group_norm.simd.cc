// Group normalization of tensors whose channels come last. A tile is whole groups, so that each is summed by
// one worker: down the rows, a vector of channels at a time, then over the channels of each group.
#include "mace/kernels/norm/norm-inl.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::GroupNormParams;
using kernels::kMostGroupsPerTile;

constexpr int64_t kMostChannels = 64;  // of one vector, whatever its length

// The groups of a tile: their channels, and what is known of each.
struct GroupBlock {
  int64_t channel_begin, channel_end;
  float mean[kMostGroupsPerTile];
  float inverse_deviation[kMostGroupsPerTile];
};

// What belongs to a channel's group, for n channels from `channel` on.
MACE_INLINE VecF32 OfChannels(const GroupNormParams& params, const GroupBlock& block, const float* of_group,
                              int64_t channel, int64_t n) {
  float values[kMostChannels];
  for (int64_t i = 0; i < n; ++i) {
    values[i] = of_group[(channel + i - block.channel_begin) / params.group_channels];
  }
  return LoadPartial(kF32, values, n);
}

// Down the rows, for n channels: the sum of x - center, or of its square.
template <bool is_squared>
MACE_INLINE VecF32 SumOfColumns(const float* in, int64_t rows, int64_t stride, VecF32 center, int64_t n) {
  constexpr int64_t kFlush = 64;
  const auto term = [&](VecF32 sum, const float* p) __attribute__((always_inline)) {
    const VecF32 d = Sub(LoadPartial(kF32, p, n), center);
    return is_squared ? MulAdd(d, d, sum) : Add(sum, d);
  };
  VecF32 total = Zero(kF32);
  for (int64_t begin = 0; begin < rows; begin += kFlush) {
    const int64_t end = ScalarMin(begin + kFlush, rows);
    VecF32 even = Zero(kF32), odd = Zero(kF32);
    int64_t i = begin;
    for (; i + 2 <= end; i += 2) {
      even = term(even, in + i * stride);
      odd = term(odd, in + (i + 1) * stride);
    }
    if (i < end) even = term(even, in + i * stride);
    total = Add(total, Add(even, odd));
  }
  return total;
}

// Sums over each group of the block: what the mean is of, and the variance.
template <bool is_squared>
static void SumGroups(const GroupNormParams& params, const float* in, const GroupBlock& block, float* sums) {
  const int64_t step = ScalarMin(static_cast<int64_t>(Lanes(kF32)), kMostChannels);
  for (int64_t g = 0; g < kMostGroupsPerTile; ++g) sums[g] = 0.0f;
  for (int64_t c = block.channel_begin; c < block.channel_end; c += step) {
    const int64_t n = ScalarMin(step, block.channel_end - c);
    const VecF32 center = is_squared ? OfChannels(params, block, block.mean, c, n) : Zero(kF32);
    float columns[kMostChannels];
    StorePartial(columns, SumOfColumns<is_squared>(in + c, params.rows, params.input_stride, center, n), n);
    for (int64_t i = 0; i < n; ++i) {
      sums[(c + i - block.channel_begin) / params.group_channels] += columns[i];
    }
  }
}

static void NormalizeColumns(const GroupNormParams& params, const float* in, const GroupBlock& block,
                             const float* scale, const float* bias, float* out) {
  const int64_t step = ScalarMin(static_cast<int64_t>(Lanes(kF32)), kMostChannels);
  for (int64_t c = block.channel_begin; c < block.channel_end; c += step) {
    const int64_t n = ScalarMin(step, block.channel_end - c);
    const VecF32 center = OfChannels(params, block, block.mean, c, n);
    VecF32 factor = OfChannels(params, block, block.inverse_deviation, c, n);
    if (scale != nullptr) factor = Mul(factor, LoadPartial(kF32, scale + c, n));
    const VecF32 shift = bias != nullptr ? LoadPartial(kF32, bias + c, n) : Zero(kF32);
    for (int64_t row = 0; row < params.rows; ++row) {
      const VecF32 v = LoadPartial(kF32, in + row * params.input_stride + c, n);
      StorePartial(out + row * params.output_stride + c, MulAdd(Sub(v, center), factor, shift), n);
    }
  }
}

void GroupNormF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const GroupNormParams& params = *static_cast<const GroupNormParams*>(arguments.params);
  const float* input = static_cast<const float*>(arguments.operands[0]);
  const float* scale = static_cast<const float*>(arguments.operands[1]);
  const float* bias = static_cast<const float*>(arguments.operands[2]);
  float* output = static_cast<float*>(arguments.operands[3]);
  const float count = static_cast<float>(params.rows * params.group_channels);
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const int64_t sample = tile / params.tiles_per_sample;
    const int64_t first = tile % params.tiles_per_sample * params.groups_per_tile;
    const int64_t last = ScalarMin(first + params.groups_per_tile, params.groups);
    const float* in = input + sample * params.rows * params.input_stride;
    GroupBlock block;
    block.channel_begin = first * params.group_channels;
    block.channel_end = last * params.group_channels;
    SumGroups<false>(params, in, block, block.mean);
    for (int64_t g = 0; g < last - first; ++g) block.mean[g] /= count;
    SumGroups<true>(params, in, block, block.inverse_deviation);
    for (int64_t g = 0; g < last - first; ++g) {
      block.inverse_deviation[g] =
          1.0f / __builtin_sqrtf(block.inverse_deviation[g] / count + params.epsilon);
    }
    NormalizeColumns(params, in, block, scale, bias, output + sample * params.rows * params.output_stride);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
