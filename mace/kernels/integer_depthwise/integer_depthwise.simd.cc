#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/integer_depthwise/integer_depthwise.h"

#include "mace/kernels/integer_gemm/requantization-inl.h"
#include "mace/kernels/sizes.h"
#include "mace/simd/dot.h"
#include "mace/simd/unroll.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::IntegerDepthwiseParams;
using kernels::KernelArguments;

constexpr int kMostRows = 256;

// How a lane holds rows of a column: four bytes, or two words of bytes of either sign or of words.
enum class Form { kBytes, kWordsOfU8, kWordsOfI8, kWords };

template <Form kForm>
MACE_INLINE VecI32 LoadRow(const uint8_t* p, int64_t n) {
  if constexpr (kForm == Form::kWords) {
    const int16_t* words = reinterpret_cast<const int16_t*>(p);
    return n >= kF32Lanes ? LoadI16(kI32, words) : LoadI16Partial(kI32, words, n);
  } else if constexpr (kForm == Form::kWordsOfI8) {
    const int8_t* bytes = reinterpret_cast<const int8_t*>(p);
    return n >= kF32Lanes ? LoadI8(kI32, bytes) : LoadI8Partial(kI32, bytes, n);
  } else {
    return n >= kF32Lanes ? LoadU8(kI32, p) : LoadU8Partial(kI32, p, n);
  }
}

// One output row of one image, and a vector of its channels.
struct Row {
  const IntegerDepthwiseParams* params;
  // Of each kernel row: the pixel x = 0 of its input row, and the bytes to the next pixel (0 where the row is
  // padding).
  const uint8_t* lines[kMostRows];
  int64_t strides[kMostRows];
  VecI32 flip;     // what bytes are xored with
  VecI32 padding;  // a whole lane of zero points, flipped
  const uint8_t* arrays;
  const int32_t* weights;
  uint8_t* out;  // pixel 0
  int64_t element_bytes, out_stride_bytes;
};

// A lane of `count` rows of a column, at most kRowsOfLane. load(i) gives row i.
template <Form kForm>
inline constexpr int kRowsOfLane = kForm == Form::kBytes ? 4 : 2;
template <Form kForm, typename Load>
MACE_INLINE VecI32 JoinRows(int64_t count, VecI32 flip, const Load& load) {
  constexpr int kBits = 32 / kRowsOfLane<kForm>;
  VecI32 column = load(0);
  if constexpr (kForm == Form::kWordsOfI8 || kForm == Form::kWords) {
    if (count > 1) column = Or(And(column, Set(kI32, 0xffff)), ShiftLeft(load(1), kBits));
  } else {
    if (count > 1) column = Or(column, ShiftLeft(load(1), kBits));
  }
  if constexpr (kForm == Form::kBytes) {
    if (count > 2) column = Or(column, ShiftLeft(load(2), 2 * kBits));
    if (count > 3) column = Or(column, ShiftLeft(load(3), 3 * kBits));
    column = Xor(column, flip);
  }
  return column;
}

// Rows [group * rows, ...) of the column at input_x, channels from byte `at` on. `height`: of the kernel.
template <Form kForm>
MACE_INLINE VecI32 LoadColumn(const Row& row, int64_t height, int64_t input_x, int64_t group, int64_t at,
                              int64_t n) {
  if (input_x < 0 || input_x >= row.params->input_width) return row.padding;
  const int64_t first = group * kRowsOfLane<kForm>;
  return JoinRows<kForm>(height - first, row.flip, [&](int64_t i) MACE_LAMBDA_INLINE {
    return LoadRow<kForm>(row.lines[first + i] + input_x * row.strides[first + i] + at, n);
  });
}

template <Form kForm>
MACE_INLINE VecI32 Dot(VecI32 sum, VecI32 column, VecI32 weights) {
  if constexpr (kForm == Form::kBytes) {
    return DotBytes(sum, column, weights);
  } else {
    return DotWords(sum, column, weights);
  }
}

