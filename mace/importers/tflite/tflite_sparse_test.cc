// Sparse constants: what their lists mean, and what damaged ones get.
#include <random>

#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kAdd = 0, kFullyConnected = 9, kDensify = 124, kDequantize = 6;
using Levels = std::vector<Sparse::Level>;

// y = x + DENSIFY(stored)
std::vector<uint8_t> DensifyModel(const std::vector<int32_t>& dims, const Sparse& sparse,
                                  const std::vector<float>& stored) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = dims, .name = "x"});
  const int s =
      builder.Add({.dims = dims, .name = "s", .sparse = sparse, .data = TfliteBuilder::Bytes(stored)});
  const int d = builder.Add({.dims = dims, .name = "d"});
  const int y = builder.Add({.dims = dims, .name = "y"});
  builder.AddOperator(kDensify, {s}, {d});
  builder.AddOperator(kAdd, {x, d}, {y});
  return builder.Finish({x}, {y});
}

// What the constant is, read as the sum of zeros and it.
std::vector<float> Dense(const std::vector<int32_t>& dims, const Sparse& sparse,
                         const std::vector<float>& stored) {
  Graph graph;
  const Status status = Import(DensifyModel(dims, sparse, stored), &graph);
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  size_t count = 1;
  for (int32_t dim : dims) count *= static_cast<size_t>(dim);
  return RunFloats(graph, std::vector<float>(count, 0), graph.values[graph.inputs[0]].type.shape);
}

TEST(TfliteSparse, CompressedRowsOfEveryWidth) {
  const std::vector<float> expected = {1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3};
  for (auto width :
       {file::SparseList::SparseInt32, file::SparseList::SparseUint16, file::SparseList::SparseUint8}) {
    const Sparse rows = {
        .order = {0, 1},
        .levels = {{.size = 3}, {.segments = {0, 2, 2, 3}, .indices = {0, 2, 3}, .width = width}}};
    EXPECT_EQ(Dense({3, 4}, rows, {1, 2, 3}), expected);
  }
}

TEST(TfliteSparse, ColumnsFirst) {
  const Sparse columns = {.order = {1, 0},
                          .levels = {{.size = 4}, {.segments = {0, 1, 1, 2, 4}, .indices = {1, 0, 0, 2}}}};
  EXPECT_EQ(Dense({3, 4}, columns, {1, 2, 3, 4}), (std::vector<float>{0, 0, 2, 3, 1, 0, 0, 0, 0, 0, 0, 4}));
}

TEST(TfliteSparse, EveryDimensionCompressed) {
  const Sparse sparse = {
      .order = {0, 1},
      .levels = {{.segments = {0, 2}, .indices = {0, 2}}, {.segments = {0, 1, 3}, .indices = {1, 0, 1}}}};
  EXPECT_EQ(Dense({3, 2}, sparse, {5, 6, 7}), (std::vector<float>{0, 5, 0, 0, 6, 7}));
}

TEST(TfliteSparse, Blocks) {
  const Sparse blocks = {
      .order = {0, 1, 2, 3},
      .blocks = {0, 1},
      .levels = {{.size = 2}, {.segments = {0, 1, 2}, .indices = {1, 0}}, {.size = 2}, {.size = 2}}};
  EXPECT_EQ(Dense({4, 4}, blocks, {1, 2, 3, 4, 5, 6, 7, 8}),
            (std::vector<float>{0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 7, 8, 0, 0}));
  const Sparse flat = {// 1x2, columns of the blocks' matrix first
                       .order = {1, 0, 2},
                       .blocks = {1},
                       .levels = {{.size = 2}, {.segments = {0, 1, 2}, .indices = {1, 0}}, {.size = 2}}};
  EXPECT_EQ(Dense({2, 4}, flat, {1, 2, 3, 4}), (std::vector<float>{0, 0, 3, 4, 1, 2, 0, 0}));
}

TEST(TfliteSparse, NoElementIsStored) {
  const Sparse sparse = {.order = {0, 1}, .levels = {{.size = 2}, {.segments = {0, 0, 0}}}};
  // Nothing stored is no constant: the format has no other mark of one.
  ExpectError(DensifyModel({2, 2}, sparse, {}), StatusCode::kUnsupported, "sparse tensors that are no");
}

