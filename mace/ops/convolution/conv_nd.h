// Convolutions over 1 to 4 spatial axes, in float32 or float64. (Conv2d and ConvTranspose2d are the forms
// with fast kernels and integers: importers make them where they can.)
//
// ConvNd: x [N, spatial..., I], weights [O, kernel..., I / groups], optional bias [O] -> [N, spatial..., O].
//
// ConvTransposeNd: the same operands; every pixel stamps its kernel onto the output, `strides` apart. The
// output size of an axis is
//   stride * (in - 1) + output_padding + dilation * (kernel - 1) + 1 - the padding,
// which is `pads`; or, with another padding than kExplicit, what leads to in * stride; or, with
// `output_shape`, what leads to that. Padding that follows from a size has its odd pixel at the end with
// kSameUpper, else at the beginning, and is never negative: `output_shape` may end in pixels without a stamp.
#ifndef MACE_OPS_CONVOLUTION_CONV_ND_H_
#define MACE_OPS_CONVOLUTION_CONV_ND_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/nd_window.h"

namespace mace::ops {

// Lists that are empty: ones, or zeros for pads.
struct ConvNdAttributes {
  IntList strides;
  IntList dilations;
  IntList pads;  // all begins, then all ends; used where padding is kExplicit
  Padding padding = Padding::kExplicit;
  int64_t groups = 1;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ConvNdAttributes, strides), MACE_FIELD(2, ConvNdAttributes, dilations),
                      MACE_FIELD(3, ConvNdAttributes, pads), MACE_FIELD(4, ConvNdAttributes, padding),
                      MACE_FIELD(5, ConvNdAttributes, groups)};
  }
};
extern const OpDefinition kConvNdDefinition;

struct ConvTransposeNdAttributes {
  IntList strides;
  IntList dilations;
  IntList pads;
  IntList output_padding;
  IntList output_shape;  // spatial sizes; empty: by the padding
  Padding padding = Padding::kExplicit;
  int64_t groups = 1;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ConvTransposeNdAttributes, strides),
                      MACE_FIELD(2, ConvTransposeNdAttributes, dilations),
                      MACE_FIELD(3, ConvTransposeNdAttributes, pads),
                      MACE_FIELD(4, ConvTransposeNdAttributes, output_padding),
                      MACE_FIELD(5, ConvTransposeNdAttributes, output_shape),
                      MACE_FIELD(6, ConvTransposeNdAttributes, padding),
                      MACE_FIELD(7, ConvTransposeNdAttributes, groups)};
  }
};
extern const OpDefinition kConvTransposeNdDefinition;

// --- Shared by both ---

// Checks types, ranks and channels of x, weights and bias; `channels`: those of the output.
Status CheckNdConvolution(const InferContext& context, int64_t groups, int64_t* channels);

// Fills the output: taps_of(position, visit) calls visit(pixel, tap) for what reaches an output position.
template <typename T, typename TapsOf>
void SumNdTaps(const ReferenceContext& context, int64_t groups, const TapsOf& taps_of) {
  const Shape& x = context.inputs[0].shape;
  const Shape& weights = context.inputs[1].shape;
  const Shape& output = context.outputs[0].shape;
  const int last = x.rank - 1;
  const int64_t group_channels = weights[last], taps = weights.Product(1, last);
  const int64_t image = x.Product(1, x.rank), group_outputs = weights[0] / groups;
  const T* bias = context.has_input(2) ? context.inputs[2].template as<T>() : nullptr;
  T* y = context.outputs[0].template as<T>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const T* pixels = context.inputs[0].template as<T>() + batch * image;
    int64_t at[kMaxSpatialAxes] = {};
    do {
      for (int64_t channel = 0; channel < output[last]; ++channel) {
        const int64_t first = channel / group_outputs * group_channels;
        const T* channel_weights = context.inputs[1].template as<T>() + channel * taps * group_channels;
        double sum = 0;
        if (group_channels > 0) {  // else the kernel may have any number of taps
          taps_of(at, [&](int64_t pixel, int64_t tap) {
            const T* in = pixels + pixel * x[last] + first;
            const T* by = channel_weights + tap * group_channels;
            for (int64_t c = 0; c < group_channels; ++c) sum += static_cast<double>(in[c]) * by[c];
          });
        }
        *y++ = static_cast<T>(bias != nullptr ? sum + bias[channel] : sum);
      }
    } while (NextPosition(last - 1, output.dims + 1, at));
  }
}

}  // namespace mace::ops

#endif  // MACE_OPS_CONVOLUTION_CONV_ND_H_
