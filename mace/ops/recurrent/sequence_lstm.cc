#include "mace/ops/recurrent/sequence_lstm.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/core/memory.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/recurrent/sequence_lstm_integer.h"

namespace mace::ops {

namespace {

// The element types of the operands: of the matrices, and of the vectors that multiply cells and gates.
struct LstmTypes {
  DType matrix = DType::kF32, vector = DType::kF32, bias = DType::kF32;

  DType Of(int operand) const {
    if (operand >= kLstmPeephole && operand < kLstmBias) return vector;
    if (operand >= kLstmNorm || operand == kLstmCell) return vector;
    if (operand >= kLstmBias && operand < kLstmProjection) return bias;
    return operand == kLstmProjectionBias ? bias : matrix;
  }
};

// The shape of an operand of a layer with these sizes (symbols and unknown dimensions included).
Shape ShapeOf(int operand, int64_t batch, int64_t inputs, int64_t cells, int64_t outputs) {
  if (operand >= kLstmInputWeights && operand < kLstmHiddenWeights) return {cells, inputs};
  if (operand >= kLstmHiddenWeights && operand < kLstmPeephole) return {cells, outputs};
  if (operand == kLstmProjection) return {outputs, cells};
  if (operand == kLstmProjectionBias) return {outputs};
  if (operand == kLstmHidden) return {batch, outputs};
  if (operand == kLstmCell) return {batch, cells};
  return {cells};
}

Status ExpectOperand(const InferContext& context, int operand, DType dtype, const Shape& expected) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, operand, {dtype}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, operand, expected.rank));
  for (int i = 0; i < expected.rank; ++i) {
    int64_t merged = 0;
    if (MergeDim(expected[i], context.input(operand).shape[i], &merged)) continue;
    return InvalidArgument("input %d has the shape %s, expected %s", operand,
                           ShapeText(context.input(operand).shape).text, ShapeText(expected).text);
  }
  return Status::Ok();
}

// All of the operands at `places` are there, or none is.
Status ExpectAllOrNone(const InferContext& context, std::initializer_list<int> places) {
  int present = 0;
  for (int place : places) present += context.has_input(place);
  if (present == 0 || present == static_cast<int>(places.size())) return Status::Ok();
  return InvalidArgument("%d of the %d operands that belong to input %d are absent",
                         static_cast<int>(places.size()) - present, static_cast<int>(places.size()),
                         *places.begin());
}

Status CheckPresence(const InferContext& context) {
  for (int operand : {kLstmInput, kLstmHidden, kLstmCell}) {
    if (!context.has_input(operand)) return InvalidArgument("input %d is absent", operand);
  }
  for (int first : {kLstmInputWeights, kLstmHiddenWeights, kLstmBias}) {
    for (int gate : {kForgetGate, kCellGate, kOutputGate}) {
      if (!context.has_input(first + gate)) return InvalidArgument("input %d is absent", first + gate);
    }
  }
  MACE_RETURN_IF_ERROR(ExpectAllOrNone(context, {kLstmInputWeights, kLstmHiddenWeights, kLstmBias}));
  const bool coupled = !context.has_input(kLstmInputWeights);
  MACE_RETURN_IF_ERROR(ExpectAllOrNone(context, {PeepholeOf(kForgetGate), PeepholeOf(kOutputGate)}));
  MACE_RETURN_IF_ERROR(
      ExpectAllOrNone(context, {kLstmNorm + kForgetGate, kLstmNorm + kCellGate, kLstmNorm + kOutputGate}));
  // The input gate's share: there where the others are and the gate is.
  for (int first : {static_cast<int>(kLstmPeephole), static_cast<int>(kLstmNorm)}) {
    if (context.has_input(first) != (!coupled && context.has_input(first + kForgetGate))) {
      return InvalidArgument("input %d is there or absent, unlike the others of its kind", first);
    }
  }
  if (context.has_input(kLstmProjectionBias) && !context.has_input(kLstmProjection)) {
    return InvalidArgument("a projection bias without a projection");
  }
  return Status::Ok();
}

