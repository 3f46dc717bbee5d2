// What the passes on QuantizeLinear and DequantizeLinear share (quantize_moving, quantized_fusion).
#ifndef MACE_PASSES_QUANTIZED_VALUES_H_
#define MACE_PASSES_QUANTIZED_VALUES_H_

#include "mace/passes/graph_editor.h"

namespace mace::passes {

// One scale and zero point for a whole tensor of 8- or 16-bit integers.
struct TensorQuantization {
  DType dtype = DType::kInvalid;
  int32_t index = kNone;  // in Graph::quantizations
  float scale = 1;
  int32_t zero_point = 0;

  // What Quantize makes of a real number.
  int32_t Store(float real) const;
  float Real(int32_t stored) const { return scale * static_cast<float>(stored - zero_point); }
  bool Holds(int32_t stored) const;
};

// False where `value` has another kind of quantization, or none.
bool QuantizationOfTensor(const Graph& graph, ValueId value, TensorQuantization* quantization);

// The integers behind `value`, where that is a Dequantize of a tensor with one scale; else kNone.
ValueId DequantizedFrom(const GraphEditor& editor, ValueId value, TensorQuantization* quantization);

// True for a Quantize of ONNX's rounding to one scale; fills what it quantizes to.
bool IsOnnxQuantize(const GraphEditor& editor, NodeId node, TensorQuantization* quantization);

// Equal quantizations get the same index, so that indices can be compared.
void UnifyQuantizations(Graph* graph);

// A constant of one element that holds `stored`.
ValueId AddStoredScalar(GraphEditor* editor, const TensorQuantization& quantization, int32_t stored,
                        const Shape& shape = {});

}  // namespace mace::passes

#endif  // MACE_PASSES_QUANTIZED_VALUES_H_
