// Files that must be refused with a clear message, and bytes that nobody meant.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <random>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/passes/passes.h"

namespace mace::importers::onnx {
namespace {

Status ImportText(const std::string& bytes) {
  Graph graph;
  ImportReport report;
  return ImportOnnx(AsBytes(bytes), {}, &graph, &report);
}

void ExpectRefused(const std::string& bytes, StatusCode code, const char* text) {
  const Status status = ImportText(bytes);
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(std::strstr(status.message(), text), nullptr) << status.message();
}

TestModel Small() {
  TestModel model;
  model.Input("x", {-1, 2, 4, 4})
      .Floats("w", {3, 2, 3, 3}, std::vector<float>(54, 0.5f))
      .Ints("shape", {0, -1});
  model.Node("Conv", {"x", "w"}, {"c"},
             {IntsAttribute("pads", {1, 1, 1, 1}), IntsAttribute("strides", {1, 1})});
  model.Node("Relu", {"c"}, {"r"}).Node("MaxPool", {"r"}, {"p"}, {IntsAttribute("kernel_shape", {2, 2})});
  model.Node("Reshape", {"p", "shape"}, {"f"})
      .Node("Softmax", {"f"}, {"y"}, {IntAttribute("axis", 1)})
      .Output("y");
  return model;
}

TEST(OnnxHostileTest, AllUnknownOperatorsAreNamedAtOnce) {
  TestModel model;
  model.Input("x", {1})
      .Node("Frobnicate", {"x"}, {"a"})
      .Node("Relu", {"a"}, {"b"})
      .Node("Gloop", {"b"}, {"c"});
  model.Node("Frobnicate", {"c"}, {"d"}).Node("Mine", {"d"}, {"y"}, {}, "my.domain").Output("y");
  const Status status = ImportText(model.Build());
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  for (const char* text :
       {"Frobnicate (2 nodes: 'node_1', 'node_4')", "Gloop (1 node: 'node_3')", "my.domain:Mine"}) {
    EXPECT_NE(std::strstr(status.message(), text), nullptr) << status.message();
  }
  EXPECT_EQ(std::strstr(status.message(), "Relu"), nullptr);
}

TEST(OnnxHostileTest, RefusalsBehindUnknownOperatorsAreToldWithThem) {
  TestModel model;
  model.Input("x", {1, 1, 4, 4}).Floats("scales", {4}, {1, 1, 2, 2});
  model.Ints("axis", {0}).Floats("kernel", {1, 8, 3, 3}, std::vector<float>(72));
  std::string last = "x";
  for (int i = 0; i < 10; ++i) {
    const std::string next = "f" + std::to_string(i);
    model.Node("Frobnicate", {last}, {next});
    last = next;
  }
  model.Node("", {last}, {"nothing"})
      .Node("Cast", {"nothing"}, {"c"}, {IntAttribute("to", 14)})
      .Node("Resize", {"c", "", "scales"}, {"d"}, {StringAttribute("mode", "spline")})
      .Node("Conv", {"d", "kernel"}, {"good"})
      .Node("Squeeze", {"good"}, {"s"})  // not refused: there may be a type that it takes
      .Node("Unsqueeze", {"s", "axis"}, {"y"})
      .Output("y");
  const std::string message = ImportText(model.Build()).message();
  for (const char* text : {"Frobnicate (10 nodes: 'node_1', 'node_2'", "'node_8' and 2 more)",
                           "a node without an operator type (1 node: 'node_11')", "'node_12' (Cast)",
                           "'node_13' (Resize): mode='spline'"}) {
    EXPECT_NE(message.find(text), std::string::npos) << text << " is not in: " << message;
  }
  for (const char* text : {"node_14", "node_15", "node_16"}) {
    EXPECT_EQ(message.find(text), std::string::npos) << message;
  }
}

TEST(OnnxHostileTest, UnsupportedAttributesNameTheirNodes) {
  TestModel model;
  model.Input("x", {1, 1, 4, 4}).Node("Resize", {"x", "", "s"}, {"a"}, {StringAttribute("mode", "spline")});
  model.Floats("s", {4}, {1, 1, 2, 2})
      .Node("MaxPool", {"x"}, {"b"}, {IntsAttribute("kernel_shape", {2, 2, 2})});
  model.Node("Add", {"a", "b"}, {"y"}).Output("y");
  const Status status = ImportText(model.Build());
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  for (const char* text : {"'node_1' (Resize)", "mode='spline'", "'node_2' (MaxPool)"}) {
    EXPECT_NE(std::strstr(status.message(), text), nullptr) << status.message();
  }
}

TEST(OnnxHostileTest, OutputsThatAreReadMustBeSupported) {
  TestModel model;
  model.Input("x", {1, 1, 4, 4}).Node("Relu", {"x"}, {"a", "i"});
  model.Node("Identity", {"i"}, {"y"}).Output("y");
  ExpectRefused(model.Build(), StatusCode::kUnsupported, "output 1 ('i') is not supported");
}

TEST(OnnxHostileTest, ShapeErrorsNameTheirNodeOnce) {
  TestModel model;
  model.Input("x", {2, 3}).Input("z", {4, 5}).Node("Add", {"x", "z"}, {"y"}).Output("y");
  const std::string message = ImportText(model.Build()).message();
  EXPECT_EQ(message.find("node '"), 0u) << message;
  EXPECT_EQ(message.find("node '", 1), std::string::npos) << message;
}

TEST(OnnxHostileTest, EveryTruncationIsAnError) {
  const std::string whole = Small().Build();
  ASSERT_TRUE(ImportText(whole).ok()) << ImportText(whole).message();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ImportText(whole.substr(0, size)).ok()) << size << " of " << whole.size();
  }
}

