// By hand. (Random ones against TensorFlow Lite: tests/python/test_tflite_layers.py.)
#include "mace/ops/detection/detection_post_process.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

// Three boxes of size 1 at 0, 0.1 and 5 along x (the first two overlap), and the scores of two classes behind
// a background.
Status Detect(const DetectionPostProcessAttributes& attributes, const std::vector<float>& scores,
              OpTester* tester) {
  tester->attributes<DetectionPostProcessAttributes>() = attributes;
  tester->Input({1, 3, 5}, std::vector<float>{0, 0, 0, 0, 9, 0, 1, 0, 0, 9, 0, 0, 0, 0, 9});
  tester->Input({1, 3, 3}, scores);
  tester->Input({3, 4}, std::vector<float>{0, 0, 1, 1, 0, 0, 1, 1, 0, 5, 1, 1});
  return tester->Run();
}

DetectionPostProcessAttributes Attributes() {
  DetectionPostProcessAttributes attributes;
  attributes.max_detections = 3;
  attributes.num_classes = 2;
  attributes.score_threshold = 0.1f;
  attributes.y_scale = attributes.x_scale = 10;
  return attributes;
}

const std::vector<float> kScores = {0.9f, 0.2f, 0.5f, 0.9f, 0.3f, 0.4f, 0.9f, 0.6f, 0.05f};

TEST(DetectionPostProcess, Fast) {
  OpTester tester(OpId::kDetectionPostProcess, 4);
  ASSERT_OK(Detect(Attributes(), kScores, &tester));
  EXPECT_EQ(tester.Output<float>(3), (std::vector<float>{2}));
  EXPECT_EQ(tester.Output<float>(1), (std::vector<float>{0, 1, 0}));
  EXPECT_EQ(tester.Output<float>(2), (std::vector<float>{0.6f, 0.5f, 0}));
  ExpectNear(tester.Output<float>(0), {-0.5f, 4.5f, 0.5f, 5.5f, -0.5f, -0.5f, 0.5f, 0.5f, 0, 0, 0, 0});
}

TEST(DetectionPostProcess, SeveralClassesOfABox) {
  DetectionPostProcessAttributes attributes = Attributes();
  attributes.max_classes_per_detection = 3;  // there are two
  OpTester tester(OpId::kDetectionPostProcess, 4);
  ASSERT_OK(Detect(attributes, kScores, &tester));
  EXPECT_EQ(tester.Output<float>(1), (std::vector<float>{0, 1, 0, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(tester.Output<float>(2), (std::vector<float>{0.6f, 0.05f, 0, 0.5f, 0.2f, 0, 0, 0, 0}));
}

TEST(DetectionPostProcess, EachClassOnItsOwn) {
  DetectionPostProcessAttributes attributes = Attributes();
  attributes.use_regular_nms = true;
  OpTester tester(OpId::kDetectionPostProcess, 4);
  ASSERT_OK(Detect(attributes, kScores, &tester));
  EXPECT_EQ(tester.Output<float>(1), (std::vector<float>{0, 1, 0}));
  EXPECT_EQ(tester.Output<float>(2), (std::vector<float>{0.6f, 0.5f, 0.3f}));
  attributes.detections_per_class = 1;
  OpTester one(OpId::kDetectionPostProcess, 4);
  ASSERT_OK(Detect(attributes, kScores, &one));
  EXPECT_EQ(one.Output<float>(3), (std::vector<float>{2}));
  attributes.max_detections = 1;
  OpTester best(OpId::kDetectionPostProcess, 4);
  ASSERT_OK(Detect(attributes, kScores, &best));
  EXPECT_EQ(best.Output<float>(2), (std::vector<float>{0.6f}));
}

TEST(DetectionPostProcess, NoNumbers) {
  std::vector<float> scores(9, std::nanf(""));
  scores[1] = 0.7f;
  for (bool regular : {false, true}) {
    DetectionPostProcessAttributes attributes = Attributes();
    attributes.use_regular_nms = regular;
    OpTester tester(OpId::kDetectionPostProcess, 4);
    ASSERT_OK(Detect(attributes, scores, &tester));
    EXPECT_EQ(tester.Output<float>(3), (std::vector<float>{1}));
    EXPECT_EQ(tester.Output<float>(2), (std::vector<float>{0.7f, 0, 0}));
  }
}

TEST(DetectionPostProcess, ShapesAndRefusals) {
  OpTester tester(OpId::kDetectionPostProcess, 4);
  tester.attributes<DetectionPostProcessAttributes>() = Attributes();
  const auto f32 = [](const Shape& shape) { return TensorType{DType::kF32, shape, kNone}; };
  std::vector<TensorType> y;
  ASSERT_OK(tester.Infer({f32({1, kUnknownDim, 4}), f32({1, SymbolDim(0), 2}), f32({7, 4})}, &y));
  EXPECT_TRUE(y[0].shape == (Shape{1, 3, 4}) && y[3].shape == (Shape{1}));
  EXPECT_ERROR(tester.Infer({f32({2, 7, 4}), f32({1, 7, 2}), f32({7, 4})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({f32({1, 7, 3}), f32({1, 7, 2}), f32({7, 4})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({f32({1, 7, 4}), f32({1, 7, 4}), f32({7, 4})}, &y), kInvalidArgument);
  EXPECT_ERROR(tester.Infer({f32({1, 7, 4}), f32({1, 8, 2}), f32({7, 4})}, &y), kInvalidArgument);
  for (float bad : {0.0f, 1.5f, std::nanf("")}) {
    tester.attributes<DetectionPostProcessAttributes>().iou_threshold = bad;
    EXPECT_ERROR(tester.Infer({f32({1, 7, 4}), f32({1, 7, 2}), f32({7, 4})}, &y), kInvalidArgument);
  }
}

}  // namespace
}  // namespace mace::ops