struct Channels {
  ChannelVectors vectors;
  OutputBounds bounds;
};

MACE_INLINE void StoreSum(const Row& row, const Channels& channels, VecI32 sum, int64_t x, int64_t channel,
                          int64_t n) {
  const IntegerDepthwiseParams& p = *row.params;
  const Requantization& q = p.requantization;
  uint8_t* out = row.out + x * row.out_stride_bytes;
  if (p.wide) {
    int32_t sums[kF32Lanes], values[kF32Lanes] = {};
    Store(sums, sum);
    const int32_t* bias = reinterpret_cast<const int32_t*>(row.arrays) +
                          static_cast<int>(ChannelArray::kWideBias) * p.padded_channels;
    for (int64_t i = 0; i < ScalarMin<int64_t>(n, kF32Lanes); ++i) {
      int64_t wide;
      __builtin_memcpy(&wide, bias + 2 * (channel + i), sizeof(wide));
      values[i] = RequantizeWide(q, wide + sums[i], row.arrays, p.padded_channels, channel + i);
    }
    StoreIntegers(q.out, out, channel, Load(kI32, values), n);
    return;
  }
  sum = Add(sum, channels.vectors.bias);
  switch (q.rounding) {
    case IntegerRounding::kTwoRoundings:
      sum = Requantize<IntegerRounding::kTwoRoundings>(sum, channels.vectors, channels.bounds);
      break;
    case IntegerRounding::kOneRounding:
      sum = Requantize<IntegerRounding::kOneRounding>(sum, channels.vectors, channels.bounds);
      break;
    case IntegerRounding::kHalfEvenFloat:
      sum = Requantize<IntegerRounding::kHalfEvenFloat>(sum, channels.vectors, channels.bounds);
      break;
  }
  StoreIntegers(q.out, out, channel, sum, n);
}

// Channels [channel, channel + n) of a row, n at most a vector (or more: then a vector).
template <Form kForm>
void RunAnyKernel(const Row& row, int64_t channel, int64_t n) {
  const IntegerDepthwiseParams& p = *row.params;
  const Channels channels = {LoadChannels(row.arrays, p.padded_channels, channel),
                             BoundsOf(p.requantization)};
  const int64_t at = channel * row.element_bytes;
  for (int64_t x = 0; x < p.output_width; ++x) {
    VecI32 sum = Set(kI32, 0);
    const int32_t* weights = row.weights + channel;
    for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
      const int64_t input_x = x * p.stride_x - p.pad_left + kx * p.dilation_x;
      for (int64_t group = 0; group < p.row_groups; ++group, weights += p.padded_channels) {
        sum = Dot<kForm>(sum, LoadColumn<kForm>(row, p.kernel_height, input_x, group, at, n),
                         Load(kI32, weights));
      }
    }
    StoreSum(row, channels, sum, x, channel, n);
  }
}

