#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/resize/resize.h"
#include "mace/kernels/sizes.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::KernelArguments;
using kernels::ResizeParams;
using kernels::ResizeTap;

void CopyPixel(const float* from, int64_t channels, float* to) {
  int64_t c = 0;
  for (; c + Lanes(kF32) <= channels; c += Lanes(kF32)) Store(to + c, Load(kF32, from + c));
  for (; c < channels; ++c) to[c] = from[c];
}

struct Corners {
  const float *top_left, *top_right, *bottom_left, *bottom_right;
};

// (1 - w) * a + w * b rather than a + w * (b - a): an infinite neighbour must not make NaN of both; and a
// pixel whose weight is 0 is not read at all, as infinity times 0 is NaN too.
template <bool kAcross, bool kDown, bool kPartial>
MACE_INLINE void Interpolate(const Corners& in, int64_t c, int64_t n, float weight_x, float weight_y,
                             float* out) {
  const auto load = [&](const float* p) __attribute__((always_inline)) {
    return kPartial ? LoadPartial(kF32, p + c, n) : Load(kF32, p + c);
  };
  const auto mix = [](VecF32 a, VecF32 b, float weight) __attribute__((always_inline)) {
    return MulAdd(Set(kF32, weight), b, Mul(Set(kF32, 1.0f - weight), a));
  };
  VecF32 v = load(in.top_left);
  if constexpr (kAcross) v = mix(v, load(in.top_right), weight_x);
  if constexpr (kDown) {
    VecF32 bottom = load(in.bottom_left);
    if constexpr (kAcross) bottom = mix(bottom, load(in.bottom_right), weight_x);
    v = mix(v, bottom, weight_y);
  }
  if (kPartial) {
    StorePartial(out + c, v, n);
  } else {
    Store(out + c, v);
  }
}

template <bool kAcross, bool kDown>
void LinearPixel(const Corners& in, float weight_x, float weight_y, int64_t channels, float* out) {
  const int64_t lanes = Lanes(kF32);
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    Interpolate<kAcross, kDown, false>(in, c, lanes, weight_x, weight_y, out);
  }
  if (c < channels) Interpolate<kAcross, kDown, true>(in, c, channels - c, weight_x, weight_y, out);
}

void LinearPixel(const Corners& in, float weight_x, float weight_y, int64_t channels, float* out) {
  const bool across = weight_x != 0.0f, down = weight_y != 0.0f;
  if (across && down) {
    LinearPixel<true, true>(in, weight_x, weight_y, channels, out);
  } else if (across) {
    LinearPixel<true, false>(in, weight_x, weight_y, channels, out);
  } else if (down) {
    LinearPixel<false, true>(in, weight_x, weight_y, channels, out);
  } else {
    CopyPixel(in.top_left, channels, out);
  }
}

template <bool kLinear>
void ResizeF32(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const ResizeParams*>(arguments.params);
  const ResizeTap* rows = static_cast<const ResizeTap*>(arguments.operands[1]);
  const ResizeTap* columns = rows + p.output_height;
  const int64_t image_tiles = kernels::DivideRoundUp(p.output_height, p.tile_output_rows);
  const int64_t row_floats = p.input_width * p.input_pixel_stride;
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / image_tiles;
    const int64_t begin = t % image_tiles * p.tile_output_rows;
    const int64_t end = ScalarMin(begin + p.tile_output_rows, p.output_height);
    const float* input =
        static_cast<const float*>(arguments.operands[0]) + image * p.input_height * row_floats;
    float* out = static_cast<float*>(arguments.operands[2]) +
                 (image * p.output_height + begin) * p.output_width * p.output_pixel_stride;
    for (int64_t y = begin; y < end; ++y) {
      const float* top = input + rows[y].low * row_floats;
      const float* bottom = input + rows[y].high * row_floats;
      for (int64_t x = 0; x < p.output_width; ++x, out += p.output_pixel_stride) {
        const int64_t low = columns[x].low * p.input_pixel_stride,
                      high = columns[x].high * p.input_pixel_stride;
        if constexpr (kLinear) {
          LinearPixel({top + low, top + high, bottom + low, bottom + high}, columns[x].weight, rows[y].weight,
                      p.channels, out);
        } else {
          CopyPixel(top + low, p.channels, out);
        }
      }
    }
  }
}

}  // namespace

extern const kernels::ResizeKernels kResizeKernels;
const kernels::ResizeKernels kResizeKernels = {ResizeF32<false>, ResizeF32<true>};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
