// Complex and random numbers, spectra: what damaged and odd files get. (That sound ones compute what
// TensorFlow Lite does is for tests/python/test_tflite_operators.py.)
#include <flatbuffers/flexbuffers.h>

#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kAdd = 0, kReshape = 22, kMul = 18, kSlice = 65, kExpandDims = 70, kConcat = 2,
                  kRfft2d = 131, kReal = 134, kComplexAbs = 135, kRandomUniform = 148, kMultinomial = 149;
constexpr int8_t kFileI64 = 4, kFileC64 = 8, kFileC128 = 11;

// One operator of complex64 tensors x and y of the shape [4, 6].
std::vector<uint8_t> OfComplex(int32_t number, const std::vector<std::vector<int32_t>>& lists,
                               int8_t y_type = kFileC64, int8_t x_type = kFileC64) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {4, 6}, .type = x_type, .name = "x"});
  std::vector<int32_t> inputs = {x};
  for (const auto& list : lists) inputs.push_back(builder.AddInts(list));
  const int y = builder.Add({.dims = {4, 6}, .type = y_type, .name = "y"});
  builder.AddOperator(number, inputs, {y});
  return builder.Finish({x}, {y});
}

TEST(TfliteComplex, EdgesAreFloatsWithOneMoreAxis) {
  Graph graph;
  ImportReport report;
  ASSERT_TRUE(ImportTflite(OfComplex(kReshape, {{24}}), {}, &graph, &report).ok());
  EXPECT_EQ(graph.values[graph.inputs[0]].type.shape, (Shape{4, 6, 2}));
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{24, 2}));
  ASSERT_EQ(report.warnings.size(), 2u);
  EXPECT_NE(report.warnings[0].find("'x' is complex64: here float32 with one more axis"), std::string::npos);
}

TEST(TfliteComplex, WhatDoesNotTakeThemIsRefused) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {4}, .type = kFileC64, .name = "x"});
  const int y = builder.Add({.dims = {8}, .type = kFileC64, .name = "y"});
  builder.AddOperator(kAdd, {x, x}, {y});
  builder.AddOperator(kConcat, {x, x}, {y});
  ExpectError(builder.Finish({x}, {y}), StatusCode::kUnsupported,
              "ADD of complex64 (operator 0, output 'y'); CONCATENATION of complex64");
  // Not the first operand, or the result alone.
  TfliteBuilder second;
  const int a = second.Add({.dims = {4}, .name = "a"});
  const int b = second.Add({.dims = {4}, .type = kFileC128, .name = "b"});
  const int c = second.Add({.dims = {4}, .name = "c"});
  second.AddOperator(kMul, {a, b}, {c});
  ExpectError(second.Finish({a, b}, {c}), StatusCode::kUnsupported, "MUL of complex128");
  ExpectError(OfComplex(kConcat, {}, kFileC64, kFileF32), StatusCode::kUnsupported,
              "CONCATENATION of complex64");
}

TEST(TfliteComplex, MixedTypesAreRefused) {
  ExpectError(OfComplex(kReshape, {{24}}, kFileF32), StatusCode::kDataLoss, "from complex64 to float32");
  ExpectError(OfComplex(kReshape, {{24}}, kFileC128), StatusCode::kDataLoss, "from complex64 to complex128");
  ExpectError(OfComplex(kSlice, {{0, 0}, {1, 1}}, kFileF32), StatusCode::kDataLoss, "declared as float32");
  ExpectError(OfComplex(kMul, {{1}}), StatusCode::kDataLoss, "expected complex numbers");
  ExpectError(OfComplex(kMul, {{1}}, kFileC64, kFileF32), StatusCode::kDataLoss, "expected complex numbers");
  ExpectError(OfComplex(kReal, {}, kFileF32, kFileF32), StatusCode::kUnsupported, "REAL of float32");
  ExpectError(OfComplex(kComplexAbs, {}, kFileC64), StatusCode::kDataLoss, "from complex64 to complex64");
  ExpectError(OfComplex(kRfft2d, {{4, 8}}, kFileF32, kFileF32), StatusCode::kDataLoss, "'y' is float32");
}

