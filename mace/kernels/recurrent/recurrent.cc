#include "mace/kernels/recurrent/recurrent.h"

namespace mace::kernels {
namespace {

int64_t DirectionFloats(const RecurrentParams& p) {
  return p.input_floats + p.recurrent_floats + p.last_floats;
}

const void* At(const void* data, DType dtype, int64_t index) {
  return data == nullptr ? nullptr : static_cast<const uint8_t*>(data) + index * BytesOf(dtype);
}

GemmRhs Gates(const void* weights, const void* bias, DType dtype, int64_t first_row, int64_t rows,
              int64_t depth) {
  GemmRhs rhs = GemmRhsFromNK(At(weights, dtype, first_row * depth), dtype, rows, depth, bias);
  rhs.bias_dtype = dtype;
  return rhs;
}

}  // namespace

Status PrepareRecurrent(RecurrentParams* p) {
  p->directions = p->direction == RecurrentDirection::kBidirectional ? 2 : 1;
  p->gates = p->lstm ? 4 : 3;
  if (!SizesFit(p->steps, p->batch, 1) || !SizesFit(p->steps * p->batch, p->input_size, 8) ||
      !SizesFit(p->steps * p->batch, p->hidden_size, 64) || !SizesFit(p->hidden_size, p->input_size, 64) ||
      !SizesFit(p->hidden_size, p->hidden_size, 64) || !SizesFit(p->batch, p->hidden_size, 64)) {
    return InvalidArgument("recurrent: sizes out of range");
  }
  if (GemmRowsOf(p->isa).empty()) return InvalidArgument("recurrent: no kernel for this instruction set");
  const int64_t h = p->hidden_size;
  const bool split = !p->lstm && !p->linear_before_reset;
  p->input_panels = PlanGemmPanels(p->isa, p->gates * h);
  p->recurrent_panels = PlanGemmPanels(p->isa, split ? 2 * h : p->gates * h);
  p->last_panels = split ? PlanGemmPanels(p->isa, h) : GemmPanels();
  p->epilogue = SplitPostOps(PostOps());
  p->input_floats = RoundUp16(PackedGemmFloats(p->input_panels, p->input_size));
  p->recurrent_floats = RoundUp16(PackedGemmFloats(p->recurrent_panels, h));
  p->last_floats = RoundUp16(PackedGemmFloats(p->last_panels, h));
  p->tile_count = p->batch * h == 0 ? 0 : p->directions;
  // The input's share of all gates of all steps; the state's share of one step; h, c, r * h.
  p->workspace_bytes = (p->steps * p->batch * p->gates * h + p->batch * p->gates * h + 3 * p->batch * h) * 4;
  return Status::Ok();
}

int64_t RecurrentPackedBytes(const RecurrentParams& p) { return p.directions * DirectionFloats(p) * 4; }

void PackRecurrent(const RecurrentParams& p, const void* w, const void* r, const void* b, DType dtype,
                   void* packed) {
  const int64_t h = p.hidden_size;
  const int64_t gate_rows = p.gates * h;
  float* target = static_cast<float*>(packed);
  for (int64_t d = 0; d < p.directions; ++d, target += DirectionFloats(p)) {
    const void* input_bias = At(b, dtype, d * 2 * gate_rows);
    const void* state_bias = At(b, dtype, d * 2 * gate_rows + gate_rows);
    PackGemm(p.input_panels, Gates(w, input_bias, dtype, d * gate_rows, gate_rows, p.input_size), target);
    float* state = target + p.input_floats;
    PackGemm(p.recurrent_panels, Gates(r, state_bias, dtype, d * gate_rows, p.recurrent_panels.columns, h),
             state);
    if (p.last_panels.columns > 0) {
      PackGemm(p.last_panels, Gates(r, At(state_bias, dtype, 2 * h), dtype, d * gate_rows + 2 * h, h, h),
               state + p.recurrent_floats);
    }
  }
}

}  // namespace mace::kernels
