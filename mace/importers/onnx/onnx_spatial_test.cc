// Which operators spatial nodes become: what has a fast kernel is used where it computes the same. The
// numbers are ONNX's suite's to check (tests/onnx).
#include <gtest/gtest.h>

#include <cmath>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::importers::onnx {
namespace {

Graph Optimised(const std::string& bytes) {
  Graph graph;
  ImportReport report;
  Status status = ImportOnnx(AsBytes(bytes), {}, &graph, &report);
  EXPECT_TRUE(status.ok()) << status.message();
  passes::OptimizeReport optimised;
  status = passes::OptimizeGraph(&graph, &optimised);
  EXPECT_TRUE(status.ok()) << status.message();
  return graph;
}

int Count(const Graph& graph, OpId op) {
  int count = 0;
  for (const Node& node : graph.nodes) count += node.op == op;
  return count;
}

std::vector<float> Ramp(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i) * 0.37f);
  return values;
}

TEST(OnnxSpatial, OneAxisIsAnImageOfOneRow) {
  TestModel model;
  model.Input("x", {1, 4, 9}).Output("z").Floats("v", {6, 4, 3}, Ramp(72)).Floats("w", {6, 3, 2}, Ramp(36));
  model.Node("Conv", {"x", "v"}, {"a"}, {IntsAttribute("pads", {1, 1})});
  model.Node("Relu", {"a"}, {"b"});
  model.Node("Conv", {"b", "w"}, {"c"}, {IntAttribute("group", 2), IntsAttribute("strides", {2})});
  model.Node("MaxPool", {"c"}, {"z"}, {IntsAttribute("kernel_shape", {2})});
  const Graph graph = Optimised(model.Build());
  EXPECT_EQ(Count(graph, OpId::kConv2d), 2);
  EXPECT_EQ(Count(graph, OpId::kMaxPool2d), 1);
  EXPECT_EQ(Count(graph, OpId::kTranspose), 2);  // at the edges: none between the layers
}

// With weights that are inputs ConvNd, with constant ones a sum of Conv2d.
TEST(OnnxSpatial, VolumesAreSumsOfPlanes) {
  const std::vector<std::string> windows[] = {
      {},
      {IntsAttribute("strides", {2, 1, 2}), IntsAttribute("pads", {1, 0, 1, 0, 1, 1}),
       IntAttribute("group", 2)},
      {StringAttribute("auto_pad", "SAME_UPPER"), IntsAttribute("strides", {2, 2, 1})},
      {IntsAttribute("dilations", {2, 1, 1})},
  };
  for (const auto& window : windows) {
    const int64_t depth = &window == &windows[1] ? 1 : 2;  // of the weights' input channels
    std::vector<float> weights = Ramp(4 * depth * 3 * 2 * 2), x = Ramp(2 * 2 * 5 * 4 * 5);
    std::vector<float> results[3];
    for (const int form : {0, 1, 2}) {  // 2: of open sizes
      const bool constant = form > 0;
      if (form == 2 && &window == &windows[2]) continue;  // its padding depends on the size
      TestModel model;
      model
          .Input("x",
                 form == 2 ? std::vector<int64_t>{2, 2, -1, 4, -1} : std::vector<int64_t>{-1, 2, 5, 4, 5})
          .Output("z")
          .Floats("bias", {4}, {1, 2, 3, 4});
      if (constant) {
        model.Floats("w", {4, depth, 3, 2, 2}, weights);
      } else {
        model.Input("w", {4, depth, 3, 2, 2});
      }
      const Graph graph = Optimised(model.Node("Conv", {"x", "w", "bias"}, {"z"}, window).Build());
      EXPECT_EQ(Count(graph, OpId::kConvNd), constant ? 0 : 1);
      EXPECT_EQ(Count(graph, OpId::kConv2d), constant ? 3 : 0);
      const TensorView views[] = {{x.data(), DType::kF32, Shape{2, 2, 5, 4, 5}},
                                  {weights.data(), DType::kF32, Shape{4, depth, 3, 2, 2}}};
      Vector<EvaluatedTensor> fetches;
      const Status status =
          EvaluateGraph(graph, std::span<const TensorView>(views, constant ? 1 : 2), {}, &fetches);
      ASSERT_TRUE(status.ok()) << status.message();
      const float* y = fetches[0].view.as<float>();
      results[form].assign(y, y + fetches[0].view.elements());
    }
    ASSERT_EQ(results[0].size(), results[1].size());
    for (size_t i = 0; i < results[0].size(); ++i) EXPECT_NEAR(results[0][i], results[1][i], 1e-5) << i;
    if (&window != &windows[2]) {
      EXPECT_EQ(results[1], results[2]);
    }
  }
}