// The same of a 3x3 kernel and a whole vector: columns that two outputs share are loaded once.
template <Form kForm, int kStride, IntegerRounding kRounding>
void RunThreeByThree(const Row& row, int64_t channel, int64_t) {
  constexpr int kSize = 3, kKept = kSize - kStride;
  constexpr int kGroups = kForm == Form::kBytes ? 1 : 2;
  const IntegerDepthwiseParams& p = *row.params;
  const Channels channels = {LoadChannels(row.arrays, p.padded_channels, channel),
                             BoundsOf(p.requantization)};
  const int64_t at = channel * row.element_bytes;
  const DType out_type = p.requantization.out;
  VecI32 weights[kSize][kGroups], columns[kSize][kGroups];
  Unroll<kSize>([&](auto k) MACE_LAMBDA_INLINE {
    Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
      constexpr int kK = decltype(k)::value, kG = decltype(g)::value;
      weights[kK][kG] = Load(kI32, row.weights + (kK * kGroups + kG) * p.padded_channels + channel);
    });
  });
  const auto load = [&](auto k, int64_t input_x) MACE_LAMBDA_INLINE {
    Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
      columns[decltype(k)::value][decltype(g)::value] =
          LoadColumn<kForm>(row, kSize, input_x, decltype(g)::value, at, kF32Lanes);
    });
  };
  // Inside the input the rows are walked along by pointers, of the next column.
  const uint8_t* next[kSize];
  const auto load_next = [&](auto k) MACE_LAMBDA_INLINE {
    Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
      constexpr int kFirst = decltype(g)::value * kRowsOfLane<kForm>;
      columns[decltype(k)::value][decltype(g)::value] = JoinRows<kForm>(
          kSize - kFirst, row.flip,
          [&](int64_t i) MACE_LAMBDA_INLINE { return LoadRow<kForm>(next[kFirst + i], kF32Lanes); });
    });
    Unroll<kSize>([&](auto r)
                      MACE_LAMBDA_INLINE { next[decltype(r)::value] += row.strides[decltype(r)::value]; });
  };
  int64_t x = 0;
  uint8_t* out = row.out;
  const auto sum_and_store = [&]() MACE_LAMBDA_INLINE {
    VecI32 sum = channels.vectors.bias;
    Unroll<kSize>([&](auto k) MACE_LAMBDA_INLINE {
      Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
        constexpr int kK = decltype(k)::value, kG = decltype(g)::value;
        sum = Dot<kForm>(sum, columns[kK][kG], weights[kK][kG]);
      });
    });
    StoreWholeIntegers(out_type, out, channel, Requantize<kRounding>(sum, channels.vectors, channels.bounds));
    out += row.out_stride_bytes;
    Unroll<kKept>([&](auto k) MACE_LAMBDA_INLINE {
      Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
        columns[decltype(k)::value][decltype(g)::value] =
            columns[decltype(k)::value + kStride][decltype(g)::value];
      });
    });
  };
  // Of output x the new columns are those from x * stride - pad + kept on; [begin, end) are outputs whose new
  // columns are inside.
  const int64_t offset = kKept - p.pad_left;
  const int64_t begin = ScalarClamp<int64_t>(kernels::DivideRoundUp(ScalarMax<int64_t>(-offset, 0), kStride),
                                             0, p.output_width);
  const int64_t room = p.input_width - kStride - offset;  // x * stride <= room
  const int64_t end = ScalarClamp<int64_t>(room < 0 ? 0 : room / kStride + 1, begin, p.output_width);
  Unroll<kKept>([&](auto k) MACE_LAMBDA_INLINE { load(k, decltype(k)::value - p.pad_left); });
  const auto run_checked = [&](int64_t until) MACE_LAMBDA_INLINE {
    for (; x < until; ++x) {
      Unroll<kStride>([&](auto k) MACE_LAMBDA_INLINE {
        load(Constant<kKept + decltype(k)::value>{}, x * kStride + offset + decltype(k)::value);
      });
      sum_and_store();
    }
  };
  run_checked(begin);
  if (x < end) {
    Unroll<kSize>([&](auto r) MACE_LAMBDA_INLINE {
      constexpr int kR = decltype(r)::value;
      next[kR] = row.lines[kR] + (x * kStride + offset) * row.strides[kR] + at;
    });
    for (; x < end; ++x) {
      Unroll<kStride>([&](auto k) MACE_LAMBDA_INLINE { load_next(Constant<kKept + decltype(k)::value>{}); });
      sum_and_store();
    }
  }
  run_checked(p.output_width);
}

using RowFunction = void (*)(const Row& row, int64_t channel, int64_t n);

