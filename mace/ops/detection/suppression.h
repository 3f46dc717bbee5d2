// Non-maximum suppression: what the operators that keep the best of overlapping boxes share. Host of no
// memory: callers bring the arrays.
#ifndef MACE_OPS_DETECTION_SUPPRESSION_H_
#define MACE_OPS_DETECTION_SUPPRESSION_H_

#include <cstdint>

namespace mace::ops {

struct Box {
  float top, left, bottom, right;
};

// Intersection over union; 0 where either has no area.
float Overlap(const Box& a, const Box& b);

// A score, and what it is the score of.
struct Candidate {
  float score;
  int32_t index;
};
// A strict order where no score is NaN: of equal scores the lower index is the better one.
bool IsBetter(const Candidate& a, const Candidate& b);

// Of candidates (indices of boxes) that stand best first, brings those that no better one overlaps by more
// than `threshold` to the front; at most `most`. Returns their count.
int64_t SuppressSorted(const Box* boxes, float threshold, int64_t most, Candidate* candidates, int64_t count);
// Sorts them by IsBetter first.
int64_t Suppress(const Box* boxes, float threshold, int64_t most, Candidate* candidates, int64_t count);

// A box that is kept, as a class.
struct Detection {
  float score;
  int32_t box, label;
};

// Puts `detection` behind all that are as good in the sorted array of `count` detections, which has room for
// `most` (at least 1); the worst one falls out where it is full. Returns the new count.
int64_t Insert(const Detection& detection, Detection* detections, int64_t count, int64_t most);

}  // namespace mace::ops

#endif  // MACE_OPS_DETECTION_SUPPRESSION_H_
