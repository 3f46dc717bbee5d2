// Convolution, Deconvolution, Im2col. Weights are [O, I / group, kernel...] (of Deconvolution [I, O / group,
// kernel...]) in the file and channels last in the IR; Transposes around the layers meet and cancel in a
// pass.
#include <span>

#include "mace/importers/caffe/caffe_layer.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/convolution/conv_nd.h"
#include "mace/ops/convolution/conv_transpose2d.h"

namespace mace::importers::caffe {
namespace {

struct Window {
  int axes = 0;
  IntList kernel, strides, pads, dilations;  // an entry an axis
};

// `name` once for all axes or once for each, or name_h and name_w.
IntList AxisField(const TextMessage& parameters, std::string_view repeated, std::string_view prefix, int axes,
                  int64_t missing, int64_t least) {
  std::vector<int64_t> values = parameters.Ints(repeated);
  const std::string height = std::string(prefix) + "_h", width = std::string(prefix) + "_w";
  if (parameters.Has(height) || parameters.Has(width)) {
    if (axes != 2 || !values.empty()) {
      throw ImportError(InvalidArgument("%s_h and %s_w need two spatial axes and no other %s",
                                        std::string(prefix).c_str(), std::string(prefix).c_str(),
                                        std::string(repeated).c_str()));
    }
    values = {parameters.Int(height, missing), parameters.Int(width, missing)};
  }
  if (values.empty()) values = {missing};
  if (values.size() != 1 && values.size() != static_cast<size_t>(axes)) {
    throw ImportError(InvalidArgument("%s is there %zu times, there are %d spatial axes",
                                      std::string(repeated).c_str(), values.size(), axes));
  }
  IntList list;
  const std::string what(repeated);
  for (int axis = 0; axis < axes; ++axis) {
    list.Push(LayerContext::Extent(values[values.size() == 1 ? 0 : static_cast<size_t>(axis)], what.c_str(),
                                   least));
  }
  return list;
}

Window ReadWindow(const LayerContext& layer, const TextMessage& parameters, ValueId x) {
  Window window;
  const int rank = layer.RankOf(x);
  if (GraphBuilder::NormalizedAxis(parameters.Int("axis", 1), rank) != 1) {
    throw ImportError(Unsupported("channels on another axis than 1"));
  }
  window.axes = rank - 2;
  if (window.axes < 1 || window.axes > 4) {
    throw ImportError(Unsupported("%d spatial axes, expected 1 to 4", window.axes));
  }
  window.kernel = AxisField(parameters, "kernel_size", "kernel", window.axes, 0, 1);
  window.strides = AxisField(parameters, "stride", "stride", window.axes, 1, 1);
  window.pads = AxisField(parameters, "pad", "pad", window.axes, 0, 0);
  window.dilations = AxisField(parameters, "dilation", "dilation", window.axes, 1, 1);
  return window;
}

template <typename Attributes>
Attributes Filled(const Window& window, int64_t groups) {
  Attributes attributes;
  attributes.strides = window.strides;
  attributes.dilations = window.dilations;
  attributes.pads = {};
  for (int side = 0; side < 2; ++side) {
    for (int64_t pad : window.pads) attributes.pads.Push(pad);
  }
  attributes.groups = groups;
  return attributes;
}

// Weights of the layer as [a, b, kernel...].
Shape WeightShape(int64_t a, int64_t b, const Window& window) {
  Shape shape = {a, b};
  for (int64_t size : window.kernel) shape.Push(size);
  return shape;
}

ValueId Bias(LayerContext& layer, const TextMessage& parameters, int64_t outputs) {
  return parameters.Bool("bias_term", true) ? layer.Weights(1, {outputs}, "bias") : kNone;
}

int64_t GroupChannels(int64_t channels, int64_t outputs, int64_t groups) {
  if (channels % groups != 0 || outputs % groups != 0) {
    throw ImportError(InvalidArgument("group %lld does not divide %lld channels into %lld outputs",
                                      static_cast<long long>(groups), static_cast<long long>(channels),
                                      static_cast<long long>(outputs)));
  }
  return channels / groups;
}

// Of every bottom: a layer may have several, which share its weights.
Values Convolve(LayerContext& layer, bool is_depthwise) {
  const TextMessage& parameters = layer.Parameters("convolution_param");
  const int64_t outputs = LayerContext::Extent(parameters.Int("num_output", 0), "num_output");
  const Window window = ReadWindow(layer, parameters, layer.Bottom(0));
  const int64_t channels = layer.Dim(layer.Bottom(0), 1);
  const int64_t given = parameters.Int("group", 1);
  const int64_t groups = LayerContext::Extent(is_depthwise ? channels : given, "group");
  const Shape shape = WeightShape(outputs, GroupChannels(channels, outputs, groups), window);
  const ValueId weights = layer.ChannelsLast(layer.Weights(0, shape, "weights"));
  const ValueId bias = Bias(layer, parameters, outputs);
  Values tops;
  for (size_t i = 0; i < layer.bottom_count(); ++i) {
    if (layer.RankOf(layer.Bottom(i)) != window.axes + 2) {
      throw ImportError(InvalidArgument("its bottoms differ in rank"));
    }
    const ValueId x = layer.ChannelsLast(layer.Bottom(i));
    tops.push_back(layer.ChannelsFirst(
        window.axes == 2 ? layer.builder().Emit(OpId::kConv2d, {x, weights, bias},
                                                Filled<ops::Conv2dAttributes>(window, groups))
                         : layer.builder().Emit(OpId::kConvNd, {x, weights, bias},
                                                Filled<ops::ConvNdAttributes>(window, groups))));
  }
  return tops;
}

// [groups * in, out, taps...] -> [groups * out, taps..., in].
std::vector<float> StampsLast(const std::vector<float>& weights, int64_t groups, int64_t in, int64_t out,
                              int64_t taps) {
  std::vector<float> moved(weights.size());
  size_t from = 0;
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t o = 0; o < out; ++o) {
        for (int64_t tap = 0; tap < taps; ++tap) {
          moved[static_cast<size_t>(((g * out + o) * taps + tap) * in + i)] = weights[from++];
        }
      }
    }
  }
  return moved;
}

}  // namespace

