#include "mace/importers/onnx/onnx_registry.h"

#include "mace/ops/reduce/arg_reduce.h"
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
    {"Attention", ConvertAttention},
    {"AveragePool", ConvertPool, OpId::kAveragePool2d},
    {"BatchNormalization", ConvertBatchNormalization},
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
    {"DepthToSpace", ConvertDepthToSpace},
    {"DequantizeLinear", ConvertDequantizeLinear},
    {"Div", ConvertBinary, OpId::kDiv},
    {"Dropout", ConvertDropout},
    {"DynamicQuantizeLinear", ConvertDynamicQuantizeLinear},
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
    {"HardSigmoid", ConvertHardSigmoid},
    {"HardSwish", ConvertUnary, OpId::kHardSwish},
    {"Identity", ConvertIdentity},
    {"InstanceNormalization", ConvertInstanceNormalization},
    {"IsNaN", ConvertIsNaN},
    {"LSTM", ConvertRecurrent, OpId::kLstm},
    {"LayerNormalization", ConvertLayerNormalization},
    {"LeakyRelu", ConvertLeakyRelu},
    {"Less", ConvertBinary, OpId::kLess},
    {"LessOrEqual", ConvertBinary, OpId::kLessOrEqual},
    {"LinearAttention", ConvertLinearAttention},
    {"Log", ConvertUnary, OpId::kLog},
    {"LogSoftmax", ConvertSoftmax, OpId::kInvalid, 1},  // 1: its logarithm
    {"MatMul", ConvertMatMul},
    {"MatMulInteger", ConvertMatMulInteger},
    {"Max", ConvertVariadic, OpId::kMax},
    {"MaxPool", ConvertPool, OpId::kMaxPool2d},
    {"Mean", ConvertVariadic, OpId::kAdd, 1},  // 1: divided by the number of inputs
    {"Min", ConvertVariadic, OpId::kMin},
    {"Mish", ConvertUnary, OpId::kMish},
    {"Mul", ConvertBinary, OpId::kMul},
    {"Neg", ConvertUnary, OpId::kNeg},
    {"Not", ConvertUnary, OpId::kNot},
    {"Or", ConvertBinary, OpId::kOr},
    {"PRelu", ConvertBinary, OpId::kPRelu},
    {"Pad", ConvertPad},
    {"Pow", ConvertPow},
    {"QLinearConv", ConvertQLinearConv},
    {"QLinearMatMul", ConvertQLinearMatMul},
    {"QuantizeLinear", ConvertQuantizeLinear},
    {"Reciprocal", ConvertUnary, OpId::kReciprocal},
    {"ReduceL2", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kL2)},
    {"ReduceMax", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kMax)},
    {"ReduceMean", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kMean)},
    {"ReduceMin", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kMin)},
    {"ReduceProd", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kProd)},
    {"ReduceSum", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kSum)},
    {"ReduceSumSquare", ConvertReduce, OpId::kReduce, Kind(ReduceKind::kSumSquare)},
    {"Relu", ConvertUnary, OpId::kRelu},
    {"Reshape", ConvertReshape},
    {"Resize", ConvertResize},
    {"RotaryEmbedding", ConvertRotaryEmbedding},
    {"Round", ConvertUnary, OpId::kRound},
    {"Selu", ConvertSelu},
    {"Shape", ConvertShape},
    {"Sigmoid", ConvertUnary, OpId::kSigmoid},
    {"Sign", ConvertUnary, OpId::kSign},
    {"Sin", ConvertUnary, OpId::kSin},
    {"Slice", ConvertSlice},
    {"Softmax", ConvertSoftmax},
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
    {"Attention", ConvertMicrosoftAttention, OpId::kInvalid, 0, true},
    {"DequantizeLinear", ConvertDequantizeLinear, OpId::kInvalid, 0, true},
    {"DynamicQuantizeMatMul", ConvertDynamicQuantizeMatMul, OpId::kInvalid, 0, true},
    {"GroupQueryAttention", ConvertGroupQueryAttention, OpId::kInvalid, 0, true},
    {"MatMulIntegerToFloat", ConvertMatMulIntegerToFloat, OpId::kInvalid, 0, true},
    {"MultiHeadAttention", ConvertMultiHeadAttention, OpId::kInvalid, 0, true},
    {"QAttention", ConvertQAttention, OpId::kInvalid, 0, true},
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
    {"RelativePositionBias", ConvertRelativePositionBias, OpId::kInvalid, 0, true},
    {"RotaryEmbedding", ConvertMicrosoftRotaryEmbedding, OpId::kInvalid, 0, true},
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
