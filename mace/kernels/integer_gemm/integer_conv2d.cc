#include "mace/kernels/integer_gemm/integer_conv2d.h"

#include <cstring>

#include "mace/simd/dot_forms.h"

namespace mace::kernels {
namespace {

constexpr int kMostSafePair = 128;
constexpr int64_t kMostDepth = INT32_MAX;  // of StepOrder
// Rows this far apart fall into one set of an L1 cache of 8 ways.
constexpr int64_t kSetBytes = 512;

int64_t RoundUp(int64_t x, int64_t to) { return DivideRoundUp(x, to) * to; }

// Weights as signed numbers: what byte panels hold.
class SignedWeights {
 public:
  SignedWeights(const void* data, DType dtype)
      : data_(static_cast<const uint8_t*>(data)), flip_(dtype == DType::kU8 ? 0x80 : 0) {}
  int32_t operator[](int64_t i) const { return static_cast<int8_t>(data_[i] ^ flip_); }
  void Copy(int64_t begin, int64_t count, int8_t* to) const {
    if (flip_ == 0) {
      std::memcpy(to, data_ + begin, static_cast<size_t>(count));
      return;
    }
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int8_t>(data_[begin + i] ^ flip_);
  }

 private:
  const uint8_t* data_;
  uint8_t flip_;
};

int64_t Magnitude(int32_t w) { return w < 0 ? -w : w; }

// Columns of one vector where kPanelSigns may be set: the width of the narrowest panels.
int64_t VectorColumns(const IntegerConv2dParams& p) { return GemmRowsOf(p.isa, p.kind).back().tile_columns; }

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

// Calls visit(depth, form) for each step in the order of the depth: which of the panel's vectors of columns
// hold an unsafe pair there, bit v of vector v.
//
// vpmaddubsw adds the products of a pair in 16 bits. Those of unsigned bytes by weights of one sign that
// together are 128 at most fit, and so do those by weights of two signs, which lean against each other: in
// both cases the sum of the weights says it.
template <typename Visit>
void VisitForms(const IntegerConv2dParams& p, const SignedWeights& weights, const PanelRange& range,
                const Visit& visit) {
  constexpr int64_t kPairs = 128;  // taken at once: loops of a known length are vectorised
  const int64_t lanes = VectorColumns(p);
  for (int64_t depth = 0; depth < p.depth; depth += 2 * kPairs) {
    const int64_t bytes = p.depth - depth < 2 * kPairs ? p.depth - depth : 2 * kPairs;
    uint16_t forms[kPairs] = {};
    for (int64_t j = 0; j < range.valid; ++j) {
      int8_t row[2 * kPairs] = {};
      weights.Copy((range.first_channel + j) * p.depth + depth, bytes, row);
      int16_t pairs[kPairs];  // little-endian: the first weight of a pair in the lower half
      std::memcpy(pairs, row, sizeof(pairs));
      const auto bit = static_cast<uint16_t>(1 << (j / lanes));
      for (int64_t i = 0; i < kPairs; ++i) {
        const auto first = static_cast<int16_t>(static_cast<int16_t>(pairs[i] << 8) >> 8);
        const auto sum = static_cast<int16_t>(first + (pairs[i] >> 8));
        const bool is_unsafe = sum > kMostSafePair || sum < -kMostSafePair;
        forms[i] = static_cast<uint16_t>(forms[i] | (is_unsafe ? bit : 0));
      }
    }
    for (int64_t i = 0; 2 * i < bytes; i += 2) visit(depth + 2 * i, forms[i] | forms[i + 1]);
  }
}

bool MayHaveSigns(const IntegerConv2dParams& p) { return p.kind == GemmKind::kBytes && DotNeedsBound(p.isa); }

// The steps of a panel by their forms.
struct PanelSteps {
  int64_t counts[StepOrder::kForms] = {};

