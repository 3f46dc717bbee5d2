// Between unreadable pages, against an exhaustive search. (Against TensorFlow Lite:
// tests/python/test_tflite_layers.py.)
#include "mace/kernels/detection/detection.h"

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

struct Corner {
  double top, left, bottom, right;
};

double Overlap(const Corner& a, const Corner& b) {
  const auto area = [](const Corner& c) { return (c.bottom - c.top) * (c.right - c.left); };
  const double height = std::max(0.0, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
  const double width = std::max(0.0, std::min(a.right, b.right) - std::max(a.left, b.left));
  return height * width / (area(a) + area(b) - height * width);
}

struct Found {
  int64_t box, label;
  float score;
};

// Unit boxes at integer places along x, half of them covered by their neighbour at +0.25: overlaps are 0 or
// 0.6.
TEST(DetectionKernel, KeepsTheBest) {
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    DetectionParams p;
    p.boxes = Pick(random, 0, 40);
    p.box_values = Pick(random, 4, 6);
    p.classes = Pick(random, 1, 4);
    p.columns = p.classes + Pick(random, 0, 1);
    p.max_detections = Pick(random, 0, 12);
    p.regular = Pick(random, 0, 1) != 0;
    p.detections_per_class = Pick(random, 1, 50);
    p.score_threshold = 0.2f;
    p.scores.is_u8 = Pick(random, 0, 1) != 0;
    p.scores.scale = 1.0f / 256;
    ASSERT_TRUE(PrepareDetection(&p).ok());
    Guarded<float> encodings(p.boxes * p.box_values), anchors(p.boxes * 4);
    std::vector<Corner> corners;
    for (int64_t b = 0; b < p.boxes; ++b) {
      const auto x = static_cast<float>(b / 2) + 0.25f * static_cast<float>(b % 2);
      for (int64_t k = 0; k < p.box_values; ++k) encodings[b * p.box_values + k] = 0;
      const float anchor[] = {0, x, 1, 1};
      for (int64_t k = 0; k < 4; ++k) anchors[b * 4 + k] = anchor[k];
      corners.push_back({-0.5, x - 0.5, 0.5, x + 0.5});
    }
    Guarded<uint8_t> stored(p.scores.is_u8 ? p.boxes * p.columns : 0);
    Guarded<float> scores(p.scores.is_u8 ? 0 : p.boxes * p.columns);
    for (int64_t k = 0; k < p.boxes * p.columns; ++k) {
      const auto level = static_cast<uint8_t>(Pick(random, 0, 255));
      p.scores.is_u8 ? void(stored[k] = level) : void(scores[k] = static_cast<float>(level) / 256);
    }
    const auto score_of = [&](int64_t box, int64_t label) {
      const int64_t k = box * p.columns + p.columns - p.classes + label;
      return p.scores.is_u8 ? static_cast<float>(stored[k]) / 256 : scores[k];
    };
    // Whole classes or all boxes compete, in the order of score, then index.
    std::vector<Found> expected;
    for (int64_t group = 0; group < (p.regular ? p.classes : 1); ++group) {
      std::vector<Found> candidates, kept;
      for (int64_t b = 0; b < p.boxes; ++b) {
        int64_t label = group;
        for (int64_t c = 0; !p.regular && c < p.classes; ++c) {
          if (score_of(b, c) > score_of(b, label)) label = c;
        }
        if (score_of(b, label) >= p.score_threshold) candidates.push_back({b, label, score_of(b, label)});
      }
      const auto better = [](const Found& a, const Found& b) { return a.score > b.score; };
      std::stable_sort(candidates.begin(), candidates.end(), better);
      for (const Found& candidate : candidates) {
        bool is_free =
            static_cast<int64_t>(kept.size()) < (p.regular ? p.detections_per_class : p.max_detections);
        for (const Found& other : kept) {
          is_free = is_free && Overlap(corners[other.box], corners[candidate.box]) <= p.overlap_threshold;
        }
        if (is_free) kept.push_back(candidate);
      }
      expected.insert(expected.end(), kept.begin(), kept.end());
      std::stable_sort(expected.begin(), expected.end(), better);
      if (static_cast<int64_t>(expected.size()) > p.max_detections) expected.resize(p.max_detections);
    }
    Guarded<float> boxes(p.max_detections * 4), labels(p.max_detections), levels(p.max_detections), count(1);
    void* score_data = p.scores.is_u8 ? static_cast<void*>(stored.data()) : scores.data();
    RunTiles(DetectionPostProcess, &p,
             {encodings.data(), score_data, anchors.data(), boxes.data(), labels.data(), levels.data(),
              count.data()},
             p.tile_count, p.workspace_bytes, random);
    ASSERT_EQ(count[0], static_cast<float>(expected.size()));
    for (int64_t k = 0; k < p.max_detections; ++k) {
      const bool is_one = k < static_cast<int64_t>(expected.size());
      ASSERT_EQ(levels[k], is_one ? expected[k].score : 0) << i;
      ASSERT_EQ(labels[k], is_one ? static_cast<float>(expected[k].label) : 0) << i;
      ASSERT_EQ(boxes[4 * k + 1], is_one ? static_cast<float>(corners[expected[k].box].left) : 0) << i;
    }
    // Nobody may have asked for some of it.
    RunTiles(DetectionPostProcess, &p,
             {encodings.data(), score_data, anchors.data(), nullptr, nullptr, nullptr, nullptr}, p.tile_count,
             p.workspace_bytes, random);
  }
}

}  // namespace
}  // namespace mace::kernels
