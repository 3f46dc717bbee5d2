// Complex numbers: pairs of floats on one more axis, the last one.
#include <algorithm>

#include "mace/importers/problems.h"
#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/signal/signal.h"

namespace mace::importers::tensorflow {
namespace {

// Operators that take or give complex numbers, those of elements among them, which take pairs as they are.
constexpr std::string_view kComplexOperators[] = {
    "Add",   "AddV2",   "Complex",  "ComplexAbs", "Conj", "Const", "FFT",  "FFT2D",  "IFFT", "IFFT2D",
    "IRFFT", "IRFFT2D", "Identity", "Imag",       "Mul",  "Neg",   "RFFT", "RFFT2D", "Real", "Sub"};
constexpr std::string_view kComplexMakers[] = {"Complex", "FFT", "FFT2D", "IFFT", "IFFT2D", "RFFT", "RFFT2D"};
constexpr std::string_view kRealMakers[] = {"ComplexAbs", "IRFFT", "IRFFT2D", "Imag", "Real"};

// What operators of texts are called, or begin with: most have no attribute that tells.
constexpr std::string_view kTextOperators[] = {
    "AsString",         "Decode",      "Encode",   "HashTable",  "LookupTable",
    "MutableHashTable", "Parse",       "ReadFile", "ReduceJoin", "RegexFullMatch",
    "RegexReplace",     "StaticRegex", "String",   "Substr",     "Unicode"};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool HasComplexType(const NodeProto& node) {
  return std::ranges::any_of(node.attributes, [](const AttributeValue& value) {
    return value.type.has_value() && PartTypeOfTensorflow(*value.type) != DType::kInvalid;
  });
}

bool IsOfText(const NodeProto& node) {
  return std::ranges::any_of(kTextOperators,
                             [&](std::string_view name) { return node.op.starts_with(name); }) ||
         std::ranges::any_of(node.attributes, [](const AttributeValue& value) {
           return value.type == kTensorflowString || std::ranges::count(value.types, kTensorflowString) > 0;
         });
}

ValueId Paired(Call& call, ValueId value) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = {-1};
  return call.g.Emit(OpId::kUnsqueeze, {value}, attributes);
}

// Without the last axis, which has one element.
ValueId Alone(Call& call, ValueId value) {
  ops::SqueezeAttributes attributes;
  attributes.axes = {-1};
  return call.g.Emit(OpId::kSqueeze, {value}, attributes);
}

// One part of each number, still with its axis.
ValueId PartOf(Call& call, ValueId value, int64_t part) { return SliceAxis(call, value, -1, part, part + 1); }

ValueId Joined(Call& call, ValueId real, ValueId imaginary) {
  ops::ConcatAttributes attributes;
  attributes.axis = -1;
  return call.g.Emit(OpId::kConcat, {real, imaginary}, attributes);
}

}  // namespace

std::string ActionForNode(const NodeProto& node, bool is_unknown) {
  if (IsOfText(node)) return kTextAction;
  return is_unknown ? "convert the part before it (--output_tensor, outputs=...), or replace it by supported "
                      "operators"
                    : "change the model here, or convert the part before it (--output_tensor, outputs=...)";
}

void RefuseComplex(const NodeProto& node) {
  if (Contains(kComplexOperators, node.op) || !HasComplexType(node)) return;
  throw ImportError(Unsupported(
      "complex numbers, which Fourier transforms, Complex, Real, Imag, ComplexAbs, Conj, Neg, sums, "
      "differences and products take"));
}

bool GivesComplex(const NodeProto& node) {
  if (Contains(kRealMakers, node.op)) return false;
  return Contains(kComplexMakers, node.op) || HasComplexType(node);
}

// Of two axes the last one, along which reals have half of the frequencies, comes first on the way to these
// and last on the way back.
Results ConvertFourier(Call& call, const TensorflowOp& entry) {
  const bool is_inverse = (entry.variant & kInverse) != 0, has_reals = (entry.variant & kRealSide) != 0;
  const int axes = (entry.variant & kTwoAxes) != 0 ? 2 : 1;
  ValueId value = call.In(0);
  if (has_reals && !is_inverse) value = Paired(call, value);
  const ValueId lengths = has_reals ? AsInt64(call, call.In(1)) : kNone;
  for (int step = 0; step < axes; ++step) {
    const int axis = is_inverse ? step + 1 - axes : -step;  // 0 or -1, from the last one
    ops::DftAttributes attributes;
    attributes.inverse = is_inverse;
    attributes.onesided = has_reals && axis == 0;
    attributes.axis = axis - 2;
    const int64_t place = axes - 1 + axis;
    const ValueId length = has_reals ? SliceAxis(call, lengths, 0, place, place + 1) : kNone;
    value = call.g.Emit(OpId::kDft, {value, length}, attributes);
  }
  return {has_reals && is_inverse ? Alone(call, value) : value};
}

// The parts are broadcast to each other.
Results ConvertComplex(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ValueId parts[] = {call.In(0), call.In(1)};
  const Shape shapes[] = {g.ShapeOf(parts[0]), g.ShapeOf(parts[1])};
  if (!(shapes[0] == shapes[1]) || shapes[0].ElementCount() < 0) {
    parts[0] = g.Emit(OpId::kExpand, {parts[0], ShapeValue(call, parts[1])});
    parts[1] = g.Emit(OpId::kExpand, {parts[1], ShapeValue(call, parts[0])});
  }
  return {Joined(call, Paired(call, parts[0]), Paired(call, parts[1]))};
}

Results ConvertComplexPart(Call& call, const TensorflowOp& entry) {
  return {Alone(call, PartOf(call, call.In(0), entry.variant))};
}

// In double, where squares of floats neither overflow nor vanish.
Results ConvertComplexAbs(Call& call, const TensorflowOp& entry) {
  ops::ReduceAttributes attributes;
  attributes.kind = ops::ReduceKind::kL2;
  attributes.axes = {-1};
  attributes.keep_dims = false;
  const DType dtype = call.g.DTypeOf(call.In(0));
  return {call.g.Cast(call.g.Emit(OpId::kReduce, {call.g.Cast(call.In(0), DType::kF64)}, attributes), dtype)};
}

Results ConvertConjugate(Call& call, const TensorflowOp& entry) {
  if (!HasComplexType(call.node) && call.node.Find("T") != nullptr) return {call.In(0)};  // of reals
  const ValueId imaginary = call.g.Emit(OpId::kNeg, {PartOf(call, call.In(0), 1)});
  return {Joined(call, PartOf(call, call.In(0), 0), imaginary)};
}

Results ConvertProduct(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId a = call.In(0), b = call.In(1);
  if (!HasComplexType(call.node)) return {g.Emit(OpId::kMul, {a, b})};
  const auto product = [&](int64_t a_part, int64_t b_part) {
    return g.Emit(OpId::kMul, {PartOf(call, a, a_part), PartOf(call, b, b_part)});
  };
  const ValueId real = g.Emit(OpId::kSub, {product(0, 0), product(1, 1)});
  const ValueId imaginary = g.Emit(OpId::kAdd, {product(0, 1), product(1, 0)});
  return {Joined(call, real, imaginary)};
}

}  // namespace mace::importers::tensorflow
