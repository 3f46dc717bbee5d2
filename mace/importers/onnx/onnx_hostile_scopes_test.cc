// Subgraphs and functions that nobody meant: each a clear error, soon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/passes/passes.h"

namespace mace::importers::onnx {
namespace {

using ::testing::HasSubstr;

Status ImportText(const std::string& bytes) {
  Graph graph;
  ImportReport report;
  return ImportOnnx(AsBytes(bytes), {}, &graph, &report);
}

void ExpectRefused(const std::string& bytes, StatusCode code, const char* text) {
  const auto start = std::chrono::steady_clock::now();
  const Status status = ImportText(bytes);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_THAT(status.message(), HasSubstr(text));
}

TestModel BodyOf(const std::string& op) {
  TestModel body;
  body.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a");
  return body.Node(op, {"a"}, {"b"}).Output("more").Output("b");
}
TestModel LoopOver(const std::string& body_graph) {
  TestModel model;
  model.Input("x", {2}).Tensor(RawTensor<int64_t>("n", kInt64Type, {1}, {int64_t{1} << 62}));
  return model.Node("Loop", {"n", "", "x"}, {"y"}, {GraphAttribute("body", body_graph)}).Output("y");
}

TEST(OnnxHostileScopesTest, LoopsAreNotUnrolled) {
  const auto start = std::chrono::steady_clock::now();
  const Status status = ImportText(LoopOver(BodyOf("Neg").Graph()).Build());
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(OnnxHostileScopesTest, FunctionsMustNotCallThemselves) {
  TestModel self, first, second, then_branch, through;
  self.Node("Self", {"a"}, {"b"}, {}, "my");
  TestModel model;
  model.Input("x", {1}).Node("Self", {"x"}, {"y"}, {}, "my").Output("y");
  ExpectRefused(model.Function("Self", {"a"}, {"b"}, self).Build(), StatusCode::kDataLoss,
                "function 'my:Self' calls itself (my:Self -> my:Self)");
  first.Node("Second", {"a"}, {"b"}, {}, "my");
  second.Node("First", {"a"}, {"b"}, {}, "my");
  TestModel mutual;
  mutual.Input("x", {1}).Node("First", {"x"}, {"y"}, {}, "my").Output("y");
  mutual.Function("First", {"a"}, {"b"}, first).Function("Second", {"a"}, {"b"}, second);
  ExpectRefused(mutual.Build(), StatusCode::kDataLoss, "my:First -> my:Second -> my:First");
  // Through a subgraph.
  then_branch.Node("Through", {"a", "c"}, {"t"}, {}, "my").Output("t");
  through.Node("If", {"c"}, {"b"},
               {GraphAttribute("then_branch", then_branch.Graph()),
                GraphAttribute("else_branch", then_branch.Graph())});
  TestModel branching;
  branching.Input("x", {1})
      .Input("c", {}, kBoolType)
      .Node("Through", {"x", "c"}, {"y"}, {}, "my")
      .Output("y");
  ExpectRefused(branching.Function("Through", {"a", "c"}, {"b"}, through).Build(), StatusCode::kDataLoss,
                "function 'my:Through' calls itself");
}

TEST(OnnxHostileScopesTest, ExpansionsAreBounded) {
  TestModel model;
  model.Input("x", {1}).Node("F0", {"x"}, {"y"}, {}, "my").Output("y");
  for (int i = 0; i < 40; ++i) {
    TestModel body;
    const std::string next = i == 39 ? "Neg" : "F" + std::to_string(i + 1);
    const std::string domain = i == 39 ? "" : "my";
    body.Node(next, {"a"}, {"m"}, {}, domain).Node(next, {"m"}, {"b"}, {}, domain);
    model.Function("F" + std::to_string(i), {"a"}, {"b"}, body);
  }
  ExpectRefused(model.Build(), StatusCode::kResourceExhausted, "expand to more than 131072 nodes");
  TestModel deep;
  deep.Input("x", {1}).Node("F0", {"x"}, {"y"}, {}, "my").Output("y");
  for (int i = 0; i < 100; ++i) {
    TestModel body;
    body.Node(i == 99 ? "Neg" : "F" + std::to_string(i + 1), {"a"}, {"b"}, {}, i == 99 ? "" : "my");
    deep.Function("F" + std::to_string(i), {"a"}, {"b"}, body);
  }
  ExpectRefused(deep.Build(), StatusCode::kResourceExhausted, "more than 64 deep");
}

// Loops in loops whose carried values change their shapes are converted again at every level.
TEST(OnnxHostileScopesTest, NestedLoopsThatGrowAreBounded) {
  for (const int levels : {4, 12}) {
    TestModel body;
    body.OpenInput("i0", kInt64Type).OpenInput("m0", kBoolType).OpenInput("a0");
    body.Node("Concat", {"a0", "a0"}, {"b0"}, {IntAttribute("axis", 0)}).Output("m0").Output("b0");
    for (int level = 1; level < levels; ++level) {
      const std::string n = std::to_string(level);
      TestModel outer;
      outer.OpenInput("i" + n, kInt64Type).OpenInput("m" + n, kBoolType).OpenInput("a" + n);
      outer.Node("Loop", {"i" + n, "", "a" + n}, {"b" + n}, {GraphAttribute("body", body.Graph())});
      outer.Output("m" + n).Output("b" + n);
      body = outer;
    }
    const auto start = std::chrono::steady_clock::now();
    const Status status = ImportText(LoopOver(body.Graph()).Build());
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kResourceExhausted) << status.message();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)) << levels;
  }
}

