#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class ShapeFoldingTest : public PassTest {
 protected:
  ValueId To(DType dtype, ValueId x) {
    ops::CastAttributes cast;
    cast.to = dtype;
    return Node(OpId::kCast, {x}, cast);
  }
  // An input whose first dimension is open.
  ValueId Batches(const char* name, std::initializer_list<int64_t> rest) {
    Shape shape = {SymbolDim(Unwrap(graph_.FindOrAddSymbol("batch")))};
    for (int64_t dim : rest) shape.Push(dim);
    return Input(name, shape);
  }
};

// Reshape(x, Concat(Shape(x)[0:1], [-1])), as exporters write x.view(x.shape[0], -1).
TEST_F(ShapeFoldingTest, BeforeAndAfter) {
  const ValueId x = Batches("x", {4, 5});
  const ValueId shape = Node(OpId::kShape, {x}, ops::ShapeAttributes{});
  const ValueId batch = Node(OpId::kSlice, {To(DType::kI32, shape), Ints({0}), Ints({1}), Ints({0})});
  const ValueId target = Node(OpId::kConcat, {To(DType::kI64, batch), Ints({-1})}, ops::ConcatAttributes{});
  Output(Node(OpId::kReshape, {x, target}, ops::ReshapeAttributes{}), "y");
  ExpectRewrite(RunShapeFolding, "Shape Cast Slice Cast Concat Reshape", "Reshape", 0);
  EXPECT_EQ(graph_.nodes[0].attributes.as<ops::ReshapeAttributes>().shape, (IntList{0, -1}));
}

// [n, 4, 6] -> [n, 4, 2, 3] by products of numbers, Gather with a scalar, Unsqueeze.
TEST_F(ShapeFoldingTest, NumbersAreComputedSymbolsCopied) {
  const ValueId x = Batches("x", {4, 6});
  const ValueId shape = Node(OpId::kShape, {x}, ops::ShapeAttributes{});
  const auto dim = [&](int64_t index) {
    const ValueId scalar = Unwrap(graph_.AddConstant("", {&index, DType::kI64, Shape{}}, true));
    ops::UnsqueezeAttributes unsqueeze;
    unsqueeze.axes = {0};
    return Node(OpId::kUnsqueeze, {Node(OpId::kGather, {shape, scalar}, ops::GatherAttributes{})}, unsqueeze);
  };
  const ValueId two = Node(OpId::kSub, {dim(-1), dim(1)});
  const ValueId target = Node(OpId::kConcat, {dim(0), dim(1), two, Ints({3})}, ops::ConcatAttributes{});
  const ValueId y = Node(OpId::kReshape, {x, target}, ops::ReshapeAttributes{});
  Output(y, "y");
  RunAndCompare(RunShapeFolding, 0);
  EXPECT_EQ(Operators(), "Reshape");
  EXPECT_EQ(graph_.nodes[0].attributes.as<ops::ReshapeAttributes>().shape, (IntList{0, 4, 2, 3}));
}

TEST_F(ShapeFoldingTest, ExpandToItsOwnShape) {
  const ValueId x = Batches("x", {1, 5});
  const ValueId shape = Node(OpId::kShape, {x}, ops::ShapeAttributes{});
  Output(Node(OpId::kExp, {Node(OpId::kExpand, {x, shape})}), "y");
  ExpectRewrite(RunShapeFolding, "Shape Expand Exp", "Exp", 0);
}

// Two dimensions that only a run tells; one of another input; a sum of an open dimension.
TEST_F(ShapeFoldingTest, WhatIsOpenStays) {
  const ValueId x = Batches("x", {4});
  const int32_t other = Unwrap(graph_.FindOrAddSymbol("other"));
  const ValueId z = Input("z", {SymbolDim(other), 4, SymbolDim(Unwrap(graph_.FindOrAddSymbol("third")))});
  const ValueId shape = Node(OpId::kShape, {z}, ops::ShapeAttributes{});
  const ValueId swapped = Node(OpId::kGather, {shape, Ints({2, 1, 0})}, ops::GatherAttributes{});
  Output(Node(OpId::kReshape, {z, swapped}, ops::ReshapeAttributes{}), "two");
  const ValueId sum = Node(OpId::kAdd, {Node(OpId::kShape, {x}, ops::ShapeAttributes{}), Ints({1})});
  const ValueId less = Node(OpId::kSub, {sum, Ints({1})});
  Output(Node(OpId::kReshape, {x, less}, ops::ReshapeAttributes{}), "sum");
  const std::string before = Operators();
  ExpectRewrite(RunShapeFolding, before.c_str(), before.c_str(), 0);
}

}  // namespace
}  // namespace mace::passes
