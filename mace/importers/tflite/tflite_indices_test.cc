// Operators on indices and shapes: what they become, and what damaged and odd files get. (That sound ones
// compute what TensorFlow Lite does is for tests/python/test_tflite_operators.py.)
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kLocalResponse = 13, kGather = 36, kBatchToSpace = 37, kSpaceToBatch = 38, kTranspose = 39,
                  kSparseToDense = 68, kShape = 77, kFakeQuant = 80, kOneHot = 85, kReverseSequence = 112,
                  kMatrixSetDiag = 115, kAdd = 0;

// One operator on x, with further inputs, and its output y.
struct OneOperator {
  TfliteBuilder builder;
  int x, y;
  std::vector<int32_t> inputs;

  explicit OneOperator(std::vector<int32_t> dims, int8_t output_type = kFileF32, int8_t type = kFileF32)
      : x(builder.Add({.dims = dims, .type = type, .name = "x"})),
        y(builder.Add({.dims = {1}, .type = output_type, .name = "y"})),
        inputs({x}) {}
  OneOperator& With(const std::vector<int32_t>& list) {
    inputs.push_back(builder.AddInts(list));
    return *this;
  }
  template <typename Table = void>
  std::vector<uint8_t> Finish(int32_t number, file::Options kind = file::Options::NONE,
                              flatbuffers::Offset<Table> options = {}) {
    builder.AddOperator(number, inputs, {y}, kind, options);
    return builder.Finish({x}, {y});
  }
};

Shape ShapeOfOutput(const std::vector<uint8_t>& bytes) {
  Graph graph;
  const Status status = Import(bytes, &graph);
  EXPECT_TRUE(status.ok()) << status.message();
  return status.ok() ? graph.values[graph.outputs[0]].type.shape : Shape();
}

TEST(TfliteIndices, GatherInBatches) {
  const auto gather = [](std::vector<int32_t> dims, std::vector<int32_t> indices, int32_t axis,
                         int32_t batch) {
    OneOperator one(dims);
    std::vector<int32_t> elements(1);
    for (int32_t dim : indices) elements.resize(elements.size() * static_cast<size_t>(dim));
    one.inputs.push_back(
        one.builder.Add({.dims = indices, .type = kFileI32, .data = TfliteBuilder::Bytes(elements)}));
    return one.Finish(kGather, file::Options::GatherOptions,
                      file::CreateGatherOptions(one.builder.options(), axis, batch));
  };
  EXPECT_EQ(ShapeOfOutput(gather({2, 3, 4, 5}, {2, 7}, 1, 1)), (Shape{2, 7, 4, 5}));
  EXPECT_EQ(ShapeOfOutput(gather({2, 3, 4, 5}, {2, 7, 6}, 2, 1)), (Shape{2, 3, 7, 6, 5}));
  EXPECT_EQ(ShapeOfOutput(gather({2, 3, 4}, {2}, -1, 1)), (Shape{2, 3}));
  EXPECT_EQ(ShapeOfOutput(gather({2, 3, 4}, {2, 3}, 2, -1)), (Shape{2, 3, 3}));
  ExpectError(gather({2, 3}, {2, 7}, 0, 1), StatusCode::kDataLoss, "axis 0 behind 1 batch axes");
  ExpectError(gather({2, 3}, {2}, 1, 2), StatusCode::kDataLoss, "batch axes");
  ExpectError(gather({2, 3}, {3, 7}, 1, 1), StatusCode::kInvalidArgument, "");
}

TEST(TfliteIndices, SizesThatFollowFromShapesAreKnown) {
  EXPECT_EQ(ShapeOfOutput(OneOperator({2, 4, 6, 3}).With({2, 3}).With({0, 0, 0, 0}).Finish(kSpaceToBatch)),
            (Shape{12, 2, 2, 3}));
  EXPECT_EQ(ShapeOfOutput(OneOperator({12, 2, 2, 3}).With({2, 3}).With({0, 1, 0, 0}).Finish(kBatchToSpace)),
            (Shape{2, 3, 6, 3}));
  EXPECT_EQ(ShapeOfOutput(OneOperator({2, 4, 3}).With({2}).With({1, 1}).Finish(kSpaceToBatch)),
            (Shape{4, 3, 3}));
  EXPECT_EQ(ShapeOfOutput(OneOperator({5, 2}, kFileI32).Finish(kShape)), (Shape{2}));
}