template <Form kForm>
RowFunction FindFunction(const IntegerDepthwiseParams& p) {
  const IntegerRounding rounding = p.requantization.rounding;
  if (p.kernel_width == 3 && p.kernel_height == 3 && p.dilation_x == 1 && !p.wide &&
      p.channels >= kF32Lanes) {
    constexpr auto kTwo = IntegerRounding::kTwoRoundings, kHalfEven = IntegerRounding::kHalfEvenFloat;
    if (p.stride_x == 1 && rounding == kTwo) return RunThreeByThree<kForm, 1, kTwo>;
    if (p.stride_x == 2 && rounding == kTwo) return RunThreeByThree<kForm, 2, kTwo>;
    if (p.stride_x == 1 && rounding == kHalfEven) return RunThreeByThree<kForm, 1, kHalfEven>;
    if (p.stride_x == 2 && rounding == kHalfEven) return RunThreeByThree<kForm, 2, kHalfEven>;
  }
  return RunAnyKernel<kForm>;
}

void DepthwiseInteger(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const IntegerDepthwiseParams*>(arguments.params);
  static_assert(kMostRows == kernels::kMostDepthwiseTaps);
  const uint8_t* input = static_cast<const uint8_t*>(arguments.operands[0]);
  RowFunction function = nullptr;
  if (p.is_bytes) {
    function = FindFunction<Form::kBytes>(p);
  } else {
    function = p.input == DType::kU8   ? FindFunction<Form::kWordsOfU8>(p)
               : p.input == DType::kI8 ? FindFunction<Form::kWordsOfI8>(p)
                                       : FindFunction<Form::kWords>(p);
  }
  Row row;
  row.params = &p;
  row.element_bytes = p.input == DType::kI16 ? 2 : 1;
  row.arrays = static_cast<const uint8_t*>(arguments.operands[1]);
  row.weights =
      reinterpret_cast<const int32_t*>(row.arrays + kernels::ChannelArrayBytes(p.padded_channels, p.wide));
  const int out_bytes = p.requantization.out == DType::kI16 ? 2 : 1;
  row.out_stride_bytes = p.output_pixel_stride * out_bytes;
  // A row outside of the input.
  uint8_t* outside = arguments.workspace;
  for (int64_t c = 0; c < p.channels; ++c) {
    if (p.input == DType::kI16) {
      reinterpret_cast<int16_t*>(outside)[c] = static_cast<int16_t>(p.input_zero_point);
    } else {
      outside[c] = static_cast<uint8_t>(p.input_zero_point);
    }
  }
  const bool flips = p.is_bytes && kDotLhsUnsigned != (p.input == DType::kU8);
  const uint32_t flip = flips ? 0x80808080u : 0;
  const uint32_t zero = static_cast<uint32_t>(p.input_zero_point);
  const uint32_t lane = p.is_bytes ? (zero & 0xff) * 0x01010101u : (zero & 0xffff) * 0x00010001u;
  row.flip = Set(kI32, static_cast<int32_t>(flip));
  row.padding = Set(kI32, static_cast<int32_t>(lane ^ flip));
  const int64_t pixel_bytes = p.input_pixel_stride * row.element_bytes;
  for (int64_t t = tile_begin; t < tile_end; ++t) {
    const int64_t image = t / p.output_height, y = t % p.output_height;
    for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
      const int64_t input_y = y * p.stride_y - p.pad_top + ky * p.dilation_y;
      const bool inside = input_y >= 0 && input_y < p.input_height;
      row.lines[ky] =
          inside ? input + (image * p.input_height + input_y) * p.input_width * pixel_bytes : outside;
      row.strides[ky] = inside ? pixel_bytes : 0;
    }
    row.out = static_cast<uint8_t*>(arguments.operands[2]) + t * p.output_width * row.out_stride_bytes;
    if (p.channels < kF32Lanes) {
      function(row, 0, p.channels);
      continue;
    }
    // The last vector overlaps the one before.
    for (int64_t channel = 0; channel < p.channels; channel += kF32Lanes) {
      function(row, ScalarMin(channel, p.channels - kF32Lanes), kF32Lanes);
    }
  }
}

}  // namespace

extern const kernels::IntegerDepthwiseKernels kIntegerDepthwiseKernels;
const kernels::IntegerDepthwiseKernels kIntegerDepthwiseKernels = {DepthwiseInteger};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
