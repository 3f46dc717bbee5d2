#include "mace/kernels/quantize/quantize-inl.h"
#include "mace/kernels/sizes.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {

using kernels::QuantizedResizeParams;
using kernels::ResizeArithmetic;
using kernels::ResizeTap;

template <typename T>
struct ResizeCorners {
  const T *top_left, *top_right, *bottom_left, *bottom_right;
};

// The products of weights down and across, as each arithmetic makes them.
struct FixedWeights {
  int32_t top_left, top_right, bottom_left, bottom_right;
};
MACE_INLINE FixedWeights FixedWeightsOf(float down, float across) {
  constexpr int32_t kOne = 1 << 10;
  const auto below = static_cast<int32_t>(down), behind = static_cast<int32_t>(across);
  return {(kOne - below) * (kOne - behind), (kOne - below) * behind, below * (kOne - behind), below * behind};
}

// Sums of bytes have 27 bits.
MACE_INLINE void ResizePixelFixed(const QuantizedResizeParams& p, const ResizeCorners<int8_t>& in, float down,
                                  float across, int8_t* out) {
  const FixedWeights w = FixedWeightsOf(down, across);
  const VecI32 shift = Set(kI32, 20);
  ForEachVector(p.shape.channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
    const VecI32 top = Add(Mul(LoadSome(in.top_left + i, n), Set(kI32, w.top_left)),
                           Mul(LoadSome(in.top_right + i, n), Set(kI32, w.top_right)));
    const VecI32 bottom = Add(Mul(LoadSome(in.bottom_left + i, n), Set(kI32, w.bottom_left)),
                              Mul(LoadSome(in.bottom_right + i, n), Set(kI32, w.bottom_right)));
    StoreSome(out + i, RoundingShiftRight(Add(top, bottom), shift), n);
  });
}
// Sums of words have 35.
MACE_INLINE void ResizePixelFixed(const QuantizedResizeParams& p, const ResizeCorners<int16_t>& in,
                                  float down, float across, int16_t* out) {
  const FixedWeights w = FixedWeightsOf(down, across);
  for (int64_t i = 0; i < p.shape.channels; ++i) {
    const int64_t sum = int64_t{in.top_left[i]} * w.top_left + int64_t{in.top_right[i]} * w.top_right +
                        int64_t{in.bottom_left[i]} * w.bottom_left +
                        int64_t{in.bottom_right[i]} * w.bottom_right;
    constexpr int64_t kHalf = int64_t{1} << 19;
    out[i] = static_cast<int16_t>((sum + (sum > 0 ? kHalf : -kHalf)) / (2 * kHalf));
  }
}
MACE_INLINE void ResizePixelFixed(const QuantizedResizeParams&, const ResizeCorners<uint8_t>&, float, float,
                                  uint8_t*) {}

// Products and sums one by one, in the order that decides the last bits.
template <typename T>
MACE_INLINE void ResizePixelFloat(const QuantizedResizeParams& p, const ResizeCorners<T>& in, float down,
                                  float across, T* out) {
  const VecF32 below = Set(kF32, down), above = Set(kF32, 1.0f - down);
  const VecF32 behind = Set(kF32, across), before = Set(kF32, 1.0f - across);
  ForEachVector(p.shape.channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
    const auto product = [=](const T* corner, VecF32 first, VecF32 second) __attribute__((always_inline)) {
      return Mul(Mul(ConvertFromI32(LoadSome(corner + i, n)), first), second);
    };
    VecF32 sum = Add(product(in.top_left, above, before), product(in.bottom_left, below, before));
    sum = Add(sum, product(in.top_right, above, behind));
    sum = Add(sum, product(in.bottom_right, below, behind));
    StoreSome(out + i, ConvertTruncateToI32(Add(sum, Set(kF32, 0.5f))), n);
  });
}

