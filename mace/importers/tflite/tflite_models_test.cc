// Trained models with goldens of LiteRT's reference kernels: every byte must be equal. Needs the folder of
// test models (environment variable MACE_TEST_MODELS).
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "mace/importers/importer.h"
#include "mace/ops/evaluate.h"
#include "tests/npy.h"

namespace mace::importers {
namespace {

using mace::testing::NpyArray;
using mace::testing::ReadNpy;

std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Step `index` of `steps` along the first axis; the whole array where steps is 0.
TensorView StepOf(NpyArray* array, int steps, int index) {
  TensorView view = array->view();
  if (steps == 0) return view;
  const int64_t bytes = view.bytes() / steps;
  view.data = array->bytes.data() + index * bytes;
  Shape shape;
  for (int i = 1; i < view.shape.rank; ++i) shape.Push(view.shape[i]);
  view.shape = shape;
  return view;
}

void ExpectGolden(const std::string& folder, const std::string& file, const std::string& case_name,
                  int steps) {
  const char* root = std::getenv("MACE_TEST_MODELS");
  if (root == nullptr) GTEST_SKIP() << "MACE_TEST_MODELS is not set: the trained models are not tested";
  const std::string directory = std::string(root) + "/tflite/" + folder;
  const std::vector<uint8_t> bytes = ReadFile(directory + "/" + file);
  ASSERT_FALSE(bytes.empty()) << directory << "/" << file;
  Graph graph;
  ImportReport report;
  Status status = ImportTflite(bytes, ImportOptions(), &graph, &report);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(report.warnings.empty());
  for (const Value& value : graph.values) {  // integers stay integers
    EXPECT_TRUE(IsInteger(value.type.dtype)) << value.name.c_str();
  }
  NpyArray input, golden;
  ASSERT_EQ(ReadNpy(directory + "/cases/" + case_name + "/in_0.npy", &input), "");
  ASSERT_EQ(ReadNpy(directory + "/cases/" + case_name + "/out_0.npy", &golden), "");
  std::vector<std::vector<uint8_t>> state_bytes;
  std::vector<TensorView> states;
  for (const State& state : graph.states) {
    const TensorType& type = graph.values[state.read].type;
    state_bytes.emplace_back(static_cast<size_t>(ByteCount(type.dtype, type.shape)));
    states.push_back({state_bytes.back().data(), type.dtype, type.shape});
  }
  for (int step = 0; step < std::max(steps, 1); ++step) {
    const TensorView feed = StepOf(&input, steps, step);
    const TensorView want = StepOf(&golden, steps, step);
    Vector<EvaluatedTensor> fetches;
    status = EvaluateGraph(graph, {&feed, 1}, states, &fetches);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(fetches.size(), 1u);
    ASSERT_EQ(fetches[0].view.dtype, want.dtype);
    ASSERT_EQ(fetches[0].view.shape, want.shape);
    EXPECT_EQ(std::memcmp(fetches[0].view.data, want.data, static_cast<size_t>(want.bytes())), 0)
        << case_name << ", step " << step;
  }
}

TEST(TfliteModels, MobilenetV1Uint8) {
  for (const char* name : {"cat", "sunflower", "grace_hopper", "parrot"}) {
    ExpectGolden("mobilenet_v1_0.25_128_quant", "mobilenet_v1_0.25_128_quant.tflite", name, 0);
    if (IsSkipped()) return;
  }
}

TEST(TfliteModels, MobilenetV1Int8PerChannel) {
  ExpectGolden("mobilenet_v1_0.25_128_int8", "mobilenet_v1_0.25_128_int8.tflite", "cat", 0);
}

TEST(TfliteModels, KeywordSpottingWithState) {
  ExpectGolden("keyword_scrambled", "keyword_scrambled.tflite", "random8", 8);
}

}  // namespace
}  // namespace mace::importers
