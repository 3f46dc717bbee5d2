#include "mace/importers/onnx/onnx_registry.h"

#include "mace/ops/random/random.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/reduce/cumulate.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::importers::onnx {
namespace {

constexpr int32_t Kind(ops::ReduceKind kind) { return static_cast<int32_t>(kind); }
using ops::ReduceKind;

// One line per operator.
constexpr OnnxOp kOnnxOps[] = {
    {"Abs", ConvertUnary, OpId::kAbs},
    {"Add", ConvertBinary, OpId::kAdd},
    {"And", ConvertBinary, OpId::kAnd},
    {"ArgMax", ConvertArgReduce, OpId::kArgReduce, static_cast<int32_t>(ops::ArgReduceKind::kMax)},
    {"ArgMin", ConvertArgReduce, OpId::kArgReduce, static_cast<int32_t>(ops::ArgReduceKind::kMin)},
    {"AveragePool", ConvertPool, OpId::kAveragePool2d},
    {"BatchNormalization", ConvertBatchNormalization},
    {"Bernoulli", ConvertBernoulli},
    {"Cast", ConvertCast},
    {"Ceil", ConvertUnary, OpId::kCeil},
    {"Clip", ConvertClip},
    {"Concat", ConvertConcat},
    {"Constant", ConvertConstant},
    {"ConstantOfShape", ConvertConstantOfShape},
    {"Conv", ConvertConv},
    {"ConvInteger", ConvertConvInteger},
    {"ConvTranspose", ConvertConvTranspose},
    {"Cos", ConvertUnary, OpId::kCos},
    {"CumProd", ConvertCumulate, OpId::kCumulate, static_cast<int32_t>(ops::CumulateKind::kProd)},
    {"CumSum", ConvertCumulate, OpId::kCumulate, static_cast<int32_t>(ops::CumulateKind::kSum)},
    {"DepthToSpace", ConvertDepthToSpace},
    {"DequantizeLinear", ConvertDequantizeLinear},
    {"Det", ConvertUnary, OpId::kDet},
    {"Div", ConvertBinary, OpId::kDiv},
    {"Dropout", ConvertDropout},
    {"DynamicQuantizeLinear", ConvertDynamicQuantizeLinear},
    {"Einsum", ConvertEinsum},
    {"Elu", ConvertElu},
    {"Equal", ConvertBinary, OpId::kEqual},
    {"Erf", ConvertUnary, OpId::kErf},
    {"Exp", ConvertUnary, OpId::kExp},
    {"Expand", ConvertExpand},
    {"Flatten", ConvertFlatten},
    {"Floor", ConvertUnary, OpId::kFloor},
    {"GRU", ConvertRecurrent, OpId::kGru},
    {"Gather", ConvertGather},
    {"Gelu", ConvertGelu},
    {"Gemm", ConvertGemm},
    {"GlobalAveragePool", ConvertGlobalPool, OpId::kReduce, Kind(ReduceKind::kMean)},
    {"GlobalMaxPool", ConvertGlobalPool, OpId::kReduce, Kind(ReduceKind::kMax)},
    {"Greater", ConvertBinary, OpId::kGreater},
    {"GreaterOrEqual", ConvertBinary, OpId::kGreaterOrEqual},
    {"GroupNormalization", ConvertGroupNormalization},
    {"HardSigmoid", ConvertHardSigmoid},
    {"HardSwish", ConvertUnary, OpId::kHardSwish},
    {"Hardmax", ConvertSoftmax, OpId::kInvalid, 2},  // 2: 1 at the highest element
    {"Identity", ConvertIdentity},
    {"InstanceNormalization", ConvertInstanceNormalization},
    {"IsNaN", ConvertIsNaN},
    {"LRN", ConvertLrn},
    {"LSTM", ConvertRecurrent, OpId::kLstm},
    {"LayerNormalization", ConvertLayerNormalization},
    {"LeakyRelu", ConvertLeakyRelu},
    {"Less", ConvertBinary, OpId::kLess},
    {"LessOrEqual", ConvertBinary, OpId::kLessOrEqual},
    {"Log", ConvertUnary, OpId::kLog},
    {"LogSoftmax", ConvertSoftmax, OpId::kInvalid, 1},  // 1: its logarithm
    {"LpNormalization", ConvertLpNormalization},
    {"MatMul", ConvertMatMul},
    {"MatMulInteger", ConvertMatMulInteger},
    {"Max", ConvertVariadic, OpId::kMax},
    {"MaxPool", ConvertPool, OpId::kMaxPool2d},
    {"Mean", ConvertVariadic, OpId::kAdd, 1},  // 1: divided by the number of inputs
    {"MeanVarianceNormalization", ConvertMeanVarianceNormalization},
    {"Min", ConvertVariadic, OpId::kMin},
    {"Mish", ConvertUnary, OpId::kMish},
    {"Mul", ConvertBinary, OpId::kMul},
    {"Multinomial", ConvertMultinomial},
    {"Neg", ConvertUnary, OpId::kNeg},
    {"NegativeLogLikelihoodLoss", ConvertNegativeLogLikelihoodLoss},
    {"Not", ConvertUnary, OpId::kNot},
    {"Or", ConvertBinary, OpId::kOr},
    {"PRelu", ConvertBinary, OpId::kPRelu},
    {"Pad", ConvertPad},
    {"Pow", ConvertPow},
    {"QLinearConv", ConvertQLinearConv},
    {"QLinearMatMul", ConvertQLinearMatMul},
    {"QuantizeLinear", ConvertQuantizeLinear},
    {"RMSNormalization", ConvertLayerNormalization, OpId::kInvalid, 1},  // 1: by the root mean square
    {"RNN", ConvertRecurrent, OpId::kRnn},
    {"RandomNormal", ConvertRandom, OpId::kRandom, static_cast<int32_t>(ops::RandomKind::kNormal)},
    {"RandomNormalLike", ConvertRandomLike, OpId::kRandom, static_cast<int32_t>(ops::RandomKind::kNormal)},
    {"RandomUniform", ConvertRandom, OpId::kRandom, static_cast<int32_t>(ops::RandomKind::kUniform)},
    {"RandomUniformLike", ConvertRandomLike, OpId::kRandom, static_cast<int32_t>(ops::RandomKind::kUniform)},
    {"Reciprocal", ConvertUnary, OpId::kReciprocal},
    {"ReduceL1", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kL1)},
    {"ReduceL2", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kL2)},
    {"ReduceLogSum", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kLogSum)},
    {"ReduceLogSumExp", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kLogSumExp)},
    {"ReduceMax", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kMax)},
    {"ReduceMean", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kMean)},
    {"ReduceMin", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kMin)},
    {"ReduceProd", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kProd)},
    {"ReduceSum", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kSum)},
    {"ReduceSumSquare", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kSumSquare)},
    {"Relu", ConvertUnary, OpId::kRelu},
    {"Reshape", ConvertReshape},
    {"Resize", ConvertResize},
    {"Round", ConvertUnary, OpId::kRound},
    {"Selu", ConvertSelu},
    {"Shape", ConvertShape},
    {"Sigmoid", ConvertUnary, OpId::kSigmoid},
    {"Sign", ConvertUnary, OpId::kSign},
    {"SimplifiedLayerNormalization", ConvertLayerNormalization, OpId::kInvalid,
     1},  // onnxruntime writes it here
    {"Sin", ConvertUnary, OpId::kSin},
    {"Slice", ConvertSlice},
    {"Softmax", ConvertSoftmax},
    {"SoftmaxCrossEntropyLoss", ConvertSoftmaxCrossEntropyLoss},
    {"Softplus", ConvertUnary, OpId::kSoftplus},
    {"Softsign", ConvertUnary, OpId::kSoftsign},
    {"Split", ConvertSplit},
    {"Sqrt", ConvertUnary, OpId::kSqrt},
    {"Squeeze", ConvertSqueeze, OpId::kSqueeze},
    {"Sub", ConvertBinary, OpId::kSub},
    {"Sum", ConvertVariadic, OpId::kAdd},
    {"Tanh", ConvertUnary, OpId::kTanh},
    {"TopK", ConvertTopK},
    {"Transpose", ConvertTranspose},
    {"Unsqueeze", ConvertSqueeze, OpId::kUnsqueeze},
    {"Upsample", ConvertResize},
    {"Where", ConvertWhere},
    {"Xor", ConvertBinary, OpId::kXor},
    // com.microsoft
    {"BiasGelu", ConvertBiasGelu, OpId::kInvalid, 0, true},
    {"DequantizeLinear", ConvertDequantizeLinear, OpId::kInvalid, 0, true},
    {"DynamicQuantizeLSTM", ConvertDynamicQuantizeLstm, OpId::kInvalid, 0, true},
    {"DynamicQuantizeMatMul", ConvertDynamicQuantizeMatMul, OpId::kInvalid, 0, true},
    {"EmbedLayerNormalization", ConvertEmbedLayerNormalization, OpId::kInvalid, 0, true},
    {"FastGelu", ConvertBiasGelu, OpId::kInvalid, 1, true},  // 1: by tanh
    {"FusedGemm", ConvertFusedGemm, OpId::kInvalid, 0, true},
    {"FusedMatMul", ConvertFusedMatMul, OpId::kInvalid, 0, true},
    {"Gelu", ConvertBiasGelu, OpId::kInvalid, 0, true},
    {"Inverse", ConvertUnary, OpId::kInverse, 0, true},
    {"MatMulIntegerToFloat", ConvertMatMulIntegerToFloat, OpId::kInvalid, 0, true},
    {"MatMulNBits", ConvertMatMulNBits, OpId::kInvalid, 0, true},
    {"QGemm", ConvertQGemm, OpId::kInvalid, 0, true},
    {"QLinearAdd", ConvertQLinearBinary, OpId::kAdd, 0, true},
    {"QLinearAveragePool", ConvertQLinearAveragePool, OpId::kInvalid, 0, true},
    {"QLinearConcat", ConvertQLinearConcat, OpId::kInvalid, 0, true},
    {"QLinearGlobalAveragePool", ConvertQLinearGlobalAveragePool, OpId::kInvalid, 0, true},
    {"QLinearLeakyRelu", ConvertQLinearLeakyRelu, OpId::kInvalid, 0, true},
    {"QLinearMul", ConvertQLinearBinary, OpId::kMul, 0, true},
    {"QLinearReduceMean", ConvertQLinearReduceMean, OpId::kInvalid, 0, true},
    {"QLinearSigmoid", ConvertQLinearUnary, OpId::kSigmoid, 0, true},
    {"QLinearSoftmax", ConvertQLinearSoftmax, OpId::kInvalid, 0, true},
    {"QLinearWhere", ConvertQLinearWhere, OpId::kInvalid, 0, true},
    {"QuantizeLinear", ConvertQuantizeLinear, OpId::kInvalid, 0, true},
    {"QuickGelu", ConvertQuickGelu, OpId::kInvalid, 0, true},
    {"SimplifiedLayerNormalization", ConvertLayerNormalization, OpId::kInvalid, 1, true},
    {"SkipLayerNormalization", ConvertSkipLayerNormalization, OpId::kInvalid, 0, true},
    {"SkipSimplifiedLayerNormalization", ConvertSkipLayerNormalization, OpId::kInvalid, 1, true},
    {"TransposeMatMul", ConvertFusedMatMul, OpId::kInvalid, 0, true},
};

}  // namespace

const OnnxOp* FindOnnxOp(std::string_view domain, std::string_view op_type) {
  const bool microsoft = domain == "com.microsoft";
  if (!microsoft && !IsDefaultDomain(domain)) return nullptr;
  for (const OnnxOp& entry : kOnnxOps) {
    if (entry.op_type == op_type && entry.microsoft == microsoft) return &entry;
  }
  return nullptr;
}

}  // namespace mace::importers::onnx
