// What the lowering of quantized operators shares.
#ifndef MACE_BACKENDS_CPU_LOWER_QUANTIZE_H_
#define MACE_BACKENDS_CPU_LOWER_QUANTIZE_H_

#include "mace/backends/cpu/lowering.h"
#include "mace/kernels/norm/norm.h"
#include "mace/kernels/quantize/quantize.h"

namespace mace::cpu {

// Lowers an elementwise operator of one narrow integer (8 or 16 bits) or of two bytes, or a cluster that is a
// function of one byte, to a table of what its reference kernels make of each input. For whatever has no
// kernel of its own, and for several operators at once: it asks nothing of their arithmetic.
Status LowerByTable(Lowering& lowering, const Cluster& cluster, const char** refusal);

// LowerBinary, where an input is quantized.
Status LowerQuantizedBinary(Lowering& lowering, const Cluster& cluster, const char** refusal);

// Writes input `part` of a Concat over `axis` to where it belongs, from element `position` of the axis on, in
// the scale of the output. Of 8 or 16 bits: refuses others.
Status LowerRescaledPart(Lowering& lowering, const Cluster& cluster, size_t part, int axis, int64_t position,
                         const char** refusal);

// The step of a pooling kernel whose window, kind and scaling are set: fills in the rest, from the
// quantization of the operands. Refuses windows that are too large.
Status EmitQuantizedPool(Lowering& lowering, const Cluster& cluster, kernels::QuantizedPoolingParams* params,
                         const char** refusal);

// LowerSoftmax, where the input is quantized.
Status LowerQuantizedSoftmax(Lowering& lowering, const Cluster& cluster, int axis, const char** refusal);

// LowerReduce, where the input is quantized: `collapsed` says which elements are one result's.
Status LowerQuantizedReduce(Lowering& lowering, const Cluster& cluster,
                            const kernels::ReduceParams& collapsed, const char** refusal);

// What the output of a cluster is clamped to: the range of its type or, with a clamp, that of the clamp.
struct IntegerBounds {
  int32_t low = 0;
  int32_t high = 0;
};
Status FindBounds(const Lowering& lowering, const Cluster& cluster, IntegerBounds* bounds);

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_LOWER_QUANTIZE_H_
