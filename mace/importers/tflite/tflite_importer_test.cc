#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/unary/unary.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kAdd = 0, kConv = 3, kDepthwise = 4, kDequantize = 6, kFullyConnected = 9, kReshape = 22,
                  kSoftmax = 25, kSvdf = 27, kPad = 34, kCustom = 32, kTranspose = 39, kMean = 40,
                  kUnknown = 900, kSkipGram = 30, kLogistic = 14;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<OpId> OpsOf(const Graph& graph) {
  std::vector<OpId> ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

// x [1, 4, 4, 2] -> conv 1x1 (2 -> 3 channels) with a fused activation.
std::vector<uint8_t> ConvModel(int8_t type, int8_t activation, float output_scale = 0.1f,
                               int64_t output_zero = 0) {
  TfliteBuilder builder;
  const bool is_float = type == kFileF32;
  const std::vector<float> scale = is_float ? std::vector<float>() : std::vector<float>{0.1f};
  const std::vector<int64_t> zero = {0};
  const int x =
      builder.Add({.dims = {1, 4, 4, 2}, .type = type, .name = "x", .scales = scale, .zero_points = zero});
  const std::vector<uint8_t> data = is_float ? TfliteBuilder::Bytes(std::vector<float>{1, 2, 3, 4, 5, 6})
                                             : std::vector<uint8_t>{1, 2, 3, 4, 5, 6};
  const int w = builder.Add(
      {.dims = {3, 1, 1, 2}, .type = type, .name = "w", .scales = scale, .zero_points = zero, .data = data});
  const int y = builder.Add({.dims = {1, 4, 4, 3},
                             .type = type,
                             .name = "y",
                             .scales = is_float ? scale : std::vector<float>{output_scale},
                             .zero_points = {output_zero}});
  const auto options = file::CreateConvolutionOptions(builder.options(), 0, 1, 1, activation);
  builder.AddOperator(kConv, {x, w}, {y}, file::Options::ConvolutionOptions, options);
  return builder.Finish({x}, {y});
}

// Its 64-bit numbers then lie at odd multiples of four: the sanitizers see who reads them as if they did not.
TEST(TfliteImporter, FilesMayBeginAtAnyMultipleOfFour) {
  const std::vector<uint8_t> bytes = ConvModel(kFileI8, 0);
  std::vector<uint8_t> shifted(bytes.size() + 4);
  std::copy(bytes.begin(), bytes.end(), shifted.begin() + 4);
  Graph graph;
  ImportReport report;
  const Status status = ImportTflite(std::span(shifted).subspan(4), {}, &graph, &report);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(graph.QuantizationOf(graph.inputs[0])->zero_points[0], 0);
}

TEST(TfliteImporter, FusedActivationBecomesANode) {
  Graph graph;
  const Status status = Import(ConvModel(kFileF32, 3), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(OpsOf(graph), (std::vector<OpId>{OpId::kConv2d, OpId::kClip}));
  EXPECT_EQ(graph.nodes[1].attributes.as<ops::ClipAttributes>().max, 6);
  EXPECT_EQ(graph.values[graph.outputs[0]].name, "y");
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{1, 4, 4, 3}));
  const auto y = RunFloats(graph, std::vector<float>(32, 0.25f), {1, 4, 4, 2});
  ASSERT_EQ(y.size(), 48u);
  EXPECT_EQ((std::vector<float>{y[0], y[1], y[2]}), (std::vector<float>{0.75f, 1.75f, 2.75f}));
}

TEST(TfliteImporter, IntegerActivationsThatChangeNothingVanish) {
  Graph covered;  // the output's values end at 5.1
  ASSERT_TRUE(Import(ConvModel(kFileU8, 3, 0.02f, 0), &covered).ok());
  EXPECT_EQ(OpsOf(covered), (std::vector<OpId>{OpId::kConv2d}));
  EXPECT_EQ(covered.nodes[0].attributes.as<ops::Conv2dAttributes>().rounding, ops::Rounding::kTfliteDouble);
  Graph clamped;  // they go from -1 to 24.5
  ASSERT_TRUE(Import(ConvModel(kFileU8, 3, 0.1f, 10), &clamped).ok());
  EXPECT_EQ(OpsOf(clamped), (std::vector<OpId>{OpId::kConv2d, OpId::kClip}));
  EXPECT_EQ(clamped.QuantizationOf(clamped.nodes[0].outputs[0])->zero_points[0], 10);
}

