#include "mace/backends/cpu/stride_planner.h"

#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::cpu {
namespace {

// Pixels that lie this far apart share a few sets of the caches; 64 bytes more spread them. Measured on Zen
// 4: depthwise 3x3 over 512 channels in half the time, over 1024 in a quarter.
constexpr int64_t kConflictBytes = 2048;
constexpr int64_t kPaddingBytes = 64;

// Kernels that take a pixel stride for input and output.
bool IsSpatial(const Lowering& lowering, const Node& node) {
  return HasConvolutionKernel(lowering, node) || HasPoolingKernel(lowering, node) ||
         HasResizeKernel(lowering, node);
}

// Reads several pixels for each that it writes.
bool IsMultiPixel(const Lowering& lowering, const Node& node) {
  if (node.op == OpId::kMaxPool2d || node.op == OpId::kAveragePool2d) return true;
  if (node.op != OpId::kConv2d) return false;
  const Shape& weights = lowering.shape(node.inputs[1]);
  return weights[3] == 1 && lowering.shape(node.inputs[0])[3] > 1;
}

// The mean of each channel over the pixels, which the reduction kernel reads with strides. Not so where its
// rows are one element long: of one channel, or of one pixel.
bool IsPixelReduction(const Lowering& lowering, const Node& node) {
  if (!HasReductionKernel(lowering, node) || lowering.shape(node.inputs[0]).rank != 4) return false;
  const Shape& shape = lowering.shape(node.inputs[0]);
  if (shape[3] == 1 || shape[1] * shape[2] == 1) return false;
  const IntList& axes = node.attributes.as<ops::ReduceAttributes>().axes;
  return axes == IntList{1, 2} || axes == IntList{-3, -2};
}

bool IsNhwc(const Lowering& lowering, ValueId value) {
  return lowering.IsF32(value) && lowering.shape(value).rank == 4;
}

// The cluster that makes `value` can write it with gaps.
bool CanWriteStrided(const Lowering& lowering, ValueId value) {
  const Cluster* cluster = lowering.fusion().ClusterThatMakes(value);
  if (cluster == nullptr || cluster->output != value) return false;
  if (cluster->is_table) return false;
  if (!cluster->has_producer) return IsNhwc(lowering, cluster->source);
  const Node& node = lowering.node(cluster->nodes[0]);
  return IsSpatial(lowering, node);
}

// Everybody who reads `value`, but for the node `except`, can read it with gaps.
bool CanReadStrided(const Lowering& lowering, ValueId value, NodeId except) {
  if (lowering.fusion().LeavesGroup(value)) return false;
  for (NodeId id : lowering.fusion().ConsumersOf(value)) {
    if (id == except) continue;
    const Cluster* cluster = lowering.fusion().ClusterOf(id);
    if (cluster == nullptr || cluster->is_table) return false;  // a view, or what reads bytes side by side
    const Node& node = lowering.node(id);
    if (cluster->has_producer && cluster->nodes[0] == id) {
      const bool reads_pixels = IsSpatial(lowering, node) || IsPixelReduction(lowering, node);
      // Copies into a concatenation or out of a split follow any strides.
      const bool is_copied =
          (node.op == OpId::kConcat && !ops::ConcatRescales(*lowering.plan().graph, node)) ||
          node.op == OpId::kSplit;
      if (!is_copied && (!reads_pixels || node.inputs[0] != value)) return false;
      continue;
    }
    // A post-op, or the source of a chain. Those of MatMul address rows too, but see views of pixels.
    const bool is_spatial =
        !cluster->has_producer || HasConvolutionKernel(lowering, lowering.node(cluster->nodes[0]));
    if (!is_spatial || lowering.shape(cluster->output).rank != 4) return false;
  }
  return true;
}

bool IsPlain(Lowering& lowering, ValueId value) {
  const Storage& storage = lowering.storage().Of(value);
  return storage.kind == Storage::Kind::kInternal && storage.member_count == 1 && storage.parent == kNone &&
         !storage.is_part_or_whole && storage.pixel_stride == 0;
}

int CountReads(const Lowering& lowering, ValueId value, NodeId reader) {
  int count = 0;
  for (NodeId id : lowering.fusion().ConsumersOf(value)) count += id == reader;
  return count;
}

// The axis of a part, as pixels see it: channels make strided parts, the outermost axis that has any extent
// makes contiguous ones.
enum class PartKind { kNone, kContiguous, kChannels };
PartKind KindOfPart(const Shape& whole, int axis) {
  if (whole.Product(0, axis) == 1) return PartKind::kContiguous;
  return whole.rank == 4 && axis == 3 ? PartKind::kChannels : PartKind::kNone;
}

void JoinConcat(Lowering& lowering, const Node& node, NodeId id) {
  const ValueId out = node.outputs[0];
  const Shape& whole = lowering.shape(out);
  const Storage& storage = lowering.storage().Of(out);
  int axis = 0;
  if (!NormalizeAxis(node.attributes.as<ops::ConcatAttributes>().axis, whole.rank, &axis)) return;
  const PartKind kind = KindOfPart(whole, axis);
  const bool has_home = storage.kind == Storage::Kind::kInternal || storage.kind == Storage::Kind::kOutput;
  if (kind == PartKind::kNone || !has_home || storage.parent != kNone || storage.pixel_stride != 0) return;
  const int64_t element = BytesOf(lowering.type(out).dtype);
  const int64_t step =
      kind == PartKind::kContiguous ? whole.Product(axis + 1, whole.rank) * element : element;
  int64_t position = 0;
  for (ValueId input : node.inputs) {
    const int64_t offset = position * step;
    position += lowering.shape(input)[axis];
    if (element == 0 || !IsPlain(lowering, input) || CountReads(lowering, input, id) != 1) continue;
    if (kind == PartKind::kContiguous) {
      lowering.storage().MakePart(input, out, offset, 0);
    } else if (CanWriteStrided(lowering, input) && CanReadStrided(lowering, input, id)) {
      lowering.storage().MakePart(input, out, offset, whole[3] * element);
    }
  }
}

void JoinSplit(Lowering& lowering, const Node& node) {
  const ValueId in = node.inputs[0];
  const Shape& whole = lowering.shape(in);
  const Storage& storage = lowering.storage().Of(in);
  int axis = 0;
  if (!NormalizeAxis(node.attributes.as<ops::SplitAttributes>().axis, whole.rank, &axis)) return;
  const PartKind kind = KindOfPart(whole, axis);
  if (kind == PartKind::kNone || storage.parent != kNone || storage.pixel_stride != 0) return;
  if (storage.kind == Storage::Kind::kKnown) return;
  const int64_t element = BytesOf(lowering.type(in).dtype);
  const int64_t step =
      kind == PartKind::kContiguous ? whole.Product(axis + 1, whole.rank) * element : element;
  int64_t position = 0;
  for (ValueId output : node.outputs) {
    if (output == kNone) return;
    const int64_t offset = position * step;
    position += lowering.shape(output)[axis];
    if (element == 0 || !IsPlain(lowering, output)) continue;
    if (kind == PartKind::kContiguous) {
      lowering.storage().MakePart(output, in, offset, 0);
    } else if (CanReadStrided(lowering, output, kNone)) {
      lowering.storage().MakePart(output, in, offset, whole[3] * element);
    }
  }
}

void PadStride(Lowering& lowering, ValueId value) {
  if (!IsNhwc(lowering, value) || !IsPlain(lowering, value)) return;
  const Shape& shape = lowering.shape(value);
  const int64_t bytes = shape[3] * 4;
  if (bytes == 0 || bytes % kConflictBytes != 0 || shape.Product(0, 3) <= 1) return;
  const Cluster* maker = lowering.fusion().ClusterThatMakes(value);
  bool is_touched =
      maker != nullptr && maker->has_producer && IsMultiPixel(lowering, lowering.node(maker->nodes[0]));
  for (NodeId id : lowering.fusion().ConsumersOf(value)) {
    is_touched |= IsMultiPixel(lowering, lowering.node(id));
  }
  if (is_touched && CanWriteStrided(lowering, value) && CanReadStrided(lowering, value, kNone)) {
    lowering.storage().SetPixelStride(value, bytes + kPaddingBytes);
  }
}

}  // namespace

void PlanStrides(Lowering& lowering) {
  for (NodeId id : lowering.group().nodes) {
    const Node& node = lowering.node(id);
    if (lowering.fusion().ClusterOf(id) == nullptr) continue;
    if (node.op == OpId::kConcat && !ops::ConcatRescales(*lowering.plan().graph, node)) {
      JoinConcat(lowering, node, id);
    }
    if (node.op == OpId::kSplit) JoinSplit(lowering, node);
  }
  for (const Cluster& cluster : lowering.fusion().clusters()) {
    if (cluster.output != kNone) PadStride(lowering, cluster.output);
  }
}

}  // namespace mace::cpu