  bool has_signs() const { return counts[1] + counts[2] + counts[3] != 0; }
};
PanelSteps CountSteps(const IntegerConv2dParams& p, const SignedWeights& weights, const PanelRange& range) {
  PanelSteps steps;
  if (!MayHaveSigns(p)) return steps;
  VisitForms(p, weights, range, [&](int64_t, int form) { ++steps.counts[form]; });
  return steps;
}

int64_t PanelBytes(const IntegerConv2dParams& p, int64_t width, const PanelSteps& steps) {
  // A step of one column: tile_depth elements of one or two bytes, as in a row.
  const int64_t plain = ChannelArrayBytes(width, p.wide) + RoundUp(p.depth_bytes * width, 64);
  if (!steps.has_signs()) return plain;
  const int64_t signs = steps.counts[1] + steps.counts[2] + 2 * steps.counts[3];
  return plain + StepOrderBytes(p.depth_bytes) +
         RoundUp(signs * VectorColumns(p) * StepOrder::kStepBytes, 64);
}

int64_t TableBytes(const IntegerConv2dParams& p) {
  return RoundUp(p.groups * p.panels.panel_count * static_cast<int64_t>(sizeof(int64_t)), 64);
}

// The steps of a panel in the order of their forms.
void WriteStepOrder(const IntegerConv2dParams& p, const SignedWeights& weights, const PanelRange& range,
                    const PanelSteps& steps, int64_t panel_bytes, uint8_t* to) {
  StepOrder order = {};
  order.panel_bytes = panel_bytes;
  int64_t next[StepOrder::kForms] = {};
  for (int form = 0; form < StepOrder::kForms; ++form) {
    order.counts[form] = static_cast<int32_t>(steps.counts[form]);
    if (form > 0) next[form] = next[form - 1] + steps.counts[form - 1];
  }
  std::memcpy(to, &order, sizeof(order));
  VisitForms(p, weights, range, [&](int64_t depth, int form) {
    const auto offset = static_cast<int32_t>(depth);
    const int64_t at = next[form]++;
    std::memcpy(to + sizeof(order) + at * static_cast<int64_t>(sizeof(offset)), &offset, sizeof(offset));
  });
}

void PackPanel(const IntegerConv2dParams& p, const SignedWeights& weights, const IntegerChannels& channels,
               const PanelRange& range, const PanelSteps& steps, uint8_t* panel) {
  const int64_t depth = p.depth, tile_depth = TileDepth(p);
  const bool words = p.kind == GemmKind::kWords;
  // The zero point of weight n in the packed numbers.
  const auto zero_of = [&](int64_t n) {
    const int32_t zero = channels.weight_zero_points == nullptr ? (p.weights == DType::kU8 ? 128 : 0)
                                                                : channels.weight_zero_points[n];
    return zero - (p.weights == DType::kU8 ? 128 : 0);
  };
  const int64_t input_zero = p.padding;
  uint8_t* const order = panel + ChannelArrayBytes(range.width, p.wide);
  uint8_t* to = order + (steps.has_signs() ? StepOrderBytes(p.depth_bytes) : 0);
  std::memset(order, 0, static_cast<size_t>(panel + PanelBytes(p, range.width, steps) - order));
  if (steps.has_signs()) {
    WriteStepOrder(p, weights, range, steps, PanelBytes(p, range.width, steps), order);
  }
  // Calls visit(depth, form) for each step in its order.
  const auto for_each_step = [&](const auto& visit) {
    if (!steps.has_signs()) {
      for (int64_t k = 0; k < depth; k += tile_depth) visit(k, 0);
      return;
    }
    const uint8_t* next = order + sizeof(StepOrder);
    for (int form = 0; form < StepOrder::kForms; ++form) {
      for (int64_t i = 0; i < steps.counts[form]; ++i, next += sizeof(int32_t)) {
        int32_t offset;
        std::memcpy(&offset, next, sizeof(offset));
        visit(int64_t{offset}, form);
      }
    }
  };
  const int64_t vector_columns = steps.has_signs() ? VectorColumns(p) : range.width;
  // The bit of a form that says so of this column.
  const auto signs_bit = [&](int64_t column) { return 1 << (column / vector_columns); };
  const auto bias_of = [&](int64_t i) {
    const int64_t n = range.first_channel + i;
    int64_t bias = 0;
    if (channels.bias != nullptr) {
      bias = channels.bias_dtype == DType::kI64 ? static_cast<const int64_t*>(channels.bias)[n]
                                                : static_cast<const int32_t*>(channels.bias)[n];
    }
    int64_t sum = 0, signed_sum = 0, negative = 0;  // the latter two of steps with signs
    const int bit = signs_bit(i);
    for_each_step([&](int64_t first, int form) {
      int32_t step_sum = 0, step_negative = 0;
      for (int64_t k = first; k < depth && k < first + tile_depth; ++k) {
        const int32_t w = weights[n * depth + k];
        step_sum += w;
        step_negative += w < 0 ? w : 0;
      }
      sum += step_sum;
      if ((form & bit) == 0) return;
      signed_sum += step_sum;
      negative += step_negative;
    });
    const int64_t zero = zero_of(n);
    if (words) {
      // Words hold w - zero already.
      const uint64_t correction =
          static_cast<uint64_t>(input_zero) * static_cast<uint64_t>(sum - depth * zero);
      return static_cast<int64_t>(static_cast<uint64_t>(bias) - correction);
    }
    uint64_t total = static_cast<uint64_t>(bias) - static_cast<uint64_t>(input_zero * sum) +
                     static_cast<uint64_t>(depth * input_zero * zero);
    total += static_cast<uint64_t>(128 * signed_sum - negative);
    return static_cast<int64_t>(total);
  };
  const auto weight_zero_of = [&](int64_t i) { return words ? 0 : zero_of(range.first_channel + i); };
  WriteChannelArrays(p.requantization, channels, range.first_channel, range.valid, range.width, p.wide,
                     bias_of, weight_zero_of, panel);
  const int64_t part_bytes = vector_columns * tile_depth * (words ? 2 : 1);  // of a vector in a step
  for_each_step([&](int64_t first, int form) {
    for (int64_t column = 0; column < range.width; column += vector_columns) {
      const bool signs = (form & signs_bit(column)) != 0;
      for (int64_t j = column; j < range.valid && j < column + vector_columns; ++j) {
        const int64_t n = range.first_channel + j;
        if (!words && !signs) {
          const int64_t count = depth - first < tile_depth ? depth - first : tile_depth;
          weights.Copy(n * depth + first, count, reinterpret_cast<int8_t*>(to) + (j - column) * tile_depth);
          continue;
        }
        for (int64_t k = first; k < depth && k < first + tile_depth; ++k) {
          const int32_t w = weights[n * depth + k];
          const int64_t at = (j - column) * tile_depth + k - first;
          if (words) {
            const auto word = static_cast<int16_t>(w - zero_of(n));
            std::memcpy(to + 2 * at, &word, sizeof(word));
          } else {
            to[at] = static_cast<uint8_t>(Magnitude(w));
            to[part_bytes + at] = w < 0 ? 0x7f : 0x80;
          }
        }
      }
      to += part_bytes * (signs ? 2 : 1);
    }
  });
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
      !SizesFit(p.output_channels, taps * (p.input_channels / p.groups + 64), 4) ||
      taps * (p.input_channels / p.groups) > kMostDepth) {
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
      p->packed_bytes += PanelBytes(*p, range.width, CountSteps(*p, numbers, range));
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
      const PanelSteps steps = CountSteps(p, numbers, range);
      const int64_t entry = offset | (steps.has_signs() ? kPanelSigns : 0) |
                            PanelFlagsOf(ShiftsOf(channels, range.first_channel, range.valid));
      std::memcpy(packed + (g * p.panels.panel_count + panel) * static_cast<int64_t>(sizeof(entry)), &entry,
                  sizeof(entry));
      PackPanel(p, numbers, channels, range, steps, packed + offset);
      offset += PanelBytes(p, range.width, steps);
    }
  }
}

}  // namespace mace::kernels
