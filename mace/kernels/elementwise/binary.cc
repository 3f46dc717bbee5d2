#include "mace/kernels/elementwise/binary.h"

#include "mace/core/broadcast.h"

namespace mace::kernels {
namespace {

// A dimension of an operand, counted from the innermost; ones in front of its rank.
int64_t DimFromEnd(const Shape& shape, int from_end) {
  return from_end < shape.rank ? shape.dims[shape.rank - 1 - from_end] : 1;
}

Status BroadcastShapes(std::span<const Shape> operands, Shape* output) {
  *output = Shape();
  for (const Shape& shape : operands) {
    if (shape.ElementCount() < 0) return InvalidArgument("an operand's shape is not concrete");
    if (!BroadcastTogether(*output, shape, output)) {
      return InvalidArgument("the shapes %s and %s do not broadcast", ShapeText(*output).text,
                             ShapeText(shape).text);
    }
  }
  if (output->ElementCount() < 0) return InvalidArgument("the broadcast shape has too many elements");
  return Status::Ok();
}

}  // namespace

Status PrepareBroadcast(std::span<const Shape> operands, Broadcast* broadcast, Shape* output_shape) {
  if (operands.empty() || operands.size() > kMaxBroadcastOperands)
    return Internal("a broadcast of too many operands");
  Shape output;
  MACE_RETURN_IF_ERROR(BroadcastShapes(operands, &output));
  if (output_shape != nullptr) *output_shape = output;

  // From the innermost dimension out: groups of neighbours in which the same operands run.
  struct Group {
    uint32_t running = 0;  // a bit per operand
    int64_t size = 1;
  };
  Group groups[kMaxRank];
  int group_count = 0;
  for (int i = 0; i < output.rank; ++i) {
    const int64_t dim = output.dims[output.rank - 1 - i];
    if (dim == 1) continue;
    uint32_t running = 0;
    for (size_t k = 0; k < operands.size(); ++k) running |= (DimFromEnd(operands[k], i) != 1 ? 1u : 0u) << k;
    if (group_count == 0 || groups[group_count - 1].running != running)
      groups[group_count++].running = running;
    groups[group_count - 1].size *= dim;
  }
  if (group_count == 0) groups[group_count++].running = (1u << operands.size()) - 1;

  *broadcast = Broadcast();
  broadcast->rank = group_count - 1;
  int64_t run[kMaxBroadcastOperands] = {};  // elements of each operand within the groups passed
  for (size_t k = 0; k < operands.size(); ++k) {
    const bool runs = (groups[0].running >> k) & 1;
    broadcast->row_steps[k] = runs ? 1 : 0;
    run[k] = runs ? groups[0].size : 1;
  }
  int64_t rows = 1;
  for (int g = 1; g < group_count; ++g) {
    const int d = group_count - 1 - g;
    broadcast->dims[d] = groups[g].size;
    rows *= groups[g].size;
    for (size_t k = 0; k < operands.size(); ++k) {
      if (!((groups[g].running >> k) & 1)) continue;
      broadcast->strides[k][d] = run[k];
      run[k] *= groups[g].size;
    }
  }
  broadcast->tiles = CutRows(rows, groups[0].size);
  return Status::Ok();
}

Status PrepareBinary(BinaryParams* params) {
  const Shape operands[] = {params->a, params->b};
  MACE_RETURN_IF_ERROR(PrepareBroadcast(operands, &params->broadcast, &params->output));
  params->tile_count = params->broadcast.tiles.tile_count;
  return Status::Ok();
}

Status PrepareWhere(WhereParams* params) {
  const int32_t bytes = params->element_bytes;
  if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) {
    return Unsupported("Where of elements of %d bytes", static_cast<int>(bytes));
  }
  const Shape operands[] = {params->condition, params->if_true, params->if_false};
  MACE_RETURN_IF_ERROR(PrepareBroadcast(operands, &params->broadcast, &params->output));
  params->tile_count = params->broadcast.tiles.tile_count;
  return Status::Ok();
}

}  // namespace mace::kernels
