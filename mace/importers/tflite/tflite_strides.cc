// STRIDED_SLICE whose begin, end or strides another operator computes: what the masks say becomes arithmetic.
#include <vector>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

// Which axis of x, or new axis of the output, each entry of the three lists speaks of.
struct Entries {
  std::vector<int64_t> places;    // of the entries that cut an axis
  std::vector<int64_t> axes;      // the axis that each of these cuts
  std::vector<int64_t> removed;   // axes of x
  std::vector<int64_t> inserted;  // axes of the output
};

bool Bit(int32_t mask, int i) { return (static_cast<uint32_t>(mask) >> i & 1) != 0; }

Entries EntriesOf(const file::StridedSliceOptions& options, int count, int rank) {
  int named = 0;
  for (int i = 0; i < count; ++i) {
    named += !Bit(options.ellipsis_mask(), i) && !Bit(options.new_axis_mask(), i) ? 1 : 0;
  }
  Entries entries;
  int64_t axis = 0, output_axis = 0;
  for (int i = 0; i < count; ++i) {
    if (Bit(options.ellipsis_mask(), i)) {
      axis += rank - named;
      output_axis += rank - named;
    } else if (Bit(options.new_axis_mask(), i)) {
      entries.inserted.push_back(output_axis++);
    } else {
      entries.places.push_back(i);
      entries.axes.push_back(axis);
      if (Bit(options.shrink_axis_mask(), i)) {
        entries.removed.push_back(axis);
      } else {
        ++output_axis;
      }
      ++axis;
    }
  }
  if (named > rank || axis > rank) {
    throw ImportError(StatusCode::kDataLoss,
                      std::to_string(count) + " entries for rank " + std::to_string(rank));
  }
  return entries;
}

// The mask's bits at the places, as bools.
ValueId Flags(TfliteContext& context, int32_t mask, const std::vector<int64_t>& places) {
  std::vector<int64_t> bits;
  for (int64_t place : places) bits.push_back(Bit(mask, static_cast<int>(place)) ? 1 : 0);
  return CastTo(context, context.AddInts(bits), DType::kBool);
}

ValueId Compared(TfliteContext& context, OpId op, ValueId a, int64_t b) {
  return context.EmitInner(op, {a, Int(context, b)}, ops::RoundingAttributes{});
}

}  // namespace

void EmitStridedAtRunTime(TfliteContext& context, const file::StridedSliceOptions& options, ValueId x) {
  const int rank = RankOf(context, x), count = LengthOf(context, context.Input(1), "begin");
  if (count > 2 * kMaxRank) throw ImportError(StatusCode::kDataLoss, std::to_string(count) + " entries");
  if (options.end_is_offset()) {
    throw ImportError(StatusCode::kUnsupported, "bounds computed at run time with an end that is an offset");
  }
  const Entries entries = EntriesOf(options, count, rank);
  const auto list = [&](int input) {
    return Picked(context, CastTo(context, context.Input(input), DType::kI64), entries.places);
  };
  const ValueId first = Int(context, 0), last = Int(context, INT32_MAX), before = Int(context, INT32_MIN);
  const ValueId index = Flags(context, options.shrink_axis_mask(), entries.places);
  const ValueId strides = Chosen(context, index, Int(context, 1), list(3));
  const ValueId forward = Compared(context, OpId::kGreater, strides, 0);
  const ValueId given = list(1);
  const ValueId begin = Chosen(context, Flags(context, options.begin_mask(), entries.places),
                               Chosen(context, forward, first, last), given);
  ValueId end = Chosen(context, Flags(context, options.end_mask(), entries.places),
                       Chosen(context, forward, last, before), list(2));
  // A walk backwards that begins before the first element is empty; Slice would begin at the first one.
  const ValueId dims = Picked(context, DimsOf(context, x), entries.axes);
  const ValueId too_low = Compared(context, OpId::kLess, Plus(context, begin, dims), 0);
  const ValueId empty = context.EmitInner(OpId::kAnd, {too_low, Compared(context, OpId::kLess, strides, 0)});
  end = Chosen(context, empty, last, end);
  const ValueId behind = Chosen(context, Compared(context, OpId::kEqual, given, -1), last,
                                Plus(context, given, Int(context, 1)));
  end = Chosen(context, index, behind, end);
  const ValueId from = Chosen(context, index, given, begin);
  const ValueId inputs[] = {x, from, end, context.AddInts(entries.axes), strides};
  if (entries.removed.empty() && entries.inserted.empty()) {
    return context.EmitOutput(OpId::kSlice, inputs, nullptr, 0, 0);
  }
  ValueId value = context.EmitInner(OpId::kSlice, {inputs[0], inputs[1], inputs[2], inputs[3], inputs[4]},
                                    NoAttributes{}, x);
  ops::SqueezeAttributes squeeze;
  squeeze.axes = ToList(entries.removed, "the list of axes");
  if (entries.inserted.empty()) return context.EmitOutput(OpId::kSqueeze, {value}, squeeze);
  if (!entries.removed.empty()) value = context.EmitInner(OpId::kSqueeze, {value}, squeeze, x);
  ops::UnsqueezeAttributes unsqueeze;
  unsqueeze.axes = ToList(entries.inserted, "the list of axes");
  context.EmitOutput(OpId::kUnsqueeze, {value}, unsqueeze);
}

}  // namespace mace::importers::tflite