TEST(TfliteIndices, WrongBlocks) {
  const auto blocks = [](int32_t number, std::vector<int32_t> block, std::vector<int32_t> edges) {
    return OneOperator({4, 4, 4, 1}).With(block).With(edges).Finish(number);
  };
  ExpectError(blocks(kSpaceToBatch, {3, 2}, {0, 0, 0, 0}), StatusCode::kDataLoss,
              "blocks in the padded shape");
  ExpectError(blocks(kSpaceToBatch, {0, 2}, {0, 0, 0, 0}), StatusCode::kDataLoss, "block out of range");
  ExpectError(blocks(kSpaceToBatch, {2, 2}, {0, -1, 0, 1}), StatusCode::kDataLoss, "out of range");
  ExpectError(blocks(kSpaceToBatch, {2}, {0, 0}), StatusCode::kDataLoss, "out of range");
  ExpectError(blocks(kBatchToSpace, {3, 1}, {0, 0, 0, 0}), StatusCode::kDataLoss, "batches");
  ExpectError(blocks(kBatchToSpace, {2, 2}, {8, 1, 0, 0}), StatusCode::kDataLoss, "crops");
}

TEST(TfliteIndices, AnOrderOfAxesComputedAtRunTime) {
  OneOperator one({2, 3, 4});
  const int order = one.builder.Add({.dims = {3}, .type = kFileI32, .name = "order"});
  one.inputs.push_back(order);
  one.builder.AddOperator(kTranspose, one.inputs, {one.y});
  Graph graph;
  const Status status = Import(one.builder.Finish({one.x, order}, {one.y}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(graph.nodes[0].op, OpId::kPermute);
}

TEST(TfliteIndices, NarrowFloatsAreComputedInFloat32) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {3}, .type = kFileF16, .name = "x"});
  const int y = builder.Add({.dims = {3}, .type = kFileF16, .name = "y"});
  builder.AddOperator(kAdd, {x, x}, {y});
  Graph graph;
  const Status status = Import(builder.Finish({x}, {y}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(graph.values[graph.outputs[0]].type.dtype, DType::kF16);
  bool is_wide = false;
  for (const Node& node : graph.nodes) {
    if (node.op == OpId::kAdd) is_wide = graph.values[node.outputs[0]].type.dtype == DType::kF32;
  }
  EXPECT_TRUE(is_wide);
}

TEST(TfliteIndices, WrongOperands) {
  OneOperator sparse({2, 3, 4}, kFileF32, kFileI32);
  sparse.With({4, 4}).With({1}).With({0});
  ExpectError(sparse.Finish(kSparseToDense), StatusCode::kDataLoss, "indices of rank 3");
  OneOperator diagonal({2, 3, 3});
  ExpectError(diagonal.With({1}).Finish(kMatrixSetDiag), StatusCode::kDataLoss, "diagonals for the shape");
  OneOperator hot({3}, kFileF32, kFileI32);
  hot.With({4}).With({1}).With({0});
  ExpectError(
      hot.Finish(kOneHot, file::Options::OneHotOptions, file::CreateOneHotOptions(hot.builder.options(), 7)),
      StatusCode::kInvalidArgument, "axis");
  OneOperator reverse({3, 4});
  reverse.With({1, 1, 1});
  ExpectError(reverse.Finish(kReverseSequence, file::Options::ReverseSequenceOptions,
                             file::CreateReverseSequenceOptions(reverse.builder.options(), 0, 0)),
              StatusCode::kInvalidArgument, "");
  OneOperator response({1, 2, 2, 3});
  ExpectError(response.Finish(kLocalResponse, file::Options::LocalResponseOptions,
                              file::CreateLocalResponseOptions(response.builder.options(), -1)),
              StatusCode::kDataLoss, "radius of -1");
  OneOperator rounded({3});
  ExpectError(rounded.Finish(kFakeQuant, file::Options::FakeQuantOptions,
                             file::CreateFakeQuantOptions(rounded.builder.options(), 1, 0, 8)),
              StatusCode::kUnsupported, "8 bits from 1");
}

}  // namespace
}  // namespace mace::importers::tflite
