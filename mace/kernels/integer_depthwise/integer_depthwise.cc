#include "mace/kernels/integer_depthwise/integer_depthwise.h"

#include <cstring>

#include "mace/kernels/gemm/gemm_panels.h"
#include "mace/kernels/sizes.h"
#include "mace/simd/dot_forms.h"

namespace mace::kernels {
Status PrepareIntegerDepthwise(IntegerDepthwiseParams* p) {
  if (p->kernel_height <= 0 || p->kernel_width <= 0 || p->stride_y <= 0 || p->stride_x <= 0 ||
      p->dilation_y <= 0 || p->dilation_x <= 0) {
    return InvalidArgument("depthwise_integer: kernel, stride and dilation must be positive");
  }
  const bool bytes = p->input == DType::kU8 || p->input == DType::kI8;
  if ((!bytes && p->input != DType::kI16) || (p->weights != DType::kI8 && p->weights != DType::kU8) ||
      (bytes && p->wide) || p->requantization.out == DType::kI32) {
    return InvalidArgument("depthwise_integer: no kernel for these types");
  }
  if (p->kernel_height > kMostDepthwiseTaps || p->kernel_width > kMostDepthwiseTaps ||
      p->kernel_height * p->kernel_width > kMostDepthwiseTaps) {
    return InvalidArgument("depthwise_integer: more than %d taps", static_cast<int>(kMostDepthwiseTaps));
  }
  if (!SizesFit(p->batch, p->input_height) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 2 * p->input_pixel_stride) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 2 * p->output_pixel_stride) ||
      !SizesFit(p->channels + 64, p->kernel_height * p->kernel_width + 7, 16)) {
    return InvalidArgument("depthwise_integer: sizes out of range");
  }
  p->is_bytes = bytes && !DotNeedsBound(p->isa) && !p->has_weight_zero_points;
  p->row_groups = DivideRoundUp(p->kernel_height, p->is_bytes ? 4 : 2);
  p->padded_channels = RoundUp16(p->channels);
  p->packed_bytes = kDepthwiseHeaderBytes + ChannelArrayBytes(p->padded_channels, p->wide) +
                    p->kernel_width * p->row_groups * p->padded_channels * 4;
  const int64_t least_bytes = p->kernel_width * p->row_groups * kMostDepthwiseChunkBytes;
  p->column_bytes = least_bytes < kDepthwiseColumnBytes ? kDepthwiseColumnBytes : least_bytes;
  p->workspace_bytes = p->column_bytes + kDepthwiseSumsBytes + RoundUp16(p->channels) * 2;
  p->tile_count = p->channels * p->output_width == 0 ? 0 : p->batch * p->output_height;
  return Status::Ok();
}

void PackIntegerDepthwise(const IntegerDepthwiseParams& p, const void* weights,
                          const IntegerChannels& channels, uint8_t* packed) {
  const uint8_t* data = static_cast<const uint8_t*>(weights);
  const int64_t taps = p.kernel_height * p.kernel_width;
  // Of a tap, its zero point taken off.
  const auto weight_of = [&](int64_t c, int64_t tap) -> int32_t {
    const int32_t w = p.weights == DType::kU8
                          ? data[c * taps + tap]
                          : static_cast<int32_t>(static_cast<int8_t>(data[c * taps + tap]));
    if (channels.weight_zero_points != nullptr) return w - channels.weight_zero_points[c];
    return w - (p.weights == DType::kU8 ? 128 : 0);
  };
  const bool flips = p.is_bytes && DotLhsIsUnsigned(p.isa) != (p.input == DType::kU8);
  const int64_t input_zero = p.input_zero_point + (!flips ? 0 : p.input == DType::kI8 ? 128 : -128);
  const auto bias_of = [&](int64_t c) {
    int64_t sum = 0;
    for (int64_t tap = 0; tap < taps; ++tap) sum += weight_of(c, tap);
    int64_t bias = 0;
    if (channels.bias != nullptr) {
      bias = channels.bias_dtype == DType::kI64 ? static_cast<const int64_t*>(channels.bias)[c]
                                                : static_cast<const int32_t*>(channels.bias)[c];
    }
    return static_cast<int64_t>(static_cast<uint64_t>(bias) - static_cast<uint64_t>(input_zero * sum));
  };
  const ChannelShifts shifts = ShiftsOf(channels, 0, p.channels);
  std::memset(packed, 0, kDepthwiseHeaderBytes);
  packed[0] = shifts.some_left ? 1 : 0;
  packed[1] = shifts.all_right ? 1 : 0;
  packed += kDepthwiseHeaderBytes;
  WriteChannelArrays(
      p.requantization, channels, 0, p.channels, p.padded_channels, p.wide, bias_of,
      [](int64_t) { return 0; }, packed);
  uint32_t* to = reinterpret_cast<uint32_t*>(packed + ChannelArrayBytes(p.padded_channels, p.wide));
  const int64_t rows = p.is_bytes ? 4 : 2;
  for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
    for (int64_t group = 0; group < p.row_groups; ++group, to += p.padded_channels) {
      std::memset(to, 0, static_cast<size_t>(p.padded_channels) * sizeof(*to));
      for (int64_t row = 0; row < rows && group * rows + row < p.kernel_height; ++row) {
        for (int64_t c = 0; c < p.channels; ++c) {
          const auto w = static_cast<uint32_t>(weight_of(c, (group * rows + row) * p.kernel_width + kx));
          to[c] |= p.is_bytes ? (w & 0xff) << (8 * row) : (w & 0xffff) << (16 * row);
        }
      }
    }
  }
}

}  // namespace mace::kernels
