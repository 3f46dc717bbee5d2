// The networks of MACE_TEST_MODELS against their goldens, and every pass alone on them. Skipped without it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"
#include "tests/npy.h"

namespace mace::importers::onnx {
namespace {

struct ModelCase {
  const char* file;  // below MACE_TEST_MODELS/onnx
  const char* folder;
  int inputs;
  double cosine;
};
// Small enough for the reference kernels.
constexpr ModelCase kModels[] = {
    {"mobilenet_v1_0.25_128_float/mobilenet_v1_0.25_128_float.onnx", "mobilenet_v1_0.25_128_float", 1,
     0.99999},
    {"mobilenet_v1_0.25_128_int8_qdq/mobilenet_v1_0.25_128_int8_qdq.onnx", "mobilenet_v1_0.25_128_int8_qdq",
     1, 0.93},
    {"ppocr_cls/ch_ppocr_mobile_v2.0_cls_infer.onnx", "ppocr_cls", 1, 0.99999},
    {"all_minilm_l6_v2_fp16w/all_minilm_l6_v2_fp16w.onnx", "all_minilm_l6_v2_fp16w", 3, 0.99999},
};

class OnnxModelsTest : public ::testing::TestWithParam<ModelCase> {
 protected:
  void SetUp() override {
    const char* root = std::getenv("MACE_TEST_MODELS");
    if (root == nullptr) GTEST_SKIP() << "MACE_TEST_MODELS is not set";
    const std::filesystem::path folder = std::filesystem::path(root) / "onnx";
    std::ifstream file(folder / GetParam().file, std::ios::binary);
    ASSERT_TRUE(file.good()) << "MACE_TEST_MODELS has no " << GetParam().file;
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    for (const auto& entry : std::filesystem::directory_iterator(folder / GetParam().folder / "cases")) {
      case_ = std::max(case_, entry.path().string());
    }
    for (int i = 0; i < GetParam().inputs; ++i) {
      testing::NpyArray array;
      ASSERT_EQ(testing::ReadNpy(case_ + "/in_" + std::to_string(i) + ".npy", &array), "");
      feeds_.push_back(std::move(array));
    }
  }

  void ImportModel(Graph* graph) {
    ImportReport report;
    const Status status = ImportOnnx(AsBytes(bytes_), {}, graph, &report);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  void Evaluate(const Graph& graph, Vector<EvaluatedTensor>* fetches) {
    std::vector<TensorView> views;
    for (testing::NpyArray& array : feeds_) views.push_back(array.view());
    const Status status = EvaluateGraph(graph, views, {}, fetches);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  static double Cosine(const TensorView& a, const TensorView& b) {
    EXPECT_EQ(a.shape, b.shape);
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < a.elements() && a.shape == b.shape; ++i) {
      ab += double{a.as<float>()[i]} * b.as<float>()[i];
      aa += double{a.as<float>()[i]} * a.as<float>()[i];
      bb += double{b.as<float>()[i]} * b.as<float>()[i];
    }
    return ab / std::sqrt(aa * bb);
  }

  std::string bytes_, case_;
  std::vector<testing::NpyArray> feeds_;
};

TEST_P(OnnxModelsTest, OptimisedGraphGivesTheGolden) {
  Graph graph;
  ImportModel(&graph);
  passes::OptimizeReport report;
  const Status status = passes::OptimizeGraph(&graph, &report);
  ASSERT_TRUE(status.ok()) << status.message();
  Vector<EvaluatedTensor> fetches;
  Evaluate(graph, &fetches);
  for (size_t i = 0; i < fetches.size(); ++i) {
    testing::NpyArray golden;
    ASSERT_EQ(testing::ReadNpy(case_ + "/out_" + std::to_string(i) + ".npy", &golden), "");
    EXPECT_GT(Cosine(fetches[i].view, golden.view()), GetParam().cosine);
  }
}

TEST_P(OnnxModelsTest, EveryPassAloneKeepsTheResult) {
  Graph graph;
  ImportModel(&graph);
  Vector<EvaluatedTensor> before;
  Evaluate(graph, &before);
  for (const passes::NamedPass& pass : passes::AllPasses()) {
    Graph changed;
    ImportModel(&changed);
    Status status = pass.run(&changed);
    ASSERT_TRUE(status.ok()) << pass.name << ": " << status.message();
    status = VerifyGraph(changed, &FindOpDefinition);
    ASSERT_TRUE(status.ok()) << pass.name << ": " << status.message();
    Vector<EvaluatedTensor> after;
    Evaluate(changed, &after);
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_GT(Cosine(before[i].view, after[i].view), 0.99999) << pass.name;
    }
  }
}

// Spatial operators want channels last: what is left stands at the graph's edges (or vanished altogether).
TEST_P(OnnxModelsTest, NoLayoutTransposeInsideConvolutionalNetworks) {
  Graph graph;
  ImportModel(&graph);
  passes::OptimizeReport report;
  ASSERT_TRUE(passes::OptimizeGraph(&graph, &report).ok());
  bool convolutional = false;
  for (const Node& node : graph.nodes) convolutional = convolutional || node.op == OpId::kConv2d;
  if (!convolutional) return;  // the rule is for convolutional networks
  for (const Node& node : graph.nodes) {
    if (node.op != OpId::kTranspose) continue;
    // At the edge of the graph, or with a quantization only between: bytes are moved for less than floats.
    ValueId source = node.inputs[0];
    const NodeId producer = graph.values[source].producer;
    if (producer != kNone && graph.nodes[producer].op == OpId::kQuantize)
      source = graph.nodes[producer].inputs[0];
    ValueId result = node.outputs[0];
    for (const Node& reader : graph.nodes) {
      if (reader.op == OpId::kDequantize && reader.inputs[0] == node.outputs[0]) result = reader.outputs[0];
    }
    bool edge = false;
    for (ValueId input : graph.inputs) edge = edge || input == source;
    for (ValueId output : graph.outputs) edge = edge || output == result;
    EXPECT_TRUE(edge) << node.name.c_str();
  }
}

INSTANTIATE_TEST_SUITE_P(Models, OnnxModelsTest, ::testing::ValuesIn(kModels), [](const auto& info) {
  std::string name = info.param.folder;
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return name;
});

}  // namespace
}  // namespace mace::importers::onnx
