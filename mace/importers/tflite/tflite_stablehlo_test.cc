// STABLEHLO_GATHER, _SCATTER, _REDUCE_WINDOW, _RNG_BIT_GENERATOR: files that lie. What sound ones compute is
// compared with another runtime (tests/tflite/cases_control.py).
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"
#include "mace/ops/evaluate.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kScatter = 190, kReduceWindow = 198, kGather = 201, kRandomBits = 204, kAdd = 163;
constexpr int64_t kHuge = int64_t{1} << 62;

using List = std::vector<int64_t>;

// A sum of two elements, as subgraph 1.
std::vector<uint8_t> FinishWithSum(TfliteBuilder* builder, const std::vector<int32_t>& inputs, int32_t output,
                                   int32_t number = kAdd) {
  builder->EndSubgraph(inputs, {output});
  const int a = builder->Add({.name = "a"}), b = builder->Add({.name = "b"}), c = builder->Add({.name = "c"});
  builder->AddOperator(number, {a, b}, {c});
  return builder->Finish({a, b}, {c});
}

// Of x [3, 4] rows named by indices [2, 1].
struct Gather {
  List window_axes = {1}, collapsed = {0}, map = {0}, window = {1, 4};
  int64_t vector_axis = 1;
  std::vector<int32_t> x_dims = {3, 4};

  std::vector<uint8_t> Model() const {
    TfliteBuilder builder;
    const int x = builder.Add({.dims = x_dims, .name = "x"});
    const int indices = builder.Add({.dims = {2, 1}, .type = kFileI32, .name = "i"});
    const int y = builder.Add({.dims = {2, 4}, .name = "y"});
    builder.AddNewOperator(kGather, {x, indices}, {y}, file::Options2::StablehloGatherOptions,
                           file::CreateStablehloGatherOptionsDirect(builder.options(), &window_axes,
                                                                    &collapsed, &map, vector_axis, &window));
    return builder.Finish({x, indices}, {y});
  }
};

