// Converters of operators on shapes, and of reductions.
#include <algorithm>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {

IntList ToList(std::span<const int64_t> elements, const char* what) {
  IntList list;
  for (int64_t element : elements) {
    if (!list.Push(element)) {
      throw ImportError(StatusCode::kUnsupported, std::string(what) + " has more than " +
                                                      std::to_string(IntList::capacity()) + " elements");
    }
  }
  return list;
}

int64_t ConstantScalar(const TfliteContext& context, ValueId value, const char* what) {
  const std::vector<int64_t> elements = context.ConstantInts(value, what);
  if (elements.size() != 1) throw ImportError(StatusCode::kDataLoss, std::string(what) + " is not one number");
  return elements[0];
}

void RequireEqualQuantization(TfliteContext& context, const TensorType& from, const TensorType& to) {
  if (from.quantization == to.quantization) return;
  const auto describe = [&](int32_t i) { return i == kNone ? nullptr : &context.graph().quantizations[i]; };
  const Quantization* a = describe(from.quantization);
  const Quantization* b = describe(to.quantization);
  const bool equal =
      a != nullptr && b != nullptr && a->axis == b->axis &&
      std::equal(a->scales.begin(), a->scales.end(), b->scales.begin(), b->scales.end()) &&
      std::equal(a->zero_points.begin(), a->zero_points.end(), b->zero_points.begin(), b->zero_points.end());
  if (!equal) context.Refuse("input and output have different scales");
}

void ConvertReshape(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const auto* options = context.OptionalOptions<file::ReshapeOptions>();
  ops::ReshapeAttributes attributes;
  std::vector<int64_t> dims;
  if (context.HasInput(1)) {
    const ValueId shape = context.Input(1);
    if (context.graph().ConstantOf(shape) == nullptr) {
      ops::CastAttributes cast;
      cast.to = DType::kI64;
      TensorType type = context.TypeOf(shape);
      type.dtype = DType::kI64;
      const ValueId wide =
          type.dtype == context.DTypeOf(shape) ? shape : context.Emit(OpId::kCast, {shape}, cast, type);
      context.EmitOutput(OpId::kReshape, {x, wide}, attributes);
      return;
    }
    dims = context.ConstantInts(shape, "the shape");
  } else if (options != nullptr) {
    const auto stored = SpanOf(options->new_dims());
    if (stored.size() > 64) throw ImportError(StatusCode::kDataLoss, "a shape of more than 64 dimensions");
    dims.assign(stored.begin(), stored.end());
    if (dims.size() == 1 && dims[0] == 0) dims.clear();  // how old files write a scalar
  } else {
    throw ImportError(StatusCode::kDataLoss, "its shape is missing");
  }
  attributes.shape = ToList(dims, "the shape");
  attributes.allow_zero = std::find(dims.begin(), dims.end(), 0) != dims.end();
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kReshape, {x}, attributes);
}

void ConvertConcatenation(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::ConcatOptions>();
  ops::ConcatAttributes attributes;
  attributes.axis = options.axis();
  std::vector<ValueId> inputs;
  for (int i = 0; i < context.input_count(); ++i) {
    inputs.push_back(context.Input(i));
    RequireEqualQuantization(context, context.TypeOf(inputs.back()), context.OutputType(0));
  }
  context.EmitOutput(OpId::kConcat, inputs, &attributes, sizeof(attributes), options.activation());
}

void ConvertPad(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const TensorType type = context.TypeOf(x);
  const std::vector<int64_t> pairs =
      context.ConstantInts(context.Input(1), "the padding");  // (begin, end) per axis
  if (pairs.size() != 2 * static_cast<size_t>(type.shape.rank)) {
    throw ImportError(StatusCode::kDataLoss,
                      std::to_string(pairs.size()) + " paddings for rank " + std::to_string(type.shape.rank));
  }
  std::vector<int64_t> pads;
  for (size_t side = 0; side < 2; ++side) {
    for (size_t axis = 0; 2 * axis < pairs.size(); ++axis) pads.push_back(pairs[2 * axis + side]);
  }
  RequireEqualQuantization(context, type, context.OutputType(0));
  ValueId fill = kNone;  // zero; of a quantized tensor: its zero point
  if (type.quantization != kNone && BytesOf(type.dtype) <= 4) {
    fill = Unwrap(context.graph().AddUninitializedConstant({}, type.dtype, Shape()));
    void* element = context.graph().constants.back().view.data;
    ops::StoreInteger(element, type.dtype, 0,
                      context.graph().quantizations[type.quantization].zero_points[0]);
    context.graph().values[fill].type.quantization = type.quantization;
  }
  context.EmitOutput(OpId::kPad, {x, context.AddInts(pads), fill}, ops::PadAttributes{});
}

void ConvertMean(TfliteContext& context) {
  const auto* options = context.OptionalOptions<file::ReduceOptions>();
  const ValueId x = context.Input(0);
  const std::vector<int64_t> axes = context.ConstantInts(context.Input(1), "the list of axes");
  if (axes.empty()) {  // here: nothing to reduce; an empty list there: everything
    context.EmitOutput(OpId::kIdentity, {x}, NoAttributes{});
    return;
  }
  ops::ReduceAttributes attributes;
  attributes.kind = ops::ReduceKind::kMean;
  attributes.axes = ToList(axes, "the list of axes");
  attributes.keep_dims = options != nullptr && options->keep_dims();
  context.EmitOutput(OpId::kReduce, {x}, attributes);
}

void ConvertTranspose(TfliteContext& context) {
  const ValueId x = context.Input(0);
  ops::TransposeAttributes attributes;
  attributes.perm = ToList(context.ConstantInts(context.Input(1), "the permutation"), "the permutation");
  if (attributes.perm.size() != context.ShapeOf(x).rank) {
    throw ImportError(StatusCode::kDataLoss, "a permutation of " + std::to_string(attributes.perm.size()) +
                                                 " axes for rank " + std::to_string(context.ShapeOf(x).rank));
  }
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kTranspose, {x}, attributes);
}

void ConvertSqueeze(TfliteContext& context) {
  const auto* options = context.OptionalOptions<file::SqueezeOptions>();
  const ValueId x = context.Input(0);
  ops::SqueezeAttributes attributes;
  if (options != nullptr) {
    const auto stored = SpanOf(options->axes());
    if (stored.size() > 64) throw ImportError(StatusCode::kDataLoss, "more than 64 axes");
    attributes.axes = ToList(std::vector<int64_t>(stored.begin(), stored.end()), "the list of axes");
  }
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kSqueeze, {x}, attributes);
}

}  // namespace mace::importers::tflite
