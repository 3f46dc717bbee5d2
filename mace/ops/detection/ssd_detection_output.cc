#include "mace/ops/detection/ssd_detection_output.h"

#include <algorithm>
#include <cmath>

#include "mace/core/memory.h"
#include "mace/core/vector.h"
#include "mace/ops/common.h"
#include "mace/ops/detection/suppression.h"

namespace mace::ops {

namespace {

enum Input { kLocations = 0, kScores = 1, kPriors = 2 };
constexpr int64_t kMaxClasses = 1 << 20;

// The number of priors that an operand stands for: `size` over `part`, or unknown. False where it does not
// divide.
bool PriorsOf(int64_t size, int64_t part, int64_t* priors) {
  *priors = kUnknownDim;
  if (size < 0) return true;
  *priors = size / part;
  return size % part == 0;
}

Status InferSsdDetectionOutput(InferContext& context) {
  const auto& attributes = context.attributes<SsdDetectionOutputAttributes>();
  if (attributes.classes < 1 || attributes.classes > kMaxClasses) {
    return InvalidArgument("%lld classes", static_cast<long long>(attributes.classes));
  }
  if (!(attributes.overlap_threshold >= 0) || !(attributes.eta > 0 && attributes.eta <= 1)) {
    return InvalidArgument("an overlap_threshold of %g and an eta of %g",
                           static_cast<double>(attributes.overlap_threshold),
                           static_cast<double>(attributes.eta));
  }
  for (int i : {kLocations, kScores, kPriors}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, i, i == kPriors ? 3 : 2));
  }
  const Shape& locations = context.input(kLocations).shape;
  const Shape& scores = context.input(kScores).shape;
  const Shape& priors = context.input(kPriors).shape;
  int64_t images = 0, by_location = 0, by_score = 0, by_prior = 0, count = 0;
  bool fits = MergeDim(locations[0], scores[0], &images) && (priors[1] < 0 || priors[1] == 2) &&
              (priors[0] == 1 || MergeDim(priors[0], images, &images));
  fits = fits &&
         PriorsOf(locations[1], attributes.share_location ? 4 : 4 * attributes.classes, &by_location) &&
         PriorsOf(scores[1], attributes.classes, &by_score) && PriorsOf(priors[2], 4, &by_prior);
  fits = fits && MergeDim(by_location, by_score, &count) && MergeDim(count, by_prior, &count);
  if (!fits || count > INT32_MAX || images > INT32_MAX) {
    return InvalidArgument("locations %s, scores %s and priors %s do not fit %lld classes",
                           ShapeText(locations).text, ShapeText(scores).text, ShapeText(priors).text,
                           static_cast<long long>(attributes.classes));
  }
  context.SetOutput(0, DType::kF32, {1, 1, kUnknownDim, 7});
  return Status::Ok();
}

Box Decoded(const SsdDetectionOutputAttributes& attributes, const float* prior, const float* variances,
            const float* location) {
  float move[4];
  for (int i = 0; i < 4; ++i)
    move[i] = attributes.variances_in_locations ? location[i] : variances[i] * location[i];
  const float width = prior[2] - prior[0], height = prior[3] - prior[1];
  Box box{};
  if (attributes.code == BoxCode::kCentreSize) {
    const float x = move[0] * width + (prior[0] + prior[2]) / 2,
                y = move[1] * height + (prior[1] + prior[3]) / 2;
    const float half_width = std::exp(move[2]) * width / 2, half_height = std::exp(move[3]) * height / 2;
    box = {y - half_height, x - half_width, y + half_height, x + half_width};
  } else {
    const bool in_sizes = attributes.code == BoxCode::kCornerSize;
    const float x_unit = in_sizes ? width : 1, y_unit = in_sizes ? height : 1;
    box = {prior[1] + move[1] * y_unit, prior[0] + move[0] * x_unit, prior[3] + move[3] * y_unit,
           prior[2] + move[2] * x_unit};
  }
  if (attributes.clip) {
    for (float* side : {&box.top, &box.left, &box.bottom, &box.right}) *side = std::clamp(*side, 0.0f, 1.0f);
  }
  return box;
}

struct Kept {
  Detection detection;
  int32_t image;
  Box box;
};

bool IsBetterDetection(const Kept& a, const Kept& b) {
  if (a.detection.score != b.detection.score) return a.detection.score > b.detection.score;
  if (a.detection.label != b.detection.label) return a.detection.label < b.detection.label;
  return a.detection.box < b.detection.box;
}

// Candidates that stand best first; brings those that stay to the front.
int64_t SuppressAdaptively(const Box* boxes, float threshold, float eta, Candidate* candidates,
                           int64_t count) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    bool stays = true;
    for (int64_t k = 0; stays && k < kept; ++k) {
      stays = Overlap(boxes[candidates[i].index], boxes[candidates[k].index]) <= threshold;
    }
    if (!stays) continue;
    candidates[kept++] = candidates[i];
    if (eta < 1 && threshold > 0.5f) threshold *= eta;
  }
  return kept;
}

// Finds the detections of one image after the other.
class Detector {
 public:
  explicit Detector(const DynamicContext& context)
      : attributes_(context.attributes<SsdDetectionOutputAttributes>()),
        inputs_(context.inputs),
        priors_(context.inputs[kPriors].shape[2] / 4) {}

