#include "mace/kernels/integer_winograd/integer_winograd.h"

#include <cstring>
#include <limits>

#include "mace/kernels/sizes.h"
#include "mace/simd/dot_forms.h"

namespace mace::kernels {
namespace {

constexpr int64_t kTaps = 9;
// Rows this far apart fall into one set of an L1 cache of 8 ways.
constexpr int64_t kSetBytes = 512;
// Transformed inputs of a block of patches: they and the products of a panel stay in L2.
constexpr int64_t kBlockBytes = 512 * 1024;
// Columns of a tile of work at least: each transforms the inputs of its block anew.
constexpr int64_t kBlockColumns = 64;
constexpr int64_t kEnoughTiles = 8;

int64_t RoundUp(int64_t x, int64_t to) { return DivideRoundUp(x, to) * to; }
int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t Most(int64_t a, int64_t b) { return a > b ? a : b; }

// Weights less their zero points.
class CentredWeights {
 public:
  CentredWeights(const IntegerWinogradParams& p, const void* data, const int32_t* zero_points)
      : data_(static_cast<const uint8_t*>(data)),
        zero_points_(zero_points),
        depth_(p.input_channels),
        is_unsigned_(p.weights == DType::kU8) {}
  int32_t operator()(int64_t n, int64_t tap, int64_t k) const {
    const uint8_t byte = data_[(n * kTaps + tap) * depth_ + k];
    const int32_t zero = zero_points_ != nullptr ? zero_points_[n] : is_unsigned_ ? 128 : 0;
    return (is_unsigned_ ? byte : static_cast<int8_t>(byte)) - zero;
  }

