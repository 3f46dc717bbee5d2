#include "mace/kernels/quantize/quantized_pooling.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {

Status PrepareQuantizedPooling(QuantizedPoolingParams* p) {
  if (p->type != DType::kI8 && p->type != DType::kU8 && p->type != DType::kI16) {
    return Internal("quantized pooling of %s", NameOf(p->type));
  }
  if (p->scaling == PoolScaling::kStored && p->kind == PoolKind::kSum) return Internal("sums need a scale");
  if (p->output_multiplier.exponent < -31 || p->output_multiplier.exponent > 30) {
    return Internal("quantized pooling: the scale is out of range");
  }
  PoolingParams& w = p->window;
  MACE_RETURN_IF_ERROR(PreparePooling(&w));
  // Taps outside of the map count where padding does.
  const int64_t most = p->type == DType::kI16 ? (int64_t{1} << 15) : (int64_t{1} << 22);
  const int64_t rows =
      w.count_include_pad || w.kernel_height < w.input_height ? w.kernel_height : w.input_height;
  const int64_t columns =
      w.count_include_pad || w.kernel_width < w.input_width ? w.kernel_width : w.input_width;
  if (!SizesFit(rows, columns) || rows * columns >= most) {
    return Unsupported("a window of %lld x %lld integers", static_cast<long long>(w.kernel_height),
                       static_cast<long long>(w.kernel_width));
  }
  constexpr int64_t kTileWork = 64 * 1024;  // values read
  const int64_t taps = rows * columns > 0 ? rows * columns : 1;
  const int64_t elements = kTileWork / taps;
  p->tiles = CutRows(w.batch * w.output_height * w.output_width, w.channels, elements > 64 ? elements : 64);
  p->tile_count = p->tiles.tile_count;
  return Status::Ok();
}

}  // namespace mace::kernels
