// Operators that cut, join and look up, recurrent layers, custom operators: what damaged and odd files get.
// (That sound ones compute what TensorFlow Lite does is for tests/python/test_tflite_layers.py.)
#include <flatbuffers/flexbuffers.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_builder.h"
#include "mace/importers/tflite/tflite_test_import.h"
#include "mace/ops/detection/detection_post_process.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kConv2d = 3, kFullyConnected = 9, kResizeBilinear = 23, kGather = 36, kSequenceLstm = 44,
                  kStridedSlice = 45, kSplit = 49, kArgMax = 56, kSlice = 65, kTransposeConv = 67, kPack = 83,
                  kUnpack = 88, kSplitV = 102, kReverse = 105;
constexpr int8_t kFileI4 = 17;

// x [4, 6], and one operator on it whose further inputs are lists of i32.
struct OneOperator {
  TfliteBuilder builder;
  int x = builder.Add({.dims = {4, 6}, .name = "x"});
  std::vector<int32_t> outputs;

  explicit OneOperator(int count = 1) {
    for (int i = 0; i < count; ++i) outputs.push_back(builder.Add({.dims = {1}, .name = "y"}));
  }
  std::vector<int32_t> Inputs(const std::vector<std::vector<int32_t>>& lists) {
    std::vector<int32_t> inputs = {x};
    for (const auto& list : lists) inputs.push_back(builder.AddInts(list));
    return inputs;
  }
  std::vector<uint8_t> Finish() { return builder.Finish({x}, outputs); }
};

TEST(TfliteOperators, WrongSplits) {
  const auto split = [](int32_t axis, int parts) {
    OneOperator one(parts);
    one.builder.AddOperator(kSplit, {one.builder.AddInts({axis}), one.x}, one.outputs);
    return one.Finish();
  };
  Graph graph;
  EXPECT_TRUE(Import(split(-1, 3), &graph).ok());
  EXPECT_EQ(graph.values[graph.outputs[2]].type.shape, (Shape{4, 2}));
  ExpectError(split(2, 2), StatusCode::kDataLoss, "axis 2");
  ExpectError(split(1, 4), StatusCode::kDataLoss, "4 equal parts of 6");
  ExpectError(split(0, 0), StatusCode::kDataLoss, "");
  OneOperator many(100);
  many.builder.AddOperator(kSplitV, many.Inputs({std::vector<int32_t>(100, 1), {0}}), many.outputs);
  ExpectError(many.Finish(), StatusCode::kDataLoss, "expected a few integers");
  OneOperator negative(2);
  negative.builder.AddOperator(kSplitV, negative.Inputs({{9, -1}, {0}}), negative.outputs);
  ExpectError(negative.Finish(), StatusCode::kInvalidArgument, "");
}

TEST(TfliteOperators, WrongSlices) {
  const auto strided = [](std::vector<int32_t> begin, std::vector<int32_t> end, std::vector<int32_t> strides,
                          int32_t ellipsis, int32_t new_axis, int32_t shrink) {
    OneOperator one;
    const auto inputs = one.Inputs({begin, end, strides});
    const auto options =
        file::CreateStridedSliceOptions(one.builder.options(), 0, 0, ellipsis, new_axis, shrink);
    one.builder.AddOperator(kStridedSlice, inputs, one.outputs, file::Options::StridedSliceOptions, options);
    return one.Finish();
  };
  Graph graph;
  EXPECT_TRUE(Import(strided({1, -2}, {4, INT32_MIN}, {1, -2}, 0, 0, 1), &graph).ok());
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{3}));
  ExpectError(strided({0, 0}, {1, 1}, {1, 0}, 0, 0, 0), StatusCode::kDataLoss, "stride of 0");
  ExpectError(strided({9, 0}, {1, 1}, {1, 1}, 0, 0, 1), StatusCode::kDataLoss, "element 9 of 4");
  ExpectError(strided({0, 0}, {1, 1}, {-1, 1}, 0, 0, 1), StatusCode::kDataLoss, "stride of -1");
  ExpectError(strided({0}, {1, 1}, {1, 1}, 0, 0, 0), StatusCode::kDataLoss, "entries");
  ExpectError(strided({0, 0, 0}, {1, 1, 1}, {1, 1, 1}, 0, 0, 0), StatusCode::kDataLoss, "3 entries");
  ExpectError(strided({0, 0}, {1, 1}, {1, 1}, 3, 0, 0), StatusCode::kDataLoss, "2 entries");
  Graph masks;  // bits beyond the entries mean nothing
  EXPECT_TRUE(Import(strided({0, 0}, {1, 1}, {1, 1}, -4, -4, -4), &masks).ok());
  const std::vector<int32_t> twenty(20, 0), ones(20, 1);
  ExpectError(strided(twenty, ones, ones, 0, -1, 0), StatusCode::kDataLoss, "entries");

  const auto slice = [](std::vector<int32_t> begin, std::vector<int32_t> size) {
    OneOperator one;
    one.builder.AddOperator(kSlice, one.Inputs({begin, size}), one.outputs);
    return one.Finish();
  };
  Graph whole;
  EXPECT_TRUE(Import(slice({0, 2}, {-1, INT32_C(4)}), &whole).ok());
  ExpectError(slice({0, 2}, {-1, 5}), StatusCode::kDataLoss, "5 elements from 2 of 6");
  ExpectError(slice({-1, 0}, {1, 1}), StatusCode::kDataLoss, "");
  ExpectError(slice({0, 0}, {-2, 1}), StatusCode::kDataLoss, "");
  ExpectError(slice({0}, {1}), StatusCode::kDataLoss, "rank 2");
}

