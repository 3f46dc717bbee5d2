// STABLEHLO_GATHER, STABLEHLO_SCATTER: windows of the operand whose first elements the indices name, as
// GatherNd and ScatterNd, which name blocks of outer axes: the axes that indices name go in front.
#include <algorithm>
#include <span>
#include <vector>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_stablehlo.h"
#include "mace/ops/common.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"

namespace mace::importers::tflite {
namespace {

bool Has(std::span<const int> axes, int axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

// A list of axes of a tensor of that rank, each at most once.
std::vector<int> AxesOf(const flatbuffers::Vector<int64_t>* listed, int rank, const char* what) {
  std::vector<int> axes;
  for (int64_t axis : CopyOf(listed)) {
    if (axis < 0 || axis >= rank || Has(axes, static_cast<int>(axis))) {
      throw ImportError(StatusCode::kDataLoss, std::string(what) + " list axis " + std::to_string(axis) +
                                                   " of " + std::to_string(rank) + ", or twice");
    }
    axes.push_back(static_cast<int>(axis));
  }
  return axes;
}

std::vector<int> OthersOf(std::span<const int> axes, int rank) {
  std::vector<int> others;
  for (int axis = 0; axis < rank; ++axis) {
    if (!Has(axes, axis)) others.push_back(axis);
  }
  return others;
}

IntList Order(std::span<const int> first, std::span<const int> rest) {
  IntList order;
  for (std::span<const int> axes : {first, rest}) {
    for (int axis : axes) order.Push(axis);
  }
  return order;
}

IntList InverseOf(const IntList& order) {
  IntList inverse = order;
  for (int i = 0; i < order.size(); ++i) inverse.values[order[i]] = i;
  return inverse;
}

// As Permuted; without a node where nothing moves.
ValueId Moved(TfliteContext& context, ValueId value, const IntList& order) {
  bool moves = false;
  for (int i = 0; i < order.size(); ++i) moves = moves || order[i] != i;
  return moves ? Permuted(context, value, order) : value;
}

// How many elements these dimensions have; -1 where one is open.
int64_t CountOf(std::span<const int64_t> dims) {
  int64_t count = 1;
  bool is_open = false;
  for (int64_t dim : dims) {
    is_open = is_open || dim < 0;
    if (dim >= 0 && __builtin_mul_overflow(count, dim, &count)) {
      throw ImportError(StatusCode::kDataLoss, "more elements than fit into 63 bits");
    }
  }
  return is_open ? -1 : count;
}

// The shape of a Reshape, which may have one open dimension.
IntList Dims(std::span<const int64_t> dims) {
  if (dims.size() > static_cast<size_t>(kMaxRank)) {
    throw ImportError(StatusCode::kUnsupported, "more than " + std::to_string(kMaxRank) + " dimensions");
  }
  if (std::count_if(dims.begin(), dims.end(), [](int64_t dim) { return dim < 0; }) > 1) {
    throw ImportError(StatusCode::kUnsupported, "indices with more than one open dimension");
  }
  IntList list;
  for (int64_t dim : dims) list.Push(dim < 0 ? -1 : dim);
  return list;
}

// Rows of indices, a column for each axis that they name: [n, columns], i64; `batch` are the dimensions that
// n stands for.
ValueId RowsOf(TfliteContext& context, ValueId indices, int64_t vector_axis, size_t columns,
               std::vector<int64_t>* batch) {
  const Shape shape = context.ShapeOf(indices);
  const int rank = RankOf(context, indices);
  const bool is_whole = vector_axis == rank;  // an index is one element
  const int64_t width = is_whole                                 ? 1
                        : vector_axis >= 0 && vector_axis < rank ? shape[static_cast<int>(vector_axis)]
                                                                 : -1;
  if (width != static_cast<int64_t>(columns) || columns == 0) {
    throw ImportError(StatusCode::kUnsupported, "indices " + std::string(ShapeText(shape).text) +
                                                    " along axis " + std::to_string(vector_axis) + " for " +
                                                    std::to_string(columns) + " axes");
  }
  std::vector<int> last;
  if (!is_whole) last.push_back(static_cast<int>(vector_axis));
  const std::vector<int> others = OthersOf(last, rank);
  for (int axis : others) batch->push_back(shape[axis]);
  const ValueId rows = Moved(context, indices, Order(others, last));
  const int64_t dims[] = {CountOf(*batch), width};
  return Reshaped(context, CastTo(context, rows, DType::kI64), Dims(dims));
}

// All places of windows of these sizes that begin at the rows: [n, size of a window, columns].
ValueId PlacesOf(TfliteContext& context, ValueId rows, std::span<const int64_t> sizes) {
  constexpr int64_t kMostPlaces = 1 << 24;
  const int64_t count = CountOf(sizes);
  if (count < 0 || count > kMostPlaces) {
    throw ImportError(StatusCode::kUnsupported, "windows of " + std::to_string(count) + " elements");
  }
  const ValueId first = AddedAxes(context, rows, {1});
  if (std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size == 1; })) return first;
  const auto columns = static_cast<int64_t>(sizes.size());
  context.Spend(count * columns * static_cast<int64_t>(sizeof(int64_t)));
  std::vector<int64_t> steps(static_cast<size_t>(count * columns));
  for (int64_t place = 0; place < count; ++place) {
    int64_t rest = place;
    for (int64_t column = columns; column-- > 0;) {
      const int64_t size = sizes[static_cast<size_t>(column)];
      steps[static_cast<size_t>(place * columns + column)] = rest % size;
      rest /= size;
    }
  }
  return Plus(context, first, Reshaped(context, context.AddInts(steps), {1, count, columns}));
}

std::vector<int64_t> PickedSizes(std::span<const int64_t> sizes, std::span<const int> axes) {
  std::vector<int64_t> picked;
  for (int axis : axes) picked.push_back(sizes[static_cast<size_t>(axis)]);
  return picked;
}

void AppendTo(std::vector<int64_t>* dims, std::span<const int64_t> more) {
  dims->insert(dims->end(), more.begin(), more.end());
}

}  // namespace

