#include "mace/kernels/recurrent/svdf.h"

#include "mace/kernels/recurrent/recurrent-inl.h"
#include "mace/simd/dot.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::KernelArguments;
using kernels::SvdfParams;

// ---- the products of the two kinds of arithmetic

MACE_INLINE float Dot(const float* a, const float* b, int64_t count) {
  VecF32 sum = Zero(kF32);
  ForEachVector(count, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    sum = MulAdd(LoadPartial(kF32, a + i, n), LoadPartial(kF32, b + i, n), sum);
  });
  return ReduceAdd(sum);
}

// Of bytes less a zero point of the second ones: differences fit into the lower half of 32 bits, so that
// DotWords multiplies what the masked upper half leaves.
MACE_INLINE int32_t Dot(const int8_t* weights, const int8_t* x, int32_t zero_point, int64_t count) {
  VecI32 sum = Zero(kI32);
  const VecI32 zero = Set(kI32, zero_point), lower = Set(kI32, 0xffff);
  ForEachVector(count, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    const VecI32 difference = And(Sub(LoadI8Partial(kI32, x + i, n), zero), lower);
    sum = DotWords(sum, LoadI8Partial(kI32, weights + i, n), difference);
  });
  return ReduceAdd(sum);
}

MACE_INLINE int32_t Dot(const int16_t* a, const int16_t* b, int64_t count) {
  VecI32 sum = Zero(kI32);
  const VecI32 lower = Set(kI32, 0xffff);
  ForEachVector(count, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
    sum = DotWords(sum, LoadI16Partial(kI32, a + i, n), And(LoadI16Partial(kI32, b + i, n), lower));
  });
  return ReduceAdd(sum);
}

MACE_INLINE int32_t WrappingAdd(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

// x * multiplier * 2^(exponent - 31): ops::MultiplyWithTwoRoundings, bit for bit.
MACE_INLINE int32_t Scale(int32_t x, int32_t multiplier, int32_t exponent) {
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << ScalarMax(exponent, 0));
  const auto high = static_cast<int32_t>((int64_t{shifted} * multiplier + (int64_t{1} << 30)) >> 31);
  const int right = ScalarMax(-exponent, 0);
  const auto mask = static_cast<int32_t>((int64_t{1} << right) - 1);
  const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (high >> right) + ((high & mask) > threshold ? 1 : 0);
}

struct Floats {
  using Input = float;
  using State = float;
  using Bias = float;

  __attribute__((always_inline)) static float Newest(const SvdfParams& p, const float* feature,
                                                     const float* x) {
    return Dot(feature, x, p.inputs);
  }
  __attribute__((always_inline)) static float Add(float a, float b) { return a + b; }
  __attribute__((always_inline)) static float Output(const SvdfParams& p, float sum) {
    return p.relu && sum < 0 ? 0 : sum;
  }
};

struct Integers {
  using Input = int8_t;
  using State = int16_t;
  using Bias = int32_t;

  __attribute__((always_inline)) static int16_t Newest(const SvdfParams& p, const int8_t* feature,
                                                       const int8_t* x) {
    const int32_t scaled =
        Scale(Dot(feature, x, p.input_zero_point, p.inputs), p.state_multiplier, p.state_exponent);
    return static_cast<int16_t>(ScalarClamp(scaled, -32768, 32767));
  }
  __attribute__((always_inline)) static int32_t Add(int32_t a, int32_t b) { return WrappingAdd(a, b); }
  __attribute__((always_inline)) static int8_t Output(const SvdfParams& p, int32_t sum) {
    const int64_t scaled = Scale(sum, p.output_multiplier, p.output_exponent);
    return static_cast<int8_t>(ScalarClamp<int64_t>(scaled + p.output_zero_point, -128, 127));
  }
};

template <typename Arithmetic>
void Svdf(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  using Input = typename Arithmetic::Input;
  using State = typename Arithmetic::State;
  using Bias = typename Arithmetic::Bias;
  const auto& p = *static_cast<const SvdfParams*>(arguments.params);
  const auto* feature = static_cast<const Input*>(arguments.operands[1]);
  const auto* time = static_cast<const State*>(arguments.operands[2]);
  const auto* bias = static_cast<const Bias*>(arguments.operands[3]);
  const int64_t filters = p.units * p.rank;
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
    const int64_t b = tile / p.row_tiles;
    const int64_t unit_begin = tile % p.row_tiles * p.tile_units;
    const int64_t unit_end = ScalarMin(unit_begin + p.tile_units, p.units);
    const auto* x = static_cast<const Input*>(arguments.operands[0]) + b * p.inputs;
    auto* y = static_cast<Input*>(arguments.operands[5]) + b * p.units;
    for (int64_t u = unit_begin; u < unit_end; ++u) {
      Bias sum = bias != nullptr ? bias[u] : 0;
      for (int64_t f = u * p.rank; f < (u + 1) * p.rank; ++f) {
        const int64_t first = (b * filters + f) * p.memory;
        const auto* old_state = static_cast<const State*>(arguments.operands[4]) + first;
        auto* state = static_cast<State*>(arguments.operands[6]) + first;
        __builtin_memmove(state, old_state + 1, static_cast<size_t>(p.memory - 1) * sizeof(State));
        state[p.memory - 1] = Arithmetic::Newest(p, feature + f * p.inputs, x);
        sum = Arithmetic::Add(sum, Dot(state, time + f * p.memory, p.memory));
      }
      y[u] = Arithmetic::Output(p, sum);
    }
  }
}

}  // namespace

void SvdfF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  Svdf<Floats>(arguments, tile_begin, tile_end);
}
void SvdfI8(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  Svdf<Integers>(arguments, tile_begin, tile_end);
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