TEST(TfliteOperators, WrongAxes) {
  OneOperator reverse;
  reverse.builder.AddOperator(kReverse, reverse.Inputs({{0, 0}}), reverse.outputs);
  ExpectError(reverse.Finish(), StatusCode::kInvalidArgument, "sliced twice");
  OneOperator best;
  best.builder.AddOperator(kArgMax, best.Inputs({{2}}), best.outputs);
  ExpectError(best.Finish(), StatusCode::kUnsupported, "positions");  // y is f32
  OneOperator pack;
  pack.builder.AddOperator(kPack, {pack.x, pack.x}, pack.outputs, file::Options::PackOptions,
                           file::CreatePackOptions(pack.builder.options(), 2, 3));
  ExpectError(pack.Finish(), StatusCode::kDataLoss, "axis 3");
  OneOperator unpack(3);
  unpack.builder.AddOperator(kUnpack, {unpack.x}, unpack.outputs, file::Options::UnpackOptions,
                             file::CreateUnpackOptions(unpack.builder.options(), 3, 0));
  ExpectError(unpack.Finish(), StatusCode::kDataLoss, "3 outputs for 4 elements");
  OneOperator gather;
  gather.builder.AddOperator(kGather, gather.Inputs({{0, 1}}), gather.outputs, file::Options::GatherOptions,
                             file::CreateGatherOptions(gather.builder.options(), 5, 0));
  ExpectError(gather.Finish(), StatusCode::kInvalidArgument, "axis 5");
  OneOperator resize;
  const auto inputs = resize.Inputs({{2, 2}});
  resize.builder.AddOperator(kResizeBilinear, inputs, resize.outputs, file::Options::ResizeBilinearOptions,
                             file::CreateResizeBilinearOptions(resize.builder.options(), true, true));
  ExpectError(resize.Finish(), StatusCode::kUnsupported, "align_corners with half_pixel_centers");
}

TEST(TfliteOperators, WrongTransposedConvolutions) {
  const auto layer = [](std::vector<int32_t> shape, int32_t stride, int8_t padding) {
    TfliteBuilder builder;
    const int x = builder.Add({.dims = {1, 2, 2, 1}, .name = "x"});
    const int w =
        builder.Add({.dims = {1, 2, 2, 1}, .data = TfliteBuilder::Bytes(std::vector<float>{1, 2, 3, 4})});
    const int y = builder.Add({.dims = {1, 4, 4, 1}, .name = "y"});
    const int size = builder.AddInts(shape);
    const auto options = file::CreateTransposeConvOptions(builder.options(), padding, stride, stride);
    builder.AddOperator(kTransposeConv, {size, w, x}, {y}, file::Options::TransposeConvOptions, options);
    return builder.Finish({x}, {y});
  };
  Graph graph;
  EXPECT_TRUE(Import(layer({1, 4, 4, 1}, 2, 0), &graph).ok());
  ExpectError(layer({1, 4, 4, 1}, 0, 0), StatusCode::kDataLoss, "stride 0");
  ExpectError(layer({1, 4, 4}, 2, 0), StatusCode::kDataLoss, "no picture");
  ExpectError(layer({2, 4, 4, 1}, 2, 0), StatusCode::kDataLoss, "another batch");
  ExpectError(layer({1, 400, 4, 1}, 2, 1), StatusCode::kInvalidArgument, "output_padding");
  ExpectError(layer({1, -4, 4, 1}, 2, 1), StatusCode::kUnsupported, "computed at run time");
  ExpectError(layer({1, 4, 4, 1}, 2, 5), StatusCode::kUnsupported, "padding 5");
}