TEST(TfliteImporter, DepthwiseWeightsAreTurned) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 2, 2, 2}, .type = kFileI8, .scales = {1}, .zero_points = {0}});
  // [1, 1, 2, 4]: two channels, multiplier 2; per-channel scales on axis 3.
  const int w = builder.Add({.dims = {1, 1, 2, 4},
                             .type = kFileI8,
                             .scales = {1, 2, 3, 4},
                             .zero_points = {0, 0, 0, 0},
                             .axis = 3,
                             .data = {1, 2, 3, 4, 5, 6, 7, 8}});
  const int y = builder.Add({.dims = {1, 2, 2, 4}, .type = kFileI8, .scales = {1}, .zero_points = {0}});
  const auto options = file::CreateDepthwiseOptions(builder.options(), 0, 1, 1, 2, 0);
  builder.AddOperator(kDepthwise, {x, w, -1}, {y}, file::Options::DepthwiseOptions, options);
  Graph graph;
  const Status status = Import(builder.Finish({x}, {y}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(OpsOf(graph), (std::vector<OpId>{OpId::kConv2d}));
  EXPECT_EQ(graph.nodes[0].attributes.as<ops::Conv2dAttributes>().groups, 2);
  const ValueId weights = graph.nodes[0].inputs[1];
  EXPECT_EQ(graph.values[weights].type.shape, (Shape{4, 1, 2, 1}));
  EXPECT_EQ(graph.QuantizationOf(weights)->axis, 0);
  const int8_t* values = graph.ConstantOf(weights)->as<int8_t>();
  EXPECT_EQ(std::vector<int8_t>(values, values + 8), (std::vector<int8_t>{1, 5, 2, 6, 3, 7, 4, 8}));
  EXPECT_EQ(graph.values[graph.inputs[0]].name, "input_0");
  EXPECT_EQ(graph.values[graph.outputs[0]].name, "output_0");
}

TEST(TfliteImporter, FullyConnectedTakesRows) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {2, 1, 1, 3}, .name = "x"});
  const int w =
      builder.Add({.dims = {2, 3}, .data = TfliteBuilder::Bytes(std::vector<float>{1, 0, 0, 0, 1, 1})});
  const int b = builder.Add({.dims = {2}, .data = TfliteBuilder::Bytes(std::vector<float>{10, 20})});
  const int y = builder.Add({.dims = {2, 2}, .name = "y"});
  builder.AddOperator(kFullyConnected, {x, w, b}, {y}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 0, 0, false));
  Graph graph;
  ASSERT_TRUE(Import(builder.Finish({x}, {y}), &graph).ok());
  EXPECT_EQ(OpsOf(graph), (std::vector<OpId>{OpId::kReshape, OpId::kFullyConnected}));
  EXPECT_EQ(RunFloats(graph, {1, 2, 3, 4, 5, 6}, {2, 1, 1, 3}), (std::vector<float>{11, 25, 14, 31}));
}

TEST(TfliteImporter, HalfAndIntegerWeightsOfFloatLayers) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 2}, .name = "x"});
  // 1.0 and 2.0 as float16 behind a DEQUANTIZE
  const int half = builder.Add({.dims = {1, 2},
                                .type = kFileF16,
                                .data = TfliteBuilder::Bytes(std::vector<uint16_t>{0x3C00, 0x4000})});
  const int w = builder.Add({.dims = {1, 2}});
  const int middle = builder.Add({.dims = {1, 1}});
  const int q =
      builder.Add({.dims = {1, 1}, .type = kFileI8, .scales = {0.5f}, .zero_points = {0}, .data = {6}});
  const int y = builder.Add({.dims = {1, 1}, .name = "y"});
  builder.AddOperator(kDequantize, {half}, {w});
  builder.AddOperator(kFullyConnected, {x, w}, {middle}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 0, 0, false));
  builder.AddOperator(kFullyConnected, {middle, q}, {y}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 0, 0, false));
  Graph graph;
  ImportReport report;
  const Status status = Import(builder.Finish({x}, {y}), &graph, &report);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(RunFloats(graph, {3, 4}, {1, 2}), (std::vector<float>{33}));
}

