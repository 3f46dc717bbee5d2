// Converters of operators on shapes, and of reductions.
#include <algorithm>

#include "mace/importers/tflite/tflite_emit.h"
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
  if (elements.size() != 1)
    throw ImportError(StatusCode::kDataLoss, std::string(what) + " is not one number");
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

namespace {

// 1 where input 0 and output 0 are complex: the axis of their parts stays the last one. 0 where they are not.
int PartAxes(const TfliteContext& context) {
  const int input = context.InputTensor(0), output = context.OutputTensor(0);
  if (context.file().tensor(input).element_type() != context.file().tensor(output).element_type() &&
      (context.file().IsComplex(input) || context.file().IsComplex(output))) {
    throw ImportError(StatusCode::kDataLoss, std::string("from ") + context.file().TensorTypeName(input) +
                                                 " to " + context.file().TensorTypeName(output));
  }
  return context.file().IsComplex(input) ? 1 : 0;
}

}  // namespace

void ConvertReshape(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const auto* options = context.OptionalOptions<file::ReshapeOptions>();
  const auto parts = static_cast<size_t>(PartAxes(context));
  ops::ReshapeAttributes attributes;
  std::vector<int64_t> dims;
  if (context.HasInput(1)) {
    const ValueId shape = context.Input(1);
    if (!IsConstant(context, shape)) {
      ValueId sizes = AsInt64(context, shape);
      if (parts > 0) {
        const ValueId lists[] = {sizes, Ints(context, {2})};
        sizes = Joined(context, lists);
      }
      return context.EmitOutput(OpId::kReshape, {x, sizes}, attributes);
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
  dims.insert(dims.end(), parts, 2);
  attributes.shape = ToList(dims, "the shape");
  attributes.allow_zero = std::find(dims.begin(), dims.end(), 0) != dims.end();
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kReshape, {x}, attributes);
}

void ConvertConcatenation(TfliteContext& context) {
  const auto& options = context.RequiredOptions<file::ConcatOptions>();
  ops::ConcatAttributes attributes;
  attributes.axis = options.axis();
  attributes.rounding = ops::Rounding::kTfliteDouble;
  std::vector<ValueId> inputs;
  for (int i = 0; i < context.input_count(); ++i) {
    inputs.push_back(context.Input(i));
    if (context.DTypeOf(inputs.back()) == DType::kU8) continue;  // brought to the output's scale
    RequireEqualQuantization(context, context.TypeOf(inputs.back()), context.OutputType(0));
  }
  context.EmitOutput(OpId::kConcat, inputs, &attributes, sizeof(attributes), options.activation());
}

namespace {

// The paddings in the order that Pad has them: all begins, then all ends.
ValueId PadsOf(TfliteContext& context, int rank) {
  const ValueId operand = context.Input(1);
  if (!IsConstant(context, operand)) {
    const ValueId paddings = Reshaped(context, operand, {rank, 2});
    return Reshaped(context, Permuted(context, paddings, {1, 0}), {2 * rank});
  }
  const std::vector<int64_t> pairs = context.ConstantInts(operand, "the padding");  // (begin, end) per axis
  if (pairs.size() != 2 * static_cast<size_t>(rank)) {
    throw ImportError(StatusCode::kDataLoss,
                      std::to_string(pairs.size()) + " paddings for rank " + std::to_string(rank));
  }
  std::vector<int64_t> pads;
  for (size_t side = 0; side < 2; ++side) {
    for (size_t axis = 0; 2 * axis < pairs.size(); ++axis) pads.push_back(pairs[2 * axis + side]);
  }
  return context.AddInts(pads);
}

}  // namespace

ValueId ZeroOf(TfliteContext& context, ValueId value) {
  const TensorType type = context.TypeOf(value);
  if (type.quantization == kNone || !IsInteger(type.dtype) || BytesOf(type.dtype) > 4) return kNone;
  const ValueId zero = Unwrap(context.graph().AddUninitializedConstant({}, type.dtype, Shape()));
  void* element = context.graph().constants.back().view.data;
  ops::StoreInteger(element, type.dtype, 0, context.graph().quantizations[type.quantization].zero_points[0]);
  context.graph().values[zero].type.quantization = type.quantization;
  return zero;
}

// Pads with zero (of a quantized tensor: its zero point), or with the third operand.
void ConvertPad(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const TensorType type = context.TypeOf(x);
  const ValueId pads = PadsOf(context, RankOf(context, x));
  RequireEqualQuantization(context, type, context.OutputType(0));
  ValueId fill = context.OptionalInput(2);
  if (fill != kNone) {
    RequireEqualQuantization(context, context.TypeOf(fill), context.OutputType(0));
    if (context.ShapeOf(fill).rank > 1) fill = Reshaped(context, fill, {1});
  } else {
    fill = ZeroOf(context, x);
  }
  context.EmitOutput(OpId::kPad, {x, pads, fill}, ops::PadAttributes{});
}

void ConvertMirrorPad(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const int8_t mode = context.RequiredOptions<file::MirrorPadOptions>().mode();
  ops::PadAttributes attributes;
  attributes.mode = mode == 0 ? ops::PadMode::kReflect : ops::PadMode::kSymmetric;
  if (mode != 0 && mode != 1) context.Refuse("mirror mode " + std::to_string(mode));
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kPad, {x, PadsOf(context, RankOf(context, x))}, attributes);
}