// The operands of a plain float LSTM of 2 cells and 3 inputs; `states` are variables or not.
std::vector<uint8_t> LstmModel(bool states, int operands, int8_t activation,
                               std::vector<int32_t> inner = {}) {
  TfliteBuilder builder;
  const auto constant = [&](std::vector<int32_t> dims) {
    int32_t count = 1;
    for (int32_t dim : dims) count *= dim;
    const std::vector<float> zeros(static_cast<size_t>(count));
    return builder.Add({.dims = dims, .data = TfliteBuilder::Bytes(zeros)});
  };
  const int x = builder.Add({.dims = {1, 4, 3}, .name = "x"});
  std::vector<int32_t> inputs = {x};
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({2, 3}));
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({2, 2}));
  inputs.insert(inputs.end(), {-1, -1, -1});
  for (int i = 0; i < 4; ++i) inputs.push_back(constant({2}));
  inputs.insert(inputs.end(), {-1, -1});
  for (const char* name : {"h", "c"}) {
    inputs.push_back(states ? builder.Add({.dims = {1, 2}, .name = name, .variable = true})
                            : constant({1, 2}));
  }
  inputs.insert(inputs.end(), {-1, -1, -1, -1});
  inputs.resize(static_cast<size_t>(operands), -1);
  const int y = builder.Add({.dims = {1, 4, 2}, .name = "y"});
  const auto options = file::CreateSequenceLstmOptions(builder.options(), activation);
  builder.AddOperatorWithInner(kSequenceLstm, inputs, {y}, inner, file::Options::SequenceLstmOptions,
                               options);
  return builder.Finish({x}, {y});
}

TEST(TfliteOperators, RecurrentLayers) {
  for (int operands : {20, 24}) {
    Graph graph;
    const Status status = Import(LstmModel(true, operands, 4), &graph);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(graph.states.size(), 2u);
    EXPECT_EQ(graph.states[0].name, "h");
    EXPECT_NE(graph.states[1].read, graph.states[1].write);
  }
  ExpectError(LstmModel(false, 24, 4), StatusCode::kDataLoss, "is not a variable");
  ExpectError(LstmModel(true, 19, 4), StatusCode::kDataLoss, "19 inputs");
  ExpectError(LstmModel(true, 30, 4), StatusCode::kDataLoss, "30 inputs");
  ExpectError(LstmModel(true, 24, 1), StatusCode::kUnsupported, "fused activation 1");
  ExpectError(LstmModel(true, 24, 4, {0, 900}), StatusCode::kDataLoss, "tensor 900");
}