TEST(OnnxHostileTest, BrokenGraphsSayWhatIsWrong) {
  TestModel cycle;
  cycle.Input("x", {1}).Node("Add", {"x", "b"}, {"a"}).Node("Relu", {"a"}, {"b"}).Output("b");
  ExpectRefused(cycle.Build(), StatusCode::kDataLoss, "cycle");
  TestModel twice;
  twice.Input("x", {1}).Node("Relu", {"x"}, {"y"}).Node("Exp", {"x"}, {"y"}).Output("y");
  ExpectRefused(twice.Build(), StatusCode::kDataLoss, "two values are named 'y'");
  TestModel dangling;
  dangling.Input("x", {1}).Node("Add", {"x", "nowhere"}, {"y"}).Output("y");
  ExpectRefused(dangling.Build(), StatusCode::kDataLoss, "'nowhere'");
  TestModel output;
  output.Input("x", {1}).Node("Relu", {"x"}, {"y"}).Output("z");
  ExpectRefused(output.Build(), StatusCode::kDataLoss, "'z'");
  ExpectRefused(Small().Build(0), StatusCode::kUnsupported, "operator set 0");
  ExpectRefused(Small().Build(999), StatusCode::kUnsupported, "operator set 999");
  ExpectRefused("", StatusCode::kDataLoss, "");
}