TEST(TfliteImporter, VariablesBecomeStates) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 1}, .name = "x"});
  const int f = builder.Add({.dims = {1, 1}, .data = TfliteBuilder::Bytes(std::vector<float>{2})});
  const int t = builder.Add({.dims = {1, 2}, .data = TfliteBuilder::Bytes(std::vector<float>{10, 1})});
  const int state = builder.Add({.dims = {1, 2}, .name = "memory", .variable = true});
  const int y = builder.Add({.dims = {1, 1}, .name = "y"});
  builder.AddOperator(kSvdf, {x, f, t, -1, state}, {y}, file::Options::SvdfOptions,
                      file::CreateSvdfOptions(builder.options(), 1, 0));
  Graph graph;
  const Status status = Import(builder.Finish({x}, {y}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(graph.states.size(), 1u);
  EXPECT_EQ(graph.states[0].name, "memory");
  EXPECT_NE(graph.states[0].read, graph.states[0].write);
  std::vector<float> memory = {0, 0};
  TensorView view = {memory.data(), DType::kF32, {1, 2}};
  std::vector<float> results;
  for (float input : {1.0f, 2.0f, 3.0f}) {
    const TensorView feed = {&input, DType::kF32, {1, 1}};
    Vector<EvaluatedTensor> fetches;
    ASSERT_TRUE(EvaluateGraph(graph, {&feed, 1}, {&view, 1}, &fetches).ok());
    results.push_back(*fetches[0].view.as<float>());
  }
  EXPECT_EQ(results, (std::vector<float>{2, 24, 46}));
}

// y = x + c with the shape [?, 2].
std::vector<uint8_t> AddModel(float constant, bool two_outputs = false) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 2}, .name = "x", .signature = {-1, 2}});
  const int c =
      builder.Add({.dims = {2}, .name = "c", .data = TfliteBuilder::Bytes(std::vector<float>{1, constant})});
  const int y = builder.Add({.dims = {1, 2}, .name = "y", .signature = {-1, 2}});
  const int z = builder.Add({.dims = {1, 2}, .name = "z", .signature = {-1, 2}});
  builder.AddOperator(kAdd, {x, c}, {y});
  if (!two_outputs) return builder.Finish({x}, {y});
  builder.AddOperator(kAdd, {y, c}, {z});
  return builder.Finish({x}, {y, z});
}

TEST(TfliteImporter, OpenDimensionsAreSymbols) {
  Graph graph;
  ASSERT_TRUE(Import(AddModel(2), &graph).ok());
  ASSERT_EQ(graph.symbols.size(), 1u);
  EXPECT_EQ(graph.symbols[0].name, "x_dim0");
  EXPECT_EQ(graph.values[graph.inputs[0]].type.shape, (Shape{SymbolDim(0), 2}));
  EXPECT_EQ(RunFloats(graph, {1, 2, 3, 4, 5, 6}, {3, 2}), (std::vector<float>{2, 4, 4, 6, 6, 8}));
}

TEST(TfliteImporter, NamesAtTheEdgesAreUnique) {
  TfliteBuilder builder;
  const int a = builder.Add({.dims = {2}, .name = "x"});
  const int b = builder.Add({.dims = {2}, .name = "x"});
  const int c = builder.Add({.dims = {2}, .name = "x_1"});
  const int sum = builder.Add({.dims = {2}, .name = "y"});
  builder.AddOperator(kAdd, {a, b}, {sum});
  Graph graph;
  ImportReport report;
  const Status status = Import(builder.Finish({a, b, c}, {sum, sum, b, a}), &graph, &report);
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<std::string> names;
  for (ValueId input : graph.inputs) names.emplace_back(graph.values[input].name.view());
  EXPECT_EQ(names, (std::vector<std::string>{"x", "x_2", "x_1"}));
  names.clear();
  for (ValueId output : graph.outputs) names.emplace_back(graph.values[output].name.view());
  EXPECT_EQ(names, (std::vector<std::string>{"y", "y_1", "x", "x_1"}));
  EXPECT_EQ(report.warnings.size(), 3u);
  std::vector<float> x = {1, 2}, z = {10, 20};
  const TensorView feeds[] = {
      {x.data(), DType::kF32, {2}}, {z.data(), DType::kF32, {2}}, {x.data(), DType::kF32, {2}}};
  Vector<EvaluatedTensor> fetches;
  ASSERT_TRUE(EvaluateGraph(graph, feeds, {}, &fetches).ok());
  EXPECT_EQ(fetches[0].view.as<float>()[1], 22);
  EXPECT_EQ(fetches[1].view.as<float>()[1], 22);
  EXPECT_EQ(fetches[2].view.as<float>()[1], 20);
  EXPECT_EQ(fetches[3].view.as<float>()[1], 2);
}

