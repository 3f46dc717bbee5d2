#include "mace/ops/detection/detection_post_process.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/core/memory.h"
#include "mace/ops/detection/suppression.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {
namespace {

enum Operand { kBoxes = 0, kScores = 1, kAnchors = 2 };
enum Output { kOutBoxes = 0, kOutClasses = 1, kOutScores = 2, kOutCount = 3 };
constexpr int64_t kMostDetections = INT64_C(1) << 20;

Status CheckNumbers(const DetectionPostProcessAttributes& attributes) {
  if (attributes.max_detections < 0 || attributes.max_detections > kMostDetections ||
      attributes.max_classes_per_detection < 1 || attributes.max_classes_per_detection > kMostDetections ||
      attributes.max_detections * attributes.max_classes_per_detection > kMostDetections) {
    return InvalidArgument("%lld detections of %lld classes each, the limit is %lld",
                           static_cast<long long>(attributes.max_detections),
                           static_cast<long long>(attributes.max_classes_per_detection),
                           static_cast<long long>(kMostDetections));
  }
  if (attributes.num_classes < 1 || attributes.num_classes > kMostDetections ||
      attributes.detections_per_class < 1) {
    return InvalidArgument("%lld classes, %lld detections of a class",
                           static_cast<long long>(attributes.num_classes),
                           static_cast<long long>(attributes.detections_per_class));
  }
  if (!(attributes.iou_threshold > 0) || !(attributes.iou_threshold <= 1)) {
    return InvalidArgument("the threshold %g, expected more than 0, at most 1",
                           static_cast<double>(attributes.iou_threshold));
  }
  for (float scale : {attributes.y_scale, attributes.x_scale, attributes.h_scale, attributes.w_scale}) {
    if (!std::isfinite(scale) || scale == 0) {
      return InvalidArgument("the scale %g of a box", static_cast<double>(scale));
    }
  }
  return Status::Ok();
}

Status Infer(InferContext& context) {
  const auto& attributes = context.attributes<DetectionPostProcessAttributes>();
  MACE_RETURN_IF_ERROR(CheckNumbers(attributes));
  for (int i : {kBoxes, kScores, kAnchors}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32, DType::kU8}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, i, i == kAnchors ? 2 : 3));
    if (context.input(i).dtype == DType::kU8) {
      MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(i), DType::kU8, 1, "an input"));
    }
  }
  MACE_RETURN_IF_ERROR(ExpectSameDType(context, kAnchors, kBoxes));
  const Shape& boxes = context.input(kBoxes).shape;
  const Shape& scores = context.input(kScores).shape;
  const Shape& anchors = context.input(kAnchors).shape;
  int64_t count = 0;
  const bool fits =
      MergeDim(boxes[0], 1, &count) && MergeDim(scores[0], 1, &count) &&
      MergeDim(boxes[1], scores[1], &count) && MergeDim(count, anchors[0], &count) &&
      (boxes[2] < 0 || boxes[2] >= 4) && (anchors[1] < 0 || anchors[1] == 4) &&
      (scores[2] < 0 || scores[2] == attributes.num_classes || scores[2] == attributes.num_classes + 1);
  if (!fits || count > INT32_MAX) {
    return InvalidArgument("boxes %s, scores %s and anchors %s for %lld classes", ShapeText(boxes).text,
                           ShapeText(scores).text, ShapeText(anchors).text,
                           static_cast<long long>(attributes.num_classes));
  }
  const int64_t rows = attributes.max_detections * attributes.max_classes_per_detection;
  context.SetOutput(kOutBoxes, DType::kF32, {1, rows, 4});
  context.SetOutput(kOutClasses, DType::kF32, {1, rows});
  context.SetOutput(kOutScores, DType::kF32, {1, rows});
  context.SetOutput(kOutCount, DType::kF32, {1});
  return Status::Ok();
}

class Detector {
 public:
  explicit Detector(const ReferenceContext& context)
      : context_(context),
        attributes_(context.attributes<DetectionPostProcessAttributes>()),
        boxes_(context.inputs[kBoxes].shape[1]),
        columns_(context.inputs[kScores].shape[2]),
        first_class_(columns_ - attributes_.num_classes) {}

  Status Run() {
    MACE_RETURN_IF_ERROR(Allocate());
    for (int64_t i = 0; i < boxes_; ++i) decoded_[i] = Decode(i);
    for (int i : {kOutBoxes, kOutClasses, kOutScores}) {
      if (context_.has_output(i)) {
        std::memset(context_.outputs[i].data, 0, static_cast<size_t>(context_.outputs[i].bytes()));
      }
    }
    const int64_t found = attributes_.use_regular_nms ? RunRegular() : RunFast();
    if (context_.has_output(kOutCount)) *Out(kOutCount) = static_cast<float>(found);
    return Status::Ok();
  }

 private:
  Status Allocate() {
    const auto boxes = static_cast<size_t>(boxes_);
    const auto classes = static_cast<size_t>(attributes_.num_classes);
    MACE_ASSIGN_OR_RETURN(decoded_memory_, Buffer::Allocate(boxes * sizeof(Box)));
    MACE_ASSIGN_OR_RETURN(candidate_memory_, Buffer::Allocate((boxes + classes) * sizeof(Candidate)));
    const auto detections = static_cast<size_t>(attributes_.max_detections);
    MACE_ASSIGN_OR_RETURN(detection_memory_, Buffer::Allocate(detections * sizeof(Detection)));
    decoded_ = reinterpret_cast<Box*>(decoded_memory_.data());
    candidates_ = reinterpret_cast<Candidate*>(candidate_memory_.data());
    classes_ = candidates_ + boxes;
    detections_ = reinterpret_cast<Detection*>(detection_memory_.data());
    return Status::Ok();
  }

