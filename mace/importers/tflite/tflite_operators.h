// The operators that the importer knows: one row each. A converter reads its operator from the context and
// emits nodes.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_OPERATORS_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_OPERATORS_H_

#include <cstdint>

#include "mace/core/dtype.h"
#include "mace/importers/tflite/tflite_context.h"

namespace mace::importers::tflite {

// Element types of the operator's first input, as bits.
enum TypeMask : uint32_t {
  kFloat32 = 1u << static_cast<int>(DType::kF32),
  kFloat16 = 1u << static_cast<int>(DType::kF16),
  kInt8 = 1u << static_cast<int>(DType::kI8),
  kUint8 = 1u << static_cast<int>(DType::kU8),
  kInt16 = 1u << static_cast<int>(DType::kI16),
  kInt32 = 1u << static_cast<int>(DType::kI32),
  kInt64 = 1u << static_cast<int>(DType::kI64),
  kFloat64 = 1u << static_cast<int>(DType::kF64),
  kUint16 = 1u << static_cast<int>(DType::kU16),
  kUint32 = 1u << static_cast<int>(DType::kU32),
  kUint64 = 1u << static_cast<int>(DType::kU64),
  kBfloat16 = 1u << static_cast<int>(DType::kBF16),
  kNarrowFloats = kFloat16 | kBfloat16,
  kInt4 = 1u << static_cast<int>(DType::kI4),
  kBool = 1u << static_cast<int>(DType::kBool),
  kBytes = kInt8 | kUint8,
  kWords = kInt8 | kUint8 | kInt16,
  // Not of the first input alone: an operator without these has no complex operand or result at all.
  kComplex64 = 1u << 30,
  kComplex128 = 1u << 31,
  kMovedComplex64 = 1u << 29,  // as 64-bit integers, which its converter takes
  kComplex = kComplex64 | kComplex128,
  kAnyType =
      ~(1u << static_cast<int>(DType::kI4) | 1u << static_cast<int>(DType::kU4) | kComplex | kMovedComplex64),
};
static_assert(kDTypeCount <= 29);

struct OperatorRow {
  int32_t number;  // as in the file
  int min_inputs;
  int max_inputs;
  uint32_t types;
  void (*convert)(TfliteContext& context);
};

// Null for an operator that is not supported.
const OperatorRow* FindOperator(const TfliteFile& file, int index);

// What several converters use (tflite_movement.cc).
// The elements as a list; throws kUnsupported where it is too long. `what` names the operand.
IntList ToList(std::span<const int64_t> elements, const char* what);
// The one element of a constant; throws where it is another number of them.
int64_t ConstantScalar(const TfliteContext& context, ValueId value, const char* what);
// Movement keeps the stored integers: both ends must read them the same way, else the operator is refused.
// What a Pad of `value` is filled with: kNone for zero; of quantized tensors their zero point.
ValueId ZeroOf(TfliteContext& context, ValueId value);
void RequireEqualQuantization(TfliteContext& context, const TensorType& from, const TensorType& to);

// Input i, a layer's bias. Without one, the sums of 16-bit inputs have 32 bits where the file says so by the
// type (its number there) that a bias would have: as with a bias of zeros (tflite_layers.cc).
ValueId BiasOf(TfliteContext& context, int i, ValueId x, ValueId weights, int8_t type);
// STRIDED_SLICE whose bounds are computed at run time (tflite_strides.cc).
void EmitStridedAtRunTime(TfliteContext& context, const file::StridedSliceOptions& options, ValueId x);

// tflite_layers.cc
void ConvertConv2d(TfliteContext& context);
void ConvertDepthwiseConv2d(TfliteContext& context);
void ConvertFullyConnected(TfliteContext& context);
void ConvertAveragePool2d(TfliteContext& context);
void ConvertMaxPool2d(TfliteContext& context);
void ConvertL2Pool2d(TfliteContext& context);
void ConvertSoftmax(TfliteContext& context);
void ConvertLogSoftmax(TfliteContext& context);
// tflite_elementwise.cc
void ConvertQuantize(TfliteContext& context);
void ConvertDequantize(TfliteContext& context);
void ConvertAdd(TfliteContext& context);
void ConvertSub(TfliteContext& context);
void ConvertMul(TfliteContext& context);
void ConvertDiv(TfliteContext& context);
void ConvertRelu6(TfliteContext& context);
void ConvertRelu0To1(TfliteContext& context);
void ConvertReluMinus1To1(TfliteContext& context);
void ConvertUnary(TfliteContext& context);
void ConvertLogicalNot(TfliteContext& context);
void ConvertSquare(TfliteContext& context);
void ConvertLeakyRelu(TfliteContext& context);
void ConvertElu(TfliteContext& context);
void ConvertGelu(TfliteContext& context);
void ConvertPair(TfliteContext& context);
void ConvertPow(TfliteContext& context);
void ConvertSquaredDifference(TfliteContext& context);
void ConvertComparison(TfliteContext& context);
void ConvertNotEqual(TfliteContext& context);
void ConvertSelect(TfliteContext& context);
void ConvertAddN(TfliteContext& context);
// tflite_batches.cc
void ConvertSpaceToBatch(TfliteContext& context);
void ConvertBatchToSpace(TfliteContext& context);
// tflite_movement.cc
void ConvertReshape(TfliteContext& context);
void ConvertConcatenation(TfliteContext& context);
void ConvertPad(TfliteContext& context);
void ConvertReduce(TfliteContext& context);
void ConvertMirrorPad(TfliteContext& context);
void ConvertExpandDims(TfliteContext& context);
void ConvertDepthToSpace(TfliteContext& context);
void ConvertSpaceToDepth(TfliteContext& context);
void ConvertCast(TfliteContext& context);
void ConvertTranspose(TfliteContext& context);
void ConvertSqueeze(TfliteContext& context);
// tflite_recurrent.cc
ValueId StateOf(TfliteContext& context, int tensor);  // what a variable holds; throws where it is none
void ConvertSvdf(TfliteContext& context);
void ConvertSequenceLstm(TfliteContext& context);
// tflite_rnn.cc
void ConvertRnn(TfliteContext& context);
void ConvertSequenceRnn(TfliteContext& context);
void ConvertBidirectionalRnn(TfliteContext& context);
void ConvertLstm(TfliteContext& context);
void ConvertBidirectionalLstm(TfliteContext& context);
// tflite_segments.cc
void ConvertSegmentSum(TfliteContext& context);
void ConvertUnsortedSegmentProduct(TfliteContext& context);
void ConvertUnsortedSegmentMax(TfliteContext& context);
void ConvertUnsortedSegmentSum(TfliteContext& context);
void ConvertUnsortedSegmentMin(TfliteContext& context);
void ConvertBucketize(TfliteContext& context);
void ConvertDynamicUpdateSlice(TfliteContext& context);
void ConvertHashtableLookup(TfliteContext& context);
void ConvertEmbeddingLookupSparse(TfliteContext& context);
// tflite_stablehlo.cc
void ConvertStablehloAdd(TfliteContext& context);
void ConvertStablehloMultiply(TfliteContext& context);
void ConvertStablehloMaximum(TfliteContext& context);
void ConvertStablehloMinimum(TfliteContext& context);
void ConvertStablehloShiftLeft(TfliteContext& context);
void ConvertDilate(TfliteContext& context);
void ConvertStablehloPad(TfliteContext& context);
void ConvertReduceWindow(TfliteContext& context);
void ConvertStablehloReduceWindow(TfliteContext& context);
void ConvertStablehloAnd(TfliteContext& context);
void ConvertStablehloOr(TfliteContext& context);
void ConvertStablehloUnary(TfliteContext& context);
void ConvertStablehloSubtract(TfliteContext& context);
void ConvertStablehloDivide(TfliteContext& context);
void ConvertStablehloRemainder(TfliteContext& context);
// tflite_stablehlo_indices.cc
void ConvertStablehloGather(TfliteContext& context);
void ConvertStablehloScatter(TfliteContext& context);
// tflite_stablehlo_random.cc
void ConvertStablehloRandomBits(TfliteContext& context);
// tflite_complex.cc: a complex tensor is floats with one more axis (tflite_file.h).
void ConvertRfft2d(TfliteContext& context);
void ConvertReal(TfliteContext& context);
void ConvertImaginary(TfliteContext& context);
void ConvertComplexAbs(TfliteContext& context);
void EmitComplexCast(TfliteContext& context);
void EmitComplexProduct(TfliteContext& context);
// tflite_random.cc
void ConvertRandom(TfliteContext& context);
void ConvertMultinomial(TfliteContext& context);
// tflite_audio.cc: custom operators.
void ConvertAudioSpectrogram(TfliteContext& context);
void ConvertMfcc(TfliteContext& context);
// tflite_convolution_3d.cc
void ConvertConv3d(TfliteContext& context);
void ConvertConv3dTranspose(TfliteContext& context);
// tflite_slicing.cc
void ConvertSplit(TfliteContext& context);
void ConvertSplitV(TfliteContext& context);
void ConvertPack(TfliteContext& context);
void ConvertUnpack(TfliteContext& context);
void ConvertReverse(TfliteContext& context);
void ConvertStridedSlice(TfliteContext& context);
void ConvertSlice(TfliteContext& context);
// tflite_densify.cc
void ConvertDensify(TfliteContext& context);
// tflite_custom.cc: an operator that the application brings.
void ConvertCustom(TfliteContext& context);
// tflite_control.cc
void ConvertIf(TfliteContext& context);
void ConvertWhile(TfliteContext& context);
void ConvertStablehloCase(TfliteContext& context);
void ConvertCall(TfliteContext& context);
void ConvertComposite(TfliteContext& context);
// tflite_variables.cc
void ConvertVarHandle(TfliteContext& context);
void ConvertReadVariable(TfliteContext& context);
void ConvertAssignVariable(TfliteContext& context);
void ConvertCallOnce(TfliteContext& context);
// tflite_detection.cc
void ConvertDetectionPostProcess(TfliteContext& context);
// tflite_upsampling.cc
void ConvertTransposeConv(TfliteContext& context);
void ConvertResizeBilinear(TfliteContext& context);
void ConvertResizeNearest(TfliteContext& context);
// tflite_lookup.cc
void ConvertArgMax(TfliteContext& context);
void ConvertTopK(TfliteContext& context);
void ConvertArgMin(TfliteContext& context);
void ConvertEmbeddingLookup(TfliteContext& context);
void ConvertProjection(TfliteContext& context);
void ConvertBatchMatMul(TfliteContext& context);
// tflite_math.cc
void ConvertFloorMod(TfliteContext& context);
void ConvertFloorDiv(TfliteContext& context);
void ConvertAtan2(TfliteContext& context);
void ConvertBitwise(TfliteContext& context);
void ConvertCumulativeSum(TfliteContext& context);
void ConvertL2Normalization(TfliteContext& context);
void ConvertLocalResponse(TfliteContext& context);
void ConvertFakeQuant(TfliteContext& context);
// tflite_indices.cc
void ConvertGather(TfliteContext& context);
void ConvertGatherNd(TfliteContext& context);
void ConvertScatterNd(TfliteContext& context);
void ConvertSparseToDense(TfliteContext& context);
void ConvertOneHot(TfliteContext& context);
void ConvertWhere(TfliteContext& context);
void ConvertUnique(TfliteContext& context);
void ConvertSuppression(TfliteContext& context);
void ConvertReverseSequence(TfliteContext& context);
// tflite_shapes.cc
void ConvertShape(TfliteContext& context);
void ConvertRank(TfliteContext& context);
void ConvertZerosLike(TfliteContext& context);
void ConvertFill(TfliteContext& context);
void ConvertRange(TfliteContext& context);
void ConvertBroadcastTo(TfliteContext& context);
void ConvertTile(TfliteContext& context);
void ConvertBroadcastArgs(TfliteContext& context);
void ConvertMatrixDiag(TfliteContext& context);
void ConvertMatrixSetDiag(TfliteContext& context);
void ConvertBitcast(TfliteContext& context);

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_OPERATORS_H_