Values ConvertConvolution(LayerContext& layer) { return Convolve(layer, false); }

Values ConvertDepthwise(LayerContext& layer) { return Convolve(layer, true); }

Values ConvertDeconvolution(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("convolution_param");
  const int64_t outputs = LayerContext::Extent(parameters.Int("num_output", 0), "num_output");
  const Window window = ReadWindow(layer, parameters, layer.Bottom(0));
  const int64_t channels = layer.Dim(layer.Bottom(0), 1);
  const int64_t groups = LayerContext::Extent(parameters.Int("group", 1), "group");
  const int64_t in = GroupChannels(channels, outputs, groups), out = outputs / groups;
  const Shape shape = WeightShape(channels, out, window);
  Shape moved = {outputs};
  for (int64_t size : window.kernel) moved.Push(size);
  moved.Push(in);
  layer.builder().Spend(4 * shape.ElementCount());
  const ValueId weights = layer.builder().Floats(
      StampsLast(layer.Elements(0, shape, "weights"), groups, in, out, shape.Product(2, shape.rank)), moved);
  const ValueId bias = Bias(layer, parameters, outputs);
  Values tops;
  for (size_t i = 0; i < layer.bottom_count(); ++i) {
    const ValueId x = layer.ChannelsLast(layer.Bottom(i));
    tops.push_back(layer.ChannelsFirst(
        window.axes == 2 ? layer.builder().Emit(OpId::kConvTranspose2d, {x, weights, bias},
                                                Filled<ops::ConvTranspose2dAttributes>(window, groups))
                         : layer.builder().Emit(OpId::kConvTransposeNd, {x, weights, bias},
                                                Filled<ops::ConvTransposeNdAttributes>(window, groups))));
  }
  return tops;
}

// Every tap of the window becomes a channel: a convolution, each channel on its own, by kernels that are one
// at one tap.
Values ConvertIm2col(LayerContext& layer) {
  const TextMessage& parameters = layer.Parameters("convolution_param");
  const ValueId x = layer.Bottom(0);
  const Window window = ReadWindow(layer, parameters, x);
  if (window.axes != 2) throw ImportError(Unsupported("%d spatial axes, expected 2", window.axes));
  const int64_t channels = layer.Dim(x, 1), taps = window.kernel[0] * window.kernel[1];
  constexpr int64_t kMaxTaps = 1 << 12;
  if (taps > kMaxTaps || channels > kMaxTaps)
    throw ImportError(Unsupported("a window of %lld taps", static_cast<long long>(taps)));
  layer.builder().Spend(4 * channels * taps * taps);
  std::vector<float> kernels(static_cast<size_t>(channels * taps * taps));
  for (int64_t i = 0; i < channels * taps; ++i) kernels[static_cast<size_t>(i * taps + i % taps)] = 1;
  const ValueId weights =
      layer.builder().Floats(kernels, {channels * taps, window.kernel[0], window.kernel[1], 1});
  return {layer.ChannelsFirst(layer.builder().Emit(OpId::kConv2d, {layer.ChannelsLast(x), weights, kNone},
                                                   Filled<ops::Conv2dAttributes>(window, channels)))};
}

}  // namespace mace::importers::caffe
