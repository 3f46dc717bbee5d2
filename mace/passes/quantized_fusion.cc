// Dequantize -> operator -> Quantize becomes the operator on integers. It is looked for at each Quantize:
// what a Dequantize feeds beside it does not matter, and the Dequantize dies with its last reader. The
// integer operator of rounding kHalfEvenFloat sums exactly and rounds once, where the three nodes may round
// several times: results differ by a unit at most, where the real number lies half-way.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/unary/unary.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"
#include "mace/passes/quantized_values.h"

namespace mace::passes {
namespace {

// The clamps between an operator and its Quantize, as one: min(max(x, low), high).
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();

  float operator()(float x) const { return std::min(std::max(x, low), high); }
};

// A bias that becomes an integer may be off by so much of an output unit.
constexpr double kBiasTolerance = 1.0 / 64;
// What kernels keep a bias in; that sums of 32 bits hold it beside the products is checked where a layer is
// lowered (lower_integer.cc).
constexpr double kLargestBias = 1 << 30;

bool IsUnary(OpId op) {
  switch (op) {
    case OpId::kLeakyRelu:
    case OpId::kSigmoid:
    case OpId::kTanh:
    case OpId::kHardSigmoid:
    case OpId::kHardSwish:
    case OpId::kSilu:
    case OpId::kGelu:
    case OpId::kErf:
    case OpId::kExp:
    case OpId::kLog:
    case OpId::kSqrt:
    case OpId::kReciprocal:
    case OpId::kNeg:
    case OpId::kAbs:
    case OpId::kFloor:
    case OpId::kCeil:
    case OpId::kRound:
    case OpId::kRsqrt:
    case OpId::kSoftplus:
    case OpId::kElu:
    case OpId::kSelu:
    case OpId::kMish:
    case OpId::kSoftsign:
    case OpId::kSign:
    case OpId::kSin:
    case OpId::kCos:
      return true;
    default:
      return false;
  }
}

// Other reductions of integers are no faster than those of floats.
bool IsSumOrBound(const Node& reduce) {
  const ops::ReduceKind kind = reduce.attributes.as<ops::ReduceAttributes>().kind;
  return kind == ops::ReduceKind::kSum || kind == ops::ReduceKind::kMean || kind == ops::ReduceKind::kMax ||
         kind == ops::ReduceKind::kMin;
}

class Fusion {
 public:
  Fusion(GraphEditor* editor, NodeId quantize)
      : editor_(*editor), graph_(editor->graph()), quantize_(quantize) {}

  void Run() {
    if (!IsOnnxQuantize(editor_, quantize_, &to_)) return;
    const ValueId y = editor_.node(quantize_).outputs[0];
    ValueId x = editor_.node(quantize_).inputs[0];
    while (PeelClamp(&x)) {
    }
    ValueId result = Compute(x);
    if (result == kNone || (result = AddClamp(result)) == kNone) return;
    editor_.ReplaceUses(y, result);
    editor_.Remove(quantize_);
  }

 private:
  // Steps over a Relu or Clip that only the Quantize needs.
  bool PeelClamp(ValueId* x) {
    if (graph_.values[*x].producer == kNone || !editor_.HasOneUse(*x)) return false;
    const Node& node = editor_.node(graph_.values[*x].producer);
    Clamp inner;
    if (node.op == OpId::kRelu) {
      inner.low = 0;
    } else if (node.op == OpId::kClip) {
      inner.low = node.attributes.as<ops::ClipAttributes>().min;
      inner.high = node.attributes.as<ops::ClipAttributes>().max;
    } else {
      return false;
    }
    clamp_ = {clamp_(std::min(inner.low, inner.high)), clamp_(inner.high)};
    *x = node.inputs[0];
    return true;
  }

  // The integers that Quantize makes of `x`, not clamped yet; kNone where they take floats to compute.
  ValueId Compute(ValueId x) {
    TensorQuantization from;
    if (const ValueId stored = DequantizedFrom(editor_, x, &from); stored != kNone) {
      return Convert(stored, from);
    }
    const NodeId id = graph_.values[x].producer;
    if (id == kNone || !editor_.HasOneUse(x)) return kNone;
    // Products of two computed matrices are not among them: the only integer kernel packs known weights.
    switch (editor_.node(id).op) {
      case OpId::kConv2d:
      case OpId::kConvTranspose2d:
      case OpId::kFullyConnected:
        return EmitLayer(id);
      case OpId::kAdd:
      case OpId::kSub:
      case OpId::kMul:
      case OpId::kDiv:
      case OpId::kMax:
      case OpId::kMin:
      case OpId::kPRelu:
        return EmitPair(id);
      case OpId::kResize:  // to the nearest it only moves elements, and keeps their scale
        if (editor_.node(id).attributes.as<ops::ResizeAttributes>().mode != ops::ResizeMode::kLinear)
          return kNone;
        return EmitSingle(id);
      case OpId::kReduce:
        return IsSumOrBound(editor_.node(id)) ? EmitSingle(id) : kNone;
      case OpId::kConcat:
        return EmitConcat(id);
      case OpId::kAveragePool2d:
      case OpId::kSoftmax:
        return EmitSingle(id);
      default:
        return IsUnary(editor_.node(id).op) ? EmitSingle(id) : kNone;
    }
  }