  Status Run(int64_t images) {
    const auto count = static_cast<size_t>(priors_);
    MACE_ASSIGN_OR_RETURN(boxes_, Buffer::Allocate(count * sizeof(Box)));
    MACE_ASSIGN_OR_RETURN(candidates_, Buffer::Allocate(count * sizeof(Candidate)));
    for (int64_t image = 0; image < images; ++image) MACE_RETURN_IF_ERROR(RunImage(image));
    return Status::Ok();
  }
  const Vector<Kept>& found() const { return found_; }

 private:
  Status RunImage(int64_t image) {
    const size_t before = found_.size();
    const int64_t label_count = attributes_.share_location ? 1 : attributes_.classes;
    for (int64_t label = 0; label < attributes_.classes; ++label) {
      if (label == attributes_.background) continue;
      if (label_count > 1 || !decoded_ || image != decoded_image_) Decode(image, label_count > 1 ? label : 0);
      MACE_RETURN_IF_ERROR(RunClass(image, label));
    }
    const auto kept = static_cast<int64_t>(found_.size() - before);
    if (attributes_.keep_top_k < 0 || kept <= attributes_.keep_top_k) return Status::Ok();
    Kept* const begin = found_.data() + before;
    Kept* const end = found_.data() + found_.size();
    std::nth_element(begin, begin + attributes_.keep_top_k, end, IsBetterDetection);
    while (found_.size() > before + static_cast<size_t>(attributes_.keep_top_k)) found_.PopBack();
    std::sort(begin, found_.data() + found_.size(), [](const Kept& a, const Kept& b) {
      if (a.detection.label != b.detection.label) return a.detection.label < b.detection.label;
      return IsBetterDetection(a, b);
    });
    return Status::Ok();
  }

  void Decode(int64_t image, int64_t label) {
    const int64_t labels = attributes_.share_location ? 1 : attributes_.classes;
    const float* locations = inputs_[kLocations].as<float>() + image * inputs_[kLocations].shape[1];
    const float* priors = inputs_[kPriors].as<float>();
    if (inputs_[kPriors].shape[0] > 1) priors += image * 8 * priors_;
    for (int64_t i = 0; i < priors_; ++i) {
      boxes()[i] = Decoded(attributes_, priors + 4 * i, priors + 4 * (priors_ + i),
                           locations + 4 * (i * labels + label));
    }
    decoded_ = true;
    decoded_image_ = image;
  }

  Status RunClass(int64_t image, int64_t label) {
    const float* scores = inputs_[kScores].as<float>() + image * inputs_[kScores].shape[1] + label;
    Candidate* candidates = reinterpret_cast<Candidate*>(candidates_.data());
    int64_t count = 0;
    for (int64_t i = 0; i < priors_; ++i) {
      const float score = scores[i * attributes_.classes];
      if (score > attributes_.score_threshold) candidates[count++] = {score, static_cast<int32_t>(i)};
    }
    std::sort(candidates, candidates + count, IsBetter);
    if (attributes_.top_k >= 0) count = std::min(count, attributes_.top_k);
    count = SuppressAdaptively(boxes(), attributes_.overlap_threshold, attributes_.eta, candidates, count);
    for (int64_t i = 0; i < count; ++i) {
      const Detection detection = {candidates[i].score, candidates[i].index, static_cast<int32_t>(label)};
      MACE_RETURN_IF_ERROR(
          found_.PushBack(Kept{detection, static_cast<int32_t>(image), boxes()[candidates[i].index]}));
    }
    return Status::Ok();
  }

  Box* boxes() { return reinterpret_cast<Box*>(boxes_.data()); }

  const SsdDetectionOutputAttributes& attributes_;
  const TensorView* inputs_;
  int64_t priors_;
  Buffer boxes_, candidates_;
  bool decoded_ = false;
  int64_t decoded_image_ = 0;
  Vector<Kept> found_;
};

Status EvaluateSsdDetectionOutput(const DynamicContext& context) {
  const int64_t images = context.inputs[kLocations].shape[0];
  Detector detector(context);
  MACE_RETURN_IF_ERROR(detector.Run(images));
  const auto count = static_cast<int64_t>(detector.found().size());
  MACE_ASSIGN_OR_RETURN(const TensorView y,
                        context.outputs->Allocate(0, DType::kF32, {1, 1, count > 0 ? count : images, 7}));
  float* row = static_cast<float*>(y.data);
  for (const Kept& kept : detector.found()) {
    const float values[7] = {static_cast<float>(kept.image),
                             static_cast<float>(kept.detection.label),
                             kept.detection.score,
                             kept.box.left,
                             kept.box.top,
                             kept.box.right,
                             kept.box.bottom};
    row = std::copy_n(values, 7, row);
  }
  for (int64_t image = 0; count == 0 && image < images; ++image) {
    *row++ = static_cast<float>(image);
    row = std::fill_n(row, 6, -1.0f);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSsdDetectionOutputDefinition = {
    .name = "SsdDetectionOutput",
    .min_inputs = 3,
    .max_inputs = 3,
    .attributes = AttributeInfoOf<SsdDetectionOutputAttributes>(),
    .infer = InferSsdDetectionOutput,
    .evaluate = EvaluateSsdDetectionOutput,
};

}  // namespace mace::ops
