// What a converter of a Caffe layer works with, and the table of them.
#ifndef MACE_IMPORTERS_CAFFE_CAFFE_LAYER_H_
#define MACE_IMPORTERS_CAFFE_CAFFE_LAYER_H_

#include <string>
#include <string_view>
#include <vector>

#include "mace/importers/caffe/caffe_net.h"
#include "mace/importers/caffe/caffe_weights.h"
#include "mace/importers/graph_builder.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::importers::caffe {

using Values = std::vector<ValueId>;

inline constexpr int64_t kMaxExtent = 1 << 20;  // of kernels, strides, pads, sizes: no sum of them overflows

// One layer while it is converted. Tensors are laid out as Caffe has them: [N, C, H, W].
class LayerContext {
 public:
  // `types_only`: the graph is cut behind the layer; weights that are missing are zeros then.
  LayerContext(const Layer& layer, const CaffeWeights& weights, Values bottoms, bool types_only,
               GraphBuilder* builder)
      : layer_(layer),
        blobs_(weights.Find(layer.name)),
        bottoms_(std::move(bottoms)),
        types_only_(types_only),
        builder_(*builder) {}

  GraphBuilder& builder() { return builder_; }
  const Layer& layer() const { return layer_; }
  // The message of parameters of this name; empty where the layer has none.
  const TextMessage& Parameters(std::string_view name) const { return layer_.message->Message(name); }
  size_t bottom_count() const { return bottoms_.size(); }
  size_t top_count() const { return layer_.tops.size(); }
  ValueId Bottom(size_t i) const { return bottoms_[i]; }
  const Shape& ShapeOf(ValueId value) const { return builder_.ShapeOf(value); }
  int RankOf(ValueId value) const;  // throws where it is not known
  // Dimension `axis` of `value`; throws where it is not known before data are there.
  int64_t Dim(ValueId value, int axis) const;
  // Between `least` and kMaxExtent; `what` names the field.
  static int64_t Extent(int64_t value, const char* what, int64_t least = 1);

  // The layer's blobs.
  size_t blob_count() const { return blobs_ == nullptr ? 0 : blobs_->size(); }
  // Blob `i`, which must have as many elements as `shape`, whatever shape the file gives it.
  std::vector<float> Elements(size_t i, const Shape& shape, const char* what) const;
  ValueId Weights(size_t i, const Shape& shape, const char* what);

  // Nodes.
  ValueId Unary(OpId op, ValueId x) { return builder_.Emit(op, {x}); }
  ValueId Binary(OpId op, ValueId a, ValueId b) { return builder_.Emit(op, {a, b}); }
  ValueId Number(double value) { return builder_.Scalar(value, DType::kF32); }
  ValueId Scaled(ValueId x, double factor) { return factor == 1 ? x : Binary(OpId::kMul, x, Number(factor)); }
  ValueId Shifted(ValueId x, double shift) { return shift == 0 ? x : Binary(OpId::kAdd, x, Number(shift)); }
  ValueId Reduced(ops::ReduceKind kind, ValueId x, const IntList& axes, bool keep_dims = true);
  ValueId ChannelsLast(ValueId x);  // [N, C, spatial...] -> [N, spatial..., C]
  ValueId ChannelsFirst(ValueId x);
  // `value` so that its axes meet those of a tensor of `rank` from `axis` on.
  ValueId AlignedAt(ValueId value, int axis, int rank);
  ValueId Sliced(ValueId x, int axis, int64_t begin, int64_t end);
  ValueId Concatenated(const Values& values, int64_t axis);
  // [d0, ..., d(axis - 1), d(axis) * ...]
  ValueId FlattenedFrom(ValueId x, int axis);

 private:
  const Layer& layer_;
  const std::vector<Blob>* blobs_;
  Values bottoms_;
  bool types_only_;
  GraphBuilder& builder_;
};

// Gives the values of the layer's tops, at least as many as it has.
using Converter = Values (*)(LayerContext& layer);
struct LayerRow {
  std::string_view type;
  int min_bottoms, max_bottoms;  // -1: any number
  int max_tops;
  Converter convert;
  bool has_weights = false;  // always, not only with some parameters
};
// Null for a type that is not known.
const LayerRow* FindLayerRow(std::string_view type);

