#include "mace/simd/simd.h"
// simd.h first: it names the namespace.
#include "mace/kernels/integer_depthwise/integer_depthwise.h"

#include "mace/kernels/integer_gemm/finish-inl.h"
#include "mace/kernels/integer_gemm/requantization-inl.h"
#include "mace/kernels/sizes.h"
#include "mace/simd/dot.h"
#include "mace/simd/unroll.h"

namespace mace {
namespace MACE_ISA_NAMESPACE {
namespace {

using kernels::IntegerDepthwiseParams;
using kernels::KernelArguments;

constexpr int kMostTaps = kernels::kMostDepthwiseTaps;
constexpr int64_t kSumsBytes = kernels::kDepthwiseSumsBytes;
constexpr int kChunkVectors = 2;  // finished together: see FinishPairs
constexpr int64_t kMostBlockOutputs = kSumsBytes / (kChunkVectors * kF32Lanes * 4);
constexpr int64_t kMostLines = kMostTaps;  // of all rows of a block
constexpr int kMostTileOutputs = 8;        // whose sums 16 registers hold beside the weights
static_assert(kChunkVectors * kF32Lanes * 4 <= kernels::kMostDepthwiseChunkBytes);

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

// Of each kernel row: the pixel x = 0 of its input row, and the bytes to the next pixel (0 where the row is
// padding).
struct Lines {
  const uint8_t* const* pixels;
  const int64_t* strides;