TEST(TfliteSparse, HalvesBehindDensifyAndWeightsWithoutIt) {
  TfliteBuilder builder;
  const Sparse rows = {.order = {0, 1}, .levels = {{.size = 2}, {.segments = {0, 1, 2}, .indices = {2, 0}}}};
  const int x = builder.Add({.dims = {1, 3}, .name = "x"});
  const int half = builder.Add({.dims = {2, 3},
                                .type = kFileF16,
                                .sparse = rows,
                                .data = TfliteBuilder::Bytes(std::vector<uint16_t>{0x3C00, 0x4000})});
  const int dense = builder.Add({.dims = {2, 3}, .type = kFileF16, .name = "dense"});
  const int wide = builder.Add({.dims = {2, 3}});
  const int middle = builder.Add({.dims = {1, 2}});
  const int weights = builder.Add(
      {.dims = {1, 2},
       .sparse = Sparse{.order = {0, 1}, .levels = {{.size = 1}, {.segments = {0, 1}, .indices = {1}}}},
       .data = TfliteBuilder::Bytes(std::vector<float>{10})});
  const int y = builder.Add({.dims = {1, 1}, .name = "y"});
  builder.AddOperator(kDensify, {half}, {dense});
  builder.AddOperator(kDequantize, {dense}, {wide});
  const auto options = [&] { return file::CreateFullyConnectedOptions(builder.options(), 0, 0, false); };
  builder.AddOperator(kFullyConnected, {x, wide}, {middle}, file::Options::FullyConnectedOptions, options());
  builder.AddOperator(kFullyConnected, {middle, weights}, {y}, file::Options::FullyConnectedOptions,
                      options());
  Graph graph;
  const Status status = Import(builder.Finish({x}, {y}), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(RunFloats(graph, {3, 4, 5}, graph.values[graph.inputs[0]].type.shape),
            (std::vector<float>{60}));  // 10 * 2 * 3
}

TEST(TfliteSparse, DamagedPlacesAreErrors) {
  const auto expect = [](const std::string& part, const Sparse& sparse,
                         const std::vector<int32_t>& dims = {3, 4},
                         const std::vector<float>& stored = {1, 2, 3}) {
    ExpectError(DensifyModel(dims, sparse, stored), StatusCode::kDataLoss, part);
  };
  const auto rows = [](std::vector<int32_t> segments, std::vector<int32_t> indices) {
    return Sparse{.order = {0, 1},
                  .levels = {{.size = 3}, {.segments = std::move(segments), .indices = std::move(indices)}}};
  };
  Graph graph;
  EXPECT_TRUE(Import(DensifyModel({3, 4}, rows({0, 2, 2, 3}, {0, 2, 3}), {1, 2, 3}), &graph).ok());
  expect("ends of segments", rows({0, 2, 3}, {0, 2, 3}));
  expect("ends of segments", rows({}, {0, 2, 3}));
  expect("segments from 1", rows({1, 2, 2, 3}, {0, 2, 3}));
  expect("segments from 0 to 4", rows({0, 2, 2, 4}, {0, 2, 3}));
  expect("ends before it begins", rows({0, 2, 1, 3}, {0, 2, 3}));
  expect("ends before it begins", rows({0, 2147483647, 2, 3}, {0, 2, 3}));
  expect("ends before it begins", rows({0, -1, 2, 3}, {0, 2, 3}));
  expect("index 4 behind 0 of 4", rows({0, 2, 2, 3}, {0, 4, 3}));
  expect("index -1", rows({0, 2, 2, 3}, {-1, 2, 3}));
  expect("index 1 behind 1", rows({0, 2, 2, 3}, {1, 1, 3}));
  expect("places for", rows({0, 1, 1, 2}, {0, 2}));
  expect("places for", rows({0, 2, 2, 3}, {0, 2, 3}), {3, 4}, {1, 2, 3, 4});
  expect("a level of 3 for a size of 2", rows({0, 2, 2, 3}, {0, 2, 3}), {2, 4});
  expect("levels in order", {.order = {0, 1}, .levels = {{.size = 3}}});
  expect("levels in order", {.order = {0}, .levels = {{.size = 3}}});
  expect("levels in order", {});
  expect("levels in order", {.order = {0, 1}, .blocks = {0, 1, 0}, .levels = {{.size = 3}, {.size = 4}}});
  expect("its order", {.order = {0, 0}, .levels = {{.size = 3}, {.size = 4}}});
  expect("its order", {.order = {0, -2147483647}, .levels = {{.size = 3}, {.size = 4}}});
  expect("its order", {.order = {0, 2, 1}, .blocks = {0}, .levels = {{.size = 3}, {.size = 4}, {.size = 1}}});
  expect("format 7", {.order = {0, 1}, .levels = {{.size = 3, .format = 7}, {.size = 4}}});
  expect("ends of segments", {.order = {0, 1}, .levels = {{.size = 3}, {.size = 4, .format = 1}}});
  const auto block = [](int32_t dimension, int32_t size, int8_t format = -1) {
    return Sparse{.order = {0, 1, 2},
                  .blocks = {dimension},
                  .levels = {{.size = 3}, {.size = 2}, {.size = size, .format = format}}};
  };
  const std::vector<float> twelve(12, 1.0f);
  EXPECT_TRUE(Import(DensifyModel({3, 4}, block(1, 2), twelve), &(graph = Graph())).ok());
  expect("block 0 of dimension 2", block(2, 2), {3, 4}, twelve);
  expect("block 0 of dimension -1", block(-1, 2), {3, 4}, twelve);
  expect("blocks of 0", block(1, 0), {3, 4}, twelve);
  expect("blocks of 3", block(1, 3), {3, 4}, twelve);
  expect("blocks of", block(1, 2, 1), {3, 4}, twelve);
  expect("dimension 1",
         {.order = {0, 1, 2, 3},
          .blocks = {1, 1},
          .levels = {{.size = 3}, {.size = 1}, {.size = 2}, {.size = 2}}},
         {3, 4}, twelve);
}

// A few bytes for very many zeros: refused before memory is taken.
TEST(TfliteSparse, ExpansionIsBounded) {
  const int32_t large = 1 << 15;
  const Sparse one = {.order = {0, 1},
                      .levels = {{.segments = {0, 1}, .indices = {5}}, {.segments = {0, 1}, .indices = {7}}}};
  ExpectError(DensifyModel({large, large}, one, {1}), StatusCode::kResourceExhausted, "far more memory");
  const Sparse dense = {.order = {0, 1}, .levels = {{.size = 4096}, {.size = 4096}}};
  ExpectError(DensifyModel({4096, 4096}, dense, {1}), StatusCode::kDataLoss, "places for 1 elements");
}

TEST(TfliteSparse, WhatIsNotSparseHasNothingToDensify) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {2}, .name = "x"});
  const int y = builder.Add({.dims = {2}, .name = "y"});
  builder.AddOperator(kDensify, {x}, {y});
  ExpectError(builder.Finish({x}, {y}), StatusCode::kDataLoss, "no sparse constant");
}

