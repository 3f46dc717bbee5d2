#include <algorithm>

#include "mace/ops/signal/fourier.h"
#include "mace/ops/signal/signal.h"

namespace mace::ops {

Status ReadInteger(const InferContext& context, int input, bool* known, int64_t* value) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, input, {DType::kI64, DType::kI32}));
  const Shape& shape = context.input(input).shape;
  if (shape.rank > 1 || (shape.rank == 1 && shape[0] >= 0 && shape[0] != 1)) {
    return InvalidArgument("input %d has the shape %s, expected one element", input, ShapeText(shape).text);
  }
  IntList list;
  *known = context.KnownInts(input, &list);
  if (!*known) return Status::Ok();
  if (list.size() != 1) return InvalidArgument("input %d has %d elements", input, list.size());
  *value = list[0];
  return Status::Ok();
}

Status ReadCount(const InferContext& context, int input, bool* known, int64_t* value) {
  MACE_RETURN_IF_ERROR(ReadInteger(context, input, known, value));
  if (!*known || (*value >= 0 && *value <= INT32_MAX)) return Status::Ok();
  return InvalidArgument("input %d is %lld, expected 0 to %d", input, static_cast<long long>(*value),
                         INT32_MAX);
}

namespace {

// The length that is transformed where no operand gives it.
int64_t DefaultLength(const DftAttributes& attributes, int64_t input) {
  return attributes.inverse && attributes.onesided ? std::max<int64_t>(2 * (input - 1), 0) : input;
}

Status InferDft(InferContext& context) {
  const auto& attributes = context.attributes<DftAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  const Shape& x = context.input(0).shape;
  if (x.rank < 2) return InvalidArgument("x has the shape %s, expected rank 2 at least", ShapeText(x).text);
  const int last = x.rank - 1;
  if (x[last] >= 0 && x[last] != 1 && x[last] != 2) {
    return InvalidArgument("x has the shape %s, expected a last axis of 1 or 2", ShapeText(x).text);
  }
  Shape shape = x;
  shape[last] = attributes.inverse && attributes.onesided ? 1 : 2;
  int axis = 0;
  bool has_axis = true;
  int64_t given_axis = attributes.axis;
  if (context.has_input(2)) MACE_RETURN_IF_ERROR(ReadInteger(context, 2, &has_axis, &given_axis));
  if (!has_axis) {
    for (int i = 0; i < last; ++i) shape[i] = kUnknownDim;
    context.SetOutput(0, context.input(0).dtype, shape);
    return Status::Ok();
  }
  MACE_RETURN_IF_ERROR(ResolveAxis(given_axis, x.rank, &axis));
  if (axis == last) return InvalidArgument("the last axis holds real and imaginary parts");
  int64_t length = x[axis] < 0 || x[axis] > INT32_MAX ? kUnknownDim : DefaultLength(attributes, x[axis]);
  if (x[axis] > INT32_MAX) return InvalidArgument("%s is too large", ShapeText(x).text);
  if (context.has_input(1)) {
    bool known = false;
    MACE_RETURN_IF_ERROR(ReadCount(context, 1, &known, &length));
    if (!known) length = kUnknownDim;
  }
  const bool keeps = !context.has_input(1) && !attributes.onesided;
  shape[axis] = keeps ? x[axis] : length;
  if (attributes.onesided && !attributes.inverse && length >= 0) shape[axis] = length / 2 + 1;
  if (length == 0) return InvalidArgument("a transform of no elements");
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// The sequences along one axis: those in front of it times those behind it.
struct Lines {
  int64_t outer = 1, inner = 1;
  int64_t input = 0, output = 0;  // elements of a line
  int64_t input_parts = 1, output_parts = 1;

  Lines(const Shape& x, const Shape& y, int axis)
      : outer(x.Product(0, axis)),
        inner(x.Product(axis + 1, x.rank - 1)),
        input(x[axis]),
        output(y[axis]),
        input_parts(x[x.rank - 1]),
        output_parts(y[y.rank - 1]) {}
};

template <typename T>
void LoadLine(const T* from, const Lines& lines, int64_t length, bool half, Complex* to) {
  const int64_t step = lines.inner * lines.input_parts;
  // Of a half the other frequencies are the conjugates of these.
  const int64_t given = std::min(lines.input, half ? length / 2 + 1 : length);
  std::fill_n(to, length, Complex{});
  for (int64_t i = 0; i < given; ++i) {
    to[i] = {from[i * step], lines.input_parts == 2 ? static_cast<double>(from[i * step + 1]) : 0};
    if (!half) continue;
    if (i == 0 || 2 * i == length) {
      to[i].im = 0;
    } else {
      to[length - i] = {to[i].re, -to[i].im};
    }
  }
}

template <typename T>
Status TransformLines(const ReferenceContext& context, int axis, int64_t length) {
  const auto& attributes = context.attributes<DftAttributes>();
  const Lines lines(context.inputs[0].shape, context.outputs[0].shape, axis);
  FourierTransform transform;
  MACE_RETURN_IF_ERROR(transform.Prepare(length, attributes.inverse));
  Vector<Complex> in, out;
  MACE_RETURN_IF_ERROR(in.Resize(static_cast<size_t>(length)));
  MACE_RETURN_IF_ERROR(out.Resize(static_cast<size_t>(length)));
  const double scale = attributes.inverse ? 1 / static_cast<double>(length) : 1;
  const T* x = context.inputs[0].template as<T>();
  T* y = context.outputs[0].template as<T>();
  for (int64_t outer = 0; outer < lines.outer; ++outer) {
    for (int64_t inner = 0; inner < lines.inner; ++inner) {
      const T* from = x + (outer * lines.input * lines.inner + inner) * lines.input_parts;
      LoadLine(from, lines, length, attributes.inverse && attributes.onesided, in.data());
      transform.Run(in.data(), out.data());
      T* to = y + (outer * lines.output * lines.inner + inner) * lines.output_parts;
      for (int64_t i = 0; i < lines.output; ++i, to += lines.inner * lines.output_parts) {
        to[0] = static_cast<T>(out[static_cast<size_t>(i)].re * scale);
        if (lines.output_parts == 2) to[1] = static_cast<T>(out[static_cast<size_t>(i)].im * scale);
      }
    }
  }
  return Status::Ok();
}

Status ReferenceDft(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const auto& attributes = context.attributes<DftAttributes>();
  const Shape& x = context.inputs[0].shape;
  int axis = 0;
  const int64_t given_axis = context.has_input(2) ? ReadInt(context.inputs[2], 0) : attributes.axis;
  MACE_RETURN_IF_ERROR(ResolveAxis(given_axis, x.rank, &axis));
  const int64_t length =
      context.has_input(1) ? ReadInt(context.inputs[1], 0) : DefaultLength(attributes, x[axis]);
  return DispatchDType<float, double>(context.inputs[0].dtype, [&](auto zero) {
    return TransformLines<decltype(zero)>(context, axis, length);
  });
}

}  // namespace

constinit const OpDefinition kDftDefinition = {
    .name = "Dft",
    .min_inputs = 1,
    .max_inputs = 3,
    .content_inputs = ContentInputs({1, 2}),
    .attributes = AttributeInfoOf<DftAttributes>(),
    .infer = InferDft,
    .reference = ReferenceDft,
};

}  // namespace mace::ops
