// Operators that move elements without computing. All take any dtype; quantized values keep their
// quantization.
#ifndef MACE_OPS_MOVEMENT_MOVEMENT_H_
#define MACE_OPS_MOVEMENT_MOVEMENT_H_

#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace::ops {

struct TransposeAttributes {
  IntList perm;  // output axis i is input axis perm[i] >= 0; empty: axes reversed

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, TransposeAttributes, perm)}; }
};
// Concat: quantized inputs of another scale than the output's are brought to it.
struct ConcatAttributes {
  int64_t axis = 0;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ConcatAttributes, axis), MACE_FIELD(2, ConcatAttributes, rounding)};
  }
};
// Split: x, optional int64 sizes [outputs]; without sizes: equal parts, the last one smaller where it does
// not divide.
struct SplitAttributes {
  int64_t axis = 0;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, SplitAttributes, axis)}; }
};
// Slice: x, starts, ends, optional axes, optional steps (int64 or int32 [n]) as in ONNX.
// Gather: data, int32 or int64 indices (negative: from the end) -> data.shape[:axis] + indices.shape +
// data.shape[axis + 1:].
struct GatherAttributes {
  int64_t axis = 0;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, GatherAttributes, axis)}; }
};
// Reflect mirrors at the middle of the outermost element, symmetric at its outer side (both again and again,
// where there is more to fill than x has), wrap goes on at the other end.
enum class PadMode : int32_t {
  kConstant = 0,
  kReflect = 1,
  kEdge = 2,
  kSymmetric = 3,
  kWrap = 4,
  kCount = 5,
};
// Pad: x, int64 or int32 pads [2 * n] (all begins, then all ends; negative: crops, before anything is added),
// optional scalar value of x's dtype, optional int64 or int32 axes [n] (absent: all).
struct PadAttributes {
  PadMode mode = PadMode::kConstant;

  static constexpr auto Fields() { return std::array{MACE_FIELD(1, PadAttributes, mode)}; }
};
enum class DepthToSpaceMode : int32_t { kDepthColumnRow = 0, kColumnRowDepth = 1, kCount = 2 };
// DepthToSpace: x [N, H, W, C * b * b] -> [N, H * b, W * b, C]. Input channel, for output channel c and block
// row r, column s: kDepthColumnRow: (r * b + s) * C + c;  kColumnRowDepth: c * b * b + r * b + s  (ONNX's DCR
// and CRD).
struct DepthToSpaceAttributes {
  int64_t block_size = 1;
  DepthToSpaceMode mode = DepthToSpaceMode::kDepthColumnRow;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, DepthToSpaceAttributes, block_size),
                      MACE_FIELD(2, DepthToSpaceAttributes, mode)};
  }
};
enum class ResizeMode : int32_t { kNearest = 0, kLinear = 1, kCount = 2 };
enum class CoordinateMode : int32_t {
  kHalfPixel = 0,
  kPytorchHalfPixel = 1,
  kAlignCorners = 2,
  kAsymmetric = 3,
  kHalfPixelSymmetric = 4,
  kTfCropAndResize = 5,  // ResizeNd only: reads a region of interest
  kCount = 6,
};
enum class NearestMode : int32_t {
  kRoundPreferFloor = 0,
  kRoundPreferCeil = 1,
  kFloor = 2,
  kCeil = 3,
  kCount = 4
};
// Resize: x [N, H, W, C], optional f32 scales [2] (height, width), optional int64 sizes [2] (height, width);
// exactly one of the two is present. Output size from scales: floor(in * scale). With scales the coordinate
// formulas use the scale as given, with sizes they use out / in, as ONNX does. kLinear takes f32 and
// quantized i8, u8, i16. With the tflite roundings the coordinates are TensorFlow Lite's, for floats too, and
// nearest_mode is not read: kAlignCorners rounds, kHalfPixel and kAsymmetric go down.
struct ResizeAttributes {
  ResizeMode mode = ResizeMode::kNearest;
  CoordinateMode coordinate_mode = CoordinateMode::kHalfPixel;
  NearestMode nearest_mode = NearestMode::kRoundPreferFloor;
  Rounding rounding = Rounding::kHalfEvenFloat;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, ResizeAttributes, mode), MACE_FIELD(2, ResizeAttributes, coordinate_mode),
                      MACE_FIELD(3, ResizeAttributes, nearest_mode),
                      MACE_FIELD(4, ResizeAttributes, rounding)};
  }
};
// Where: bool condition, a, b, all broadcast.

// Whether a Concat has an input that is to be brought to another scale.
bool ConcatRescales(const Graph& graph, const Node& node);

// The pads of each axis.
struct PadAmounts {
  int64_t begin[kMaxRank] = {};
  int64_t end[kMaxRank] = {};
};
Status ResolvePads(const TensorView& pads, const TensorView* axes, int rank, PadAmounts* amounts);

extern const OpDefinition kTransposeDefinition;
extern const OpDefinition kConcatDefinition;
extern const OpDefinition kSplitDefinition;
extern const OpDefinition kSliceDefinition;
extern const OpDefinition kGatherDefinition;
extern const OpDefinition kPadDefinition;
extern const OpDefinition kDepthToSpaceDefinition;
extern const OpDefinition kWhereDefinition;
extern const OpDefinition kResizeDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_MOVEMENT_MOVEMENT_H_
