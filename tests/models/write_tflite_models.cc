// write_tflite_models DIR: small TensorFlow Lite models, a KB each: seeds for mutation and fuzzing.
//   tflite_float.tflite          convolutions, padding, pooling, fully connected, softmax; float32
//   tflite_uint8.tflite          the same, uint8 with a scale per tensor
//   tflite_int8_channel.tflite   the same, int8 with scales per channel
//   tflite_half_weights.tflite   float16 weights behind DEQUANTIZE, an open batch
//   tflite_variable.tflite       SVDF with a variable
//   tflite_slices.tflite         SPLIT, STRIDED_SLICE, REVERSE_V2, PACK, RESIZE_BILINEAR, TRANSPOSE_CONV,
//   ARG_MAX; uint8 tflite_lstm.tflite           UNIDIRECTIONAL_SEQUENCE_LSTM of integers, with inner tensors
//   and two variables tflite_detection.tflite      TFLite_Detection_PostProcess with its options, and 4-bit
//   weights in front of it
// Each is imported before it is written: a seed that the importer refuses tests nothing behind it.
#include <flatbuffers/flexbuffers.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_builder.h"

namespace {

using Bytes = std::vector<uint8_t>;
using namespace mace::importers::tflite;  // NOLINT: the builder's names

constexpr int32_t kAdd = 0, kAveragePool = 1, kConv = 3, kDepthwise = 4, kDequantize = 6, kFullyConnected = 9,
                  kReshape = 22, kResizeBilinear = 23, kSoftmax = 25, kSvdf = 27, kPad = 34,
                  kSequenceLstm = 44, kStridedSlice = 45, kSplit = 49, kArgMax = 56, kTransposeConv = 67,
                  kPack = 83, kReverse = 105;

// Seeded weights in [-1, 1): a linear congruential generator, the same everywhere.
class Weights {
 public:
  std::vector<float> Floats(int count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(Next()) / 128 - 1;
    return values;
  }
  Bytes Integers(int count) {
    Bytes values(static_cast<size_t>(count));
    for (uint8_t& value : values) value = static_cast<uint8_t>(Next());
    return values;
  }

 private:
  uint32_t Next() {
    state_ = state_ * 1664525 + 1013904223;
    return state_ >> 24;
  }
  uint32_t state_ = 1;
};

// [1, 8, 8, 2] -> conv 3x3 -> depthwise 3x3 -> pad -> average pool -> fully connected -> softmax.
class ConvNet {
 public:
  ConvNet(int8_t type, bool per_channel) : type_(type), per_channel_(per_channel) {}

  Bytes Build() {
    const int x = Value("input", {1, 8, 8, 2});
    const int conv = Value("conv", {1, 4, 4, 4});
    const auto conv_options = file::CreateConvolutionOptions(builder_.options(), 0, 2, 2, 3);
    builder_.AddOperator(kConv, {x, WeightsOf({4, 3, 3, 2}, 0), Bias(4)}, {conv},
                         file::Options::ConvolutionOptions, conv_options);
    const int depthwise = Value("depthwise", {1, 4, 4, 4});
    const auto depthwise_options = file::CreateDepthwiseOptions(builder_.options(), 0, 1, 1, 1, 1);
    builder_.AddOperator(kDepthwise, {conv, WeightsOf({1, 3, 3, 4}, 3), Bias(4)}, {depthwise},
                         file::Options::DepthwiseOptions, depthwise_options);
    int image = depthwise;
    if (type_ == kFileF32) {  // ADD of integers is not supported
      image = Value("sum", {1, 4, 4, 4});
      builder_.AddOperator(kAdd, {conv, depthwise}, {image});
    }
    const int padded = Value("padded", {1, 6, 6, 4});
    const std::vector<int32_t> pads = {0, 0, 1, 1, 1, 1, 0, 0};
    const int paddings = builder_.Add({.dims = {4, 2}, .type = kFileI32, .data = TfliteBuilder::Bytes(pads)});
    builder_.AddOperator(kPad, {image, paddings}, {padded});
    const int pooled = Value("pooled", {1, 2, 2, 4});
    const auto pool_options = file::CreatePoolOptions(builder_.options(), 1, 3, 3, 3, 3, 0);
    builder_.AddOperator(kAveragePool, {padded}, {pooled}, file::Options::PoolOptions, pool_options);
    const int row = Value("row", {1, 16});
    builder_.AddOperator(kReshape, {pooled, builder_.AddInts({1, 16})}, {row});
    const int dense = Value("dense", {1, 3});
    const auto dense_options = file::CreateFullyConnectedOptions(builder_.options(), 0, 0, false);
    builder_.AddOperator(kFullyConnected, {row, WeightsOf({3, 16}, kPerTensor), Bias(3)}, {dense},
                         file::Options::FullyConnectedOptions, dense_options);
    const int y = SoftmaxValue();
    builder_.AddOperator(kSoftmax, {dense}, {y}, file::Options::SoftmaxOptions,
                         file::CreateSoftmaxOptions(builder_.options(), 1));
    return builder_.Finish({x}, {y});
  }

