// What the lowerings of quantized layers share: the constants of an integer convolution or fully connected
// layer.
#ifndef MACE_BACKENDS_CPU_LOWER_INTEGER_H_
#define MACE_BACKENDS_CPU_LOWER_INTEGER_H_

#include "mace/backends/cpu/lowering.h"
#include "mace/kernels/integer_gemm/requantization.h"
#include "mace/ops/common.h"

namespace mace::cpu {

// Of a node x, weights, optional bias -> y, the output channel being axis 0 of the weights.
struct IntegerLayer {
  LayerWeights sources;
  const Quantization* x = nullptr;
  const Quantization* weights = nullptr;
  const Quantization* y = nullptr;
  DType input = DType::kI8, output = DType::kI8;
  bool wide = false;
  bool has_weight_zero_points = false;
  kernels::Requantization requantization;
  // One of each per output channel; what `channels` points at.
  Vector<int32_t> multipliers, exponents, weight_zero_points;
  Vector<double> double_multipliers;
  Vector<float> float_multipliers;
  kernels::IntegerChannels channels;
};

// Reads the layer of `node`, whose result is rounded as `rounding` says. `single_precision`: its multipliers
// are made as TensorFlow Lite makes those of convolutions of unsigned inputs. Sets *refusal where no integer
// kernel takes it.
Status ReadIntegerLayer(const Lowering& lowering, const Node& node, ops::Rounding rounding,
                        bool single_precision, IntegerLayer* layer, const char** refusal);
// All that distinguishes two packed forms of the layer's weights for one instruction set and geometry.
FormatHash HashOf(const char* kernel, const IntegerLayer& layer, const Shape& weights);

// The fields that the parameters of all integer layers have.
template <typename Params>
void SetIntegerTypes(Isa isa, const IntegerLayer& layer, Params* params) {
  params->isa = isa;
  params->input = layer.input;
  params->weights = layer.sources.weights.dtype();
  params->has_weight_zero_points = layer.has_weight_zero_points;
  params->wide = layer.wide;
  params->input_zero_point = layer.x->zero_points[0];
  params->requantization = layer.requantization;
}

// The value is of 8 or 16 bits and quantized: integer kernels are its business.
bool IsQuantized(const Lowering& lowering, ValueId value);
const Quantization* QuantizationOf(const Lowering& lowering, ValueId value);

Status LowerIntegerConv2d(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerIntegerFullyConnected(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerIntegerConvTranspose2d(Lowering& lowering, const Cluster& cluster, const char** refusal);

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_LOWER_INTEGER_H_
