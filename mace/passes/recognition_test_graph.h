// What the tests of recognising passes share: spellings that must be found, and ones that must not.
#ifndef MACE_PASSES_RECOGNITION_TEST_GRAPH_H_
#define MACE_PASSES_RECOGNITION_TEST_GRAPH_H_

#include <functional>

#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {

class RecognitionTest : public PassTest {
 protected:
  using Build = std::function<ValueId(ValueId x)>;

  ValueId Reduced(ops::ReduceKind kind, ValueId x, const IntList& axes, bool keep_dims = true) {
    return Node(OpId::kReduce, {x},
                ops::ReduceAttributes{.kind = kind, .axes = axes, .keep_dims = keep_dims});
  }
  ValueId Mean(ValueId x, const IntList& axes) { return Reduced(ops::ReduceKind::kMean, x, axes); }
  ValueId Clipped(ValueId x, float min, float max) {
    ops::ClipAttributes clip;
    clip.min = min;
    clip.max = max;
    return Node(OpId::kClip, {x}, clip);
  }
  ValueId Reshaped(ValueId x, const IntList& shape) {
    return Node(OpId::kReshape, {x}, ops::ReshapeAttributes{.shape = shape});
  }
  ValueId Transposed(ValueId x, const IntList& perm) {
    return Node(OpId::kTranspose, {x}, ops::TransposeAttributes{.perm = perm});
  }

  // What `build` makes of an input becomes these operators and no other nodes, and computes the same. The
  // graph around it reads x and y too.
  void ExpectRecognised(Status (*pass)(Graph*), const Shape& shape, const Build& build,
                        const std::vector<OpId>& expected, double tolerance = 1e-5) {
    graph_ = Graph();
    Unwrap(graph_.FindOrAddSymbol("batch"));  // SymbolDim(0)
    const ValueId x = Node(OpId::kNeg, {Input("x", shape)});
    const ValueId y = build(x);
    Output(Node(OpId::kAbs, {y}), "absolute");
    Output(y, "y");
    Output(x, "negated");
    RunAndCompare(pass, tolerance);
    EXPECT_EQ(graph_.nodes.size(), expected.size() + 2);
    for (OpId op : expected) EXPECT_GE(Count(op), 1) << static_cast<int>(op);
  }
  // The pass changes no node of it.
  void ExpectLeft(Status (*pass)(Graph*), const Shape& shape, const Build& build, DType dtype = DType::kF32) {
    graph_ = Graph();
    const ValueId y = build(Input("x", shape, dtype));
    Output(y, "y");
    const std::vector<OpId> before = Operators();
    if (dtype == DType::kF32) {
      RunAndCompare(pass);
    } else {
      ASSERT_TRUE(pass(&graph_).ok());
    }
    EXPECT_EQ(Operators(), before);
  }

 private:
  std::vector<OpId> Operators() const {
    std::vector<OpId> operators;
    for (const mace::Node& node : graph_.nodes) operators.push_back(node.op);
    return operators;
  }
};

}  // namespace mace::passes

#endif  // MACE_PASSES_RECOGNITION_TEST_GRAPH_H_
