#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/gemm/gemm_block.h"
#include "mace/kernels/integer_gemm/find_tiles-inl.h"
#include "mace/kernels/integer_gemm/finish-inl.h"
#include "mace/kernels/integer_winograd/integer_winograd.h"
#include "mace/simd/narrow.h"
#include "mace/simd/words.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::GemmPanelPosition;
using kernels::IntegerWinogradParams;
using kernels::KernelArguments;

constexpr int kMostRun = 8;  // patches side by side whose sums become outputs together

// ---- Transforms of a line, of inputs (words) and of products (32 bits)

// B^T.
template <int kPatch>
MACE_INLINE void TransformInputs(const VecI32 (&d)[kPatch + 2], VecI32 (&v)[kPatch + 2]) {
  if constexpr (kPatch == 2) {
    v[0] = SubWords(d[0], d[2]);
    v[1] = AddWords(d[1], d[2]);
    v[2] = SubWords(d[2], d[1]);
    v[3] = SubWords(d[1], d[3]);
  } else {
    const VecI32 even = SubWords(d[4], ShiftLeftWords<2>(d[2]));
    const VecI32 odd = SubWords(d[3], ShiftLeftWords<2>(d[1]));
    v[1] = AddWords(even, odd);
    v[2] = SubWords(even, odd);
    const VecI32 outer = SubWords(d[4], d[2]);
    const VecI32 inner = ShiftLeftWords<1>(SubWords(d[3], d[1]));
    v[3] = AddWords(outer, inner);
    v[4] = SubWords(outer, inner);
    v[0] = AddWords(ShiftLeftWords<2>(SubWords(d[0], d[2])), outer);
    v[5] = SubWords(SubWords(d[5], d[3]), ShiftLeftWords<1>(inner));
  }
}

// B^T of ones is not 0 at position 1 only: (this times) the zero point is taken off there, not off the
// inputs.
template <int kPatch>
inline constexpr int kSumOfTransform = kPatch == 2 ? 2 : -6;

// A^T, times what G in integer_winograd.cc lacks of whole numbers.
template <int kPatch>
MACE_INLINE void TransformProducts(const VecI32 (&m)[kPatch + 2], VecI32 (&y)[kPatch]) {
  const VecI32 sum = Add(m[1], m[2]), difference = Sub(m[1], m[2]);
  if constexpr (kPatch == 2) {
    y[0] = Add(m[0], sum);
    y[1] = Sub(difference, m[3]);
  } else {
    const VecI32 far_sum = Add(m[3], m[4]), far_difference = Sub(m[3], m[4]);
    const VecI32 twice = Add(far_difference, far_difference);
    y[0] = Add(Add(m[0], sum), far_sum);
    y[1] = Add(difference, twice);
    y[2] = Add(sum, ShiftLeft(far_sum, 2));
    y[3] = Add(difference, ShiftLeft(Add(twice, m[5]), 2));
  }
}

// From 4 Y or 576 Y to Y.
template <int kPatch>
MACE_INLINE VecI32 Unscale(VecI32 y) {
  if constexpr (kPatch == 2) return ShiftRight(y, 2);
  constexpr int32_t kInverseOf9 = 954437177;  // modulo 2^32
  return ShiftRight(Mul(y, Set(kI32, kInverseOf9)), 6);
}

// ---- Inputs

