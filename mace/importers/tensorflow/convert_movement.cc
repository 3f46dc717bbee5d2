// Operators that move elements.
#include <algorithm>
#include <climits>

#include "mace/importers/tensorflow/tensorflow_registry.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/movement/rearrange.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tensorflow {
namespace {

ValueId Squeezed(Call& call, ValueId value, int64_t axis) {
  ops::SqueezeAttributes attributes;
  attributes.axes = {axis};
  return call.g.Emit(OpId::kSqueeze, {value}, attributes);
}

ValueId Unsqueezed(Call& call, ValueId value, int64_t axis) {
  ops::UnsqueezeAttributes attributes;
  attributes.axes = {axis};
  return call.g.Emit(OpId::kUnsqueeze, {value}, attributes);
}

int64_t ConstantAxis(Call& call, size_t i) { return call.g.ConstantInts(call.In(i), "the axis", 1).at(0); }

ValueId Concatenated(Call& call, std::span<const ValueId> values, int64_t axis) {
  if (values.size() == 1) return values[0];
  ops::ConcatAttributes attributes;
  attributes.axis = axis;
  return call.g.EmitMany(OpId::kConcat, values, attributes, 1)[0];
}

}  // namespace

Results ConvertTranspose(Call& call, const TensorflowOp& entry) {
  return {call.g.Transposed(call.In(0), call.g.ConstantInts(call.In(1), "the permutation", kMaxRank))};
}

Results ConvertConcat(Call& call, const TensorflowOp& entry) {  // variant 1: the axis comes first
  if (call.count() < 2) throw ImportError(DataLoss("a Concat of %zu operands", call.count()));
  const bool first = entry.variant == 1;
  const int64_t axis = ConstantAxis(call, first ? 0 : call.count() - 1);
  const std::span<const ValueId> all(call.inputs);
  return {Concatenated(call, first ? all.subspan(1) : all.first(all.size() - 1), axis)};
}

Results ConvertSplit(Call& call, const TensorflowOp& entry) {  // axis, value
  const int64_t parts = call.Int("num_split", 1);
  if (parts < 1 || parts > kMaxNodeInputs)
    throw ImportError(DataLoss("%lld parts", static_cast<long long>(parts)));
  ops::SplitAttributes attributes;
  attributes.axis = ConstantAxis(call, 0);
  const ValueId x = call.In(1);
  return call.g.EmitMany(OpId::kSplit, std::span(&x, 1), attributes, static_cast<int>(parts));
}

Results ConvertSplitV(Call& call, const TensorflowOp& entry) {  // value, sizes, axis
  GraphBuilder& g = call.g;
  ops::SplitAttributes attributes;
  attributes.axis = ConstantAxis(call, 2);
  std::vector<int64_t> sizes = g.ConstantInts(call.In(1), "the sizes", kMaxNodeInputs);
  ValueId list = g.Int64s(sizes);
  const auto open = std::ranges::find(sizes, -1);
  if (open != sizes.end()) {  // one size is what the others leave
    int64_t sum = 0;
    for (int64_t size : sizes) {
      if (size > INT32_MAX) throw ImportError(DataLoss("a size of %lld", static_cast<long long>(size)));
      sum += size < 0 ? 0 : size;
    }
    const int64_t axis = attributes.axis;
    ops::ShapeAttributes dim;
    dim.start = axis;
    dim.end = axis == -1 ? INT64_MAX : axis + 1;
    const ValueId whole = g.Emit(OpId::kShape, {call.In(0)}, dim);
    const ValueId rest = g.Emit(OpId::kSub, {whole, g.Int64s({sum})});
    const std::vector<int64_t> before(sizes.begin(), open), behind(open + 1, sizes.end());
    std::vector<ValueId> lists;
    if (!before.empty()) lists.push_back(g.Int64s(before));
    lists.push_back(rest);
    if (!behind.empty()) lists.push_back(g.Int64s(behind));
    list = Concatenated(call, lists, 0);
  }
  const ValueId inputs[] = {call.In(0), list};
  return g.EmitMany(OpId::kSplit, inputs, attributes, static_cast<int>(sizes.size()));
}

Results ConvertPack(Call& call, const TensorflowOp& entry) {
  const int64_t axis = call.Int("axis", 0);
  call.In(0);
  std::vector<ValueId> parts;
  for (ValueId value : call.inputs) parts.push_back(Unsqueezed(call, value, axis));
  return {Concatenated(call, parts, axis)};
}

