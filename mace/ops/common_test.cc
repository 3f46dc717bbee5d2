#include "mace/ops/common.h"

#include "mace/ops/broadcast.h"
#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Counts windows and padding by trying positions one by one.
TEST(Window, MatchesCounting) {
  for (int64_t kernel : {1, 2, 3}) {
    for (int64_t stride : {1, 2, 3, 5}) {
      for (int64_t dilation : {1, 2}) {
        for (int64_t input = 1; input < 12; ++input) {
          WindowAxis window = {.kernel = kernel, .stride = stride, .dilation = dilation};
          const int64_t extent = (kernel - 1) * dilation + 1;
          int64_t begin = 0, end = 0, output = 0, count = 0;
          for (int64_t start = 0; start + extent <= input; start += stride) ++count;
          if (count > 0) {
            ASSERT_OK(OutputSize(window, input, &output));
            EXPECT_EQ(output, count);
          }
          window.padding = Padding::kSameUpper;
          ASSERT_OK(OutputSize(window, input, &output));
          ASSERT_OK(ResolvePadding(window, input, &begin, &end));
          EXPECT_EQ(output, (input + stride - 1) / stride);
          // The last window ends exactly at the padded end, or needs no padding.
          if (begin + end > 0) {
            EXPECT_EQ((output - 1) * stride + extent, begin + input + end);
          }
          EXPECT_TRUE(end == begin || end == begin + 1);
          EXPECT_LE((output - 1) * stride + extent, begin + input + end);
          window.padding = Padding::kSameLower;
          int64_t lower_begin = 0, lower_end = 0;
          ASSERT_OK(ResolvePadding(window, input, &lower_begin, &lower_end));
          EXPECT_TRUE(lower_begin == end && lower_end == begin);
        }
      }
    }
  }
}

TEST(Window, ClipTapsMatchesTrying) {
  for (int64_t start = -7; start < 7; ++start) {
    for (int64_t dilation = 1; dilation < 4; ++dilation) {
      int64_t begin = 0, end = 0;
      ClipTaps(start, 4, dilation, 5, &begin, &end);
      for (int64_t tap = 0; tap < 4; ++tap) {
        const int64_t place = start + tap * dilation;
        EXPECT_EQ(tap >= begin && tap < end, place >= 0 && place < 5)
            << start << " " << dilation << " " << tap;
      }
    }
  }
  int64_t begin = 0, end = 0;
  ClipTaps(-INT64_C(0x7fffffff), INT64_C(0x7fffffff), 1, INT64_MAX, &begin, &end);
  EXPECT_EQ(begin, end);
}

TEST(Dims, MergeAndArithmetic) {
  int64_t merged = 0;
  const int64_t s = SymbolDim(0), t = SymbolDim(1);
  EXPECT_TRUE(MergeDim(3, s, &merged) && merged == 3);
  EXPECT_TRUE(MergeDim(kUnknownDim, s, &merged) && merged == s);
  EXPECT_TRUE(MergeDim(s, kUnknownDim, &merged) && merged == s);
  EXPECT_TRUE(MergeDim(t, s, &merged) && merged == t);
  EXPECT_FALSE(MergeDim(3, 4, &merged));
  EXPECT_ERROR(AddDims(INT64_MAX, 1, &merged), kInvalidArgument);
  EXPECT_ERROR(MultiplyDims(INT64_MAX, 2, &merged), kInvalidArgument);
  ASSERT_OK(MultiplyDims(s, 2, &merged));
  EXPECT_EQ(merged, kUnknownDim);
}

TEST(StridedWalk, EmptyAndScalar) {
  int64_t strides[kMaxRank];
  ContiguousStrides({3, 0, INT64_MAX, 4}, strides);
  EXPECT_TRUE((StridedWalk<1>({3, 0, INT64_MAX, 4}, {strides}).done()));
  int steps = 0;
  for (StridedWalk<1> walk({}, {strides}); !walk.done(); walk.Next()) ++steps;
  EXPECT_EQ(steps, 1);
}

}  // namespace
}  // namespace mace::ops
