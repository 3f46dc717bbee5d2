// Pre- and post-processing as part of a model (docs/design/24-pipelines.md): steps in front of an input and
// behind an output become ordinary nodes, added between import and passes. Host code; what a person may get
// wrong is a Status whose message names the input or output, the step's number and kind, and what was
// expected.
#ifndef MACE_CONVERT_PIPELINE_H_
#define MACE_CONVERT_PIPELINE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mace/core/status.h"
#include "mace/graph/graph.h"

namespace mace::convert {

// What the model's new input takes: an element type by its name in the IR ("u8"), and dimensions, of which -1
// keeps what the steps leave open. Only as the first step of an input.
struct SourceStep {
  std::string dtype = "u8";
  std::vector<int64_t> shape = {};  // empty: as the steps leave it
};
// Pictures [N, H, W, 3] of "rgb" or "bgr", [N, H, W, 1] of "gray", [N, H * 3 / 2, W] u8 of "nv12" or "nv21"
// (BT.601, video range unless full_range; only as a source).
struct ColorStep {
  std::string source, target;
  bool full_range = false;
};
// Pictures [N, H, W, C] of any size, u8 or f32, to height x width. bilinear: half-pixel centres, no
// antialiasing, the result is f32; nearest: keeps the type. keep_aspect: scaled so that it fits, the rest is
// pad_value, at the bottom and right, or, with `centre`, on both sides.
struct ResizeStep {
  int64_t height = 0, width = 0;
  bool nearest = false;
  bool keep_aspect = false;
  bool centre = false;
  float pad_value = 0;
};
// (x * scale - mean) / deviation; one mean and deviation, or one a channel.
struct NormalizeStep {
  std::vector<double> mean = {0}, deviation = {1};
  double scale = 1.0 / 255;
};
// "NHWC" to "NCHW" or back.
struct LayoutStep {
  std::string source, target;
};
struct SoftmaxStep {
  int64_t axis = -1;
};
// NAME: the k best; NAME_indices i64.
struct TopKStep {
  int64_t k = 1;
  int64_t axis = -1;
};
// Of scores [N, T, C]. NAME: labels i32 [N, T]; NAME_lengths, NAME_scores, NAME_steps
// (ops/search/ctc_greedy_decode.h).
struct CtcDecodeStep {
  int64_t blank = 0;
  bool merge_repeats = true;
};
// Of boxes [N, B, 4] and the output `scores`, [N, C, B], or [N, B, C] where class_last, which the result
// replaces. NAME: boxes [N, D, 4]; NAME_classes, NAME_scores, NAME_count
// (ops/detection/non_max_suppression.h).
struct NonMaxSuppressionStep {
  std::string scores;
  int64_t max_detections = 100;
  float iou_threshold = 0.5f, score_threshold = 0;
  bool class_agnostic = false;
  std::string box_format = "yxyx";  // "yxyx", "xyxy", "centre"
  bool class_last = false;
};

using Step = std::variant<SourceStep, ColorStep, ResizeStep, NormalizeStep, LayoutStep, SoftmaxStep, TopKStep,
                          CtcDecodeStep, NonMaxSuppressionStep>;
// The name of an input or output, and its steps in the order in which data flows.
using Pipeline = std::pair<std::string, std::vector<Step>>;

// Adds the steps. Inputs and outputs keep their names and places; further outputs are appended. The element
// type of an input with steps is u8 (a Layout alone, or no step that looks at pixels: what the model takes)
// unless a SourceStep says otherwise. A model that takes quantized values gets the real numbers quantized,
// but u8 pixels of which no Normalize makes real numbers go, rounded, as they are into a model that takes u8.
Status AddPipelines(const std::vector<Pipeline>& preprocess, const std::vector<Pipeline>& postprocess,
                    Graph* graph);

}  // namespace mace::convert

#endif  // MACE_CONVERT_PIPELINE_H_
