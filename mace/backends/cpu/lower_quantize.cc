// Quantize, Dequantize, Requantize, and whatever is a table: operators of one narrow integer.
#include "mace/backends/cpu/lower_quantize.h"

#include <cstring>

#include "mace/backends/cpu/lowering_table.h"
#include "mace/graph/op_definition.h"
#include "mace/kernels/quantize/quantize.h"
#include "mace/ops/binary/binary_integer.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::cpu {
namespace {

constexpr const char* kTooManyTables = "the plan has too many tables already";

bool IsQuantizedType(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16 || dtype == DType::kU16 ||
         dtype == DType::kI32;
}

Operand Constants(const void* data, size_t bytes) { return {kNone, 0, data, static_cast<int64_t>(bytes)}; }

// The step of Quantize (of `out`) or Dequantize (of `in`): `integers` is the quantized side.
Status EmitScaling(Lowering& lowering, const Cluster& cluster, ValueId integers, bool half_away,
                   const char* name, kernels::KernelFunction function, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Quantization* quantization = lowering.plan().graph->QuantizationOf(integers);
  const Shape& shape = lowering.shape(integers);
  if (!IsQuantizedType(lowering.type(integers).dtype) || quantization == nullptr ||
      quantization->block_size != 0 || quantization->zero_points.size() != quantization->scales.size()) {
    *refusal = "no fast kernel for blocks or for this element type";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::QuantizeParams>());
  params->type = lowering.type(integers).dtype;
  params->half_away_from_zero = half_away;
  params->inner = shape.ElementCount();
  if (quantization->scales.size() != 1) {
    int axis = 0;
    if (!NormalizeAxis(quantization->axis, shape.rank, &axis) ||
        shape[axis] != static_cast<int64_t>(quantization->scales.size())) {
      *refusal = "the number of scales does not fit the shape";
      return Status::Ok();
    }
    params->outer = shape.Product(0, axis);
    params->channels = shape[axis];
    params->inner = shape.Product(axis + 1, shape.rank);
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareQuantize(params));
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.SetKernel({name, function, lowering.kernels().quantize_isa}, params, &spec));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[0]));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.outputs[0]));
  const size_t count = quantization->scales.size();
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Constants(quantization->scales.data(), count * sizeof(float))));
  MACE_RETURN_IF_ERROR(
      spec.operands.PushBack(Constants(quantization->zero_points.data(), count * sizeof(int32_t))));
  return lowering.Emit(cluster, std::move(spec));
}

// Patterns of bits that an element of this type may have, counted from 0.
int64_t PatternsOf(DType dtype) { return dtype == DType::kBool ? 2 : int64_t{1} << BitsOf(dtype); }

// Writes to `table` what the node's reference kernel makes of `inputs`, `count` elements each; of a known
// scalar where one is null. Refuses where it does.
Status EvaluateTable(Lowering& lowering, const Node& node, const uint8_t* const* inputs, int64_t count,
                     uint8_t* table, const char** refusal) {
  TensorView views[2];
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const DType dtype = lowering.type(node.inputs[i]).dtype;
    // Nobody writes through the views of inputs.
    views[i] = {const_cast<uint8_t*>(inputs[i]), dtype, Shape{count}};
    if (inputs[i] == nullptr) views[i] = {lowering.known(node.inputs[i])->data, dtype, Shape{1}};
  }
  TensorView y{table, lowering.type(node.outputs[0]).dtype, Shape{count}};
  Status evaluated = EvaluateNode(*lowering.plan().graph, node, views, &y);
  if (evaluated.code() == StatusCode::kUnsupported || evaluated.code() == StatusCode::kInvalidArgument) {
    *refusal = "its reference kernel refuses some inputs";
    return Status::Ok();
  }
  return evaluated;
}

// The same of all nodes of a cluster together, for `inputs` of `source`.
Status EvaluateNodes(Lowering& lowering, const Cluster& cluster, ValueId source, const uint8_t* inputs,
                     int64_t count, uint8_t* table, const char** refusal) {
  // Bytes, of which each node but the last makes a row.
  Vector<uint8_t> rows;
  MACE_RETURN_IF_ERROR(rows.Resize(static_cast<size_t>(cluster.node_count - 1) * static_cast<size_t>(count)));
  for (int i = 0; i < cluster.node_count; ++i) {
    const Node& node = lowering.node(cluster.nodes[i]);
    const uint8_t* operands[2] = {};
    for (size_t j = 0; j < node.inputs.size(); ++j) {
      if (node.inputs[j] == source) operands[j] = inputs;
      for (int k = 0; k < i; ++k) {
        if (lowering.node(cluster.nodes[k]).outputs[0] == node.inputs[j])
          operands[j] = rows.data() + k * count;
      }
    }
    uint8_t* results = i + 1 == cluster.node_count ? table : rows.data() + i * count;
    MACE_RETURN_IF_ERROR(EvaluateTable(lowering, node, operands, count, results, refusal));
    if (*refusal != nullptr) return Status::Ok();
  }
  return Status::Ok();
}