TEST(TfliteImporter, ManyOutputsAreRefusedAtOnce) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {2}, .name = "x"});
  Graph graph;
  const Status status = Import(builder.Finish({x}, std::vector<int32_t>(5000, x)), &graph);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_TRUE(Contains(status.message(), "5000 outputs, the limit is 4096")) << status.message();
  EXPECT_TRUE(graph.values.empty());
}

TEST(TfliteImporter, WarnsOfConstantsThatAreNotNumbers) {
  for (float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    Graph graph;
    ImportReport report;
    ASSERT_TRUE(Import(AddModel(bad), &graph, &report).ok());
    ASSERT_EQ(report.warnings.size(), 1u);
    EXPECT_TRUE(Contains(report.warnings[0], "'c'")) << report.warnings[0];
  }
}

TEST(TfliteImporter, DeclaredStates) {
  Graph graph;
  ASSERT_TRUE(Import(AddModel(1, true), &graph, nullptr, {.states = {{"y", "x"}}}).ok());
  ASSERT_EQ(graph.inputs.size(), 1u);  // may be fed, else it is the state
  EXPECT_EQ(graph.outputs.size(), 2u);
  ASSERT_EQ(graph.states.size(), 1u);
  EXPECT_EQ(graph.states[0].read, graph.inputs[0]);
  EXPECT_EQ(graph.states[0].write, graph.outputs[0]);
  EXPECT_EQ(graph.states[0].name, "x");
  Graph twice;
  const ImportOptions same_input = {.states = {{"y", "x"}, {"z", "x"}}};
  EXPECT_EQ(Import(AddModel(1, true), &twice, nullptr, same_input).code(), StatusCode::kInvalidArgument);
  Graph wrong;
  const Status status = Import(AddModel(1, true), &wrong, nullptr, {.states = {{"nothing", "x"}}});
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_TRUE(Contains(status.message(), "'y', 'z'")) << status.message();
}

TEST(TfliteImporter, MovementAndReduction) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {2, 3}, .name = "x"});
  const int padded = builder.Add({.dims = {3, 3}});
  const int turned = builder.Add({.dims = {3, 3}});
  const int mean = builder.Add({.dims = {3}});
  const int y = builder.Add({.dims = {3, 1}, .name = "y"});
  const int paddings = builder.Add(
      {.dims = {2, 2}, .type = kFileI32, .data = TfliteBuilder::Bytes(std::vector<int32_t>{1, 0, 0, 0})});
  builder.AddOperator(kPad, {x, paddings}, {padded});
  builder.AddOperator(kTranspose, {padded, builder.AddInts({1, 0})}, {turned});
  builder.AddOperator(kMean, {turned, builder.AddInts({1})}, {mean});
  builder.AddOperator(kReshape, {mean, builder.AddInts({-1, 1})}, {y});
  Graph graph;
  const Status status = Import(builder.Finish({x}, {y}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloats(graph, {1, 2, 3, 4, 5, 6}, {2, 3}), (std::vector<float>{5.0f / 3, 7.0f / 3, 3.0f}));
}

TEST(TfliteImporter, NamesEverythingThatIsNotSupported) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 2}, .name = "x"});
  const int a = builder.Add({.dims = {1, 2}, .name = "a"});
  const int b =
      builder.Add({.dims = {1, 2}, .type = kFileI32, .name = "b", .scales = {1}, .zero_points = {0}});
  const int c = builder.Add({.dims = {1, 2}, .type = 5, .name = "c"});
  const int d = builder.Add({.dims = {1, 2}, .name = "d", .sparse = Sparse{}});
  builder.AddOperator(kSkipGram, {x}, {a});
  builder.AddOperator(kSkipGram, {a}, {b});
  builder.AddOperator(kLogistic, {b}, {b});
  builder.AddOperator(kCustom, {a}, {c});
  builder.AddOperator(kUnknown, {a}, {d});
  Graph graph;
  const Status status = Import(builder.Finish({x}, {d}), &graph);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  for (const char* part :
       {"SKIP_GRAM (2 times: operator 0, output 'a' and operator 1, output 'b')", "LOGISTIC of int32",
        "CUSTOM:Special", "operator 900", "text ('c')", "sparse tensors that are no constants ('d')",
        "tensors of text are not supported: begin the model behind them (--input_tensor"}) {
    EXPECT_TRUE(Contains(status.message(), part)) << part << " is not in: " << status.message();
  }
}

