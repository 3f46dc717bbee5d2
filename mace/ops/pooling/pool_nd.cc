#include "mace/ops/pooling/pool_nd.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace mace::ops {

namespace {

Status MakeWindow(const PoolNdAttributes& attributes, NdWindow* window) {
  return MakeNdWindow(attributes.kernel.values, attributes.kernel.size(), attributes.strides,
                      attributes.dilations, attributes.pads, attributes.padding, attributes.ceil_mode, window);
}

Status InferPoolNd(InferContext& context) {
  const auto& attributes = context.attributes<PoolNdAttributes>();
  const bool is_max = attributes.kind == PoolNdKind::kMax;
  if (is_max) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64, DType::kI8, DType::kU8}));
  } else {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
    if (context.has_output(1)) return InvalidArgument("only a maximum has indices");
  }
  if (attributes.kind == PoolNdKind::kLp && attributes.p < 1) {
    return InvalidArgument("p is %lld", static_cast<long long>(attributes.p));
  }
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeWindow(attributes, &window));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, window.rank + 2));
  Shape shape = context.input(0).shape;
  MACE_RETURN_IF_ERROR(NdOutputSize(window, context.input(0).shape.dims + 1, shape.dims + 1));
  context.SetOutput(0, context.input(0).dtype, shape);
  context.SetOutput(1, DType::kI64, shape);
  return Status::Ok();
}

template <typename T>
T Lowest() {
  if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
  return std::numeric_limits<T>::lowest();
}

// Calls visit(first element of the image, channel, position, number of the output element) for each output
// element.
template <typename Visit>
void ForEachOutput(const ReferenceContext& context, const Visit& visit) {
  const Shape& x = context.inputs[0].shape;
  const Shape& output = context.outputs[0].shape;
  const int last = x.rank - 1;
  int64_t number = 0;
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    int64_t at[kMaxSpatialAxes] = {};
    do {
      for (int64_t channel = 0; channel < output[last]; ++channel) visit(batch, channel, at, number++);
    } while (NextPosition(last - 1, output.dims + 1, at));
  }
}

// `pixel` as ONNX counts it with storage_order 1: the first axis fastest.
int64_t ColumnMajor(int64_t pixel, const int64_t* input, int rank) {
  int64_t place[kMaxSpatialAxes];
  for (int i = rank - 1; i >= 0; --i) {
    place[i] = pixel % input[i];
    pixel /= input[i];
  }
  int64_t number = 0;
  for (int i = rank - 1; i >= 0; --i) number = number * input[i] + place[i];
  return number;
}

template <typename T>
void PoolMaximum(const ReferenceContext& context, const NdWindow& window) {
  const bool column_major = context.attributes<PoolNdAttributes>().column_major;
  const Shape& x = context.inputs[0].shape;
  const int64_t channels = x[x.rank - 1], pixels = x.Product(1, x.rank - 1);
  const int64_t* input = x.dims + 1;
  T* y = context.outputs[0].template as<T>();
  int64_t* indices = context.has_output(1) ? context.outputs[1].as<int64_t>() : nullptr;
  ForEachOutput(context, [&](int64_t batch, int64_t channel, const int64_t* at, int64_t number) {
    const T* image = context.inputs[0].template as<T>() + batch * pixels * channels + channel;
    T best = Lowest<T>();
    int64_t where = -1;
    ForEachTap(window, input, at, [&](int64_t pixel, int64_t) {
      const T value = image[pixel * channels];
      if (where < 0 || value > best || (value != value && best == best)) best = value, where = pixel;
    });
    y[number] = best;
    if (indices == nullptr) return;
    if (where >= 0 && column_major) where = ColumnMajor(where, input, window.rank);
    indices[number] = where < 0 ? -1 : (batch * channels + channel) * pixels + where;
  });
}

// How many taps lie inside the padded input. With ceil_mode the last window may reach over the end of the
// padding: those taps do not count.
double PaddedTaps(const NdWindow& window, const int64_t* input, const int64_t* at) {
  double taps = 1;
  for (int i = 0; i < window.rank; ++i) {
    const WindowAxis& axis = window.axes[i];
    int64_t first = 0, count = 0;
    ClipTaps(at[i] * axis.stride - window.pad_begin[i], axis.kernel, axis.dilation,
             input[i] + window.pad_end[i], &first, &count);
    taps *= static_cast<double>(count);
  }
  return taps;
}

template <typename T>
void PoolSum(const ReferenceContext& context, const NdWindow& window) {
  const auto& attributes = context.attributes<PoolNdAttributes>();
  const bool is_average = attributes.kind == PoolNdKind::kAverage;
  const Shape& x = context.inputs[0].shape;
  const int64_t channels = x[x.rank - 1], image = x.Product(1, x.rank);
  const int64_t* input = x.dims + 1;
  const auto p = static_cast<double>(attributes.p);
  T* y = context.outputs[0].template as<T>();
  ForEachOutput(context, [&](int64_t batch, int64_t channel, const int64_t* at, int64_t number) {
    const T* pixels = context.inputs[0].template as<T>() + batch * image + channel;
    double sum = 0, taps = 0;
    ForEachTap(window, input, at, [&](int64_t pixel, int64_t) {
      const double value = pixels[pixel * channels];
      sum += is_average ? value : attributes.p == 2 ? value * value : std::pow(std::fabs(value), p);
      ++taps;
    });
    if (!is_average) {
      y[number] = static_cast<T>(attributes.p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p));
      return;
    }
    if (attributes.count_include_pad) taps = PaddedTaps(window, input, at);
    y[number] = taps > 0 ? static_cast<T>(sum / taps) : T{0};
  });
}

Status ReferencePoolNd(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<PoolNdAttributes>();
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeWindow(attributes, &window));
  MACE_RETURN_IF_ERROR(ResolveNdPadding(context.inputs[0].shape.dims + 1, &window));
  if (attributes.kind != PoolNdKind::kMax) {
    return DispatchDType<float, double>(context.inputs[0].dtype, [&](auto zero) {
      PoolSum<decltype(zero)>(context, window);
      return Status::Ok();
    });
  }
  return DispatchDType<float, double, int8_t, uint8_t>(context.inputs[0].dtype, [&](auto zero) {
    PoolMaximum<decltype(zero)>(context, window);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kPoolNdDefinition = {
    .name = "PoolNd",
    .max_outputs = 2,
    .attributes = AttributeInfoOf<PoolNdAttributes>(),
    .infer = InferPoolNd,
    .reference = ReferencePoolNd,
};

}  // namespace mace::ops