  ValueId Convert(ValueId stored, const TensorQuantization& from) {
    if (from.index == to_.index && from.dtype == to_.dtype) return stored;
    ops::RequantizeAttributes attributes;
    attributes.to = to_.dtype;
    attributes.rounding = ops::Rounding::kHalfEvenFloat;
    return editor_.Emit(quantize_, OpId::kRequantize, {stored}, attributes, to_.index);
  }

  // The quantized range may clamp as much by itself.
  ValueId AddClamp(ValueId result) {
    const int32_t low = to_.Store(clamp_.low), high = to_.Store(clamp_.high);
    ops::ClipAttributes attributes;
    if (to_.Holds(low - 1)) attributes.min = to_.Real(low);
    if (to_.Holds(high + 1)) attributes.max = to_.Real(high);
    if (attributes.min == ops::ClipAttributes{}.min && attributes.max == ops::ClipAttributes{}.max)
      return result;
    return editor_.Emit(quantize_, OpId::kClip, {result}, attributes, to_.index);
  }

  std::vector<ValueId> Inputs(NodeId id) const {
    return {editor_.node(id).inputs.begin(), editor_.node(id).inputs.end()};
  }
  ValueId EmitInteger(NodeId id, const std::vector<ValueId>& inputs) {
    const std::vector<ValueId> outputs = editor_.TryEmitLike(id, inputs, to_.dtype, to_.index);
    return outputs.size() == 1 ? outputs[0] : kNone;
  }

  ValueId EmitSingle(NodeId id) {
    std::vector<ValueId> inputs = Inputs(id);
    TensorQuantization from;
    inputs[0] = DequantizedFrom(editor_, inputs[0], &from);
    return inputs[0] == kNone ? kNone : EmitInteger(id, inputs);
  }

  ValueId EmitConcat(NodeId id) {
    std::vector<ValueId> inputs = Inputs(id);
    TensorQuantization from;
    for (ValueId& input : inputs) {
      input = DequantizedFrom(editor_, input, &from);
      if (input == kNone) return kNone;
    }
    return EmitInteger(id, inputs);
  }

  ValueId EmitPair(NodeId id) {
    std::vector<ValueId> inputs = Inputs(id);
    TensorQuantization from[2];
    const ValueId stored[2] = {DequantizedFrom(editor_, inputs[0], &from[0]),
                               DequantizedFrom(editor_, inputs[1], &from[1])};
    for (int i = 0; i < 2; ++i) {
      const ValueId other = stored[1 - i];
      if (stored[i] == kNone && other == kNone) return kNone;
      inputs[i] = stored[i] != kNone ? stored[i] : StoreScalar(inputs[i], from[1 - i].dtype);
      if (inputs[i] == kNone) return kNone;
    }
    return EmitInteger(id, inputs);
  }

  // A constant number as one unit of a scale of its own: exact.
  ValueId StoreScalar(ValueId value, DType dtype) {
    const TensorView* view = graph_.ConstantOf(value);
    if (view == nullptr || view->dtype != DType::kF32 || view->elements() != 1) return kNone;
    const float number = *view->as<float>();
    const float magnitude = std::abs(number);
    if (number != 0 && !(magnitude > 1e-30f && magnitude < 1e30f)) return kNone;
    TensorQuantization quantization = {dtype, kNone, number == 0 ? 1 : magnitude, number < 0 ? 1 : 0};
    quantization.index =
        Unwrap(graph_.AddQuantization({&quantization.scale, 1}, {&quantization.zero_point, 1}, kNone));
    return AddStoredScalar(&editor_, quantization, number > 0 ? 1 : 0, view->shape);
  }

