// Svdf: a layer of rank-1 filters (Nakkiran et al., "Compressing Deep Neural Networks using a
// Rank-Constrained Topology", 2015). Each filter reduces the input frame to one number, remembers the last M
// of them, and weighs them in time; `rank` filters make one output unit.
#include <algorithm>

#include "mace/core/memory.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/ops/recurrent/svdf_integer.h"

namespace mace::ops {
namespace {

enum Operand { kInput = 0, kFeature = 1, kTime = 2, kBias = 3, kState = 4 };

// Equal, or one of them not known yet.
bool Agree(int64_t a, int64_t b) { return a == b || a < 0 || b < 0; }

Status CheckTypes(InferContext& context) {
  const bool is_float = context.input(kInput).dtype == DType::kF32;
  const DType expected[] = {is_float ? DType::kF32 : DType::kI8, is_float ? DType::kF32 : DType::kI8,
                            is_float ? DType::kF32 : DType::kI16, is_float ? DType::kF32 : DType::kI32,
                            is_float ? DType::kF32 : DType::kI16};
  const char* const names[] = {"input", "weights_feature", "weights_time", "bias", "state"};
  for (int i = kInput; i <= kState; ++i) {
    if (!context.has_input(i)) {
      if (i == kBias) continue;
      return InvalidArgument("%s is absent", names[i]);
    }
    if (context.input(i).dtype != expected[i]) {
      return InvalidArgument("%s is %s, expected %s", names[i], NameOf(context.input(i).dtype),
                             NameOf(expected[i]));
    }
    if (is_float || i == kBias) continue;
    MACE_RETURN_IF_ERROR(CheckQuantization(context.input_quantization(i), expected[i], 1, names[i]));
  }
  return is_float ? Status::Ok() : CheckQuantization(context.output_quantization(0), DType::kI8, 1, "output");
}

Status Infer(InferContext& context) {
  MACE_RETURN_IF_ERROR(CheckTypes(context));
  const Shape& x = context.input(kInput).shape;
  const Shape& feature = context.input(kFeature).shape;
  const Shape& time = context.input(kTime).shape;
  const Shape& state = context.input(kState).shape;
  const int64_t rank = context.attributes<SvdfAttributes>().rank;
  if (x.rank != 2 || feature.rank != 2 || time.rank != 2 || state.rank != 2) {
    return InvalidArgument("input %s, weights %s and %s, state %s: expected rank 2 of each",
                           ShapeText(x).text, ShapeText(feature).text, ShapeText(time).text,
                           ShapeText(state).text);
  }
  if (!feature.IsConcrete() || !time.IsConcrete())
    return InvalidArgument("the weights' shapes must be known");
  const int64_t filters = feature[0];
  int64_t state_size = 0;
  if (rank < 1 || filters % rank != 0 || time[0] != filters || !Agree(x[1], feature[1]) || time[1] < 1 ||
      !CheckedMultiply(filters, time[1], &state_size) || !Agree(state[1], state_size) ||
      !Agree(state[0], x[0])) {
    return InvalidArgument("input %s, weights %s and %s, state %s do not fit rank %lld", ShapeText(x).text,
                           ShapeText(feature).text, ShapeText(time).text, ShapeText(state).text,
                           static_cast<long long>(rank));
  }
  if (context.has_input(kBias)) {
    const Shape& bias = context.input(kBias).shape;
    if (bias.rank != 1 || bias[0] != filters / rank) {
      return InvalidArgument("bias %s, expected [%lld]", ShapeText(bias).text,
                             static_cast<long long>(filters / rank));
    }
  }
  const int64_t batch = x[0] >= 0 ? x[0] : state[0] >= 0 ? state[0] : x[0];
  context.SetOutput(0, context.input(kInput).dtype, {batch, filters / rank});
  context.SetOutput(1, context.input(kState).dtype, {batch, state_size});
  return Status::Ok();
}

struct Sizes {
  int64_t batch, inputs, filters, memory, rank;
};

// The new state of all filters: the old one moved by one step, the newest number last.
// `newest(batch, filter)` gives that number.
template <typename T, typename Newest>
void AdvanceState(const Sizes& sizes, const T* old_state, T* state, Newest newest) {
  for (int64_t b = 0; b < sizes.batch; ++b) {
    for (int64_t f = 0; f < sizes.filters; ++f) {
      const int64_t begin = (b * sizes.filters + f) * sizes.memory;
      std::copy(old_state + begin + 1, old_state + begin + sizes.memory, state + begin);
      state[begin + sizes.memory - 1] = newest(b, f);
    }
  }
}

void RunFloat(const ReferenceContext& context, const Sizes& sizes, float* state) {
  const float* x = context.inputs[kInput].as<float>();
  const float* feature = context.inputs[kFeature].as<float>();
  const float* time = context.inputs[kTime].as<float>();
  AdvanceState(sizes, context.inputs[kState].as<float>(), state, [&](int64_t b, int64_t f) {
    float sum = 0;
    for (int64_t i = 0; i < sizes.inputs; ++i) sum += x[b * sizes.inputs + i] * feature[f * sizes.inputs + i];
    return sum;
  });
  const float* bias = context.has_input(kBias) ? context.inputs[kBias].as<float>() : nullptr;
  const bool relu = context.attributes<SvdfAttributes>().relu;
  float* output = context.outputs[0].as<float>();
  const int64_t units = sizes.filters / sizes.rank;
  for (int64_t b = 0; b < sizes.batch; ++b) {
    for (int64_t u = 0; u < units; ++u) {
      float sum = bias != nullptr ? bias[u] : 0;
      for (int64_t f = u * sizes.rank; f < (u + 1) * sizes.rank; ++f) {
        float filtered = 0;
        for (int64_t m = 0; m < sizes.memory; ++m) {
          filtered += state[(b * sizes.filters + f) * sizes.memory + m] * time[f * sizes.memory + m];
        }
        sum += filtered;
      }
      *output++ = relu && sum < 0 ? 0 : sum;
    }
  }
}

// A fused ReLU needs no step of its own: files give the output the zero point -128, at which saturation cuts.
void RunInteger(const ReferenceContext& context, const Sizes& sizes, int16_t* state) {
  const IntegerSvdfScales scales = MakeIntegerSvdfScales([&](int i) { return context.input_quantization(i); },
                                                         *context.output_quantization(0));
  const int8_t* x = context.inputs[kInput].as<int8_t>();
  const int8_t* feature = context.inputs[kFeature].as<int8_t>();
  const int16_t* time = context.inputs[kTime].as<int16_t>();
  const IntegerRange state_range = RangeOf(DType::kI16);
  AdvanceState(sizes, context.inputs[kState].as<int16_t>(), state, [&](int64_t b, int64_t f) {
    int64_t sum = 0;
    for (int64_t i = 0; i < sizes.inputs; ++i) {
      sum += int64_t{feature[f * sizes.inputs + i]} * (x[b * sizes.inputs + i] - scales.input_zero_point);
    }
    // Sums of 32 bits wrap, as TensorFlow Lite's do.
    return static_cast<int16_t>(
        std::clamp(MultiplyWithTwoRoundings(static_cast<int32_t>(sum), scales.to_state), state_range.low,
                   state_range.high));
  });
  const int32_t* bias = context.has_input(kBias) ? context.inputs[kBias].as<int32_t>() : nullptr;
  int8_t* output = context.outputs[0].as<int8_t>();
  const int64_t units = sizes.filters / sizes.rank;
  for (int64_t b = 0; b < sizes.batch; ++b) {
    for (int64_t u = 0; u < units; ++u) {
      int64_t sum = bias != nullptr ? bias[u] : 0;
      for (int64_t f = u * sizes.rank; f < (u + 1) * sizes.rank; ++f) {
        for (int64_t m = 0; m < sizes.memory; ++m) {
          sum += int64_t{state[(b * sizes.filters + f) * sizes.memory + m]} * time[f * sizes.memory + m];
        }
      }
      *output++ = static_cast<int8_t>(
          AddZeroPointAndClamp(MultiplyWithTwoRoundings(static_cast<int32_t>(sum), scales.to_output),
                               scales.output_zero_point, RangeOf(DType::kI8)));
    }
  }
}

Status Reference(const ReferenceContext& context) {
  const Shape& feature = context.inputs[kFeature].shape;
  const Sizes sizes = {context.inputs[kInput].shape[0], feature[1], feature[0],
                       context.inputs[kTime].shape[1], context.attributes<SvdfAttributes>().rank};
  // The sums over time read the new state, which nobody may have asked for.
  TensorView state = context.has_output(1) ? context.outputs[1] : context.inputs[kState];
  Buffer own_state;
  if (!context.has_output(1)) {
    MACE_ASSIGN_OR_RETURN(own_state, Buffer::Allocate(static_cast<size_t>(state.bytes())));
    state.data = own_state.data();
  }
  if (context.inputs[kInput].dtype == DType::kF32) {
    RunFloat(context, sizes, state.as<float>());
  } else {
    RunInteger(context, sizes, state.as<int16_t>());
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kSvdfDefinition = {
    .name = "Svdf",
    .min_inputs = 3,  // the bias may be absent; the shape rule asks for the state
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 2,
    .attributes = AttributeInfoOf<SvdfAttributes>(),
    .infer = &Infer,
    .reference = &Reference,
};

}  // namespace mace::ops
