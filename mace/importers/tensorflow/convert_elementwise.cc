// Constants, and operators that compute element by element.
#include <algorithm>
#include <cmath>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/ops/unary/unary.h"
#include "mace/ops/unary/unary_math.h"

namespace mace::importers::tensorflow {

Results ConvertConst(Call& call, const TensorflowOp& entry) {
  const AttributeValue* value = call.node.Find("value");
  if (value == nullptr || value->tensor == nullptr) throw ImportError(DataLoss("a constant without a value"));
  std::vector<uint8_t> bytes;
  return {call.g.AddConstant({}, MakeTensor(*value->tensor, &call.g, &bytes))};
}

Results ConvertNothing(Call& call, const TensorflowOp& entry) { return {}; }

Results ConvertIdentity(Call& call, const TensorflowOp& entry) {
  if (entry.variant == 1) return {call.In(0)};  // more inputs than outputs
  call.In(0);
  return call.inputs;
}

Results ConvertUnary(Call& call, const TensorflowOp& entry) { return {call.g.Emit(entry.op, {call.In(0)})}; }

Results ConvertUnaryMath(Call& call, const TensorflowOp& entry) {
  ops::UnaryMathAttributes attributes;
  attributes.kind = static_cast<ops::UnaryMathKind>(entry.variant);
  return {call.g.Emit(OpId::kUnaryMath, {call.In(0)}, attributes)};
}

namespace {

// log(1 + x), exact where x is small: W. Kahan's way by the error of 1 + x (N. Higham, "Accuracy and
// Stability of Numerical Algorithms", 2002, section 1.14.1).
ValueId Log1p(GraphBuilder& g, ValueId x) {
  const ValueId one = g.Scalar(1, g.DTypeOf(x));
  const ValueId u = g.Emit(OpId::kAdd, {x, one});
  const ValueId log = g.Emit(OpId::kLog, {u});
  const ValueId ratio = g.Emit(OpId::kDiv, {x, g.Emit(OpId::kSub, {u, one})});
  const ValueId corrected = g.Emit(OpId::kMul, {log, ratio});
  const ValueId large = g.Emit(OpId::kWhere, {g.Emit(OpId::kEqual, {u, x}), log, corrected});
  return g.Emit(OpId::kWhere, {g.Emit(OpId::kEqual, {u, one}), x, large});
}

ValueId Expm1(GraphBuilder& g, ValueId x) {
  const ValueId one = g.Scalar(1, g.DTypeOf(x));
  const ValueId u = g.Emit(OpId::kExp, {x});
  const ValueId difference = g.Emit(OpId::kSub, {u, one});
  const ValueId ratio = g.Emit(OpId::kDiv, {x, g.Emit(OpId::kLog, {u})});
  const ValueId corrected = g.Emit(OpId::kMul, {difference, ratio});
  const ValueId is_large = g.Emit(OpId::kGreater, {g.Emit(OpId::kAbs, {x}), one});
  const ValueId large = g.Emit(OpId::kWhere, {is_large, difference, corrected});
  return g.Emit(OpId::kWhere, {g.Emit(OpId::kEqual, {u, one}), x, large});
}

ValueId Filled(GraphBuilder& g, ValueId x, double element) {
  ops::ConstantOfShapeAttributes attributes;
  attributes.dtype = g.DTypeOf(x);
  attributes.float_value = static_cast<float>(element);
  attributes.int_value = static_cast<int64_t>(element);
  return g.Emit(OpId::kConstantOfShape, {g.Emit(OpId::kShape, {x}, ops::ShapeAttributes{})}, attributes);
}

ValueId Inverted(GraphBuilder& g, ValueId x) {
  int64_t all = -1;
  ops::BitwiseAttributes attributes;
  attributes.kind = ops::BitwiseKind::kXor;
  const ValueId ones = g.AddConstant({}, TensorView{&all, DType::kI64, Shape{}});
  return g.Emit(OpId::kBitwise, {x, g.Cast(ones, g.DTypeOf(x))}, attributes);
}

}  // namespace

Results ConvertComposed(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId x = call.In(0);
  const DType dtype = g.DTypeOf(x);
  switch (entry.variant) {
    case kSquare:
      return {g.Emit(OpId::kMul, {x, x})};
    case kExpm1:
      return {Expm1(g, x)};
    case kLog1p:
      return {Log1p(g, x)};
    case kErfc:
      return {g.Emit(OpId::kSub, {g.Scalar(1, dtype), g.Emit(OpId::kErf, {x})})};
    case kRelu6: {
      ops::ClipAttributes attributes;
      attributes.min = 0;
      attributes.max = 6;
      return {g.Emit(OpId::kClip, {x}, attributes)};
    }
    case kIsNan:
      return {g.Emit(OpId::kNot, {g.Emit(OpId::kEqual, {x, x})})};
    case kIsInf:
      return {g.Emit(OpId::kEqual, {g.Emit(OpId::kAbs, {x}), g.Scalar(HUGE_VAL, dtype)})};
    case kIsFinite:
      return {g.Emit(OpId::kLess, {g.Emit(OpId::kAbs, {x}), g.Scalar(HUGE_VAL, dtype)})};
    case kL2Loss: {
      ops::ReduceAttributes attributes;
      attributes.kind = ops::ReduceKind::kSumSquare;
      attributes.keep_dims = false;
      return {g.Emit(OpId::kMul, {g.Emit(OpId::kReduce, {x}, attributes), g.Scalar(0.5, dtype)})};
    }
    case kInvert:
      return {Inverted(g, x)};
    case kOnesLike:
      return {Filled(g, x, 1)};
    case kZerosLike:
      return {Filled(g, x, 0)};
    default:
      throw ImportError(Internal("unary form %d", entry.variant));
  }
}

Results ConvertLeakyRelu(Call& call, const TensorflowOp& entry) {
  ops::LeakyReluAttributes attributes;
  attributes.alpha = call.Float("alpha", 0.2f);
  return {call.g.Emit(OpId::kLeakyRelu, {call.In(0)}, attributes)};
}

Results ConvertBinary(Call& call, const TensorflowOp& entry) {
  return {call.g.Emit(entry.op, {call.In(0), call.In(1)})};
}

Results ConvertBitwise(Call& call, const TensorflowOp& entry) {
  ops::BitwiseAttributes attributes;
  attributes.kind = static_cast<ops::BitwiseKind>(entry.variant);
  return {call.g.Emit(OpId::kBitwise, {call.In(0), call.In(1)}, attributes)};
}

Results ConvertMod(Call& call, const TensorflowOp& entry) {
  ops::ModAttributes attributes;
  attributes.truncated = entry.variant != 0;
  return {call.g.Emit(OpId::kMod, {call.In(0), call.In(1)}, attributes)};
}

namespace {

// 0 where `test` is 0, else `value`.
ValueId UnlessZero(GraphBuilder& g, ValueId test, ValueId value) {
  const ValueId zero = g.Scalar(0, g.DTypeOf(test));
  return g.Emit(OpId::kWhere, {g.Emit(OpId::kEqual, {test, zero}), zero, value});
}

ValueId Atan2(GraphBuilder& g, ValueId y, ValueId x) {
  const DType dtype = g.DTypeOf(x);
  const ValueId zero = g.Scalar(0, dtype);
  ops::UnaryMathAttributes attributes;
  attributes.kind = ops::UnaryMathKind::kAtan;
  const ValueId angle = g.Emit(OpId::kUnaryMath, {g.Emit(OpId::kDiv, {y, x})}, attributes);
  const ValueId is_below = g.Emit(OpId::kLess, {y, zero});
  const ValueId turn = g.Emit(OpId::kWhere, {is_below, g.Scalar(-M_PI, dtype), g.Scalar(M_PI, dtype)});
  const ValueId is_left = g.Emit(OpId::kLess, {x, zero});
  const ValueId turned = g.Emit(OpId::kAdd, {angle, g.Emit(OpId::kWhere, {is_left, turn, zero})});
  const ValueId is_origin =
      g.Emit(OpId::kAnd, {g.Emit(OpId::kEqual, {x, zero}), g.Emit(OpId::kEqual, {y, zero})});
  return g.Emit(OpId::kWhere, {is_origin, zero, turned});
}

ValueId FloorDiv(GraphBuilder& g, ValueId a, ValueId b) {
  if (IsFloat(g.DTypeOf(a))) return g.Emit(OpId::kFloor, {g.Emit(OpId::kDiv, {a, b})});
  const ValueId rest = g.Emit(OpId::kMod, {a, b}, ops::ModAttributes{});
  return g.Emit(OpId::kDiv, {g.Emit(OpId::kSub, {a, rest}), b});
}

}  // namespace

Results ConvertComposedBinary(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId a = call.In(0), b = call.In(1);
  switch (entry.variant) {
    case kNotEqual:
      return {g.Emit(OpId::kNot, {g.Emit(OpId::kEqual, {a, b})})};
    case kFloorDiv:
      return {FloorDiv(g, a, b)};
    case kTruncateDiv:
      return {g.Emit(OpId::kDiv, {a, b})};
    case kDivNoNan:
      return {UnlessZero(g, b, g.Emit(OpId::kDiv, {a, b}))};
    case kMulNoNan:
      return {UnlessZero(g, b, g.Emit(OpId::kMul, {a, b}))};
    case kXdivy:
      return {UnlessZero(g, a, g.Emit(OpId::kDiv, {a, b}))};
    case kXlogyForm:
      return {UnlessZero(g, a, g.Emit(OpId::kMul, {a, g.Emit(OpId::kLog, {b})}))};
    case kAtan2:
      return {Atan2(g, a, b)};
    default:
      throw ImportError(Internal("binary form %d", entry.variant));
  }
}

Results ConvertAddN(Call& call, const TensorflowOp& entry) {
  ValueId sum = call.In(0);
  for (size_t i = 1; i < call.count(); ++i) sum = call.g.Emit(OpId::kAdd, {sum, call.In(i)});
  return {sum};
}

Results ConvertSelect(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  ValueId condition = call.In(0);
  if (entry.variant == 1) {  // of 1.x: a vector chooses rows
    const int rank = g.RankOf(call.In(1));
    if (g.RankOf(condition) == 1 && rank != 1) {
      if (rank < 1) throw ImportError(Unsupported("the rank of its operands is not known"));
      std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
      shape[0] = -1;
      condition = g.Reshaped(condition, shape);
    }
  }
  return {g.Emit(OpId::kWhere, {condition, call.In(1), call.In(2)})};
}

Results ConvertCast(Call& call, const TensorflowOp& entry) {
  return {call.g.Cast(call.In(0), call.Type("DstT", DType::kF32))};
}

Results ConvertBitcast(Call& call, const TensorflowOp& entry) {
  ops::BitCastAttributes attributes;
  attributes.to = call.Type("type", DType::kF32);
  return {call.g.Emit(OpId::kBitCast, {call.In(0)}, attributes)};
}

Results ConvertClipByValue(Call& call, const TensorflowOp& entry) {
  const ValueId high = call.g.Emit(OpId::kMin, {call.In(0), call.In(2)});
  return {call.g.Emit(OpId::kMax, {high, call.In(1)})};
}

namespace {

// The range [min, max] with its zero on a step, as TensorFlow nudges it.
struct NudgedRange {
  float min, max, scale;
};
NudgedRange Nudged(float min, float max, int64_t bits, bool narrow) {
  const auto low = narrow ? 1.0f : 0.0f;
  const auto high = static_cast<float>((int64_t{1} << bits) - 1);
  const float scale = (max - min) / (high - low);
  if (!(scale > 0)) throw ImportError(Unsupported("the range %g to %g is empty", min, max));
  const float zero = std::clamp(std::round(low - min / scale), low, high);
  return {(low - zero) * scale, (high - zero) * scale, scale};
}

std::vector<float> ConstantFloats(Call& call, ValueId value) {
  const TensorView* view = call.g.graph().ConstantOf(value);
  if (view == nullptr || view->dtype != DType::kF32) {
    throw ImportError(Unsupported("a range that is computed at run time"));
  }
  return {view->as<float>(), view->as<float>() + view->elements()};
}

}  // namespace

Results ConvertFakeQuant(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int64_t bits = call.Int("num_bits", 8);
  if (bits < 2 || bits > 16) throw ImportError(DataLoss("%lld bits", static_cast<long long>(bits)));
  std::vector<float> low = {call.Float("min", -6)}, high = {call.Float("max", 6)};
  Shape shape;
  if (entry.variant != 0) {
    low = ConstantFloats(call, call.In(1));
    high = ConstantFloats(call, call.In(2));
    shape = g.ShapeOf(call.In(1));
  }
  if (low.size() != high.size() || static_cast<int64_t>(low.size()) != shape.ElementCount()) {
    throw ImportError(DataLoss("ranges of %zu and %zu numbers", low.size(), high.size()));
  }
  std::vector<float> scale(low.size());
  for (size_t i = 0; i < low.size(); ++i) {
    const NudgedRange range = Nudged(low[i], high[i], bits, call.Bool("narrow_range", false));
    low[i] = range.min;
    high[i] = range.max;
    scale[i] = range.scale;
  }
  const ValueId min = g.Floats(low, shape), max = g.Floats(high, shape), step = g.Floats(scale, shape);
  const ValueId inside = g.Emit(OpId::kMin, {g.Emit(OpId::kMax, {call.In(0), min}), max});
  const ValueId steps = g.Emit(OpId::kDiv, {g.Emit(OpId::kSub, {inside, min}), step});
  const ValueId whole = g.Emit(OpId::kFloor, {g.Emit(OpId::kAdd, {steps, g.Scalar(0.5, DType::kF32)})});
  return {g.Emit(OpId::kAdd, {g.Emit(OpId::kMul, {whole, step}), min})};
}

}  // namespace mace::importers::tensorflow
