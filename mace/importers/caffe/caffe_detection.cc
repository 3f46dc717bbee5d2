// The layers of SSD, and those that resize.
#include <algorithm>
#include <cmath>

#include "mace/importers/caffe/caffe_layer.h"
#include "mace/ops/detection/ssd_detection_output.h"
#include "mace/ops/movement/movement.h"

namespace mace::importers::caffe {
namespace {

// What PriorBox makes boxes of.
struct PriorSettings {
  std::vector<double> min_sizes, max_sizes, ratios, variances;
  double image_width = 0, image_height = 0, step_x = 0, step_y = 0, offset = 0.5;
  bool clip = false;

  int64_t count() const { return static_cast<int64_t>(ratios.size() * min_sizes.size() + max_sizes.size()); }
};

// The ratios that are asked for, and where `flip` their inverses, each once; 1 first.
std::vector<double> RatiosOf(const TextMessage& parameters) {
  std::vector<double> ratios = {1};
  const bool flip = parameters.Bool("flip", true);
  for (double ratio : parameters.Numbers("aspect_ratio")) {
    if (!(ratio > 0)) throw ImportError(InvalidArgument("aspect_ratio %g", ratio));
    const auto is_same = [&](double other) { return std::fabs(ratio - other) < 1e-6; };
    if (std::any_of(ratios.begin(), ratios.end(), is_same)) continue;
    ratios.push_back(ratio);
    if (flip) ratios.push_back(1 / ratio);
  }
  return ratios;
}

PriorSettings ReadPriors(LayerContext& layer, int64_t height, int64_t width) {
  const TextMessage& parameters = layer.Parameters("prior_box_param");
  PriorSettings priors;
  priors.min_sizes = parameters.Numbers("min_size");
  priors.max_sizes = parameters.Numbers("max_size");
  priors.ratios = RatiosOf(parameters);
  priors.variances = parameters.Numbers("variance");
  if (priors.variances.empty()) priors.variances = {0.1};
  if (priors.variances.size() == 1) priors.variances.assign(4, priors.variances[0]);
  if (priors.min_sizes.empty() || priors.variances.size() != 4 ||
      (!priors.max_sizes.empty() && priors.max_sizes.size() != priors.min_sizes.size())) {
    throw ImportError(InvalidArgument("%zu min_size, %zu max_size and %zu variance", priors.min_sizes.size(),
                                      priors.max_sizes.size(), priors.variances.size()));
  }
  const double size = parameters.Number("img_size", 0), step = parameters.Number("step", 0);
  priors.image_width = parameters.Number("img_w", size);
  priors.image_height = parameters.Number("img_h", size);
  if (priors.image_width == 0 || priors.image_height == 0) {
    priors.image_height = static_cast<double>(layer.Dim(layer.Bottom(1), 2));
    priors.image_width = static_cast<double>(layer.Dim(layer.Bottom(1), 3));
  }
  priors.step_x = parameters.Number("step_w", step);
  priors.step_y = parameters.Number("step_h", step);
  if (priors.step_x == 0 || priors.step_y == 0) {
    priors.step_x = priors.image_width / static_cast<double>(width);
    priors.step_y = priors.image_height / static_cast<double>(height);
  }
  priors.offset = parameters.Number("offset", 0.5);
  priors.clip = parameters.Bool("clip", false);
  return priors;
}

// Appends the boxes around one place, in Caffe's order: of each min_size the square, that between it and its
// max_size, then the other ratios.
void AppendBoxes(const PriorSettings& priors, double x, double y, std::vector<float>* boxes) {
  const auto append = [&](double width, double height) {
    const double corners[] = {(x - width / 2) / priors.image_width, (y - height / 2) / priors.image_height,
                              (x + width / 2) / priors.image_width, (y + height / 2) / priors.image_height};
    for (double corner : corners) {
      boxes->push_back(static_cast<float>(priors.clip ? std::clamp(corner, 0.0, 1.0) : corner));
    }
  };
  for (size_t i = 0; i < priors.min_sizes.size(); ++i) {
    const double size = priors.min_sizes[i];
    append(size, size);
    if (!priors.max_sizes.empty()) {
      const double between = std::sqrt(size * priors.max_sizes[i]);
      append(between, between);
    }
    for (size_t k = 1; k < priors.ratios.size(); ++k) {
      append(size * std::sqrt(priors.ratios[k]), size / std::sqrt(priors.ratios[k]));
    }
  }
}

ops::BoxCode CodeOf(const std::string& word) {
  if (word == "CORNER" || word == "1") return ops::BoxCode::kCorner;
  if (word == "CENTER_SIZE" || word == "2") return ops::BoxCode::kCentreSize;
  if (word == "CORNER_SIZE" || word == "3") return ops::BoxCode::kCornerSize;
  throw ImportError(Unsupported("code_type: %s", word.substr(0, 60).c_str()));
}

ValueId Resized(LayerContext& layer, ValueId x, ops::ResizeMode mode, ops::CoordinateMode coordinates,
                ValueId scales, ValueId sizes) {
  ops::ResizeAttributes attributes;
  attributes.mode = mode;
  attributes.coordinate_mode = coordinates;
  attributes.nearest_mode = ops::NearestMode::kFloor;
  return layer.ChannelsFirst(
      layer.builder().Emit(OpId::kResize, {layer.ChannelsLast(x), scales, sizes}, attributes));
}

}  // namespace

// The boxes depend on sizes alone: a constant.
Values ConvertPriorBox(LayerContext& layer) {
  if (layer.RankOf(layer.Bottom(0)) != 4 || layer.RankOf(layer.Bottom(1)) != 4) {
    throw ImportError(InvalidArgument("expected bottoms of rank 4"));
  }
  const int64_t height = LayerContext::Extent(layer.Dim(layer.Bottom(0), 2), "the height");
  const int64_t width = LayerContext::Extent(layer.Dim(layer.Bottom(0), 3), "the width");
  const PriorSettings priors = ReadPriors(layer, height, width);
  int64_t numbers = 0;
  if (!CheckedMultiply(height * width, 8 * priors.count(), &numbers) || numbers > (int64_t{1} << 40)) {
    throw ImportError(StatusCode::kResourceExhausted, "too many boxes");
  }
  layer.builder().Spend(4 * numbers);
  std::vector<float> boxes;
  boxes.reserve(static_cast<size_t>(numbers));
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t column = 0; column < width; ++column) {
      AppendBoxes(priors, (static_cast<double>(column) + priors.offset) * priors.step_x,
                  (static_cast<double>(row) + priors.offset) * priors.step_y, &boxes);
    }
  }
  for (int64_t i = 0; i < numbers / 2; ++i) {
    boxes.push_back(static_cast<float>(priors.variances[static_cast<size_t>(i % 4)]));
  }
  return {layer.builder().Floats(boxes, {1, 2, numbers / 2})};
}

