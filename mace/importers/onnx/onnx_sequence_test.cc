// Sequences where tensors are needed, and the other way round: refused in a sentence, wherever they stand.
// What is computed is compared with onnxruntime in tests/python/test_repairs.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"

namespace mace::importers::onnx {
namespace {

using ::testing::HasSubstr;

std::string RefusalOf(const TestModel& model) {
  Graph graph;
  ImportReport report;
  const Status status = ImportOnnx(AsBytes(model.Build()), {}, &graph, &report);
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(report.problems.empty());
  return status.message();
}

TestModel WithSequence() {
  TestModel model;
  model.Input("x", {2, 3}).Input("c", {}, kBoolType).Input("i", {}, kInt64Type).Ints("far", {7});
  return model.Node("SequenceConstruct", {"x", "x"}, {"s"});
}

TEST(OnnxSequenceTest, TensorsAreNeededElsewhere) {
  EXPECT_THAT(RefusalOf(WithSequence().Node("Relu", {"s"}, {"y"}).Output("y")),
              HasSubstr("'s' is a sequence or an optional value, where a tensor is needed"));
  EXPECT_THAT(RefusalOf(WithSequence().Node("Add", {"x", "s"}, {"y"}).Output("y")), HasSubstr("'s'"));
  EXPECT_THAT(RefusalOf(WithSequence().Output("s")), HasSubstr("'s'"));
  EXPECT_THAT(RefusalOf(WithSequence().Node("SequenceConstruct", {"s"}, {"t"}).Output("t")),
              HasSubstr("'s'"));
}

TEST(OnnxSequenceTest, SequencesAreNeededByTheirOperators) {
  for (const char* op : {"SequenceAt", "SequenceErase", "SequenceInsert"}) {
    EXPECT_THAT(RefusalOf(WithSequence().Node(op, {"x", "i"}, {"y"}).Output("y")), HasSubstr("no sequence"));
  }
  EXPECT_THAT(RefusalOf(WithSequence().Node("SequenceLength", {"x"}, {"y"}).Output("y")),
              HasSubstr("no sequence"));
  EXPECT_THAT(RefusalOf(WithSequence().Node("ConcatFromSequence", {"x"}, {"y"}).Output("y")),
              HasSubstr("no sequence"));
}

TEST(OnnxSequenceTest, PositionsAreChecked) {
  EXPECT_THAT(RefusalOf(WithSequence().Node("SequenceAt", {"s", "far"}, {"y"}).Output("y")),
              HasSubstr("position 7 of 2"));
  EXPECT_THAT(RefusalOf(WithSequence().Node("SequenceErase", {"s", "far"}, {"t"}).Output("x")),
              HasSubstr("position 7 of 2"));
  EXPECT_THAT(RefusalOf(WithSequence().Node("SequenceErase", {"s", "i"}, {"t"}).Output("x")),
              HasSubstr("a computed position"));
  EXPECT_THAT(RefusalOf(TestModel()
                            .Node("SequenceEmpty", {}, {"s"})
                            .Node("ConcatFromSequence", {"s"}, {"y"}, {IntAttribute("axis", 0)})
                            .Output("y")),
              HasSubstr("empty"));
}

TEST(OnnxSequenceTest, NoSequenceLeavesABranchOrAFunctionsOperand) {
  TestModel branch;
  branch.Node("Identity", {"s"}, {"t"}).Output("t");
  EXPECT_THAT(RefusalOf(WithSequence()
                            .Node("If", {"c"}, {"u"},
                                  {GraphAttribute("then_branch", branch.Graph()),
                                   GraphAttribute("else_branch", branch.Graph())})
                            .Output("x")),
              HasSubstr("'t' is a sequence"));
  TestModel body;
  body.Node("SequenceLength", {"a"}, {"b"});
  EXPECT_THAT(
      RefusalOf(
          WithSequence().Function("f", {"a"}, {"b"}, body).Node("f", {"s"}, {"y"}, {}, "my").Output("y")),
      HasSubstr("'s' is a sequence"));
}

std::string RefusalOfLoop(const TestModel& body) {
  return RefusalOf(
      WithSequence().Node("Loop", {"i", "", "s"}, {"t"}, {GraphAttribute("body", body.Graph())}).Output("x"));
}

TestModel LoopBody() {
  TestModel body;
  return body.Input("n", {}, kInt64Type).Input("go", {}, kBoolType).OpenInput("list");
}

TEST(OnnxSequenceTest, LoopsMayOnlyAddOneElement) {
  TestModel tensor = LoopBody();
  EXPECT_THAT(
      RefusalOfLoop(
          tensor.Node("Identity", {"go"}, {"on"}).Node("Relu", {"x"}, {"y"}).Output("on").Output("y")),
      HasSubstr("becomes a tensor"));
  TestModel two = LoopBody();
  two.Node("Identity", {"go"}, {"on"}).Node("SequenceInsert", {"list", "x"}, {"a"});
  EXPECT_THAT(RefusalOfLoop(two.Node("SequenceInsert", {"a", "x"}, {"b"}).Output("on").Output("b")),
              HasSubstr("one element added behind the others"));
  TestModel read = LoopBody();
  read.Node("Identity", {"go"}, {"on"}).Node("SequenceAt", {"list", "n"}, {"e"});
  EXPECT_THAT(RefusalOfLoop(read.Node("SequenceInsert", {"list", "e"}, {"b"}).Output("on").Output("b")),
              HasSubstr("read in the loop"));
  TestModel condition = LoopBody();
  EXPECT_THAT(RefusalOfLoop(condition.Output("list").Output("list")), HasSubstr("sequence"));
}

}  // namespace
}  // namespace mace::importers::onnx