TEST(TfliteStablehlo, GathersThatLie) {
  Graph graph;
  const Status status = Import(Gather().Model(), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  ExpectError(Gather{.window = {1, 5}}.Model(), StatusCode::kDataLoss, "a window of 5 elements");
  ExpectError(Gather{.window = {-1, 4}}.Model(), StatusCode::kDataLoss, "a window of -1 elements");
  ExpectError(Gather{.window = {1, kHuge}}.Model(), StatusCode::kDataLoss, "a window of");
  ExpectError(Gather{.window = {1}}.Model(), StatusCode::kUnsupported, "1 entries for the shape");
  ExpectError(Gather{.collapsed = {1}}.Model(), StatusCode::kDataLoss, "a window of 4 elements on axis 1");
  ExpectError(Gather{.collapsed = {0, 0}}.Model(), StatusCode::kDataLoss, "collapsed axes list axis 0");
  ExpectError(Gather{.collapsed = {}}.Model(), StatusCode::kDataLoss, "1 axes of windows for 2");
  ExpectError(Gather{.map = {2}}.Model(), StatusCode::kDataLoss, "the indices list axis 2 of 2");
  ExpectError(Gather{.map = {-1}}.Model(), StatusCode::kDataLoss, "the indices list axis -1");
  ExpectError(Gather{.map = {}}.Model(), StatusCode::kUnsupported, "for 0 axes");
  ExpectError(Gather{.vector_axis = 3}.Model(), StatusCode::kUnsupported, "along axis 3");
  ExpectError(Gather{.vector_axis = -kHuge}.Model(), StatusCode::kUnsupported, "along axis -");
  ExpectError(Gather{.window_axes = {9}}.Model(), StatusCode::kDataLoss, "axes of windows list axis 9 of 2");
  ExpectError(Gather{.x_dims = {-1, 4}}.Model(), StatusCode::kUnsupported, "entries for the shape");
  const Gather wide = {.window_axes = {0, 1, 2},
                       .collapsed = {},
                       .window = {1 << 25, 4},
                       .vector_axis = 1,
                       .x_dims = {1 << 26, 4}};
  ExpectError(wide.Model(), StatusCode::kDataLoss, "3 axes of windows for 2");
  Gather large = wide;
  large.window_axes = {0, 1};
  ExpectError(large.Model(), StatusCode::kUnsupported, "windows of 33554432 elements");
}

// Into x [3, 4] rows of updates [2, 4] at indices [2, 1].
struct Scatter {
  List window_axes = {1}, inserted = {0}, map = {0};
  int64_t vector_axis = 1;
  int32_t body = 1, body_operator = kAdd;
  std::vector<int32_t> update_dims = {2, 4};

  std::vector<uint8_t> Model() const {
    TfliteBuilder builder;
    const int x = builder.Add({.dims = {3, 4}, .name = "x"});
    const int indices = builder.Add({.dims = {2, 1}, .type = kFileI64, .name = "i"});
    const int updates = builder.Add({.dims = update_dims, .name = "u"});
    const int y = builder.Add({.dims = {3, 4}, .name = "y"});
    builder.AddNewOperator(kScatter, {x, indices, updates}, {y}, file::Options2::StablehloScatterOptions,
                           file::CreateStablehloScatterOptionsDirect(builder.options(), &window_axes,
                                                                     &inserted, &map, vector_axis, body));
    return FinishWithSum(&builder, {x, indices, updates}, y, body_operator);
  }
};

TEST(TfliteStablehlo, ScattersDropWhatFallsOutside) {
  Graph graph;
  const Status status = Import(Scatter().Model(), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<float> x(12, 1), updates(8, 2);
  for (int64_t outside : {int64_t{3}, int64_t{-1}, int64_t{-3}, INT64_MIN, INT64_MAX}) {
    std::vector<int64_t> indices = {outside, 1};
    const TensorView feeds[] = {{x.data(), DType::kF32, Shape{3, 4}},
                                {indices.data(), DType::kI64, Shape{2, 1}},
                                {updates.data(), DType::kF32, Shape{2, 4}}};
    Vector<EvaluatedTensor> fetches;
    ASSERT_TRUE(EvaluateGraph(graph, feeds, {}, &fetches).ok());
    const float* y = fetches[0].view.as<float>();
    EXPECT_EQ(std::vector<float>(y, y + 12), std::vector<float>({1, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1, 1}));
  }
}

TEST(TfliteStablehlo, ScattersThatLie) {
  ExpectError(Scatter{.window_axes = {}}.Model(), StatusCode::kDataLoss, "0 axes of windows and 1 inserted");
  ExpectError(Scatter{.window_axes = {2}}.Model(), StatusCode::kDataLoss, "axes of windows list axis 2 of 2");
  ExpectError(Scatter{.inserted = {4}}.Model(), StatusCode::kDataLoss, "inserted axes list axis 4");
  ExpectError(Scatter{.map = {0, 0}}.Model(), StatusCode::kDataLoss, "the indices list axis 0");
  ExpectError(Scatter{.map = {0, 1}}.Model(), StatusCode::kUnsupported, "for 2 axes");
  ExpectError(Scatter{.vector_axis = 7}.Model(), StatusCode::kUnsupported, "along axis 7");
  ExpectError(Scatter{.body = 2}.Model(), StatusCode::kDataLoss, "subgraph 2 of 2");
  ExpectError(Scatter{.body = -1}.Model(), StatusCode::kDataLoss, "subgraph -1 of 2");
  ExpectError(Scatter{.body = 0}.Model(), StatusCode::kUnsupported, "which joins two elements");
  ExpectError(Scatter{.body_operator = 41}.Model(), StatusCode::kUnsupported, "which joins two elements");
  ExpectError(Scatter{.update_dims = {-1, -1}}.Model(), StatusCode::kUnsupported, "an open dimension");
}

struct Windows {
  List window = {2, 2}, strides = {}, base = {}, dilations = {}, padding = {};
  int32_t body = 1;

  std::vector<uint8_t> Model() const {
    TfliteBuilder builder;
    const int x = builder.Add({.dims = {3, 4}, .name = "x"}), start = builder.Add({.name = "start"});
    const int y = builder.Add({.dims = {2, 3}, .name = "y"});
    builder.AddNewOperator(kReduceWindow, {x, start}, {y}, file::Options2::StablehloReduceWindowOptions,
                           file::CreateStablehloReduceWindowOptionsDirect(
                               builder.options(), &window, &strides, &base, &dilations, &padding, body));
    return FinishWithSum(&builder, {x, start}, y);
  }
};

TEST(TfliteStablehlo, WindowsThatLie) {
  Graph graph;
  const Status status = Import(Windows().Model(), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  ExpectError(Windows{.window = {2}}.Model(), StatusCode::kUnsupported, "1 entries for the shape");
  ExpectError(Windows{.window = {0, 1}}.Model(), StatusCode::kDataLoss, "not positive");
  ExpectError(Windows{.window = {kHuge, 1}}.Model(), StatusCode::kUnsupported, "a window of");
  ExpectError(Windows{.strides = {1}}.Model(), StatusCode::kDataLoss, "differ in size");
  ExpectError(Windows{.strides = {-1, 1}}.Model(), StatusCode::kDataLoss, "not positive");
  ExpectError(Windows{.base = {0, 1}}.Model(), StatusCode::kDataLoss, "a distance of 0");
  ExpectError(Windows{.base = {kHuge, 1}}.Model(), StatusCode::kDataLoss, "a distance of");
  ExpectError(Windows{.dilations = {1, kHuge}}.Model(), StatusCode::kDataLoss, "not positive");
  ExpectError(Windows{.padding = {1, 1}}.Model(), StatusCode::kDataLoss, "differ in size");
  for (const List& padding : {List{kHuge, kHuge, 0, 0}, List{-9, -9, 0, 0}, List{INT64_MAX, 1, 0, 0}}) {
    Graph refused;
    EXPECT_FALSE(Import(Windows{.padding = padding}.Model(), &refused).ok());
  }
  ExpectError(Windows{.body = 9}.Model(), StatusCode::kDataLoss, "subgraph 9 of 2");
}

std::vector<uint8_t> RandomModel(int8_t algorithm, int32_t words, const std::vector<int32_t>& dims,
                                 int8_t type = kFileU32, int8_t state_type = kFileU64) {
  TfliteBuilder builder;
  const int state = builder.Add({.dims = {words}, .type = state_type, .name = "state"});
  const int after = builder.Add({.dims = {words}, .type = state_type, .name = "after"});
  const int bits = builder.Add({.dims = dims, .type = type, .name = "bits"});
  builder.AddNewOperator(kRandomBits, {state}, {after, bits}, file::Options2::StablehloRandomBitsOptions,
                         file::CreateStablehloRandomBitsOptions(builder.options(), algorithm));
  return builder.Finish({state}, {after, bits});
}

// The test vectors of the algorithms' authors (Random123, kat_vectors): counters and keys of zeros.
TEST(TfliteStablehlo, RandomBitsOfZeros) {
  const struct {
    int8_t algorithm;
    std::vector<uint32_t> words;
  } kKnown[] = {{1, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}, {2, {0x6b200159, 0x99ba4efe}}};
  for (const auto& known : kKnown) {
    Graph graph;
    const Status status =
        Import(RandomModel(known.algorithm, 2, {static_cast<int32_t>(known.words.size())}), &graph);
    ASSERT_TRUE(status.ok()) << status.message();
    uint64_t zeros[2] = {};
    const TensorView feed{zeros, DType::kU64, Shape{2}};
    Vector<EvaluatedTensor> fetches;
    ASSERT_TRUE(EvaluateGraph(graph, {&feed, 1}, {}, &fetches).ok());
    EXPECT_EQ(fetches[0].view.as<uint64_t>()[1], 1u);
    const uint32_t* bits = fetches[1].view.as<uint32_t>();
    EXPECT_EQ(std::vector<uint32_t>(bits, bits + known.words.size()), known.words);
  }
}

TEST(TfliteStablehlo, RandomBitsThatLie) {
  ExpectError(RandomModel(3, 2, {4}), StatusCode::kUnsupported, "algorithm 3");
  ExpectError(RandomModel(-1, 2, {4}), StatusCode::kUnsupported, "algorithm -1");
  ExpectError(RandomModel(1, 1, {4}), StatusCode::kDataLoss, "expected uint64[2 or 3]");
  ExpectError(RandomModel(1, 4, {4}), StatusCode::kDataLoss, "expected uint64[2 or 3]");
  ExpectError(RandomModel(2, 3, {4}), StatusCode::kDataLoss, "expected uint64[2]");
  ExpectError(RandomModel(1, 2, {4}, kFileF32), StatusCode::kUnsupported, "random bits as float32");
  ExpectError(RandomModel(1, 2, {-1}), StatusCode::kUnsupported, "an open shape");
  ExpectError(RandomModel(1, 2, {4}, kFileU32, kFileI64), StatusCode::kUnsupported, "of int64");
}

TEST(TfliteStablehlo, ChangedFilesNeverCrash) {
  for (const std::vector<uint8_t>& good :
       {Gather().Model(), Scatter().Model(), Windows{.padding = {1, 0, 0, 1}}.Model()}) {
    ExpectNoCrashWhenChanged(good);
  }
}

}  // namespace
}  // namespace mace::importers::tflite