// The words of kWordLanes channels of a patch, from `pixels`, to the planes of `to`.
template <int kPatch, typename LoadPixel>
MACE_INLINE void TransformChannels(const LoadPixel& load, VecI32 correction, uint8_t* to,
                                   int64_t plane_bytes) {
  constexpr int kSide = kPatch + 2;
  VecI32 half[kSide][kSide];  // [x][i]: B^T d
  Unroll<kSide>([&](auto x) MACE_LAMBDA_INLINE {
    VecI32 column[kSide];
    Unroll<kSide>([&](auto y) MACE_LAMBDA_INLINE {
      column[decltype(y)::value] = load(decltype(y)::value * kSide + decltype(x)::value);
    });
    TransformInputs<kPatch>(column, half[decltype(x)::value]);
  });
  Unroll<kSide>([&](auto i) MACE_LAMBDA_INLINE {
    constexpr int kI = decltype(i)::value;
    VecI32 line[kSide], result[kSide];
    Unroll<kSide>([&](auto x)
                      MACE_LAMBDA_INLINE { line[decltype(x)::value] = half[decltype(x)::value][kI]; });
    TransformInputs<kPatch>(line, result);
    if constexpr (kI == 1) result[1] = SubWords(result[1], correction);
    Unroll<kSide>([&](auto j) MACE_LAMBDA_INLINE {
      Store(reinterpret_cast<int32_t*>(to), result[decltype(j)::value]);
      to += plane_bytes;
    });
  });
}

template <bool kUnsigned>
MACE_INLINE VecI32 LoadWords(const uint8_t* p) {
  if constexpr (kUnsigned) return LoadWordsU8(p);
  return LoadWordsI8(reinterpret_cast<const int8_t*>(p));
}

template <int kPatch, bool kUnsigned>
void TransformPatch(const IntegerWinogradParams& p, const uint8_t* const* pixels, uint8_t* to) {
  const int32_t correction = kSumOfTransform<kPatch> * kSumOfTransform<kPatch> * p.input_zero_point;
  const VecI32 corrections = SetWords(correction);
  const int64_t channels = p.input_channels;
  // The last vector overlaps the one before.
  for (int64_t c = 0; c < channels; c += kWordLanes) {
    const int64_t begin = ScalarMax<int64_t>(0, ScalarMin(c, channels - kWordLanes));
    const auto load = [&](int i) MACE_LAMBDA_INLINE { return LoadWords<kUnsigned>(pixels[i] + begin); };
    TransformChannels<kPatch>(load, corrections, to + begin * 2, p.plane_bytes);
  }
}

// The patches [begin, begin + count) of an image, to planes of [patch][channel].
template <int kPatch>
void TransformBlock(const IntegerWinogradParams& p, const uint8_t* image, const uint8_t* padding,
                    int64_t begin, int64_t count, uint8_t* planes) {
  constexpr int kSide = kPatch + 2;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first_y = (begin + i) / p.patch_columns * kPatch - p.pad_top;
    const int64_t first_x = (begin + i) % p.patch_columns * kPatch - p.pad_left;
    const uint8_t* pixels[kSide * kSide];
    for (int y = 0; y < kSide; ++y) {
      const int64_t input_y = first_y + y;
      const bool is_line = input_y >= 0 && input_y < p.input_height;
      for (int x = 0; x < kSide; ++x) {
        const int64_t input_x = first_x + x;
        pixels[y * kSide + x] = is_line && input_x >= 0 && input_x < p.input_width
                                    ? image + (input_y * p.input_width + input_x) * p.input_pixel_stride
                                    : padding;
      }
    }
    // Pixels narrower than a vector are filled up.
    uint8_t narrow[kSide * kSide][kWordLanes];
    for (int j = 0; j < kSide * kSide && p.input_channels < kWordLanes; ++j) {
      for (int64_t c = 0; c < kWordLanes; ++c) narrow[j][c] = c < p.input_channels ? pixels[j][c] : 0;
      pixels[j] = narrow[j];
    }
    uint8_t* to = planes + i * p.row_bytes;
    // The last pair of an odd number of channels is multiplied by 0, but whole.
    for (int j = 0; j < kSide * kSide && p.input_channels % 2 != 0; ++j) {
      __builtin_memset(to + j * p.plane_bytes + p.input_channels * 2, 0, 2);
    }
    if (p.input == DType::kU8) {
      TransformPatch<kPatch, true>(p, pixels, to);
    } else {
      TransformPatch<kPatch, false>(p, pixels, to);
    }
  }
}

// ---- Products

