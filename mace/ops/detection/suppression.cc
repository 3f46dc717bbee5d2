#include "mace/ops/detection/suppression.h"

#include <algorithm>

namespace mace::ops {

float Overlap(const Box& a, const Box& b) {
  const float area_a = (a.bottom - a.top) * (a.right - a.left);
  const float area_b = (b.bottom - b.top) * (b.right - b.left);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float height = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.0f);
  const float width = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.0f);
  const float shared = height * width;
  return shared / (area_a + area_b - shared);
}

bool IsBetter(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.index < b.index;
}

int64_t SuppressSorted(const Box* boxes, float threshold, int64_t most, Candidate* candidates,
                       int64_t count) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count && kept < most; ++i) {
    bool is_free = true;
    for (int64_t k = 0; k < kept && is_free; ++k) {
      is_free = !(Overlap(boxes[candidates[k].index], boxes[candidates[i].index]) > threshold);
    }
    if (is_free) candidates[kept++] = candidates[i];
  }
  return kept;
}

int64_t Suppress(const Box* boxes, float threshold, int64_t most, Candidate* candidates, int64_t count) {
  std::sort(candidates, candidates + count, IsBetter);
  return SuppressSorted(boxes, threshold, most, candidates, count);
}

int64_t Insert(const Detection& detection, Detection* detections, int64_t count, int64_t most) {
  int64_t place = count;
  while (place > 0 && detections[place - 1].score < detection.score) --place;
  if (place == most) return count;
  const int64_t kept = std::min(count, most - 1);
  std::copy_backward(detections + place, detections + kept, detections + kept + 1);
  detections[place] = detection;
  return kept + 1;
}

}  // namespace mace::ops
