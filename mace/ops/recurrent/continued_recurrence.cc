#include "mace/ops/recurrent/continued_recurrence.h"

#include <cmath>

#include "mace/core/memory.h"
#include "mace/ops/common.h"

namespace mace::ops {

namespace {

enum Input { kGates = 0, kContinues = 1, kWeights = 2, kInitialH = 3, kInitialC = 4 };

bool HasCell(ContinuedRecurrenceKind kind) { return kind == ContinuedRecurrenceKind::kLstm; }
int64_t GatesOf(ContinuedRecurrenceKind kind) { return HasCell(kind) ? 4 : 1; }

Status InferContinuedRecurrence(InferContext& context) {
  const ContinuedRecurrenceKind kind = context.attributes<ContinuedRecurrenceAttributes>().kind;
  const int operands = HasCell(kind) ? 5 : 4;
  if (context.input_count() != operands || context.output_count() > operands - 2) {
    return InvalidArgument("%d inputs and %d outputs, expected %d and at most %d", context.input_count(),
                           context.output_count(), operands, operands - 2);
  }
  for (int i = 0; i < operands; ++i) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32, DType::kF64}));
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, i, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, i, i == kGates ? 3 : 2));
  }
  const Shape& gates = context.input(kGates).shape;
  const Shape& continues = context.input(kContinues).shape;
  const Shape& weights = context.input(kWeights).shape;
  int64_t steps = 0, batch = 0, hidden = weights[1], rows = 0, expected_rows = 0;
  bool fits = MergeDim(gates[0], continues[0], &steps) && MergeDim(gates[1], continues[1], &batch);
  for (int i = kInitialH; fits && i < operands; ++i) {
    const Shape& initial = context.input(i).shape;
    fits = MergeDim(batch, initial[0], &batch) && MergeDim(hidden, initial[1], &hidden);
  }
  MACE_RETURN_IF_ERROR(MultiplyDims(GatesOf(kind), hidden, &expected_rows));
  fits = fits && MergeDim(gates[2], weights[0], &rows) && MergeDim(rows, expected_rows, &rows);
  if (!fits) {
    return InvalidArgument("gates %s, continues %s and weights %s do not fit", ShapeText(gates).text,
                           ShapeText(continues).text, ShapeText(weights).text);
  }
  const DType dtype = context.input(0).dtype;
  context.SetOutput(0, dtype, {steps, batch, hidden});
  context.SetOutput(1, dtype, {batch, hidden});
  context.SetOutput(2, dtype, {batch, hidden});
  return Status::Ok();
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One sequence of a batch: h and c go from step to step.
template <typename T>
class Walker {
 public:
  Walker(const ReferenceContext& context, bool has_cell, T* h, T* c, T* next_h)
      : weights_(context.inputs[kWeights].as<T>()),
        hidden_(context.inputs[kWeights].shape[1]),
        has_cell_(has_cell),
        h_(h),
        c_(c),
        next_h_(next_h) {}

  void Step(const T* gates, double k, T* y) {
    for (int64_t j = 0; j < hidden_; ++j) {
      if (!has_cell_) {
        next_h_[j] = static_cast<T>(std::tanh(Gate(gates, j, k)));
        continue;
      }
      const double in = Sigmoid(Gate(gates, j, k)), forget = Sigmoid(Gate(gates, hidden_ + j, k));
      const double out = Sigmoid(Gate(gates, 2 * hidden_ + j, k));
      const double fresh = in * std::tanh(Gate(gates, 3 * hidden_ + j, k));
      // What a new sequence finds is not read, be it infinite.
      const double cell = k == 0 ? fresh : k * forget * static_cast<double>(c_[j]) + fresh;
      c_[j] = static_cast<T>(cell);
      next_h_[j] = static_cast<T>(out * std::tanh(cell));
    }
    for (int64_t j = 0; j < hidden_; ++j) h_[j] = y[j] = next_h_[j];
  }

 private:
  double Gate(const T* gates, int64_t row, double k) const {
    if (k == 0) return static_cast<double>(gates[row]);
    double sum = 0;
    const T* weights = weights_ + row * hidden_;
    for (int64_t i = 0; i < hidden_; ++i) sum += static_cast<double>(weights[i]) * static_cast<double>(h_[i]);
    return static_cast<double>(gates[row]) + k * sum;
  }

  const T* weights_;
  int64_t hidden_;
  bool has_cell_;
  T *h_, *c_, *next_h_;
};

template <typename T>
Status Recur(const ReferenceContext& context) {
  const bool has_cell = HasCell(context.attributes<ContinuedRecurrenceAttributes>().kind);
  const Shape& gates = context.inputs[kGates].shape;
  const int64_t steps = gates[0], batch = gates[1], rows = gates[2];
  const int64_t hidden = context.inputs[kWeights].shape[1];
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(hidden) * 4 * sizeof(T)));
  T* h = reinterpret_cast<T*>(buffer.data());
  T *c = h + hidden, *next_h = c + hidden, *unread = next_h + hidden;
  Walker<T> walker(context, has_cell, h, c, next_h);
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t j = 0; j < hidden; ++j) {
      h[j] = context.inputs[kInitialH].as<T>()[n * hidden + j];
      c[j] = has_cell ? context.inputs[kInitialC].as<T>()[n * hidden + j] : T{0};
    }
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t place = t * batch + n;
      T* y = context.has_output(0) ? context.outputs[0].as<T>() + place * hidden : unread;
      walker.Step(context.inputs[kGates].as<T>() + place * rows,
                  static_cast<double>(context.inputs[kContinues].as<T>()[place]), y);
    }
    for (int64_t j = 0; j < hidden; ++j) {
      if (context.has_output(1)) context.outputs[1].as<T>()[n * hidden + j] = h[j];
      if (context.has_output(2)) context.outputs[2].as<T>()[n * hidden + j] = c[j];
    }
  }
  return Status::Ok();
}

Status ReferenceContinuedRecurrence(const ReferenceContext& context) {
  if (context.inputs[kWeights].elements() == 0) return Status::Ok();
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return Recur<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kContinuedRecurrenceDefinition = {
    .name = "ContinuedRecurrence",
    .min_inputs = 4,
    .max_inputs = 5,
    .max_outputs = 3,
    .attributes = AttributeInfoOf<ContinuedRecurrenceAttributes>(),
    .infer = InferContinuedRecurrence,
    .reference = ReferenceContinuedRecurrence,
};

}  // namespace mace::ops