TEST(OnnxSpatial, MoreAxesAndDoublesAreGeneral) {
  TestModel volume;
  volume.Input("x", {1, 2, 4, 5, 6}).Output("z");
  volume.Node("AveragePool", {"x"}, {"z"}, {IntsAttribute("kernel_shape", {2, 2, 2})});
  EXPECT_EQ(Count(Optimised(volume.Build()), OpId::kPoolNd), 1);

  constexpr int32_t kDoubleType = 11;
  TestModel wide;
  wide.Input("x", {1, 2, 4, 5}, kDoubleType).Input("w", {2, 3, 2, 2}, kDoubleType).Output("z");
  wide.Node("ConvTranspose", {"x", "w"}, {"z"});
  EXPECT_EQ(Count(Optimised(wide.Build()), OpId::kConvTransposeNd), 1);
}

TEST(OnnxSpatial, IndicesOnlyWhereTheyAreRead) {
  for (const bool read : {false, true}) {
    TestModel model;
    model.Input("x", {1, 2, 4, 6}).Output("y");
    if (read) model.Output("i");
    model.Node("MaxPool", {"x"}, {"y", "i"}, {IntsAttribute("kernel_shape", {2, 2})});
    const Graph graph = Optimised(model.Build());
    EXPECT_EQ(Count(graph, read ? OpId::kPoolNd : OpId::kMaxPool2d), 1);
  }
}

TEST(OnnxSpatial, TransposedConvolutionsByOutputSize) {
  // By numbers where the padding is not negative; grouped weights may be inputs.
  for (const int64_t size : {8, 12}) {
    TestModel model;
    model.Input("x", {1, 4, 5, 5}).Input("w", {4, 3, 3, 3}).Output("z");
    model.Node("ConvTranspose", {"x", "w"}, {"z"},
               {IntsAttribute("strides", {2, 2}), IntsAttribute("output_shape", {size, size}),
                IntAttribute("group", 2)});
    const Graph graph = Optimised(model.Build());
    EXPECT_EQ(Count(graph, size == 8 ? OpId::kConvTranspose2d : OpId::kConvTransposeNd), 1);
  }
}

TEST(OnnxSpatial, ImagesAreResizedByTheFastOperator) {
  struct {
    std::vector<float> scales;
    std::string mode;
    OpId expected;
  } cases[] = {
      {{1, 1, 2, 2}, "linear", OpId::kResize},     {{1, 2, 2, 2}, "linear", OpId::kResizeNd},
      {{1, 1, 2, 2}, "cubic", OpId::kResizeNd},    {{1, 1, 2}, "nearest", OpId::kResize},
      {{1, 1, 2, 2, 2}, "cubic", OpId::kResizeNd},
  };
  for (const auto& one : cases) {
    TestModel model;
    model.Input("x", std::vector<int64_t>(one.scales.size(), 3)).Output("z");
    model.Floats("scales", {static_cast<int64_t>(one.scales.size())}, one.scales);
    model.Node("Resize", {"x", "", "scales"}, {"z"}, {StringAttribute("mode", one.mode)});
    EXPECT_EQ(Count(Optimised(model.Build()), one.expected), 1) << one.mode << one.scales.size();
  }
}

// (x + 0.5) / scale, rounded down.
TEST(OnnxSpatial, HalfPixelForNearest) {
  TestModel model;
  model.Input("x", {1, 1, 1, 5}).Output("z").Floats("scales", {4}, {1, 1, 1, 0.6f});
  model.Node("Resize", {"x", "", "scales"}, {"z"},
             {StringAttribute("coordinate_transformation_mode", "tf_half_pixel_for_nn"),
              StringAttribute("nearest_mode", "floor")});
  const Graph graph = Optimised(model.Build(11));
  float x[] = {0, 1, 2, 3, 4};
  const TensorView view = {x, DType::kF32, Shape{1, 1, 1, 5}};
  Vector<EvaluatedTensor> fetches;
  const Status status = EvaluateGraph(graph, std::span<const TensorView>(&view, 1), {}, &fetches);
  ASSERT_TRUE(status.ok()) << status.message();
  const float* y = fetches[0].view.as<float>();
  EXPECT_EQ(std::vector<float>(y, y + 3), (std::vector<float>{0, 2, 4}));
}

}  // namespace
}  // namespace mace::importers::onnx
