// Kernels gru_f32 and lstm_f32: ONNX's GRU and LSTM with the default activations, in one or two directions,
// all sequences of one length, without peepholes or clipping (importers refuse those).
#ifndef MACE_KERNELS_RECURRENT_RECURRENT_H_
#define MACE_KERNELS_RECURRENT_RECURRENT_H_

#include "mace/core/dtype.h"
#include "mace/core/status.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/kernel.h"

namespace mace::kernels {

enum class RecurrentDirection : uint8_t { kForward, kReverse, kBidirectional };

// Operands (contiguous; D = directions, B = batch, T = steps, I = input size, H = hidden size; null where
// marked):
//   0 X [T, B, I]   1 packed weights   2 initial h [D, B, H] (or null: zero)   3 initial c [D, B, H] (LSTM;
//   or null)   4 Y [T, D, B, H] (or null)   5 Y_h [D, B, H] (or null)   6 Y_c [D, B, H] (LSTM; or null)
// Initial h and Y_h may be the same memory, c and Y_c alike. Tiles are the directions: one tile is one whole
// sequence.
struct RecurrentParams {
  // Set by the caller.
  Isa isa = Isa::kScalar;
  bool lstm = false;
  RecurrentDirection direction = RecurrentDirection::kForward;
  bool linear_before_reset = false;  // GRU
  int64_t steps = 0, batch = 0, input_size = 0, hidden_size = 0;

  // Set by PrepareRecurrent.
  int64_t directions = 1, gates = 3;
  GemmPanels input_panels;      // of W: gates * hidden_size columns
  GemmPanels recurrent_panels;  // of R: the gates that see the hidden state as it is (GRU without
                                // linear_before_reset: z and r)
  GemmPanels last_panels;       // of R's h gate where that sees r * H instead, else no columns
  GemmEpilogue epilogue;        // nothing to do
  int64_t input_floats = 0, recurrent_floats = 0, last_floats = 0;  // packed, of one direction
  int64_t tile_count = 0;
  int64_t workspace_bytes = 0;
};

Status PrepareRecurrent(RecurrentParams* params);
int64_t RecurrentPackedBytes(const RecurrentParams& params);
// ONNX layouts: W [D, gates*H, I], R [D, gates*H, H], B [D, 2*gates*H] or null; all of `dtype` (kF32 or
// kF16). Gate order z, r, h (GRU); i, o, f, c (LSTM).
void PackRecurrent(const RecurrentParams& params, const void* w, const void* r, const void* b, DType dtype,
                   void* packed);

// kernels.def family `recurrent`.
struct RecurrentKernels {
  KernelFunction gru_f32;
  KernelFunction lstm_f32;
  KernelFunction sequence_lstm_f32;  // SequenceLstmParams
  KernelFunction sequence_lstm_i8;
  KernelFunction svdf_f32;  // SvdfParams
  KernelFunction svdf_i8;
};

}  // namespace mace::kernels

#endif  // MACE_KERNELS_RECURRENT_RECURRENT_H_
