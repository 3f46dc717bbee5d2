#include "mace/kernels/integer_gemm/integer_conv2d.h"

#include <cstring>

#include "mace/simd/dot_forms.h"

namespace mace::kernels {
namespace {

constexpr int64_t kMostSafePair = 128;
// Rows this far apart fall into one set of an L1 cache of 8 ways.
constexpr int64_t kSetBytes = 512;

int64_t RoundUp(int64_t x, int64_t to) { return DivideRoundUp(x, to) * to; }

// Weights as signed numbers: what byte panels hold.
class SignedWeights {
 public:
  SignedWeights(const void* data, DType dtype)
      : data_(static_cast<const uint8_t*>(data)), flip_(dtype == DType::kU8 ? 0x80 : 0) {}
  int32_t operator[](int64_t i) const { return static_cast<int8_t>(data_[i] ^ flip_); }

 private:
  const uint8_t* data_;
  uint8_t flip_;
};

int64_t Magnitude(int32_t w) { return w < 0 ? -w : w; }

// A panel's columns hold a pair of weights whose products with 255 do not fit into 16 bits.
bool HasUnsafePair(const SignedWeights& weights, int64_t first_row, int64_t rows, int64_t depth) {
  for (int64_t n = first_row; n < first_row + rows; ++n) {
    for (int64_t k = 0; k + 1 < depth; k += 2) {
      if (Magnitude(weights[n * depth + k]) + Magnitude(weights[n * depth + k + 1]) > kMostSafePair)
        return true;
    }
  }
  return false;
}

int64_t TileDepth(const IntegerConv2dParams& p) { return GemmRowsOf(p.isa, p.kind)[0].tile_depth; }

struct PanelRange {
  int64_t first_channel;  // of the whole output
  int64_t width, valid;
};
PanelRange RangeOf(const IntegerConv2dParams& p, int64_t group, int64_t panel) {
  const GemmPanelPosition position = FindGemmPanel(p.panels, panel);
  const int64_t left = p.panels.columns - position.column;
  return {group * p.panels.columns + position.column, position.width,
          left < position.width ? left : position.width};
}

int64_t PanelBytes(const IntegerConv2dParams& p, int64_t width, bool signs) {
  // A step of one column: tile_depth elements of one or two bytes, as in a row.
  return ChannelArrayBytes(width, p.wide) + RoundUp(p.depth_bytes * width * (signs ? 2 : 1), 64);
}

bool HasSigns(const IntegerConv2dParams& p, const SignedWeights& weights, const PanelRange& range) {
  return p.kind == GemmKind::kBytes && DotNeedsBound(p.isa) &&
         HasUnsafePair(weights, range.first_channel, range.valid, p.depth);
}

int64_t TableBytes(const IntegerConv2dParams& p) {
  return RoundUp(p.groups * p.panels.panel_count * static_cast<int64_t>(sizeof(int64_t)), 64);
}

void PackPanel(const IntegerConv2dParams& p, const SignedWeights& weights, const IntegerChannels& channels,
               const PanelRange& range, bool signs, uint8_t* panel) {
  const int64_t depth = p.depth, tile_depth = TileDepth(p);
  const bool words = p.kind == GemmKind::kWords;
  // The zero point of weight n in the packed numbers.
  const auto zero_of = [&](int64_t n) {
    const int32_t zero = channels.weight_zero_points == nullptr ? (p.weights == DType::kU8 ? 128 : 0)
                                                                : channels.weight_zero_points[n];
    return zero - (p.weights == DType::kU8 ? 128 : 0);
  };
  const int64_t input_zero = p.padding;
  const auto bias_of = [&](int64_t i) {
    const int64_t n = range.first_channel + i;
    int64_t bias = 0;
    if (channels.bias != nullptr) {
      bias = channels.bias_dtype == DType::kI64 ? static_cast<const int64_t*>(channels.bias)[n]
                                                : static_cast<const int32_t*>(channels.bias)[n];
    }
    int64_t sum = 0, negative = 0;
    for (int64_t k = 0; k < depth; ++k) {
      const int32_t w = weights[n * depth + k];
      sum += w;
      negative += w < 0 ? w : 0;
    }
    const int64_t zero = zero_of(n);
    if (words) {
      // Words hold w - zero already.
      const uint64_t correction =
          static_cast<uint64_t>(input_zero) * static_cast<uint64_t>(sum - depth * zero);
      return static_cast<int64_t>(static_cast<uint64_t>(bias) - correction);
    }
    uint64_t total = static_cast<uint64_t>(bias) - static_cast<uint64_t>(input_zero * sum) +
                     static_cast<uint64_t>(depth * input_zero * zero);
    if (signs) total += static_cast<uint64_t>(128 * sum - negative);
    return static_cast<int64_t>(total);
  };
  const auto weight_zero_of = [&](int64_t i) { return words ? 0 : zero_of(range.first_channel + i); };
  WriteChannelArrays(p.requantization, channels, range.first_channel, range.valid, range.width, p.wide,
                     bias_of, weight_zero_of, panel);
  uint8_t* to = panel + ChannelArrayBytes(range.width, p.wide);
  std::memset(to, 0, static_cast<size_t>(panel + PanelBytes(p, range.width, signs) - to));
  const int64_t half_bytes = range.width * tile_depth * (words ? 2 : 1);
  const int64_t step_bytes = half_bytes * (signs ? 2 : 1);
  for (int64_t j = 0; j < range.valid; ++j) {
    const int64_t n = range.first_channel + j;
    const int32_t zero = zero_of(n);
    uint8_t* step = to;
    for (int64_t k0 = 0; k0 < depth; k0 += tile_depth, step += step_bytes) {
      const int64_t count = depth - k0 < tile_depth ? depth - k0 : tile_depth;
      for (int64_t k = 0; k < count; ++k) {
        const int32_t w = weights[n * depth + k0 + k];
        const int64_t at = j * tile_depth + k;
        if (words) {
          const auto word = static_cast<int16_t>(w - zero);
          std::memcpy(step + 2 * at, &word, sizeof(word));
        } else if (signs) {
          step[at] = static_cast<uint8_t>(Magnitude(w));
          step[half_bytes + at] = w < 0 ? 0x7f : 0x80;
        } else {
          step[at] = static_cast<uint8_t>(w);
        }
      }
    }
  }
}

Status CheckIntegerConv2d(const IntegerConv2dParams& p) {
  if (p.groups <= 0 || p.input_channels % p.groups != 0 || p.output_channels % p.groups != 0) {
    return InvalidArgument("conv2d_integer: channels do not divide into the groups");
  }
  if (p.kernel_height <= 0 || p.kernel_width <= 0 || p.stride_y <= 0 || p.stride_x <= 0 ||
      p.dilation_y <= 0 || p.dilation_x <= 0) {
    return InvalidArgument("conv2d_integer: kernel, stride and dilation must be positive");
  }
  const bool bytes = p.input == DType::kU8 || p.input == DType::kI8;
  if ((!bytes && p.input != DType::kI16) || (p.weights != DType::kI8 && p.weights != DType::kU8) ||
      (bytes && p.wide)) {
    return InvalidArgument("conv2d_integer: no kernel for these types");
  }
  const int64_t taps = p.kernel_height * p.kernel_width;
  if (!SizesFit(p.batch, p.input_height) ||
      !SizesFit(p.input_height, p.input_width, 2 * p.input_pixel_stride) ||
      !SizesFit(p.batch * p.input_height, p.input_width, 2 * p.input_pixel_stride) ||
      !SizesFit(p.batch, p.output_height) ||
      !SizesFit(p.batch * p.output_height, p.output_width, 4 * p.output_pixel_stride) ||
      !SizesFit(p.kernel_height, p.kernel_width, 4 * (p.input_channels + 1)) ||
      !SizesFit(p.output_channels, taps * (p.input_channels / p.groups + 64), 4)) {
    return InvalidArgument("conv2d_integer: sizes out of range");
  }
  if (GemmRowsOf(p.isa, bytes ? GemmKind::kBytes : GemmKind::kWords).empty()) {
    return InvalidArgument("conv2d_integer: no kernel for this instruction set");
  }
  return Status::Ok();
}

}  // namespace

Status PrepareIntegerConv2d(const void* weights, IntegerConv2dParams* p) {
  MACE_RETURN_IF_ERROR(CheckIntegerConv2d(*p));
  p->kind = p->input == DType::kI16 ? GemmKind::kWords : GemmKind::kBytes;
  const int64_t element_bytes = p->kind == GemmKind::kWords ? 2 : 1;
  p->depth = p->kernel_height * p->kernel_width * (p->input_channels / p->groups);
  p->depth_bytes = RoundUp(p->depth, TileDepth(*p)) * element_bytes;
  p->row_bytes = RoundUp(p->depth_bytes, 64);
  if (p->row_bytes % kSetBytes == 0) p->row_bytes += 64;
  const bool flips = p->kind == GemmKind::kBytes && DotLhsIsUnsigned(p->isa) != (p->input == DType::kU8);
  p->flip = flips ? static_cast<int32_t>(0x80808080u) : 0;
  p->padding = p->input_zero_point;
  if (flips) p->padding += p->input == DType::kI8 ? 128 : -128;
  p->needs_row_sums = p->kind == GemmKind::kBytes && p->has_weight_zero_points;
  p->is_plain = p->kernel_height == 1 && p->kernel_width == 1 && p->stride_y == 1 && p->stride_x == 1 &&
                p->pad_top == 0 && p->pad_left == 0 && p->groups == 1 &&
                p->output_height == p->input_height && p->output_width == p->input_width;
  const int64_t stride_bytes = p->input_pixel_stride * element_bytes;
  p->is_direct = p->is_plain && !flips && !p->needs_row_sums && p->depth * element_bytes == p->depth_bytes &&
                 stride_bytes % 4096 != 0;
  p->panels = PlanGemmPanels(p->isa, p->output_channels / p->groups, p->kind);

  p->packed_bytes = TableBytes(*p);
  const SignedWeights numbers(weights, p->weights);
  for (int64_t g = 0; g < p->groups; ++g) {
    for (int64_t panel = 0; panel < p->panels.panel_count; ++panel) {
      const PanelRange range = RangeOf(*p, g, panel);
      p->packed_bytes += PanelBytes(*p, range.width, HasSigns(*p, numbers, range));
    }
  }

  p->tile_count = 0;
  p->workspace_bytes = 0;
  p->most_rows = 0;
  const int64_t image_pixels = p->output_height * p->output_width;
  if (p->batch * image_pixels * p->output_channels == 0) return Status::Ok();
  const int64_t rows = p->is_plain ? p->batch * image_pixels : image_pixels;
  p->blocks = PlanGemmBlocks(p->panels, rows, p->depth_bytes / 4, p->row_bytes / 4);
  const int64_t strips = DivideRoundUp(p->blocks.strips, p->blocks.row_blocks);
  p->most_rows = strips * p->panels.strip_rows;
  if (!p->is_direct) {
    p->workspace_bytes = p->most_rows * p->row_bytes;
  }
  p->workspace_bytes += RoundUp(p->most_rows * static_cast<int64_t>(sizeof(void*) + sizeof(int32_t)), 64);
  p->tile_count = (p->is_plain ? 1 : p->batch) * p->blocks.row_blocks * p->groups * p->blocks.column_blocks;
  return Status::Ok();
}

void PackIntegerConv2d(const IntegerConv2dParams& p, const void* weights, const IntegerChannels& channels,
                       uint8_t* packed) {
  const SignedWeights numbers(weights, p.weights);
  int64_t offset = TableBytes(p);
  std::memset(packed, 0, static_cast<size_t>(offset));
  for (int64_t g = 0; g < p.groups; ++g) {
    for (int64_t panel = 0; panel < p.panels.panel_count; ++panel) {
      const PanelRange range = RangeOf(p, g, panel);
      const bool signs = HasSigns(p, numbers, range);
      int64_t entry = offset | (channels.exponents != nullptr ? kPanelShiftsRight : 0);
      if (signs) entry |= kPanelSigns;
      for (int64_t n = 0; channels.exponents != nullptr && n < range.valid; ++n) {
        const int32_t exponent = channels.exponents[range.first_channel + n];
        if (exponent > 0) entry |= kPanelShiftsLeft;
        if (exponent >= 0) entry &= ~kPanelShiftsRight;
      }
      std::memcpy(packed + (g * p.panels.panel_count + panel) * static_cast<int64_t>(sizeof(entry)), &entry,
                  sizeof(entry));
      PackPanel(p, numbers, channels, range, signs, packed + offset);
      offset += PanelBytes(p, range.width, signs);
    }
  }
}

}  // namespace mace::kernels