// What a layer is for that computes nothing at inference.
enum class Role { kCompute, kData, kLoss, kMetric, kSilence, kForeign };
Role RoleOf(std::string_view type);

// A pooling as Caffe rounds it. Kernel, stride and pad: height, width.
struct PoolParameters {
  IntList kernel, strides = {1, 1}, pads = {0, 0};
  bool average = false;
  bool round_up = true;
};
ValueId EmitPool(LayerContext& layer, ValueId x, const PoolParameters& parameters);  // [N, C, H, W]
// x [N, ..., K] by weights [O, K].
ValueId EmitDense(LayerContext& layer, ValueId x, ValueId weights, ValueId bias);

// caffe_convolution.cc
Values ConvertConvolution(LayerContext& layer);
Values ConvertDepthwise(LayerContext& layer);
Values ConvertDeconvolution(LayerContext& layer);
Values ConvertIm2col(LayerContext& layer);
// caffe_pooling.cc
Values ConvertPooling(LayerContext& layer);
Values ConvertSpp(LayerContext& layer);
Values ConvertRoiPooling(LayerContext& layer);
Values ConvertLrn(LayerContext& layer);
// caffe_elementwise.cc
Values ConvertAbsVal(LayerContext& layer);
Values ConvertAxpy(LayerContext& layer);
Values ConvertBias(LayerContext& layer);
Values ConvertBnll(LayerContext& layer);
Values ConvertClip(LayerContext& layer);
Values ConvertEltwise(LayerContext& layer);
Values ConvertElu(LayerContext& layer);
Values ConvertExp(LayerContext& layer);
Values ConvertHardSigmoid(LayerContext& layer);
Values ConvertHardSwish(LayerContext& layer);
Values ConvertIdentity(LayerContext& layer);
Values ConvertLog(LayerContext& layer);
Values ConvertMish(LayerContext& layer);
Values ConvertPower(LayerContext& layer);
Values ConvertPRelu(LayerContext& layer);
Values ConvertRelu(LayerContext& layer);
Values ConvertRelu6(LayerContext& layer);
Values ConvertScale(LayerContext& layer);
Values ConvertSigmoid(LayerContext& layer);
Values ConvertSwish(LayerContext& layer);
Values ConvertTanh(LayerContext& layer);
Values ConvertThreshold(LayerContext& layer);
// caffe_shape.cc
Values ConvertBatchReindex(LayerContext& layer);
Values ConvertConcat(LayerContext& layer);
Values ConvertCrop(LayerContext& layer);
Values ConvertFilter(LayerContext& layer);
Values ConvertFlatten(LayerContext& layer);
Values ConvertParameter(LayerContext& layer);
Values ConvertPermute(LayerContext& layer);
Values ConvertReshape(LayerContext& layer);
Values ConvertShuffleChannel(LayerContext& layer);
Values ConvertSlice(LayerContext& layer);
Values ConvertTile(LayerContext& layer);
// caffe_dense.cc: products, normalisations, reductions
Values ConvertArgMax(LayerContext& layer);
Values ConvertBatchNorm(LayerContext& layer);
Values ConvertEmbed(LayerContext& layer);
Values ConvertInnerProduct(LayerContext& layer);
Values ConvertMvn(LayerContext& layer);
Values ConvertNormalize(LayerContext& layer);
Values ConvertReduction(LayerContext& layer);
Values ConvertSoftmax(LayerContext& layer);
// caffe_recurrent.cc
Values ConvertLstm(LayerContext& layer);
Values ConvertRnn(LayerContext& layer);
// caffe_detection.cc
Values ConvertDetectionOutput(LayerContext& layer);
Values ConvertInterp(LayerContext& layer);
Values ConvertPriorBox(LayerContext& layer);
Values ConvertUpsample(LayerContext& layer);

}  // namespace mace::importers::caffe

#endif  // MACE_IMPORTERS_CAFFE_CAFFE_LAYER_H_
