#include "mace/kernels/quantize/quantized_resize.h"

namespace mace::kernels {

Status PrepareQuantizedResize(QuantizedResizeParams* p) {
  const bool is_known = p->type == DType::kI8 || p->type == DType::kU8 || p->type == DType::kI16;
  const bool only_bytes =
      p->arithmetic == ResizeArithmetic::kNearest || p->arithmetic == ResizeArithmetic::kFloat;
  if (!is_known || (only_bytes && p->type != DType::kU8) ||
      (p->arithmetic == ResizeArithmetic::kFixedPoint && p->type == DType::kU8)) {
    return Internal("resize of %s", NameOf(p->type));
  }
  MACE_RETURN_IF_ERROR(PrepareResize(&p->shape));
  p->tile_count = p->shape.tile_count;
  return Status::Ok();
}

}  // namespace mace::kernels
