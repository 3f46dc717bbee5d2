#include "mace/ops/detection/non_max_suppression.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/core/memory.h"
#include "mace/ops/detection/suppression.h"

namespace mace::ops {
namespace {

enum Operand { kBoxes = 0, kScores = 1 };
enum Output { kOutBoxes = 0, kOutClasses = 1, kOutScores = 2, kOutCount = 3 };
constexpr int64_t kMostDetections = INT64_C(1) << 16;

Status Infer(InferContext& context) {
  const auto& attributes = context.attributes<NonMaxSuppressionAttributes>();
  const int64_t rows = attributes.max_detections;
  if (rows < 1 || rows > kMostDetections) {
    return InvalidArgument("%lld detections, expected 1 to %lld", static_cast<long long>(rows),
                           static_cast<long long>(kMostDetections));
  }
  if (!(attributes.iou_threshold >= 0) || !(attributes.iou_threshold <= 1) ||
      std::isnan(attributes.score_threshold)) {
    return InvalidArgument("the thresholds %g of the overlap, %g of the score",
                           static_cast<double>(attributes.iou_threshold),
                           static_cast<double>(attributes.score_threshold));
  }
  for (int i : {kBoxes, kScores}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, i, 3));
  }
  const Shape& boxes = context.input(kBoxes).shape;
  const Shape& scores = context.input(kScores).shape;
  int64_t batch = 0, count = 0;
  if (!MergeDim(boxes[0], scores[0], &batch) || !MergeDim(boxes[1], scores[2], &count) ||
      (boxes[2] >= 0 && boxes[2] != 4) || count > INT32_MAX || scores[1] > INT32_MAX) {
    return InvalidArgument("boxes %s and scores %s, expected [N, B, 4] and [N, C, B]", ShapeText(boxes).text,
                           ShapeText(scores).text);
  }
  context.SetOutput(kOutBoxes, DType::kF32, {batch, rows, 4});
  context.SetOutput(kOutClasses, DType::kI32, {batch, rows});
  context.SetOutput(kOutScores, DType::kF32, {batch, rows});
  context.SetOutput(kOutCount, DType::kI32, {batch});
  return Status::Ok();
}

struct Scratch {
  Box* boxes;
  Candidate* candidates;
  Detection* detections;
};

int64_t RunClasses(const NonMaxSuppressionAttributes& attributes, const Shape& shape, const float* scores,
                   const Scratch& scratch) {
  const int64_t classes = shape[1], boxes = shape[2];
  int64_t found = 0;
  for (int64_t label = 0; label < classes; ++label, scores += boxes) {
    int64_t count = 0;
    for (int64_t i = 0; i < boxes; ++i) {
      if (scores[i] > attributes.score_threshold) {
        scratch.candidates[count++] = {scores[i], static_cast<int32_t>(i)};
      }
    }
    count = Suppress(scratch.boxes, attributes.iou_threshold, attributes.max_detections, scratch.candidates,
                     count);
    for (int64_t i = 0; i < count; ++i) {
      const Candidate& kept = scratch.candidates[i];
      found = Insert({kept.score, kept.index, static_cast<int32_t>(label)}, scratch.detections, found,
                     attributes.max_detections);
    }
  }
  return found;
}

int32_t BestClass(const float* scores, const Shape& shape, int64_t box) {
  int64_t best = 0;
  for (int64_t label = 1; label < shape[1]; ++label) {
    const float score = scores[label * shape[2] + box], highest = scores[best * shape[2] + box];
    if (score > highest || (std::isnan(highest) && !std::isnan(score))) best = label;
  }
  return static_cast<int32_t>(best);
}

int64_t RunAgnostic(const NonMaxSuppressionAttributes& attributes, const Shape& shape, const float* scores,
                    const Scratch& scratch) {
  const int64_t boxes = shape[2];
  int64_t count = 0;
  for (int64_t i = 0; shape[1] > 0 && i < boxes; ++i) {
    const float score = scores[BestClass(scores, shape, i) * boxes + i];
    if (score > attributes.score_threshold) scratch.candidates[count++] = {score, static_cast<int32_t>(i)};
  }
  std::sort(scratch.candidates, scratch.candidates + count, [&](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    const int32_t a_label = BestClass(scores, shape, a.index), b_label = BestClass(scores, shape, b.index);
    return a_label != b_label ? a_label < b_label : a.index < b.index;
  });
  count = SuppressSorted(scratch.boxes, attributes.iou_threshold, attributes.max_detections,
                         scratch.candidates, count);
  for (int64_t i = 0; i < count; ++i) {
    const Candidate& kept = scratch.candidates[i];
    scratch.detections[i] = {kept.score, kept.index, BestClass(scores, shape, kept.index)};
  }
  return count;
}