// Inputs: x, where each window begins. Windows that would leave x are moved back into it.
void ConvertStablehloGather(TfliteContext& context) {
  const auto& options = context.RequiredOptions2<file::StablehloGatherOptions>();
  const std::vector<int64_t> window = CopyOf(options.window());
  ValueId x = context.Input(0);
  const Shape shape = context.ShapeOf(x);
  RequireConcrete(shape, window.size());
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  const std::vector<int> named = AxesOf(options.index_map(), shape.rank, "the indices");
  const std::vector<int> collapsed = AxesOf(options.collapsed_axes(), shape.rank, "the collapsed axes");
  const std::vector<int> rest = OthersOf(named, shape.rank), kept = OthersOf(collapsed, shape.rank);
  std::vector<int64_t> batch, limits;
  ValueId rows = RowsOf(context, context.Input(1), options.vector_axis(), named.size(), &batch);
  const int rank = static_cast<int>(batch.size() + kept.size());
  std::vector<int> windows = AxesOf(options.window_axes(), rank, "the axes of windows");
  std::sort(windows.begin(), windows.end());
  for (int axis = 0; axis < shape.rank; ++axis) {
    const int64_t size = window[static_cast<size_t>(axis)];
    if (size < 0 || size > shape[axis] || (size != 1 && Has(collapsed, axis))) {
      throw ImportError(StatusCode::kDataLoss, "a window of " + std::to_string(size) + " elements on axis " +
                                                   std::to_string(axis) + " of the shape " +
                                                   ShapeText(shape).text);
    }
  }
  if (windows.size() != kept.size()) {
    throw ImportError(StatusCode::kDataLoss, std::to_string(windows.size()) + " axes of windows for " +
                                                 std::to_string(kept.size()) + " axes that are kept");
  }
  for (int axis : named) limits.push_back(shape[axis] - window[static_cast<size_t>(axis)]);
  rows = context.EmitInner(OpId::kMax, {rows, Int(context, 0)}, ops::RoundingAttributes{});
  rows = context.EmitInner(OpId::kMin, {rows, context.AddInts(limits)}, ops::RoundingAttributes{});
  for (int axis : rest) {
    const int64_t size = window[static_cast<size_t>(axis)];
    if (size < shape[axis]) x = Sliced(context, x, axis, 0, size, 1);
  }
  x = Moved(context, x, Order(named, rest));
  const ValueId places = PlacesOf(context, rows, PickedSizes(window, named));
  const ValueId found = context.EmitInner(OpId::kGatherNd, {x, places}, ops::GatherNdAttributes{}, x);
  // [n, a window of the named axes, the others]: then n as what it stands for, each window axis by itself.
  std::vector<int> order;  // the axes of x that are kept, as they stand now
  for (std::span<const int> axes : {std::span<const int>(named), std::span<const int>(rest)}) {
    for (int axis : axes) {
      if (Has(kept, axis)) order.push_back(axis);
    }
  }
  std::vector<int64_t> dims = batch;
  AppendTo(&dims, PickedSizes(window, order));
  const ValueId apart = Reshaped(context, found, Dims(dims));
  ops::TransposeAttributes transpose;
  int next_batch = 0;
  size_t next_window = 0;
  for (int axis = 0; axis < rank; ++axis) {
    if (!Has(windows, axis)) {
      transpose.perm.Push(next_batch++);
      continue;
    }
    const auto place = std::find(order.begin(), order.end(), kept[next_window++]) - order.begin();
    transpose.perm.Push(static_cast<int64_t>(batch.size()) + place);
  }
  context.EmitOutput(OpId::kTranspose, {apart}, transpose);
}

