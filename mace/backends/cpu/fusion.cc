#include "mace/backends/cpu/fusion.h"

#include <algorithm>
#include <cmath>

#include "mace/graph/op_definition.h"
#include "mace/ops/binary/binary.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/unary/unary.h"

namespace mace::cpu {
namespace {

using kernels::PostOpKind;

constexpr float kInfinity = __builtin_huge_valf();

// The value of a known tensor of one f32 element.
bool KnownScalar(const TensorView* view, float* value) {
  if (view == nullptr || view->dtype != DType::kF32 || view->elements() != 1) return false;
  *value = view->as<const float>()[0];
  return true;
}

// Shapes are equal but for leading axes of size 1.
bool SameRows(const Shape& a, const Shape& b) {
  int i = a.rank - 1, j = b.rank - 1;
  for (; i >= 0 && j >= 0; --i, --j) {
    if (a[i] != b[j]) return false;
  }
  for (; i >= 0; --i) {
    if (a[i] != 1) return false;
  }
  for (; j >= 0; --j) {
    if (b[j] != 1) return false;
  }
  return true;
}

// `operand` is one value per channel (last axis) of `shape`.
bool IsPerChannel(const Shape& operand, const Shape& shape) {
  if (shape.rank == 0 || operand.rank == 0 || operand.rank > shape.rank) return false;
  const int64_t channels = shape[shape.rank - 1];
  return operand[operand.rank - 1] == channels && operand.Product(0, operand.rank - 1) == 1;
}

bool IsNear(float a, float b) { return std::fabs(a - b) <= 1e-6f * std::fabs(b); }

// A power of two, whose reciprocal is one too.
bool HasExactReciprocal(float number) {
  int exponent = 0;
  return std::isnormal(number) && std::isnormal(1.0f / number) &&
         std::fabs(std::frexp(number, &exponent)) == 0.5f;
}

// Whose quantized form saturates its output to the bounds of its cluster.
bool TakesClamp(OpId op) {
  switch (op) {
    case OpId::kConv2d:
    case OpId::kFullyConnected:
    case OpId::kAdd:
    case OpId::kSub:
    case OpId::kMul:
    case OpId::kAveragePool2d:
    case OpId::kMaxPool2d:
      return true;
    default:
      return false;
  }
}

// None, or one scale for the whole tensor: then the position of an element is of no account.
bool IsPerTensor(const Quantization* quantization) {
  return quantization == nullptr || (quantization->scales.size() == 1 && quantization->block_size == 0);
}

bool IsByte(DType dtype) { return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kBool; }

FusedOp ScalarOp(PostOpKind kind, float a, float b = 0.0f) { return {kind, a, b, kNone, false}; }

}  // namespace

bool Fusion::IsF32(ValueId value) const { return value != kNone && plan_->types[value].dtype == DType::kF32; }

Status Fusion::FindConsumers(const GroupView& group) {
  const Graph& graph = *plan_->graph;
  MACE_RETURN_IF_ERROR(consumer_begin_.Resize(graph.values.size() + 1));
  MACE_RETURN_IF_ERROR(leaves_group_.Resize(graph.values.size()));
  for (ValueId value : group.outputs) leaves_group_[value] = true;
  for (NodeId id : group.nodes) {
    for (ValueId value : graph.nodes[id].inputs) {
      if (value != kNone) ++consumer_begin_[value + 1];
    }
  }
  for (size_t v = 0; v < graph.values.size(); ++v) consumer_begin_[v + 1] += consumer_begin_[v];
  MACE_RETURN_IF_ERROR(consumers_.Resize(consumer_begin_[graph.values.size()]));
  Vector<int32_t> next;
  MACE_RETURN_IF_ERROR(next.Assign(consumer_begin_.data(), graph.values.size()));
  for (NodeId id : group.nodes) {
    for (ValueId value : graph.nodes[id].inputs) {
      if (value != kNone) consumers_[next[value]++] = id;
    }
  }
  return Status::Ok();
}

std::span<const NodeId> Fusion::ConsumersOf(ValueId value) const {
  return consumers_.span().subspan(consumer_begin_[value],
                                   consumer_begin_[value + 1] - consumer_begin_[value]);
}

NodeId Fusion::OnlyConsumer(ValueId value) const {
  const auto consumers = ConsumersOf(value);
  if (consumers.size() != 1 || leaves_group_[value] || !IsFree(consumers[0])) return kNone;
  return consumers[0];
}

bool Fusion::MatchActivation(const Node& node, FusedOp* op) const {
  switch (node.op) {
    case OpId::kRelu:
      *op = ScalarOp(PostOpKind::kRelu, 0.0f);
      return true;
    case OpId::kClip: {
      const auto& attributes = node.attributes.as<ops::ClipAttributes>();
      *op = ScalarOp(PostOpKind::kClip, attributes.min, attributes.max);
      return true;
    }
    case OpId::kLeakyRelu:
      *op = ScalarOp(PostOpKind::kLeakyRelu, node.attributes.as<ops::LeakyReluAttributes>().alpha);
      return true;
    case OpId::kSigmoid:
      *op = ScalarOp(PostOpKind::kSigmoid, 0.0f);
      return true;
    case OpId::kTanh:
      *op = ScalarOp(PostOpKind::kTanh, 0.0f);
      return true;
    case OpId::kHardSigmoid: {
      const auto& attributes = node.attributes.as<ops::HardSigmoidAttributes>();
      *op = ScalarOp(PostOpKind::kHardSigmoid, attributes.alpha, attributes.beta);
      return true;
    }
    case OpId::kHardSwish:
      *op = ScalarOp(PostOpKind::kHardSwish, 0.0f);
      return true;
    case OpId::kSilu:
      *op = ScalarOp(PostOpKind::kSilu, 0.0f);
      return true;
    case OpId::kGelu:
      *op = ScalarOp(PostOpKind::kGelu, 0.0f);
      return !node.attributes.as<ops::GeluAttributes>().tanh_approximation;
    case OpId::kErf:
      *op = ScalarOp(PostOpKind::kErf, 0.0f);
      return true;
    case OpId::kNeg:
      *op = ScalarOp(PostOpKind::kMulScalar, -1.0f);
      return true;
    default:
      return false;
  }
}

// A binary operator whose other side is a scalar, a value per channel, or a tensor of the same shape.
bool Fusion::MatchBinary(const Node& node, ValueId chain, Match* match) const {
  if (node.inputs.size() != 2) return false;
  const bool chain_is_first = node.inputs[0] == chain;
  const ValueId other = node.inputs[chain_is_first ? 1 : 0];
  if (other == chain || !IsF32(other)) return false;
  const Shape& shape = plan_->types[chain].shape;
  const Shape& other_shape = plan_->types[other].shape;
  FusedOp* ops = match->ops;
  float scalar = 0.0f;
  if (KnownScalar(plan_->known[other], &scalar)) {
    match->op_count = 1;
    switch (node.op) {
      case OpId::kAdd:
        ops[0] = ScalarOp(PostOpKind::kAddScalar, scalar);
        return true;
      case OpId::kSub:
        ops[0] = ScalarOp(PostOpKind::kAddScalar, chain_is_first ? -scalar : scalar);
        if (!chain_is_first) {  // s - v = -v + s
          ops[1] = ops[0];
          ops[0] = ScalarOp(PostOpKind::kMulScalar, -1.0f);
          match->op_count = 2;
        }
        return true;
      case OpId::kMul:
        ops[0] = ScalarOp(PostOpKind::kMulScalar, scalar);
        return true;
      case OpId::kDiv:
        ops[0] = HasExactReciprocal(scalar) ? ScalarOp(PostOpKind::kMulScalar, 1.0f / scalar)
                                            : ScalarOp(PostOpKind::kDivScalar, scalar);
        return chain_is_first;
      case OpId::kMax:
        ops[0] = ScalarOp(PostOpKind::kClip, scalar, kInfinity);
        return !std::isnan(scalar);
      case OpId::kMin:
        ops[0] = ScalarOp(PostOpKind::kClip, -kInfinity, scalar);
        return !std::isnan(scalar);
      case OpId::kPRelu:
        ops[0] = ScalarOp(PostOpKind::kLeakyRelu, scalar);
        return chain_is_first;
      default:
        return false;
    }
  }
  FusedOp& op = ops[0];
  match->op_count = 1;
  op.operand = other;
  op.per_channel = !SameRows(other_shape, shape);
  if (op.per_channel && !IsPerChannel(other_shape, shape)) return false;
  switch (node.op) {
    case OpId::kAdd:
      op.kind = PostOpKind::kAdd;
      return true;
    case OpId::kSub:
      op.kind = chain_is_first ? PostOpKind::kSub : PostOpKind::kReverseSub;
      return true;
    case OpId::kMul:
      op.kind = PostOpKind::kMul;
      return true;
    case OpId::kPRelu:
      op.kind = PostOpKind::kPRelu;
      return chain_is_first;
    default:
      return false;
  }
}

// `id`, which reads `chain`, as post-ops of it.
bool Fusion::MatchNode(NodeId id, ValueId chain, Match* match) const {
  const Node& node = plan_->graph->nodes[id];
  if (!IsFree(id) || node.outputs.size() != 1 || !IsF32(chain) || !IsF32(node.outputs[0])) return false;
  if (!(plan_->types[node.outputs[0]].shape == plan_->types[chain].shape)) return false;
  *match = Match();
  match->node_count = 1;
  match->nodes[0] = id;
  match->output = node.outputs[0];
  if (node.inputs.size() == 1 && MatchActivation(node, &match->ops[0])) {
    match->op_count = 1;
    return true;
  }
  return MatchBinary(node, chain, match);
}

// x * gate(x), which files spell out: SiLU, hard swish and GELU. `first` is the gate's first node.
bool Fusion::MatchGate(NodeId first, ValueId chain, Match* match) const {
  FusedOp ops[5];
  int32_t count = 0;
  *match = Match();
  ValueId value = chain;
  NodeId id = first;
  for (; count < 5; ++count) {
    const Node& node = plan_->graph->nodes[id];
    if (count > 0 && node.op == OpId::kMul && (node.inputs[0] == chain || node.inputs[1] == chain)) break;
    Match step;
    if (!MatchNode(id, value, &step) || step.op_count != 1 || step.ops[0].operand != kNone) return false;
    ops[count] = step.ops[0];
    match->nodes[match->node_count++] = id;
    value = step.output;
    id = OnlyConsumer(value);
    if (id == kNone) return false;
  }
  if (count == 0 || count == 5) return false;
  // Now `id` is the product. What may follow it belongs to the spelling.
  match->nodes[match->node_count++] = id;
  match->output = plan_->graph->nodes[id].outputs[0];
  if (!IsF32(match->output) || !(plan_->types[match->output].shape == plan_->types[chain].shape))
    return false;
  const auto is = [&](int i, PostOpKind kind, float a) { return ops[i].kind == kind && IsNear(ops[i].a, a); };
  // Files multiply by 1 / 6 or divide by 6. The activation's own kernel is as near to it either way.
  const auto is_factor = [](const FusedOp& op, float factor) {
    return (op.kind == PostOpKind::kMulScalar && IsNear(op.a, factor)) ||
           (op.kind == PostOpKind::kDivScalar && IsNear(op.a, 1.0f / factor));
  };
  const auto take_factor = [&](float factor) {
    const NodeId next = OnlyConsumer(match->output);
    Match step;
    if (next == kNone || !MatchNode(next, match->output, &step)) return false;
    if (step.op_count != 1 || !is_factor(step.ops[0], factor)) return false;
    match->nodes[match->node_count++] = next;
    match->output = step.output;
    return true;
  };
  match->op_count = 1;
  if (count == 1 && ops[0].kind == PostOpKind::kSigmoid) {
    match->ops[0] = ScalarOp(PostOpKind::kSilu, 0.0f);
    return true;
  }
  if (count == 1 && is(0, PostOpKind::kHardSigmoid, 1.0f / 6.0f) && ops[0].b == 0.5f) {
    match->ops[0] = ScalarOp(PostOpKind::kHardSwish, 0.0f);
    return true;
  }
  if (count >= 2 && is(0, PostOpKind::kAddScalar, 3.0f) && ops[1].kind == PostOpKind::kClip &&
      ops[1].a == 0.0f && ops[1].b == 6.0f) {
    match->ops[0] = ScalarOp(PostOpKind::kHardSwish, 0.0f);
    if (count == 3) return is_factor(ops[2], 1.0f / 6.0f);
    return count == 2 && take_factor(1.0f / 6.0f);
  }
  if (count >= 3 && is_factor(ops[0], 0.70710678f) && ops[1].kind == PostOpKind::kErf &&
      is(2, PostOpKind::kAddScalar, 1.0f)) {
    match->ops[0] = ScalarOp(PostOpKind::kGelu, 0.0f);
    if (count == 4) return is_factor(ops[3], 0.5f);
    return count == 3 && take_factor(0.5f);
  }
  return false;
}

// What may join behind `chain`, which then is stored nowhere.
bool Fusion::MatchNext(ValueId chain, Match* match) const {
  if (leaves_group_[chain]) return false;
  const auto consumers = ConsumersOf(chain);
  if (consumers.size() == 1) return MatchNode(consumers[0], chain, match);
  if (consumers.size() == 2) {
    return MatchGate(consumers[0], chain, match) || MatchGate(consumers[1], chain, match);
  }
  return false;
}

bool Fusion::IsProducer(const Node& node) const {
  switch (node.op) {
    case OpId::kConv2d:
    case OpId::kConvTranspose2d:
    case OpId::kFullyConnected:
    case OpId::kMatMul:
    case OpId::kBlockMatMul:
      return node.outputs.size() == 1 && IsF32(node.inputs[0]) && IsF32(node.outputs[0]);
    default:
      return false;
  }
}

void Fusion::JoinClamp(Cluster* cluster) const {
  const Graph& graph = *plan_->graph;
  const Node& node = graph.nodes[cluster->nodes[0]];
  if (!TakesClamp(node.op) || cluster->output == kNone) return;
  const NodeId id = OnlyConsumer(cluster->output);
  if (id == kNone || (graph.nodes[id].op != OpId::kClip && graph.nodes[id].op != OpId::kRelu)) return;
  const ValueId clamped = graph.nodes[id].outputs[0];
  const Quantization* before = graph.QuantizationOf(cluster->output);
  const Quantization* behind = graph.QuantizationOf(clamped);
  if (before == nullptr || behind == nullptr || before->scales.size() != 1 || behind->scales.size() != 1 ||
      before->scales[0] != behind->scales[0] || before->zero_points[0] != behind->zero_points[0] ||
      plan_->types[clamped].dtype != plan_->types[cluster->output].dtype) {
    return;
  }
  cluster->has_clamp = true;
  cluster->nodes[cluster->node_count++] = id;
  cluster->output = clamped;
}

// A convolution makes the rows that a pooled row sees right before it is made. That spares the way to memory
// and back of a map that is larger than the cache, and costs the weights' way from the cache for every few
// rows. Rows that two pooled rows see are made twice where another thread makes the other one.
bool Fusion::PaysToPool(const Node& convolution, const Node& pool) const {
  constexpr int64_t kLeastMapFloats = 64 * 1024, kMostWeights = 64 * 1024, kMostHeldFloats = 128 * 1024;
  constexpr int64_t kLeastRows = 8;
  const Shape& weights = plan_->types[convolution.inputs[1]].shape;
  const Shape& map = plan_->types[convolution.outputs[0]].shape;
  const Shape& pooled = plan_->types[pool.outputs[0]].shape;
  const auto& window = pool.attributes.as<ops::MaxPool2dAttributes>();
  if (map.rank != 4 || pooled.rank != 4 || weights.rank != 4) return false;
  const bool is_depthwise = weights[3] == 1 && plan_->types[convolution.inputs[0]].shape[3] > 1;
  if (is_depthwise || pooled[1] < kLeastRows || window.kernel[0] > kLeastRows ||
      window.strides[0] > kLeastRows || window.dilations[0] != 1) {
    return false;
  }
  if (num_threads_ > 1 && window.kernel[0] > window.strides[0]) return false;
  const int64_t row = map.Product(2, 4);
  return row <= kMostHeldFloats && (window.kernel[0] + window.strides[0]) * row <= kMostHeldFloats &&
         map.Product(1, 4) >= kLeastMapFloats && weights.ElementCount() <= kMostWeights;
}

// The MaxPool2d that the cluster's convolution can do along the way, or kNone.
NodeId Fusion::MatchMaxPool(const Cluster& cluster) const {
  const Node& convolution = plan_->graph->nodes[cluster.nodes[0]];
  if (convolution.op != OpId::kConv2d || cluster.node_count == Cluster::kMaxNodes) return kNone;
  const NodeId id = OnlyConsumer(cluster.output);
  if (id == kNone) return kNone;
  const Node& pool = plan_->graph->nodes[id];
  const bool fits = pool.op == OpId::kMaxPool2d && pool.outputs.size() == 1 && IsF32(pool.outputs[0]);
  return fits && PaysToPool(convolution, pool) ? id : kNone;
}

// As it is.
Status Fusion::Close(const Cluster& cluster) {
  for (int i = 0; i < cluster.node_count; ++i) {
    cluster_of_[cluster.nodes[i]] = static_cast<int32_t>(open_.size());
  }
  return open_.PushBack(cluster);
}

// With the float operators that follow it.
Status Fusion::Extend(Cluster* cluster) {
  const int32_t index = static_cast<int32_t>(open_.size());
  for (int i = 0; i < cluster->node_count; ++i) cluster_of_[cluster->nodes[i]] = index;
  Match match;
  while (IsF32(cluster->output) && MatchNext(cluster->output, &match)) {
    if (cluster->op_count + match.op_count > kernels::kMaxPostOps ||
        cluster->node_count + match.node_count > Cluster::kMaxNodes) {
      break;
    }
    for (int i = 0; i < match.node_count; ++i) {
      cluster->nodes[cluster->node_count++] = match.nodes[i];
      cluster_of_[match.nodes[i]] = index;
    }
    for (int i = 0; i < match.op_count; ++i) cluster->ops[cluster->op_count++] = match.ops[i];
    cluster->output = match.output;
  }
  const NodeId pool = cluster->has_producer ? MatchMaxPool(*cluster) : kNone;
  if (pool != kNone) {
    cluster->has_pool = true;
    cluster->nodes[cluster->node_count++] = pool;
    cluster->output = plan_->graph->nodes[pool].outputs[0];
    cluster_of_[pool] = index;
  }
  return open_.PushBack(*cluster);
}

const char* Fusion::WhyNoTable(const PlanView& plan, const Node& node) {
  const OpDefinition* definition = FindOpDefinition(node.op);
  const size_t count = node.inputs.size();
  if (definition == nullptr || (definition->flags & kOpElementwise) == 0 || count < 1 || count > 2 ||
      node.outputs.size() != 1 || node.outputs[0] == kNone) {
    return "no function of one or two elements";
  }
  for (ValueId input : node.inputs) {
    if (input == kNone) return "an operand is absent";
    const DType dtype = plan.types[input].dtype;
    if (!IsByte(dtype) && !(count == 1 && (dtype == DType::kI16 || dtype == DType::kU16))) {
      return "no table for these element types";
    }
    if (!IsPerTensor(plan.graph->QuantizationOf(input))) return "no table for scales of channels";
  }
  const int bytes = BytesOf(plan.types[node.outputs[0]].dtype);
  if (bytes != 1 && (count == 2 || (bytes != 2 && bytes != 4))) return "no table for these element types";
  return IsPerTensor(plan.graph->QuantizationOf(node.outputs[0])) ? nullptr
                                                                  : "no table for scales of channels";
}

// `last` and as many nodes before it as together read one byte, known scalars aside: x * HardSigmoid(x), or
// operators in a row.
bool Fusion::MatchByteFunction(NodeId last, Cluster* cluster) const {
  const Graph& graph = *plan_->graph;
  // A node may lack outputs, or its first.
  if (!IsFree(last) || WhyNoTable(*plan_, graph.nodes[last]) != nullptr) return false;
  const Shape& shape = plan_->types[graph.nodes[last].outputs[0]].shape;
  const auto is_member = [&](NodeId id) {
    const Node& node = graph.nodes[id];
    if (!IsFree(id) || WhyNoTable(*plan_, node) != nullptr) return false;
    for (ValueId input : node.inputs) {
      const TensorView* known = plan_->known[input];
      if (!IsByte(plan_->types[input].dtype) || (known != nullptr && known->elements() != 1)) return false;
    }
    return plan_->types[node.outputs[0]].shape == shape;
  };
  if (!is_member(last)) return false;
  Cluster grown;
  grown.has_producer = false;
  grown.is_table = true;
  grown.output = graph.nodes[last].outputs[0];
  NodeId next = last;
  while (next != kNone && grown.node_count < Cluster::kMaxNodes) {
    // Nodes are added behind those that read them.
    grown.nodes[grown.node_count++] = next;
    next = kNone;
    ValueId source = kNone;
    bool has_one_source = true;
    const auto holds = [&](NodeId id) {
      for (int i = 0; i < grown.node_count; ++i) {
        if (grown.nodes[i] == id) return true;
      }
      return false;
    };
    for (int i = 0; i < grown.node_count; ++i) {
      for (ValueId input : graph.nodes[grown.nodes[i]].inputs) {
        const NodeId producer = graph.values[input].producer;
        if (plan_->known[input] != nullptr || (producer != kNone && holds(producer))) continue;
        has_one_source = has_one_source && (source == kNone || source == input);
        source = input;
        if (producer == kNone || leaves_group_[input] || !is_member(producer)) continue;
        // Of many readers the first that is no member ends the search.
        const auto readers = ConsumersOf(input);
        if (std::all_of(readers.begin(), readers.end(), holds)) next = producer;
      }
    }
    if (!has_one_source || source == kNone || !(plan_->types[source].shape == shape)) continue;
    grown.source = source;
    *cluster = grown;
  }
  for (int i = 0; i < cluster->node_count / 2; ++i) {
    std::swap(cluster->nodes[i], cluster->nodes[cluster->node_count - 1 - i]);
  }
  return cluster->node_count > 1;
}

Status Fusion::Plan(const PlanView& plan, const GroupView& group, std::span<const bool> is_live,
                    bool reference_only, int32_t num_threads) {
  plan_ = &plan;
  num_threads_ = num_threads;
  is_live_ = is_live;
  const Graph& graph = *plan.graph;
  MACE_RETURN_IF_ERROR(FindConsumers(group));
  MACE_RETURN_IF_ERROR(cluster_of_.Resize(graph.nodes.size()));
  for (int32_t& cluster : cluster_of_) cluster = kNone;
  for (size_t i = group.nodes.size(); i-- > 0 && !reference_only;) {
    Cluster cluster;
    if (MatchByteFunction(group.nodes[i], &cluster)) MACE_RETURN_IF_ERROR(Close(cluster));
  }
  // Producers first, the last one first: where two could take the same sum, the one that runs later does, and
  // the other's result need not be kept for long.
  for (size_t i = group.nodes.size(); i-- > 0 && !reference_only;) {
    const NodeId id = group.nodes[i];
    if (!IsFree(id) || !IsProducer(graph.nodes[id])) continue;
    Cluster cluster;
    cluster.node_count = 1;
    cluster.nodes[0] = id;
    cluster.output = graph.nodes[id].outputs[0];
    MACE_RETURN_IF_ERROR(Extend(&cluster));
  }
  for (NodeId id : group.nodes) {
    if (!IsFree(id)) continue;
    const Node& node = graph.nodes[id];
    Cluster cluster;
    Match match;
    for (ValueId input : node.inputs) {
      if (reference_only || input == kNone || plan.known[input] != nullptr || node.inputs.size() > 2)
        continue;
      if (cluster.node_count > 0) break;
      if (!MatchGate(id, input, &match) && !MatchNode(id, input, &match)) continue;
      cluster.has_producer = false;
      cluster.source = input;
      cluster.output = match.output;
      cluster.node_count = match.node_count;
      cluster.op_count = match.op_count;
      for (int n = 0; n < match.node_count; ++n) cluster.nodes[n] = match.nodes[n];
      for (int o = 0; o < match.op_count; ++o) cluster.ops[o] = match.ops[o];
    }
    if (cluster.node_count == 0) {
      cluster.node_count = 1;
      cluster.nodes[0] = id;
      cluster.output = node.outputs.empty() ? kNone : node.outputs[0];
      if (!reference_only) JoinClamp(&cluster);
      MACE_RETURN_IF_ERROR(Close(cluster));
      continue;
    }
    MACE_RETURN_IF_ERROR(Extend(&cluster));
  }
  // A cluster runs where its last node stood: all that it reads has been made by then.
  for (NodeId id : group.nodes) {
    if (!is_live_[static_cast<size_t>(id)]) continue;
    const Cluster& cluster = open_[cluster_of_[id]];
    if (cluster.tail() == id) MACE_RETURN_IF_ERROR(clusters_.PushBack(cluster));
  }
  return Status::Ok();
}

}  // namespace mace::cpu