TEST(OnnxHostileTest, TensorsMustMatchTheirDimensions) {
  const auto with = [](const std::string& tensor) {
    TestModel model;
    return model.Input("x", {1}).Tensor(tensor).Node("Add", {"x", "t"}, {"y"}).Output("y").Build();
  };
  const std::vector<float> one = {1};
  ExpectRefused(with(RawTensor("t", kFloatType, {2}, one)), StatusCode::kDataLoss, "'t'");
  ExpectRefused(with(RawTensor("t", kFloatType, {-1}, one)), StatusCode::kDataLoss, "negative");
  ExpectRefused(with(RawTensor("t", kFloatType, {int64_t{1} << 62, 16}, one)), StatusCode::kDataLoss,
                "impossible");
  ExpectRefused(with(RawTensor("t", kFloatType, {int64_t{1} << 40}, one)), StatusCode::kDataLoss, "'t'");
  ExpectRefused(with(RawTensor("t", 8, {1}, one)), StatusCode::kUnsupported, "element type string,");
  ExpectRefused(with(RawTensor("t", 99, {1}, one)), StatusCode::kUnsupported, "element type number 99");
  std::string both = RawTensor("t", kFloatType, {1}, one);
  protozero::pbf_writer(both).add_packed_float(4, one.begin(), one.end());
  ExpectRefused(with(both), StatusCode::kDataLoss, "two fields, raw_data and float_data");
  std::string other;
  protozero::pbf_writer other_writer(other);
  other_writer.add_int64(1, 1);
  other_writer.add_int32(2, kFloatType);
  const std::vector<int64_t> integers = {1};
  other_writer.add_packed_int64(7, integers.begin(), integers.end());
  other_writer.add_string(8, "t");
  ExpectRefused(with(other), StatusCode::kDataLoss, "a field of another element type");
  ExpectRefused(with(RawTensor("t", kFloatType, {1, 1, 1, 1, 1, 1, 1, 1, 1}, one)), StatusCode::kUnsupported,
                "rank 9");
  std::string external;
  protozero::pbf_writer writer(external);
  writer.add_int64(1, 1);
  writer.add_int32(2, kFloatType);
  writer.add_string(8, "t");
  writer.add_int32(14, 1);
  ExpectRefused(with(external), StatusCode::kInvalidArgument, "came as bytes, without a folder");
}

