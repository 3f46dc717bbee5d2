// Small ONNX files built here, imported and evaluated, against values computed by plain loops or by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::importers::onnx {
namespace {

struct Imported {
  Graph graph;
  ImportReport report;
  Status status;
};
Imported ImportBytes(const std::string& bytes, const ImportOptions& options = {}) {
  Imported result;
  result.status = ImportOnnx(AsBytes(bytes), options, &result.graph, &result.report);
  return result;
}

struct Feed {
  Shape shape;
  std::vector<float> elements;
};

// The first output, as imported and (which must be the same) as optimised.
std::vector<float> Evaluate(const std::string& bytes, const std::vector<Feed>& feeds,
                            Shape* shape = nullptr) {
  std::vector<float> results[2];
  for (const bool optimise : {false, true}) {
    Imported imported = ImportBytes(bytes);
    EXPECT_TRUE(imported.status.ok()) << imported.status.message();
    if (!imported.status.ok()) return {};
    if (optimise) {
      passes::OptimizeReport report;
      const Status status = passes::OptimizeGraph(&imported.graph, &report);
      EXPECT_TRUE(status.ok()) << status.message();
    }
    std::vector<TensorView> views;
    for (const Feed& feed : feeds)
      views.push_back({const_cast<float*>(feed.elements.data()), DType::kF32, feed.shape});
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(imported.graph, views, {}, &fetches);
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) return {};
    EXPECT_EQ(fetches[0].view.dtype, DType::kF32);
    const float* data = fetches[0].view.as<float>();
    results[optimise].assign(data, data + fetches[0].view.elements());
    if (shape != nullptr) *shape = fetches[0].view.shape;
  }
  EXPECT_EQ(results[0].size(), results[1].size());
  for (size_t i = 0; i < results[0].size() && i < results[1].size(); ++i) {
    EXPECT_NEAR(results[0][i], results[1][i], 1e-5) << i;
  }
  return results[0];
}

std::vector<float> Ramp(int64_t count, float step = 0.37f) {
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = std::sin(static_cast<float>(i) * step + 0.1f);
  return values;
}

void ExpectNear(const std::vector<float>& got, const std::vector<double>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], wanted[i], 1e-5 * (1 + std::abs(wanted[i]))) << i;
}

TEST(OnnxImporterTest, GroupedConvolutionWithUnevenPadsAndStrides) {
  const int channels = 4, height = 7, width = 5, filters = 6, groups = 2, kernel = 3;
  const std::vector<float> x = Ramp(channels * height * width),
                           w = Ramp(filters * 2 * kernel * kernel, 0.73f), b = Ramp(filters, 1.3f);
  TestModel model;
  model.Input("x", {1, channels, height, width})
      .Floats("w", {filters, 2, kernel, kernel}, w)
      .Floats("b", {filters}, b);
  model.Node(
      "Conv", {"x", "w", "b"}, {"y"},
      {IntsAttribute("pads", {1, 0, 2, 1}), IntsAttribute("strides", {2, 1}), IntAttribute("group", groups)});
  model.Output("y");
  const int out_h = (height + 3 - kernel) / 2 + 1, out_w = width + 1 - kernel + 1;
  std::vector<double> wanted;
  for (int o = 0; o < filters; ++o) {
    for (int i = 0; i < out_h; ++i) {
      for (int j = 0; j < out_w; ++j) {
        double sum = b[o];
        for (int c = 0; c < channels / groups; ++c) {
          for (int r = 0; r < kernel; ++r) {
            for (int s = 0; s < kernel; ++s) {
              const int y = i * 2 - 1 + r, z = j + s;
              if (y < 0 || y >= height || z < 0 || z >= width) continue;
              const int source = (o / (filters / groups)) * (channels / groups) + c;
              sum +=
                  double{x[(source * height + y) * width + z]} * w[((o * 2 + c) * kernel + r) * kernel + s];
            }
          }
        }
        wanted.push_back(sum);
      }
    }
  }
  Shape shape;
  ExpectNear(Evaluate(model.Build(), {{{1, channels, height, width}, x}}, &shape), wanted);
  EXPECT_EQ(shape, (Shape{1, filters, out_h, out_w}));
}

