#include "mace/kernels/detection/detection.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mace::kernels {
namespace {

struct Box {
  float top, left, bottom, right;
};

struct Candidate {
  float score;
  int32_t box;
};
bool IsBetter(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.box < b.box;
}
bool IsWorse(const Candidate& a, const Candidate& b) { return IsBetter(b, a); }

struct Kept {
  Box box;
  Candidate candidate;
};

struct Detection {
  Box box;
  float score;
  int32_t label;
};

// What a worker's scratch holds.
int64_t MostKept(const DetectionParams& p) {
  return std::min(p.boxes, p.regular ? p.detections_per_class : p.max_detections);
}

float Overlap(const Box& a, const Box& b) {
  const float area_a = (a.bottom - a.top) * (a.right - a.left);
  const float area_b = (b.bottom - b.top) * (b.right - b.left);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float height = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.0f);
  const float width = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.0f);
  const float shared = height * width;
  return shared / (area_a + area_b - shared);
}

class Detector {
 public:
  explicit Detector(const KernelArguments& arguments)
      : p_(*static_cast<const DetectionParams*>(arguments.params)), operands_(arguments.operands) {
    candidates_ = reinterpret_cast<Candidate*>(arguments.workspace);
    kept_ = reinterpret_cast<Kept*>(candidates_ + p_.boxes);
    detections_ = reinterpret_cast<Detection*>(kept_ + MostKept(p_));
    for (int i = 0; i < 256; ++i) {
      levels_[i] = (static_cast<float>(i) - static_cast<float>(p_.scores.zero_point)) * p_.scores.scale;
    }
  }

  void Run() {
    const int64_t rows = p_.max_detections * p_.classes_per_detection;
    const int64_t widths[] = {4, 1, 1};
    for (int i = 0; i < 3; ++i) {
      if (operands_[3 + i] == nullptr) continue;
      std::memset(operands_[3 + i], 0, static_cast<size_t>(rows * widths[i]) * sizeof(float));
    }
    const int64_t found = p_.regular ? RunRegular() : RunFast();
    if (operands_[6] != nullptr) *static_cast<float*>(operands_[6]) = static_cast<float>(found);
  }

 private:
  float Score(int64_t box, int64_t label) const {
    const int64_t i = box * p_.columns + p_.columns - p_.classes + label;
    if (p_.scores.is_u8) return levels_[static_cast<const uint8_t*>(operands_[1])[i]];
    return static_cast<const float*>(operands_[1])[i];
  }
  // For sorting.
  float OrderedScore(int64_t box, int64_t label) const {
    const float score = Score(box, label);
    return std::isnan(score) ? -HUGE_VALF : score;
  }

  double Real(int operand, const DetectionParams::Values& values, int64_t i) const {
    if (!values.is_u8) return static_cast<double>(static_cast<const float*>(operands_[operand])[i]);
    const float stored = static_cast<const uint8_t*>(operands_[operand])[i];
    return static_cast<double>((stored - static_cast<float>(values.zero_point)) * values.scale);
  }

  Box Decode(int64_t box) const {
    const auto part = [&](int k) {
      return Real(0, p_.encodings, box * p_.box_values + k) / p_.box_scales[k];
    };
    const auto anchor = [&](int k) { return Real(2, p_.anchors, box * 4 + k); };
    const auto y = static_cast<float>(part(0) * anchor(2) + anchor(0));
    const auto x = static_cast<float>(part(1) * anchor(3) + anchor(1));
    const auto half_height = static_cast<float>(0.5 * std::exp(part(2)) * anchor(2));
    const auto half_width = static_cast<float>(0.5 * std::exp(part(3)) * anchor(3));
    return {y - half_height, x - half_width, y + half_height, x + half_width};
  }

  // Fills kept_ with the best candidates that no better one suppresses, best first. Returns their count.
  int64_t Keep(int64_t count) {
    const int64_t most = MostKept(p_);
    std::make_heap(candidates_, candidates_ + count, IsWorse);
    int64_t kept = 0;
    for (; count > 0 && kept < most; --count) {
      std::pop_heap(candidates_, candidates_ + count, IsWorse);
      const Candidate& best = candidates_[count - 1];
      const Box box = Decode(best.box);
      bool is_free = true;
      for (int64_t k = 0; k < kept && is_free; ++k) {
        is_free = !(Overlap(kept_[k].box, box) > p_.overlap_threshold);
      }
      if (is_free) kept_[kept++] = {box, best};
    }
    return kept;
  }

