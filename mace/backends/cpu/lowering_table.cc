#include "mace/backends/cpu/lowering_table.h"

namespace mace::cpu {
namespace {

struct LoweringRow {
  OpId op;
  LoweringFunction lower;
};

constexpr LoweringRow kLowerings[] = {
    {OpId::kConv2d, LowerConv2d},
    {OpId::kConvTranspose2d, LowerConvTranspose2d},
    {OpId::kMatMul, LowerMatMul},
    {OpId::kFullyConnected, LowerFullyConnected},
    {OpId::kBlockMatMul, LowerBlockMatMul},
    {OpId::kMaxPool2d, LowerMaxPool2d},
    {OpId::kAveragePool2d, LowerAveragePool2d},
    {OpId::kExp, LowerUnary},
    {OpId::kLog, LowerUnary},
    {OpId::kSqrt, LowerUnary},
    {OpId::kReciprocal, LowerUnary},
    {OpId::kAbs, LowerUnary},
    {OpId::kFloor, LowerUnary},
    {OpId::kCeil, LowerUnary},
    {OpId::kRound, LowerUnary},
    {OpId::kRsqrt, LowerUnary},
    {OpId::kGelu, LowerUnary},
    {OpId::kSoftplus, LowerUnary},
    {OpId::kMish, LowerUnary},
    {OpId::kAdd, LowerBinary},
    {OpId::kSub, LowerBinary},
    {OpId::kMul, LowerBinary},
    {OpId::kDiv, LowerBinary},
    {OpId::kMax, LowerBinary},
    {OpId::kMin, LowerBinary},
    {OpId::kPow, LowerBinary},
    {OpId::kPRelu, LowerBinary},
    {OpId::kSquaredDifference, LowerBinary},
    {OpId::kEqual, LowerBinary},
    {OpId::kLess, LowerBinary},
    {OpId::kGreater, LowerBinary},
    {OpId::kLessOrEqual, LowerBinary},
    {OpId::kGreaterOrEqual, LowerBinary},
    {OpId::kExpand, LowerExpand},
    {OpId::kTranspose, LowerTranspose},
    {OpId::kConcat, LowerConcat},
    {OpId::kSplit, LowerSplit},
    {OpId::kSlice, LowerSlice},
    {OpId::kGather, LowerGather},
    {OpId::kPad, LowerPad},
    {OpId::kDepthToSpace, LowerDepthToSpace},
    {OpId::kTile, LowerTile},
    {OpId::kSpaceToDepth, LowerSpaceToDepth},
    {OpId::kWhere, LowerWhere},
    {OpId::kResize, LowerResize},
    {OpId::kCast, LowerCast},
    {OpId::kQuantize, LowerQuantize},
    {OpId::kDequantize, LowerDequantize},
    {OpId::kRequantize, LowerRequantize},
    {OpId::kReduce, LowerReduce},
    {OpId::kArgReduce, LowerArgReduce},
    {OpId::kSoftmax, LowerSoftmax},
    {OpId::kLayerNormalization, LowerLayerNormalization},
    {OpId::kGroupNormalization, LowerGroupNormalization},
    {OpId::kBatchNormalization, LowerBatchNormalization},
    {OpId::kGru, LowerGru},
    {OpId::kLstm, LowerLstm},
    {OpId::kSequenceLstm, LowerSequenceLstm},
    {OpId::kSvdf, LowerSvdf},
    {OpId::kDetectionPostProcess, LowerDetectionPostProcess},
};

}  // namespace

LoweringFunction FindLowering(OpId op) {
  for (const LoweringRow& row : kLowerings) {
    if (row.op == op) return row.lower;
  }
  return nullptr;
}

}  // namespace mace::cpu
