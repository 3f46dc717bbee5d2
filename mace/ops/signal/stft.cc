#include <algorithm>

#include "mace/ops/signal/fourier.h"
#include "mace/ops/signal/signal.h"

namespace mace::ops {

namespace {

enum Operand { kSignal = 0, kStep = 1, kWindow = 2, kLength = 3 };

Status InferStft(InferContext& context) {
  const auto& attributes = context.attributes<StftAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, kSignal, {DType::kF32, DType::kF64}));
  const Shape& signal = context.input(kSignal).shape;
  MACE_RETURN_IF_ERROR(ExpectRank(context, kSignal, 3));
  if ((signal[2] >= 0 && signal[2] != 1 && signal[2] != 2) || signal[1] > INT32_MAX) {
    return InvalidArgument("the signal has the shape %s, expected [N, length, 1 or 2]",
                           ShapeText(signal).text);
  }
  bool has_step = false, has_length = false;
  int64_t step = 0, length = kUnknownDim;
  MACE_RETURN_IF_ERROR(ReadCount(context, kStep, &has_step, &step));
  if (has_step && step < 1) return InvalidArgument("a step of %lld", static_cast<long long>(step));
  if (context.has_input(kWindow)) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, kWindow, kSignal));
    MACE_RETURN_IF_ERROR(ExpectRank(context, kWindow, 1));
    length = context.input(kWindow).shape[0];
  } else if (!context.has_input(kLength)) {
    length = signal[1];
  }
  if (context.has_input(kLength)) {
    int64_t given = 0;
    MACE_RETURN_IF_ERROR(ReadCount(context, kLength, &has_length, &given));
    if (has_length && !MergeDim(length, given, &length)) {
      return InvalidArgument("frames of %lld for a window of %lld", static_cast<long long>(given),
                             static_cast<long long>(length));
    }
    if (!has_length) length = kUnknownDim;
  }
  if (length == 0 || length > INT32_MAX) return InvalidArgument("frames of %lld", static_cast<long long>(length));
  Shape shape = {signal[0], kUnknownDim, kUnknownDim, 2};
  if (length >= 0) {
    shape[2] = attributes.onesided ? length / 2 + 1 : length;
    if (signal[1] >= 0 && has_step) shape[1] = signal[1] < length ? 0 : (signal[1] - length) / step + 1;
  }
  context.SetOutput(0, context.input(kSignal).dtype, shape);
  return Status::Ok();
}

template <typename T>
Status TransformFrames(const ReferenceContext& context, int64_t step, int64_t length) {
  const Shape& signal = context.inputs[kSignal].shape;
  const Shape& output = context.outputs[0].shape;
  const int64_t parts = signal[2];
  const T* window = context.has_input(kWindow) ? context.inputs[kWindow].template as<T>() : nullptr;
  FourierTransform transform;
  MACE_RETURN_IF_ERROR(transform.Prepare(length, /*inverse=*/false));
  Vector<Complex> in, out;
  MACE_RETURN_IF_ERROR(in.Resize(static_cast<size_t>(length)));
  MACE_RETURN_IF_ERROR(out.Resize(static_cast<size_t>(length)));
  T* y = context.outputs[0].template as<T>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const T* x = context.inputs[kSignal].template as<T>() + batch * signal[1] * parts;
    for (int64_t frame = 0; frame < output[1]; ++frame) {
      const T* from = x + frame * step * parts;
      for (int64_t i = 0; i < length; ++i) {
        const double factor = window != nullptr ? static_cast<double>(window[i]) : 1;
        in[static_cast<size_t>(i)] = {from[i * parts] * factor, parts == 2 ? from[i * parts + 1] * factor : 0};
      }
      transform.Run(in.data(), out.data());
      for (int64_t k = 0; k < output[2]; ++k) {
        *y++ = static_cast<T>(out[static_cast<size_t>(k)].re);
        *y++ = static_cast<T>(out[static_cast<size_t>(k)].im);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceStft(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const int64_t step = ReadInt(context.inputs[kStep], 0);
  const int64_t length = context.has_input(kLength)   ? ReadInt(context.inputs[kLength], 0)
                         : context.has_input(kWindow) ? context.inputs[kWindow].shape[0]
                                                      : context.inputs[kSignal].shape[1];
  return DispatchDType<float, double>(context.inputs[kSignal].dtype, [&](auto zero) {
    return TransformFrames<decltype(zero)>(context, step, length);
  });
}

}  // namespace

constinit const OpDefinition kStftDefinition = {
    .name = "Stft",
    .min_inputs = 2,
    .max_inputs = 4,
    .content_inputs = ContentInputs({kStep, kLength}),
    .attributes = AttributeInfoOf<StftAttributes>(),
    .infer = InferStft,
    .reference = ReferenceStft,
};

}  // namespace mace::ops
