// instance_norm_recognition and group_norm_recognition, behind layer_norm_recognition as OptimizeGraph has
// them.
#include "mace/ops/norm/group_normalization.h"
#include "mace/ops/norm/norm.h"
#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

Status RunForInstances(Graph* graph) {
  MACE_RETURN_IF_ERROR(RunLayerNormRecognition(graph));
  return RunInstanceNormRecognition(graph);
}
Status RunForGroups(Graph* graph) {
  MACE_RETURN_IF_ERROR(RunLayerNormRecognition(graph));
  MACE_RETURN_IF_ERROR(RunGroupNormRecognition(graph));
  return RunInstanceNormRecognition(graph);
}

class GroupNormTest : public RecognitionTest {
 protected:
  ValueId Normal(ValueId x, const IntList& axes) {
    const ValueId centred = Node(OpId::kSub, {x, Mean(x, axes)});
    const ValueId variance = Mean(Node(OpId::kMul, {centred, centred}), axes);
    const ValueId guarded = Node(OpId::kAdd, {variance, Scalar(0.01f)});
    return Node(OpId::kMul, {centred, Node(OpId::kRsqrt, {guarded})});
  }
  ValueId Line(ValueId x, const Shape& shape) {
    return Node(OpId::kAdd, {Node(OpId::kMul, {x, Floats(shape)}), Floats(shape)});
  }
  ValueId Groups(ValueId x, int64_t groups, const Shape& of_group, const IntList& shape, const Shape& row) {
    const ValueId normal = Normal(Reshaped(x, {0, groups, -1}), {2});
    return Line(Reshaped(of_group.rank == 0 ? normal : Line(normal, of_group), shape), row);
  }
  int64_t FoundGroups() const {
    for (const mace::Node& node : graph_.nodes) {
      if (node.op == OpId::kGroupNormalization)
        return node.attributes.as<ops::GroupNormalizationAttributes>().groups;
    }
    return -1;
  }
};

TEST_F(GroupNormTest, InstancesOfNhwc) {
  for (const Shape& row : {Shape{3}, Shape{1, 1, 1, 3}, Shape{}}) {
    ExpectRecognised(RunForInstances, {2, 4, 5, 3}, [&](ValueId x) { return Line(Normal(x, {1, 2}), row); },
                     {OpId::kGroupNormalization});
    EXPECT_EQ(FoundGroups(), 3);
  }
  ExpectRecognised(RunForInstances, {SymbolDim(0), kUnknownDim, kUnknownDim, 3},
                   [&](ValueId x) { return Normal(x, {1, 2}); }, {OpId::kGroupNormalization});
}

TEST_F(GroupNormTest, InstancesOfNchwBetweenTransposes) {
  for (const Shape& row : {Shape{3, 1, 1}, Shape{1, 3, 1, 1}}) {
    ExpectRecognised(RunForInstances, {2, 3, 4, 5}, [&](ValueId x) { return Line(Normal(x, {2, 3}), row); },
                     {OpId::kTranspose, OpId::kGroupNormalization, OpId::kTranspose});
  }
  // Without a scale only where a Transpose is there to cancel with.
  ExpectRecognised(RunForInstances, {2, 4, 5, 3},
                   [&](ValueId x) { return Normal(Transposed(x, {0, 3, 1, 2}), {2, 3}); },
                   {OpId::kTranspose, OpId::kTranspose, OpId::kGroupNormalization, OpId::kTranspose});
  ExpectRecognised(RunForInstances, {2, 3, 4, 5}, [&](ValueId x) { return Normal(x, {2, 3}); },
                   {OpId::kLayerNormalization});
}

TEST_F(GroupNormTest, GroupsWithScalesOfGroupAndChannel) {
  for (const int64_t groups : {1, 2, 3, 6}) {
    for (const Shape& of_group : {Shape{}, Shape{groups, 1}}) {
      ExpectRecognised(
          RunForGroups, {2, 6, 3, 4},
          [&](ValueId x) { return Groups(x, groups, of_group, {0, 6, 3, 4}, {6, 1, 1}); },
          {OpId::kTranspose, OpId::kGroupNormalization, OpId::kTranspose}, 1e-4);
      EXPECT_EQ(FoundGroups(), groups);
    }
  }
}

TEST_F(GroupNormTest, LookalikesAreLeftAlone) {
  const auto none = [&](const Shape& shape, const Build& build) {
    graph_ = Graph();
    Output(build(Input("x", shape)), "y");
    RunAndCompare(RunForGroups, 1e-4);
    EXPECT_EQ(Count(OpId::kGroupNormalization), 0);
  };
  // Over a channel axis or one side of the picture; of rank 3.
  none({2, 4, 4, 4}, [&](ValueId x) { return Normal(x, {1, 3}); });
  none({2, 4, 4, 4}, [&](ValueId x) { return Normal(x, {1}); });
  none({2, 4, 4, 4}, [&](ValueId x) { return Normal(x, {0, 1, 2}); });
  none({2, 4, 4}, [&](ValueId x) { return Line(Normal(x, {1, 2}), {4, 1}); });
  // Rows that take a part of a group; a second Reshape to something else; a scale of columns.
  none({2, 6, 2, 4}, [&](ValueId x) { return Groups(x, 4, {}, {2, 6, 2, 4}, {6, 1, 1}); });
  none({2, 6, 3, 4}, [&](ValueId x) { return Groups(x, 2, {}, {2, 6, 4, 3}, {6, 1, 1}); });
  none({2, 6, 3, 4}, [&](ValueId x) { return Groups(x, 2, {}, {2, 4, 3, 6}, {4, 1, 1}); });
  none({2, 4, 4, 4}, [&](ValueId x) {
    const ValueId normal = Normal(x, {2, 3});
    return Node(OpId::kMul, {normal, Floats({1, 4})});
  });
}

TEST_F(GroupNormTest, AScaleThatTheRunComputesStays) {
  graph_ = Graph();
  const ValueId x = Input("x", {2, 4, 5, 3}), scale = Input("scale", {3});
  Output(Node(OpId::kMul, {Normal(x, {1, 2}), scale}), "y");
  RunAndCompare(RunForInstances, 1e-4);
  EXPECT_EQ(Count(OpId::kGroupNormalization), 1);
  EXPECT_EQ(Count(OpId::kMul), 1);
}

// The Transposes meet those around the convolutions.
TEST_F(GroupNormTest, NothingIsTransposedBetweenLayersOfNhwc) {
  const ValueId x = Input("x", {1, 3, 4, 6});
  const ValueId y = Groups(Transposed(x, {0, 3, 1, 2}), 2, {2, 1}, {1, 6, 3, 4}, {6, 1, 1});
  Output(Transposed(y, {0, 2, 3, 1}), "y");
  RunAndCompare(
      [](Graph* graph) {
        OptimizeReport report;
        return OptimizeGraph(graph, &report);
      },
      1e-4);
  EXPECT_EQ(graph_.nodes.size(), 1u);
  EXPECT_EQ(Count(OpId::kGroupNormalization), 1);
}

}  // namespace
}  // namespace mace::passes
