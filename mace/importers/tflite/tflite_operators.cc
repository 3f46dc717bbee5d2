#include "mace/importers/tflite/tflite_operators.h"

namespace mace::importers::tflite {
namespace {

constexpr int kAny = 1 << 16;

constexpr OperatorRow kOperators[] = {
    // number, inputs at least, at most, types, converter
    {0, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertAdd},
    {1, 1, 1, kFloat32 | kWords, &ConvertAveragePool2d},
    {2, 1, kAny, kAnyType, &ConvertConcatenation},
    {3, 2, 3, kFloat32 | kWords, &ConvertConv2d},
    {4, 2, 3, kFloat32 | kWords, &ConvertDepthwiseConv2d},
    {6, 1, 1, kFloat16 | kWords | kInt32, &ConvertDequantize},
    {8, 1, 1, kFloat32, &ConvertUnary},
    {9, 2, 3, kFloat32 | kWords, &ConvertFullyConnected},
    {14, 1, 1, kFloat32 | kWords, &ConvertUnary},
    {17, 1, 1, kFloat32 | kWords, &ConvertMaxPool2d},
    {18, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertMul},
    {19, 1, 1, kFloat32 | kWords, &ConvertUnary},
    {20, 1, 1, kFloat32 | kBytes, &ConvertReluMinus1To1},
    {21, 1, 1, kFloat32 | kWords, &ConvertRelu6},
    {22, 1, 2, kAnyType, &ConvertReshape},
    {23, 2, 2, kFloat32 | kWords, &ConvertResizeBilinear},
    {25, 1, 1, kFloat32 | kWords, &ConvertSoftmax},
    {27, 4, 5, kFloat32 | kInt8, &ConvertSvdf},
    {28, 1, 1, kFloat32 | kWords, &ConvertUnary},
    {34, 2, 2, kAnyType, &ConvertPad},
    {39, 2, 2, kAnyType, &ConvertTranspose},
    {40, 2, 2, kFloat32, &ConvertMean},
    {41, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertSub},
    {42, 2, 2, kFloat32 | kInt32 | kWords, &ConvertDiv},
    {43, 1, 1, kAnyType, &ConvertSqueeze},
    {45, 4, 4, kAnyType, &ConvertStridedSlice},
    {47, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {49, 2, 2, kAnyType, &ConvertSplit},
    {54, 2, 2, kFloat32 | kWords, &ConvertPair},
    {55, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertPair},
    {56, 2, 2, kFloat32 | kWords | kInt32 | kInt64, &ConvertArgMax},
    {57, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertPair},
    {59, 1, 1, kFloat32 | kInt32 | kInt64 | kInt8 | kInt16, &ConvertUnary},
    {65, 3, 3, kAnyType, &ConvertSlice},
    {66, 1, 1, kFloat32, &ConvertUnary},
    {73, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {75, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {76, 1, 1, kFloat32 | kInt8 | kInt16, &ConvertUnary},
    {78, 2, 2, kFloat32 | kInt32, &ConvertPow},
    {79, 2, 2, kFloat32 | kWords | kInt32 | kInt64, &ConvertArgMin},
    {83, 1, kAny, kAnyType, &ConvertPack},
    {87, 1, 1, kBool, &ConvertLogicalNot},
    {88, 1, 1, kAnyType, &ConvertUnpack},
    {92, 1, 1, kFloat32, &ConvertSquare},
    {97, 2, 2, kFloat32 | kWords | kInt32, &ConvertResizeNearest},
    {98, 1, 1, kFloat32 | kWords, &ConvertLeakyRelu},
    {99, 2, 2, kFloat32 | kInt32 | kInt8, &ConvertSquaredDifference},
    {101, 1, 1, kFloat32 | kInt32 | kInt8 | kInt16, &ConvertUnary},
    {102, 3, 3, kAnyType, &ConvertSplitV},
    {104, 1, 1, kFloat32, &ConvertUnary},
    {105, 2, 2, kAnyType, &ConvertReverse},
    {108, 1, 1, kFloat32, &ConvertUnary},
    {111, 1, 1, kFloat32 | kInt8, &ConvertElu},
    {114, 1, 1, kFloat32 | kWords | kInt32, &ConvertQuantize},
    {116, 1, 1, kFloat32, &ConvertUnary},
    {117, 1, 1, kFloat32 | kBytes, &ConvertUnary},
    {150, 1, 1, kFloat32 | kWords, &ConvertGelu},
    {152, 1, 1, kFloat32 | kBytes, &ConvertRelu0To1},
};

}  // namespace

const OperatorRow* FindOperator(int32_t number) {
  for (const OperatorRow& row : kOperators) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

}  // namespace mace::importers::tflite