  Lines After(int64_t count) const { return {pixels + count, strides + count}; }
};

// One output row of one image, or the first of several.
struct Row {
  const IntegerDepthwiseParams* params;
  Lines lines;     // those of the next row follow
  VecI32 flip;     // what bytes are xored with
  VecI32 padding;  // a whole lane of zero points, flipped
  const uint8_t* arrays;
  const int32_t* weights;
  uint8_t* out;  // pixel 0
  int64_t element_bytes, out_bytes, out_stride_bytes;
  FinishFunction finish;
  int32_t* columns;  // in the workspace
  int32_t* sums;     // in the workspace: [output][channel of a chunk]
};

template <Form kForm>
inline constexpr int kRowsOfLane = kForm == Form::kBytes ? 4 : 2;
template <Form kForm>
inline constexpr int kElementBytes = kForm == Form::kWords ? 2 : 1;

// A lane of `count` rows of a column, at most kRowsOfLane. load(i) gives row i.
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

// Input columns a stride apart: output i of a block takes number i of them for a kernel column, and number
// i + 1, i + 2... for others of the run. So outputs side by side read vectors side by side, at any stride.
struct Run {
  int64_t first_x;     // the input column of number 0, where the block begins with output 0
  int64_t spare;       // how many there are beyond one an output
  int64_t at;          // of the workspace's columns: number 0
  int64_t block_x;     // first_x in this block
  int64_t begin, end;  // those that lie within the input, in this block
};

// The columns that a block of one output row needs, [vector][group][run][number] in the workspace.
struct Columns {
  int64_t block_outputs;  // at most
  int64_t group_columns;  // of all runs
  int64_t run_count;
  Run runs[kMostTaps];
  int64_t offsets[kMostTaps];  // elements from the first to what output 0 takes for [kernel column][group]
};

// As many outputs as fit at once. Kernel columns share a run where they stand strides apart, or each has its
// own (`shared`); gives false where not even one output fits.
bool PlanColumns(const IntegerDepthwiseParams& p, bool shared, Columns* columns) {
  int64_t run_of[kMostTaps], number[kMostTaps];
  int64_t spare = 0;
  columns->run_count = 0;
  for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
    const int64_t x = kx * p.dilation_x;
    int64_t r = shared ? 0 : columns->run_count;
    while (r < columns->run_count && (x - columns->runs[r].first_x) % p.stride_x != 0) ++r;
    Run& run = columns->runs[r];
    if (r == columns->run_count) {
      run.first_x = x;
      run.spare = 0;
      ++columns->run_count;
    }
    run_of[kx] = r;
    number[kx] = (x - run.first_x) / p.stride_x;
    spare += number[kx] - run.spare;
    run.spare = number[kx];
  }
  const int64_t capacity = p.column_bytes / (p.row_groups * kChunkVectors * kF32Lanes * 4);
  const int64_t fitting = (capacity - spare) / columns->run_count;
  if (spare >= capacity || fitting < 1) return false;
  const int64_t most = ScalarMin(fitting, kMostBlockOutputs);
  const int64_t blocks = kernels::DivideRoundUp(p.output_width, most);
  columns->block_outputs = kernels::DivideRoundUp(p.output_width, blocks);
  columns->group_columns = columns->run_count * columns->block_outputs + spare;
  int64_t at = 0;
  for (int64_t r = 0; r < columns->run_count; ++r) {
    Run& run = columns->runs[r];
    run.first_x -= p.pad_left;
    run.at = at;
    at += columns->block_outputs + run.spare;
  }
  for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
    for (int64_t group = 0; group < p.row_groups; ++group) {
      columns->offsets[kx * p.row_groups + group] =
          (group * columns->group_columns + columns->runs[run_of[kx]].at + number[kx]) * kF32Lanes;
    }
  }
  return true;
}

// Where the columns of a chunk of channels go, and from where: channels from byte `at` of a pixel on, `n` of
// them, which is two vectors, one or less.
struct Chunk {
  int64_t at, n;
  int32_t* to;
  int64_t second;  // elements from a column of the first vector to that of the second
};

// Columns x, x + stride_x, ... of a run, as lanes of kRows rows.
template <Form kForm, int kRows>
void LoadRun(const Row& row, const Lines& lines, const Run& run, int64_t count, int64_t group,
             const Chunk& chunk, int32_t* to) {
  const uint8_t* next[kRows];
  int64_t steps[kRows];
  Unroll<kRows>([&](auto r) MACE_LAMBDA_INLINE {
    constexpr int kR = decltype(r)::value;
    const int64_t line = group * kRowsOfLane<kForm> + kR, stride_x = row.params->stride_x;
    steps[kR] = lines.strides[line] * stride_x;
    next[kR] = lines.pixels[line] + (run.block_x + run.begin * stride_x) * lines.strides[line] + chunk.at;
  });
  const auto load = [&](auto vectors, int64_t lanes) MACE_LAMBDA_INLINE {
    constexpr int kVectors = decltype(vectors)::value;
    const auto pad = [&](int64_t i, int64_t end) MACE_LAMBDA_INLINE {
      for (; i < end; ++i) {
        Store(to + i * kF32Lanes, row.padding);
        if constexpr (kVectors == 2) Store(to + chunk.second + i * kF32Lanes, row.padding);
      }
    };
    pad(0, run.begin);
    for (int64_t i = run.begin; i < run.end; ++i) {
      Unroll<kVectors>([&](auto v) MACE_LAMBDA_INLINE {
        constexpr int kV = decltype(v)::value;
        const VecI32 column = JoinRows<kForm>(kRows, row.flip, [&](int64_t r) MACE_LAMBDA_INLINE {
          return LoadRow<kForm>(next[r] + kV * kF32Lanes * kElementBytes<kForm>, lanes);
        });
        Store(to + kV * chunk.second + i * kF32Lanes, column);
      });
      Unroll<kRows>([&](auto r)
                        MACE_LAMBDA_INLINE { next[decltype(r)::value] += steps[decltype(r)::value]; });
    }
    pad(run.end, count);
  };
  if (chunk.n > kF32Lanes) {
    load(Constant<2>{}, kF32Lanes);
  } else if (chunk.n == kF32Lanes) {
    load(Constant<1>{}, kF32Lanes);
  } else {
    load(Constant<1>{}, chunk.n);
  }
}

// All columns of `outputs` outputs.
template <Form kForm>
void LoadColumns(const Row& row, const Lines& lines, const Columns& columns, int64_t outputs,
                 const Chunk& chunk) {
  for (int64_t group = 0; group < row.params->row_groups; ++group) {
    const int64_t rows = row.params->kernel_height - group * kRowsOfLane<kForm>;
    const auto function = [&] {
      if constexpr (kForm == Form::kBytes) {
        if (rows >= 4) return LoadRun<kForm, 4>;
        if (rows == 3) return LoadRun<kForm, 3>;
      }
      return rows >= 2 ? LoadRun<kForm, 2> : LoadRun<kForm, 1>;
    }();
    for (int64_t r = 0; r < columns.run_count; ++r) {
      const Run& run = columns.runs[r];
      function(row, lines, run, outputs + run.spare, group, chunk,
               chunk.to + (group * columns.group_columns + run.at) * kF32Lanes);
    }
  }
}

template <Form kForm>
MACE_INLINE VecI32 Dot(VecI32 sum, VecI32 column, VecI32 weights) {
  if constexpr (kForm == Form::kBytes) {
    return DotBytes(sum, column, weights);
  } else {
    return DotWords(sum, column, weights);
  }
}

struct SumTile {
  const int32_t* columns;  // of the tile's first output
  const int64_t* offsets;  // of each tap
  const int32_t* weights;
  const int32_t* initial;  // what the sums begin with
  int64_t taps, weights_stride;
  int32_t* sums;
  int64_t sums_stride;
};

// Sums of kOutputs neighbours: a vector of weights serves all of them.
template <Form kForm, int kOutputs>
void ComputeSums(const SumTile& tile) {
  VecI32 sums[kOutputs];
  const VecI32 initial = Load(kI32, tile.initial);
  Unroll<kOutputs>([&](auto o) MACE_LAMBDA_INLINE { sums[decltype(o)::value] = initial; });
  const int32_t* weights = tile.weights;
  int32_t* const to = tile.sums;
  const int64_t sums_stride = tile.sums_stride;
  for (int64_t tap = 0; tap < tile.taps; ++tap, weights += tile.weights_stride) {
    const int32_t* columns = tile.columns + tile.offsets[tap];
    const VecI32 weight = Load(kI32, weights);
    Unroll<kOutputs>([&](auto o) MACE_LAMBDA_INLINE {
      constexpr int kO = decltype(o)::value;
      const VecI32 column = Load(kI32, columns + kO * kF32Lanes);
      sums[kO] = Dot<kForm>(sums[kO], column, weight);
    });
  }
  Unroll<kOutputs>([&](auto o) MACE_LAMBDA_INLINE {
    Store(to + decltype(o)::value * sums_stride, sums[decltype(o)::value]);
  });
}

using SumFunction = void (*)(const SumTile&);
template <Form kForm, int... kIndices>
const SumFunction* SumsOf(IndexList<kIndices...>) {
  static constexpr SumFunction kFunctions[] = {ComputeSums<kForm, kIndices + 1>...};
  return kFunctions;
}

// 64-bit sums, of channels from `channel` on.
void FinishWide(const Finish& f, int64_t channel) {
  const int32_t* bias = reinterpret_cast<const int32_t*>(f.arrays) +
                        static_cast<int>(ChannelArray::kWideBias) * f.width + channel;
  for (int r = 0; r < f.rows; ++r) {
    for (int64_t c = 0; c < f.columns; ++c) {
      int64_t sum;
      __builtin_memcpy(&sum, bias + 2 * c, sizeof(sum));
      sum += f.sums[r * f.sums_stride + c];
      const int32_t value = RequantizeWide(*f.q, sum, f.arrays, f.width, c);
      StoreIntegers(f.q->out, f.out + r * f.out_stride_bytes, c, Set(kI32, value), 1);
    }
  }
}

// Outputs [x, x + outputs) of `rows` rows, which are all of their outputs where there are several rows.
template <Form kForm>
void RunBlock(const Row& row, const Columns& columns, int64_t x, int64_t outputs, int64_t rows) {
  const IntegerDepthwiseParams& p = *row.params;
  constexpr Form kSumForm = kForm == Form::kBytes ? kForm : Form::kWords;
  const SumFunction* functions = SumsOf<kSumForm>(typename MakeIndexList<kMostTileOutputs>::Type{});
  const int64_t tiles = kernels::DivideRoundUp(outputs, kMostTileOutputs);
  const int64_t least = outputs / tiles, larger = outputs % tiles;
  constexpr int64_t kChunk = kChunkVectors * kF32Lanes;
  static constexpr int32_t kZeros[kF32Lanes] = {};
  SumTile tile;  // which begins with the bias: it is the first of the arrays
  tile.offsets = columns.offsets;
  tile.taps = p.kernel_width * p.row_groups;
  tile.weights_stride = p.padded_channels;
  tile.sums_stride = kChunk;
  for (int64_t channel = 0; channel < p.channels;) {
    // The last vectors overlap those before.
    const int64_t left = p.channels - channel;
    const int64_t n =
        left > kF32Lanes && p.channels >= kChunk ? kChunk : ScalarMin<int64_t>(p.channels, kF32Lanes);
    channel = ScalarMin(channel, p.channels - n);
    const Chunk chunk = {channel * kElementBytes<kForm>, n, row.columns,
                         columns.group_columns * p.row_groups * kF32Lanes};
    for (int64_t r = 0; r < rows; ++r) {
      LoadColumns<kForm>(row, row.lines.After(r * p.kernel_height), columns, outputs, chunk);
      for (int64_t vector = 0; vector < n; vector += kF32Lanes) {
        tile.columns = row.columns + (vector == 0 ? 0 : chunk.second);
        tile.weights = row.weights + channel + vector;
        tile.initial = p.wide ? kZeros : reinterpret_cast<const int32_t*>(row.arrays) + channel + vector;
        tile.sums = row.sums + r * outputs * kChunk + vector;
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t count = least + (t < larger ? 1 : 0);
          functions[count - 1](tile);
          tile.columns += count * kF32Lanes;
          tile.sums += count * kChunk;
        }
      }
    }
    uint8_t* const out = row.out + x * row.out_stride_bytes + channel * row.out_bytes;
    const Finish finish = {&p.requantization,
                           row.arrays + channel * 4,
                           p.padded_channels,
                           n,
                           row.sums,
                           kChunk,
                           static_cast<int>(rows * outputs),
                           nullptr,
                           out,
                           row.out_stride_bytes};
    if (p.wide) {
      FinishWide(finish, channel);
    } else {
      row.finish(finish);
    }
    channel += n;
  }
}

