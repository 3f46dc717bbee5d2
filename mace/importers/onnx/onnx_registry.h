// The table of ONNX operators: one line each in onnx_registry.cc.
#ifndef MACE_IMPORTERS_ONNX_ONNX_REGISTRY_H_
#define MACE_IMPORTERS_ONNX_ONNX_REGISTRY_H_

#include "mace/graph/op_id.h"
#include "mace/importers/onnx/onnx_context.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"

namespace mace::importers::onnx {

inline constexpr int64_t kOldestOpset = 1;
inline constexpr int64_t kNewestOpset = 28;  // of the default domain

struct OnnxOp;
// Converts `node`: emits nodes through `context` and returns the values of its outputs, in order (fewer than
// the node has: the rest is unsupported if somebody named it).
using Outputs = std::vector<ValueId>;
using Converter = Outputs (*)(OnnxContext& context, OnnxNode& node, const OnnxOp& entry);

struct OnnxOp {
  std::string_view op_type;
  Converter convert;
  OpId op = OpId::kInvalid;  // what a converter that serves several operators emits
  int32_t argument = 0;      // and how
  bool microsoft = false;    // belongs to the domain com.microsoft, not to ONNX's own
};

const OnnxOp* FindOnnxOp(std::string_view domain, std::string_view op_type);
// "" and "ai.onnx" are one domain.
inline bool IsDefaultDomain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

#define MACE_ONNX_CONVERTER(Name) Outputs Name(OnnxContext& context, OnnxNode& node, const OnnxOp& entry)
// convert_control.cc
MACE_ONNX_CONVERTER(ConvertIf);
MACE_ONNX_CONVERTER(ConvertLoop);
// convert_scan.cc
MACE_ONNX_CONVERTER(ConvertScan);
// convert_convolution.cc
MACE_ONNX_CONVERTER(ConvertConv);
MACE_ONNX_CONVERTER(ConvertConvTranspose);
MACE_ONNX_CONVERTER(ConvertQLinearConv);
MACE_ONNX_CONVERTER(ConvertPool);
MACE_ONNX_CONVERTER(ConvertLpPool);
MACE_ONNX_CONVERTER(ConvertGlobalPool);
MACE_ONNX_CONVERTER(ConvertQLinearAveragePool);
MACE_ONNX_CONVERTER(ConvertQLinearGlobalAveragePool);
// convert_matmul.cc
MACE_ONNX_CONVERTER(ConvertGemm);
MACE_ONNX_CONVERTER(ConvertMatMul);
MACE_ONNX_CONVERTER(ConvertFusedGemm);
MACE_ONNX_CONVERTER(ConvertFusedMatMul);
MACE_ONNX_CONVERTER(ConvertQGemm);
// convert_elementwise.cc
MACE_ONNX_CONVERTER(ConvertUnary);
MACE_ONNX_CONVERTER(ConvertIdentity);
MACE_ONNX_CONVERTER(ConvertIsNaN);
MACE_ONNX_CONVERTER(ConvertBinary);
MACE_ONNX_CONVERTER(ConvertPow);
MACE_ONNX_CONVERTER(ConvertVariadic);
MACE_ONNX_CONVERTER(ConvertClip);
MACE_ONNX_CONVERTER(ConvertLeakyRelu);
MACE_ONNX_CONVERTER(ConvertElu);
MACE_ONNX_CONVERTER(ConvertSelu);
MACE_ONNX_CONVERTER(ConvertHardSigmoid);
MACE_ONNX_CONVERTER(ConvertGelu);
MACE_ONNX_CONVERTER(ConvertCast);
MACE_ONNX_CONVERTER(ConvertWhere);
// convert_shape.cc
MACE_ONNX_CONVERTER(ConvertConstant);
MACE_ONNX_CONVERTER(ConvertConstantOfShape);
MACE_ONNX_CONVERTER(ConvertReshape);
MACE_ONNX_CONVERTER(ConvertFlatten);
MACE_ONNX_CONVERTER(ConvertSqueeze);
MACE_ONNX_CONVERTER(ConvertShape);
MACE_ONNX_CONVERTER(ConvertExpand);
// convert_movement.cc
MACE_ONNX_CONVERTER(ConvertTranspose);
MACE_ONNX_CONVERTER(ConvertConcat);
MACE_ONNX_CONVERTER(ConvertSplit);
MACE_ONNX_CONVERTER(ConvertSlice);
MACE_ONNX_CONVERTER(ConvertGather);
MACE_ONNX_CONVERTER(ConvertPad);
// convert_norm.cc
MACE_ONNX_CONVERTER(ConvertArgReduce);
MACE_ONNX_CONVERTER(ConvertCumulate);
MACE_ONNX_CONVERTER(ConvertReduce);
MACE_ONNX_CONVERTER(ConvertTopK);
MACE_ONNX_CONVERTER(ConvertSoftmax);
MACE_ONNX_CONVERTER(ConvertQLinearSoftmax);
// convert_normalization.cc
MACE_ONNX_CONVERTER(ConvertBatchNormalization);
MACE_ONNX_CONVERTER(ConvertGroupNormalization);
MACE_ONNX_CONVERTER(ConvertInstanceNormalization);
MACE_ONNX_CONVERTER(ConvertLayerNormalization);
MACE_ONNX_CONVERTER(ConvertLpNormalization);
MACE_ONNX_CONVERTER(ConvertLrn);
MACE_ONNX_CONVERTER(ConvertMeanVarianceNormalization);
// convert_recurrent.cc
MACE_ONNX_CONVERTER(ConvertRecurrent);
// convert_loss.cc
MACE_ONNX_CONVERTER(ConvertNegativeLogLikelihoodLoss);
MACE_ONNX_CONVERTER(ConvertSoftmaxCrossEntropyLoss);
// convert_einsum.cc
MACE_ONNX_CONVERTER(ConvertEinsum);
// convert_random.cc
MACE_ONNX_CONVERTER(ConvertBernoulli);
MACE_ONNX_CONVERTER(ConvertDropout);
MACE_ONNX_CONVERTER(ConvertMultinomial);
MACE_ONNX_CONVERTER(ConvertRandom);
MACE_ONNX_CONVERTER(ConvertRandomLike);
// convert_transformer_norm.cc
MACE_ONNX_CONVERTER(ConvertBiasGelu);
MACE_ONNX_CONVERTER(ConvertEmbedLayerNormalization);
MACE_ONNX_CONVERTER(ConvertQuickGelu);
MACE_ONNX_CONVERTER(ConvertSkipLayerNormalization);
// convert_block_weights.cc
MACE_ONNX_CONVERTER(ConvertDynamicQuantizeLstm);
MACE_ONNX_CONVERTER(ConvertMatMulNBits);
// convert_quantize.cc
MACE_ONNX_CONVERTER(ConvertQuantizeLinear);
MACE_ONNX_CONVERTER(ConvertDequantizeLinear);
MACE_ONNX_CONVERTER(ConvertDynamicQuantizeLinear);
// convert_qlinear.cc
MACE_ONNX_CONVERTER(ConvertQLinearBinary);
MACE_ONNX_CONVERTER(ConvertQLinearConcat);
MACE_ONNX_CONVERTER(ConvertQLinearLeakyRelu);
MACE_ONNX_CONVERTER(ConvertQLinearMatMul);
MACE_ONNX_CONVERTER(ConvertQLinearReduceMean);
MACE_ONNX_CONVERTER(ConvertQLinearUnary);
MACE_ONNX_CONVERTER(ConvertQLinearWhere);
// convert_integer_products.cc
MACE_ONNX_CONVERTER(ConvertConvInteger);
MACE_ONNX_CONVERTER(ConvertDynamicQuantizeMatMul);
MACE_ONNX_CONVERTER(ConvertMatMulInteger);
MACE_ONNX_CONVERTER(ConvertMatMulIntegerToFloat);
// convert_attention.cc
MACE_ONNX_CONVERTER(ConvertAttention);
MACE_ONNX_CONVERTER(ConvertFlexAttention);
MACE_ONNX_CONVERTER(ConvertLinearAttention);
MACE_ONNX_CONVERTER(ConvertRotaryEmbedding);
// convert_attention_microsoft.cc
MACE_ONNX_CONVERTER(ConvertDecoderMaskedMultiHeadAttention);
MACE_ONNX_CONVERTER(ConvertGroupQueryAttention);
MACE_ONNX_CONVERTER(ConvertMicrosoftAttention);
MACE_ONNX_CONVERTER(ConvertMicrosoftRotaryEmbedding);
MACE_ONNX_CONVERTER(ConvertMultiHeadAttention);
MACE_ONNX_CONVERTER(ConvertQAttention);
MACE_ONNX_CONVERTER(ConvertRelativePositionBias);
// convert_math.cc
MACE_ONNX_CONVERTER(ConvertBitCast);
MACE_ONNX_CONVERTER(ConvertBitShift);
MACE_ONNX_CONVERTER(ConvertBitwise);
MACE_ONNX_CONVERTER(ConvertBitwiseNot);
MACE_ONNX_CONVERTER(ConvertCastLike);
MACE_ONNX_CONVERTER(ConvertCelu);
MACE_ONNX_CONVERTER(ConvertIsInf);
MACE_ONNX_CONVERTER(ConvertMod);
MACE_ONNX_CONVERTER(ConvertShrink);
MACE_ONNX_CONVERTER(ConvertSwiGlu);
MACE_ONNX_CONVERTER(ConvertSwish);
MACE_ONNX_CONVERTER(ConvertThresholdedRelu);
MACE_ONNX_CONVERTER(ConvertUnaryMath);
// convert_rearrange.cc
MACE_ONNX_CONVERTER(ConvertTile);
MACE_ONNX_CONVERTER(ConvertTrilu);
MACE_ONNX_CONVERTER(ConvertReverseSequence);
MACE_ONNX_CONVERTER(ConvertDepthToSpace);
MACE_ONNX_CONVERTER(ConvertCenterCropPad);
MACE_ONNX_CONVERTER(ConvertRange);
MACE_ONNX_CONVERTER(ConvertEyeLike);
MACE_ONNX_CONVERTER(ConvertSize);
// convert_indices.cc
MACE_ONNX_CONVERTER(ConvertGatherElements);
MACE_ONNX_CONVERTER(ConvertGatherNd);
MACE_ONNX_CONVERTER(ConvertScatterElements);
MACE_ONNX_CONVERTER(ConvertScatterNd);
MACE_ONNX_CONVERTER(ConvertTensorScatter);
MACE_ONNX_CONVERTER(ConvertOneHot);
MACE_ONNX_CONVERTER(ConvertNonZero);
MACE_ONNX_CONVERTER(ConvertCompress);
MACE_ONNX_CONVERTER(ConvertUnique);
MACE_ONNX_CONVERTER(ConvertNonMaxSuppression);
// convert_resize.cc
MACE_ONNX_CONVERTER(ConvertResize);
// convert_spatial.cc
MACE_ONNX_CONVERTER(ConvertAffineGrid);
MACE_ONNX_CONVERTER(ConvertCausalConvWithState);
MACE_ONNX_CONVERTER(ConvertCol2Im);
MACE_ONNX_CONVERTER(ConvertDeformConv);
MACE_ONNX_CONVERTER(ConvertFusedConv);
MACE_ONNX_CONVERTER(ConvertGlobalLpPool);
MACE_ONNX_CONVERTER(ConvertGridSample);
MACE_ONNX_CONVERTER(ConvertMaxRoiPool);
MACE_ONNX_CONVERTER(ConvertMaxUnpool);
MACE_ONNX_CONVERTER(ConvertRoiAlign);
// convert_legacy.cc
MACE_ONNX_CONVERTER(ConvertAffine);
MACE_ONNX_CONVERTER(ConvertCrop);
MACE_ONNX_CONVERTER(ConvertDynamicSlice);
MACE_ONNX_CONVERTER(ConvertImageScaler);
MACE_ONNX_CONVERTER(ConvertScaledActivation);
// convert_signal.cc
MACE_ONNX_CONVERTER(ConvertCosineWindow);
MACE_ONNX_CONVERTER(ConvertDft);
MACE_ONNX_CONVERTER(ConvertMelWeightMatrix);
MACE_ONNX_CONVERTER(ConvertStft);
#undef MACE_ONNX_CONVERTER

// (a - its zero point) * (b - its zero points) * both scales + bias, of bytes; kNone: no zero point, no bias
// (convert_integer_products.cc).
struct IntegerProduct {
  ValueId a = kNone;
  ValueId b = kNone;
  ValueId a_scale = kNone;
  ValueId b_scale = kNone;
  ValueId a_zero_point = kNone;
  ValueId b_zero_point = kNone;
  ValueId bias = kNone;
};
ValueId EmitIntegerProduct(OnnxContext& context, const IntegerProduct& product);

// The type of ONNX's number, or an error that begins with `what` (convert_math.cc).
DType ElementType(int64_t onnx_type, const char* what);

// Forms before operator set 6 (convert_legacy.cc): Cast's `to` is a name, Tile has one axis, and the exponent
// of LpPool and GlobalLpPool was a float before set 2.
DType NamedElementType(const std::string& name);
ValueId EmitTileOfAxis(OnnxContext& context, ValueId x, ValueId tiles, ValueId axis);
int64_t ReadExponent(OnnxContext& context, OnnxNode& node);

// An axis counted from the front, where the rank is known; else as it is given: the shape rule counts.
int64_t AxisOf(const OnnxContext& context, int64_t axis, int rank);
// `value`, converted where it is no int64.
ValueId AsInt64(OnnxContext& context, ValueId value);
// x padded; `value` and `axes` may be kNone. Where all is known the pads become those of every axis.
ValueId EmitPad(OnnxContext& context, ValueId x, ValueId pads, ValueId value, ValueId axes,
                const ops::PadAttributes& attributes);

// The attributes of a convolution, checked against its weights [O, I / group, kh, kw]
// (convert_convolution.cc).
ops::Conv2dAttributes ReadConvolution(OnnxContext& context, OnnxNode& node, ValueId x, ValueId weights);
// Conv of any number of spatial axes, with the attributes of `node`.
ValueId EmitConv(OnnxContext& context, OnnxNode& node, ValueId x, ValueId weights, ValueId bias);

// An LSTM node with weights w [D, 4H, I] and r [D, 4H, H] in place of its own (convert_recurrent.cc).
Outputs ConvertLstm(OnnxContext& context, OnnxNode& node, ValueId w, ValueId r);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_REGISTRY_H_
