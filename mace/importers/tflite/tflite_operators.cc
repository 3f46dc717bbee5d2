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
    {9, 2, 3, kFloat32 | kWords, &ConvertFullyConnected},
    {14, 1, 1, kFloat32, &ConvertLogistic},
    {17, 1, 1, kFloat32 | kWords, &ConvertMaxPool2d},
    {18, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertMul},
    {19, 1, 1, kFloat32, &ConvertRelu},
    {20, 1, 1, kFloat32, &ConvertReluMinus1To1},
    {21, 1, 1, kFloat32, &ConvertRelu6},
    {22, 1, 2, kAnyType, &ConvertReshape},
    {25, 1, 1, kFloat32 | kWords, &ConvertSoftmax},
    {27, 4, 5, kFloat32 | kInt8, &ConvertSvdf},
    {28, 1, 1, kFloat32, &ConvertTanh},
    {34, 2, 2, kAnyType, &ConvertPad},
    {39, 2, 2, kAnyType, &ConvertTranspose},
    {40, 2, 2, kFloat32, &ConvertMean},
    {41, 2, 2, kFloat32 | kInt32 | kInt64 | kWords, &ConvertSub},
    {42, 2, 2, kFloat32 | kInt32, &ConvertDiv},
    {43, 1, 1, kAnyType, &ConvertSqueeze},
    {23, 2, 2, kFloat32 | kWords, &ConvertResizeBilinear},
    {44, 20, 24, kFloat32 | kInt8, &ConvertSequenceLstm},
    {45, 4, 4, kAnyType, &ConvertStridedSlice},
    {49, 2, 2, kAnyType, &ConvertSplit},
    {56, 2, 2, kFloat32 | kWords | kInt32 | kInt64, &ConvertArgMax},
    {65, 3, 3, kAnyType, &ConvertSlice},
    {67, 3, 4, kInt32, &ConvertTransposeConv},
    {79, 2, 2, kFloat32 | kWords | kInt32 | kInt64, &ConvertArgMin},
    {83, 1, kAny, kAnyType, &ConvertPack},
    {88, 1, 1, kAnyType, &ConvertUnpack},
    {97, 2, 2, kFloat32 | kWords | kInt32, &ConvertResizeNearest},
    {102, 3, 3, kAnyType, &ConvertSplitV},
    {105, 2, 2, kAnyType, &ConvertReverse},
    {114, 1, 1, kFloat32 | kWords | kInt32, &ConvertQuantize},
};

// Operators that have a name instead of a number.
constexpr struct {
  std::string_view name;
  OperatorRow row;
} kCustomOperators[] = {
    {"TFLite_Detection_PostProcess", {32, 3, 3, kFloat32 | kUint8, &ConvertDetectionPostProcess}},
};

}  // namespace

const OperatorRow* FindOperator(const TfliteFile& file, int index) {
  const int32_t number = file.OperatorNumber(index);
  if (number == kCustomOperator) {
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