Results ConvertUnpack(Call& call, const TensorflowOp& entry) {
  const int64_t count = call.Int("num", 0);
  if (count < 1 || count > kMaxNodeInputs)
    throw ImportError(Unsupported("%lld parts", static_cast<long long>(count)));
  ops::SplitAttributes attributes;
  attributes.axis = call.Int("axis", 0);
  const ValueId x = call.In(0);
  if (count == 1) return {Squeezed(call, x, attributes.axis)};
  Results parts = call.g.EmitMany(OpId::kSplit, std::span(&x, 1), attributes, static_cast<int>(count));
  for (ValueId& part : parts) part = Squeezed(call, part, attributes.axis);
  return parts;
}

Results ConvertSlice(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const ValueId begin = AsInt64(call, call.In(1)), size = AsInt64(call, call.In(2));
  const ValueId all = g.Int64s({INT64_MAX});
  const ValueId is_all = g.Emit(OpId::kLess, {size, g.Scalar(0, DType::kI64)});
  const ValueId end = g.Emit(OpId::kWhere, {is_all, all, g.Emit(OpId::kAdd, {begin, size})});
  return {g.Emit(OpId::kSlice, {call.In(0), begin, end})};
}

namespace {

// One entry of a StridedSlice: bounds as lists of one, constants or computed.
class StridedEntries {
 public:
  StridedEntries(Call& call, size_t input) : call_(call), value_(call.In(input)) {
    if (call.g.IsConstant(value_)) known_ = call.g.ConstantInts(value_, "a bound", 32);
    is_known_ = call.g.IsConstant(value_);
  }
  bool IsKnown() const { return is_known_; }
  int64_t At(int i) const {
    if (static_cast<size_t>(i) >= known_.size()) throw ImportError(DataLoss("bounds of different lengths"));
    return known_[static_cast<size_t>(i)];
  }
  ValueId ListAt(int i) const {
    if (is_known_) return call_.g.Int64s({At(i)});
    return AsInt64(call_, SliceAxis(call_, value_, 0, i, i + 1));
  }

 private:
  Call& call_;
  ValueId value_;
  std::vector<int64_t> known_;
  bool is_known_ = false;
};

}  // namespace

Results ConvertStridedSlice(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const int64_t begin_mask = call.Int("begin_mask", 0), end_mask = call.Int("end_mask", 0);
  const int64_t ellipsis_mask = call.Int("ellipsis_mask", 0), new_mask = call.Int("new_axis_mask", 0);
  const int64_t shrink_mask = call.Int("shrink_axis_mask", 0);
  const StridedEntries begins(call, 1), ends(call, 2), strides(call, 3);
  if (!strides.IsKnown()) throw ImportError(Unsupported("strides that are computed at run time"));
  const auto count = static_cast<int>(g.ShapeOf(call.In(3)).ElementCount());
  const auto has = [](int64_t mask, int i) { return (mask >> i & 1) != 0; };
  int kept = 0;  // axes of x that entries behind the ellipsis name
  for (int i = 0; i < count; ++i) kept += has(ellipsis_mask, i) || has(new_mask, i) ? 0 : 1;
  std::vector<ValueId> starts, stops;
  std::vector<int64_t> axes, steps;
  IntList shrunk, added;
  int axis = 0, place = 0;  // of x, and of the result
  for (int i = 0; i < count; ++i) {
    if (has(ellipsis_mask, i)) {
      const int skipped = call.Rank(0) - kept;
      if (skipped < 0) throw ImportError(DataLoss("more entries than axes"));
      axis += skipped;
      place += skipped;
      continue;
    }
    if (has(new_mask, i)) {
      if (!added.Push(place++)) throw ImportError(Unsupported("too many new axes"));
      continue;
    }
    const int64_t step = strides.At(i);
    if (step == 0) throw ImportError(DataLoss("a stride of 0"));
    const ValueId begin = begins.ListAt(i);
    axes.push_back(axis);
    if (has(shrink_mask, i)) {
      const ValueId one = g.Int64s({1}), behind = g.Emit(OpId::kAdd, {begin, one});
      const ValueId is_last = g.Emit(OpId::kEqual, {behind, g.Int64s({0})});
      starts.push_back(begin);
      stops.push_back(g.Emit(OpId::kWhere, {is_last, g.Int64s({INT64_MAX}), behind}));
      steps.push_back(1);
      if (!shrunk.Push(axis)) throw ImportError(Unsupported("too many axes"));
    } else {
      starts.push_back(has(begin_mask, i) ? g.Int64s({step > 0 ? 0 : INT64_MAX}) : begin);
      stops.push_back(has(end_mask, i) ? g.Int64s({step > 0 ? INT64_MAX : INT64_MIN}) : ends.ListAt(i));
      steps.push_back(step);
      ++place;
    }
    ++axis;
  }
  ValueId y = call.In(0);
  if (!axes.empty()) {
    const ValueId first = Concatenated(call, starts, 0), last = Concatenated(call, stops, 0);
    y = g.Emit(OpId::kSlice, {y, first, last, g.Int64s(axes), g.Int64s(steps)});
  }
  if (!shrunk.empty()) {
    ops::SqueezeAttributes attributes;
    attributes.axes = shrunk;
    y = g.Emit(OpId::kSqueeze, {y}, attributes);
  }
  if (!added.empty()) {
    ops::UnsqueezeAttributes attributes;
    attributes.axes = added;
    y = g.Emit(OpId::kUnsqueeze, {y}, attributes);
  }
  return {y};
}