 private:
  const uint8_t* data_;
  const int32_t* zero_points_;
  int64_t depth_;
  bool is_unsigned_;
};

// G of Lavin & Gray times whole numbers (integer_winograd.simd.cc has the other side of them).
constexpr int32_t kTransform2[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
constexpr int32_t kTransform4[6][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                       {1, 2, 4}, {1, -2, 4},   {0, 0, 6}};
const int32_t* TransformRow(int64_t patch, int64_t i) { return patch == 2 ? kTransform2[i] : kTransform4[i]; }
// Bits that the whole numbers cost a result, and the largest sum of magnitudes of a row of G.
constexpr int64_t BitsLost(int64_t patch) { return patch == 2 ? 2 : 6; }
constexpr int64_t WeightGain(int64_t patch) { return patch == 2 ? 3 : 12; }
constexpr int64_t InputGain(int64_t patch) { return patch == 2 ? 2 : 10; }  // of B^T

// Estimates in multiply-adds of words, which take as long as those of bytes where these need a bound, and
// twice as long as those of VNNI. Fitted to layers of ResNet-50 and smaller ones (AVX2 on an EPYC 9004, one
// thread, weights not in the cache): a weight that is read once, and the transforms of a patch's input and
// output channel.
constexpr double kWeightWork = 10.0;
constexpr double ChannelWork(int64_t patch) { return patch == 2 ? 270.0 : 550.0; }
// What takes more memory for its weights must be faster by this.
constexpr double kGain = 0.9;

double DirectWork(const IntegerWinogradParams& p, Isa direct) {
  const double work = static_cast<double>(p.batch * p.output_height * p.output_width * kTaps) *
                      static_cast<double>(p.input_channels * p.output_channels);
  // AVX-VNNI and Arm's dot products are not measured.
  return DotNeedsBound(direct) ? work : direct == Isa::kAvx512Vnni ? work / 2 : 0.0;
}
double WinogradWork(const IntegerWinogradParams& p, int64_t patch) {
  const int64_t positions = (patch + 2) * (patch + 2);
  const auto patches = static_cast<double>(p.batch * DivideRoundUp(p.output_height, patch) *
                                           DivideRoundUp(p.output_width, patch));
  // Vectors of channels are whole.
  const auto inputs = static_cast<double>(RoundUp(p.input_channels, 16)),
             outputs = static_cast<double>(RoundUp(p.output_channels, 16));
  return static_cast<double>(positions) * inputs * outputs * (patches + kWeightWork) +
         patches * (inputs + outputs) * ChannelWork(patch);
}

Status CheckIntegerWinograd(const IntegerWinogradParams& p) {
  if (p.kernel_height != 3 || p.kernel_width != 3 || p.stride_y != 1 || p.stride_x != 1 ||
      p.dilation_y != 1 || p.dilation_x != 1 || (p.patch != 2 && p.patch != 4)) {
    return InvalidArgument("conv2d_winograd_integer: not a 3x3 convolution of stride 1");
  }
  if ((p.input != DType::kU8 && p.input != DType::kI8) ||
      (p.weights != DType::kI8 && p.weights != DType::kU8) || p.wide) {
    return InvalidArgument("conv2d_winograd_integer: no kernel for these types");
  }
  if (!SizesFit(p.batch, p.input_height) ||
      !SizesFit(p.batch * p.input_height, p.input_width, 2 * p.input_pixel_stride) ||
      !SizesFit(p.batch, p.output_height) ||
      !SizesFit(p.batch * p.output_height, p.output_width, 4 * p.output_pixel_stride) ||
      !SizesFit(p.output_channels + 64, p.input_channels + 64, 72 * kMostWinogradPatches)) {
    return InvalidArgument("conv2d_winograd_integer: sizes out of range");
  }
  if (GemmRowsOf(p.isa, GemmKind::kWords).empty()) {
    return InvalidArgument("conv2d_winograd_integer: no kernel for this instruction set");
  }
  return Status::Ok();
}

int64_t PanelBytes(const IntegerWinogradParams& p, int64_t width) {
  const int64_t positions = (p.patch + 2) * (p.patch + 2);
  return ChannelArrayBytes(width, false) + RoundUp(positions * p.depth_bytes * width, 64);
}
int64_t TableBytes(const IntegerWinogradParams& p) {
  return RoundUp(p.panels.panel_count * static_cast<int64_t>(sizeof(int64_t)), 64);
}

// Input channels whose weights are transformed together: loops of a known length, which compilers vectorise.
constexpr int64_t kPackedInputs = 32;

// Writes G g G^T of output channel n and input channels [k, k + kPackedInputs), those that exist, to pairs of
// words pair_bytes apart. Words may wrap on the way: what they end as fits.
void PackWeights(const IntegerWinogradParams& p, const CentredWeights& weight_of, int64_t n, int64_t k,
                 int64_t pair_bytes, uint8_t* to) {
  const int64_t side = p.patch + 2;
  const int64_t count = Least(kPackedInputs, p.input_channels - k);
  uint16_t taps[kTaps][kPackedInputs] = {};
  for (int64_t tap = 0; tap < kTaps; ++tap) {
    for (int64_t i = 0; i < count; ++i) taps[tap][i] = static_cast<uint16_t>(weight_of(n, tap, k + i));
  }
  const auto transform = [](const int32_t* row, const uint16_t* a, const uint16_t* b, const uint16_t* c,
                            uint16_t* y) {
    const auto r0 = static_cast<uint16_t>(row[0]), r1 = static_cast<uint16_t>(row[1]),
               r2 = static_cast<uint16_t>(row[2]);
    for (int64_t i = 0; i < kPackedInputs; ++i) {
      y[i] = static_cast<uint16_t>(static_cast<uint32_t>(r0) * a[i] + static_cast<uint32_t>(r1) * b[i] +
                                   static_cast<uint32_t>(r2) * c[i]);
    }
  };
  for (int64_t y = 0; y < side; ++y) {
    uint16_t half[3][kPackedInputs];  // a row of G g
    for (int64_t x = 0; x < 3; ++x) {
      transform(TransformRow(p.patch, y), taps[x], taps[3 + x], taps[6 + x], half[x]);
    }
    for (int64_t x = 0; x < side; ++x) {
      uint16_t words[kPackedInputs];
      transform(TransformRow(p.patch, x), half[0], half[1], half[2], words);
      uint8_t* pair = to + ((y * side + x) * (p.depth_bytes / 4) + k / 2) * pair_bytes;
      for (int64_t i = 0; i < count; i += 2, pair += pair_bytes) std::memcpy(pair, words + i, 4);
    }
  }
}

}  // namespace

int64_t MostExactPatch(const IntegerWinogradParams& p, const void* weights, const int32_t* zero_points) {
  const CentredWeights weight_of(p, weights, zero_points);
  const int64_t low = (p.input == DType::kU8 ? 0 : -128) - int64_t{p.input_zero_point}, high = low + 255;
  int64_t most_weight = 0, least_sum = 0, most_sum = 0;
  for (int64_t n = 0; n < p.output_channels; ++n) {
    int64_t least = 0, most = 0;
    for (int64_t tap = 0; tap < kTaps; ++tap) {
      for (int64_t k = 0; k < p.input_channels; ++k) {
        const int64_t w = weight_of(n, tap, k);
        most_weight = Most(most_weight, w < 0 ? -w : w);
        // Padding contributes nothing.
        least += Least(0, Least(w * low, w * high));
        most += Most(0, Most(w * low, w * high));
      }
    }
    least_sum = Least(least_sum, least);
    most_sum = Most(most_sum, most);
  }
  constexpr int64_t kMostWord = std::numeric_limits<int16_t>::max();
  for (int64_t patch : {4, 2}) {
    const int64_t limit = int64_t{1} << (31 - BitsLost(patch));
    if (Most(high, -low) * InputGain(patch) * InputGain(patch) <= kMostWord &&
        most_weight * WeightGain(patch) * WeightGain(patch) <= kMostWord && least_sum >= -limit &&
        most_sum < limit) {
      return patch;
    }
  }
  return 0;
}

int64_t ChooseWinogradPatch(const IntegerWinogradParams& p, Isa direct, const void* weights,
                            const int32_t* zero_points) {
  if (!CheckIntegerWinograd(p).ok()) return 0;
  const double limit = kGain * DirectWork(p, direct);
  if (WinogradWork(p, 2) >= limit && WinogradWork(p, 4) >= limit) return 0;
  int64_t best = 0;
  double least = limit;
  const int64_t most = MostExactPatch(p, weights, zero_points);
  for (int64_t patch = 2; patch <= most; patch += 2) {
    const double work = WinogradWork(p, patch);
    if (work < least) best = patch, least = kGain * work;
  }
  return best;
}

Status PrepareIntegerWinograd(IntegerWinogradParams* p) {
  MACE_RETURN_IF_ERROR(CheckIntegerWinograd(*p));
  const int64_t positions = (p->patch + 2) * (p->patch + 2);
  p->panels = PlanGemmPanels(p->isa, p->output_channels, GemmKind::kWords);
  p->depth_bytes = RoundUp(p->input_channels, 2) * 2;
  // Whole vectors of words are written.
  p->row_bytes = RoundUp(p->depth_bytes, 64);
  if (p->row_bytes % kSetBytes == 0) p->row_bytes += 64;
  p->packed_bytes = TableBytes(*p);
  int64_t most_width = 0;
  for (int64_t panel = 0; panel < p->panels.panel_count; ++panel) {
    const int64_t width = FindGemmPanel(p->panels, panel).width;
    p->packed_bytes += PanelBytes(*p, width);
    most_width = Most(most_width, width);
  }

  p->tile_count = 0;
  p->workspace_bytes = 0;
  p->patch_rows = DivideRoundUp(p->output_height, p->patch);
  p->patch_columns = DivideRoundUp(p->output_width, p->patch);
  const int64_t patches = p->patch_rows * p->patch_columns;
  if (p->batch * patches * p->output_channels == 0) return Status::Ok();
  const int64_t fitting = Most(1, Least(kMostWinogradPatches, kBlockBytes / (positions * p->row_bytes)));
  p->patch_blocks = DivideRoundUp(patches, fitting);
  const int64_t most_patches = DivideRoundUp(patches, p->patch_blocks);
  p->plane_bytes = most_patches * p->row_bytes;
  if (p->plane_bytes % kSetBytes == 0) p->plane_bytes += 64;
  p->product_plane = most_patches * most_width;
  if (p->product_plane * 4 % kSetBytes == 0) p->product_plane += 16;
  p->column_blocks = 1;
  if (p->batch * p->patch_blocks < kEnoughTiles) {
    p->column_blocks = Least(p->panels.panel_count, Most(1, p->output_channels / kBlockColumns));
  }
  p->workspace_bytes = p->row_bytes + positions * (p->plane_bytes + p->product_plane * 4);
  p->tile_count = p->batch * p->patch_blocks * p->column_blocks;
  return Status::Ok();
}

void PackIntegerWinograd(const IntegerWinogradParams& p, const void* weights, const IntegerChannels& channels,
                         uint8_t* packed) {
  const CentredWeights weight_of(p, weights, channels.weight_zero_points);
  int64_t offset = TableBytes(p);
  std::memset(packed, 0, static_cast<size_t>(p.packed_bytes));
  for (int64_t index = 0; index < p.panels.panel_count; ++index) {
    const GemmPanelPosition panel = FindGemmPanel(p.panels, index);
    const int64_t valid = Least(panel.width, p.panels.columns - panel.column);
    const int64_t entry = offset | PanelFlagsOf(ShiftsOf(channels, panel.column, valid));
    std::memcpy(packed + index * static_cast<int64_t>(sizeof(entry)), &entry, sizeof(entry));
    const auto bias_of = [&](int64_t i) -> int64_t {
      if (channels.bias == nullptr) return 0;
      return channels.bias_dtype == DType::kI64
                 ? static_cast<const int64_t*>(channels.bias)[panel.column + i]
                 : static_cast<const int32_t*>(channels.bias)[panel.column + i];
    };
    WriteChannelArrays(
        p.requantization, channels, panel.column, valid, panel.width, false, bias_of,
        [](int64_t) { return 0; }, packed + offset);
    uint8_t* to = packed + offset + ChannelArrayBytes(panel.width, false);
    for (int64_t j = 0; j < valid; ++j) {
      for (int64_t k = 0; k < p.input_channels; k += kPackedInputs) {
        PackWeights(p, weight_of, panel.column + j, k, panel.width * 4, to + j * 4);
      }
    }
    offset += PanelBytes(p, panel.width);
  }
}

}  // namespace mace::kernels