  void Write(int64_t row, const Box& box, int64_t label, float score) const {
    if (operands_[3] != nullptr) std::memcpy(static_cast<float*>(operands_[3]) + 4 * row, &box, sizeof(box));
    if (operands_[4] != nullptr) static_cast<float*>(operands_[4])[row] = static_cast<float>(label);
    if (operands_[5] != nullptr) static_cast<float*>(operands_[5])[row] = score;
  }

  // The best class of a box that is worse than `limit`, a score and a class.
  Candidate NextClass(int64_t box, const Candidate* limit) const {
    Candidate best = {0, -1};
    for (int64_t label = 0; label < p_.classes; ++label) {
      const Candidate candidate = {OrderedScore(box, label), static_cast<int32_t>(label)};
      if (limit != nullptr && !IsBetter(*limit, candidate)) continue;
      if (best.box < 0 || IsBetter(candidate, best)) best = candidate;
    }
    return best;
  }

  int64_t RunFast() {
    int64_t count = 0;
    for (int64_t i = 0; i < p_.boxes; ++i) {
      float best = OrderedScore(i, 0);
      for (int64_t label = 1; label < p_.classes; ++label) best = std::max(best, OrderedScore(i, label));
      if (best >= p_.score_threshold) candidates_[count++] = {best, static_cast<int32_t>(i)};
    }
    const int64_t kept = Keep(count);
    for (int64_t k = 0; k < kept; ++k) {
      Candidate label = NextClass(kept_[k].candidate.box, nullptr);
      for (int64_t c = 0; c < std::min(p_.classes_per_detection, p_.classes); ++c) {
        Write(k * p_.classes_per_detection + c, kept_[k].box, label.box, label.score);
        if (c + 1 < p_.classes) label = NextClass(kept_[k].candidate.box, &label);
      }
    }
    return kept;
  }

  // Puts a detection behind all that are as good, where there is room. Returns the new count.
  int64_t Insert(const Detection& detection, int64_t count) {
    int64_t place = count;
    while (place > 0 && detections_[place - 1].score < detection.score) --place;
    if (place == p_.max_detections) return count;
    const int64_t rest = std::min(count, p_.max_detections - 1);
    std::copy_backward(detections_ + place, detections_ + rest, detections_ + rest + 1);
    detections_[place] = detection;
    return rest + 1;
  }

  int64_t RunRegular() {
    int64_t found = 0;
    for (int64_t label = 0; label < p_.classes; ++label) {
      int64_t count = 0;
      for (int64_t i = 0; i < p_.boxes; ++i) {
        const float score = Score(i, label);
        if (score >= p_.score_threshold) candidates_[count++] = {score, static_cast<int32_t>(i)};
      }
      const int64_t kept = Keep(count);
      for (int64_t k = 0; k < kept; ++k) {
        found = Insert({kept_[k].box, kept_[k].candidate.score, static_cast<int32_t>(label)}, found);
      }
    }
    for (int64_t i = 0; i < found; ++i)
      Write(i, detections_[i].box, detections_[i].label, detections_[i].score);
    return found;
  }

  const DetectionParams& p_;
  void* const* operands_;
  float levels_[256];
  Candidate* candidates_;
  Kept* kept_;
  Detection* detections_;
};

}  // namespace

Status PrepareDetection(DetectionParams* p) {
  constexpr int64_t kMost = int64_t{1} << 31;
  if (p->boxes < 0 || p->boxes >= kMost || p->box_values < 4 || p->classes < 1 || p->columns < p->classes ||
      p->max_detections < 0 || p->max_detections >= kMost || p->classes_per_detection < 1 ||
      p->detections_per_class < 1) {
    return InvalidArgument("detection: sizes out of range");
  }
  p->workspace_bytes = p->boxes * static_cast<int64_t>(sizeof(Candidate)) +
                       MostKept(*p) * static_cast<int64_t>(sizeof(Kept)) +
                       (p->regular ? p->max_detections : 0) * static_cast<int64_t>(sizeof(Detection));
  p->tile_count = 1;
  return Status::Ok();
}

void DetectionPostProcess(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  if (tile_begin < tile_end) Detector(arguments).Run();
}

}  // namespace mace::kernels