TEST(OnnxImporterTest, GroupedTransposedConvolution) {
  const int in = 4, per_group = 3, groups = 2, size = 3, kernel = 2, stride = 2;
  const int out = per_group * groups, out_size = size * stride;
  const std::vector<float> x = Ramp(in * size * size), w = Ramp(in * per_group * kernel * kernel, 0.9f);
  TestModel model;
  model.Input("x", {1, in, size, size}).Floats("w", {in, per_group, kernel, kernel}, w);
  model.Node("ConvTranspose", {"x", "w"}, {"y"},
             {IntsAttribute("strides", {stride, stride}), IntAttribute("group", groups)});
  model.Output("y");
  std::vector<double> wanted(out * out_size * out_size, 0.0);
  for (int c = 0; c < in; ++c) {
    const int group = c / (in / groups);
    for (int o = 0; o < per_group; ++o) {
      for (int i = 0; i < size * size; ++i) {
        for (int k = 0; k < kernel * kernel; ++k) {
          const int y = i / size * stride + k / kernel, z = i % size * stride + k % kernel;
          wanted[((group * per_group + o) * out_size + y) * out_size + z] +=
              double{x[c * size * size + i]} * w[(c * per_group + o) * kernel * kernel + k];
        }
      }
    }
  }
  ExpectNear(Evaluate(model.Build(), {{{1, in, size, size}, x}}), wanted);
}

TEST(OnnxImporterTest, ConvolutionScaleShiftAndPReluFoldToChannelsLast) {
  const std::vector<float> x = Ramp(2 * 3 * 3);
  TestModel model;
  model.Input("x", {1, 2, 3, 3})
      .Floats("w", {2, 2, 1, 1}, {1, 2, 3, -4})
      .Floats("scale", {2, 1, 1}, {2, 0.5f});
  model.Floats("shift", {1, 2, 1, 1}, {1, -1})
      .Floats("slope", {2, 1, 1}, {0.25f, 3})
      .Node("Conv", {"x", "w"}, {"c"});
  model.Node("Mul", {"scale", "c"}, {"m"})
      .Node("Add", {"m", "shift"}, {"a"})
      .Node("PRelu", {"a", "slope"}, {"y"});
  model.Output("y");
  std::vector<double> wanted;
  const double scale[] = {2, 0.5}, shift[] = {1, -1}, slope[] = {0.25, 3}, w[] = {1, 2, 3, -4};
  for (int o = 0; o < 2; ++o) {
    for (int i = 0; i < 9; ++i) {
      const double v = (x[i] * w[o * 2] + x[9 + i] * w[o * 2 + 1]) * scale[o] + shift[o];
      wanted.push_back(v < 0 ? v * slope[o] : v);
    }
  }
  ExpectNear(Evaluate(model.Build(), {{{1, 2, 3, 3}, x}}), wanted);
  Imported imported = ImportBytes(model.Build());
  passes::OptimizeReport report;
  ASSERT_TRUE(passes::OptimizeGraph(&imported.graph, &report).ok());
  for (const Node& node : imported.graph.nodes) {
    EXPECT_TRUE(node.op != OpId::kMul && node.op != OpId::kAdd);
  }
  EXPECT_EQ(imported.graph.nodes.size(), 4u);  // Transpose, Conv2d, PRelu, Transpose
}

TEST(OnnxImporterTest, SoftmaxBeforeOpset13WorksOnAMatrix) {
  TestModel model;
  model.Input("x", {1, 2, 2}).Node("Softmax", {"x"}, {"y"}, {IntAttribute("axis", 1)}).Output("y");
  const std::vector<float> x = {0.0f, 1.0f, 2.0f, 3.0f};
  double all = 0;
  for (float v : x) all += std::exp(v);
  ExpectNear(Evaluate(model.Build(11), {{{1, 2, 2}, x}}),
             {1 / all, std::exp(1) / all, std::exp(2) / all, std::exp(3) / all});
  const double a = 1 / (1 + std::exp(2.0));
  ExpectNear(Evaluate(model.Build(13), {{{1, 2, 2}, x}}), {a, a, 1 - a, 1 - a});
}

TEST(OnnxImporterTest, ClipTakesConstantsAndTensors) {
  const std::vector<float> x = {-3, -0.5f, 0.25f, 7};
  TestModel old;
  old.Input("x", {4})
      .Node("Clip", {"x"}, {"y"}, {FloatAttribute("min", -1), FloatAttribute("max", 2)})
      .Output("y");
  ExpectNear(Evaluate(old.Build(10), {{{4}, x}}), {-1, -0.5, 0.25, 2});
  TestModel inputs;
  inputs.Input("x", {4}).Input("low", {}).Floats("high", {}, {2});
  inputs.Node("Clip", {"x", "low", "high"}, {"y"}).Output("y");
  ExpectNear(Evaluate(inputs.Build(), {{{4}, x}, {{}, {-1}}}), {-1, -0.5, 0.25, 2});
}