TEST(OnnxHostileScopesTest, DeepNestingIsRefused) {
  for (const int levels : {15, 16, 2000}) {
    std::string graph = BodyOf("Neg").Graph();
    for (int level = 1; level < levels; ++level) {
      TestModel outer;
      const std::string n = std::to_string(level);
      outer.OpenInput("i" + n, kInt64Type).OpenInput("m" + n, kBoolType).OpenInput("a" + n);
      outer.Node("Loop", {"i" + n, "", "a" + n}, {"b" + n}, {GraphAttribute("body", graph)});
      graph = outer.Output("m" + n).Output("b" + n).Graph();
    }
    const std::string bytes = LoopOver(graph).Build();
    if (levels < 16) {
      EXPECT_TRUE(ImportText(bytes).ok()) << ImportText(bytes).message();
    } else {
      ExpectRefused(bytes, StatusCode::kResourceExhausted, "nested more than 15 deep");
    }
  }
}

TEST(OnnxHostileScopesTest, NamesAreOfOneValue) {
  TestModel twice = BodyOf("Neg");
  twice.Node("Abs", {"a"}, {"b"});
  ExpectRefused(LoopOver(twice.Graph()).Build(), StatusCode::kDataLoss, "two values are named 'b'");
  TestModel input = BodyOf("Neg");
  input.Floats("a", {1}, {1});
  ExpectRefused(LoopOver(input.Graph()).Build(), StatusCode::kDataLoss, "two values are named 'a'");
  TestModel inputs;
  inputs.OpenInput("a", kInt64Type).OpenInput("more", kBoolType).OpenInput("a");
  inputs.Output("more").Output("a");
  ExpectRefused(LoopOver(inputs.Graph()).Build(), StatusCode::kDataLoss, "two values are named 'a'");
  TestModel body, functions;
  body.Node("Neg", {"a"}, {"b"});
  functions.Input("x", {1}).Node("F", {"x"}, {"y"}, {}, "my").Output("y");
  functions.Function("F", {"a"}, {"b"}, body).Function("F", {"a"}, {"b"}, body);
  ExpectRefused(functions.Build(), StatusCode::kDataLoss, "two functions are called 'F'");
}

TEST(OnnxHostileScopesTest, WhatIsCapturedMustBeThere) {
  TestModel nowhere = BodyOf("Neg");
  nowhere.Node("Add", {"a", "nowhere"}, {"c"});
  ExpectRefused(LoopOver(nowhere.Graph()).Build(), StatusCode::kDataLoss,
                "'nowhere', which nothing produces");
  // The loop reads what is computed from its own result.
  TestModel later = BodyOf("Neg");
  later.Node("Add", {"a", "z"}, {"c"});
  TestModel model = LoopOver(later.Graph());
  model.Node("Neg", {"y"}, {"z"});
  ExpectRefused(model.Build(), StatusCode::kDataLoss, "cycle through node");
  // One that stands behind the loop but does not depend on it is no mistake that matters.
  TestModel behind = LoopOver(later.Graph());
  behind.Node("Neg", {"x"}, {"z"});
  EXPECT_TRUE(ImportText(behind.Build()).ok()) << ImportText(behind.Build()).message();
  // A function sees nothing of its caller.
  TestModel body, function;
  body.Node("Add", {"a", "x"}, {"b"});
  function.Input("x", {1}).Node("F", {"x"}, {"y"}, {}, "my").Output("y").Function("F", {"a"}, {"b"}, body);
  ExpectRefused(function.Build(), StatusCode::kDataLoss, "'x', which nothing produces");
}