// A few bytes may not ask for gigabytes, nor for hours.
TEST(OnnxHostileTest, ConstantsOfHugeShapeAreNotComputed) {
  TestModel model;
  model.Input("x", {1})
      .Ints("shape", {int64_t{1} << 20, int64_t{1} << 20})
      .Node("ConstantOfShape", {"shape"}, {"c"});
  model.Node("ReduceSum", {"c"}, {"s"}, {IntAttribute("keepdims", 0)})
      .Node("Add", {"x", "s"}, {"y"})
      .Output("y");
  Graph graph;
  ImportReport report;
  const std::string bytes = model.Build();
  const auto start = std::chrono::steady_clock::now();
  if (ImportOnnx(AsBytes(bytes), {}, &graph, &report).ok()) {
    passes::OptimizeReport optimised;
    passes::OptimizeGraph(&graph, &optimised).IgnoreError();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(OnnxHostileTest, NodesOfVeryManyInputsAreRefused) {
  TestModel one;
  one.Input("x", {4}).Node("Max", std::vector<std::string>(70000, "x"), {"y"}).Output("y");
  ExpectRefused(one.Build(), StatusCode::kResourceExhausted,
                "node 'node_1' (Max) has 70000 inputs, the limit is 65536");
  TestModel several;
  several.Input("x", {4});
  for (int i = 0; i < 3; ++i) {
    several.Node("Sum", std::vector<std::string>(60000, "x"), {"y" + std::to_string(i)});
  }
  ExpectRefused(several.Output("y2").Build(), StatusCode::kResourceExhausted, "131072 inputs in all");
  TestModel outputs;
  outputs.Input("x", {4}).Node("Relu", {"x"}, {"y"});
  for (int i = 0; i < 5000; ++i) outputs.Output("y");
  ExpectRefused(outputs.Build(), StatusCode::kUnsupported, "5000 outputs, the limit is 4096");
}

TEST(OnnxHostileTest, FoldingAddsNoMoreThanItsAllowance) {
  for (const int64_t size : {int64_t{1} << 10, int64_t{1} << 18}) {  // 4 KiB and 1 MiB
    const int count = size == 1 << 10 ? 6000 : 40;
    TestModel model;
    model.Input("x", {1}).Floats("k", {1}, {1}).Ints("shape", {size});
    std::vector<std::string> inputs = {"x"};
    for (int i = 0; i < count; ++i) {
      inputs.push_back("c" + std::to_string(i));
      model.Node("Expand", {"k", "shape"}, {inputs.back()});
    }
    model.Node("Concat", inputs, {"y"}, {IntAttribute("axis", 0)}).Output("y");
    Graph graph;
    ImportReport report;
    const std::string bytes = model.Build();
    ASSERT_TRUE(ImportOnnx(AsBytes(bytes), {}, &graph, &report).ok());
    const auto constant_bytes = [&] {
      int64_t sum = 0;
      for (const Constant& constant : graph.constants) sum += constant.view.bytes();
      return sum;
    };
    const int64_t imported = constant_bytes();
    EXPECT_LE(imported, int64_t{17} << 20);
    passes::OptimizeReport optimised;
    ASSERT_TRUE(passes::OptimizeGraph(&graph, &optimised).ok());
    EXPECT_LE(constant_bytes(), (int64_t{16} << 20) + 5 * imported);
  }
}

TEST(OnnxHostileTest, FilesThatAreCompleteAreNotCalledIncomplete) {
  TestModel name;
  name.Input("x", {4}).Node("Relu", {"x"}, {std::string(70000, 'n')}).Output("y");
  TestModel text;
  text.Input("x", {4}).Node("Relu", {"x"}, {"\xff\xfe"}).Output("y");
  const std::string two = Small().Build() + Small().Build();
  for (const auto& [bytes, wanted] : {std::pair<std::string, const char*>{name.Build(), "has 70000 bytes"},
                                      {text.Build(), "not UTF-8"},
                                      {two, "two graphs"}}) {
    ExpectRefused(bytes, StatusCode::kDataLoss, wanted);
    EXPECT_EQ(std::strstr(ImportText(bytes).message(), "complete"), nullptr);
  }
  const std::string whole = Small().Build();
  ExpectRefused(whole.substr(0, whole.size() / 2), StatusCode::kDataLoss, "not a complete ONNX file");
}

TEST(OnnxHostileTest, ManyTinyNodesDoNotMultiplyTheirSize) {
  std::string graph(16 << 20, '\0');  // field 1, length 0: eight million empty nodes
  for (size_t i = 0; i < graph.size(); i += 2) graph[i] = 0x0A;
  std::string bytes;
  protozero::pbf_writer(bytes).add_message(7, graph);
  ExpectRefused(bytes, StatusCode::kDataLoss, "out of proportion");
}

TEST(OnnxHostileTest, MutatedFilesGiveAGraphOrAnError) {
  const std::string whole = Small().Build(11);
  std::mt19937 random(1);
  int imported = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) {
      char& byte = bytes[random() % bytes.size()];
      byte = random() % 2 == 0 ? static_cast<char>(random()) : static_cast<char>(byte ^ (1 << random() % 8));
    }
    Graph graph;
    ImportReport report;
    if (!ImportOnnx(AsBytes(bytes), {}, &graph, &report).ok()) continue;
    ++imported;
    passes::OptimizeReport optimised;
    const Status status = passes::OptimizeGraph(&graph, &optimised);
    EXPECT_NE(status.code(), StatusCode::kInternal) << status.message();
    if (status.ok()) {
      EXPECT_TRUE(VerifyGraph(graph, &FindOpDefinition).ok());
    }
  }
  EXPECT_GT(imported, 100);
}

TEST(FormatTest, IsFoundByTheFirstBytes) {
  EXPECT_EQ(DetectFormat(AsBytes(Small().Build())), Format::kOnnx);
  EXPECT_EQ(DetectFormat(AsBytes(std::string("\x1c\0\0\0TFL3\0\0", 10))), Format::kTflite);
  EXPECT_EQ(DetectFormat(AsBytes("PK\x03\x04 zip")), Format::kUnknown);
  EXPECT_EQ(DetectFormat({}), Format::kUnknown);
}

}  // namespace
}  // namespace mace::importers::onnx