TEST(TfliteImporter, NamesUnsupportedOptionsOfAllOperators) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 4, 4, 2}, .name = "x"});
  const int a = builder.Add({.dims = {1, 4, 4, 1}, .name = "a"});
  const int b = builder.Add({.dims = {1, 4, 4, 1}, .name = "b"});
  const int c = builder.Add({.dims = {16, 1}, .name = "c"});
  const int d = builder.Add({.dims = {16, 1}, .name = "d"});
  const int w = builder.Add({.dims = {1, 1, 1, 2}, .data = TfliteBuilder::Bytes(std::vector<float>{1, 2})});
  const int f = builder.Add({.dims = {1, 1}, .data = TfliteBuilder::Bytes(std::vector<float>{1})});
  builder.AddOperator(kConv, {x, w}, {a}, file::Options::ConvolutionOptions,
                      file::CreateConvolutionOptions(builder.options(), 5, 1, 1, 9));
  builder.AddOperator(kSkipGram, {a}, {b});
  builder.AddOperator(kFullyConnected, {b, f}, {c}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 9, 1, false));
  builder.AddOperator(kFullyConnected, {c, f}, {d}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 9, 0, false));
  Graph graph;
  const Status status = Import(builder.Finish({x}, {d}), &graph);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  for (const char* part :
       {"CONV_2D: padding 5 (operator 0, output 'a')", "CONV_2D: fused activation 9 (operator 0, output 'a')",
        "SKIP_GRAM (operator 1, output 'b')",
        "FULLY_CONNECTED: shuffled weights (layout 1) (operator 2, output 'c')",
        "fused activation 9 (2 times: operator 2, output 'c' and operator 3, output 'd')"}) {
    EXPECT_TRUE(Contains(status.message(), part)) << part << " is not in: " << status.message();
  }
}

TEST(TfliteImporter, RefusesWhatIsWrong) {
  const auto expect = [](StatusCode code, const std::string& part, const std::vector<uint8_t>& bytes) {
    Graph graph;
    const Status status = Import(bytes, &graph);
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_TRUE(Contains(status.message(), part)) << part << " is not in: " << status.message();
  };
  const auto softmax = [](TfliteBuilder::Tensor x, TfliteBuilder::Tensor y,
                          const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs = {1}) {
    TfliteBuilder builder;
    builder.Add(std::move(x));
    builder.Add(std::move(y));
    builder.AddOperator(kSoftmax, inputs, {1}, file::Options::SoftmaxOptions,
                        file::CreateSoftmaxOptions(builder.options(), 1));
    return builder.Finish({0}, outputs);
  };
  const TfliteBuilder::Tensor good = {.dims = {1, 2}, .name = "good"};
  Graph graph;
  EXPECT_TRUE(Import(softmax(good, good, {0}), &graph).ok());
  expect(StatusCode::kDataLoss, "names tensor 7 of 2", softmax(good, good, {7}));
  expect(StatusCode::kDataLoss, "names tensor -2", softmax(good, good, {-2}));
  expect(StatusCode::kDataLoss, "names tensor 9", softmax(good, good, {0}, {9}));
  expect(StatusCode::kDataLoss, "is missing", softmax(good, good, {-1}));
  expect(StatusCode::kDataLoss, "2 inputs", softmax(good, good, {0, 0}));
  expect(StatusCode::kDataLoss, "read before", softmax(good, good, {1}));
  expect(StatusCode::kDataLoss, "buffer 55", softmax({.dims = {1, 2}, .buffer = 55}, good, {0}));
  expect(StatusCode::kDataLoss, "dimension -5", softmax({.dims = {1, -5}}, good, {0}));
  expect(StatusCode::kUnsupported, "rank 9", softmax({.dims = {1, 1, 1, 1, 1, 1, 1, 1, 1}}, good, {0}));
  expect(StatusCode::kDataLoss, "impossible shape",
         softmax({.dims = {2147483647, 2147483647, 2147483647}}, good, {0}));
  expect(StatusCode::kDataLoss, "declared as", softmax(good, {.dims = {1, 2}, .type = kFileI32}, {0}));
  const TfliteBuilder::Tensor bytes = {
      .dims = {1, 2}, .type = kFileU8, .scales = {1.0f / 256}, .zero_points = {0}};
  TfliteBuilder::Tensor bad = bytes;
  bad.scales = {-1};
  expect(StatusCode::kDataLoss, "the scale", softmax(bad, bytes, {0}));
  bad = bytes;
  bad.zero_points = {300};
  expect(StatusCode::kDataLoss, "zero point 300", softmax(bad, bytes, {0}));
  bad = bytes;
  bad.scales = {1, 2, 3}, bad.zero_points = {0, 0, 0}, bad.axis = 1;
  expect(StatusCode::kDataLoss, "3 scales on axis 1", softmax(bad, bytes, {0}));
}