TEST(TfliteComplex, NoAxisBehindTheParts) {
  Graph graph;
  EXPECT_TRUE(Import(OfComplex(kExpandDims, {{2}}), &graph).ok());
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{4, 6, 1, 2}));
  ExpectError(OfComplex(kExpandDims, {{3}}), StatusCode::kDataLoss, "axis 3 of rank 2");
  ExpectError(OfComplex(kExpandDims, {{-4}}), StatusCode::kInvalidArgument, "");
}

TEST(TfliteComplex, WrongRanksAndLengths) {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = std::vector<int32_t>(8, 1), .type = kFileC64, .name = "x"});
  const int y = builder.Add({.dims = {1}, .name = "y"});
  builder.AddOperator(kReal, {x}, {y});
  ExpectError(builder.Finish({x}, {y}), StatusCode::kUnsupported, "'x' has rank 8, at most 7");
  for (const std::vector<int32_t>& lengths :
       std::vector<std::vector<int32_t>>{{4}, {4, 4, 4}, {4, 0}, {-1, 4}, {4, INT32_MIN}}) {
    TfliteBuilder transform;
    const int image = transform.Add({.dims = {4, 4}, .name = "image"});
    const int spectrum = transform.Add({.dims = {4, 3}, .type = kFileC64, .name = "spectrum"});
    transform.AddOperator(kRfft2d, {image, transform.AddInts(lengths)}, {spectrum});
    Graph graph;
    EXPECT_FALSE(Import(transform.Finish({image}, {spectrum}), &graph).ok()) << lengths.size();
  }
}

TEST(TfliteComplex, ConstantsHaveTheirBytes) {
  const auto constant = [](size_t floats) {
    TfliteBuilder builder;
    const int x = builder.Add({.dims = {3},
                               .type = kFileC64,
                               .name = "x",
                               .data = TfliteBuilder::Bytes(std::vector<float>(floats, 2.0f))});
    const int y = builder.Add({.dims = {3}, .name = "y"});
    builder.AddOperator(kReal, {x}, {y});
    return builder.Finish({}, {y});
  };
  Graph graph;
  EXPECT_TRUE(Import(constant(6), &graph).ok());
  ExpectError(constant(3), StatusCode::kDataLoss, "has 12 bytes");
}

struct Drawn {
  Graph graph;
  explicit Drawn(int64_t seed, int64_t seed2, int8_t type = kFileF32) {
    TfliteBuilder builder;
    const int shape = builder.AddInts({3, 5});
    const int y = builder.Add({.dims = {3, 5}, .type = type, .name = "y"});
    builder.AddOperator(kRandomUniform, {shape}, {y}, file::Options::RandomOptions,
                        file::CreateRandomOptions(builder.options(), seed, seed2));
    status = Import(builder.Finish({}, {y}), &graph);
  }
  Status status = Status::Ok();
};

TEST(TfliteRandom, ASequenceWithASeedIsAState) {
  EXPECT_EQ(Drawn(1, 0).graph.states.size(), 1u);
  EXPECT_EQ(Drawn(0, -1).graph.states.size(), 1u);
  EXPECT_TRUE(Drawn(0, 0).graph.states.empty());
  EXPECT_TRUE(Drawn(int64_t{1} << 32, 0).graph.states.empty());  // TensorFlow Lite reads the low half
  const Drawn without(0, 0);
  ASSERT_EQ(without.graph.nodes.size(), 1u);  // not computed while importing
  EXPECT_EQ(Drawn(1, 1, kFileI64).status.code(), StatusCode::kDataLoss);
}

TEST(TfliteRandom, WrongOperands) {
  const auto draw = [](std::vector<int32_t> dims, int8_t x_type, std::vector<int32_t> samples) {
    TfliteBuilder builder;
    const int x = builder.Add({.dims = std::move(dims), .type = x_type, .name = "x"});
    const int y = builder.Add({.dims = {1, 1}, .type = kFileI64, .name = "y"});
    builder.AddOperator(kMultinomial, {x, builder.AddInts(samples)}, {y});
    return builder.Finish({x}, {y});
  };
  Graph graph;
  EXPECT_TRUE(Import(draw({2, 3}, kFileF32, {4}), &graph).ok());
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{2, 4}));
  ExpectError(draw({2, 3}, kFileF32, {-4}), StatusCode::kInvalidArgument, "-4 samples");
  ExpectError(draw({2, 3}, kFileF32, {4, 4}), StatusCode::kInvalidArgument, "samples of 2 elements");
  ExpectError(draw({2, 0}, kFileF32, {4}), StatusCode::kInvalidArgument, "");
  ExpectError(draw({2}, kFileF32, {4}), StatusCode::kInvalidArgument, "");
  ExpectError(draw({2, 3}, kFileI32, {4}), StatusCode::kUnsupported, "MULTINOMIAL of int32");
}