// Rows [group * rows, ...) of the column at input_x, channels from byte `at` on. `height`: of the kernel.
template <Form kForm>
MACE_INLINE VecI32 LoadColumn(const Row& row, const Lines& lines, int64_t height, int64_t input_x,
                              int64_t group, int64_t at) {
  if (input_x < 0 || input_x >= row.params->input_width) return row.padding;
  const int64_t first = group * kRowsOfLane<kForm>;
  return JoinRows<kForm>(height - first, row.flip, [&](int64_t i) MACE_LAMBDA_INLINE {
    return LoadRow<kForm>(lines.pixels[first + i] + input_x * lines.strides[first + i] + at, kF32Lanes);
  });
}

// A vector of channels of rows of a 3x3 kernel: columns stay in registers for all outputs that share them,
// which is faster than RunBlock (AVX2 on Zen 4: 14.6 us for 21.8, 14x14x184).
template <Form kForm, int kStride, IntegerRounding kRounding>
void RunThreeByThree(const Row& row, int64_t channel, int64_t rows) {
  constexpr int kSize = 3, kKept = kSize - kStride;
  constexpr int kGroups = kForm == Form::kBytes ? 1 : 2;
  const IntegerDepthwiseParams& p = *row.params;
  const ChannelVectors vectors = LoadChannels(row.arrays, p.padded_channels, channel);
  const OutputBounds bounds = BoundsOf(p.requantization);
  const int64_t at = channel * row.element_bytes;
  const DType out_type = p.requantization.out;
  VecI32 weights[kSize][kGroups], columns[kSize][kGroups];
  Unroll<kSize>([&](auto k) MACE_LAMBDA_INLINE {
    Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
      constexpr int kK = decltype(k)::value, kG = decltype(g)::value;
      weights[kK][kG] = Load(kI32, row.weights + (kK * kGroups + kG) * p.padded_channels + channel);
    });
  });
  Lines lines = row.lines;
  const auto load = [&](auto k, int64_t input_x) MACE_LAMBDA_INLINE {
    Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
      columns[decltype(k)::value][decltype(g)::value] =
          LoadColumn<kForm>(row, lines, kSize, input_x, decltype(g)::value, at);
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
                      MACE_LAMBDA_INLINE { next[decltype(r)::value] += lines.strides[decltype(r)::value]; });
  };
  int64_t x = 0;
  uint8_t* out = row.out;  // rows follow each other
  const auto sum_and_store = [&]() MACE_LAMBDA_INLINE {
    VecI32 sum = vectors.bias;
    Unroll<kSize>([&](auto k) MACE_LAMBDA_INLINE {
      Unroll<kGroups>([&](auto g) MACE_LAMBDA_INLINE {
        constexpr int kK = decltype(k)::value, kG = decltype(g)::value;
        sum = Dot<kForm>(sum, columns[kK][kG], weights[kK][kG]);
      });
    });
    StoreWholeIntegers(out_type, out, channel, Requantize<kRounding, false>(sum, vectors, bounds));
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
  const auto run_checked = [&](int64_t until) MACE_LAMBDA_INLINE {
    for (; x < until; ++x) {
      Unroll<kStride>([&](auto k) MACE_LAMBDA_INLINE {
        load(Constant<kKept + decltype(k)::value>{}, x * kStride + offset + decltype(k)::value);
      });
      sum_and_store();
    }
  };
  for (int64_t r = 0; r < rows; ++r, lines = lines.After(kSize)) {
    x = 0;
    Unroll<kKept>([&](auto k) MACE_LAMBDA_INLINE { load(k, decltype(k)::value - p.pad_left); });
    run_checked(begin);
    if (x < end) {
      Unroll<kSize>([&](auto r) MACE_LAMBDA_INLINE {
        constexpr int kR = decltype(r)::value;
        next[kR] = lines.pixels[kR] + (x * kStride + offset) * lines.strides[kR] + at;
      });
      for (; x < end; ++x) {
        Unroll<kStride>([&](auto k)
                            MACE_LAMBDA_INLINE { load_next(Constant<kKept + decltype(k)::value>{}); });
        sum_and_store();
      }
    }
    run_checked(p.output_width);
  }
}

