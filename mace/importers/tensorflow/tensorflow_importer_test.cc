#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/tensorflow/graph_def_builder.h"
#include "mace/importers/tensorflow/tensorflow_context.h"
#include "mace/ops/evaluate.h"

namespace mace::importers::tensorflow {
namespace {

using ::testing::HasSubstr;

struct Imported {
  Graph graph;
  ImportReport report;
  Status status;
};
void ImportInto(Imported* imported, const GraphDefBuilder& builder, const ImportOptions& options = {}) {
  imported->status = ImportTensorflow(builder.bytes(), options, &imported->graph, &imported->report);
}

int CountOf(const Graph& graph, OpId op) {
  int count = 0;
  for (const Node& node : graph.nodes) count += node.op == op ? 1 : 0;
  return count;
}

// A conditional of 1.x: x > 0 (its sum) ? x * x : -x.
GraphDefBuilder Conditional() {
  GraphDefBuilder builder;
  builder.Input("x", {2, 3})
      .Add(NodeBuilder("zero", "Const").Floats({0}, {}))
      .Add(NodeBuilder("axes", "Const").Floats({0}, {}))
      .Add(NodeBuilder("norm", "L2Loss", {"x"}))
      .Add(NodeBuilder("test", "Greater", {"norm", "zero"}))
      .Add(NodeBuilder("switch", "Switch", {"x", "test"}))
      .Add(NodeBuilder("square", "Mul", {"switch:1", "switch:1"}))
      .Add(NodeBuilder("negative", "Neg", {"switch"}))
      .Add(NodeBuilder("merge", "Merge", {"negative", "square"}))
      .Add(NodeBuilder("y", "Identity", {"merge"}));
  return builder;
}

// A loop of 1.x: x doubles until its norm is 100.
GraphDefBuilder Loop() {
  GraphDefBuilder builder;
  builder.Input("x", {4})
      .Add(NodeBuilder("most", "Const").Floats({100}, {}))
      .Add(NodeBuilder("enter", "Enter", {"x"}).Text("frame_name", "f"))
      .Add(NodeBuilder("bound", "Enter", {"most"}).Text("frame_name", "f"))
      .Add(NodeBuilder("merge", "Merge", {"enter", "next"}))
      .Add(NodeBuilder("norm", "L2Loss", {"merge"}))
      .Add(NodeBuilder("less", "Less", {"norm", "bound"}))
      .Add(NodeBuilder("again", "LoopCond", {"less"}))
      .Add(NodeBuilder("switch", "Switch", {"merge", "again"}))
      .Add(NodeBuilder("doubled", "Add", {"switch:1", "switch:1"}))
      .Add(NodeBuilder("next", "NextIteration", {"doubled"}))
      .Add(NodeBuilder("exit", "Exit", {"switch"}));
  return builder;
}

// A list that grows, and a transform of what it holds.
GraphDefBuilder GrowingList() {
  GraphDefBuilder builder;
  builder.Input("x", {3})
      .Input("m", {2, 3})
      .Add(NodeBuilder("shape", "Const").Floats({3}, {1}))
      .Add(NodeBuilder("none", "Const").Floats({0}, {}))
      .Add(NodeBuilder("four", "Const").Floats({4}, {1}))
      .Add(NodeBuilder("list", "TensorListFromTensor", {"m", "shape"}).Type("element_dtype", 1))
      .Add(NodeBuilder("set", "TensorListSetItem", {"list", "four", "x"})
               .Flag("resize_if_index_out_of_bounds"))
      .Add(NodeBuilder("f", "RFFT", {"set", "four"}))
      .Add(NodeBuilder("c", "Complex", {"x", "none"}).Type("Tout", 8))
      .Add(NodeBuilder("p", "Mul", {"c", "c"}).Type("T", 8))
      .Add(NodeBuilder("y", "IRFFT", {"f", "four"}));
  return builder;
}

TEST(TensorflowImporter, InputsOutputsAndNames) {
  GraphDefBuilder builder;
  builder.Input("x", {-1, 3})
      .Input("nobody", {1})
      .Add(NodeBuilder("c", "Const").Floats({1, 2, 3}, {3}))
      .Add(NodeBuilder("y", "AddV2", {"x", "c"}));
  Imported imported;
  ImportInto(&imported, builder);
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  ASSERT_EQ(imported.graph.inputs.size(), 1u);
  const Value& x = imported.graph.values[imported.graph.inputs[0]];
  EXPECT_EQ(x.name.view(), "x");
  EXPECT_TRUE(IsSymbolDim(x.type.shape[0]));
  EXPECT_EQ(imported.graph.values[imported.graph.outputs[0]].name.view(), "y");
  ASSERT_EQ(imported.report.warnings.size(), 1u);
  EXPECT_THAT(imported.report.warnings[0], HasSubstr("'nobody' was dropped"));
}

TEST(TensorflowImporter, ControlFlowOfOldGraphsBecomesIfAndLoop) {
  Imported conditional, loop;
  ImportInto(&conditional, Conditional());
  ASSERT_TRUE(conditional.status.ok()) << conditional.status.message();
  EXPECT_EQ(CountOf(conditional.graph, OpId::kIf), 1);
  ImportInto(&loop, Loop());
  ASSERT_TRUE(loop.status.ok()) << loop.status.message();
  EXPECT_EQ(CountOf(loop.graph, OpId::kLoop), 1);
}

// As those that ask whether the network is being trained: norm > 0 ? (x * x) * (x * x) : -(-x).
TEST(TensorflowImporter, ConditionalsInARowMayShareTheirPredicate) {
  GraphDefBuilder builder = Conditional();
  builder.Add(NodeBuilder("switch2", "Switch", {"y", "test"}))
      .Add(NodeBuilder("square2", "Mul", {"switch2:1", "switch2:1"}))
      .Add(NodeBuilder("negative2", "Neg", {"switch2"}))
      .Add(NodeBuilder("merge2", "Merge", {"negative2", "square2"}))
      .Add(NodeBuilder("y2", "Identity", {"merge2"}));
  Imported imported;
  ImportInto(&imported, builder);
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  EXPECT_EQ(CountOf(imported.graph, OpId::kIf), 2);
  for (const auto& [input, expected] : {std::pair(2.0f, 16.0f), std::pair(0.0f, 0.0f)}) {
    std::vector<float> x(6, input);
    const TensorView feed{x.data(), DType::kF32, Shape{2, 3}};
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(imported.graph, {&feed, 1}, {}, &fetches);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(fetches[0].view.as<float>()[0], expected);
  }
}

TEST(TensorflowImporter, FunctionsAreExpanded) {
  GraphDefBuilder builder;
  builder.Input("x", {2})
      .Add(NodeBuilder("call", "PartitionedCall", {"x"}).Function("f", "twice"))
      .Function("twice", {"a"}, {NodeBuilder("sum", "AddV2", {"a", "a"})}, "sum:z:0");
  Imported imported;
  ImportInto(&imported, builder);
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  EXPECT_EQ(CountOf(imported.graph, OpId::kAdd), 1);
}

TEST(TensorflowImporter, RefusesFunctionsThatCallThemselves) {
  GraphDefBuilder builder;
  builder.Input("x", {2})
      .Add(NodeBuilder("call", "PartitionedCall", {"x"}).Function("f", "again"))
      .Function("again", {"a"}, {NodeBuilder("call", "PartitionedCall", {"a"}).Function("f", "again")},
                "call:output:0");
  Imported imported;
  ImportInto(&imported, builder);
  EXPECT_FALSE(imported.status.ok());
  EXPECT_THAT(imported.status.message(), HasSubstr("calls itself"));
}

TEST(TensorflowImporter, TellsAllProblemsAtOnce) {
  GraphDefBuilder builder;
  builder.Input("x", {2})
      .Add(NodeBuilder("first", "NoSuchThing", {"x"}))
      .Add(NodeBuilder("second", "NorThis", {"first"}))
      .Add(NodeBuilder("y", "Identity", {"second"}));
  Imported imported;
  ImportInto(&imported, builder);
  EXPECT_FALSE(imported.status.ok());
  ASSERT_EQ(imported.report.problems.size(), 2u);
  EXPECT_EQ(imported.report.problems[0].node, "first");
  EXPECT_THAT(imported.report.problems[1].reason, HasSubstr("NorThis"));
  EXPECT_FALSE(imported.report.problems[1].action.empty());
}

TEST(TensorflowImporter, CutsBehindWhatItDoesNotKnow) {
  GraphDefBuilder builder;
  builder.Input("x", {2})
      .Add(NodeBuilder("unknown", "NoSuchThing", {"x"}).Type("T", 1))
      .Add(NodeBuilder("middle", "Neg", {"unknown"}))
      .Add(NodeBuilder("y", "Exp", {"middle"}));
  ImportOptions options;
  options.cut.inputs = {{"unknown:0", std::vector<int64_t>{2}}};
  options.cut.outputs = {"middle"};
  Imported imported;
  ImportInto(&imported, builder, options);
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  EXPECT_EQ(imported.graph.values[imported.graph.inputs[0]].name.view(), "unknown:0");
  EXPECT_EQ(CountOf(imported.graph, OpId::kExp), 0);
}

TEST(TensorflowImporter, ComplexNumbersReachOnlyWhatTakesThem) {
  constexpr int kComplex64 = 8;
  GraphDefBuilder good, bad;
  for (GraphDefBuilder* builder : {&good, &bad}) {
    builder->Input("x", {2, 3}).Add(NodeBuilder("z", "Complex", {"x", "x"}).Type("Tout", kComplex64));
  }
  Imported first, second;
  ImportInto(&first, good);
  ASSERT_TRUE(first.status.ok()) << first.status.message();
  EXPECT_TRUE(first.graph.values[first.graph.outputs[0]].type.shape == (Shape{2, 3, 2}));
  ASSERT_EQ(first.report.warnings.size(), 1u);
  EXPECT_THAT(first.report.warnings[0], HasSubstr("'z' is complex"));
  bad.Add(NodeBuilder("y", "Tanh", {"z"}).Type("T", kComplex64));
  ImportInto(&second, bad);
  EXPECT_EQ(second.status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(second.status.message(), HasSubstr("node 'y': Tanh: complex numbers"));
}

TEST(TensorflowImporter, TextsAreCutAway) {
  GraphDefBuilder builder;
  builder.Input("x", {2}).Add(NodeBuilder("y", "AsString", {"x"}));
  Imported imported;
  ImportInto(&imported, builder);
  EXPECT_EQ(imported.status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(imported.status.message(),
              HasSubstr("tensors of text are not supported: begin the model behind"));
}

TEST(TensorflowImporter, RefusesCyclesAndNamesOfNobody) {
  GraphDefBuilder cycle, nobody;
  cycle.Add(NodeBuilder("a", "Neg", {"b"}))
      .Add(NodeBuilder("b", "Neg", {"a"}))
      .Add(NodeBuilder("y", "Neg", {"a"}));
  Imported first, second;
  ImportInto(&first, cycle);
  EXPECT_THAT(first.status.message(), HasSubstr("cycle"));
  nobody.Add(NodeBuilder("y", "Neg", {"z"}));
  ImportInto(&second, nobody);
  EXPECT_THAT(second.status.message(), HasSubstr("there is no node 'z'"));
}

// A chain that no recursion would survive.
TEST(TensorflowImporter, LongChainsAreConverted) {
  GraphDefBuilder builder;
  builder.Input("n0", {1});
  constexpr int kLength = 50000;
  for (int i = 1; i <= kLength; ++i) {
    const std::string input = "n" + std::to_string(i - 1);
    builder.Add(NodeBuilder("n" + std::to_string(i), "Neg", {input.c_str()}));
  }
  Imported imported;
  ImportInto(&imported, builder);
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  EXPECT_EQ(CountOf(imported.graph, OpId::kNeg), kLength);
}

// Each end of a chain walked all of it: this file took a minute.
TEST(TensorflowImporter, ManyEndsOfALongChainTakeLinearTime) {
  constexpr int kLength = 40000;
  GraphDefBuilder builder;
  builder.Input("x", {1}).Add(NodeBuilder("n0", "Identity", {"x"}));
  for (int i = 1; i < kLength; ++i) {
    const std::string input = "n" + std::to_string(i - 1);
    builder.Add(NodeBuilder("n" + std::to_string(i), "Identity", {input.c_str()}));
  }
  const std::string last = "n" + std::to_string(kLength - 1);
  for (int i = 0; i < kLength; ++i) {
    builder.Add(NodeBuilder("end" + std::to_string(i), "Identity", {last.c_str()}));
  }
  const auto start = std::chrono::steady_clock::now();
  Imported imported;
  ImportInto(&imported, builder);
  EXPECT_THAT(imported.status.message(), HasSubstr("40000 outputs"));
  constexpr std::chrono::seconds kMost(20);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kMost);
}

TEST(TensorflowImporter, ListsGrowByPad) {
  Imported imported;
  ImportInto(&imported, GrowingList());
  ASSERT_TRUE(imported.status.ok()) << imported.status.message();
  EXPECT_EQ(CountOf(imported.graph, OpId::kPad), 1);
  EXPECT_EQ(CountOf(imported.graph, OpId::kDft), 2);
}

TEST(TensorflowImporter, DamagedFilesNeverCrash) {
  for (const GraphDefBuilder& builder : {Conditional(), Loop(), GrowingList()}) {
    std::vector<uint8_t> bytes(builder.bytes().begin(), builder.bytes().end());
    for (size_t i = 0; i < bytes.size(); ++i) {
      Graph cut_off;
      ImportReport report;
      (void)ImportTensorflow(std::span(bytes).first(i), {}, &cut_off, &report);
      for (uint8_t change : {1, 2, 16, 128}) {
        std::vector<uint8_t> damaged = bytes;
        damaged[i] ^= change;
        Graph graph;
        ImportReport other;
        if (ImportTensorflow(damaged, {}, &graph, &other).ok()) {
          EXPECT_TRUE(VerifyGraph(graph, static_cast<const OpDefinition* (*)(OpId)>(&FindOpDefinition)).ok());
        }
      }
    }
  }
}

TEST(TensorflowRegistry, IsInOrder) {
  std::string_view last;
  for (const TensorflowOp& op : TensorflowOps()) {
    EXPECT_LT(last, op.name);
    EXPECT_EQ(FindTensorflowOp(op.name), &op);
    last = op.name;
  }
}

}  // namespace
}  // namespace mace::importers::tensorflow