// The step of a function of two bytes.
Status LowerByPairTable(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  constexpr int64_t kEntries = 65536;
  const Node& node = lowering.node(cluster.nodes[0]);
  const ValueId a = node.inputs[0], b = node.inputs[1], out = node.outputs[0];
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::PairTableParams>());
  params->a = lowering.shape(a);
  params->b = lowering.shape(b);
  MACE_RETURN_IF_ERROR(kernels::PreparePairTable(params));
  if (!(params->output == lowering.shape(out))) {
    *refusal = "the output has another shape than its broadcast inputs";
    return Status::Ok();
  }
  if (!lowering.TakeTableBytes(kEntries)) {
    *refusal = kTooManyTables;
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(uint8_t* table, lowering.builder().NewOwned(kEntries));
  Vector<uint8_t> bytes;
  MACE_RETURN_IF_ERROR(bytes.Resize(2 * kEntries));
  uint8_t* const inputs[] = {bytes.data(), bytes.data() + kEntries};
  // Patterns that a bool never has stand for one that it may have.
  const auto pattern = [&](int64_t i, ValueId value) {
    return static_cast<uint8_t>(i % PatternsOf(lowering.type(value).dtype));
  };
  for (int64_t i = 0; i < kEntries; ++i) {
    inputs[0][i] = pattern(i / 256, a);
    inputs[1][i] = pattern(i % 256, b);
  }
  MACE_RETURN_IF_ERROR(EvaluateTable(lowering, node, inputs, kEntries, table, refusal));
  if (*refusal != nullptr) return Status::Ok();
  const auto& kernels = lowering.kernels();
  StepSpec spec;
  spec.reason = "a table of its results for each pair of bytes";
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"pair_table", kernels.quantize->pair_table, kernels.quantize_isa}, params, &spec));
  return lowering.EmitBinary(cluster, std::move(spec), a, b, out, Constants(table, kEntries));
}

kernels::IntegerRounding KernelRounding(ops::Rounding rounding) {
  if (rounding == ops::Rounding::kTfliteDouble) return kernels::IntegerRounding::kTwoRoundings;
  if (rounding == ops::Rounding::kTfliteSingle) return kernels::IntegerRounding::kOneRounding;
  return kernels::IntegerRounding::kHalfEvenFloat;
}

}  // namespace

Status LowerQuantize(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const ops::Rounding rounding = node.attributes.as<ops::QuantizeAttributes>().rounding;
  return EmitScaling(lowering, cluster, node.outputs[0], rounding != ops::Rounding::kHalfEvenFloat,
                     "quantize", lowering.kernels().quantize->quantize, refusal);
}

Status LowerDequantize(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  return EmitScaling(lowering, cluster, node.inputs[0], false, "dequantize",
                     lowering.kernels().quantize->dequantize, refusal);
}

// Of bytes it is a table, which is faster than the arithmetic.
Status LowerRequantize(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const ValueId in = node.inputs[0], out = node.outputs[0];
  const DType from = lowering.type(in).dtype, to = lowering.type(out).dtype;
  const Quantization& x = *lowering.plan().graph->QuantizationOf(in);
  const Quantization& y = *lowering.plan().graph->QuantizationOf(out);
  const kernels::IntegerRounding rounding =
      KernelRounding(node.attributes.as<ops::RequantizeAttributes>().rounding);
  const bool has_wide_distances = from == DType::kI32 && x.zero_points[0] != 0;
  if (BytesOf(from) == 1 || (rounding == kernels::IntegerRounding::kHalfEvenFloat && has_wide_distances)) {
    *refusal = "no fast kernel takes an int32 with a zero point through floats";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::RequantizeParams>());
  const ops::FixedPointMultiplier scale =
      ops::QuantizeMultiplier(static_cast<double>(x.scales[0]) / static_cast<double>(y.scales[0]));
  params->from = from;
  params->to = to;
  params->rounding = rounding;
  params->count = lowering.shape(out).ElementCount();
  params->input_zero = x.zero_points[0];
  params->output_zero = y.zero_points[0];
  params->multiplier = scale.multiplier;
  params->exponent = scale.exponent;
  params->input_scale = x.scales[0];
  params->output_scale = y.scales[0];
  MACE_RETURN_IF_ERROR(kernels::PrepareRequantize(params));
  const auto& table = lowering.kernels();
  return lowering.EmitKernel(cluster, {"requantize", table.quantize->requantize, table.quantize_isa}, params,
                             {in}, out, Lowering::Placement::kInPlace);
}

