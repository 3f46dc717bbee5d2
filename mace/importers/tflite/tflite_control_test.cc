// IF, WHILE, variables: small files whose results are known, and files that lie.
#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"
#include "mace/ops/evaluate.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kAdd = 0, kMul = 18, kLess = 58, kIf = 118, kWhile = 119;
constexpr int32_t kCallOnce = 129, kVarHandle = 142, kReadVariable = 143, kAssignVariable = 144;

std::vector<float> RunFloats(const Graph& graph, std::vector<float> x, std::span<TensorView> states = {}) {
  const TensorView feed{x.data(), DType::kF32, Shape{static_cast<int64_t>(x.size())}};
  Vector<EvaluatedTensor> fetches;
  const Status status =
      EvaluateGraph(graph, {&feed, graph.inputs.empty() ? size_t{0} : size_t{1}}, states, &fetches);
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  const float* y = fetches[0].view.as<float>();
  return {y, y + fetches[0].view.elements()};
}

// One operator on two tensors, both inputs or one a constant.
void Binary(TfliteBuilder* builder, int32_t number, int8_t result, float constant) {
  const int x = builder->Add({.dims = {2}, .name = "a"});
  const int c = builder->Add({.dims = {2}, .data = TfliteBuilder::Bytes<float>({constant, constant})});
  const int y = builder->Add({.dims = {2}, .type = result, .name = "b"});
  builder->AddOperator(number, {x, c}, {y});
  builder->EndSubgraph({x}, {y});
}

template <typename Options>
void AddIf(TfliteBuilder* builder, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
           Options options) {
  builder->AddOperator(kIf, inputs, outputs, file::Options::IfOptions, options);
}

// y = x[0] < 1 ? x + 10 : x * 3
std::vector<uint8_t> IfModel(int32_t then_subgraph, int32_t else_subgraph) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1}, .name = "x"});
  const int one = builder.Add({.dims = {1}, .data = TfliteBuilder::Bytes<float>({1})});
  const int is_less = builder.Add({.dims = {1}, .type = kFileBool});
  const int y = builder.Add({.dims = {1}, .name = "y"});
  builder.AddOperator(kLess, {x, one}, {is_less});
  AddIf(&builder, {is_less, x}, {y}, file::CreateIfOptions(builder.options(), then_subgraph, else_subgraph));
  builder.EndSubgraph({x}, {y});
  Binary(&builder, kAdd, kFileF32, 10);
  const int a = builder.Add({.dims = {1}});
  const int c = builder.Add({.dims = {1}, .data = TfliteBuilder::Bytes<float>({3})});
  const int b = builder.Add({.dims = {1}});
  builder.AddOperator(kMul, {a, c}, {b});
  return builder.Finish({a}, {b});
}

TEST(TfliteControl, IfTakesTheBranchThatItsConditionNames) {
  Graph graph;
  const Status status = Import(IfModel(2, 2), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloats(graph, {0.5f}), std::vector<float>({1.5f}));
  Graph both;
  ASSERT_TRUE(Import(IfModel(1, 2), &both).ok());
  EXPECT_EQ(RunFloats(both, {0.5f}), std::vector<float>({10.5f, 10.5f}));  // [1] + [2], broadcast
  EXPECT_EQ(RunFloats(both, {2.0f}), std::vector<float>({6.0f}));
}

// while (x < 100) x = x * 3, on one element.
std::vector<uint8_t> WhileModel(int32_t condition, int32_t body) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1}, .name = "x"});
  const int y = builder.Add({.dims = {1}, .name = "y"});
  builder.AddOperator(kWhile, {x}, {y}, file::Options::WhileOptions,
                      file::CreateWhileOptions(builder.options(), condition, body));
  builder.EndSubgraph({x}, {y});
  for (int32_t number : {kLess, kMul}) {
    const int a = builder.Add({.dims = {1}});
    const int c =
        builder.Add({.dims = {1}, .data = TfliteBuilder::Bytes<float>({number == kLess ? 100.0f : 3.0f})});
    const int b =
        builder.Add({.dims = {1}, .type = static_cast<int8_t>(number == kLess ? kFileBool : kFileF32)});
    builder.AddOperator(number, {a, c}, {b});
    if (number == kMul) return builder.Finish({a}, {b});
    builder.EndSubgraph({a}, {b});
  }
  return {};
}

TEST(TfliteControl, WhileAsksBeforeEachIteration) {
  Graph graph;
  const Status status = Import(WhileModel(1, 2), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloats(graph, {2.0f}), std::vector<float>({162.0f}));
  EXPECT_EQ(RunFloats(graph, {200.0f}), std::vector<float>({200.0f}));
}