 private:
  static constexpr int kPerTensor = -1;
  static constexpr float kScale = 0.05f;

  bool is_float() const { return type_ == kFileF32; }
  int64_t zero_point() const { return type_ == kFileU8 ? 128 : 0; }

  int Value(const char* name, std::vector<int32_t> dims) {
    TfliteBuilder::Tensor tensor = {.dims = std::move(dims), .type = type_, .name = name};
    if (!is_float()) tensor.scales = {kScale}, tensor.zero_points = {zero_point()};
    return builder_.Add(std::move(tensor));
  }
  // The format fixes scale and zero point of integer probabilities.
  int SoftmaxValue() {
    TfliteBuilder::Tensor tensor = {.dims = {1, 3}, .type = type_, .name = "probabilities"};
    if (!is_float()) tensor.scales = {1.0f / 256}, tensor.zero_points = {type_ == kFileU8 ? 0 : -128};
    return builder_.Add(std::move(tensor));
  }
  int WeightsOf(std::vector<int32_t> dims, int axis) {
    int count = 1;
    for (int32_t dim : dims) count *= dim;
    TfliteBuilder::Tensor tensor = {.dims = dims, .type = type_};
    if (is_float()) {
      tensor.data = TfliteBuilder::Bytes(weights_.Floats(count));
    } else {
      tensor.data = weights_.Integers(count);
      const int scales = per_channel_ && axis >= 0 ? dims[static_cast<size_t>(axis)] : 1;
      for (int i = 0; i < scales; ++i) tensor.scales.push_back(0.01f + 0.002f * static_cast<float>(i));
      tensor.zero_points.assign(static_cast<size_t>(scales), zero_point());
      tensor.axis = axis < 0 ? 0 : axis;
    }
    return builder_.Add(std::move(tensor));
  }
  int Bias(int count) {
    if (is_float()) {
      return builder_.Add({.dims = {count}, .data = TfliteBuilder::Bytes(weights_.Floats(count))});
    }
    std::vector<int32_t> values;
    for (int i = 0; i < count; ++i) values.push_back(i * 100 - 150);
    return builder_.AddInts(values);  // without a scale: that of input times weights, as some files have it
  }

  int8_t type_;
  bool per_channel_;
  TfliteBuilder builder_;
  Weights weights_;
};

Bytes HalfWeights() {
  TfliteBuilder builder;
  const int x = builder.Add({.dims = {1, 4}, .name = "input", .signature = {-1, 4}});
  const std::vector<uint16_t> halves = {0x3C00, 0x4000, 0xBC00, 0x3800, 0, 0x3400, 0xC000, 0x3C00};
  const int half = builder.Add({.dims = {2, 4}, .type = kFileF16, .data = TfliteBuilder::Bytes(halves)});
  const int weights = builder.Add({.dims = {2, 4}, .name = "weights"});
  const int y = builder.Add({.dims = {1, 2}, .name = "output", .signature = {-1, 2}});
  builder.AddOperator(kDequantize, {half}, {weights});
  builder.AddOperator(kFullyConnected, {x, weights, -1}, {y}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 1, 0, false));
  return builder.Finish({x}, {y});
}

