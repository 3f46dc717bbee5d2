// Networks and weights that must be refused with a clear message, and bytes that nobody meant.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/importers/caffe/text_format.h"
#include "mace/importers/import_error.h"
#include "mace/importers/importer.h"

namespace mace::importers::caffe {
namespace {

std::span<const uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Imported {
  Status status;
  Graph graph;
  ImportReport report;
};
Imported ImportText(const std::string& text, const std::string& weights = "", CutOptions cut = {}) {
  Imported result;
  ImportOptions options;
  options.cut = std::move(cut);
  if (!weights.empty()) options.weights = AsBytes(weights);
  result.status = ImportCaffe(AsBytes(text), options, &result.graph, &result.report);
  return result;
}

void ExpectRefused(const std::string& text, const char* message, const std::string& weights = "") {
  const Status status = ImportText(text, weights).status;
  ASSERT_FALSE(status.ok()) << text;
  EXPECT_NE(std::strstr(status.message(), message), nullptr) << status.message();
}

std::string Field(int number, const std::string& bytes) {
  std::string field;
  for (uint64_t value : {static_cast<uint64_t>(number) << 3 | 2, static_cast<uint64_t>(bytes.size())}) {
    for (; value > 127; value >>= 7) field += static_cast<char>(value & 127 | 128);
    field += static_cast<char>(value);
  }
  return field + bytes;
}
std::string Floats(size_t count, float value = 0.5f) {
  const std::vector<float> elements(count, value);
  return {reinterpret_cast<const char*>(elements.data()), 4 * count};
}

constexpr char kInput[] = "input: 'x' input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }\n";
std::string OneLayer(const std::string& layer) { return kInput + ("layer { " + layer + " }"); }
std::string Convolution() {
  return OneLayer(
      "name: 'c' type: 'Convolution' bottom: 'x' top: 'y' convolution_param { num_output: 3 kernel_size: 3 "
      "}");
}
std::string ConvolutionWeights(size_t elements = 54) {
  return Field(100, Field(1, "c") + Field(7, Field(5, Floats(elements))) + Field(7, Field(5, Floats(3))));
}

TEST(CaffeText, ValuesListsAndStrings) {
  const TextMessage text = ParseText(
      "a: 1 # comment\n b { c: [1, 2,3] d: 'x' \"\\101\\n\" } e < f: -1.5e-3 >; g: TRAIN, h: 0x10 a: 2 i [ { "
      "j: 1 }, { j: 2 } ]");
  EXPECT_EQ(text.Int("a", 0), 2);  // the last one
  EXPECT_EQ(text.Message("b").Ints("c"), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(text.Message("b").Text("d"), "xA\n");
  EXPECT_EQ(text.Message("e").Number("f", 0), -1.5e-3);
  EXPECT_EQ(text.Word("g", ""), "TRAIN");
  EXPECT_EQ(text.Int("h", 0), 16);
  EXPECT_EQ(text.Messages("i").size(), 2u);
  EXPECT_EQ(text.Int("absent", 7), 7);
}

TEST(CaffeText, ErrorsNameTheLine) {
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"a: 1\nb: 'x", "line 2: a string does not end"},
           {"a {\n b: 1\n", "line 3: the file ends inside a message that began on line 1"},
           {"a 1", "line 1: expected ':' or '{' behind 'a'"},
           {"\n\n: 1", "line 3: expected the name of a field"},
           {"a: }", "line 1: expected a value"},
           {"a: [1 2]", "line 1: expected ',' or ']'"}}) {
    try {
      ParseText(text);
      ADD_FAILURE() << text;
    } catch (const ImportError& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(ParseText("a: 1e999").Number("a", 0), ImportError);  // was 0
  EXPECT_EQ(ParseText("a: 1e308").Number("a", 0), 1e308);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a{";
  EXPECT_THROW(ParseText(deep), ImportError);
}

TEST(CaffeImporter, AConvolutionIsConverted) {
  const Imported imported = ImportText(Convolution(), ConvolutionWeights());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  ASSERT_EQ(imported.graph.outputs.size(), 1u);
  const Value& y = imported.graph.values[imported.graph.outputs[0]];
  EXPECT_EQ(y.name.view(), "y");
  EXPECT_EQ(y.type.shape[1], 3);
  EXPECT_EQ(y.type.shape[2], 2);
  EXPECT_TRUE(IsSymbolDim(y.type.shape[0]));  // the batch
}

TEST(CaffeImporter, WeightsThatAreMissingOrOfAnotherSize) {
  ExpectRefused(Convolution(), "give its .caffemodel");
  ExpectRefused(Convolution(), "has 53 elements", ConvolutionWeights(53));
  ExpectRefused(Convolution(), "no weights of a layer of this name", Field(100, Field(1, "other")));
  ExpectRefused(Convolution(), "damaged", ConvolutionWeights().substr(0, 60));
}

TEST(CaffeImporter, EveryProblemIsNamedAtOnce) {
  const std::string text = kInput + std::string(
                                        "layer { name: 'a' type: 'Frobnicate' bottom: 'x' top: 'a' }\n"
                                        "layer { name: 'b' type: 'ReLU' bottom: 'a' top: 'b' }\n"
                                        "layer { name: 'c' type: 'Python' bottom: 'x' top: 'c' }");
  const Imported imported = ImportText(text);
  EXPECT_EQ(imported.status.code(), StatusCode::kUnsupported);
  ASSERT_EQ(imported.report.problems.size(), 2u);
  EXPECT_EQ(imported.report.problems[0].node, "layer 'a' (Frobnicate)");
  EXPECT_EQ(imported.report.problems[1].node, "layer 'c' (Python)");
}

TEST(CaffeImporter, WhatIsWrongWithANetwork) {
  ExpectRefused("name: 'n'", "no layers in the phase TEST");
  ExpectRefused(OneLayer("name: 'r' type: 'ReLU' bottom: 'z' top: 'y'"),
                "reads 'z', which no layer in front of it");
  ExpectRefused(OneLayer("name: 'r' type: 'Sigmoid' bottom: 'y' top: 'x'"), "reads 'y'");
  ExpectRefused(OneLayer("name: 'r' type: 'ReLU' bottom: 'x'"), "no outputs");
  ExpectRefused("layers { layer { name: 'x' type: 'relu' } }", "upgrade_net_proto_text");
  ExpectRefused("input: 'x' input_dim: 1 layer { type: 'ReLU' bottom: 'x' top: 'y' }", "four input_dim");
  ExpectRefused("layer { name: 'd' type: 'Data' top: 'x' } layer { type: 'ReLU' bottom: 'x' top: 'y' }",
                "deploy.prototxt");
  ExpectRefused(OneLayer("type: 'Pooling' bottom: 'x' top: 'y' pooling_param { kernel_size: 2 pad: 2 }"),
                "pad 2");
  ExpectRefused(OneLayer("type: 'Reshape' bottom: 'x' top: 'y' reshape_param { axis: 9 }"), "axis 9");
  ExpectRefused(OneLayer("type: 'Slice' bottom: 'x' top: 'y' top: 'z' slice_param { slice_point: 5 }"),
                "slice_point 5");
}

TEST(CaffeImporter, PhasesLossesAndLabels) {
  const Imported imported = ImportText(
      "layer { name: 'd' type: 'Data' top: 'data' top: 'label' include { phase: TRAIN } }\n"
      "layer { name: 'i' type: 'Input' top: 'data' top: 'label' include { phase: TEST }"
      " input_param { shape { dim: 1 dim: 3 } shape { dim: 1 } } }\n"
      "layer { name: 'r' type: 'ReLU' bottom: 'data' top: 'data' }\n"
      "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'data' bottom: 'label' top: 'loss' }\n"
      "layer { name: 'acc' type: 'Accuracy' bottom: 'data' bottom: 'label' top: 'acc' include { phase: TEST "
      "} }");
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  ASSERT_EQ(imported.graph.outputs.size(), 1u);
  EXPECT_EQ(imported.graph.values[imported.graph.outputs[0]].name.view(), "loss");
  ASSERT_EQ(imported.graph.inputs.size(), 1u);  // no label
  EXPECT_EQ(imported.report.warnings.size(), 2u);
}

TEST(CaffeImporter, OldLayersAndTheirWeights) {
  const std::string text = kInput + std::string(
                                        "layers { name: 'c' type: CONVOLUTION bottom: 'x' top: 'y' "
                                        "convolution_param { num_output: 3 kernel_size: 3 } }");
  const std::string weights =
      Field(2, Field(4, "c") + Field(6, Field(5, Floats(54))) + Field(6, Field(5, Floats(3))));
  EXPECT_TRUE(ImportText(text, weights).status.ok());
}

TEST(CaffeImporter, BlobsWrittenInPlaceCanBeCutByTheirLayers) {
  const std::string text = kInput + std::string(
                                        "layer { name: 'a' type: 'AbsVal' bottom: 'x' top: 'y' }\n"
                                        "layer { name: 'b' type: 'Sigmoid' bottom: 'y' top: 'y' }\n"
                                        "layer { name: 'c' type: 'TanH' bottom: 'y' top: 'z' }");
  CutOptions cut;
  cut.outputs = {"a", "y"};
  const Imported imported = ImportText(text, "", cut);
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  ASSERT_EQ(imported.graph.outputs.size(), 2u);
  EXPECT_EQ(imported.graph.nodes[0].op, OpId::kAbs);
  EXPECT_EQ(imported.graph.values[imported.graph.outputs[1]].name.view(), "y");
}

TEST(CaffeImporter, DamagedFilesNeverCrash) {
  const std::string text = Convolution(), weights = ConvolutionWeights();
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string broken_text = text, broken_weights = weights;
    for (std::string* bytes : {&broken_text, &broken_weights}) {
      for (uint32_t i = 0; i < 1 + random() % 3; ++i)
        (*bytes)[random() % bytes->size()] = static_cast<char>(random());
      if (random() % 4 == 0) bytes->resize(random() % bytes->size());
    }
    const Imported imported = ImportText(broken_text, broken_weights + "\n");
    if (imported.status.ok()) {
      EXPECT_TRUE(
          VerifyGraph(imported.graph, static_cast<const OpDefinition* (*)(OpId)>(&FindOpDefinition)).ok());
    }
  }
}

}  // namespace
}  // namespace mace::importers::caffe