TEST(TfliteImporter, ConstantsMustHaveTheirBytes) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 2}, .name = "x"});
  const int c =
      builder.Add({.dims = {3}, .name = "c", .data = TfliteBuilder::Bytes(std::vector<float>{1, 2})});
  const int y = builder.Add({.dims = {1, 2}, .name = "y"});
  builder.AddOperator(kAdd, {x, c}, {y});
  Graph graph;
  const Status status = Import(builder.Finish({x}, {y}), &graph);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(Contains(status.message(), "8 bytes")) << status.message();
}

TEST(TfliteImporter, TruncatedFilesAreErrors) {
  for (const std::vector<uint8_t>& whole : {ConvModel(kFileF32, 3), ConvModel(kFileU8, 0), AddModel(1)}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      // A copy of its own, so that a sanitizer sees a read behind the end.
      const std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      Graph graph;
      const Status status = Import(cut, &graph);
      // Up to 15 bytes at the end may be nothing but padding.
      const bool may_pass = size + 16 > whole.size() && size % 4 == 0;
      EXPECT_TRUE(may_pass || !status.ok()) << size << " of " << whole.size();
    }
  }
}

TEST(TfliteImporter, ChangedFilesNeverCrash) {
  std::mt19937 random(1);
  const std::vector<uint8_t> seeds[] = {ConvModel(kFileF32, 3), ConvModel(kFileU8, 3, 0.1f, 10),
                                        AddModel(1, true)};
  int imported = 0;
  for (int i = 0; i < 6000; ++i) {
    std::vector<uint8_t> bytes = seeds[i % 3];
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int k = 0; k < changes; ++k) {
      constexpr uint8_t kValues[] = {0, 1, 0x7F, 0x80, 0xFF, 0xFE, 4, 16};
      uint8_t& byte = bytes[random() % bytes.size()];
      byte = random() % 2 == 0 ? kValues[random() % 8] : static_cast<uint8_t>(byte ^ (1u << random() % 8));
    }
    Graph graph;
    imported += Import(bytes, &graph).ok();
  }
  EXPECT_GT(imported, 600);  // else the mutations test the verifier only
}

TEST(TfliteImporter, BytesNeedNotBeAligned) {
  const std::vector<uint8_t> whole = ConvModel(kFileF32, 0);
  for (size_t offset = 0; offset < 8; ++offset) {
    std::vector<uint8_t> moved(offset, 0);
    moved.insert(moved.end(), whole.begin(), whole.end());
    Graph graph;
    ImportReport report;
    EXPECT_TRUE(
        ImportTflite(std::span<const uint8_t>(moved).subspan(offset), ImportOptions(), &graph, &report).ok());
  }
}

TEST(TfliteImporter, ArchiveBehindTheModel) {
  std::vector<uint8_t> bytes = ConvModel(kFileF32, 0);
  for (char c : std::string("PK\3\4 a file")) bytes.push_back(static_cast<uint8_t>(c));
  Graph cut;
  EXPECT_EQ(Import(bytes, &cut).code(), StatusCode::kDataLoss);
  const uint8_t end[22] = {'P', 'K', 5, 6};
  bytes.insert(bytes.end(), end, end + 22);
  Graph whole;
  EXPECT_TRUE(Import(bytes, &whole).ok());
}

TEST(TfliteImporter, DetectsTheFormat) {
  EXPECT_EQ(DetectFormat(ConvModel(kFileF32, 0)), Format::kTflite);
  EXPECT_EQ(DetectFormat({}), Format::kUnknown);
  const std::vector<uint8_t> onnx = {0x08, 0x08, 0x12, 0x02, 'm', 'e', 0x3A, 0x00};
  EXPECT_EQ(DetectFormat(onnx), Format::kOnnx);
  const std::vector<uint8_t> text = {'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'};
  EXPECT_EQ(DetectFormat(text), Format::kUnknown);
}

}  // namespace
}  // namespace mace::importers::tflite