Status LowerByTable(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  if (!cluster.is_table) {
    *refusal = Fusion::WhyNoTable(lowering.plan(), node);
    if (*refusal != nullptr) return Status::Ok();
    if (node.inputs.size() == 2) return LowerByPairTable(lowering, cluster, refusal);
  }
  const ValueId in = cluster.is_table ? cluster.source : node.inputs[0];
  const ValueId out = lowering.node(cluster.tail()).outputs[0];
  const DType from = lowering.type(in).dtype;
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::TableParams>());
  params->input_bytes = BytesOf(from);
  params->output_bytes = BytesOf(lowering.type(out).dtype);
  params->columns = lowering.shape(out).ElementCount();
  MACE_RETURN_IF_ERROR(kernels::PrepareTable(params));

  const int64_t count = int64_t{1} << (8 * params->input_bytes);
  const int64_t table_bytes = count * params->output_bytes;
  if (!lowering.TakeTableBytes(table_bytes)) {
    *refusal = kTooManyTables;
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(uint8_t* table, lowering.builder().NewOwned(static_cast<size_t>(table_bytes)));
  Vector<uint8_t> inputs;
  MACE_RETURN_IF_ERROR(inputs.Resize(static_cast<size_t>(count * params->input_bytes)));
  for (int64_t i = 0; i < count; ++i) {
    const auto bits = static_cast<uint16_t>(i % PatternsOf(from));  // little-endian, as everything here
    std::memcpy(inputs.data() + i * params->input_bytes, &bits, static_cast<size_t>(params->input_bytes));
  }
  MACE_RETURN_IF_ERROR(EvaluateNodes(lowering, cluster, in, inputs.data(), count, table, refusal));
  if (*refusal != nullptr) return Status::Ok();
  const auto& kernels = lowering.kernels();
  StepSpec spec;
  spec.reason = cluster.is_table ? "a table of what all of it makes of each byte"
                                 : "a table of its results for each input";
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"table", kernels.quantize->table, kernels.quantize_isa}, params, &spec));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, in));
  lowering.TryInPlace(cluster, in, out);
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, out));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Constants(table, static_cast<size_t>(table_bytes))));
  return lowering.Emit(cluster, std::move(spec));
}

Status LowerRescaledPart(Lowering& lowering, const Cluster& cluster, size_t part, int axis, int64_t position,
                         const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const ValueId in = node.inputs[part], out = node.outputs[0];
  const DType dtype = lowering.type(in).dtype;
  const Shape& shape = lowering.shape(in);
  const Shape& whole = lowering.shape(out);
  const int bytes = BytesOf(dtype);
  if (bytes != 1 && bytes != 2) {
    *refusal = "no table for these element types";
    return Status::Ok();
  }
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::TableParams>());
  params->input_bytes = params->output_bytes = bytes;
  params->rows = shape.Product(0, axis);
  params->columns = params->input_stride = shape.Product(axis, shape.rank);
  params->output_stride = whole.Product(axis, whole.rank);
  MACE_RETURN_IF_ERROR(kernels::PrepareTable(params));

  // The node itself, of each possible element of this part and none of the others.
  const int64_t count = PatternsOf(dtype);
  const int64_t table_bytes = count * bytes;
  MACE_ASSIGN_OR_RETURN(uint8_t* table, lowering.builder().NewOwned(static_cast<size_t>(table_bytes)));
  Vector<uint8_t> inputs;
  MACE_RETURN_IF_ERROR(inputs.Resize(static_cast<size_t>(table_bytes)));
  for (int64_t i = 0; i < count; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    std::memcpy(inputs.data() + i * bytes, &bits, static_cast<size_t>(bytes));
  }
  Vector<TensorView> views;
  MACE_RETURN_IF_ERROR(views.Resize(node.inputs.size()));
  for (size_t i = 0; i < views.size(); ++i) {
    views[i] = {inputs.data(), dtype, Shape()};
    for (int d = 0; d < shape.rank; ++d) views[i].shape.Push(d != axis ? 1 : i == part ? count : 0);
  }
  TensorView y{table, dtype, views[part].shape};
  MACE_RETURN_IF_ERROR(EvaluateNode(*lowering.plan().graph, node, views.data(), &y));
  const auto& kernels = lowering.kernels();
  StepSpec spec;
  spec.reason = "a part of a concatenation, brought to its scale";
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"table", kernels.quantize->table, kernels.quantize_isa}, params, &spec));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, in));
  MACE_ASSIGN_OR_RETURN(Operand place, lowering.OperandOf(out));
  const int64_t offset = position * whole.Product(axis + 1, whole.rank) * bytes;
  place.offset += offset;
  place.bytes -= offset;
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(place));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Constants(table, static_cast<size_t>(table_bytes))));
  return lowering.Emit(cluster, std::move(spec));
}

