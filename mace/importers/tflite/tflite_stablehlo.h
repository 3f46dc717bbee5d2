// What the converters of StableHLO's operators share (https://openxla.org/stablehlo/spec).
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_STABLEHLO_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_STABLEHLO_H_

#include <cstdint>
#include <vector>

#include "mace/importers/tflite/tflite_context.h"
#include "mace/ops/index/index_ops.h"

namespace mace::importers::tflite {

// What a subgraph of two scalars does that joins elements: as an operator of elements of one type, and as
// what an update does. kInvalid: it gives the second one.
struct Joining {
  OpId op = OpId::kInvalid;
  ops::ScatterReduction reduction = ops::ScatterReduction::kNone;
};
Joining JoiningOf(TfliteContext& context, int32_t subgraph, DType dtype);

// Throws where the shape is not known, or has another rank than `entries`.
void RequireConcrete(const Shape& shape, size_t entries);

// The elements from, from + step, ... before `to` of one axis.
ValueId Sliced(TfliteContext& context, ValueId x, int64_t axis, int64_t from, int64_t to, int64_t step);

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_STABLEHLO_H_
