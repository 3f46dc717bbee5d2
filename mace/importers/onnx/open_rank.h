// Operands whose rank is not known before data are there: nodes that compute with it.
#ifndef MACE_IMPORTERS_ONNX_OPEN_RANK_H_
#define MACE_IMPORTERS_ONNX_OPEN_RANK_H_

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// Sizes of the axes [begin, end) of x as a list.
ValueId SizesFrom(OnnxContext& context, ValueId x, int64_t begin, int64_t end = INT64_MAX);
// A list of ones, as many as x has axes from `axis` on, and the list of those axes. A negative axis counts
// from the end.
ValueId OnesFrom(OnnxContext& context, ValueId x, int64_t axis);
ValueId AxesFrom(OnnxContext& context, ValueId x, int64_t axis);

ValueId Joined(OnnxContext& context, std::initializer_list<ValueId> lists);

// x in a computed shape, of whose sizes 0 is one.
ValueId Reshaped(OnnxContext& context, ValueId x, ValueId shape);
// y in the shape of x.
ValueId ShapedLike(OnnxContext& context, ValueId y, ValueId x);
// x behind as many axes of size 1 as `rank`, which it does not exceed, has more.
ValueId WithLeadingOnes(OnnxContext& context, ValueId x, int rank);
// x [N, C, ...] itself where its rank is known, else as [N, C, all others].
ValueId AsChannelRows(OnnxContext& context, ValueId x);
// What was computed of `rows`, the AsChannelRows of x, in x's shape.
ValueId FromChannelRows(OnnxContext& context, ValueId y, ValueId rows, ValueId x);

// [N, C, ...] as [N, ..., C] and back, whatever the rank.
ValueId ChannelsLastOfOpenRank(OnnxContext& context, ValueId x);
ValueId ChannelsFirstOfOpenRank(OnnxContext& context, ValueId x);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_OPEN_RANK_H_