Status FindBounds(const Lowering& lowering, const Cluster& cluster, IntegerBounds* bounds) {
  const DType dtype = lowering.type(cluster.output).dtype;
  const ops::IntegerRange range = ops::RangeOf(dtype);
  *bounds = {range.low, range.high};
  if (!cluster.has_clamp) return Status::Ok();
  // What the clamp makes of both ends.
  uint8_t ends[8], clamped[8];
  ops::StoreInteger(ends, dtype, 0, range.low);
  ops::StoreInteger(ends, dtype, 1, range.high);
  const TensorView x{ends, dtype, Shape{2}};
  TensorView y{clamped, dtype, Shape{2}};
  MACE_RETURN_IF_ERROR(EvaluateNode(*lowering.plan().graph, lowering.node(cluster.tail()), &x, &y));
  *bounds = {ops::LoadInteger(clamped, dtype, 0), ops::LoadInteger(clamped, dtype, 1)};
  return Status::Ok();
}

namespace {

kernels::FixedScale KernelScale(const ops::FixedPointMultiplier& scale) {
  return {scale.multiplier, scale.exponent};
}

bool QuantizedBinaryOfNode(OpId id, kernels::BinaryOp* op) {
  return BinaryOfNode(id, op) && *op <= kernels::BinaryOp::kMin;
}

// The scales of `params` for the rounding of the node. False where no kernel computes so.
bool FillScales(ops::Rounding rounding, float a, float b, float y, kernels::QuantizedBinaryParams* params) {
  using kernels::BinaryOp;
  const bool is_sum = params->op == BinaryOp::kAdd || params->op == BinaryOp::kSub;
  if (rounding == ops::Rounding::kHalfEvenFloat) {
    params->arithmetic = kernels::QuantizedArithmetic::kFloat;
    params->input_reals[0] = a;
    params->input_reals[1] = b;
    params->output_real = y;
    return true;
  }
  if (is_sum && rounding == ops::Rounding::kTfliteSingle) {
    params->arithmetic = kernels::QuantizedArithmetic::kShifted;
    int shifts[2] = {};
    if (!ops::MakeShiftedSum(a, b, y, &shifts[0], &shifts[1])) return false;
    params->right_shifts[0] = shifts[0];
    params->right_shifts[1] = shifts[1];
    return true;
  }
  if (params->op == BinaryOp::kMax || params->op == BinaryOp::kMin) {  // of what is stored
    params->arithmetic = kernels::QuantizedArithmetic::kShifted;
    return true;
  }
  params->arithmetic = kernels::QuantizedArithmetic::kFixedPoint;
  if (is_sum) {
    const ops::QuantizedSum sum = ops::MakeQuantizedSum(params->output_type, a, b, y);
    params->left_shift = sum.left_shift;
    params->input_scales[0] = KernelScale(sum.a);
    params->input_scales[1] = KernelScale(sum.b);
    params->output_scale = KernelScale(sum.y);
    return true;
  }
  params->output_scale = KernelScale(ops::MultiplierOfProduct(a, b, y));
  return params->op == BinaryOp::kMul;
}

}  // namespace

Status LowerQuantizedBinary(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const Graph& graph = *lowering.plan().graph;
  const ValueId a = node.inputs[0], b = node.inputs[1], out = cluster.output;
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::QuantizedBinaryParams>());
  const Quantization* scales[] = {graph.QuantizationOf(a), graph.QuantizationOf(b),
                                  graph.QuantizationOf(node.outputs[0])};
  bool is_known = QuantizedBinaryOfNode(node.op, &params->op);
  for (const Quantization* scale : scales)
    is_known = is_known && scale != nullptr && scale->scales.size() == 1;
  params->input_types[0] = lowering.type(a).dtype;
  params->input_types[1] = lowering.type(b).dtype;
  params->output_type = lowering.type(out).dtype;
  if (!is_known || !FillScales(node.attributes.as<ops::RoundingAttributes>().rounding, scales[0]->scales[0],
                               scales[1]->scales[0], scales[2]->scales[0], params)) {
    *refusal = "no fast kernel for this operator on quantized values";
    return Status::Ok();
  }
  params->a = lowering.shape(a);
  params->b = lowering.shape(b);
  params->input_zeros[0] = scales[0]->zero_points[0];
  params->input_zeros[1] = scales[1]->zero_points[0];
  params->output_zero = scales[2]->zero_points[0];
  IntegerBounds bounds;
  MACE_RETURN_IF_ERROR(FindBounds(lowering, cluster, &bounds));
  params->low = bounds.low;
  params->high = bounds.high;
  MACE_RETURN_IF_ERROR(kernels::PrepareQuantizedBinary(params));
  const auto& table = lowering.kernels();
  StepSpec spec;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"quantized_binary", table.quantize->binary, table.quantize_isa}, params, &spec));
  return lowering.EmitBinary(cluster, std::move(spec), a, b, out);
}

}  // namespace mace::cpu
