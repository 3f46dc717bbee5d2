#include <cstring>

#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

namespace {

bool HasOneScale(const Quantization* quantization) {
  return quantization != nullptr && quantization->scales.size() == 1;
}
bool SameQuantization(const Quantization& a, const Quantization& b) {
  return a.scales[0] == b.scales[0] && a.zero_points[0] == b.zero_points[0];
}

// Inputs of another scale than the output's are brought to it: of bytes and words, per tensor; with the
// tflite roundings of u8 only.
Status CheckScales(const InferContext& context, DType dtype) {
  const Quantization* y = context.output_quantization(0);
  const bool half_even = context.attributes<ConcatAttributes>().rounding == Rounding::kHalfEvenFloat;
  for (int i = 0; i < context.input_count(); ++i) {
    const Quantization* x = context.input_quantization(i);
    if (!HasOneScale(x) || !HasOneScale(y) || SameQuantization(*x, *y)) continue;
    const bool supported =
        half_even ? dtype == DType::kU8 || dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kU16
                  : dtype == DType::kU8;
    if (!supported) return Unsupported("input %d has another scale than the output", i);
    MACE_RETURN_IF_ERROR(CheckQuantization(x, dtype, 1, "an input"));
    MACE_RETURN_IF_ERROR(CheckQuantization(y, dtype, 1, "output"));
  }
  return Status::Ok();
}

Status InferConcat(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  Shape shape = context.input(0).shape;
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<ConcatAttributes>().axis, shape.rank, &axis));
  for (int input = 1; input < context.input_count(); ++input) {
    MACE_RETURN_IF_ERROR(ExpectSameDType(context, input, 0));
    MACE_RETURN_IF_ERROR(ExpectRank(context, input, shape.rank));
    const Shape& other = context.input(input).shape;
    for (int i = 0; i < shape.rank; ++i) {
      if (i == axis) {
        MACE_RETURN_IF_ERROR(AddDims(shape[i], other[i], &shape[i]));
      } else if (!MergeDim(shape[i], other[i], &shape[i])) {
        return InvalidArgument("input %d has the shape %s beside %s; they may differ only on axis %d", input,
                               ShapeText(other).text, ShapeText(context.input(0).shape).text, axis);
      }
    }
  }
  MACE_RETURN_IF_ERROR(CheckScales(context, context.input(0).dtype));
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// `count` elements from one scale to another.
void CopyRescaled(const TensorView& x, int64_t first, int64_t count, const Quantization& from,
                  const Quantization& to, Rounding rounding, const TensorView& y, int64_t position) {
  const IntegerRange range = RangeOf(y.dtype);
  const float factor = from.scales[0] * (1.0f / to.scales[0]);
  const float shift = static_cast<float>(-from.zero_points[0]) * factor;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t stored = LoadInteger(x.data, x.dtype, first + i);
    int32_t units = 0;
    if (rounding == Rounding::kHalfEvenFloat) {
      const float real = static_cast<float>(stored - from.zero_points[0]) * from.scales[0];
      units = RoundToInt32(real / to.scales[0], true);
    } else {
      units = RoundToInt32(static_cast<float>(stored) * factor + shift, false);
    }
    StoreInteger(y.data, y.dtype, position + i, AddZeroPointAndClamp(units, to.zero_points[0], range));
  }
}

Status ReferenceConcat(const ReferenceContext& context) {
  const TensorView& output = context.outputs[0];
  int axis = 0;
  MACE_RETURN_IF_ERROR(ResolveAxis(context.attributes<ConcatAttributes>().axis, output.shape.rank, &axis));
  if (output.elements() == 0) return Status::Ok();
  const int64_t outer = output.shape.Product(0, axis);
  const int64_t inner = output.shape.Product(axis + 1, output.shape.rank);
  const auto size = static_cast<size_t>(BytesOf(output.dtype));
  const Quantization* to = context.output_quantization(0);
  const Rounding rounding = context.attributes<ConcatAttributes>().rounding;
  int64_t position = 0;
  for (int64_t row = 0; row < outer; ++row) {
    for (int i = 0; i < context.input_count; ++i) {
      const TensorView& input = context.inputs[i];
      const int64_t count = input.shape[axis] * inner;
      if (count == 0) continue;
      const Quantization* from = context.input_quantization(i);
      if (HasOneScale(from) && HasOneScale(to) && !SameQuantization(*from, *to)) {
        CopyRescaled(input, row * count, count, *from, *to, rounding, output, position);
      } else {
        std::memcpy(static_cast<uint8_t*>(output.data) + static_cast<size_t>(position) * size,
                    input.as<uint8_t>() + static_cast<size_t>(row * count) * size,
                    static_cast<size_t>(count) * size);
      }
      position += count;
    }
  }
  return Status::Ok();
}

}  // namespace

bool ConcatRescales(const Graph& graph, const Node& node) {
  const Quantization* to = graph.QuantizationOf(node.outputs[0]);
  if (!HasOneScale(to)) return false;
  for (ValueId input : node.inputs) {
    const Quantization* from = graph.QuantizationOf(input);
    if (HasOneScale(from) && !SameQuantization(*from, *to)) return true;
  }
  return false;
}

constinit const OpDefinition kConcatDefinition = {
    .name = "Concat",
    .max_inputs = -1,
    .flags = kOpCheap | kOpNarrowFloats,
    .attributes = AttributeInfoOf<ConcatAttributes>(),
    .infer = InferConcat,
    .reference = ReferenceConcat,
};

}  // namespace mace::ops