void ConvertReduce(TfliteContext& context) {
  static constexpr struct {
    int32_t number;
    ops::ReduceKind kind;
  } kTable[] = {{40, ops::ReduceKind::kMean}, {74, ops::ReduceKind::kSum}, {81, ops::ReduceKind::kProd},
                {82, ops::ReduceKind::kMax},  {89, ops::ReduceKind::kMin}, {91, ops::ReduceKind::kMax},
                {140, ops::ReduceKind::kMin}};
  const auto* options = context.OptionalOptions<file::ReduceOptions>();
  const ValueId x = context.Input(0), operand = context.Input(1);
  ops::ReduceAttributes attributes;
  for (const auto& row : kTable) {
    if (row.number == context.number()) attributes.kind = row.kind;
  }
  if (context.DTypeOf(x) == DType::kBool && attributes.kind == ops::ReduceKind::kProd) {
    attributes.kind = ops::ReduceKind::kMin;  // a product of bools: all are true
  }
  attributes.keep_dims = options != nullptr && options->keep_dims();
  attributes.rounding = ops::Rounding::kTfliteDouble;
  if (!IsConstant(context, operand)) {
    attributes.empty_is_none = true;
    return context.EmitOutput(OpId::kReduce, {x, operand}, attributes);
  }
  const std::vector<int64_t> axes = context.ConstantInts(operand, "the list of axes");
  if (axes.empty() || context.ShapeOf(x).rank == 0) {
    // Nothing is reduced (an empty list would be everything here); the scale may change.
    if (context.TypeOf(x).quantization == kNone || !context.IsInteger(x)) {
      return context.EmitOutput(OpId::kIdentity, {x}, NoAttributes{});
    }
    ops::RequantizeAttributes requantize;
    requantize.to = context.DTypeOf(x);
    return context.EmitOutput(OpId::kRequantize, {x}, requantize);
  }
  attributes.axes = ToList(axes, "the list of axes");
  context.EmitOutput(OpId::kReduce, {x}, attributes);
}