// All positions of `count` patches times a panel, to planes of [patch][width].
void MultiplyPanel(const IntegerWinogradParams& p, int64_t positions, const uint8_t* planes, int64_t count,
                   const uint8_t* weights, const GemmPanelPosition& panel, int32_t* products) {
  const TileFunction* functions = FindTiles<TileMethod::kWords>(panel.width, 1);
  const int64_t tiles = kernels::DivideRoundUp(count, panel.tile_rows);
  const int64_t weight_bytes = p.depth_bytes * panel.width;
  const int64_t least = count / tiles, larger = count % tiles;
  const uint8_t* rows[kernels::kMostWinogradPatches];
  static constexpr int32_t kZeros[kMostTileColumns] = {};
  IntegerTile tile = {};
  tile.end_bytes = p.depth_bytes;
  tile.weights = weights;
  tile.initial = kZeros;
  tile.sums_stride = panel.width;
  for (int64_t position = 0; position < positions; ++position) {
    const uint8_t* row = planes + position * p.plane_bytes;
    for (int64_t i = 0; i < count; ++i, row += p.row_bytes) rows[i] = row;
    tile.rows = rows;
    tile.sums = products + position * p.product_plane;
    tile.prefetch_ahead = weight_bytes;  // the next position's
    if (larger > 0) {
      tile.tile_count = larger;
      functions[least](tile);
      tile.rows += larger * (least + 1);
      tile.sums += larger * (least + 1) * panel.width;
      tile.prefetch_ahead = 0;
    }
    tile.tile_count = tiles - larger;
    functions[least - 1](tile);
    tile.weights += weight_bytes;
  }
}

// The sums of a patch, bias included, to rows of [pixel][width], line_sums apart.
template <int kPatch>
void SumPatch(const int32_t* products, int64_t product_plane, int64_t width, const int32_t* bias,
              int32_t* sums, int64_t line_sums) {
  constexpr int kSide = kPatch + 2;
  for (int64_t column = 0; column < width; column += kF32Lanes) {
    VecI32 half[kPatch][kSide];  // A^T m
    Unroll<kSide>([&](auto j) MACE_LAMBDA_INLINE {
      constexpr int kJ = decltype(j)::value;
      VecI32 m[kSide], y[kPatch];
      Unroll<kSide>([&](auto i) MACE_LAMBDA_INLINE {
        m[decltype(i)::value] =
            Load(kI32, products + (decltype(i)::value * kSide + kJ) * product_plane + column);
      });
      TransformProducts<kPatch>(m, y);
      Unroll<kPatch>([&](auto i)
                         MACE_LAMBDA_INLINE { half[decltype(i)::value][kJ] = y[decltype(i)::value]; });
    });
    Unroll<kPatch>([&](auto i) MACE_LAMBDA_INLINE {
      constexpr int kI = decltype(i)::value;
      VecI32 y[kPatch];
      TransformProducts<kPatch>(half[kI], y);
      Unroll<kPatch>([&](auto j) MACE_LAMBDA_INLINE {
        constexpr int kJ = decltype(j)::value;
        Store(sums + kI * line_sums + kJ * width + column,
              Add(Unscale<kPatch>(y[kJ]), Load(kI32, bias + column)));
      });
    });
  }
}

// ---- Blocks

struct Output {
  const IntegerWinogradParams* params;
  uint8_t* image;
  int64_t pixel_bytes;
  int element_bytes;
};