using RowFunction = void (*)(const Row& row, int64_t channel, int64_t rows);

template <Form kForm>
RowFunction FindThreeByThree(const IntegerDepthwiseParams& p) {
  constexpr auto kTwo = IntegerRounding::kTwoRoundings, kHalfEven = IntegerRounding::kHalfEvenFloat;
  const IntegerRounding rounding = p.requantization.rounding;
  if (p.stride_x == 1 && rounding == kTwo) return RunThreeByThree<kForm, 1, kTwo>;
  if (p.stride_x == 2 && rounding == kTwo) return RunThreeByThree<kForm, 2, kTwo>;
  if (p.stride_x == 1 && rounding == kHalfEven) return RunThreeByThree<kForm, 1, kHalfEven>;
  if (p.stride_x == 2 && rounding == kHalfEven) return RunThreeByThree<kForm, 2, kHalfEven>;
  return nullptr;
}

struct Functions {
  void (*run_block)(const Row& row, const Columns& columns, int64_t x, int64_t outputs, int64_t rows);
  RowFunction run_three_by_three;  // or null
};

template <Form kForm>
Functions FunctionsOf(const IntegerDepthwiseParams& p) {
  return {RunBlock<kForm>, FindThreeByThree<kForm>(p)};
}
Functions FindFunctions(const IntegerDepthwiseParams& p, bool shifts_left) {
  Functions functions = p.is_bytes              ? FunctionsOf<Form::kBytes>(p)
                        : p.input == DType::kU8 ? FunctionsOf<Form::kWordsOfU8>(p)
                        : p.input == DType::kI8 ? FunctionsOf<Form::kWordsOfI8>(p)
                                                : FunctionsOf<Form::kWords>(p);
  if (p.kernel_width != 3 || p.kernel_height != 3 || p.dilation_x != 1 || p.wide || shifts_left ||
      p.channels < kF32Lanes) {
    functions.run_three_by_three = nullptr;
  }
  return functions;
}