Results ConvertTile(Call& call, const TensorflowOp& entry) {
  return {call.g.Emit(OpId::kTile, {call.In(0), AsInt64(call, call.In(1))})};
}

namespace {

// Rows of {begin, end} as all begins, then all ends.
ValueId Pads(Call& call, ValueId paddings) {
  return call.g.Reshaped(call.g.Transposed(AsInt64(call, paddings), {1, 0}), {-1});
}

}  // namespace

Results ConvertPad(Call& call, const TensorflowOp& entry) {
  const ValueId pads = Pads(call, call.In(1));
  if (call.count() < 3) return {call.g.Emit(OpId::kPad, {call.In(0), pads}, ops::PadAttributes{})};
  return {call.g.Emit(OpId::kPad, {call.In(0), pads, call.In(2)}, ops::PadAttributes{})};
}

Results ConvertMirrorPad(Call& call, const TensorflowOp& entry) {
  ops::PadAttributes attributes;
  const std::string_view mode = call.String("mode", "REFLECT");
  if (mode != "REFLECT" && mode != "SYMMETRIC") throw ImportError(DataLoss("mode '%s'", Text(mode).c_str()));
  attributes.mode = mode == "REFLECT" ? ops::PadMode::kReflect : ops::PadMode::kSymmetric;
  return {call.g.Emit(OpId::kPad, {call.In(0), Pads(call, call.In(1))}, attributes)};
}

Results ConvertReverse(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const std::vector<int64_t> axes = g.ConstantInts(call.In(1), "the axes", kMaxRank);
  if (axes.empty()) return {call.In(0)};
  const std::vector<int64_t> first(axes.size(), INT64_MAX), last(axes.size(), INT64_MIN),
      step(axes.size(), -1);
  return {
      g.Emit(OpId::kSlice, {call.In(0), g.Int64s(first), g.Int64s(last), g.Int64s(axes), g.Int64s(step)})};
}

Results ConvertReverseSequence(Call& call, const TensorflowOp& entry) {
  ops::ReverseSequenceAttributes attributes;
  attributes.time_axis = call.Int("seq_dim", 0);
  attributes.batch_axis = call.Int("batch_dim", 0);
  return {call.g.Emit(OpId::kReverseSequence, {call.In(0), call.In(1)}, attributes)};
}

namespace {

struct Blocks {
  std::vector<int64_t> sizes;
  ValueId amounts = kNone;  // pads or crops [n, 2]
};

Blocks ReadBlocks(Call& call, const TensorflowOp& entry) {
  Blocks blocks;
  if (entry.variant == 1) {  // of 1.x: one size for two axes
    blocks.sizes = {call.Int("block_size", 1), call.Int("block_size", 1)};
    blocks.amounts = call.In(1);
  } else {
    blocks.sizes = call.g.ConstantInts(call.In(1), "the block", kMaxRank);
    blocks.amounts = call.In(2);
  }
  if (blocks.sizes.size() > 3) throw ImportError(Unsupported("blocks of %zu axes", blocks.sizes.size()));
  for (int64_t size : blocks.sizes) {
    constexpr int64_t kMostBlock = 1 << 20;
    if (size < 1 || size > kMostBlock)
      throw ImportError(DataLoss("a block of %lld", static_cast<long long>(size)));
  }
  if (call.Rank(0) < static_cast<int>(blocks.sizes.size()) + 1)
    throw ImportError(DataLoss("too small a rank"));
  return blocks;
}

// Sizes of `shape` from `begin` on.
ValueId SizesFrom(Call& call, ValueId shape, int64_t begin) {
  return SliceAxis(call, shape, 0, begin, INT64_MAX);
}

}  // namespace