void Write(const ReferenceContext& context, int64_t image, const float* boxes, const Detection* detections,
           int64_t found) {
  const int64_t rows = context.attributes<NonMaxSuppressionAttributes>().max_detections;
  if (context.has_output(kOutCount)) {
    context.outputs[kOutCount].as<int32_t>()[image] = static_cast<int32_t>(found);
  }
  for (int64_t row = 0; row < rows; ++row) {
    const bool is_there = row < found;
    const int64_t to = image * rows + row;
    if (context.has_output(kOutBoxes)) {
      float* box = context.outputs[kOutBoxes].as<float>() + 4 * to;
      if (is_there) {
        std::memcpy(box, boxes + 4 * int64_t{detections[row].box}, 4 * sizeof(float));
      } else {
        std::memset(box, 0, 4 * sizeof(float));
      }
    }
    if (context.has_output(kOutClasses)) {
      context.outputs[kOutClasses].as<int32_t>()[to] = is_there ? detections[row].label : -1;
    }
    if (context.has_output(kOutScores)) {
      context.outputs[kOutScores].as<float>()[to] = is_there ? detections[row].score : 0;
    }
  }
}

Status Reference(const ReferenceContext& context) {
  const auto& attributes = context.attributes<NonMaxSuppressionAttributes>();
  const Shape& shape = context.inputs[kScores].shape;
  const auto count = static_cast<size_t>(shape[2]);
  const auto rows = static_cast<size_t>(attributes.max_detections);
  MACE_ASSIGN_OR_RETURN(Buffer box_memory, Buffer::Allocate(count * sizeof(Box)));
  MACE_ASSIGN_OR_RETURN(Buffer candidate_memory, Buffer::Allocate(count * sizeof(Candidate)));
  MACE_ASSIGN_OR_RETURN(Buffer detection_memory, Buffer::Allocate(rows * sizeof(Detection)));
  const Scratch scratch = {reinterpret_cast<Box*>(box_memory.data()),
                           reinterpret_cast<Candidate*>(candidate_memory.data()),
                           reinterpret_cast<Detection*>(detection_memory.data())};
  for (int64_t n = 0; n < shape[0]; ++n) {
    const float* boxes = context.inputs[kBoxes].as<float>() + n * shape[2] * 4;
    const float* scores = context.inputs[kScores].as<float>() + n * shape[1] * shape[2];
    for (int64_t i = 0; i < shape[2]; ++i) scratch.boxes[i] = DecodeBox(boxes + 4 * i, attributes.box_format);
    const int64_t found = attributes.class_agnostic ? RunAgnostic(attributes, shape, scores, scratch)
                                                    : RunClasses(attributes, shape, scores, scratch);
    Write(context, n, boxes, scratch.detections, found);
  }
  return Status::Ok();
}

}  // namespace

Box DecodeBox(const float* box, BoxFormat format) {
  float y0 = box[0], x0 = box[1], y1 = box[2], x1 = box[3];
  if (format == BoxFormat::kXyxy) {
    std::swap(y0, x0);
    std::swap(y1, x1);
  } else if (format == BoxFormat::kCentre) {
    const float half_width = box[2] / 2, half_height = box[3] / 2;
    y0 = box[1] - half_height, x0 = box[0] - half_width;
    y1 = box[1] + half_height, x1 = box[0] + half_width;
  }
  return {std::min(y0, y1), std::min(x0, x1), std::max(y0, y1), std::max(x0, x1)};
}

constinit const OpDefinition kNonMaxSuppressionDefinition = {
    .name = "NonMaxSuppression",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 4,
    .attributes = AttributeInfoOf<NonMaxSuppressionAttributes>(),
    .infer = Infer,
    .reference = Reference,
};

}  // namespace mace::ops
