#include "mace/kernels/quantize/quantized_softmax.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {
namespace {

bool IsNarrow(DType type) {
  return type == DType::kI8 || type == DType::kU8 || type == DType::kI16 || type == DType::kU16;
}

}  // namespace

Status PrepareQuantizedSoftmax(QuantizedSoftmaxParams* p) {
  const bool is_byte = p->from == DType::kI8 || p->from == DType::kU8;
  if (!IsNarrow(p->from) || !IsNarrow(p->to) || (p->arithmetic == SoftmaxArithmetic::kBytes && !is_byte) ||
      (p->arithmetic == SoftmaxArithmetic::kWords && (p->from != DType::kI16 || p->to != DType::kI16))) {
    return Internal("softmax of %s to %s", NameOf(p->from), NameOf(p->to));
  }
  if (!SizesFit(p->outer, p->axis, p->inner)) return Internal("softmax: sizes out of range");
  constexpr int64_t kTileWork = 4096;  // elements
  const int64_t rows = p->axis < kTileWork ? kTileWork / (p->axis > 0 ? p->axis : 1) : 1;
  p->tiles = CutRows(p->axis == 0 ? 0 : p->outer * p->inner, 1, rows);
  p->tile_count = p->tiles.tile_count;
  return Status::Ok();
}

}  // namespace mace::kernels