Bytes Variable() {
  TfliteBuilder builder;
  Weights weights;
  const int x = builder.Add({.dims = {1, 3}, .name = "input"});
  const int feature = builder.Add({.dims = {4, 3}, .data = TfliteBuilder::Bytes(weights.Floats(12))});
  const int time = builder.Add({.dims = {4, 5}, .data = TfliteBuilder::Bytes(weights.Floats(20))});
  const int bias = builder.Add({.dims = {2}, .data = TfliteBuilder::Bytes(weights.Floats(2))});
  const int state = builder.Add({.dims = {1, 20}, .name = "memory", .variable = true});
  const int y = builder.Add({.dims = {1, 2}, .name = "output"});
  builder.AddOperator(kSvdf, {x, feature, time, bias, state}, {y}, file::Options::SvdfOptions,
                      file::CreateSvdfOptions(builder.options(), 2, 1));
  return builder.Finish({x}, {y});
}

// x [1, 4, 4, 2]: the halves of its channels, one of them turned around, side by side and enlarged; where the
// largest channel is.
Bytes Slices() {
  TfliteBuilder builder;
  const auto add = [&](const std::vector<int32_t>& dims, const char* name = "") {
    return builder.Add({.dims = dims, .type = kFileU8, .name = name, .scales = {0.5f}, .zero_points = {7}});
  };
  const int x = add({1, 4, 4, 2}, "input");
  const int left = add({1, 4, 4, 1}), right = add({1, 4, 4, 1});
  builder.AddOperator(kSplit, {builder.AddInts({3}), x}, {left, right});
  const int turned = add({1, 4, 4, 1});
  builder.AddOperator(kReverse, {left, builder.AddInts({2})}, {turned});
  const int rows = add({4, 4, 1}), other_rows = add({4, 4, 1});
  const auto cut = [&](int from, int to) {
    const std::vector<int32_t> inputs = {from, builder.AddInts({0, 0, 0, 0}), builder.AddInts({1, 4, 4, 1}),
                                         builder.AddInts({1, 1, 1, 1})};
    builder.AddOperator(kStridedSlice, inputs, {to}, file::Options::StridedSliceOptions,
                        file::CreateStridedSliceOptions(builder.options(), 0, 8, 0, 0, 1));
  };
  cut(turned, rows);
  cut(right, other_rows);
  const int packed = add({2, 4, 4, 1}), large = add({2, 6, 6, 1}), stamped = add({2, 12, 12, 1});
  builder.AddOperator(kPack, {rows, other_rows}, {packed}, file::Options::PackOptions,
                      file::CreatePackOptions(builder.options(), 2, 0));
  builder.AddOperator(kResizeBilinear, {packed, builder.AddInts({6, 6})}, {large},
                      file::Options::ResizeBilinearOptions,
                      file::CreateResizeBilinearOptions(builder.options(), false, true));
  const int weights = builder.Add({.dims = {1, 3, 3, 1},
                                   .type = kFileU8,
                                   .scales = {0.02f},
                                   .zero_points = {100},
                                   .data = {90, 100, 120, 140, 160, 110, 100, 80, 130}});
  builder.AddOperator(kTransposeConv, {builder.AddInts({2, 12, 12, 1}), weights, large}, {stamped},
                      file::Options::TransposeConvOptions,
                      file::CreateTransposeConvOptions(builder.options(), 0, 2, 2));
  const int places = builder.Add({.dims = {2, 12, 1}, .type = kFileI32, .name = "places"});
  builder.AddOperator(kArgMax, {stamped, builder.AddInts({1})}, {places});
  return builder.Finish({x}, {stamped, places});
}

