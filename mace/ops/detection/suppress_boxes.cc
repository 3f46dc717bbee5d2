#include "mace/ops/detection/suppress_boxes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/core/memory.h"
#include "mace/ops/common.h"
#include "mace/ops/detection/non_max_suppression.h"
#include "mace/ops/detection/suppression.h"

namespace mace::ops {
namespace {

enum Input { kBoxes = 0, kScores = 1, kRows = 2, kOverlap = 3, kLowest = 4, kSigma = 5 };
enum Output { kSelected = 0, kSelectedScores = 1, kCount = 2 };

Status ExpectOne(const InferContext& context, int i) {
  const Shape& shape = context.input(i).shape;
  if (shape.rank == 0 || (shape.rank == 1 && (shape[0] == 1 || shape[0] < 0))) return Status::Ok();
  return InvalidArgument("input %d has the shape %s, expected a scalar", i, ShapeText(shape).text);
}

Status InferSuppressBoxes(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectRank(context, kBoxes, 2));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kScores, 1));
  for (int i : {kBoxes, kScores, kOverlap, kLowest, kSigma}) {
    if (i == kSigma && !context.has_input(i)) continue;
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32}));
    if (i >= kOverlap) MACE_RETURN_IF_ERROR(ExpectOne(context, i));
  }
  MACE_RETURN_IF_ERROR(ExpectDType(context, kRows, {DType::kI32, DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectOne(context, kRows));
  const Shape& boxes = context.input(kBoxes).shape;
  int64_t merged = 0;
  if (!MergeDim(boxes[0], context.input(kScores).shape[0], &merged) || merged > INT32_MAX ||
      (boxes[1] >= 0 && boxes[1] != 4)) {
    return InvalidArgument("boxes %s and scores %s, expected [B, 4] and [B]", ShapeText(boxes).text,
                           ShapeText(context.input(kScores).shape).text);
  }
  int64_t rows = kUnknownDim;
  if (const TensorView* known = context.known(kRows); known != nullptr && known->elements() == 1) {
    rows = ReadInt(*known, 0);
    if (rows < 0 || rows > INT32_MAX) return InvalidArgument("%lld rows", static_cast<long long>(rows));
  }
  context.SetOutput(kSelected, DType::kI32, {rows});
  context.SetOutput(kSelectedScores, DType::kF32, {rows});
  context.SetOutput(kCount, DType::kI32, Shape());
  return Status::Ok();
}

// A box that may be selected, and how many of the selected ones it has been compared with.
struct Contender {
  float score;
  int32_t box;
  int32_t compared;
};

struct Rule {
  float overlap, lowest, sigma;

  // Compares with the selected boxes that it has not met. False where one of them takes its place.
  bool Withstands(const Box* boxes, const int32_t* selected, int32_t count, Contender* contender) const {
    for (int32_t i = count - 1; i >= contender->compared; --i) {
      const float overlapping = Overlap(boxes[contender->box], boxes[selected[i]]);
      if (overlapping >= overlap) return false;
      if (sigma > 0) contender->score *= std::exp(-0.5f / sigma * overlapping * overlapping);
      if (contender->score <= lowest) break;
    }
    contender->compared = count;
    return true;
  }
};

bool IsWorse(const Contender& a, const Contender& b) {
  return a.score != b.score ? a.score < b.score : a.box > b.box;
}

// Of `count` contenders the best ones that withstand the better ones; at most `most`. Returns their number.
int32_t Select(const Rule& rule, const Box* boxes, Contender* contenders, int64_t count, int64_t most,
               int32_t* selected, float* scores) {
  std::make_heap(contenders, contenders + count, IsWorse);
  int32_t kept = 0;
  while (count > 0 && kept < most) {
    std::pop_heap(contenders, contenders + count, IsWorse);
    Contender next = contenders[--count];
    const float before = next.score;
    if (!rule.Withstands(boxes, selected, kept, &next)) continue;
    if (next.score == before) {
      selected[kept] = next.box;
      scores[kept++] = next.score;
    } else if (next.score > rule.lowest) {
      contenders[count++] = next;
      std::push_heap(contenders, contenders + count, IsWorse);
    }
  }
  return kept;
}

Status ReferenceSuppressBoxes(const ReferenceContext& context) {
  const int64_t boxes = context.inputs[kBoxes].shape[0];
  const int64_t rows = ReadInt(context.inputs[kRows], 0);
  const auto number = [&](int i) { return context.has_input(i) ? *context.inputs[i].as<float>() : 0.0f; };
  const Rule rule = {number(kOverlap), number(kLowest), number(kSigma)};
  const auto slots = static_cast<size_t>(boxes), kept = static_cast<size_t>(std::max<int64_t>(rows, 0));
  MACE_ASSIGN_OR_RETURN(Buffer box_memory, Buffer::Allocate(slots * sizeof(Box)));
  MACE_ASSIGN_OR_RETURN(Buffer contender_memory, Buffer::Allocate(slots * sizeof(Contender)));
  MACE_ASSIGN_OR_RETURN(Buffer selected_memory, Buffer::Allocate(kept * sizeof(int32_t)));
  MACE_ASSIGN_OR_RETURN(Buffer score_memory, Buffer::Allocate(kept * sizeof(float)));
  auto* decoded = reinterpret_cast<Box*>(box_memory.data());
  auto* contenders = reinterpret_cast<Contender*>(contender_memory.data());
  auto* selected = reinterpret_cast<int32_t*>(selected_memory.data());
  auto* scores = reinterpret_cast<float*>(score_memory.data());
  int64_t count = 0;
  for (int64_t i = 0; i < boxes; ++i) {
    decoded[i] = DecodeBox(context.inputs[kBoxes].as<float>() + 4 * i, BoxFormat::kYxyx);
    const float score = context.inputs[kScores].as<float>()[i];
    if (score > rule.lowest) contenders[count++] = {score, static_cast<int32_t>(i), 0};
  }
  const int32_t found = Select(rule, decoded, contenders, count, rows, selected, scores);
  for (int64_t i = 0; i < rows; ++i) {
    if (context.has_output(kSelected))
      context.outputs[kSelected].as<int32_t>()[i] = i < found ? selected[i] : 0;
    if (context.has_output(kSelectedScores))
      context.outputs[kSelectedScores].as<float>()[i] = i < found ? scores[i] : 0;
  }
  if (context.has_output(kCount)) *context.outputs[kCount].as<int32_t>() = found;
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSuppressBoxesDefinition = {
    .name = "SuppressBoxes",
    .min_inputs = 5,
    .max_inputs = 6,
    .min_outputs = 1,
    .max_outputs = 3,
    .content_inputs = ContentInputs({kRows}),
    .infer = InferSuppressBoxes,
    .reference = ReferenceSuppressBoxes,
};

}  // namespace mace::ops
