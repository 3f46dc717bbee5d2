#include "mace/ops/detection/non_max_suppression.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

struct Result {
  std::vector<float> boxes, scores;
  std::vector<int32_t> classes, count;
};

Result RunOn(const NonMaxSuppressionAttributes& attributes, int64_t images, int64_t classes,
             const std::vector<float>& boxes, const std::vector<float>& scores) {
  const auto count = static_cast<int64_t>(boxes.size()) / 4 / images;
  OpTester tester(OpId::kNonMaxSuppression, 4);
  tester.attributes<NonMaxSuppressionAttributes>() = attributes;
  EXPECT_OK(tester.Input({images, count, 4}, boxes).Input({images, classes, count}, scores).Run());
  return {tester.Output<float>(0), tester.Output<float>(2), tester.Output<int32_t>(1),
          tester.Output<int32_t>(3)};
}

// Intersection over union by counting the cells of a grid that a box (y, x, y, x of whole numbers) covers.
double GridOverlap(const float* a, const float* b) {
  int shared = 0, all = 0;
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) {
      const auto covers = [&](const float* box) {
        return y >= std::min(box[0], box[2]) && y < std::max(box[0], box[2]) &&
               x >= std::min(box[1], box[3]) && x < std::max(box[1], box[3]);
      };
      shared += covers(a) && covers(b);
      all += covers(a) || covers(b);
    }
  }
  return all == 0 ? 0 : static_cast<double>(shared) / all;
}

// The definition in its plainest form: (score, class, box) of everything that is kept, best first.
std::vector<std::tuple<float, int, int>> Plain(const NonMaxSuppressionAttributes& attributes, int classes,
                                               const float* boxes, const float* scores, int count) {
  std::set<std::tuple<float, int, int>> left, kept;  // by -score: the order of the definition
  for (int box = 0; box < count; ++box) {
    for (int label = 0; label < classes; ++label) {
      bool is_best = true;
      for (int other = 0; other < classes; ++other) {
        const float a = scores[other * count + box], b = scores[label * count + box];
        is_best = is_best && !(a > b || (a == b && other < label));
      }
      const float score = scores[label * count + box];
      if (score > attributes.score_threshold && (is_best || !attributes.class_agnostic)) {
        left.insert({-score, label, box});
      }
    }
  }
  while (!left.empty()) {
    const auto best = *left.begin();
    kept.insert(best);
    std::erase_if(left, [&](const auto& one) {
      const bool competes = attributes.class_agnostic || std::get<1>(one) == std::get<1>(best);
      return one == best ||
             (competes && GridOverlap(boxes + 4 * std::get<2>(one), boxes + 4 * std::get<2>(best)) >
                              static_cast<double>(attributes.iou_threshold));
    });
  }
  std::vector<std::tuple<float, int, int>> result(kept.begin(), kept.end());
  if (static_cast<int64_t>(result.size()) > attributes.max_detections) {
    result.resize(static_cast<size_t>(attributes.max_detections));
  }
  return result;
}

TEST(NonMaxSuppression, IsTheDefinition) {
  constexpr int kClasses = 3, kCount = 20;
  for (int seed = 0; seed < 60; ++seed) {
    NonMaxSuppressionAttributes attributes;
    attributes.max_detections = seed % 3 == 0 ? 4 : 70;
    attributes.iou_threshold = seed % 2 == 0 ? 0.3137f : 0.0213f;  // no ratio of small numbers
    attributes.score_threshold = 0.1f;
    attributes.class_agnostic = seed % 5 == 0;
    std::vector<float> boxes, scores;
    for (float value : TestValues(kCount * 4, 11 + seed)) boxes.push_back(std::floor((value + 1) * 8));
    for (float value : TestValues(kClasses * kCount, 77 + seed)) {
      scores.push_back(seed < 30 ? value : std::floor(value * 4) / 4);  // many are equal
    }
    const Result result = RunOn(attributes, 1, kClasses, boxes, scores);
    const auto plain = Plain(attributes, kClasses, boxes.data(), scores.data(), kCount);
    ASSERT_EQ(result.count[0], static_cast<int32_t>(plain.size())) << seed;
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_EQ(result.scores[i], -std::get<0>(plain[i]));
      EXPECT_EQ(result.classes[i], std::get<1>(plain[i]));
      for (int k = 0; k < 4; ++k) EXPECT_EQ(result.boxes[4 * i + k], boxes[4 * std::get<2>(plain[i]) + k]);
    }
    for (size_t i = plain.size(); i < result.scores.size(); ++i) {
      EXPECT_EQ(result.classes[i], -1);
      EXPECT_EQ(result.scores[i], 0);
      EXPECT_EQ(result.boxes[4 * i + 3], 0);
    }
  }
}