// Outputs of `count` patches of a panel from their products.
template <int kPatch>
void FinishPatches(const Output& output, const int32_t* products, int64_t begin, int64_t count,
                   const GemmPanelPosition& panel, const uint8_t* arrays, const FinishFunction finish) {
  const IntegerWinogradParams& p = *output.params;
  alignas(64) int32_t sums[kPatch * kPatch * kMostRun * kMostTileColumns];
  const int64_t columns = ScalarMin<int64_t>(panel.width, p.panels.columns - panel.column);
  for (int64_t i = 0; i < count;) {
    const int64_t y = (begin + i) / p.patch_columns, x = (begin + i) % p.patch_columns;
    const int64_t run = ScalarMin(ScalarMin<int64_t>(kMostRun, count - i), p.patch_columns - x);
    const int64_t line_sums = run * kPatch * panel.width;
    for (int64_t r = 0; r < run; ++r) {
      SumPatch<kPatch>(products + (i + r) * panel.width, p.product_plane, panel.width,
                       reinterpret_cast<const int32_t*>(arrays), sums + r * kPatch * panel.width, line_sums);
    }
    const int64_t pixels = ScalarMin(run * kPatch, p.output_width - x * kPatch);
    const int64_t lines = ScalarMin<int64_t>(kPatch, p.output_height - y * kPatch);
    for (int64_t line = 0; line < lines; ++line) {
      uint8_t* out = output.image + ((y * kPatch + line) * p.output_width + x * kPatch) * output.pixel_bytes +
                     panel.column * output.element_bytes;
      finish({&p.requantization, arrays, panel.width, columns, sums + line * line_sums, panel.width,
              static_cast<int>(pixels), nullptr, out, output.pixel_bytes});
    }
    i += run;
  }
}

template <int kPatch>
void RunTiles(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  constexpr int kPositions = (kPatch + 2) * (kPatch + 2);
  const auto& p = *static_cast<const IntegerWinogradParams*>(arguments.params);
  const uint8_t* input = static_cast<const uint8_t*>(arguments.operands[0]);
  const uint8_t* packed = static_cast<const uint8_t*>(arguments.operands[1]);
  uint8_t* padding = arguments.workspace;  // a pixel outside of the input
  uint8_t* planes = padding + p.row_bytes;
  int32_t* products = reinterpret_cast<int32_t*>(planes + kPositions * p.plane_bytes);
  __builtin_memset(padding, p.input_zero_point & 0xff, static_cast<size_t>(p.row_bytes));
  Output output;
  output.params = &p;
  output.element_bytes = p.requantization.out == DType::kI32   ? 4
                         : p.requantization.out == DType::kI16 ? 2
                                                               : 1;
  output.pixel_bytes = p.output_pixel_stride * output.element_bytes;
  const int64_t patches = p.patch_rows * p.patch_columns;
  int64_t transformed = -1;  // the (image, block of patches) whose inputs are in the planes
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t block = t / p.column_blocks, column_block = t % p.column_blocks;
    const int64_t image = block / p.patch_blocks, patch_block = block % p.patch_blocks;
    const int64_t begin = EvenSplit(patches, p.patch_blocks, patch_block);
    const int64_t count = EvenSplit(patches, p.patch_blocks, patch_block + 1) - begin;
    if (transformed != block) {
      transformed = block;
      TransformBlock<kPatch>(p, input + image * p.input_height * p.input_width * p.input_pixel_stride,
                             padding, begin, count, planes);
    }
    output.image = static_cast<uint8_t*>(arguments.operands[2]) +
                   image * p.output_height * p.output_width * output.pixel_bytes;
    const int64_t panel_end = EvenSplit(p.panels.panel_count, p.column_blocks, column_block + 1);
    for (int64_t index = EvenSplit(p.panels.panel_count, p.column_blocks, column_block); index < panel_end;
         ++index) {
      const GemmPanelPosition panel = FindGemmPanel(p.panels, index);
      int64_t entry;
      __builtin_memcpy(&entry, packed + index * static_cast<int64_t>(sizeof(entry)), sizeof(entry));
      const uint8_t* arrays = packed + (entry & ~kernels::kPanelFlags);
      MultiplyPanel(p, kPositions, planes, count, arrays + kernels::ChannelArrayBytes(panel.width, false),
                    panel, products);
      FinishPatches<kPatch>(output, products, begin, count, panel, arrays,
                            FinishOf(p.requantization, kernels::ShiftsOfPanel(entry)));
    }
  }
}

void Conv2dWinogradInteger(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const IntegerWinogradParams*>(arguments.params);
  (p.patch == 2 ? RunTiles<2> : RunTiles<4>)(arguments, tile_begin, tile_end);
}

}  // namespace

extern const kernels::IntegerWinogradKernels kIntegerWinogradKernels;
const kernels::IntegerWinogradKernels kIntegerWinogradKernels = {Conv2dWinogradInteger};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