// The padded image as blocks, whose places become images of their own.
Results ConvertSpaceToBatch(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const Blocks blocks = ReadBlocks(call, entry);
  const auto count = static_cast<int64_t>(blocks.sizes.size());
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < count; ++i) axes.push_back(1 + i);
  const ValueId padded = g.Emit(OpId::kPad, {call.In(0), Pads(call, blocks.amounts), kNone, g.Int64s(axes)},
                                ops::PadAttributes{});
  const ValueId shape = ShapeValue(call, padded);
  const auto dim = [&](int64_t axis) { return SliceAxis(call, shape, 0, axis, axis + 1); };
  std::vector<ValueId> apart = {dim(0)}, joined = {dim(0)};
  std::vector<int64_t> perm;
  int64_t area = 1;
  for (int64_t i = 0; i < count; ++i) {
    const ValueId block = g.Int64s({blocks.sizes[static_cast<size_t>(i)]});
    const ValueId cells = g.Emit(OpId::kDiv, {dim(1 + i), block});
    apart.push_back(cells);
    apart.push_back(block);
    joined.push_back(cells);
    perm.push_back(2 + 2 * i);
    if (!CheckedMultiply(area, blocks.sizes[static_cast<size_t>(i)], &area))
      throw ImportError(DataLoss("blocks"));
  }
  perm.push_back(0);
  for (int64_t i = 0; i < count; ++i) perm.push_back(1 + 2 * i);
  for (int64_t axis = 2 * count + 1; axis < call.Rank(0) + count; ++axis) perm.push_back(axis);
  joined[0] = g.Emit(OpId::kMul, {dim(0), g.Int64s({area})});
  const ValueId rest = SizesFrom(call, shape, 1 + count);
  apart.push_back(rest);
  joined.push_back(rest);
  ops::ReshapeAttributes exact;
  exact.allow_zero = true;
  const ValueId split = g.Emit(OpId::kReshape, {padded, Concatenated(call, apart, 0)}, exact);
  return {g.Emit(OpId::kReshape, {g.Transposed(split, perm), Concatenated(call, joined, 0)}, exact)};
}

Results ConvertBatchToSpace(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const Blocks blocks = ReadBlocks(call, entry);
  const auto count = static_cast<int64_t>(blocks.sizes.size());
  const ValueId shape = ShapeValue(call, call.In(0));
  const auto dim = [&](int64_t axis) { return SliceAxis(call, shape, 0, axis, axis + 1); };
  int64_t area = 1;
  std::vector<ValueId> apart, joined;
  std::vector<int64_t> perm = {count}, axes;
  for (int64_t size : blocks.sizes) {
    apart.push_back(g.Int64s({size}));
    if (!CheckedMultiply(area, size, &area)) throw ImportError(DataLoss("blocks"));
  }
  const ValueId images = g.Emit(OpId::kDiv, {dim(0), g.Int64s({area})});
  apart.push_back(images);
  joined.push_back(images);
  for (int64_t i = 0; i < count; ++i) {
    apart.push_back(dim(1 + i));
    joined.push_back(g.Emit(OpId::kMul, {dim(1 + i), g.Int64s({blocks.sizes[static_cast<size_t>(i)]})}));
    perm.push_back(count + 1 + i);
    perm.push_back(i);
    axes.push_back(1 + i);
  }
  for (int64_t axis = 2 * count + 1; axis < call.Rank(0) + count; ++axis) perm.push_back(axis);
  const ValueId rest = SizesFrom(call, shape, 1 + count);
  apart.push_back(rest);
  joined.push_back(rest);
  ops::ReshapeAttributes exact;
  exact.allow_zero = true;
  const ValueId split = g.Emit(OpId::kReshape, {call.In(0), Concatenated(call, apart, 0)}, exact);
  const ValueId whole =
      g.Emit(OpId::kReshape, {g.Transposed(split, perm), Concatenated(call, joined, 0)}, exact);
  const ValueId crops = g.Emit(OpId::kNeg, {Pads(call, blocks.amounts)});
  return {g.Emit(OpId::kPad, {whole, crops, kNone, g.Int64s(axes)}, ops::PadAttributes{})};
}

Results ConvertSpaceToDepth(Call& call, const TensorflowOp& entry) {
  ops::DepthToSpaceAttributes attributes;
  attributes.block_size = call.Int("block_size", 1);
  const ValueId x = call.In(0);
  if (call.String("data_format", "NHWC") == "NCHW_VECT_C") throw ImportError(Unsupported("NCHW_VECT_C"));
  if (!call.IsChannelsFirst()) return {call.g.Emit(entry.op, {x}, attributes)};
  return {ToChannelsFirst(call, call.g.Emit(entry.op, {ToChannelsLast(call, x)}, attributes))};
}