TEST(OnnxImporterTest, TypedFieldsHoldTheSameAsRawData) {
  std::string typed;
  protozero::pbf_writer writer(typed);
  writer.add_int64(1, 3);
  writer.add_int32(2, kFloatType);
  const std::vector<float> elements = {1.5f, -2, 3};
  writer.add_packed_float(4, elements.begin(), elements.end());
  writer.add_string(8, "c");
  TestModel model;
  model.Input("x", {3}).Tensor(typed).Node("Add", {"x", "c"}, {"y"}).Output("y");
  ExpectNear(Evaluate(model.Build(), {{{3}, {1, 1, 1}}}), {2.5, -1, 4});
}

TEST(OnnxImporterTest, HalfPrecisionWeightsStayBehindACast) {
  const int k = 64, n = 256;
  TestModel model;
  model.Input("x", {1, k})
      .Tensor(RawTensor("h", kFloat16Type, {k, n}, std::vector<uint16_t>(k * n, 0x3C00)));  // 1.0
  model.Node("Cast", {"h"}, {"w"}, {IntAttribute("to", kFloatType)})
      .Node("MatMul", {"x", "w"}, {"y"})
      .Output("y");
  Imported imported = ImportBytes(model.Build());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  passes::OptimizeReport report;
  ASSERT_TRUE(passes::OptimizeGraph(&imported.graph, &report).ok());
  ASSERT_EQ(imported.graph.nodes.size(), 2u);
  EXPECT_EQ(imported.graph.nodes[0].op, OpId::kCast);
  EXPECT_EQ(imported.graph.nodes[1].op, OpId::kFullyConnected);
  const TensorView* weights = imported.graph.ConstantOf(imported.graph.nodes[0].inputs[0]);
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->dtype, DType::kF16);
  EXPECT_EQ(weights->shape, (Shape{n, k}));
}

TEST(OnnxImporterTest, HalfPrecisionIsComputedInSinglePrecision) {
  const std::vector<uint16_t> halves(64 * 256, 0x3C00);  // 1.0
  TestModel model;
  model.Input("x", {1, 64}, kFloat16Type).Tensor(RawTensor("w", kFloat16Type, {64, 256}, halves));
  model.Node("Relu", {"x"}, {"a"})
      .Node("MatMul", {"a", "w"}, {"b"})
      .Node("Reshape", {"b", "shape"}, {"c"})
      .Node("Greater", {"a", "x"}, {"d"})
      .Ints("shape", {16, 16})
      .Output("c")
      .Output("d");
  Imported imported = ImportBytes(model.Build());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  passes::OptimizeReport report;
  ASSERT_TRUE(passes::OptimizeGraph(&imported.graph, &report).ok());
  const Graph& graph = imported.graph;
  EXPECT_EQ(graph.values[graph.outputs[0]].type.dtype, DType::kF16);
  EXPECT_EQ(graph.values[graph.outputs[1]].type.dtype, DType::kBool);
  int casts = 0;
  for (const Node& node : graph.nodes) {
    if (node.op == OpId::kCast) {
      ++casts;
    } else if (node.op != OpId::kReshape) {  // which moves halves
      EXPECT_EQ(graph.values[node.inputs[0]].type.dtype, DType::kF32);
    }
  }
  EXPECT_EQ(casts, 3);  // of x, of the weights, of the product: none between Relu and what reads it
}

TEST(OnnxImporterTest, NodesMayStandInAnyOrder) {
  TestModel model;
  model.Input("x", {2}).Node("Neg", {"a"}, {"y"}).Node("Exp", {"x"}, {"a"}).Output("y");
  ExpectNear(Evaluate(model.Build(), {{{2}, {0, 1}}}), {-1, -std::exp(1.0)});
}

TEST(OnnxImporterTest, OutputsThatAreInputsOrRepeatedHaveNodesOfTheirOwn) {
  TestModel model;
  model.Input("x", {2}).Node("Identity", {"x"}, {"y"}).Node("Identity", {"x"}, {"z"}).Output("y").Output("z");
  ExpectNear(Evaluate(model.Build(), {{{2}, {3, 4}}}), {3, 4});
}