template <typename T>
MACE_INLINE void ResizePixelHalfEven(const QuantizedResizeParams& p, const ResizeCorners<T>& in, float down,
                                     float across, T* out) {
  const float above = 1.0f - down, before = 1.0f - across;
  const VecF32 top_left = Set(kF32, before * above), top_right = Set(kF32, across * above);
  const VecF32 bottom_left = Set(kF32, before * down), bottom_right = Set(kF32, across * down);
  const VecI32 input_zero = Set(kI32, p.input_zero), output_zero = Set(kI32, p.output_zero);
  const VecF32 input_scale = Set(kF32, p.input_scale), output_scale = Set(kF32, p.output_scale);
  const VecF32 low = ConvertFromI32(Sub(Set(kI32, IntegerLimits<T>::kLow), output_zero));
  const VecF32 high = ConvertFromI32(Sub(Set(kI32, IntegerLimits<T>::kHigh), output_zero));
  ForEachVector(p.shape.channels, [=](int64_t i, auto n) __attribute__((always_inline)) {
    const auto real = [=](const T* corner) __attribute__((always_inline)) {
      return Mul(ConvertFromI32(Sub(LoadSome(corner + i, n), input_zero)), input_scale);
    };
    VecF32 mixed = Mul(top_left, real(in.top_left));
    mixed = Add(mixed, Mul(top_right, real(in.top_right)));
    mixed = Add(mixed, Mul(bottom_left, real(in.bottom_left)));
    mixed = Add(mixed, Mul(bottom_right, real(in.bottom_right)));
    const VecF32 units = Div(mixed, output_scale);
    const VecF32 number = Select(IsNaN(units), Zero(kF32), units);
    StoreSome(out + i, Add(RoundToI32Clamped(number, low, high), output_zero), n);
  });
}

template <typename T, ResizeArithmetic arithmetic>
static void ResizeTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const QuantizedResizeParams*>(arguments.params);
  const kernels::ResizeParams& p = params.shape;
  const T* input = static_cast<const T*>(arguments.operands[0]);
  const ResizeTap* rows = static_cast<const ResizeTap*>(arguments.operands[1]);
  const ResizeTap* columns = rows + p.output_height;
  T* output = static_cast<T*>(arguments.operands[2]);
  const int64_t image_tiles = kernels::DivideRoundUp(p.output_height, p.tile_output_rows);
  const int64_t row_elements = p.input_width * p.input_pixel_stride;
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / image_tiles;
    const int64_t begin = t % image_tiles * p.tile_output_rows;
    const int64_t end = ScalarMin(begin + p.tile_output_rows, p.output_height);
    for (int64_t y = begin; y < end; ++y) {
      const T* top = input + (image * p.input_height + rows[y].low) * row_elements;
      const T* bottom = input + (image * p.input_height + rows[y].high) * row_elements;
      T* out = output + (image * p.output_height + y) * p.output_width * p.output_pixel_stride;
      for (int64_t x = 0; x < p.output_width; ++x, out += p.output_pixel_stride) {
        const int64_t left = columns[x].low * p.input_pixel_stride;
        const int64_t right = columns[x].high * p.input_pixel_stride;
        const ResizeCorners<T> corners = {top + left, top + right, bottom + left, bottom + right};
        if constexpr (arithmetic == ResizeArithmetic::kNearest) {
          __builtin_memcpy(out, corners.top_left, static_cast<size_t>(p.channels));
        } else if constexpr (arithmetic == ResizeArithmetic::kFixedPoint) {
          ResizePixelFixed(params, corners, rows[y].weight, columns[x].weight, out);
        } else if constexpr (arithmetic == ResizeArithmetic::kFloat) {
          ResizePixelFloat(params, corners, rows[y].weight, columns[x].weight, out);
        } else {
          ResizePixelHalfEven(params, corners, rows[y].weight, columns[x].weight, out);
        }
      }
    }
  }
}

void QuantizedResize(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& params = *static_cast<const QuantizedResizeParams*>(arguments.params);
  const bool is_i8 = params.type == DType::kI8;
  switch (params.arithmetic) {
    case ResizeArithmetic::kNearest:
      return ResizeTiles<uint8_t, ResizeArithmetic::kNearest>(arguments, tile_begin, tile_end);
    case ResizeArithmetic::kFloat:
      return ResizeTiles<uint8_t, ResizeArithmetic::kFloat>(arguments, tile_begin, tile_end);
    case ResizeArithmetic::kFixedPoint:
      if (is_i8) return ResizeTiles<int8_t, ResizeArithmetic::kFixedPoint>(arguments, tile_begin, tile_end);
      return ResizeTiles<int16_t, ResizeArithmetic::kFixedPoint>(arguments, tile_begin, tile_end);
    case ResizeArithmetic::kHalfEven:
      if (is_i8) return ResizeTiles<int8_t, ResizeArithmetic::kHalfEven>(arguments, tile_begin, tile_end);
      if (params.type == DType::kU8) {
        return ResizeTiles<uint8_t, ResizeArithmetic::kHalfEven>(arguments, tile_begin, tile_end);
      }
      return ResizeTiles<int16_t, ResizeArithmetic::kHalfEven>(arguments, tile_begin, tile_end);
  }
}

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
