// The reference of every operator that only gives its elements another shape.
#ifndef MACE_OPS_SHAPE_COPY_ELEMENTS_H_
#define MACE_OPS_SHAPE_COPY_ELEMENTS_H_

#include <cstring>

#include "mace/graph/op_definition.h"

namespace mace::ops {

inline Status CopyElements(const ReferenceContext& context) {
  const int64_t bytes = context.inputs[0].bytes();
  if (bytes != context.outputs[0].bytes()) return Internal("the output has another size than the input");
  if (bytes > 0) std::memcpy(context.outputs[0].data, context.inputs[0].data, static_cast<size_t>(bytes));
  return Status::Ok();
}

}  // namespace mace::ops

#endif  // MACE_OPS_SHAPE_COPY_ELEMENTS_H_