// Which columns of the runs lie within the input in a block from output x on.
void SetBlock(const IntegerDepthwiseParams& p, int64_t x, int64_t outputs, Columns* columns) {
  const int64_t stride = p.stride_x;
  for (int64_t r = 0; r < columns->run_count; ++r) {
    Run& run = columns->runs[r];
    const int64_t count = outputs + run.spare;
    run.block_x = x * stride + run.first_x;
    run.begin = ScalarMin(count, kernels::DivideRoundUp(ScalarMax<int64_t>(-run.block_x, 0), stride));
    run.end = ScalarClamp(kernels::DivideRoundUp(ScalarMax<int64_t>(p.input_width - run.block_x, 0), stride),
                          run.begin, count);
  }
}

// Lines and strides of output row t, of all images.
void SetLines(const IntegerDepthwiseParams& p, const uint8_t* input, int64_t pixel_bytes,
              const uint8_t* outside, int64_t t, const uint8_t** lines, int64_t* strides) {
  const int64_t image = t / p.output_height, y = t % p.output_height;
  for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
    const int64_t input_y = y * p.stride_y - p.pad_top + ky * p.dilation_y;
    const bool inside = input_y >= 0 && input_y < p.input_height;
    lines[ky] = inside ? input + (image * p.input_height + input_y) * p.input_width * pixel_bytes : outside;
    strides[ky] = inside ? pixel_bytes : 0;
  }
}

