#include "mace/ops/detection/select_boxes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mace/core/memory.h"
#include "mace/core/vector.h"
#include "mace/ops/common.h"
#include "mace/ops/detection/suppression.h"

namespace mace::ops {

namespace {

enum Input { kBoxes = 0, kScores = 1, kMost = 2, kOverlap = 3, kLowest = 4 };

Status InferSelectBoxes(InferContext& context) {
  for (int i : {kBoxes, kScores}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, i, 3));
  }
  const Shape& boxes = context.input(kBoxes).shape;
  const Shape& scores = context.input(kScores).shape;
  int64_t merged = 0;
  if (!MergeDim(boxes[0], scores[0], &merged) || !MergeDim(boxes[1], scores[2], &merged) ||
      (boxes[2] >= 0 && boxes[2] != 4) || merged > INT32_MAX) {
    return InvalidArgument("boxes %s and scores %s, expected [N, B, 4] and [N, C, B]", ShapeText(boxes).text,
                           ShapeText(scores).text);
  }
  for (int i : {kMost, kOverlap, kLowest}) {
    if (!context.has_input(i)) continue;
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {i == kMost ? DType::kI64 : DType::kF32}));
    const Shape& shape = context.input(i).shape;
    if (shape.rank > 1 || (shape.rank == 1 && shape[0] > 1)) {
      return InvalidArgument("input %d has the shape %s, expected a scalar", i, ShapeText(shape).text);
    }
  }
  context.SetOutput(0, DType::kI64, {kUnknownDim, 3});
  return Status::Ok();
}

struct Limits {
  int64_t most = 0;
  float overlap = 0;
  bool has_lowest = false;
  float lowest = 0;
};

// A scalar that is absent, or an empty list, says nothing.
Status ReadLimits(const DynamicContext& context, Limits* limits) {
  const auto has = [&](int i) { return context.has_input(i) && context.inputs[i].elements() > 0; };
  if (has(kMost)) limits->most = *context.inputs[kMost].as<int64_t>();
  if (has(kOverlap)) limits->overlap = *context.inputs[kOverlap].as<float>();
  limits->has_lowest = has(kLowest);
  if (limits->has_lowest) limits->lowest = *context.inputs[kLowest].as<float>();
  if (limits->overlap >= 0 && limits->overlap <= 1) return Status::Ok();
  return InvalidArgument("an overlap of %g, expected 0 to 1", static_cast<double>(limits->overlap));
}

// The candidates of one image and class, in any order.
int64_t Collect(const float* scores, int64_t boxes, const Limits& limits, Candidate* candidates) {
  int64_t count = 0;
  for (int64_t i = 0; i < boxes; ++i) {
    if (limits.has_lowest && !(scores[i] > limits.lowest)) continue;
    const float score = std::isnan(scores[i]) ? -std::numeric_limits<float>::infinity() : scores[i];
    candidates[count++] = {score, static_cast<int32_t>(i)};
  }
  return count;
}

Status EvaluateSelectBoxes(const DynamicContext& context) {
  const Shape& shape = context.inputs[kScores].shape;
  const BoxFormat format = context.attributes<SelectBoxesAttributes>().box_format;
  Limits limits;
  MACE_RETURN_IF_ERROR(ReadLimits(context, &limits));
  const int64_t images = shape[0], classes = shape[1], boxes = shape[2];
  const auto slots = static_cast<size_t>(boxes);
  MACE_ASSIGN_OR_RETURN(Buffer box_memory, Buffer::Allocate(slots * sizeof(Box)));
  MACE_ASSIGN_OR_RETURN(Buffer candidate_memory, Buffer::Allocate(slots * sizeof(Candidate)));
  auto* decoded = reinterpret_cast<Box*>(box_memory.data());
  auto* candidates = reinterpret_cast<Candidate*>(candidate_memory.data());
  Vector<int64_t> rows;
  for (int64_t image = 0; image < images && limits.most > 0 && boxes > 0; ++image) {
    const float* coordinates = context.inputs[kBoxes].as<float>() + image * boxes * 4;
    for (int64_t i = 0; i < boxes; ++i) decoded[i] = DecodeBox(coordinates + 4 * i, format);
    for (int64_t label = 0; label < classes; ++label) {
      const float* scores = context.inputs[kScores].as<float>() + (image * classes + label) * boxes;
      const int64_t count = Suppress(decoded, limits.overlap, limits.most, candidates,
                                     Collect(scores, boxes, limits, candidates));
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t number : {image, label, int64_t{candidates[i].index}}) {
          MACE_RETURN_IF_ERROR(rows.PushBack(number));
        }
      }
    }
  }
  const auto count = static_cast<int64_t>(rows.size());
  MACE_ASSIGN_OR_RETURN(const TensorView y, context.outputs->Allocate(0, DType::kI64, {count / 3, 3}));
  std::copy(rows.begin(), rows.end(), static_cast<int64_t*>(y.data));
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSelectBoxesDefinition = {
    .name = "SelectBoxes",
    .min_inputs = 2,
    .max_inputs = 5,
    .attributes = AttributeInfoOf<SelectBoxesAttributes>(),
    .infer = InferSelectBoxes,
    .evaluate = EvaluateSelectBoxes,
};

}  // namespace mace::ops
