#include "mace/importers/tflite/tflite_operators.h"

namespace mace::importers::tflite {
namespace {

constexpr int kAny = 1 << 16;

constexpr OperatorRow kOperators[] = {
    // number, inputs at least, at most, types, converter
    {0, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kFloat16, &ConvertAdd},
    {1, 1, 1, kFloat32 | kWords, &ConvertAveragePool2d},
    {2, 1, kAny, kAnyType, &ConvertConcatenation},
    {3, 2, 3, kFloat32 | kWords, &ConvertConv2d},
    {4, 2, 3, kFloat32 | kWords, &ConvertDepthwiseConv2d},
    {5, 1, 1, kAnyType, &ConvertDepthToSpace},
    {6, 1, 1, kFloat16 | kWords | kInt32 | kInt4, &ConvertDequantize},
    {7, 2, 2, kInt32, &ConvertEmbeddingLookup},
    {8, 1, 1, kFloat32 | kNarrowFloats, &ConvertUnary},
    {9, 2, 3, kFloat32 | kWords, &ConvertFullyConnected},
    {10, 3, 3, kInt32, &ConvertHashtableLookup},
    {11, 1, 1, kFloat32 | kBytes, &ConvertL2Normalization},
    {12, 1, 1, kFloat32, &ConvertL2Pool2d},
    {13, 1, 1, kFloat32, &ConvertLocalResponse},
    {14, 1, 1, kFloat32 | kWords | kNarrowFloats, &ConvertUnary},
    {15, 2, 3, kFloat32, &ConvertProjection},
    {16, 5, 24, kFloat32, &ConvertLstm},
    {17, 1, 1, kFloat32 | kWords, &ConvertMaxPool2d},
    {18, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kFloat16 | kUint32, &ConvertMul},
    {19, 1, 1, kFloat32 | kWords, &ConvertUnary},
    {20, 1, 1, kFloat32 | kBytes, &ConvertReluMinus1To1},
    {21, 1, 1, kFloat32 | kWords, &ConvertRelu6},
    {22, 1, 2, kAnyType, &ConvertReshape},
    {23, 2, 2, kFloat32 | kWords, &ConvertResizeBilinear},
    {24, 5, 5, kFloat32, &ConvertRnn},
    {25, 1, 1, kFloat32 | kWords | kFloat16, &ConvertSoftmax},
    {26, 1, 1, kAnyType, &ConvertSpaceToDepth},
    {27, 4, 5, kFloat32 | kInt8, &ConvertSvdf},
    {28, 1, 1, kFloat32 | kWords | kNarrowFloats, &ConvertUnary},
    {33, 5, 5, kInt32, &ConvertEmbeddingLookupSparse},
    {34, 2, 2, kAnyType, &ConvertPad},
    {35, 5, 5, kFloat32, &ConvertSequenceRnn},
    {36, 2, 2, kAnyType | kInt4, &ConvertGather},
    {37, 3, 3, kAnyType, &ConvertBatchToSpace},
    {38, 3, 3, kAnyType, &ConvertSpaceToBatch},
    {39, 2, 2, kAnyType, &ConvertTranspose},
    {40, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertReduce},
    {41, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertSub},
    {42, 2, 2, kFloat32 | kInt32 | kWords, &ConvertDiv},
    {43, 1, 1, kAnyType, &ConvertSqueeze},
    {44, 20, 24, kFloat32 | kInt8, &ConvertSequenceLstm},
    {45, 4, 4, kAnyType, &ConvertStridedSlice},
    {46, 9, 12, kFloat32, &ConvertBidirectionalRnn},
    {47, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {48, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertTopK},
    {49, 2, 2, kAnyType, &ConvertSplit},
    {50, 1, 1, kFloat32 | kBytes, &ConvertLogSoftmax},
    {52, 39, 48, kFloat32, &ConvertBidirectionalLstm},
    {53, 1, 1, kAnyType, &ConvertCast},
    {54, 2, 2, kFloat32 | kWords, &ConvertPair},
    {55, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kNarrowFloats, &ConvertPair},
    {56, 2, 2, kFloat32 | kWords | kInt32 | kInt64 | kBool, &ConvertArgMax},
    {57, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kNarrowFloats, &ConvertPair},
    {58, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kNarrowFloats, &ConvertComparison},
    {59, 1, 1, kFloat32 | kInt32 | kInt64 | kInt8 | kInt16 | kNarrowFloats, &ConvertUnary},
    {60, 3, 3, kAnyType, &ConvertPad},
    {61, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kNarrowFloats, &ConvertComparison},
    {62, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kFloat16, &ConvertComparison},
    {63, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kFloat16, &ConvertComparison},
    {64, 3, 3, kBool, &ConvertSelect},
    {65, 3, 3, kAnyType, &ConvertSlice},
    {66, 1, 1, kFloat32 | kFloat16, &ConvertUnary},
    {67, 3, 4, kInt32, &ConvertTransposeConv},
    {68, 4, 4, kInt32 | kInt64, &ConvertSparseToDense},
    {69, 2, 2, kAnyType, &ConvertTile},
    {70, 2, 2, kAnyType, &ConvertExpandDims},
    {71, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kBool | kFloat16, &ConvertComparison},
    {72, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kBool | kFloat16, &ConvertNotEqual},
    {73, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {74, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kBool, &ConvertReduce},
    {75, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {76, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {77, 1, 1, kAnyType, &ConvertShape},
    {78, 2, 2, kFloat32 | kInt32, &ConvertPow},
    {79, 2, 2, kFloat32 | kWords | kInt32 | kInt64 | kBool, &ConvertArgMin},
    {80, 1, 1, kFloat32, &ConvertFakeQuant},
    {81, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kBool, &ConvertReduce},
    {82, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kBool, &ConvertReduce},
    {83, 1, kAny, kAnyType, &ConvertPack},
    {84, 2, 2, kBool, &ConvertComparison},
    {85, 4, 4, kInt32 | kInt64, &ConvertOneHot},
    {86, 2, 2, kBool, &ConvertComparison},
    {87, 1, 1, kBool, &ConvertLogicalNot},
    {88, 1, 1, kAnyType, &ConvertUnpack},
    {89, 2, 2, kFloat32 | kInt32 | kInt64 | kWords | kBool, &ConvertReduce},
    {90, 2, 2, kFloat32 | kInt8 | kInt16 | kInt32, &ConvertFloorDiv},
    {91, 2, 2, kBool, &ConvertReduce},
    {92, 1, 1, kFloat32, &ConvertSquare},
    {93, 1, 1, kFloat32 | kInt32 | kInt64, &ConvertZerosLike},
    {94, 2, 2, kInt32 | kInt64, &ConvertFill},
    {95, 2, 2, kFloat32 | kInt8 | kInt16 | kInt32 | kInt64, &ConvertFloorMod},
    {96, 3, 3, kFloat32 | kInt32 | kInt64, &ConvertRange},
    {97, 2, 2, kFloat32 | kWords | kInt32 | kNarrowFloats | kUint16 | kUint32 | kBool, &ConvertResizeNearest},
    {98, 1, 1, kFloat32 | kWords, &ConvertLeakyRelu},
    {99, 2, 2, kFloat32 | kInt32 | kInt8, &ConvertSquaredDifference},
    {100, 2, 2, kAnyType, &ConvertMirrorPad},
    {101, 1, 1, kFloat32 | kInt32 | kInt8 | kInt16, &ConvertUnary},
    {102, 3, 3, kAnyType, &ConvertSplitV},
    {103, 1, 1, kFloat32 | kInt32 | kInt64 | kWords, &ConvertUnique},
    {104, 1, 1, kFloat32, &ConvertUnary},
    {105, 2, 2, kAnyType, &ConvertReverse},
    {106, 1, kAny, kFloat32 | kInt32, &ConvertAddN},
    {107, 2, 2, kAnyType, &ConvertGatherNd},
    {108, 1, 1, kFloat32 | kFloat16, &ConvertUnary},
    {109, 1, 1, kAnyType, &ConvertWhere},
    {110, 1, 1, kAnyType, &ConvertRank},
    {111, 1, 1, kFloat32 | kInt8, &ConvertElu},
    {112, 2, 2, kAnyType, &ConvertReverseSequence},
    {113, 1, 1, kAnyType, &ConvertMatrixDiag},
    {114, 1, 1, kFloat32 | kWords | kInt32, &ConvertQuantize},
    {115, 2, 2, kAnyType, &ConvertMatrixSetDiag},
    {116, 1, 1, kFloat32 | kNarrowFloats, &ConvertUnary},
    {117, 1, 1, kFloat32 | kBytes, &ConvertUnary},
    {118, 1, kAny, kBool, &ConvertIf},
    {119, 1, kAny, kAnyType, &ConvertWhile},
    {120, 5, 5, kFloat32, &ConvertSuppression},
    {121, 6, 6, kFloat32, &ConvertSuppression},
    {122, 3, 3, kInt32 | kInt64, &ConvertScatterNd},
    {123, 3, 3, kBool, &ConvertSelect},
    {124, 1, 1, kAnyType, &ConvertDensify},
    {125, 2, 2, kFloat32 | kInt32, &ConvertSegmentSum},
    {126, 2, 2, kFloat32 | kInt8 | kInt16, &ConvertBatchMatMul},
    {128, 2, 2, kFloat32 | kInt32 | kInt64, &ConvertCumulativeSum},
    {129, 0, 0, kAnyType, &ConvertCallOnce},
    {130, 2, 2, kAnyType, &ConvertBroadcastTo},
    {132, 2, 3, kFloat32, &ConvertConv3d},
    {140, 2, 2, kBool, &ConvertReduce},
    {141, 3, 4, kInt32, &ConvertConv3dTranspose},
    {142, 0, 0, kAnyType, &ConvertVarHandle},
    {143, 1, 1, kAnyType, &ConvertReadVariable},
    {144, 2, 2, kAnyType, &ConvertAssignVariable},
    {145, 2, 2, kInt32 | kInt64, &ConvertBroadcastArgs},
    {147, 1, 1, kFloat32 | kFloat64 | kInt32 | kInt64, &ConvertBucketize},
    {150, 1, 1, kFloat32 | kWords | kFloat16, &ConvertGelu},
    {151, 3, 3, kAnyType, &ConvertDynamicUpdateSlice},
    {152, 1, 1, kFloat32 | kBytes, &ConvertRelu0To1},
    {153, 3, 3, kFloat32 | kInt32, &ConvertUnsortedSegmentProduct},
    {154, 3, 3, kFloat32 | kInt32, &ConvertUnsortedSegmentMax},
    {155, 3, 3, kFloat32 | kInt32, &ConvertUnsortedSegmentSum},
    {156, 2, 2, kFloat32 | kFloat64 | kNarrowFloats, &ConvertAtan2},
    {157, 3, 3, kFloat32 | kInt32, &ConvertUnsortedSegmentMin},
    {158, 1, 1, kFloat32 | kInt32 | kFloat64, &ConvertUnary},
    {159, 1, 1, kAnyType, &ConvertBitcast},
    {160, 2, 2, kWords | kUint16 | kInt32 | kUint32, &ConvertBitwise},
    {161, 2, 2, kWords | kUint16 | kInt32 | kUint32, &ConvertBitwise},
    {163, 2, 2, kAnyType, &ConvertStablehloAdd},
    {165, 2, 2, kAnyType, &ConvertStablehloMultiply},
    {166, 2, 2, kAnyType, &ConvertStablehloMaximum},
    {181, 2, 2, kAnyType, &ConvertStablehloMinimum},
    {195, 2, 2, kAnyType, &ConvertStablehloPad},
    {203, 3, 3, kAnyType, &ConvertDilate},
    {205, 5, 5, kAnyType, &ConvertReduceWindow},
    {207, 2, 2, kAnyType, &ConvertStablehloShiftLeft},
};

// Operators that have a name instead of a number.
constexpr struct {
  std::string_view name;
  OperatorRow row;
} kCustomOperators[] = {
    {"TFLite_Detection_PostProcess", {32, 3, 3, kFloat32 | kUint8, &ConvertDetectionPostProcess}},
};

constexpr OperatorRow kBroughtOperator = {32, 0, kAny, kAnyType, &ConvertCustom};

}  // namespace

const OperatorRow* FindOperator(const TfliteFile& file, int index) {
  const int32_t number = file.OperatorNumber(index);
  if (number == kCustomOperator) {
    if (file.IsBrought(index)) return &kBroughtOperator;
    for (const auto& custom : kCustomOperators) {
      if (custom.name == file.CustomName(index)) return &custom.row;
    }
    return nullptr;
  }
  for (const OperatorRow& row : kOperators) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

}  // namespace mace::importers::tflite