Bytes IntegerLstm() {
  TfliteBuilder builder;
  const auto constant = [&](const std::vector<int32_t>& dims, int8_t type, float scale, int bytes) {
    std::vector<uint8_t> data;
    int32_t count = bytes;
    for (int32_t dim : dims) count *= dim;
    for (int32_t i = 0; i < count; ++i)
      data.push_back(static_cast<uint8_t>(bytes == 1 || i % bytes < 2 ? i * 37 : 0));
    return builder.Add({.dims = dims, .type = type, .scales = {scale}, .zero_points = {0}, .data = data});
  };
  const int x = builder.Add(
      {.dims = {1, 3, 5}, .type = kFileI8, .name = "input", .scales = {0.02f}, .zero_points = {-3}});
  std::vector<int32_t> inputs = {x};
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({6, 5}, kFileI8, 0.01f, 1));
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({6, 4}, kFileI8, 0.01f, 1));
  inputs.insert(inputs.end(), {-1, -1, -1});
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({6}, kFileI32, 2e-4f, 4));
  inputs.push_back(constant({4, 6}, kFileI8, 0.01f, 1));
  inputs.push_back(constant({4}, kFileI32, 1e-4f, 4));
  inputs.push_back(builder.Add({.dims = {1, 4},
                                .type = kFileI8,
                                .name = "hidden",
                                .scales = {0.01f},
                                .zero_points = {5},
                                .variable = true}));
  inputs.push_back(builder.Add({.dims = {1, 6},
                                .type = kFileI16,
                                .name = "cell",
                                .scales = {1.0f / 4096},
                                .zero_points = {0},
                                .variable = true}));
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({6}, kFileI16, 1e-4f, 2));
  std::vector<int32_t> inner;
  for (int i = 0; i < 5; ++i) {
    inner.push_back(
        builder.Add({.dims = {0}, .type = kFileI16, .scales = {i == 4 ? 0.01f : 2e-4f}, .zero_points = {i}}));
  }
  const int y = builder.Add(
      {.dims = {1, 3, 4}, .type = kFileI8, .name = "output", .scales = {0.01f}, .zero_points = {5}});
  const auto options = file::CreateSequenceLstmOptions(builder.options(), 4, 10, 0.5f);
  builder.AddOperatorWithInner(kSequenceLstm, inputs, {y}, inner, file::Options::SequenceLstmOptions,
                               options);
  return builder.Finish({x}, {y});
}

Bytes Detection() {
  TfliteBuilder builder;
  Weights weights;
  flexbuffers::Builder options;
  options.Map([&] {
    options.Int("max_detections", 3);
    options.Int("max_classes_per_detection", 1);
    options.Int("num_classes", 2);
    options.Bool("use_regular_nms", true);
    options.Float("nms_iou_threshold", 0.5f);
    options.Float("nms_score_threshold", 0.1f);
    for (const char* name : {"y_scale", "x_scale", "h_scale", "w_scale"}) options.Float(name, 10);
  });
  options.Finish();
  const int x = builder.Add({.dims = {6, 3}, .name = "input"});
  const int narrow = builder.Add({.dims = {4, 3},
                                  .type = 17,
                                  .scales = {0.25f},
                                  .zero_points = {0},
                                  .data = {0x17, 0x8f, 0x42, 0, 0x5c, 0xe1}});
  const int flat = builder.Add({.dims = {6, 4}}), boxes = builder.Add({.dims = {1, 6, 4}});
  builder.AddOperator(kFullyConnected, {x, narrow, -1}, {flat}, file::Options::FullyConnectedOptions,
                      file::CreateFullyConnectedOptions(builder.options(), 0, 0, false));
  builder.AddOperator(kReshape, {flat, builder.AddInts({1, 6, 4})}, {boxes});
  const int scores = builder.Add({.dims = {1, 6, 3}, .name = "scores"});
  const int anchors = builder.Add({.dims = {6, 4}, .data = TfliteBuilder::Bytes(weights.Floats(24))});
  std::vector<int32_t> outputs;
  for (const char* name : {"boxes", "classes", "best", "count"})
    outputs.push_back(builder.Add({.name = name}));
  builder.AddCustomOperator("TFLite_Detection_PostProcess", {boxes, scores, anchors}, outputs,
                            options.GetBuffer());
  return builder.Finish({x, scores}, outputs);
}

bool Write(const std::filesystem::path& path, const Bytes& bytes) {
  mace::Graph graph;
  mace::importers::ImportReport report;
  const mace::Status status = mace::importers::ImportTflite(bytes, {}, &graph, &report);
  if (!status.ok()) {
    std::fprintf(stderr, "%s is no seed: %s\n", path.c_str(), status.message());
    return false;
  }
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_tflite_models DIR\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const bool written = Write(folder / "tflite_float.tflite", ConvNet(kFileF32, false).Build()) &&
                       Write(folder / "tflite_uint8.tflite", ConvNet(kFileU8, false).Build()) &&
                       Write(folder / "tflite_int8_channel.tflite", ConvNet(kFileI8, true).Build()) &&
                       Write(folder / "tflite_half_weights.tflite", HalfWeights()) &&
                       Write(folder / "tflite_variable.tflite", Variable()) &&
                       Write(folder / "tflite_slices.tflite", Slices()) &&
                       Write(folder / "tflite_lstm.tflite", IntegerLstm()) &&
                       Write(folder / "tflite_detection.tflite", Detection());
  return written ? 0 : 1;
}
