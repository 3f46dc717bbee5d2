#include "mace/ops/search/ctc_greedy_decode.h"

#include <algorithm>

namespace mace::ops {
namespace {

enum Output { kLabels = 0, kLengths = 1, kLabelScores = 2, kSteps = 3 };

Status Infer(InferContext& context) {
  const auto& attributes = context.attributes<CtcGreedyDecodeAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 3));
  const Shape& scores = context.input(0).shape;
  const int64_t classes = scores[2] < 0 ? INT32_MAX : scores[2];
  if (classes == 0 || classes > INT32_MAX || scores[1] > INT32_MAX) {
    return InvalidArgument("scores %s, expected [N, T, C] with at least one class", ShapeText(scores).text);
  }
  if (attributes.blank < -classes || attributes.blank >= classes) {
    return InvalidArgument("the blank is class %lld of %lld", static_cast<long long>(attributes.blank),
                           static_cast<long long>(classes));
  }
  context.SetOutput(kLabels, DType::kI32, {scores[0], scores[1]});
  context.SetOutput(kLengths, DType::kI32, {scores[0]});
  context.SetOutput(kLabelScores, DType::kF32, {scores[0], scores[1]});
  context.SetOutput(kSteps, DType::kI32, {scores[0], scores[1]});
  return Status::Ok();
}

Status Reference(const ReferenceContext& context) {
  const auto& attributes = context.attributes<CtcGreedyDecodeAttributes>();
  const Shape& shape = context.inputs[0].shape;
  const int64_t steps = shape[1], classes = shape[2];
  const int64_t blank = attributes.blank < 0 ? attributes.blank + classes : attributes.blank;
  const float* scores = context.inputs[0].as<float>();
  for (int64_t n = 0; n < shape[0]; ++n) {
    int64_t length = 0, before = -1;
    const auto put = [&](int64_t place, int64_t label, float score, int64_t step) {
      const int64_t to = n * steps + place;
      if (context.has_output(kLabels))
        context.outputs[kLabels].as<int32_t>()[to] = static_cast<int32_t>(label);
      if (context.has_output(kLabelScores)) context.outputs[kLabelScores].as<float>()[to] = score;
      if (context.has_output(kSteps)) context.outputs[kSteps].as<int32_t>()[to] = static_cast<int32_t>(step);
    };
    for (int64_t t = 0; t < steps; ++t, scores += classes) {
      const int64_t best = std::max_element(scores, scores + classes) - scores;
      const bool is_repeat = attributes.merge_repeats && best == before;
      before = best;
      if (best != blank && !is_repeat) put(length++, best, scores[best], t);
    }
    if (context.has_output(kLengths)) {
      context.outputs[kLengths].as<int32_t>()[n] = static_cast<int32_t>(length);
    }
    for (int64_t place = length; place < steps; ++place) put(place, -1, 0, -1);
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kCtcGreedyDecodeDefinition = {
    .name = "CtcGreedyDecode",
    .max_outputs = 4,
    .attributes = AttributeInfoOf<CtcGreedyDecodeAttributes>(),
    .infer = Infer,
    .reference = Reference,
};

}  // namespace mace::ops