TEST(OnnxHostileScopesTest, BodiesMustFitTheirNodes) {
  TestModel few;
  few.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).Output("more");
  ExpectRefused(LoopOver(few.Graph()).Build(), StatusCode::kInvalidArgument,
                "the body has 2 inputs, expected 3");
  TestModel outputs;
  outputs.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a").Output("more");
  ExpectRefused(LoopOver(outputs.Graph()).Build(), StatusCode::kInvalidArgument, "the body has 1 outputs");
  TestModel type;
  type.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a").Output("more").Output("i");
  ExpectRefused(LoopOver(type.Graph()).Build(), StatusCode::kInvalidArgument,
                "carried value 0 is float32, the body makes int64 of it");
  TestModel condition;
  condition.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a").Output("a").Output("a");
  ExpectRefused(LoopOver(condition.Graph()).Build(), StatusCode::kInvalidArgument,
                "the body's condition is float32");
  TestModel missing;
  missing.Input("x", {1}).Node("Loop", {"", "", "x"}, {"y"}).Output("y");
  ExpectRefused(missing.Build(), StatusCode::kInvalidArgument, "attribute 'body' is missing");
}

TestModel Mixed() {
  TestModel then_branch, else_branch, body, inner, model;
  then_branch.Node("Twice", {"a"}, {"t"}, {FloatAttribute("by", 2)}, "my").Output("t");
  else_branch.Node("Sub", {"a", "w"}, {"e"}).Output("e");
  body.OpenInput("i", kInt64Type).OpenInput("more", kBoolType).OpenInput("a");
  body.Node("ReduceSum", {"a"}, {"s"}, {IntAttribute("keepdims", 0)}).Floats("limit", {}, {9});
  body.Node("Less", {"s", "limit"}, {"c"})
      .Node("If", {"c"}, {"b"},
            {GraphAttribute("then_branch", then_branch.Graph()),
             GraphAttribute("else_branch", else_branch.Graph())});
  body.Output("more").Output("b").Output("s");
  inner.Node("Constant", {}, {"k"}, {ReferenceAttribute("value_float", "by", 1)})
      .Node("Mul", {"x", "k"}, {"y"});
  model.Input("x", {2}).Floats("w", {2}, {1, 2}).Tensor(RawTensor<int64_t>("n", kInt64Type, {1}, {3}));
  model.Node("Loop", {"n", "", "x"}, {"y", "z"}, {GraphAttribute("body", body.Graph())});
  return model.Output("y").Output("z").Function("Twice", {"x"}, {"y"}, inner, {"by"});
}

TEST(OnnxHostileScopesTest, MutatedFilesGiveAGraphOrAnError) {
  const std::string whole = Mixed().Build();
  ASSERT_TRUE(ImportText(whole).ok()) << ImportText(whole).message();
  std::mt19937 random(2);
  int imported = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = whole;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < changes; ++i) {
      char& byte = bytes[random() % bytes.size()];
      byte = random() % 2 == 0 ? static_cast<char>(random()) : static_cast<char>(byte ^ (1 << random() % 8));
    }
    Graph graph;
    ImportReport report;
    const Status status = ImportOnnx(AsBytes(bytes), {}, &graph, &report);
    EXPECT_NE(status.code(), StatusCode::kInternal) << status.message();
    if (!status.ok()) continue;
    ++imported;
    passes::OptimizeReport optimised;
    const Status passed = passes::OptimizeGraph(&graph, &optimised);
    EXPECT_NE(passed.code(), StatusCode::kInternal) << passed.message();
    if (passed.ok()) {
      EXPECT_TRUE(VerifyGraph(graph, &FindOpDefinition).ok());
    }
  }
  EXPECT_GT(imported, 50);
}

}  // namespace
}  // namespace mace::importers::onnx
