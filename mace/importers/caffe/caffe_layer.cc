#include "mace/importers/caffe/caffe_layer.h"

#include <algorithm>

#include "mace/ops/movement/movement.h"

namespace mace::importers::caffe {

int LayerContext::RankOf(ValueId value) const {
  const int rank = builder_.RankOf(value);
  if (rank < 0) throw ImportError(Unsupported("the rank of its bottom is not known"));
  return rank;
}

int64_t LayerContext::Dim(ValueId value, int axis) const {
  const Shape& shape = ShapeOf(value);
  if (axis >= RankOf(value)) {
    throw ImportError(
        InvalidArgument("expected a bottom with at least %d axes, got %s", axis + 1, ShapeText(shape).text));
  }
  if (shape[axis] < 0) {
    throw ImportError(Unsupported("axis %d of its bottom %s is not known", axis, ShapeText(shape).text));
  }
  return shape[axis];
}

int64_t LayerContext::Extent(int64_t value, const char* what, int64_t least) {
  if (value < least || value > kMaxExtent) {
    throw ImportError(InvalidArgument("%s is %lld, expected %lld to %lld", what,
                                      static_cast<long long>(value), static_cast<long long>(least),
                                      static_cast<long long>(kMaxExtent)));
  }
  return value;
}

std::vector<float> LayerContext::Elements(size_t i, const Shape& shape, const char* what) const {
  if (blobs_ == nullptr && types_only_ && shape.ElementCount() >= 0) {
    builder_.Spend(std::min(shape.ElementCount(), int64_t{1} << 60) * 4);
    return std::vector<float>(static_cast<size_t>(shape.ElementCount()));
  }
  if (blobs_ == nullptr) {
    throw ImportError(DataLoss("the .caffemodel has no weights of a layer of this name"));
  }
  if (i >= blobs_->size()) {
    throw ImportError(DataLoss("the .caffemodel has %zu blobs of it, the %s would be number %zu",
                               blobs_->size(), what, i + 1));
  }
  const Blob& blob = (*blobs_)[i];
  if (blob.count() != shape.ElementCount()) {
    throw ImportError(DataLoss("the %s in the .caffemodel has %lld elements, expected %s", what,
                               static_cast<long long>(blob.count()), ShapeText(shape).text));
  }
  return blob.Elements();
}

ValueId LayerContext::Weights(size_t i, const Shape& shape, const char* what) {
  return builder_.Floats(Elements(i, shape, what), shape);
}

ValueId LayerContext::Reduced(ops::ReduceKind kind, ValueId x, const IntList& axes, bool keep_dims) {
  ops::ReduceAttributes attributes;
  attributes.kind = kind;
  attributes.axes = axes;
  attributes.keep_dims = keep_dims;
  attributes.empty_is_none = true;
  return builder_.Emit(OpId::kReduce, {x}, attributes);
}

ValueId LayerContext::ChannelsLast(ValueId x) {
  const int rank = RankOf(x);
  if (rank < 3) return x;
  std::vector<int64_t> perm = {0};
  for (int axis = 2; axis < rank; ++axis) perm.push_back(axis);
  perm.push_back(1);
  return builder_.Transposed(x, perm);
}

ValueId LayerContext::ChannelsFirst(ValueId x) {
  const int rank = RankOf(x);
  if (rank < 3) return x;
  std::vector<int64_t> perm = {0, rank - 1};
  for (int axis = 1; axis < rank - 1; ++axis) perm.push_back(axis);
  return builder_.Transposed(x, perm);
}

ValueId LayerContext::AlignedAt(ValueId value, int axis, int rank) {
  const int own = RankOf(value);
  if (axis + own > rank) {
    throw ImportError(InvalidArgument("%s does not fit a tensor of rank %d from axis %d on",
                                      ShapeText(ShapeOf(value)).text, rank, axis));
  }
  if (axis + own == rank) return value;
  std::vector<int64_t> shape(static_cast<size_t>(rank - axis), 1);
  for (int i = 0; i < own; ++i) shape[static_cast<size_t>(i)] = 0;  // as it is
  return builder_.Reshaped(value, shape);
}

ValueId LayerContext::Sliced(ValueId x, int axis, int64_t begin, int64_t end) {
  return builder_.Emit(OpId::kSlice,
                       {x, builder_.Int64s({begin}), builder_.Int64s({end}), builder_.Int64s({axis})});
}

ValueId LayerContext::Concatenated(const Values& values, int64_t axis) {
  ops::ConcatAttributes attributes;
  attributes.axis = axis;
  return builder_.EmitMany(OpId::kConcat, values, attributes, 1)[0];
}

ValueId LayerContext::FlattenedFrom(ValueId x, int axis) {
  const int rank = RankOf(x);
  if (axis == rank - 1) return x;
  const int64_t rest = ShapeOf(x).Product(axis, rank);
  std::vector<int64_t> shape(static_cast<size_t>(axis), 0);
  shape.push_back(rest >= 0 ? rest : -1);
  return builder_.Reshaped(x, shape);
}

namespace {

// By type, ASCII order.
constexpr LayerRow kRows[] = {
    {"AbsVal", 1, 1, 1, ConvertAbsVal},
    {"ArgMax", 1, 1, 1, ConvertArgMax},
    {"Axpy", 3, 3, 1, ConvertAxpy},
    {"BNLL", 1, 1, 1, ConvertBnll},
    {"BatchNorm", 1, 1, 1, ConvertBatchNorm},
    {"BatchReindex", 2, 2, 1, ConvertBatchReindex},
    {"Bias", 1, 2, 1, ConvertBias},
    {"Clip", 1, 1, 1, ConvertClip},
    {"Concat", 1, -1, 1, ConvertConcat},
    {"Convolution", 1, -1, -1, ConvertConvolution, true},
    {"ConvolutionDepthwise", 1, 1, 1, ConvertDepthwise, true},
    {"Crop", 2, 2, 1, ConvertCrop},
    {"Deconvolution", 1, -1, -1, ConvertDeconvolution, true},
    {"DepthwiseConvolution", 1, 1, 1, ConvertDepthwise, true},
    {"DetectionOutput", 3, 3, 1, ConvertDetectionOutput},
    {"Dropout", 1, 1, 1, ConvertIdentity},
    {"ELU", 1, 1, 1, ConvertElu},
    {"Eltwise", 1, -1, 1, ConvertEltwise},
    {"Embed", 1, 1, 1, ConvertEmbed, true},
    {"Exp", 1, 1, 1, ConvertExp},
    {"Filter", 2, -1, -1, ConvertFilter},
    {"Flatten", 1, 1, 1, ConvertFlatten},
    {"HSigmoid", 1, 1, 1, ConvertHardSigmoid},
    {"HSwish", 1, 1, 1, ConvertHardSwish},
    {"HardSigmoid", 1, 1, 1, ConvertHardSigmoid},
    {"HardSwish", 1, 1, 1, ConvertHardSwish},
    {"Im2col", 1, 1, 1, ConvertIm2col},
    {"InnerProduct", 1, 1, 1, ConvertInnerProduct, true},
    {"Interp", 1, 2, 1, ConvertInterp},
    {"LRN", 1, 1, 1, ConvertLrn},
    {"LSTM", 2, 5, 3, ConvertLstm, true},
    {"Log", 1, 1, 1, ConvertLog},
    {"MVN", 1, 1, 1, ConvertMvn},
    {"Mish", 1, 1, 1, ConvertMish},
    {"Normalize", 1, 1, 1, ConvertNormalize},
    {"PReLU", 1, 1, 1, ConvertPRelu, true},
    {"Parameter", 0, 0, 1, ConvertParameter, true},
    {"Permute", 1, 1, 1, ConvertPermute},
    {"Pooling", 1, 1, 2, ConvertPooling},
    {"Power", 1, 1, 1, ConvertPower},
    {"PriorBox", 2, 2, 1, ConvertPriorBox},
    {"RNN", 2, 4, 2, ConvertRnn, true},
    {"ROIPooling", 2, 2, 1, ConvertRoiPooling},
    {"ReLU", 1, 1, 1, ConvertRelu},
    {"ReLU6", 1, 1, 1, ConvertRelu6},
    {"Reduction", 1, 1, 1, ConvertReduction},
    {"Reshape", 1, 1, 1, ConvertReshape},
    {"SPP", 1, 1, 1, ConvertSpp},
    {"Scale", 1, 2, 1, ConvertScale},
    {"ShuffleChannel", 1, 1, 1, ConvertShuffleChannel},
    {"Sigmoid", 1, 1, 1, ConvertSigmoid},
    {"SigmoidCrossEntropyLoss", 1, 2, 1, ConvertSigmoid},
    {"Slice", 1, 1, -1, ConvertSlice},
    {"Softmax", 1, 1, 1, ConvertSoftmax},
    {"SoftmaxWithLoss", 1, 3, 1, ConvertSoftmax},
    {"Split", 1, 1, -1, ConvertIdentity},
    {"Swish", 1, 1, 1, ConvertSwish},
    {"TanH", 1, 1, 1, ConvertTanh},
    {"Threshold", 1, 1, 1, ConvertThreshold},
    {"Tile", 1, 1, 1, ConvertTile},
    {"Upsample", 1, 1, 1, ConvertUpsample},
};
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const LayerRow& a, const LayerRow& b) { return a.type < b.type; }));