TEST(OnnxImporterTest, OutputsListedTwiceGetNamesOfTheirOwn) {
  TestModel model;
  model.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Node("Neg", {"x"}, {"y_1"});
  model.Output("y").Output("y").Output("y_1");
  const Imported imported = ImportBytes(model.Build());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  const Graph& graph = imported.graph;
  ASSERT_EQ(graph.outputs.size(), 3u);
  EXPECT_TRUE(graph.values[graph.outputs[0]].name == "y");
  EXPECT_TRUE(graph.values[graph.outputs[1]].name == "y_2");  // y_1 is taken by the third
  EXPECT_TRUE(graph.values[graph.outputs[2]].name == "y_1");
  ASSERT_EQ(imported.report.repairs.size(), 1u);
  EXPECT_EQ(imported.report.repairs[0].node, "y");
  EXPECT_NE(imported.report.repairs[0].action.find("'y_2'"), std::string::npos);
}

TEST(OnnxImporterTest, InputsThatAreInitialisersAreConstants) {
  TestModel model;
  model.Input("x", {2}).Input("c", {2}).Floats("c", {2}, {1, 2}).Node("Add", {"x", "c"}, {"y"}).Output("y");
  ExpectNear(Evaluate(model.Build(), {{{2}, {3, 4}}}), {4, 6});
}

TEST(OnnxImporterTest, ZeroSizedTensorsWork) {
  TestModel model;
  model.Input("x", {0, 3}).Node("Relu", {"x"}, {"y"}).Output("y");
  Shape shape;
  EXPECT_TRUE(Evaluate(model.Build(), {{{0, 3}, {}}}, &shape).empty());
  EXPECT_EQ(shape, (Shape{0, 3}));
}

TEST(OnnxImporterTest, QuantizationBecomesPartOfTheType) {
  TestModel model;
  model.Input("x", {4})
      .Floats("s", {}, {0.5f})
      .Tensor(RawTensor("z", kUint8Type, {}, std::vector<uint8_t>{10}));
  model.Node("QuantizeLinear", {"x", "s", "z"}, {"q"})
      .Node("DequantizeLinear", {"q", "s", "z"}, {"y"})
      .Output("y");
  // Half to even: 0.25 / 0.5 = 0.5 -> 0, 0.75 / 0.5 = 1.5 -> 2; saturation at 0 and 255.
  ExpectNear(Evaluate(model.Build(), {{{4}, {0.25f, 0.75f, -100, 1000}}}), {0, 1, -5, 122.5});
  Imported imported = ImportBytes(model.Build());
  const Quantization* quantization = imported.graph.QuantizationOf(imported.graph.nodes[0].outputs[0]);
  ASSERT_NE(quantization, nullptr);
  EXPECT_EQ(quantization->scales[0], 0.5f);
  EXPECT_EQ(quantization->zero_points[0], 10);
}

TestModel Recurrent() {
  TestModel model;
  model.Input("x", {3, 1, 2})
      .Input("h0", {1, 1, 2})
      .Floats("w", {1, 6, 2}, Ramp(12))
      .Floats("r", {1, 6, 2}, Ramp(12, 0.5f));
  model.Node("GRU", {"x", "w", "r", "", "", "h0"}, {"y", "h"}, {IntAttribute("hidden_size", 2)});
  model.Node("Identity", {"h"}, {"h1"}).Output("y").Output("h1");
  return model;
}

TEST(OnnxImporterTest, FedBackStatesAreFound) {
  Imported imported = ImportBytes(Recurrent().Build());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  ASSERT_EQ(imported.graph.states.size(), 1u);
  EXPECT_EQ(imported.graph.states[0].read, imported.graph.inputs[1]);
  EXPECT_EQ(imported.graph.states[0].write, imported.graph.outputs[1]);
  ASSERT_EQ(imported.report.warnings.size(), 1u);
  EXPECT_NE(imported.report.warnings[0].find("state"), std::string::npos);
  passes::OptimizeReport report;
  ASSERT_TRUE(passes::OptimizeGraph(&imported.graph, &report).ok());
  EXPECT_EQ(imported.graph.states[0].write, imported.graph.outputs[1]);
  EXPECT_TRUE(imported.graph.values[imported.graph.outputs[1]].name == "h1");
}