Status CheckIntegers(const InferContext& context) {
  const auto& attributes = context.attributes<SequenceLstmAttributes>();
  const LstmTypes types = {DType::kI8, DType::kI16, DType::kI32};
  for (int operand = 0; operand < kLstmOperands; ++operand) {
    if (!context.has_input(operand) || types.Of(operand) == DType::kI32) continue;
    const Quantization* quantization = context.input_quantization(operand);
    MACE_RETURN_IF_ERROR(CheckQuantization(quantization, types.Of(operand), 1, "an operand"));
    const bool may_have_zero_point = operand == kLstmInput || operand == kLstmHidden;
    if (!may_have_zero_point && quantization->zero_points[0] != 0) {
      return Unsupported("input %d with the zero point %d", operand, quantization->zero_points[0]);
    }
  }
  MACE_RETURN_IF_ERROR(CheckQuantization(context.output_quantization(0), DType::kI8, 1, "y"));
  int32_t exponent = 0;
  if (!CellExponent(context.input_quantization(kLstmCell)->scales[0], &exponent)) {
    return Unsupported("cells with the scale %g, expected 2^-15 to 2^-9",
                       static_cast<double>(context.input_quantization(kLstmCell)->scales[0]));
  }
  const auto is_scale = [](float scale) { return std::isfinite(scale) && scale > 0; };
  bool sound = is_scale(attributes.hidden_scale) && attributes.hidden_zero_point >= -128 &&
               attributes.hidden_zero_point <= 127;
  if (context.has_input(kLstmNorm + kForgetGate)) {
    sound = sound && attributes.gate_scales.size() == kLstmGates;
    for (float scale : attributes.gate_scales) sound = sound && is_scale(scale);
    for (int gate = 0; gate < kLstmGates; ++gate) {  // larger ones would be shifted out of 32 bits
      const Quantization* factors = context.input_quantization(kLstmNorm + gate);
      sound = sound && (factors == nullptr || factors->scales[0] <= 1 << 15);
    }
  }
  return sound ? Status::Ok() : InvalidArgument("the scales inside of the layer");
}

Status InferSequenceLstm(InferContext& context) {
  const auto& attributes = context.attributes<SequenceLstmAttributes>();
  MACE_RETURN_IF_ERROR(CheckPresence(context));
  MACE_RETURN_IF_ERROR(ExpectDType(context, kLstmInput, {DType::kF32, DType::kI8}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kLstmInput, 3));
  const bool is_float = context.input(kLstmInput).dtype == DType::kF32;
  const LstmTypes types = is_float ? LstmTypes() : LstmTypes{DType::kI8, DType::kI16, DType::kI32};
  MACE_RETURN_IF_ERROR(ExpectRank(context, kLstmInputWeights + kForgetGate, 2));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kLstmHiddenWeights + kForgetGate, 2));
  MACE_RETURN_IF_ERROR(ExpectRank(context, kLstmHidden, 2));
  const Shape& x = context.input(kLstmInput).shape;
  int64_t batch = 0;
  if (!MergeDim(x[attributes.time_major ? 1 : 0], context.input(kLstmHidden).shape[0], &batch)) {
    return InvalidArgument("x %s for the state %s", ShapeText(x).text,
                           ShapeText(context.input(kLstmHidden).shape).text);
  }
  const int64_t cells = context.input(kLstmInputWeights + kForgetGate).shape[0];
  const int64_t outputs = context.input(kLstmHiddenWeights + kForgetGate).shape[1];
  constexpr int64_t kMost = INT64_C(1) << 24;
  if (cells < 0 || outputs < 0) return InvalidArgument("the weights' shapes must be known");
  if (cells < 1 || outputs < 1 || cells > kMost || outputs > kMost ||
      (!context.has_input(kLstmProjection) && cells != outputs)) {
    return InvalidArgument("%lld cells and %lld outputs", static_cast<long long>(cells),
                           static_cast<long long>(outputs));
  }
  for (int operand = 1; operand < kLstmOperands; ++operand) {
    if (!context.has_input(operand)) continue;
    MACE_RETURN_IF_ERROR(
        ExpectOperand(context, operand, types.Of(operand), ShapeOf(operand, batch, x[2], cells, outputs)));
  }
  if (!(attributes.cell_clip >= 0) || !(attributes.projection_clip >= 0)) {
    return InvalidArgument("clipping to a negative number");
  }
  if (!is_float) MACE_RETURN_IF_ERROR(CheckIntegers(context));
  Shape y = x;
  y[attributes.time_major ? 1 : 0] = batch;
  y[2] = outputs;
  context.SetOutput(0, types.matrix, y);
  context.SetOutput(1, types.matrix, {batch, outputs});
  context.SetOutput(2, types.vector, {batch, cells});
  return Status::Ok();
}

class FloatLstm {
 public:
  FloatLstm(const ReferenceContext& context, const SequenceLstmSizes& sizes)
      : context_(context), sizes_(sizes), attributes_(context.attributes<SequenceLstmAttributes>()) {}

  // `gates`: kLstmGates * cells.
  void Step(const float* x, float* h, float* c, float* gates) const {
    const int64_t cells = sizes_.cells;
    for (int g : {kInputGate, kForgetGate, kCellGate}) {
      if (g != kInputGate || !sizes_.coupled) Gate(g, x, h, c, gates + g * cells);
    }
    for (int64_t j = 0; j < cells; ++j) {
      const float forget = gates[kForgetGate * cells + j];
      const float input = sizes_.coupled ? 1 - forget : gates[kInputGate * cells + j];
      c[j] = Clip(forget * c[j] + input * gates[kCellGate * cells + j], attributes_.cell_clip);
    }
    float* hidden = gates + kOutputGate * cells;
    Gate(kOutputGate, x, h, c, hidden);
    for (int64_t j = 0; j < cells; ++j) hidden[j] *= std::tanh(c[j]);
    if (!sizes_.projection) {
      std::memcpy(h, hidden, static_cast<size_t>(cells) * sizeof(float));
      return;
    }
    const float* bias = Data(kLstmProjectionBias);
    for (int64_t o = 0; o < sizes_.outputs; ++o) {
      const double sum =
          (bias == nullptr ? 0 : bias[o]) + Dot(Data(kLstmProjection) + o * cells, hidden, cells);
      h[o] = Clip(static_cast<float>(sum), attributes_.projection_clip);
    }
  }