void ConvertTranspose(TfliteContext& context) {
  const ValueId x = context.Input(0);
  if (!IsConstant(context, context.Input(1))) {
    RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
    return context.EmitOutput(OpId::kPermute, {x, context.Input(1)}, NoAttributes{});
  }
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
  const int parts = PartAxes(context);
  ops::SqueezeAttributes attributes;
  if (options != nullptr) {
    const auto stored = SpanOf(options->axes());
    if (stored.size() > 64) throw ImportError(StatusCode::kDataLoss, "more than 64 axes");
    std::vector<int64_t> axes(stored.begin(), stored.end());
    for (int64_t& axis : axes) axis -= axis < 0 ? parts : 0;
    attributes.axes = ToList(axes, "the list of axes");
  }
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kSqueeze, {x}, attributes);
}

void ConvertExpandDims(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const std::vector<int64_t> axes = context.ConstantInts(context.Input(1), "the axis");
  if (axes.size() != 1) throw ImportError(StatusCode::kDataLoss, std::to_string(axes.size()) + " axes");
  ops::UnsqueezeAttributes attributes;
  const int parts = PartAxes(context);
  if (parts > 0 && axes[0] >= RankOf(context, x)) {
    throw ImportError(StatusCode::kDataLoss, "axis " + std::to_string(axes[0]) + " of rank " +
                                                 std::to_string(RankOf(context, x) - parts));
  }
  attributes.axes = {axes[0] < 0 ? axes[0] - parts : axes[0]};
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kUnsqueeze, {x}, attributes);
}

void ConvertDepthToSpace(TfliteContext& context) {
  const ValueId x = context.Input(0);
  ops::DepthToSpaceAttributes attributes;
  attributes.block_size = context.RequiredOptions<file::DepthToSpaceOptions>().block_size();
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  context.EmitOutput(OpId::kDepthToSpace, {x}, attributes);
}

// [N, H, W, C] -> [N, H / b, W / b, b * b * C], a block's pixels side by side in its channels.
void ConvertSpaceToDepth(TfliteContext& context) {
  const ValueId x = context.Input(0);
  const TensorType type = context.TypeOf(x);
  const int64_t block = context.RequiredOptions<file::SpaceToDepthOptions>().block_size();
  RequireEqualQuantization(context, type, context.OutputType(0));
  if (type.shape.rank != 4 || !type.shape.IsConcrete()) {
    return context.Refuse(std::string("the shape ") + ShapeText(type.shape).text);
  }
  const int64_t height = type.shape[1], width = type.shape[2], channels = type.shape[3];
  if (block < 1 || height % block != 0 || width % block != 0) {
    throw ImportError(StatusCode::kDataLoss,
                      "blocks of " + std::to_string(block) + " in the shape " + ShapeText(type.shape).text);
  }
  const auto reshape_to = [&](ValueId value, const IntList& dims) {
    ops::ReshapeAttributes reshape;
    reshape.shape = dims;
    reshape.allow_zero = true;
    TensorType shaped = type;
    shaped.shape = Shape();
    for (int64_t dim : dims) shaped.shape.Push(dim);
    return context.Emit(OpId::kReshape, {value}, reshape, shaped);
  };
  const int64_t batch = type.shape[0];
  const ValueId blocks = reshape_to(x, {batch, height / block, block, width / block, block, channels});
  ops::TransposeAttributes transpose;
  transpose.perm = {0, 1, 3, 2, 4, 5};
  TensorType turned = type;
  turned.shape = {batch, height / block, width / block, block, block, channels};
  const ValueId sorted = context.Emit(OpId::kTranspose, {blocks}, transpose, turned);
  ops::ReshapeAttributes reshape;
  reshape.shape = {batch, height / block, width / block, block * block * channels};
  reshape.allow_zero = true;
  context.EmitOutput(OpId::kReshape, {sorted}, reshape);
}

void ConvertCast(TfliteContext& context) {
  if (context.file().IsComplex(context.InputTensor(0)) || context.file().IsComplex(context.OutputTensor(0))) {
    return EmitComplexCast(context);
  }
  ops::CastAttributes attributes;
  attributes.to = context.OutputType(0).dtype;
  context.EmitOutput(OpId::kCast, {context.Input(0)}, attributes);
}

}  // namespace mace::importers::tflite