constexpr std::string_view kDataTypes[] = {"AnnotatedData", "Data",      "DummyData",
                                           "HDF5Data",      "ImageData", "WindowData"};
constexpr std::string_view kLossTypes[] = {"ContrastiveLoss", "EuclideanLoss", "HingeLoss",
                                           "InfogainLoss",    "MultiBoxLoss",  "MultinomialLogisticLoss",
                                           "SmoothL1Loss"};
constexpr std::string_view kMetricTypes[] = {"Accuracy", "DetectionEvaluate"};
constexpr std::string_view kForeignTypes[] = {"HDF5Output", "Python"};

template <size_t N>
bool IsAmong(const std::string_view (&types)[N], std::string_view type) {
  return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

}  // namespace

const LayerRow* FindLayerRow(std::string_view type) {
  const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), type,
                                     [](const LayerRow& a, std::string_view b) { return a.type < b; });
  return row != std::end(kRows) && row->type == type ? row : nullptr;
}

Role RoleOf(std::string_view type) {
  if (IsAmong(kDataTypes, type)) return Role::kData;
  if (IsAmong(kLossTypes, type)) return Role::kLoss;
  if (IsAmong(kMetricTypes, type)) return Role::kMetric;
  if (IsAmong(kForeignTypes, type)) return Role::kForeign;
  return type == "Silence" ? Role::kSilence : Role::kCompute;
}

}  // namespace mace::importers::caffe