// Inputs: x, where each window begins, windows of updates. What falls outside of x is dropped: x gets one
// more element on each axis that indices name, which takes it. Where several updates meet, windows come one
// after the other in the order of the indices.
void ConvertStablehloScatter(TfliteContext& context) {
  const auto& options = context.RequiredOptions2<file::StablehloScatterOptions>();
  const ValueId x = context.Input(0);
  ValueId updates = context.Input(2);
  const Shape shape = context.ShapeOf(x), update_shape = context.ShapeOf(updates);
  const int rank = RankOf(context, x), update_rank = RankOf(context, updates);
  RequireConcrete(shape, static_cast<size_t>(rank));
  RequireEqualQuantization(context, context.TypeOf(x), context.OutputType(0));
  ops::ScatterNdAttributes attributes;
  attributes.reduction = JoiningOf(context, options.body_subgraph(), context.DTypeOf(x)).reduction;
  if (attributes.reduction != ops::ScatterReduction::kNone && context.TypeOf(x).quantization != kNone) {
    return context.Refuse("sums of quantized elements");
  }
  std::vector<int> named = AxesOf(options.index_map(), rank, "the indices");
  const std::vector<int> inserted = AxesOf(options.inserted_axes(), rank, "the inserted axes");
  const std::vector<int> windows = AxesOf(options.window_axes(), update_rank, "the axes of windows");
  const std::vector<int> kept = OthersOf(inserted, rank), batches = OthersOf(windows, update_rank);
  if (kept.size() != windows.size()) {
    throw ImportError(StatusCode::kDataLoss, std::to_string(windows.size()) + " axes of windows and " +
                                                 std::to_string(inserted.size()) +
                                                 " inserted ones for rank " + std::to_string(rank));
  }
  std::vector<int64_t> sizes(static_cast<size_t>(rank), 1);  // of a window, on each axis of x
  std::vector<int> update_axis(static_cast<size_t>(rank), kNone);
  for (size_t i = 0; i < kept.size(); ++i) {
    update_axis[static_cast<size_t>(kept[i])] = windows[i];
    sizes[static_cast<size_t>(kept[i])] = update_shape[windows[i]];
  }
  if (CountOf(sizes) < 0) throw ImportError(StatusCode::kUnsupported, "windows with an open dimension");
  std::vector<int64_t> batch, limits;
  ValueId rows = RowsOf(context, context.Input(1), options.vector_axis(), named.size(), &batch);
  // An axis that a window covers in part begins at 0.
  const size_t listed = named.size();
  for (int axis = 0; axis < rank; ++axis) {
    if (!Has(named, axis) && sizes[static_cast<size_t>(axis)] != shape[axis]) named.push_back(axis);
  }
  const std::vector<int> rest = OthersOf(named, rank);
  if (named.size() > listed) {
    const ValueId pads = Ints(context, {0, 0, 0, static_cast<int64_t>(named.size() - listed)});
    rows = context.EmitInner(OpId::kPad, {rows, pads}, ops::PadAttributes{});
  }
  for (int axis : named) limits.push_back(shape[axis]);
  ValueId places = PlacesOf(context, rows, PickedSizes(sizes, named));
  // -1 means the last element, which is the additional one.
  places = context.EmitInner(OpId::kMax, {places, Int(context, -1)}, ops::RoundingAttributes{});
  places = context.EmitInner(OpId::kMin, {places, context.AddInts(limits)}, ops::RoundingAttributes{});
  std::vector<int64_t> pads(2 * static_cast<size_t>(rank), 0);
  for (int axis : named) pads[static_cast<size_t>(rank) + static_cast<size_t>(axis)] = 1;
  const ValueId padded =
      context.EmitInner(OpId::kPad, {x, context.AddInts(pads), ZeroOf(context, x)}, ops::PadAttributes{}, x);
  const IntList order = Order(named, rest);
  const ValueId target = Moved(context, padded, order);
  std::vector<int> window_order;
  for (int i = 0; i < order.size(); ++i) {
    const int axis = update_axis[static_cast<size_t>(order[i])];
    if (axis != kNone) window_order.push_back(axis);
  }
  std::vector<int64_t> update_batch;
  for (int axis : batches) update_batch.push_back(update_shape[axis]);
  std::vector<int64_t> dims = {CountOf(update_batch), CountOf(PickedSizes(sizes, named))};
  AppendTo(&dims, PickedSizes(sizes, rest));
  updates = Reshaped(context, Moved(context, updates, Order(batches, window_order)), Dims(dims));
  const ValueId sum = context.EmitInner(OpId::kScatterNd, {target, places, updates}, attributes, x);
  const ValueId back = Moved(context, sum, InverseOf(order));
  std::vector<int64_t> starts(named.size(), 0), axes(named.begin(), named.end());
  const ValueId lists[] = {context.AddInts(starts), context.AddInts(limits), context.AddInts(axes)};
  context.EmitOutput(OpId::kSlice, {back, lists[0], lists[1], lists[2]}, NoAttributes{});
}

}  // namespace mace::importers::tflite
