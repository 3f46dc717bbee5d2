#include "mace/kernels/recurrent/svdf.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {

Status PrepareSvdf(SvdfParams* p) {
  if (p->batch < 0 || p->inputs < 0 || p->units < 0 || p->rank < 1 || p->memory < 1) {
    return InvalidArgument("svdf: sizes out of range");
  }
  constexpr int64_t kTileWork = 64 * 1024;  // products
  const int64_t work = p->rank * (p->inputs + p->memory);
  p->tile_units = work < kTileWork ? kTileWork / (work > 0 ? work : 1) : 1;
  p->row_tiles = DivideRoundUp(p->units, p->tile_units);
  p->tile_count = p->batch * p->row_tiles;
  return Status::Ok();
}

}  // namespace mace::kernels