 private:
  const float* Data(int operand) const {
    return context_.has_input(operand) ? context_.inputs[operand].as<float>() : nullptr;
  }
  static double Dot(const float* a, const float* b, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  }
  static float Clip(float x, float limit) { return limit > 0 ? std::clamp(x, -limit, limit) : x; }

  void Gate(int g, const float* x, const float* h, const float* c, float* gate) const {
    const float* bias = Data(kLstmBias + g);
    const float* factors = Data(kLstmNorm + g);
    for (int64_t j = 0; j < sizes_.cells; ++j) {
      double sum = Dot(Data(kLstmInputWeights + g) + j * sizes_.inputs, x, sizes_.inputs) +
                   Dot(Data(kLstmHiddenWeights + g) + j * sizes_.outputs, h, sizes_.outputs);
      if (sizes_.peephole && g != kCellGate) sum += static_cast<double>(Data(PeepholeOf(g))[j]) * c[j];
      if (factors == nullptr) sum += bias[j];
      gate[j] = static_cast<float>(sum);
    }
    if (factors != nullptr) Normalize(factors, bias, gate);
    for (int64_t j = 0; j < sizes_.cells; ++j) {
      gate[j] = g == kCellGate ? std::tanh(gate[j]) : 1 / (1 + std::exp(-gate[j]));
    }
  }

  void Normalize(const float* factors, const float* bias, float* gate) const {
    const auto cells = static_cast<double>(sizes_.cells);
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < sizes_.cells; ++j) mean += gate[j] / cells;
    for (int64_t j = 0; j < sizes_.cells; ++j) variance += (gate[j] - mean) * (gate[j] - mean) / cells;
    const double inverse = 1 / std::sqrt(variance + 1e-8);
    for (int64_t j = 0; j < sizes_.cells; ++j) {
      gate[j] = static_cast<float>((gate[j] - mean) * inverse * factors[j] + bias[j]);
    }
  }

  const ReferenceContext& context_;
  const SequenceLstmSizes& sizes_;
  const SequenceLstmAttributes& attributes_;
};

Status ReferenceFloat(const ReferenceContext& context, const SequenceLstmSizes& sizes) {
  const int64_t cells = sizes.cells, outputs = sizes.outputs;
  MACE_ASSIGN_OR_RETURN(
      Buffer scratch,
      Buffer::Allocate(static_cast<size_t>((kLstmGates + 1) * cells + outputs) * sizeof(float)));
  auto* gates = reinterpret_cast<float*>(scratch.data());
  float* c = gates + kLstmGates * cells;
  float* h = c + cells;
  const FloatLstm layer(context, sizes);
  for (int64_t b = 0; b < sizes.batch; ++b) {
    std::copy_n(context.inputs[kLstmHidden].as<float>() + b * outputs, outputs, h);
    std::copy_n(context.inputs[kLstmCell].as<float>() + b * cells, cells, c);
    for (int64_t t = 0; t < sizes.steps; ++t) {
      layer.Step(context.inputs[kLstmInput].as<float>() + b * sizes.x_row + t * sizes.x_step, h, c, gates);
      std::copy_n(h, outputs, context.outputs[0].as<float>() + b * sizes.y_row + t * sizes.y_step);
    }
    if (context.has_output(1)) std::copy_n(h, outputs, context.outputs[1].as<float>() + b * outputs);
    if (context.has_output(2)) std::copy_n(c, cells, context.outputs[2].as<float>() + b * cells);
  }
  return Status::Ok();
}

Status ReferenceSequenceLstm(const ReferenceContext& context) {
  const SequenceLstmSizes sizes(
      context.attributes<SequenceLstmAttributes>().time_major, [&](int i) { return context.has_input(i); },
      [&](int i) -> const Shape& { return context.inputs[i].shape; });
  if (context.inputs[kLstmInput].dtype == DType::kF32) return ReferenceFloat(context, sizes);
  return ReferenceIntegerSequenceLstm(context, sizes);
}

}  // namespace

constinit const OpDefinition kSequenceLstmDefinition = {
    .name = "SequenceLstm",
    .min_inputs = 1,  // which of the others may be absent is for the shape rule to say
    .max_inputs = kLstmOperands,
    .max_outputs = 3,
    .attributes = AttributeInfoOf<SequenceLstmAttributes>(),
    .infer = InferSequenceLstm,
    .reference = ReferenceSequenceLstm,
};

}  // namespace mace::ops