TEST(TfliteOperators, FourBitWeights) {
  const auto layer = [](std::vector<uint8_t> data, int64_t zero_point) {
    TfliteBuilder builder;
    const int x =
        builder.Add({.dims = {1, 3}, .type = kFileI8, .name = "x", .scales = {1}, .zero_points = {0}});
    const int w = builder.Add(
        {.dims = {1, 3}, .type = kFileI4, .scales = {1}, .zero_points = {zero_point}, .data = data});
    const int y =
        builder.Add({.dims = {1, 1}, .type = kFileI8, .name = "y", .scales = {1}, .zero_points = {0}});
    builder.AddOperator(kFullyConnected, {x, w}, {y}, file::Options::FullyConnectedOptions,
                        file::CreateFullyConnectedOptions(builder.options(), 0, 0, false));
    return builder.Finish({x}, {y});
  };
  Graph graph;
  const Status status = Import(layer({0x7f, 0xa8}, 0), &graph);  // the last half byte is not an element
  ASSERT_TRUE(status.ok()) << status.message();
  const TensorView& weights = *graph.ConstantOf(graph.nodes[0].inputs[1]);
  EXPECT_EQ(weights.dtype, DType::kI8);
  EXPECT_EQ(std::vector<int8_t>(weights.as<int8_t>(), weights.as<int8_t>() + 3),
            (std::vector<int8_t>{-1, 7, -8}));
  ExpectError(layer({0x7f}, 0), StatusCode::kDataLoss, "has 1 bytes");
  ExpectError(layer({1, 2, 3}, 0), StatusCode::kDataLoss, "has 3 bytes");
  ExpectError(layer({1, 2}, 8), StatusCode::kDataLoss, "zero point 8");
}

std::vector<uint8_t> DetectionOptions(int64_t detections, int64_t per_detection, float threshold) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    builder.Int("max_detections", detections);
    builder.Int("max_classes_per_detection", per_detection);
    builder.Int("num_classes", 2);
    builder.Float("nms_iou_threshold", threshold);
    builder.Float("nms_score_threshold", 0.25f);
    for (const char* name : {"y_scale", "x_scale", "h_scale", "w_scale"}) builder.Float(name, 10);
  });
  builder.Finish();
  return builder.GetBuffer();
}

std::vector<uint8_t> DetectionModel(const std::vector<uint8_t>& options, const std::string& name,
                                    int32_t anchors = 5) {
  TfliteBuilder builder;
  const int boxes = builder.Add({.dims = {1, 5, 4}, .name = "boxes"});
  const int scores = builder.Add({.dims = {1, 5, 3}, .name = "scores"});
  const std::vector<float> values(static_cast<size_t>(anchors) * 4, 0.5f);
  const int anchor = builder.Add({.dims = {anchors, 4}, .data = TfliteBuilder::Bytes(values)});
  std::vector<int32_t> outputs;
  for (int i = 0; i < 4; ++i) outputs.push_back(builder.Add({.name = "d" + std::to_string(i)}));
  builder.AddCustomOperator(name, {boxes, scores, anchor}, outputs, options);
  return builder.Finish({boxes, scores}, outputs);
}

TEST(TfliteOperators, Detections) {
  const std::string name = "TFLite_Detection_PostProcess";
  Graph graph;
  const Status status = Import(DetectionModel(DetectionOptions(3, 2, 0.5f), name), &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  const auto& attributes = graph.nodes[0].attributes.as<ops::DetectionPostProcessAttributes>();
  EXPECT_EQ(attributes.max_detections, 3);
  EXPECT_EQ(attributes.detections_per_class, 100);
  EXPECT_EQ(attributes.score_threshold, 0.25f);
  EXPECT_FALSE(attributes.use_regular_nms);
  EXPECT_EQ(graph.values[graph.outputs[0]].type.shape, (Shape{1, 6, 4}));
  ExpectError(DetectionModel(DetectionOptions(3, 2, 0.5f), "Other_PostProcess"), StatusCode::kUnsupported,
              "CUSTOM:Other_PostProcess");
  ExpectError(DetectionModel(DetectionOptions(3, 2, 0.5f), name, 4), StatusCode::kInvalidArgument, "anchors");
  ExpectError(DetectionModel(DetectionOptions(INT64_MAX, 2, 0.5f), name), StatusCode::kInvalidArgument, "");
  ExpectError(DetectionModel(DetectionOptions(1 << 20, 1 << 20, 0.5f), name), StatusCode::kInvalidArgument,
              "");
  ExpectError(DetectionModel(DetectionOptions(3, 2, 0), name), StatusCode::kInvalidArgument, "threshold");
  ExpectError(DetectionModel({}, name), StatusCode::kDataLoss, "custom options");
  std::vector<uint8_t> damaged = DetectionOptions(3, 2, 0.5f);
  damaged.erase(damaged.begin(), damaged.begin() + 20);
  ExpectError(DetectionModel(damaged, name), StatusCode::kDataLoss, "custom options");
}

}  // namespace
}  // namespace mace::importers::tflite
