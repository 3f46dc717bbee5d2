// Segments, lookups and updates of slices: what damaged and odd files get. (That sound ones compute what
// TensorFlow Lite does is for tests/python/test_tflite_operators.py.)
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kDynamicUpdateSlice = 151, kSegmentSum = 125, kStablehloPad = 195;

std::vector<uint8_t> Update(const std::vector<int32_t>& operand, const std::vector<int32_t>& update) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = operand, .name = "x"});
  const int u = builder.Add({.dims = update, .name = "u"});
  const int start = builder.AddInts(std::vector<int32_t>(operand.size(), 0));
  const int y = builder.Add({.dims = operand, .name = "y"});
  builder.AddOperator(kDynamicUpdateSlice, {x, u, start}, {y});
  return builder.Finish({x, u}, {y});
}

TEST(TfliteSegments, UpdatesOfSlicesAreBounded) {
  Graph graph;
  EXPECT_TRUE(Import(Update({4, 6}, {2, 3}), &graph).ok());
  const int32_t large = 1 << 30;
  ExpectError(Update({large, 2}, {1 << 28, 2}), StatusCode::kUnsupported, "an update of");
  ExpectError(Update({4, 6}, {5, 6}), StatusCode::kDataLoss, "larger than the operand");
  ExpectError(Update({4, -1}, {4, 1}), StatusCode::kUnsupported, "open shape");
  ExpectError(Update({4, 6}, {4}), StatusCode::kUnsupported, "an update of");
}

TEST(TfliteSegments, WhatLacksItsPartsIsRefused) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {}, .name = "x"});
  const int ids = builder.AddInts({0});
  const int y = builder.Add({.dims = {1}, .name = "y"});
  builder.AddOperator(kSegmentSum, {x, ids}, {y});
  ExpectError(builder.Finish({x}, {y}), StatusCode::kDataLoss, "expected rank 1");
  TfliteBuilder other;
  const int a = other.Add({.dims = {2}, .name = "a"});
  const int filler = other.Add({.dims = {}, .name = "filler"});
  const int b = other.Add({.dims = {2}, .name = "b"});
  other.AddOperator(kStablehloPad, {a, filler}, {b});
  ExpectError(other.Finish({a, filler}, {b}), StatusCode::kDataLoss, "options are missing");
}

}  // namespace
}  // namespace mace::importers::tflite