TEST(TfliteControl, FilesThatLie) {
  ExpectError(IfModel(0, 2), StatusCode::kDataLoss, "or themselves");
  ExpectError(IfModel(7, 2), StatusCode::kDataLoss, "subgraph 7 of 3");
  ExpectError(IfModel(-1, 2), StatusCode::kDataLoss, "subgraph -1 of 3");
  ExpectError(WhileModel(1, 0), StatusCode::kDataLoss, "or themselves");
  ExpectError(WhileModel(2, 2), StatusCode::kDataLoss, "the condition is float32");
  ExpectError(WhileModel(1, 1), StatusCode::kDataLoss, "would be bool");
}

// What changed bytes make of these files is an error or a graph, never a crash.
TEST(TfliteControl, ChangedFilesNeverCrash) {
  for (const std::vector<uint8_t>& good : {IfModel(1, 2), WhileModel(1, 2)}) {
    ExpectNoCrashWhenChanged(good);
  }
}

// A counter: v begins as 7 or not at all; each run gives v, and adds x to it where x < 1.
std::vector<uint8_t> VariableModel(bool has_initialiser) {
  TfliteBuilder builder;
  const auto handle = [&builder] {
    const int tensor = builder.Add({.dims = {}, .type = kFileResource});
    builder.AddOperator(kVarHandle, {}, {tensor}, file::Options::VariableOptions,
                        file::CreateVariableOptionsDirect(builder.options(), "", "v"));
    return tensor;
  };
  const int x = builder.Add({.dims = {1}, .name = "x"});
  const int old = builder.Add({.dims = {1}, .name = "old"});
  const int is_less = builder.Add({.dims = {1}, .type = kFileBool});
  const int one = builder.Add({.dims = {1}, .data = TfliteBuilder::Bytes<float>({1})});
  if (has_initialiser) {
    builder.AddOperator(kCallOnce, {}, {}, file::Options::CallOnceOptions,
                        file::CreateCallOnceOptions(builder.options(), 3));
  }
  const int v = handle();
  builder.AddOperator(kReadVariable, {v}, {old});
  builder.AddOperator(kLess, {x, one}, {is_less});
  AddIf(&builder, {is_less, v, x}, {}, file::CreateIfOptions(builder.options(), 1, 2));
  builder.EndSubgraph({x}, {old});
  for (bool adds : {true, false}) {
    const int inner = builder.Add({.dims = {}, .type = kFileResource});
    const int a = builder.Add({.dims = {1}});
    if (adds) {
      const int before = builder.Add({.dims = {1}}), after = builder.Add({.dims = {1}});
      builder.AddOperator(kReadVariable, {inner}, {before});
      builder.AddOperator(kAdd, {before, a}, {after});
      builder.AddOperator(kAssignVariable, {inner, after}, {});
    }
    builder.EndSubgraph({inner, a}, {});
  }
  const int seven = builder.Add({.dims = {1}, .data = TfliteBuilder::Bytes<float>({7})});
  builder.AddOperator(kAssignVariable, {handle(), seven}, {});
  return builder.Finish({}, {});
}

TEST(TfliteControl, VariablesAreStatesAlsoInBranches) {
  for (bool has_initialiser : {true, false}) {
    Graph graph;
    const Status status = Import(VariableModel(has_initialiser), &graph);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(graph.states.size(), 1u);
    float value = has_initialiser ? 7 : 0;
    if (has_initialiser) {
      ASSERT_NE(graph.states[0].initial, kNone);
      EXPECT_EQ(*graph.constants[graph.states[0].initial].view.as<float>(), 7);
    } else {
      EXPECT_EQ(graph.states[0].initial, kNone);
    }
    float expected = value;
    TensorView state{&value, DType::kF32, Shape{1}};
    for (float x : {0.5f, 2.0f, 0.25f, 3.0f}) {
      EXPECT_EQ(RunFloats(graph, {x}, {&state, 1}), std::vector<float>({expected}));
      if (x < 1) expected += x;
      EXPECT_EQ(value, expected);
    }
  }
}

// Each value that a loop carries was looked for in the outputs of each operator of the body: this
// file took 9 s.
TEST(TfliteControl, ManyValuesAndOperatorsOfALoopTakeLinearTime) {
  constexpr int kCount = 40000;
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1}, .name = "x"});
  const std::vector<int32_t> many(kCount, x);
  builder.AddOperator(kWhile, many, many, file::Options::WhileOptions,
                      file::CreateWhileOptions(builder.options(), 1, 2));
  builder.EndSubgraph({x}, {x});
  const int c = builder.Add({.dims = {1}, .type = kFileBool});
  builder.EndSubgraph({c}, {c});
  const int a = builder.Add({.dims = {1}});
  const int b = builder.Add({.dims = {1}});
  for (int i = 0; i < kCount; ++i) builder.AddOperator(kAdd, {a, a}, {b});
  const std::vector<uint8_t> bytes =
      builder.Finish(std::vector<int32_t>(kCount, a), std::vector<int32_t>(kCount, b));
  const auto start = std::chrono::steady_clock::now();
  Graph graph;
  EXPECT_FALSE(Import(bytes, &graph).ok());
  constexpr std::chrono::seconds kMost(3);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kMost);
}

}  // namespace
}  // namespace mace::importers::tflite