// "n" stands for the time of x, the directions, the batch and the hidden size of h0 and c0.
TEST(OnnxImporterTest, RecurrentLayersFixTheDimensionsOfTheirInitialStates) {
  for (const bool lstm : {false, true}) {
    const int64_t rows = lstm ? 8 : 6;
    TestModel model;
    model.Input("x", {-1, 1, -1}).Input("h0", {-1, -1, -1}).Floats("w", {1, rows, 3}, Ramp(rows * 3));
    model.Floats("r", {1, rows, 2}, Ramp(rows * 2, 0.5f));
    std::vector<std::string> inputs = {"x", "w", "r", "", "", "h0"}, outputs = {"y", "h1"};
    if (lstm) model.Input("c0", {-1, 1, 2}), inputs.push_back("c0"), outputs.push_back("c1");
    model.Node(lstm ? "LSTM" : "GRU", inputs, outputs, {IntAttribute("hidden_size", 2)});
    for (const std::string& output : outputs) model.Output(output);
    Imported imported = ImportBytes(model.Build());
    ASSERT_TRUE(imported.status.ok()) << imported.status.message();
    const Graph& graph = imported.graph;
    EXPECT_TRUE(IsSymbolDim(graph.values[graph.inputs[0]].type.shape[0]));
    EXPECT_EQ(graph.values[graph.inputs[0]].type.shape[2], 3);
    for (size_t i = 1; i < graph.inputs.size(); ++i) {
      EXPECT_EQ(graph.values[graph.inputs[i]].type.shape, (Shape{1, 1, 2}));
    }
    EXPECT_EQ(graph.states.size(), lstm ? 2u : 1u);
    const std::vector<float> x = Ramp(15), state = {0.5f, -0.5f};
    std::vector<Feed> feeds = {{{5, 1, 3}, x}, {{1, 1, 2}, state}};
    if (lstm) feeds.push_back({{1, 1, 2}, state});
    std::vector<TensorView> views;
    for (Feed& feed : feeds) views.push_back({feed.elements.data(), DType::kF32, feed.shape});
    std::vector<std::vector<float>> kept(graph.states.size(), {0, 0});
    std::vector<TensorView> states;
    for (auto& elements : kept) states.push_back({elements.data(), DType::kF32, Shape{1, 1, 2}});
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(graph, views, states, &fetches);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(fetches[0].view.shape, (Shape{5, 1, 1, 2}));
  }
}

TEST(OnnxImporterTest, DeclaredStatesAreChecked) {
  EXPECT_TRUE(ImportBytes(Recurrent().Build(), {{{"h1", "h0"}}}).status.ok());
  EXPECT_EQ(ImportBytes(Recurrent().Build(), {{{"h9", "h0"}}}).status.code(), StatusCode::kNotFound);
  EXPECT_EQ(ImportBytes(Recurrent().Build(), {{{"h1", "h9"}}}).status.code(), StatusCode::kNotFound);
  EXPECT_EQ(ImportBytes(Recurrent().Build(), {{{"y", "h0"}}}).status.code(), StatusCode::kInvalidArgument);
}

TEST(OnnxImporterTest, NanConstantsWarnByName) {
  TestModel model;
  model.Input("x", {1}).Floats("broken", {1}, {std::numeric_limits<float>::quiet_NaN()});
  model.Node("Add", {"x", "broken"}, {"y"}).Output("y");
  const Imported imported = ImportBytes(model.Build());
  ASSERT_TRUE(imported.status.ok());
  ASSERT_EQ(imported.report.warnings.size(), 1u);
  EXPECT_NE(imported.report.warnings[0].find("'broken'"), std::string::npos);
}

TEST(OnnxImporterTest, WhateverIsNoNumberWarnsWithANodesName) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::string shape_value = RawTensor("value", kFloatType, {1}, std::vector<float>{nan});
  std::string of_shape;
  protozero::pbf_writer writer(of_shape);
  writer.add_string(1, "value");
  writer.add_message(5, shape_value);
  writer.add_int32(20, 4);
  TestModel model;
  model.Input("x", {1}).Floats("zero", {1}, {0}).Ints("shape", {1}).Floats("infinite", {1}, {-infinity});
  model.Node("Constant", {}, {"a"}, {FloatAttribute("value_float", infinity)})
      .Node("LeakyRelu", {"x"}, {"b"}, {FloatAttribute("alpha", nan)})
      .Node("Div", {"zero", "zero"}, {"c"})
      .Node("ConstantOfShape", {"shape"}, {"d"}, {of_shape})
      .Node("Sum", {"a", "b", "c", "d", "infinite"}, {"y"})
      .Output("y");
  const Imported imported = ImportBytes(model.Build());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  std::string all;
  for (const std::string& warning : imported.report.warnings) all += warning + "\n";
  for (const char* text : {"node 'node_1' (Constant): attribute 'value_float' contains infinity",
                           "node 'node_2' (LeakyRelu): attribute 'alpha' contains NaN",
                           "node 'node_3' (Div) computes NaN from constants",
                           "constant 'node_4' contains NaN", "constant 'infinite' contains infinity"}) {
    EXPECT_NE(all.find(text), std::string::npos) << text << " is not in:\n" << all;
  }
  EXPECT_EQ(imported.report.warnings.size(), 5u) << all;
}

}  // namespace
}  // namespace mace::importers::onnx
