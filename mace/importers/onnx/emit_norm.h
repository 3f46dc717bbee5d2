// What the converters of reductions, normalisations and losses share.
#ifndef MACE_IMPORTERS_ONNX_EMIT_NORM_H_
#define MACE_IMPORTERS_ONNX_EMIT_NORM_H_

#include <vector>

#include "mace/importers/onnx/onnx_context.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::importers::onnx {

// The type that operators of several steps compute in: float32 for floats of 16 bits, so that nothing is
// rounded between the steps.
DType WideTypeOf(DType dtype);

ValueId EmitReduce(OnnxContext& context, ops::ReduceKind kind, ValueId x, const IntList& axes,
                   bool keep_dims);
// Over all axes behind [N, C], which stay with size 1.
ValueId EmitSpatialReduce(OnnxContext& context, ops::ReduceKind kind, ValueId x);
ValueId EmitLogSoftmax(OnnxContext& context, ValueId x, int64_t axis);

// A vector of one element for each index of axis 1, seen as [C, 1, ...] beside a tensor of this rank.
ValueId PerChannel(OnnxContext& context, ValueId vector, int rank);

struct LayerNormalizationForm {
  int64_t axis = -1;
  float epsilon = 1e-5f;
  bool root_mean_square = false;
};
// Scale and bias (kNone: none) may be smaller than what is normalised, as NumPy broadcasts. All of one float
// type of 32 or 64 bits. `outputs`: y, the mean, 1 / deviation.
std::vector<ValueId> EmitLayerNormalization(OnnxContext& context, ValueId x, ValueId scale, ValueId bias,
                                            const LayerNormalizationForm& form, int outputs);
// How many of the node's first outputs somebody reads.
int ReadOutputs(const OnnxContext& context, const OnnxNode& node);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_EMIT_NORM_H_
