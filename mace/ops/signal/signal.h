// Operators of signal processing, as ONNX defines them, in double throughout. Complex numbers are pairs on a
// last axis of 2, real ones stand on a last axis of 1. All f32 or all f64.
//
// Dft: x [..., length, ..., 1 or 2], optional dft_length, optional axis (integers of one element; not the
// last axis) -> the discrete Fourier transform along the axis, of x cut or filled with zeros to dft_length,
// on a last axis of 2. `onesided`: the first dft_length / 2 + 1 frequencies only; with `inverse` x is such a
// half, and the output is real, of dft_length elements (2 * (length - 1) where it is not given).
//
// Stft: signal [N, length, 1 or 2], int64 frame_step, optional window [frame_length], optional int64
// frame_length -> [N, frames, frequencies, 2]: the Dft of each frame, times the window. A signal shorter than
// a frame gives no frame.
//
// CosineWindow: int64 or int32 size (rank 0 or 1) -> [size].
//
// MelWeightMatrix: int64 or int32 num_mel_bins, dft_length, sample_rate, float lower_edge_hertz,
// upper_edge_hertz (one element each) -> [dft_length / 2 + 1, num_mel_bins]: triangles that sum frequencies
// of a Dft to bins that are equally wide on the mel scale.
#ifndef MACE_OPS_SIGNAL_SIGNAL_H_
#define MACE_OPS_SIGNAL_SIGNAL_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct DftAttributes {
  int64_t axis = 1;  // where it is no operand
  bool inverse = false;
  bool onesided = false;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, DftAttributes, axis), MACE_FIELD(2, DftAttributes, inverse),
                      MACE_FIELD(3, DftAttributes, onesided)};
  }
};
extern const OpDefinition kDftDefinition;

struct StftAttributes {
  bool onesided = true;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, StftAttributes, onesided)}; }
};
extern const OpDefinition kStftDefinition;

enum class WindowKind : int32_t { kHann = 0, kHamming = 1, kBlackman = 2, kCount = 3 };
struct CosineWindowAttributes {
  WindowKind kind = WindowKind::kHann;
  bool periodic = true;
  DType dtype = DType::kF32;  // or kF64

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, CosineWindowAttributes, kind),
                      MACE_FIELD(2, CosineWindowAttributes, periodic),
                      MACE_FIELD(3, CosineWindowAttributes, dtype)};
  }
};
extern const OpDefinition kCosineWindowDefinition;

struct MelWeightMatrixAttributes {
  DType dtype = DType::kF32;  // or kF64

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, MelWeightMatrixAttributes, dtype)}; }
};
extern const OpDefinition kMelWeightMatrixDefinition;

// --- Shared by shape rules ---

// Input `input` is an int64 or int32 tensor of one element. *known: whether its `value` is, which is 0 to
// 2^31 - 1 for a count.
Status ReadInteger(const InferContext& context, int input, bool* known, int64_t* value);
Status ReadCount(const InferContext& context, int input, bool* known, int64_t* value);

}  // namespace mace::ops

#endif  // MACE_OPS_SIGNAL_SIGNAL_H_
