#include "mace/kernels/recurrent/sequence_lstm.h"

#include "mace/kernels/sizes.h"

namespace mace::kernels {

Status PrepareSequenceLstm(SequenceLstmParams* p) {
  constexpr int64_t kMost = int64_t{1} << 32;
  if (p->batch < 0 || p->steps < 0 || p->inputs < 0 || p->cells < 1 || p->outputs < 1 || p->inputs > kMost ||
      p->cells > kMost || p->outputs > kMost) {
    return InvalidArgument("lstm: sizes out of range");
  }
  // x, h and what is projected, widened; two sums, four gates and the cells.
  const int64_t numbers =
      SequencePadded(p->inputs) + SequencePadded(p->outputs) + 8 * SequencePadded(p->cells);
  p->workspace_bytes = numbers * 4;
  p->tile_count = p->batch;
  return Status::Ok();
}

}  // namespace mace::kernels
