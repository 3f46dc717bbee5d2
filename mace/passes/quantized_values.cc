#include "mace/passes/quantized_values.h"

#include <bit>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include "mace/ops/quantize/output_scale.h"
#include "mace/ops/quantize/quantize_ops.h"

namespace mace::passes {
namespace {

bool IsNarrowInteger(DType dtype) {
  return dtype == DType::kU8 || dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kU16;
}

}  // namespace

int32_t TensorQuantization::Store(float real) const {
  return ops::AddZeroPointAndClamp(ops::RoundToInt32(real / scale, /*half_to_even=*/true), zero_point,
                                   ops::RangeOf(dtype));
}

bool TensorQuantization::Holds(int32_t stored) const {
  return stored >= ops::RangeOf(dtype).low && stored <= ops::RangeOf(dtype).high;
}

bool QuantizationOfTensor(const Graph& graph, ValueId value, TensorQuantization* quantization) {
  const Quantization* found = graph.QuantizationOf(value);
  if (found == nullptr || found->scales.size() != 1 || found->block_size != 0) return false;
  const TensorType& type = graph.values[value].type;
  if (!IsNarrowInteger(type.dtype)) return false;
  *quantization = {type.dtype, type.quantization, found->scales[0], found->zero_points[0]};
  // Products of the scale and a distance must be ordinary floats, or real numbers would not come back.
  return quantization->scale > 1e-30f && quantization->scale < 1e30f;
}

ValueId DequantizedFrom(const GraphEditor& editor, ValueId value, TensorQuantization* quantization) {
  const Node* dequantize = editor.ProducerIf(value, OpId::kDequantize);
  if (dequantize == nullptr) return kNone;
  const ValueId source = dequantize->inputs[0];
  return QuantizationOfTensor(editor.graph(), source, quantization) ? source : kNone;
}

bool IsOnnxQuantize(const GraphEditor& editor, NodeId id, TensorQuantization* quantization) {
  const Node& node = editor.node(id);
  return node.op == OpId::kQuantize &&
         node.attributes.as<ops::QuantizeAttributes>().rounding == ops::Rounding::kHalfEvenFloat &&
         QuantizationOfTensor(editor.graph(), node.outputs[0], quantization);
}

void UnifyQuantizations(Graph* graph) {
  using Key = std::tuple<int32_t, int32_t, std::vector<uint32_t>, std::vector<int32_t>>;
  std::map<Key, int32_t> known;
  std::vector<int32_t> first(graph->quantizations.size());
  for (size_t i = 0; i < first.size(); ++i) {
    const Quantization& quantization = graph->quantizations[i];
    std::vector<uint32_t> scales;
    for (float scale : quantization.scales) scales.push_back(std::bit_cast<uint32_t>(scale));
    Key key = {quantization.axis,
               quantization.block_size,
               scales,
               {quantization.zero_points.begin(), quantization.zero_points.end()}};
    first[i] = known.try_emplace(std::move(key), static_cast<int32_t>(i)).first->second;
  }
  for (Value& value : graph->values) {
    if (int32_t& index = value.type.quantization; index != kNone) index = first[index];
  }
}

ValueId AddStoredScalar(GraphEditor* editor, const TensorQuantization& quantization, int32_t stored,
                        const Shape& shape) {
  Graph& graph = editor->graph();
  const ValueId value = Unwrap(graph.AddUninitializedConstant("", quantization.dtype, shape));
  ops::StoreInteger(graph.ConstantOf(value)->data, quantization.dtype, 0, stored);
  graph.values[value].type.quantization = quantization.index;
  editor->Track();
  return value;
}

}  // namespace mace::passes