TEST(NonMaxSuppression, BoxFormatsAreOneBox) {
  // Two boxes of 4 x 2 pixels, one moved by 1: 3 / 5 shared; and one far away.
  const std::vector<float> yxyx = {0, 0, 2, 4, 0, 1, 2, 5, 9, 9, 11, 13};
  const std::vector<float> xyxy = {0, 0, 4, 2, 5, 2, 1, 0, 9, 9, 13, 11};  // the second from its far corner
  const std::vector<float> centre = {2, 1, 4, 2, 3, 1, 4, 2, 11, 10, 4, 2};
  const std::vector<float> scores = {0.5f, 0.9f, 0.7f};
  for (const auto& [format, boxes] :
       {std::pair{BoxFormat::kYxyx, yxyx}, {BoxFormat::kXyxy, xyxy}, {BoxFormat::kCentre, centre}}) {
    NonMaxSuppressionAttributes attributes = {.max_detections = 3, .box_format = format};
    attributes.iou_threshold = 0.59f;
    Result result = RunOn(attributes, 1, 1, boxes, scores);
    EXPECT_EQ(result.count[0], 2);
    ExpectNear(result.scores, {0.9f, 0.7f, 0});
    EXPECT_EQ(std::vector<float>(result.boxes.begin(), result.boxes.begin() + 4),
              std::vector<float>(boxes.begin() + 4, boxes.begin() + 8));
    attributes.iou_threshold = 0.61f;
    EXPECT_EQ(RunOn(attributes, 1, 1, boxes, scores).count[0], 3);
  }
}

TEST(NonMaxSuppression, NanTiesAndImagesOfTheirOwn) {
  const float nan = std::nanf("");
  const std::vector<float> boxes = {0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 5, 9, 5, 5, 5, 9, nan, 0, 1, 1, 0, 0, 1, 1};
  const std::vector<float> scores = {1, 1, nan, 2, 2, 1, 1, 1, 0, 3, 3, 3};
  const Result result = RunOn({.max_detections = 4}, 2, 2, boxes, scores);
  EXPECT_EQ(result.count, (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(std::vector<int32_t>(result.classes.begin(), result.classes.begin() + 4),
            (std::vector<int32_t>{1, 0, 1, -1}));
  for (const bool agnostic : {false, true}) {
    RunOn({.max_detections = 4, .class_agnostic = agnostic}, 2, 0, boxes, {});
    RunOn({.max_detections = 4, .class_agnostic = agnostic}, 2, 2, boxes, std::vector<float>(12, nan));
  }
}

TEST(NonMaxSuppression, ShapesAndRefusals) {
  OpTester tester(OpId::kNonMaxSuppression, 4);
  auto& attributes = tester.attributes<NonMaxSuppressionAttributes>();
  std::vector<TensorType> y;
  const auto infer = [&](const Shape& boxes, const Shape& scores) {
    return tester.Infer({{DType::kF32, boxes, kNone}, {DType::kF32, scores, kNone}}, &y);
  };
  ASSERT_OK(infer({SymbolDim(0), kUnknownDim, 4}, {SymbolDim(0), 80, SymbolDim(1)}));
  EXPECT_TRUE(y[0].shape == (Shape{SymbolDim(0), 100, 4}));
  EXPECT_TRUE(y[3].shape == (Shape{SymbolDim(0)}));
  EXPECT_ERROR(infer({1, 5, 4}, {1, 2, 6}), kInvalidArgument);
  EXPECT_ERROR(infer({1, 5, 3}, {1, 2, 5}), kInvalidArgument);
  EXPECT_ERROR(infer({1, 5, 4}, {2, 2, 5}), kInvalidArgument);
  EXPECT_ERROR(infer({5, 4}, {2, 5}), kInvalidArgument);
  for (const int64_t rows : {INT64_C(0), INT64_C(-1), INT64_C(65537), INT64_MAX}) {
    attributes.max_detections = rows;
    EXPECT_ERROR(infer({1, 5, 4}, {1, 2, 5}), kInvalidArgument);
  }
  attributes = {};
  attributes.iou_threshold = std::nanf("");
  EXPECT_ERROR(infer({1, 5, 4}, {1, 2, 5}), kInvalidArgument);
  attributes = {};
  attributes.score_threshold = std::nanf("");
  EXPECT_ERROR(infer({1, 5, 4}, {1, 2, 5}), kInvalidArgument);
}

}  // namespace
}  // namespace mace::ops
