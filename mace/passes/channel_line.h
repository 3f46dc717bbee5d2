// A multiplication and an addition by constants, one for each entry of an axis, behind a value.
#ifndef MACE_PASSES_CHANNEL_LINE_H_
#define MACE_PASSES_CHANNEL_LINE_H_

#include <vector>

#include "mace/passes/graph_editor.h"

namespace mace::passes {

// y = x * scale + bias.
struct ChannelLine {
  ValueId y = kNone;                // x itself where no such node follows
  std::vector<double> scale, bias;  // one for each entry of the axis
  std::vector<NodeId> nodes;        // from x to y

  bool HasScale() const;
  bool HasBias() const;
};

// Goes down from `x` (float32) along Mul, Add and Sub nodes by float32 constants that have the entries of
// `axis`, or one for all, and do not widen the shape; stops at a value that others read too. `channels` is
// the size of the axis.
ChannelLine FollowChannelLine(const GraphEditor& editor, ValueId x, int axis, int64_t channels);

// The scale and bias as constants [channels]; kNone where they change nothing.
ValueId ScaleConstant(GraphEditor* editor, const ChannelLine& line);
ValueId BiasConstant(GraphEditor* editor, const ChannelLine& line);

}  // namespace mace::passes

#endif  // MACE_PASSES_CHANNEL_LINE_H_
