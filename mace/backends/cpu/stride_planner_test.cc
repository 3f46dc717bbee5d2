// Parts of concatenations and splits, and padded pixels.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::cpu {
namespace {

// Branches of a channel concatenation write into it; only what cannot is copied.
TEST(StridePlanner, ConcatenationIsAView) {
  for (const int64_t batch : {1, 2}) {
    TestGraph test;
    const ValueId x = test.Input({batch, 6, 5, 8});
    const ValueId a = test.Node(OpId::kRelu, {Conv(&test, x, {12, 1, 1, 8}, 1, 0, 1)});
    const ValueId b = Conv(&test, x, {7, 3, 3, 8}, 1, 1, 1);
    const ValueId c = Conv(&test, b, {7, 3, 3, 1}, 1, 1, 7);  // reads a part
    const ValueId joined = test.Node(OpId::kConcat, {a, b, x, c});
    test.Attributes<ops::ConcatAttributes>().axis = 3;
    test.Output(Conv(&test, joined, {9, 1, 1, 34}, 1, 0, 1));
    const ValueId rows = test.Node(OpId::kConcat, {test.Node(OpId::kAbs, {x}), test.Node(OpId::kExp, {x})});
    test.Attributes<ops::ConcatAttributes>().axis = 1;
    test.Output(test.Node(OpId::kAbs, {rows}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    const std::string convolutions =
        "conv2d_f32 conv2d_f32 depthwise_f32 copy conv2d_f32 unary_f32 unary_f32 ";
    EXPECT_EQ(kernels, convolutions + (batch == 1 ? "unary_f32" : "copy copy unary_f32"));
  }
}

TEST(StridePlanner, SplitIsAView) {
  TestGraph test;
  const ValueId x = Conv(&test, test.Input({2, 6, 5, 8}), {12, 1, 1, 8}, 1, 0, 1);
  const ValueId first = test.Node(OpId::kSplit, {x, test.List<int64_t>({5, 7})}, 2);
  test.Attributes<ops::SplitAttributes>().axis = 3;
  const ValueId second = test.graph.nodes.back().outputs[1];
  const ValueId a = Conv(&test, first, {7, 3, 3, 5}, 1, 1, 1);
  test.Output(test.Node(OpId::kAdd, {a, second}));
  test.Output(test.Node(OpId::kRelu, {x}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 conv2d_f32 unary_f32");
}

// The branch of a split that goes to a concatenation as it is costs one copy.
TEST(StridePlanner, SplitThenConcatenation) {
  TestGraph test;
  const ValueId x = Conv(&test, test.Input({1, 6, 5, 8}), {12, 1, 1, 8}, 1, 0, 1);
  const ValueId first = test.Node(OpId::kSplit, {x}, 2);
  test.Attributes<ops::SplitAttributes>().axis = 3;
  const ValueId a = Conv(&test, test.graph.nodes.back().outputs[1], {6, 3, 3, 6}, 1, 1, 1);
  const ValueId joined = test.Node(OpId::kConcat, {first, a});
  test.Attributes<ops::ConcatAttributes>().axis = 3;
  test.Output(joined);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 conv2d_f32 copy");
}

// What runs on a reference kernel writes and reads without gaps: its results are copied.
TEST(StridePlanner, ReferenceKernelsKnowNoGaps) {
  TestGraph test;
  const ValueId x = Conv(&test, test.Input({1, 3, 4, 8}), {12, 1, 1, 8}, 1, 0, 1);
  const ValueId first = test.Node(OpId::kSplit, {x}, 2);
  test.Attributes<ops::SplitAttributes>().axis = 3;
  const ValueId second = test.graph.nodes.back().outputs[1];
  const auto transposed = [&](ValueId input, int64_t stride) {
    const ValueId y = test.Node(OpId::kConvTranspose2d, {input, test.Constant({5, 1, 1, 6})});
    test.Attributes<ops::ConvTranspose2dAttributes>().strides = {stride, stride};
    return y;
  };
  const ValueId slow = transposed(first, 8);  // most outputs have no tap: there is no fast kernel for it
  const ValueId fast = transposed(second, 2);
  const ValueId resized = test.Node(OpId::kResize, {fast, kNone, test.List<int64_t>({17, 25})});
  const ValueId joined = test.Node(OpId::kConcat, {slow, resized});
  test.Attributes<ops::ConcatAttributes>().axis = 3;
  test.Output(joined);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 copy reference conv_transpose2d_f32 resize_nearest_f32 copy");
}

// Pools and reductions of integers are reference kernels.
TEST(StridePlanner, IntegersAreDense) {
  TestGraph test;
  const ValueId x = test.Input({1, 4, 5, 6}, DType::kI32);
  const ValueId first = test.Node(OpId::kSplit, {x}, 2);
  test.Attributes<ops::SplitAttributes>().axis = 3;
  const ValueId second = test.graph.nodes.back().outputs[1];
  const ValueId sum = test.Node(OpId::kReduce, {first});
  test.Attributes<ops::ReduceAttributes>() = {ops::ReduceKind::kMax, {1, 2}, true};
  test.Output(sum);
  const ValueId sizes = test.List<int64_t>({8, 10});
  const ValueId a = test.Node(OpId::kResize, {first, kNone, sizes});
  const ValueId b = test.Node(OpId::kResize, {second, kNone, sizes});
  test.Output(test.Node(OpId::kConcat, {b, a, b}));
  test.Attributes<ops::ConcatAttributes>().axis = 3;
  ExpectMatchesReference(&test, nullptr, 0.0f);
}

// Parts of what was put off, and what was put off as a part.
TEST(StridePlanner, PartsOfTranspositions) {
  TestGraph test;
  const ValueId x = Conv(&test, test.Input({1, 4, 6, 8}), {12, 1, 1, 8}, 1, 0, 1);
  const ValueId turned = test.Node(OpId::kTranspose, {x});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 2, 1, 3};
  const ValueId first = test.Node(OpId::kSplit, {turned}, 2);
  test.Attributes<ops::SplitAttributes>().axis = 3;
  const ValueId second = test.graph.nodes.back().outputs[1];
  const ValueId a = Conv(&test, first, {6, 3, 3, 6}, 1, 1, 1), b = Conv(&test, second, {6, 1, 1, 6}, 1, 0, 1);
  test.Output(test.Node(OpId::kAdd, {a, b}));
  const ValueId again = test.Node(OpId::kTranspose, {a});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 2, 1, 3};
  const ValueId joined = test.Node(OpId::kConcat, {test.Node(OpId::kExp, {again}), again});
  test.Attributes<ops::ConcatAttributes>().axis = 1;
  test.Output(joined);
  const ValueId last = test.Node(OpId::kTranspose, {b});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 3, 2, 1};
  test.Output(test.Node(OpId::kConcat, {last, test.Input({2, 6, 4, 6})}));
  ExpectMatchesReference(&test);
}

// 512 floats are 2 KiB: between the convolutions pixels lie 64 bytes further apart.
TEST(StridePlanner, PadsPixelStridesOfDepthwiseOperands) {
  for (const int64_t channels : {512, 508}) {
    TestGraph test;
    const ValueId x = Conv(&test, test.Input({1, 4, 5, 8}), {channels, 1, 1, 8}, 1, 0, 1);
    const ValueId y = Conv(&test, test.Node(OpId::kRelu, {x}), {channels, 3, 3, 1}, 1, 1, channels);
    const ValueId z = test.Node(OpId::kReduce, {y});
    test.Attributes<ops::ReduceAttributes>() = {ops::ReduceKind::kMean, {1, 2}, true};
    test.Output(z);
    ExpectMatchesReference(&test);
    CompiledGraph compiled;
    compiled.Compile(&test.graph, {});
    int padded = 0, internal = 0;
    for (const UnitSlot& slot : compiled.unit().slots()) {
      internal += slot.value == kNone;
      padded += slot.value == kNone && slot.bytes == 4 * 5 * (512 * 4 + 64);
    }
    EXPECT_EQ(internal, 2);
    EXPECT_EQ(padded, channels == 512 ? 2 : 0);
  }
}

}  // namespace
}  // namespace mace::cpu