std::vector<uint8_t> Custom(const std::string& name, const std::vector<int32_t>& dims,
                            const std::vector<std::pair<const char*, int64_t>>& numbers,
                            int32_t rate = 16000) {
  flexbuffers::Builder map;
  map.Map([&] {
    for (const auto& [key, number] : numbers) map.Int(key, number);
  });
  map.Finish();
  TfliteBuilder builder;
  const int x = builder.Add({.dims = dims, .name = "x"});
  std::vector<int32_t> inputs = {x};
  if (name == "Mfcc") inputs.push_back(builder.AddInts({rate}));
  const int y = builder.Add({.dims = {1, 1, 1}, .name = "y"});
  builder.AddCustomOperator(name, inputs, {y}, map.GetBuffer());
  return builder.Finish({x}, {y});
}

TEST(TfliteAudio, OptionsAreBounded) {
  Graph graph;
  const auto spectrogram = [](std::vector<int32_t> dims, int64_t window, int64_t stride) {
    return Custom("AudioSpectrogram", dims, {{"window_size", window}, {"stride", stride}});
  };
  ASSERT_TRUE(Import(spectrogram({100, 2}, 30, 10), &graph).ok());
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{2, 8, 17}));
  ExpectError(spectrogram({100, 2}, 1, 10), StatusCode::kDataLoss, "one sample");
  ExpectError(spectrogram({100, 2}, INT64_MAX, 10), StatusCode::kDataLoss, "window_size is");
  ExpectError(spectrogram({100, 2}, 30, 0), StatusCode::kDataLoss, "stride is 0");
  ExpectError(spectrogram({100}, 30, 10), StatusCode::kDataLoss, "expected rank 2");
  ExpectError(Custom("AudioSpectrogram", {100, 2}, {}), StatusCode::kDataLoss, "window_size is 0");
}

TEST(TfliteAudio, MelBandsAreBounded) {
  Graph graph;
  const auto mfcc = [](std::vector<int32_t> dims, int64_t bands, int64_t coefficients, int64_t low,
                       int64_t high, int32_t rate = 16000) {
    return Custom("Mfcc", dims,
                  {{"filterbank_channel_count", bands},
                   {"dct_coefficient_count", coefficients},
                   {"lower_frequency_limit", low},
                   {"upper_frequency_limit", high}},
                  rate);
  };
  ASSERT_TRUE(Import(mfcc({1, 9, 65}, 40, 13, 20, 4000), &graph).ok());
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{1, 9, 13}));
  ExpectError(mfcc({1, 9, 65}, 40, 41, 20, 4000), StatusCode::kDataLoss, "dct_coefficient_count is 41");
  ExpectError(mfcc({1, 9, 65}, 0, 1, 20, 4000), StatusCode::kDataLoss, "filterbank_channel_count is 0");
  ExpectError(mfcc({1, 9, 65}, 40, 13, 20, 8001), StatusCode::kUnsupported, "65 frequencies");
  ExpectError(mfcc({1, 9, 65}, 40, 13, 300, 300), StatusCode::kUnsupported, "from 300");
  ExpectError(mfcc({1, 9, 65}, 40, 13, -1, 300), StatusCode::kUnsupported, "from -1");
  ExpectError(mfcc({1, 9, 65}, 40, 13, 20, 4000, -5), StatusCode::kUnsupported, "sample rate of -5");
  ExpectError(mfcc({1, 9, 1}, 40, 13, 20, 4000), StatusCode::kUnsupported, "1 frequencies");
  ExpectError(mfcc({1, 9, 1 << 22}, 4000, 13, 20, 4000), StatusCode::kResourceExhausted, "in 4000 bands");
  ExpectError(mfcc({9, 65}, 40, 13, 20, 4000), StatusCode::kDataLoss, "expected rank 3");
}

}  // namespace
}  // namespace mace::importers::tflite