Values ConvertDetectionOutput(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("detection_output_param");
  const TextMessage& suppression = parameters.Message("nms_param");
  ops::SsdDetectionOutputAttributes attributes;
  attributes.classes = LayerContext::Extent(parameters.Int("num_classes", 0), "num_classes");
  attributes.background = parameters.Int("background_label_id", 0);
  attributes.share_location = parameters.Bool("share_location", true);
  attributes.overlap_threshold = static_cast<float>(suppression.Number("nms_threshold", 0.3));
  attributes.eta = static_cast<float>(suppression.Number("eta", 1));
  attributes.top_k = suppression.Int("top_k", -1);
  attributes.keep_top_k = parameters.Int("keep_top_k", -1);
  attributes.score_threshold = static_cast<float>(parameters.Number("confidence_threshold", -INFINITY));
  attributes.code = CodeOf(parameters.Word("code_type", "CORNER"));
  attributes.variances_in_locations = parameters.Bool("variance_encoded_in_target", false);
  attributes.clip = parameters.Bool("clip", false);
  const ValueId locations = layer.FlattenedFrom(layer.Bottom(0), 1),
                scores = layer.FlattenedFrom(layer.Bottom(1), 1);
  ValueId priors = layer.Bottom(2);
  if (layer.RankOf(priors) > 3) priors = layer.FlattenedFrom(priors, 2);
  return {layer.builder().Emit(OpId::kSsdDetectionOutput, {locations, scores, priors}, attributes)};
}

// Bilinear, the corners of both grids on one another (the DeepLab branch of Caffe).
Values ConvertInterp(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("interp_param");
  ValueId x = layer.Bottom(0);
  if (layer.RankOf(x) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  const int64_t begin = parameters.Int("pad_beg", 0), end = parameters.Int("pad_end", 0);
  if (begin > 0 || end > 0 || begin < -kMaxExtent || end < -kMaxExtent)
    throw ImportError(Unsupported("padding that adds pixels"));
  std::vector<int64_t> sizes;
  const int64_t shrink = LayerContext::Extent(parameters.Int("shrink_factor", 1), "shrink_factor");
  const int64_t zoom = LayerContext::Extent(parameters.Int("zoom_factor", 1), "zoom_factor");
  const char* const names[] = {"height", "width"};
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t in = layer.Dim(x, 2 + axis);
    if (begin != 0 || end != 0) x = layer.Sliced(x, 2 + axis, -begin, in + end);
    int64_t size = layer.Dim(x, 2 + axis);
    if (layer.bottom_count() > 1) {
      size = layer.Dim(layer.Bottom(1), 2 + axis);
    } else if (parameters.Has(names[axis])) {
      size = parameters.Int(names[axis], 0);
    } else {
      size = (size - 1) / shrink + 1;
      size += (size - 1) * (zoom - 1);
    }
    sizes.push_back(LayerContext::Extent(size, "the size"));
  }
  return {Resized(layer, x, ops::ResizeMode::kLinear, ops::CoordinateMode::kAlignCorners, kNone,
                  layer.builder().Int64s(sizes))};
}

// Every pixel becomes scale x scale pixels.
Values ConvertUpsample(LayerContext& layer) {
  const int64_t scale = LayerContext::Extent(layer.Parameters("upsample_param").Int("scale", 2), "scale");
  const ValueId x = layer.Bottom(0);
  if (layer.RankOf(x) != 4) throw ImportError(InvalidArgument("expected a bottom of rank 4"));
  const std::vector<float> scales(2, static_cast<float>(scale));
  return {Resized(layer, x, ops::ResizeMode::kNearest, ops::CoordinateMode::kAsymmetric,
                  layer.builder().Floats(scales, {2}), kNone)};
}

}  // namespace mace::importers::caffe