TEST(TfliteSparse, ChangedFilesNeverCrash) {
  std::mt19937 random(1);
  const Sparse rows = {
      .order = {0, 1},
      .levels = {{.size = 3},
                 {.segments = {0, 2, 2, 3}, .indices = {0, 2, 3}, .width = file::SparseList::SparseUint8}}};
  const Sparse blocks = {
      .order = {0, 1, 2, 3},
      .blocks = {0, 1},
      .levels = {{.size = 2}, {.segments = {0, 1, 2}, .indices = {1, 0}}, {.size = 2}, {.size = 2}}};
  const std::vector<uint8_t> seeds[] = {DensifyModel({3, 4}, rows, {1, 2, 3}),
                                        DensifyModel({4, 4}, blocks, {1, 2, 3, 4, 5, 6, 7, 8})};
  int imported = 0;
  for (int i = 0; i < 6000; ++i) {
    std::vector<uint8_t> bytes = seeds[i % 2];
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int k = 0; k < changes; ++k) {
      constexpr uint8_t kValues[] = {0, 1, 2, 3, 0x7F, 0xFF, 4, 16};
      bytes[random() % bytes.size()] = kValues[random() % 8];
    }
    Graph graph;
    imported += Import(bytes, &graph).ok();
  }
  EXPECT_GT(imported, 600);  // else the mutations test the verifier only
}

}  // namespace
}  // namespace mace::importers::tflite
