// STABLEHLO_COMPOSITE, CALL, STABLEHLO_CASE: small files whose results are known, and files that lie.
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"
#include "mace/ops/evaluate.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kAdd = 0, kMul = 18, kCall = 31, kComposite = 206, kCase = 209;

float RunFloat(const Graph& graph, float x, int32_t* index = nullptr) {
  TensorView feeds[2] = {{&x, DType::kF32, Shape{1}}, {&x, DType::kF32, Shape{1}}};
  if (index != nullptr) feeds[0] = {index, DType::kI32, Shape{1}};
  Vector<EvaluatedTensor> fetches;
  const Status status = EvaluateGraph(graph, {feeds, index == nullptr ? 1u : 2u}, {}, &fetches);
  EXPECT_TRUE(status.ok()) << status.message();
  return status.ok() ? *fetches[0].view.as<float>() : -1;
}

int AddScalar(TfliteBuilder* builder, const std::string& name = {}) {
  return builder->Add({.dims = {1}, .name = name});
}
int AddNumber(TfliteBuilder* builder, float number) {
  return builder->Add({.dims = {1}, .name = "number", .data = TfliteBuilder::Bytes<float>({number})});
}

void AddComposite(TfliteBuilder* builder, int32_t subgraph, const std::vector<int32_t>& inputs,
                  const std::vector<int32_t>& outputs) {
  builder->AddNewOperator(kComposite, inputs, outputs, file::Options2::CompositeOptions,
                          file::CreateCompositeOptionsDirect(builder->options(), "odml.test", subgraph));
}

// A subgraph x -> what operators on x, which all it calls, give; the last of them is its output. Each calls
// subgraph `callee`.
void AddCalls(TfliteBuilder* builder, int32_t callee, int count) {
  int x = AddScalar(builder, "x");
  const int input = x;
  for (int i = 0; i < count; ++i) {
    const int y = AddScalar(builder, "y" + std::to_string(i));
    AddComposite(builder, callee, {x}, {y});
    x = y;
  }
  builder->EndSubgraph({input}, {x});
}

// y = operator(x, number)
std::vector<uint8_t> FinishWith(TfliteBuilder* builder, int32_t number, float constant) {
  const int x = AddScalar(builder, "x"), inner = AddScalar(builder, "inner"), y = AddScalar(builder, "y");
  const int c = AddNumber(builder, constant);
  builder->AddOperator(number, {x, c}, {inner});
  builder->AddOperator(kAdd, {inner, inner}, {y});
  return builder->Finish({x}, {y});
}

// `depth` subgraphs, of which each but the last calls the next one `count` times.
std::vector<uint8_t> Chain(int depth, int count) {
  TfliteBuilder builder;
  for (int i = 1; i < depth; ++i) AddCalls(&builder, i, count);
  return FinishWith(&builder, kAdd, 1);
}

