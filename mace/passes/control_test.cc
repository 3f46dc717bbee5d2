// Passes on graphs with control nodes and unknown ranks: what a graph computes stays.
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/control_test_graph.h"

namespace mace::passes {
namespace {

std::vector<NamedPass> AllPassesAndAllTogether() {
  std::vector<NamedPass> passes = AllPasses();
  passes.push_back({"optimize", Optimize});
  return passes;
}

TEST(ControlPasses, EveryPassKeepsGraphsWithIfAndLoop) {
  for (const NamedPass& pass : AllPassesAndAllTogether()) {
    SCOPED_TRACE(pass.name);
    Graph graph;
    BuildControlGraph(&graph);
    const std::vector<Result> before = EvaluateControlGraph(graph);
    ASSERT_OK(pass.run(&graph));
    ASSERT_OK(VerifyGraph(graph, &FindOpDefinition));
    ExpectSame(before, EvaluateControlGraph(graph));
  }
}

// Every pattern that a pass looks for, behind an input of unknown rank.
void BuildGraphOfUnknownRank(Graph* graph) {
  GraphBuilder main(graph);
  const ValueId x = main.Input("x", DType::kF32, Shape::OfUnknownRank());
  const ValueId turned = main.Node(OpId::kTranspose, "", {x}, ops::TransposeAttributes());
  const ValueId back = main.Node(OpId::kTranspose, "", {turned}, ops::TransposeAttributes());
  const ValueId same = main.Node(OpId::kIdentity, "", {back});
  const ValueId silu = main.Node(OpId::kMul, "", {same, main.Node(OpId::kSigmoid, "", {same})});
  // x * clip(x + 3, 0, 6) / 6 with constants that add axes.
  ops::ClipAttributes clip;
  clip.min = 0, clip.max = 6;
  const ValueId shifted = main.Node(OpId::kAdd, "", {silu, main.Constant<float>("", {1, 1, 1, 1}, {3})});
  const ValueId product = main.Node(OpId::kMul, "", {silu, main.Node(OpId::kClip, "", {shifted}, clip)});
  const ValueId swish = main.Node(OpId::kDiv, "", {product, main.Constant<float>("", {1, 1, 1, 1, 1}, {6})});
  const ValueId weights = main.Constant<float>("", {3, 3}, ops::TestValues(9));
  const ValueId matrix = main.Node(OpId::kMatMul, "", {swish, weights});
  const ValueId scaled = main.Node(OpId::kMul, "", {matrix, main.Constant<float>("", {3}, {1, 2, 3})});
  ops::CastAttributes to_half, to_float;
  to_half.to = DType::kF16;
  to_float.to = DType::kF32;
  const ValueId target = main.Constant<int64_t>("", {2}, {-1, 3});
  const ValueId rows = main.Node(OpId::kReshape, "", {scaled, target}, ops::ReshapeAttributes());
  const ValueId rounded = main.Node(OpId::kCast, "", {main.Node(OpId::kCast, "", {rows}, to_half)}, to_float);
  const ValueId flat = main.Node(OpId::kFlatten, "", {turned}, ops::FlattenAttributes());
  const ValueId twice = main.Node(OpId::kAdd, "", {x, x});
  // Of what later passes look for: twins, constants that are equal, powers, slices and stacks, pads and
  // pools.
  const ValueId square = main.Node(OpId::kPow, "", {x, main.Constant<float>("", {}, {2})});
  const ValueId again = main.Node(OpId::kPow, "", {x, main.Constant<float>("", {}, {2})});
  const ValueId zero = main.Constant<int64_t>("", {1}, {0});
  const ValueId one = main.Constant<int64_t>("", {1}, {1});
  const ValueId first = main.Node(OpId::kSlice, "", {square, zero, one});
  const ValueId second = main.Node(OpId::kSlice, "", {square, one, main.Constant<int64_t>("", {1}, {2})});
  const ValueId joined = main.Node(OpId::kConcat, "", {first, second}, ops::ConcatAttributes());
  const ValueId longer = main.Node(OpId::kConcat, "", {joined, again}, ops::ConcatAttributes());
  ops::ReduceAttributes mean;
  mean.kind = ops::ReduceKind::kMean, mean.axes = {0};
  const ValueId pooled = main.Node(OpId::kReduce, "", {longer}, mean);
  ops::SqueezeAttributes squeeze;
  squeeze.axes = {0};
  main.Output(main.Node(OpId::kSqueeze, "", {pooled}, squeeze), "pooled");
  const ValueId same_shape = main.Node(OpId::kShape, "", {x}, ops::ShapeAttributes());
  main.Output(main.Node(OpId::kReshape, "", {again, same_shape}, ops::ReshapeAttributes()), "reshaped");
  main.Output(rounded, "rows");
  main.Output(flat, "flat");
  main.Output(main.Node(OpId::kTranspose, "", {twice}, ops::TransposeAttributes()), "turned");
  ASSERT_OK(InferGraphTypes(graph));
}

TEST(ControlPasses, EveryPassKeepsGraphsOfUnknownRank) {
  for (const NamedPass& pass : AllPassesAndAllTogether()) {
    SCOPED_TRACE(pass.name);
    Graph graph;
    BuildGraphOfUnknownRank(&graph);
    std::vector<float> data = ops::TestValues(12);
    std::vector<std::vector<Result>> before;
    const Shape shapes[] = {Shape{4, 3}, Shape{2, 2, 3}, Shape{3}};
    for (const Shape& shape : shapes) before.push_back(Evaluate(graph, {{data.data(), DType::kF32, shape}}));
    ASSERT_OK(pass.run(&graph));
    ASSERT_OK(VerifyGraph(graph, &FindOpDefinition));
    for (size_t i = 0; i < 3; ++i) {
      ExpectSame(before[i], Evaluate(graph, {{data.data(), DType::kF32, shapes[i]}}), 1e-5);
    }
  }
}

}  // namespace
}  // namespace mace::passes