  // Conv2d, ConvTranspose2d, FullyConnected: constant weights with one scale, or one for each of the output
  // channels, which come first.
  ValueId EmitLayer(NodeId id) {
    std::vector<ValueId> inputs = Inputs(id);
    TensorQuantization from;
    inputs[0] = DequantizedFrom(editor_, inputs[0], &from);
    const Node* weights = editor_.ProducerIf(inputs[1], OpId::kDequantize);
    if (inputs[0] == kNone || weights == nullptr || !editor_.IsConstant(weights->inputs[0])) return kNone;
    inputs[1] = weights->inputs[0];
    const Quantization* scales = graph_.QuantizationOf(inputs[1]);
    const int64_t channels = editor_.ShapeOf(inputs[1])[0];
    const bool per_channel = scales != nullptr && scales->axis == 0 && scales->block_size == 0 &&
                             static_cast<int64_t>(scales->scales.size()) == channels;
    if (scales == nullptr || (scales->scales.size() != 1 && !per_channel)) return kNone;
    std::vector<float> units;  // of the sums
    for (float scale : scales->scales) units.push_back(from.scale * scale);
    for (float unit : units) {
      if (!(unit > 0) || !std::isfinite(unit / to_.scale)) return kNone;
    }
    if (inputs.size() > 2 && inputs[2] != kNone) {
      inputs[2] = StoreBias(inputs[2], channels, units);
      if (inputs[2] == kNone) return kNone;
    }
    return EmitInteger(id, inputs);
  }

  // The bias as int32 in units of the sums; kNone where it is not constant or too coarse that way.
  ValueId StoreBias(ValueId bias, int64_t channels, const std::vector<float>& units) {
    const Node* dequantize = editor_.ProducerIf(bias, OpId::kDequantize);
    const ValueId constant = dequantize == nullptr ? bias : dequantize->inputs[0];
    const TensorView* view = graph_.ConstantOf(constant);
    if (view == nullptr || !(view->shape == Shape{channels})) return kNone;
    if (dequantize != nullptr && view->dtype == DType::kI32 && HasUnits(constant, units)) return constant;
    std::vector<double> reals;
    if (!ReadReals(constant, *view, dequantize != nullptr, &reals)) return kNone;
    std::vector<int32_t> stored(static_cast<size_t>(channels));
    for (size_t i = 0; i < stored.size(); ++i) {
      const float unit = units[units.size() == 1 ? 0 : i];
      const double exact = reals[i] / unit, rounded = std::nearbyint(exact);
      if (!(std::abs(rounded) <= kLargestBias)) return kNone;
      if (std::abs(rounded - exact) * unit > kBiasTolerance * to_.scale) return kNone;
      stored[i] = static_cast<int32_t>(rounded);
    }
    const ValueId value =
        Unwrap(graph_.AddConstant("", TensorView{stored.data(), DType::kI32, Shape{channels}}, true));
    const std::vector<int32_t> zero_points(units.size(), 0);
    graph_.values[value].type.quantization =
        Unwrap(graph_.AddQuantization(units, zero_points, units.size() > 1 ? 0 : kNone));
    editor_.Track();
    return value;
  }

  // True where the constant's scales are the units, but for rounding.
  bool HasUnits(ValueId constant, const std::vector<float>& units) const {
    const Quantization* scales = graph_.QuantizationOf(constant);
    if (scales == nullptr || scales->block_size != 0) return false;
    const int64_t channels = editor_.ShapeOf(constant)[0];
    for (int64_t i = 0; i < channels; ++i) {
      const size_t at = scales->scales.size() == 1 ? 0 : static_cast<size_t>(i);
      const float unit = units[units.size() == 1 ? 0 : static_cast<size_t>(i)];
      if (scales->zero_points[at] != 0 || std::abs(scales->scales[at] - unit) > 1e-6f * unit) return false;
    }
    return true;
  }

  // The numbers that a float or quantized vector stands for.
  bool ReadReals(ValueId constant, const TensorView& view, bool quantized, std::vector<double>* reals) const {
    const Quantization* scales = graph_.QuantizationOf(constant);
    if (quantized && (scales == nullptr || scales->block_size != 0)) return false;
    for (int64_t i = 0; i < view.elements(); ++i) {
      if (!quantized) {
        if (view.dtype != DType::kF32) return false;
        reals->push_back(view.as<float>()[i]);
        continue;
      }
      const size_t at = scales->scales.size() == 1 ? 0 : static_cast<size_t>(i);
      double stored = 0;
      switch (view.dtype) {
        case DType::kI32:
          stored = view.as<int32_t>()[i];
          break;
        case DType::kI8:
          stored = view.as<int8_t>()[i];
          break;
        case DType::kU8:
          stored = view.as<uint8_t>()[i];
          break;
        default:
          return false;
      }
      reals->push_back(double{scales->scales[at]} * (stored - scales->zero_points[at]));
    }
    return true;
  }

  GraphEditor& editor_;
  Graph& graph_;
  NodeId quantize_;
  TensorQuantization to_;
  Clamp clamp_;
};

}  // namespace

Status RunQuantizedFusion(Graph* graph) {
  return Guarded([&] {
    UnifyQuantizations(graph);
    GraphEditor editor(graph);
    const int count = editor.NodeCount();
    for (NodeId id = 0; id < count; ++id) {
      if (editor.IsAlive(id) && editor.node(id).op == OpId::kQuantize) Fusion(&editor, id).Run();
    }
    editor.Finish();
  });
}

}  // namespace mace::passes