void DepthwiseInteger(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const auto& p = *static_cast<const IntegerDepthwiseParams*>(arguments.params);
  const uint8_t* input = static_cast<const uint8_t*>(arguments.operands[0]);
  Columns columns;
  if (!PlanColumns(p, true, &columns) || columns.group_columns > p.kernel_width * columns.block_outputs) {
    // Strides or dilations so large that sharing takes more columns than it saves.
    PlanColumns(p, false, &columns);
  }
  Row row;
  row.params = &p;
  row.element_bytes = p.input == DType::kI16 ? 2 : 1;
  const uint8_t* packed = static_cast<const uint8_t*>(arguments.operands[1]);
  row.arrays = packed + kernels::kDepthwiseHeaderBytes;
  row.weights =
      reinterpret_cast<const int32_t*>(row.arrays + kernels::ChannelArrayBytes(p.padded_channels, p.wide));
  row.out_bytes = p.requantization.out == DType::kI16 ? 2 : 1;
  row.out_stride_bytes = p.output_pixel_stride * row.out_bytes;
  const kernels::ChannelShifts shifts = {packed[0] != 0, packed[1] != 0};
  row.finish = FinishOf(p.requantization, shifts);
  const Functions functions = FindFunctions(p, shifts.some_left);
  row.columns = reinterpret_cast<int32_t*>(arguments.workspace);
  row.sums = reinterpret_cast<int32_t*>(arguments.workspace + p.column_bytes);
  // A row outside of the input.
  uint8_t* outside = arguments.workspace + p.column_bytes + kSumsBytes;
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
  // Rows of few outputs are run together: the weights are then read and the outputs made once for all.
  const int64_t most_rows =
      columns.block_outputs < p.output_width
          ? 1
          : ScalarMin(kMostLines / p.kernel_height, kMostBlockOutputs / columns.block_outputs);
  const uint8_t* lines[kMostLines];
  int64_t strides[kMostLines];
  row.lines = {lines, strides};
  for (int64_t t = tile_begin; t < tile_end;) {
    const int64_t rows = ScalarMin(most_rows, tile_end - t);
    for (int64_t r = 0; r < rows; ++r) {
      SetLines(p, input, pixel_bytes, outside, t + r, lines + r * p.kernel_height,
               strides + r * p.kernel_height);
    }
    row.out = static_cast<uint8_t*>(arguments.operands[2]) + t * p.output_width * row.out_stride_bytes;
    t += rows;
    if (functions.run_three_by_three != nullptr) {
      for (int64_t channel = 0; channel < p.channels; channel += kF32Lanes) {
        functions.run_three_by_three(row, ScalarMin(channel, p.channels - kF32Lanes), rows);
      }
      continue;
    }
    for (int64_t x = 0; x < p.output_width; x += columns.block_outputs) {
      const int64_t outputs = ScalarMin(columns.block_outputs, p.output_width - x);
      SetBlock(p, x, outputs, &columns);
      functions.run_block(row, columns, x, outputs, rows);
    }
  }
}

}  // namespace

extern const kernels::IntegerDepthwiseKernels kIntegerDepthwiseKernels;
const kernels::IntegerDepthwiseKernels kIntegerDepthwiseKernels = {DepthwiseInteger};

}  // namespace MACE_ISA_NAMESPACE
}  // namespace mace
