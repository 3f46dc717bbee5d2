// Each lowering and each fusion against the reference kernels, on every instruction set of this machine, with
// one and two threads.
#include <algorithm>

#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/binary/binary.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_transpose2d.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/norm/group_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/pooling/average_pool2d.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"

namespace mace::cpu {
namespace {

struct ConvolutionCase {
  const char* name;
  Shape input, weights;
  int64_t stride, pad, groups;
};

class LoweringOfConvolution : public testing::TestWithParam<ConvolutionCase> {};

TEST_P(LoweringOfConvolution, TakesBiasResidualAndActivation) {
  const ConvolutionCase& c = GetParam();
  TestGraph test;
  const ValueId x = test.Input(c.input);
  const ValueId y = Conv(&test, x, c.weights, c.stride, c.pad, c.groups);
  ASSERT_MACE_OK(InferGraphTypes(&test.graph));
  const ValueId residual = test.Input(test.graph.values[y].type.shape);
  const ValueId sum = test.Node(OpId::kAdd, {residual, y});
  const ValueId clip = test.Node(OpId::kClip, {sum});
  test.Attributes<ops::ClipAttributes>().min = 0.0f;
  test.Attributes<ops::ClipAttributes>().max = 6.0f;
  test.Output(clip);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  const bool is_depthwise = c.groups > 1 && c.groups == c.input[3];
  EXPECT_EQ(kernels, is_depthwise ? "depthwise_f32" : "conv2d_f32");
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LoweringOfConvolution,
    testing::Values(ConvolutionCase{"pointwise", {1, 5, 7, 13}, {19, 1, 1, 13}, 1, 0, 1},
                    ConvolutionCase{"batch", {2, 4, 4, 16}, {16, 1, 1, 16}, 1, 0, 1},
                    ConvolutionCase{"dense", {1, 9, 8, 10}, {12, 3, 3, 10}, 1, 1, 1},
                    ConvolutionCase{"strided", {2, 9, 7, 9}, {20, 3, 3, 9}, 2, 1, 1},
                    ConvolutionCase{"stem", {1, 17, 15, 3}, {24, 3, 3, 3}, 2, 1, 1},
                    ConvolutionCase{"grouped", {1, 6, 6, 8}, {12, 3, 3, 4}, 1, 1, 2},
                    ConvolutionCase{"depthwise", {1, 9, 11, 21}, {21, 3, 3, 1}, 1, 1, 21},
                    ConvolutionCase{"depthwise_strided", {1, 8, 8, 16}, {16, 5, 5, 1}, 2, 2, 16},
                    ConvolutionCase{"multiplier", {1, 6, 5, 6}, {12, 3, 3, 1}, 1, 1, 6},
                    ConvolutionCase{"empty", {0, 6, 5, 6}, {12, 3, 3, 6}, 1, 1, 1}),
    [](const auto& info) { return info.param.name; });

TEST(Lowering, TransposedConvolution) {
  for (int64_t kernel : {2, 3}) {
    TestGraph test;
    const ValueId x = test.Input({1, 5, 4, 7});
    const ValueId y =
        test.Node(OpId::kConvTranspose2d, {x, test.Constant({9, kernel, kernel, 7}), test.Constant({9})});
    test.Attributes<ops::ConvTranspose2dAttributes>().strides = {2, 2};
    test.Output(test.Node(OpId::kSigmoid, {y}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, "conv_transpose2d_f32");
  }
}

// Kernel = stride is one matrix only where the taps lie side by side.
TEST(Lowering, TransposedConvolutionWithDilations) {
  for (const int64_t channels : {1, 3, 8}) {
    for (const IntList& dilations : {IntList{2, 2}, IntList{1, 3}, IntList{3, 1}}) {
      for (const IntList& kernel : {IntList{2, 2}, IntList{1, 3}, IntList{3, 1}}) {
        TestGraph test;
        const ValueId x = test.Input({1, 5, 4, 7});
        const ValueId w = test.Constant({channels, kernel[0], kernel[1], 7});
        test.Output(test.Node(OpId::kConvTranspose2d, {x, w, test.Constant({channels})}));
        auto& attributes = test.Attributes<ops::ConvTranspose2dAttributes>();
        attributes.strides = kernel;
        attributes.dilations = dilations;
        ExpectMatchesReference(&test);
      }
    }
  }
}

// Strides of which almost every output pixel gets nothing but the bias.
TEST(Lowering, TransposedConvolutionWithHugeStrides) {
  TestGraph test;
  const ValueId x = test.Input({1, 2, 1, 3});
  const ValueId y = test.Node(OpId::kConvTranspose2d, {x, test.Constant({4, 2, 1, 3}), test.Constant({4})});
  test.Attributes<ops::ConvTranspose2dAttributes>().strides = {3000, 2147483647};
  test.Output(y);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "reference");
}

// With few channels, kernel = stride is one GEMM whose columns are moved to their pixels.
TEST(Lowering, TransposedConvolutionToOneChannel) {
  TestGraph test;
  const ValueId x = test.Input({2, 5, 4, 7});
  const ValueId y = test.Node(OpId::kConvTranspose2d, {x, test.Constant({1, 2, 3, 7}), test.Constant({1})});
  test.Attributes<ops::ConvTranspose2dAttributes>().strides = {2, 3};
  test.Output(test.Node(OpId::kSigmoid, {y}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "gemm_f32 transpose unary_f32");
}

TEST(Lowering, SqueezeAndExcite) {
  for (int64_t batch : {1, 2}) {
    TestGraph test;
    const ValueId y = Conv(&test, test.Input({batch, 6, 6, 8}), {24, 1, 1, 8}, 1, 0, 1);
    const ValueId mean = test.Node(OpId::kReduce, {y});
    test.Attributes<ops::ReduceAttributes>() = {ops::ReduceKind::kMean, {1, 2}, true};
    const ValueId gate = test.Node(OpId::kHardSigmoid, {Conv(&test, mean, {24, 1, 1, 24}, 1, 0, 1)});
    test.Output(test.Node(OpId::kMul, {y, gate}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, "conv2d_f32 reduce_f32 conv2d_f32 binary_f32");
  }
}

TEST(Lowering, FullyConnected) {
  TestGraph test;
  const ValueId x = test.Input({3, 5, 17});
  const ValueId y = test.Node(OpId::kFullyConnected, {x, test.Constant({29, 17}), test.Constant({29})});
  test.Output(test.Node(OpId::kGelu, {y}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "gemm_f32");
}

TEST(Lowering, MatMulByAConstant) {
  for (const bool transpose : {false, true}) {
    TestGraph test;
    const ValueId x = test.Input({2, 5, 17});
    const ValueId y = test.Node(OpId::kMatMul, {x, test.Constant(transpose ? Shape{9, 17} : Shape{17, 9})});
    test.Attributes<ops::MatMulAttributes>().transpose_b = transpose;
    test.Output(test.Node(OpId::kAdd, {test.Constant({9}), y}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, "gemm_f32");
  }
}

// The conversion of a half-precision constant has no step: the weights are packed from it.
TEST(Lowering, HalfWeightsAreLookedThrough) {
  TestGraph test;
  const ValueId x = test.Input({4, 12});
  const ValueId w = test.Node(OpId::kCast, {test.HalfConstant({12, 7})});
  test.Attributes<ops::CastAttributes>().to = DType::kF32;
  test.Output(test.Node(OpId::kMatMul, {x, w}));
  const ValueId table = test.Node(OpId::kCast, {test.HalfConstant({6, 5})});
  test.Attributes<ops::CastAttributes>().to = DType::kF32;
  test.Output(test.Node(OpId::kGather, {table, test.List<int64_t>({5, 0, -2})}));
  const ValueId scale = test.Node(OpId::kCast, {test.HalfConstant({12})});
  test.Attributes<ops::CastAttributes>().to = DType::kF32;
  test.Output(test.Node(OpId::kMul, {x, scale}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "gemm_f32 gather cast cast binary_f32");
}

struct BatchCase {
  Shape a, b;
  bool transpose_a, transpose_b;
};

TEST(Lowering, BatchedMatMul) {
  const BatchCase cases[] = {{{3, 5, 7}, {3, 7, 9}, false, false}, {{2, 3, 5, 7}, {2, 3, 7, 4}, false, false},
                             {{3, 5, 7}, {3, 9, 7}, false, true},  {{4, 5, 7}, {7, 9}, false, false},
                             {{5, 7}, {3, 7, 9}, false, false},    {{2, 1, 5, 7}, {1, 3, 7, 9}, false, false},
                             {{2, 7, 1}, {2, 1, 3}, false, false}, {{2, 1, 7}, {2, 7, 1}, false, false},
                             {{3, 7, 5}, {3, 7, 9}, true, false}};
  for (const BatchCase& c : cases) {
    SCOPED_TRACE(ShapeText(c.a).text);
    TestGraph test;
    const ValueId a = test.Input(c.a), b = test.Input(c.b);
    const ValueId y = test.Node(OpId::kMatMul, {a, b});
    test.Attributes<ops::MatMulAttributes>() = {c.transpose_a, c.transpose_b};
    test.Output(test.Node(OpId::kMul, {y, test.Scalar(0.25f)}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, c.transpose_a ? "reference chain_f32" : "gemm_pack_f32 gemm_f32");
  }
}

ValueId Heads(TestGraph* test, ValueId x, const IntList& perm) {
  const ValueId heads = test->Node(OpId::kReshape, {x, test->List<int64_t>({2, 6, 3, 4})});
  const ValueId result = test->Node(OpId::kTranspose, {heads});
  test->Attributes<ops::TransposeAttributes>().perm = perm;
  return result;
}

// Between its projections, attention moves no bytes: transpositions are read and written through strides.
TEST(Lowering, Attention) {
  TestGraph test;
  const ValueId x = test.Input({2, 6, 12});
  ValueId projections[3];
  for (ValueId& projection : projections) {
    projection =
        test.Node(OpId::kAdd, {test.Node(OpId::kMatMul, {x, test.Constant({12, 12})}), test.Constant({12})});
  }
  const ValueId q = Heads(&test, projections[0], {0, 2, 1, 3});
  const ValueId k = Heads(&test, projections[1], {0, 2, 3, 1});
  const ValueId v = Heads(&test, projections[2], {0, 2, 1, 3});
  const ValueId scores = test.Node(OpId::kDiv, {test.Node(OpId::kMatMul, {q, k}), test.Scalar(2.0f)});
  const ValueId weights = test.Node(OpId::kSoftmax, {scores});
  const ValueId mixed = test.Node(OpId::kTranspose, {test.Node(OpId::kMatMul, {weights, v})});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 2, 1, 3};
  const ValueId joined = test.Node(OpId::kReshape, {mixed, test.List<int64_t>({2, 6, 12})});
  const ValueId out = test.Node(OpId::kMatMul, {joined, test.Constant({12, 12})});
  test.Output(test.Node(OpId::kAdd, {out, x}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels,
            "gemm_f32 gemm_f32 gemm_f32 gemm_pack_f32 gemm_f32 softmax_f32 gemm_pack_f32 gemm_f32 gemm_f32");
}

TEST(Lowering, StemReadsNchw) {
  TestGraph test;
  const ValueId image = test.Input({2, 3, 9, 11});
  const ValueId x = test.Node(OpId::kTranspose, {image});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 2, 3, 1};
  test.Output(Conv(&test, x, {16, 3, 3, 3}, 2, 1, 1));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32");
}

TEST(Lowering, ViewsShareBytes) {
  TestGraph test;
  const ValueId x = test.Input({1, 4, 4, 8});
  const ValueId y = Conv(&test, x, {8, 4, 4, 8}, 1, 0, 1);
  const ValueId nchw = test.Node(OpId::kTranspose, {y});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 3, 1, 2};
  const ValueId flat = test.Node(OpId::kFlatten, {nchw});
  test.Output(test.Node(OpId::kIdentity, {flat}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32");
}

// Nobody but a view reads the transposition, which is made when the view is read.
TEST(Lowering, ChannelShuffle) {
  TestGraph test;
  const ValueId x = Conv(&test, test.Input({1, 4, 4, 8}), {12, 1, 1, 8}, 1, 0, 1);
  const ValueId groups = test.Node(OpId::kReshape, {x, test.List<int64_t>({1, 4, 4, 2, 6})});
  const ValueId turned = test.Node(OpId::kTranspose, {groups});
  test.Attributes<ops::TransposeAttributes>().perm = {0, 1, 2, 4, 3};
  const ValueId y = test.Node(OpId::kReshape, {turned, test.List<int64_t>({1, 4, 4, 12})});
  test.Output(Conv(&test, y, {12, 3, 3, 1}, 1, 1, 12));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "conv2d_f32 transpose depthwise_f32");
}

TEST(Lowering, ViewsOfInputsAreCopiedToOutputs) {
  TestGraph test;
  const ValueId x = test.Input({2, 6});
  test.Output(test.Node(OpId::kReshape, {x, test.List<int64_t>({3, 4})}));
  const ValueId y = test.Node(OpId::kRelu, {x});
  test.Output(y);
  test.Output(test.Node(OpId::kReshape, {y, test.List<int64_t>({12})}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "copy unary_f32 copy");
}

TEST(Lowering, InPlaceWhereTheInputDies) {
  TestGraph test;
  const ValueId x = test.Input({4, 64});
  const ValueId a = test.Node(OpId::kExp, {x});
  const ValueId b = test.Node(OpId::kSqrt, {a});
  const ValueId c = test.Node(OpId::kAbs, {b});
  test.Output(test.Node(OpId::kAdd, {c, b}));  // b is read again: c may not replace it
  CompiledGraph compiled;
  compiled.Compile(&test.graph, {});
  int internal = 0;
  for (const UnitSlot& slot : compiled.unit().slots()) internal += slot.value == kNone;
  EXPECT_EQ(internal, 2);
  ExpectMatchesReference(&test);
}

TEST(Lowering, Pooling) {
  for (const bool is_max : {true, false}) {
    for (const bool is_global : {true, false}) {
      TestGraph test;
      const ValueId x = test.Input({2, 7, 6, 10});
      const ValueId y = test.Node(is_max ? OpId::kMaxPool2d : OpId::kAveragePool2d, {x});
      const IntList kernel = is_global ? IntList{7, 6} : IntList{3, 3};
      const IntList pads = is_global ? IntList{0, 0, 0, 0} : IntList{1, 1, 1, 1};
      if (is_max) {
        test.Attributes<ops::MaxPool2dAttributes>().kernel = kernel;
        test.Attributes<ops::MaxPool2dAttributes>().pads = pads;
        test.Attributes<ops::MaxPool2dAttributes>().strides = {2, 2};
      } else {
        test.Attributes<ops::AveragePool2dAttributes>().kernel = kernel;
        test.Attributes<ops::AveragePool2dAttributes>().pads = pads;
        test.Attributes<ops::AveragePool2dAttributes>().strides = {2, 2};
      }
      test.Output(y);
      std::string kernels;
      ExpectMatchesReference(&test, &kernels);
      EXPECT_EQ(kernels, is_global ? "reduce_f32" : is_max ? "max_pool_f32" : "average_pool_f32");
    }
  }
}

TEST(Lowering, Resize) {
  for (const bool is_linear : {true, false}) {
    for (const bool has_scales : {true, false}) {
      TestGraph test;
      const ValueId x = test.Input({1, 5, 4, 9});
      const ValueId scales = has_scales ? test.List<float>({2.0f, 1.5f}) : kNone;
      const ValueId sizes = has_scales ? kNone : test.List<int64_t>({7, 3});
      const ValueId y = test.Node(OpId::kResize, {x, scales, sizes});
      test.Attributes<ops::ResizeAttributes>().mode =
          is_linear ? ops::ResizeMode::kLinear : ops::ResizeMode::kNearest;
      test.Output(y);
      std::string kernels;
      ExpectMatchesReference(&test, &kernels);
      EXPECT_EQ(kernels, is_linear ? "resize_linear_f32" : "resize_nearest_f32");
    }
  }
}

TEST(Lowering, Normalisation) {
  TestGraph test;
  const ValueId x = test.Input({2, 5, 19});
  const ValueId y = test.Node(OpId::kLayerNormalization, {x, test.Constant({19}), test.Constant({19})});
  const ValueId z = test.Node(
      OpId::kBatchNormalization,
      {y, test.Constant({19}), test.Constant({19}), test.Constant({19}), test.Constant({19}, 0.5f, 2.0f)});
  const ValueId s = test.Node(OpId::kSoftmax, {z});
  test.Attributes<ops::SoftmaxAttributes>().axis = 1;
  test.Output(s);
  const ValueId l2 = test.Node(OpId::kReduce, {y});
  test.Attributes<ops::ReduceAttributes>() = {ops::ReduceKind::kL2, {-1}, false};
  test.Output(l2);
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "layer_norm_f32 chain_f32 softmax_f32 reduce_f32");
}

TEST(Lowering, GroupNormalisation) {
  for (const auto& [channels, groups] : {std::pair<int64_t, int64_t>{24, 4}, {7, 7}, {6, 1}}) {
    TestGraph test;
    const ValueId x = test.Input({2, 5, 3, channels});
    const ValueId y =
        test.Node(OpId::kGroupNormalization, {x, test.Constant({channels}), test.Constant({channels})});
    test.Attributes<ops::GroupNormalizationAttributes>().groups = groups;
    test.Output(y);
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, "group_norm_f32");
  }
}

// Few channels: several pixels make one row of the kernel, with the constants repeated, where their number
// has a divisor; a tensor operand keeps the rows as they are.
TEST(Lowering, ChainsOfFewChannels) {
  for (const Shape& shape : {Shape{1, 14, 15, 3}, Shape{1, 1, 97, 3}, Shape{2, 8, 8, 1}, Shape{1, 0, 4, 3}}) {
    for (const auto& [has_tensor, is_single] : {std::pair{false, false}, {true, false}, {false, true}}) {
      if (is_single && shape[3] == 1) continue;  // a scalar
      TestGraph test;
      const ValueId x = test.Input(shape);
      ValueId y = test.Node(OpId::kMul, {x, test.Constant({shape[3]})});
      if (!is_single) y = test.Node(OpId::kAdd, {test.Constant({shape[3]}), y});
      if (has_tensor) y = test.Node(OpId::kAdd, {y, test.Input(shape)});
      if (!is_single) y = test.Node(OpId::kRelu, {y});
      test.Output(y);
      std::string kernels;
      ExpectMatchesReference(&test, &kernels);
      EXPECT_EQ(kernels, "chain_f32");
    }
  }
}

TEST(Lowering, MovementOfAnyType) {
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kU8}) {
    TestGraph test;
    const ValueId x = test.Input({2, 6, 4, 3}, dtype), y = test.Input({2, 2, 4, 3}, dtype);
    const ValueId joined = test.Node(OpId::kConcat, {x, y});
    test.Attributes<ops::ConcatAttributes>().axis = 1;
    const ValueId turned = test.Node(OpId::kTranspose, {joined});
    test.Attributes<ops::TransposeAttributes>().perm = {0, 3, 2, 1};
    const ValueId part =
        test.Node(OpId::kSlice, {turned, test.List<int64_t>({1, 7}), test.List<int64_t>({3, INT64_MIN}),
                                 test.List<int64_t>({1, 3}), test.List<int64_t>({1, -2})});
    test.Output(part);
    const ValueId first = test.Node(OpId::kSplit, {turned}, 2);
    test.Attributes<ops::SplitAttributes>().axis = 2;
    test.Output(first);
    test.Output(test.graph.nodes.back().outputs[1]);
    const ValueId deep = test.Node(OpId::kDepthToSpace, {turned});
    test.Attributes<ops::DepthToSpaceAttributes>().block_size = 2;
    test.Output(deep);
    test.Output(test.Node(OpId::kPad, {x, test.List<int64_t>({0, 1, 0, 2, 0, 0, 3, 0})}));
    test.Output(test.Node(OpId::kExpand, {test.Input({1, 3}, dtype), test.List<int64_t>({2, 4, 3})}));
    test.Output(test.Node(OpId::kGather, {x, test.Input({2, 2}, DType::kI64)}));
    test.Attributes<ops::GatherAttributes>().axis = 1;
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
  }
}

TEST(Lowering, IntegerElementwise) {
  for (const DType dtype : {DType::kI32, DType::kI64}) {
    TestGraph test;
    const ValueId x = test.Input({3, 4}, dtype), y = test.Input({4}, dtype);
    const ValueId sum = test.Node(OpId::kAdd, {x, y});
    test.Output(test.Node(OpId::kMul, {sum, x}));
    const ValueId equal = test.Node(OpId::kEqual, {x, y});
    test.Output(test.Node(OpId::kWhere, {equal, x, sum}));
    test.Output(test.Node(OpId::kCast, {sum}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
  }
}

TEST(Lowering, IndicesOutOfRangeAreAnError) {
  TestGraph test;
  test.Output(test.Node(OpId::kGather, {test.Constant({3, 4}), test.Input({2}, DType::kI64)}));
  CompiledGraph compiled;
  compiled.Compile(&test.graph, {});
  std::vector<std::vector<uint8_t>> outputs;
  auto feeds = RandomFeeds(test.graph);
  reinterpret_cast<int64_t*>(feeds[0].data())[1] = 3;
  compiled.Run(feeds, &outputs);
  EXPECT_EQ(compiled.status.code(), StatusCode::kInvalidArgument);
}

TEST(Lowering, Recurrent) {
  for (const bool is_lstm : {false, true}) {
    TestGraph test;
    const int64_t gates = is_lstm ? 4 : 3;
    const ValueId x = test.Input({5, 2, 6});
    std::vector<ValueId> inputs = {x,
                                   test.Constant({1, gates * 7, 6}),
                                   test.Constant({1, gates * 7, 7}),
                                   test.Constant({1, 2 * gates * 7}),
                                   kNone,
                                   test.Input({1, 2, 7})};
    if (is_lstm) inputs.push_back(test.Input({1, 2, 7}));
    test.Node(is_lstm ? OpId::kLstm : OpId::kGru, inputs, is_lstm ? 3 : 2);
    if (is_lstm) {
      test.Attributes<ops::LstmAttributes>().hidden_size = 7;
    } else {
      test.Attributes<ops::GruAttributes>().hidden_size = 7;
    }
    for (ValueId output : test.graph.nodes.back().outputs) test.Output(output);
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels, is_lstm ? "lstm_f32" : "gru_f32");
  }
}

TEST(Lowering, ReferenceKernelsOnRequest) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 4, 4, 8}), {8, 1, 1, 8}, 1, 0, 1);
  test.Output(test.Node(OpId::kRelu, {y}));
  CompiledGraph compiled;
  compiled.Compile(&test.graph, {Isa::kScalar, true, 1, true});
  EXPECT_EQ(compiled.Kernels(), "reference reference");
  for (const StepInfo& step : compiled.unit().steps()) {
    EXPECT_TRUE(step.is_reference);
    EXPECT_FALSE(step.reason.empty());
  }
}

// A deadline that passes inside of the only step: the step has to end early, not only the run.
TEST(Lowering, LongStepsStopBetweenTheirTiles) {
  for (int threads : {1, 2}) {
    TestGraph test;
    test.Output(Conv(&test, test.Input({1, 256, 256, 48}), {48, 3, 3, 48}, 1, 1, 1));
    const auto feeds = RandomFeeds(test.graph);
    std::vector<std::vector<uint8_t>> outputs;
    CompiledGraph compiled;
    compiled.Compile(&test.graph, {Isa::kScalar, false, threads, false});
    ASSERT_EQ(compiled.Kernels(), "conv2d_f32");
    ASSERT_GT(compiled.unit().steps()[0].multiply_adds, 1'000'000'000);
    compiled.timeout_ns = 1'000'000;
    compiled.Run(feeds, &outputs);
    EXPECT_EQ(compiled.status.code(), StatusCode::kDeadlineExceeded);
    const std::vector<uint8_t>& bytes = outputs[0];
    EXPECT_TRUE(std::all_of(bytes.end() - 64, bytes.end(), [](uint8_t byte) { return byte == 0xa5; }))
        << "the last pixel was computed";
  }
}

TEST(Lowering, ExplainsItsSteps) {
  TestGraph test;
  const ValueId y = Conv(&test, test.Input({1, 4, 4, 8}), {16, 1, 1, 8}, 1, 0, 1);
  test.Output(test.Node(OpId::kRelu, {y}));
  CompiledGraph compiled;
  compiled.Compile(&test.graph, {Isa::kScalar, false, 1, false});
  ASSERT_EQ(compiled.unit().steps().size(), 1u);
  const StepInfo& step = compiled.unit().steps()[0];
  EXPECT_STREQ(step.kernel, "conv2d_f32_scalar_4x4");
  EXPECT_EQ(step.nodes.size(), 2u);
  EXPECT_EQ(step.multiply_adds, 4 * 4 * 8 * 16);
  EXPECT_GE(step.bytes, (4 * 4 * 8 + 4 * 4 * 16 + 8 * 16 + 16) * 4);
  EXPECT_FALSE(step.is_reference);
}

// Hybrid files: floats in, weights of bytes. They are dequantized when they are packed, not in a step.
TEST(Lowering, WeightsBehindADequantizeArePacked) {
  for (const bool per_channel : {false, true}) {
    TestGraph test;
    const auto weights = [&](const Shape& shape) {
      std::vector<int8_t> stored(static_cast<size_t>(shape.ElementCount()));
      for (size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<int8_t>(i * 37 % 251 - 125);
      const ValueId value = test.List(stored);
      test.graph.values[value].type.shape = shape;
      test.graph.constants[test.graph.values[value].constant].view.shape = shape;
      std::vector<float> scales;
      for (int64_t i = 0; i < (per_channel ? shape[0] : 1); ++i) {
        scales.push_back(0.004f + 0.001f * static_cast<float>(i));
      }
      test.Quantize(value, scales, std::vector<int32_t>(scales.size(), 3), per_channel ? 0 : kNone);
      return test.Node(OpId::kDequantize, {value});
    };
    ValueId x = test.Node(OpId::kConv2d, {test.Input({1, 9, 7, 6}), weights({8, 3, 3, 6}), weights({8})});
    x = test.Node(OpId::kConv2d, {x, weights({8, 3, 3, 1})});
    test.Attributes<ops::Conv2dAttributes>().groups = 8;
    x = test.Node(OpId::kConvTranspose2d, {x, weights({5, 2, 2, 8}), test.Constant({5})});
    test.Output(test.Node(OpId::kFullyConnected, {x, weights({11, 5}), weights({11})}));
    std::string kernels;
    ExpectMatchesReference(&test, &kernels, 1e-4f);
    EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
    EXPECT_EQ(kernels.find("dequantize"), std::string::npos) << kernels;
  }
}

}  // namespace
}  // namespace mace::cpu