TEST(TfliteSubgraphs, CompositesAreInlinedUnderNamesOfTheirOwn) {
  Graph graph;
  const Status status = Import(Chain(3, 2), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloat(graph, 1), 46);  // x -> 2 (x + 1), four times
  std::set<std::string> names;
  for (const Value& value : graph.values) {
    if (value.name.empty()) continue;
    const std::string name(value.name.view());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_TRUE(names.contains("y0/y1/inner"));
  EXPECT_TRUE(names.contains("y0"));
  EXPECT_TRUE(graph.subgraphs.empty());
}

TEST(TfliteSubgraphs, ACompositeMayGiveItsInput) {
  TfliteBuilder builder;
  const int x = AddScalar(&builder, "x"), y = AddScalar(&builder, "y");
  AddComposite(&builder, 1, {x}, {y});
  builder.EndSubgraph({x}, {y});
  const int a = AddScalar(&builder, "a");
  Graph graph;
  const Status status = Import(builder.Finish({a}, {a}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloat(graph, 3), 3);
}

std::vector<uint8_t> CallModel(uint32_t subgraph) {
  TfliteBuilder builder;
  const int x = AddScalar(&builder, "x"), y = AddScalar(&builder, "y");
  builder.AddOperator(kCall, {x}, {y}, file::Options::CallOptions,
                      file::CreateCallOptions(builder.options(), subgraph));
  builder.EndSubgraph({x}, {y});
  return FinishWith(&builder, kMul, 5);
}

TEST(TfliteSubgraphs, Call) {
  Graph graph;
  const Status status = Import(CallModel(1), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloat(graph, 2), 20);
  ExpectError(CallModel(2), StatusCode::kDataLoss, "subgraph 2 of 2");
  ExpectError(CallModel(UINT32_MAX), StatusCode::kDataLoss, "subgraph 4294967295");
  ExpectError(CallModel(0), StatusCode::kDataLoss, "calls itself");
}

// Branch i is 2 (x + i).
std::vector<uint8_t> CaseModel(const std::vector<int32_t>& branches, int count,
                               int8_t index_type = kFileI32) {
  TfliteBuilder builder;
  const int index = builder.Add({.dims = {1}, .type = index_type, .name = "i"});
  const int x = AddScalar(&builder, "x"), y = AddScalar(&builder, "y");
  builder.AddNewOperator(kCase, {index, x}, {y}, file::Options2::StablehloCaseOptions,
                         file::CreateStablehloCaseOptionsDirect(builder.options(), &branches));
  builder.EndSubgraph({index, x}, {y});
  for (int i = 0; i + 1 < count; ++i) {
    const int a = AddScalar(&builder, "a"), inner = AddScalar(&builder), b = AddScalar(&builder);
    builder.AddOperator(kAdd, {a, AddNumber(&builder, static_cast<float>(i))}, {inner});
    builder.AddOperator(kAdd, {inner, inner}, {b});
    builder.EndSubgraph({a}, {b});
  }
  return FinishWith(&builder, kAdd, static_cast<float>(count - 1));
}

TEST(TfliteSubgraphs, CaseTakesTheLastBranchForWhatNamesNone) {
  for (int count = 1; count <= 9; ++count) {
    std::vector<int32_t> branches;
    for (int i = 0; i < count; ++i) branches.push_back(1 + i);
    Graph graph;
    const Status status = Import(CaseModel(branches, count), &graph);
    ASSERT_TRUE(status.ok()) << status.message();
    for (int32_t index : {INT32_MIN, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, INT32_MAX}) {
      const int taken = index < 0 || index >= count ? count - 1 : index;
      EXPECT_EQ(RunFloat(graph, 0.5f, &index), static_cast<float>(2 * taken + 1)) << count << " " << index;
    }
  }
}

TEST(TfliteSubgraphs, CasesThatLie) {
  ExpectError(CaseModel({}, 2), StatusCode::kDataLoss, "no branches");
  ExpectError(CaseModel({1, 0}, 2), StatusCode::kDataLoss, "or themselves");
  ExpectError(CaseModel({1, 3}, 2), StatusCode::kDataLoss, "subgraph 3 of 3");
  ExpectError(CaseModel({-1, 1}, 2), StatusCode::kDataLoss, "subgraph -1 of 3");
  ExpectError(CaseModel({1, 2}, 2, kFileF32), StatusCode::kUnsupported, "STABLEHLO_CASE of float32");
  // More bodies than a graph may have.
  ExpectError(CaseModel(std::vector<int32_t>(1 << 20, 1), 1), StatusCode::kResourceExhausted, "");
}

TEST(TfliteSubgraphs, CompositesThatLie) {
  TfliteBuilder itself;
  AddCalls(&itself, 1, 1);
  AddCalls(&itself, 1, 1);
  ExpectError(FinishWith(&itself, kAdd, 1), StatusCode::kDataLoss, "subgraph 1 calls itself");
  TfliteBuilder in_turn;
  AddCalls(&in_turn, 1, 1);
  AddCalls(&in_turn, 2, 1);
  AddCalls(&in_turn, 0, 1);
  ExpectError(FinishWith(&in_turn, kAdd, 1), StatusCode::kDataLoss, "subgraph 0 calls itself");
  TfliteBuilder beyond;
  AddCalls(&beyond, 5, 1);
  ExpectError(FinishWith(&beyond, kAdd, 1), StatusCode::kDataLoss, "subgraph 5 of 2");
  TfliteBuilder before;
  AddCalls(&before, -1, 1);
  ExpectError(FinishWith(&before, kAdd, 1), StatusCode::kDataLoss, "subgraph -1 of 2");
  ExpectError(Chain(18, 1), StatusCode::kResourceExhausted, "deep");
  ExpectError(Chain(31, 8), StatusCode::kResourceExhausted, "deep");  // at once: not by every way down
  TfliteBuilder inputs;
  const int x = AddScalar(&inputs, "x"), y = AddScalar(&inputs, "y");
  AddComposite(&inputs, 1, {x, x}, {y});
  inputs.EndSubgraph({x}, {y});
  ExpectError(FinishWith(&inputs, kAdd, 1), StatusCode::kDataLoss, "has 1 inputs, it gets 2");
  TfliteBuilder outputs;
  AddScalar(&outputs, "x"), AddScalar(&outputs, "y"), AddScalar(&outputs, "z");
  AddComposite(&outputs, 1, {x}, {y, 2});
  outputs.EndSubgraph({x}, {y});
  ExpectError(FinishWith(&outputs, kAdd, 1), StatusCode::kDataLoss, "it has 2 outputs, its subgraph 1");
  TfliteBuilder types;
  types.Add({.dims = {1}, .type = kFileI32, .name = "x"});
  AddScalar(&types, "y");
  AddComposite(&types, 1, {x}, {y});
  types.EndSubgraph({x}, {y});
  ExpectError(FinishWith(&types, kAdd, 1), StatusCode::kDataLoss, "but would be int32");
}

// 8 calls in each of 14 subgraphs are 2^42 of the last one.
TEST(TfliteSubgraphs, SubgraphsThatMultiplyEnd) {
  const auto start = std::chrono::steady_clock::now();
  ExpectError(Chain(15, 8), StatusCode::kResourceExhausted, "far more memory");
  constexpr std::chrono::seconds kMost(10);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kMost);
}

TEST(TfliteSubgraphs, ChangedFilesNeverCrash) {
  for (const std::vector<uint8_t>& good : {Chain(3, 2), CallModel(1), CaseModel({1, 2, 3}, 3)}) {
    ExpectNoCrashWhenChanged(good);
  }
}

}  // namespace
}  // namespace mace::importers::tflite