  float* Out(Output i) const { return context_.outputs[i].as<float>(); }

  float Real(Operand operand, int64_t i) const {
    if (context_.inputs[operand].dtype == DType::kF32) return context_.inputs[operand].as<float>()[i];
    const Quantization& quantization = *context_.input_quantization(operand);
    return (static_cast<float>(context_.inputs[operand].as<uint8_t>()[i]) -
            static_cast<float>(quantization.zero_points[0])) *
           quantization.scales[0];
  }
  float Score(int64_t box, int64_t label) const {
    return Real(kScores, box * columns_ + first_class_ + label);
  }

  // In double precision, rounded once a number, as TensorFlow Lite does.
  Box Decode(int64_t i) const {
    const int64_t encoding = i * context_.inputs[kBoxes].shape[2];
    const auto part = [&](int k) { return static_cast<double>(Real(kBoxes, encoding + k)); };
    const auto anchor = [&](int k) { return static_cast<double>(Real(kAnchors, i * 4 + k)); };
    const auto y = static_cast<float>(part(0) / attributes_.y_scale * anchor(2) + anchor(0));
    const auto x = static_cast<float>(part(1) / attributes_.x_scale * anchor(3) + anchor(1));
    const auto half_height = static_cast<float>(0.5 * std::exp(part(2) / attributes_.h_scale) * anchor(2));
    const auto half_width = static_cast<float>(0.5 * std::exp(part(3) / attributes_.w_scale) * anchor(3));
    return {y - half_height, x - half_width, y + half_height, x + half_width};
  }

  int64_t SuppressCandidates(int64_t count, int64_t most) {
    return Suppress(decoded_, attributes_.iou_threshold, most, candidates_, count);
  }

  void Write(int64_t row, int64_t box, int64_t label, float score) const {
    if (context_.has_output(kOutBoxes)) std::memcpy(Out(kOutBoxes) + 4 * row, &decoded_[box], sizeof(Box));
    if (context_.has_output(kOutClasses)) Out(kOutClasses)[row] = static_cast<float>(label);
    if (context_.has_output(kOutScores)) Out(kOutScores)[row] = score;
  }

  void SortClasses(int64_t box) {
    for (int64_t label = 0; label < attributes_.num_classes; ++label) {
      classes_[label] = {Score(box, label), static_cast<int32_t>(label)};
      if (std::isnan(classes_[label].score)) classes_[label].score = -HUGE_VALF;  // an order for the sort
    }
    std::sort(classes_, classes_ + attributes_.num_classes, IsBetter);
  }

  int64_t RunFast() {
    int64_t count = 0;
    for (int64_t i = 0; i < boxes_; ++i) {
      SortClasses(i);
      if (classes_[0].score >= attributes_.score_threshold) {
        candidates_[count++] = {classes_[0].score, static_cast<int32_t>(i)};
      }
    }
    const int64_t kept = SuppressCandidates(count, attributes_.max_detections);
    for (int64_t k = 0; k < kept; ++k) {
      const int32_t box = candidates_[k].index;
      SortClasses(box);
      for (int64_t c = 0; c < std::min(attributes_.max_classes_per_detection, attributes_.num_classes); ++c) {
        Write(k * attributes_.max_classes_per_detection + c, box, classes_[c].index, classes_[c].score);
      }
    }
    return kept;
  }

  int64_t RunRegular() {
    int64_t found = 0;
    for (int32_t label = 0; label < attributes_.num_classes; ++label) {
      int64_t count = 0;
      for (int64_t i = 0; i < boxes_; ++i) {
        const float score = Score(i, label);
        if (score >= attributes_.score_threshold) candidates_[count++] = {score, static_cast<int32_t>(i)};
      }
      count = SuppressCandidates(count, attributes_.detections_per_class);
      for (int64_t i = 0; i < count; ++i) {
        found = Insert({candidates_[i].score, candidates_[i].index, label}, detections_, found,
                       attributes_.max_detections);
      }
    }
    for (int64_t i = 0; i < found; ++i)
      Write(i, detections_[i].box, detections_[i].label, detections_[i].score);
    return found;
  }

  const ReferenceContext& context_;
  const DetectionPostProcessAttributes& attributes_;
  const int64_t boxes_, columns_, first_class_;
  Buffer decoded_memory_, candidate_memory_, detection_memory_;
  Box* decoded_ = nullptr;
  Candidate* candidates_ = nullptr;
  Candidate* classes_ = nullptr;
  Detection* detections_ = nullptr;
};

Status Reference(const ReferenceContext& context) { return Detector(context).Run(); }

}  // namespace

constinit const OpDefinition kDetectionPostProcessDefinition = {
    .name = "DetectionPostProcess",
    .min_inputs = 3,
    .max_inputs = 3,
    .max_outputs = 4,
    .attributes = AttributeInfoOf<DetectionPostProcessAttributes>(),
    .infer = Infer,
    .reference = Reference,
};

}  // namespace mace::ops
