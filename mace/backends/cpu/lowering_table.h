// Which function lowers which operator.
#ifndef MACE_BACKENDS_CPU_LOWERING_TABLE_H_
#define MACE_BACKENDS_CPU_LOWERING_TABLE_H_

#include "mace/backends/cpu/lowering.h"
#include "mace/kernels/elementwise/binary.h"
#include "mace/kernels/pooling/pooling.h"

namespace mace::cpu {

// Emits the steps of `cluster`, or leaves everything as it is and sets `refusal` to the reason (a static
// string): then reference kernels run. An error is a failure of the whole compilation.
using LoweringFunction = Status (*)(Lowering& lowering, const Cluster& cluster, const char** refusal);

Status LowerConv2d(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerConvTranspose2d(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerMatMul(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerBlockMatMul(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerFullyConnected(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerMaxPool2d(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerAveragePool2d(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerResize(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerUnary(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerBinary(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerWhere(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerQuantize(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerDequantize(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerRequantize(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerCast(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerBatchNormalization(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerSoftmax(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerLayerNormalization(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerGroupNormalization(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerReduce(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerArgReduce(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerTranspose(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerDepthToSpace(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerConcat(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerSplit(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerSlice(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerExpand(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerGather(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerPad(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerTile(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerSpaceToDepth(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerGru(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerLstm(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerSequenceLstm(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerSvdf(Lowering& lowering, const Cluster& cluster, const char** refusal);
Status LowerDetectionPostProcess(Lowering& lowering, const Cluster& cluster, const char** refusal);

// The kernels' params of a MaxPool2d node, prepared.
Status FillMaxPoolParams(Lowering& lowering, const Node& node, kernels::PoolingParams* params);
// The kernels' name of a binary operator; false for any other.
bool BinaryOfNode(OpId id, kernels::BinaryOp* op);

// Null for operators that have a reference kernel only.
LoweringFunction FindLowering(OpId op);
// Lowers a cluster without a producer.
Status LowerElementwiseChain(Lowering& lowering, const Cluster& cluster, const char** refusal);

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_LOWERING_TABLE_H_
