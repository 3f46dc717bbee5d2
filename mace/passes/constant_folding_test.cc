#include "mace/ops/detection/roi_align.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/passes/control_test_graph.h"

namespace mace::passes {
namespace {

using ConstantFoldingTest = PassTest;

TEST(ConstantFolding, ComputesOperatorsWhoseSizesDependOnData) {
  for (const bool small : {true, false}) {
    Graph graph;
    GraphBuilder main(&graph);
    std::vector<float> elements(small ? 4 : 1 << 16, 0.0f);
    elements[1] = elements[3] = 1;
    const ValueId constant = main.Constant<float>("", {static_cast<int64_t>(elements.size())}, elements);
    const ValueId found = main.Node(OpId::kNonZero, "find", {constant});
    const ValueId x = main.Input("x", DType::kI64, {1, 2});
    main.Output(main.Node(OpId::kAdd, "add", {x, found}), "y");
    ASSERT_OK(InferGraphTypes(&graph));
    ASSERT_OK(Optimize(&graph));
    EXPECT_EQ(Count(graph, OpId::kNonZero), small ? 0 : 1);  // what is large is left to the run
    int64_t data[2] = {10, 20};
    Vector<EvaluatedTensor> fetches;
    const TensorView feed = {data, DType::kI64, {1, 2}};
    ASSERT_OK(EvaluateGraph(graph, {&feed, 1}, {}, &fetches));
    ASSERT_TRUE(fetches[0].view.shape == (Shape{1, 2}));
    EXPECT_EQ(fetches[0].view.as<int64_t>()[0], 11);
    EXPECT_EQ(fetches[0].view.as<int64_t>()[1], 23);
  }
}

// What a few bytes of a file ask for must not keep the converter busy: it is left to the run.
TEST(ConstantFolding, LeavesWorkThatAttributesAskFor) {
  for (const int64_t ratio : {2, 1024}) {
    Graph graph;
    GraphBuilder main(&graph);
    const ValueId image = main.Constant<float>("", {1, 4, 4, 1}, ops::TestValues(16));
    const ValueId boxes = main.Constant<float>("", {1, 4}, {0, 0, 3, 3});
    const ValueId batch = main.Constant<int64_t>("", {1}, {0});
    ops::RoiAlignAttributes attributes;
    attributes.output_height = attributes.output_width = 4;
    attributes.sampling_ratio = ratio;
    const ValueId rows = main.Node(OpId::kRoiAlign, "align", {image, boxes, batch}, attributes);
    main.Output(main.Node(OpId::kAdd, "add", {rows, main.Input("x", DType::kF32, {1})}), "y");
    ASSERT_OK(InferGraphTypes(&graph));
    ASSERT_OK(Optimize(&graph));
    EXPECT_EQ(Count(graph, OpId::kRoiAlign), ratio == 2 ? 0 : 1);
  }
}

TEST_F(ConstantFoldingTest, BeforeAndAfter) {
  const ValueId sum = Node(OpId::kExp, {Node(OpId::kMul, {Floats({4}), Floats({4})})});
  Output(Node(OpId::kAdd, {Input("x", {4}), sum}), "y");
  ExpectRewrite(RunConstantFolding, "Mul Exp Add", "Add");
}

// What a conversion makes larger is not for this pass.
TEST_F(ConstantFoldingTest, ConversionsStay) {
  std::vector<uint16_t> elements(4, 0x3C00);
  const ValueId small = Unwrap(graph_.AddConstant("", {elements.data(), DType::kF16, Shape{4}}, true));
  Output(Node(OpId::kMul, {Input("x", {4}), Node(OpId::kCast, {small}, ops::CastAttributes{})}), "y");
  ExpectRewrite(RunConstantFolding, "Cast Mul", "Cast Mul");
}

}  // namespace
}  // namespace mace::passes