Results ConvertRoll(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const std::vector<int64_t> shifts = g.ConstantInts(call.In(1), "the shift", kMaxRank);
  const std::vector<int64_t> axes = g.ConstantInts(call.In(2), "the axis", kMaxRank);
  if (shifts.size() != axes.size()) throw ImportError(DataLoss("%zu shifts", shifts.size()));
  ValueId y = call.In(0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t size = g.ShapeOf(y)[call.Axis(0, axes[i])];
    if (size < 0) throw ImportError(Unsupported("an axis whose size is not known"));
    const int64_t shift = size == 0 ? 0 : (shifts[i] % size + size) % size;
    if (shift == 0) continue;
    const ValueId parts[] = {SliceAxis(call, y, axes[i], size - shift, INT64_MAX),
                             SliceAxis(call, y, axes[i], 0, size - shift)};
    y = Concatenated(call, parts, axes[i]);
  }
  return {y};
}

Results ConvertMatrixBandPart(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  const auto lower = static_cast<int64_t>(g.ConstantNumber(call.In(1), "num_lower"));
  const auto upper = static_cast<int64_t>(g.ConstantNumber(call.In(2), "num_upper"));
  ValueId y = call.In(0);
  ops::TriluAttributes attributes;
  if (lower >= 0)
    y = g.Emit(OpId::kTrilu, {y, g.Scalar(static_cast<double>(-lower), DType::kI64)}, attributes);
  attributes.upper = false;
  if (upper >= 0)
    y = g.Emit(OpId::kTrilu, {y, g.Scalar(static_cast<double>(upper), DType::kI64)}, attributes);
  return {y};
}

namespace {

// True on the diagonal of a matrix of these sizes (lists of one).
ValueId DiagonalMask(Call& call, ValueId rows, ValueId columns) {
  GraphBuilder& g = call.g;
  const auto range = [&](ValueId count) {
    const ValueId scalar = g.Reshaped(count, std::span<const int64_t>{});
    return g.Emit(OpId::kRange, {g.Scalar(0, DType::kI64), scalar, g.Scalar(1, DType::kI64)});
  };
  return g.Emit(OpId::kEqual, {Unsqueezed(call, range(rows), 1), range(columns)});
}

// Only the main diagonal of whole matrices.
void RequireMainDiagonal(Call& call) {
  if (call.count() > 1 && call.g.ConstantNumber(call.In(1), "k") != 0) {
    throw ImportError(Unsupported("a diagonal that is not the main one"));
  }
  for (size_t i = 2; i < call.count() && i < 4 && call.node.op.starts_with("MatrixDiagV"); ++i) {
    if (call.g.ConstantNumber(call.In(i), "a size") != -1)
      throw ImportError(Unsupported("sizes that are given"));
  }
}

ValueId LastSize(Call& call, ValueId value, int64_t axis) {
  ops::ShapeAttributes attributes;
  attributes.start = axis;
  attributes.end = axis == -1 ? INT64_MAX : axis + 1;
  return call.g.Emit(OpId::kShape, {value}, attributes);
}

}  // namespace

Results ConvertMatrixDiag(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  RequireMainDiagonal(call);
  const ValueId size = LastSize(call, call.In(0), -1);
  const ValueId zero = g.Scalar(0, g.DTypeOf(call.In(0)));
  return {g.Emit(OpId::kWhere, {DiagonalMask(call, size, size), Unsqueezed(call, call.In(0), -2), zero})};
}

Results ConvertMatrixDiagPart(Call& call, const TensorflowOp& entry) {
  GraphBuilder& g = call.g;
  RequireMainDiagonal(call);
  const ValueId x = call.In(0), rows = LastSize(call, x, -2), columns = LastSize(call, x, -1);
  const ValueId zero = g.Scalar(0, g.DTypeOf(x));
  const ValueId alone = g.Emit(OpId::kWhere, {DiagonalMask(call, rows, columns), x, zero});
  ops::ReduceAttributes attributes;
  attributes.axes = {-2};
  attributes.keep_dims = false;
  const ValueId sums = g.Emit(OpId::kReduce, {alone}, attributes);
  const ValueId end = g.Emit(OpId::kMin, {rows, columns});
  return {g.Emit(OpId::kSlice, {sums, g.Int64s({0}), end, g.Int64s({-1})})};
}

}  // namespace mace::importers::tensorflow
