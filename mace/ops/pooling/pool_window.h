// What MaxPool2d and AveragePool2d share: types, shapes and the walk over windows.
#ifndef MACE_OPS_POOLING_POOL_WINDOW_H_
#define MACE_OPS_POOLING_POOL_WINDOW_H_

#include "mace/ops/common.h"

namespace mace::ops {

template <typename Attributes>
Status InferPool2d(InferContext& context) {
  const auto& attributes = context.attributes<Attributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kU8, DType::kI8, DType::kI16}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  if (attributes.kernel.size() != 2) {
    return InvalidArgument("kernel has %d entries, expected 2", attributes.kernel.size());
  }
  const Shape& x = context.input(0).shape;
  Shape shape = x;
  for (int axis = 0; axis < 2; ++axis) {
    WindowAxis window;
    MACE_RETURN_IF_ERROR(MakeWindowAxis(axis, attributes.kernel[axis], attributes.strides,
                                        attributes.dilations, attributes.pads, attributes.padding,
                                        attributes.ceil_mode, &window));
    if (window.padding == Padding::kExplicit) {
      const int64_t extent = (window.kernel - 1) * window.dilation + 1;
      if (window.pad_begin >= extent || window.pad_end >= extent) {
        return InvalidArgument("padding of %lld and %lld around a window of %lld",
                               static_cast<long long>(window.pad_begin),
                               static_cast<long long>(window.pad_end), static_cast<long long>(extent));
      }
    }
    MACE_RETURN_IF_ERROR(OutputSize(window, x[1 + axis], &shape[1 + axis]));
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// One window on one axis: its taps [begin, end) inside the input, the first tap's position (may lie in the
// padding), and how many taps lie inside the padded input (for averages that count padding).
struct PoolSpan {
  int64_t start = 0;
  int64_t begin = 0;
  int64_t end = 0;
  int64_t padded_taps = 0;
};

// The windows along one axis of an input.
struct PoolAxis {
  WindowAxis window;
  int64_t input = 0, pad_begin = 0, pad_end = 0;

  PoolSpan SpanOf(int64_t output_index) const {
    PoolSpan span;
    span.start = output_index * window.stride - pad_begin;
    ClipTaps(span.start, window.kernel, window.dilation, input, &span.begin, &span.end);
    // With ceil_mode the last window may reach over the end of the padding: those taps do not count.
    int64_t first = 0;
    ClipTaps(span.start, window.kernel, window.dilation, input + pad_end, &first, &span.padded_taps);
    return span;
  }
};

template <typename Attributes>
Status MakePoolAxes(const ReferenceContext& context, PoolAxis* rows, PoolAxis* columns) {
  const auto& a = context.attributes<Attributes>();
  if (a.kernel.size() != 2) return InvalidArgument("%d kernel sizes, expected 2", a.kernel.size());
  int i = 0;
  for (PoolAxis* axis : {rows, columns}) {
    MACE_RETURN_IF_ERROR(MakeWindowAxis(i, a.kernel[i], a.strides, a.dilations, a.pads, a.padding,
                                        a.ceil_mode, &axis->window));
    axis->input = context.inputs[0].shape[1 + i];
    MACE_RETURN_IF_ERROR(ResolvePadding(axis->window, axis->input, &axis->pad_begin, &axis->pad_end));
    ++i;
  }
  return Status::Ok();
}

// For each output element in order: visit(x of batch, spans, channel) -> value.
template <typename Attributes, typename Visit>
Status ForEachWindow(const ReferenceContext& context, const Visit& visit) {
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  if (output.ElementCount() == 0) return Status::Ok();
  PoolAxis row_axis, column_axis;
  MACE_RETURN_IF_ERROR(MakePoolAxes<Attributes>(context, &row_axis, &column_axis));
  float* y = context.outputs[0].template as<float>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const float* image = context.inputs[0].template as<float>() + batch * x[1] * x[2] * x[3];
    for (int64_t row = 0; row < output[1]; ++row) {
      const PoolSpan rows = row_axis.SpanOf(row);
      for (int64_t column = 0; column < output[2]; ++column) {
        const PoolSpan columns = column_axis.SpanOf(column);
        for (int64_t channel = 0; channel < output[3]; ++channel) {
          *y++ = visit(image, rows, columns, channel);
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace mace::ops

#endif  // MACE_OPS_POOLING_POOL_WINDOW_H_
