// Converters of operators that gather or add rows at computed places, made of ScatterNd, Gather and their
// like.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/reduce/arg_reduce.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

constexpr int64_t kMaxPlaces = int64_t{1} << 22;  // that an operator may name one by one

// Appends nodes whose types follow from their inputs.
class Emitter {
 public:
  explicit Emitter(TfliteContext& context) : context_(context) {}

  template <typename A = NoAttributes>
  ValueId operator()(OpId op, std::initializer_list<ValueId> inputs, const A& attributes = {}) {
    return context_.Emit(op, inputs, attributes, TensorType{});
  }
  ValueId Ints(std::initializer_list<int64_t> elements) {
    return context_.AddInts({elements.begin(), elements.size()});
  }
  ValueId Cast(ValueId value, DType to) {
    if (context_.DTypeOf(value) == to) return value;
    ops::CastAttributes attributes;
    attributes.to = to;
    return (*this)(OpId::kCast, {value}, attributes);
  }
  ValueId Reshape(ValueId value, const IntList& shape) {
    ops::ReshapeAttributes attributes;
    attributes.shape = shape;
    return (*this)(OpId::kReshape, {value}, attributes);
  }
  ValueId Concat(std::initializer_list<ValueId> parts) {
    ops::ConcatAttributes attributes;
    attributes.axis = 0;
    return (*this)(OpId::kConcat, parts, attributes);
  }
  ValueId Reduce(ValueId value, ops::ReduceKind kind, int64_t axis, bool keep_dims) {
    ops::ReduceAttributes attributes;
    attributes.kind = kind;
    attributes.axes = {axis};
    attributes.keep_dims = keep_dims;
    return (*this)(OpId::kReduce, {value}, attributes);
  }
  // The dimensions begin .. rank - 1 of `value`, as int64.
  ValueId DimsFrom(ValueId value, int64_t begin) {
    ops::ShapeAttributes attributes;
    attributes.start = begin;
    return (*this)(OpId::kShape, {value}, attributes);
  }
  // A tensor of this computed shape.
  ValueId Filled(ValueId shape, DType dtype, double element) {
    ops::ConstantOfShapeAttributes attributes;
    attributes.dtype = dtype;
    attributes.float_value = static_cast<float>(element);
    attributes.int_value = IsFloat(dtype) ? 0 : static_cast<int64_t>(element);
    return (*this)(OpId::kConstantOfShape, {shape}, attributes);
  }

 private:
  TfliteContext& context_;
};

void RequireKnownRank(const TfliteContext& context, ValueId value, int least, const char* what) {
  if (context.ShapeOf(value).rank >= least) return;
  throw ImportError(StatusCode::kDataLoss, std::string(what) + " has the shape " +
                                               ShapeText(context.ShapeOf(value)).text + ", expected rank " +
                                               std::to_string(least) + " at least");
}

// Rows of `data` joined into `rows` ([1], int64) rows; `ids` (int64, flat) says where each goes.
ValueId JoinRows(TfliteContext& context, ValueId data, ValueId ids, ValueId rows,
                 ops::ScatterReduction reduction, double element) {
  Emitter emit(context);
  const ValueId shape = emit.Concat({rows, emit.DimsFrom(data, 1)});
  const ValueId start = emit.Filled(shape, context.DTypeOf(data), element);
  ops::ScatterNdAttributes attributes;
  attributes.reduction = reduction;
  return emit(OpId::kScatterNd, {start, emit.Reshape(ids, {-1, 1}), data}, attributes);
}

// What nothing was joined to: the neutral element of the join, which for the least and the greatest is the
// type's other end.
double NeutralOf(ops::ScatterReduction reduction, DType dtype) {
  const bool is_float = dtype == DType::kF32;
  switch (reduction) {
    case ops::ScatterReduction::kMultiply:
      return 1;
    case ops::ScatterReduction::kMax:
      return is_float ? -static_cast<double>(std::numeric_limits<float>::max()) : INT32_MIN;
    case ops::ScatterReduction::kMin:
      return is_float ? static_cast<double>(std::numeric_limits<float>::max()) : INT32_MAX;
    default:
      return 0;
  }
}

// Inputs: data, ids of a leading part of its shape, how many rows there shall be. Rows of negative id are
// left out: they go to one more row, which is cut off.
void ConvertUnsortedSegments(TfliteContext& context, ops::ScatterReduction reduction) {
  Emitter emit(context);
  const ValueId data = context.Input(0);
  const ValueId ids = context.Input(1);
  const int id_rank = context.ShapeOf(ids).rank;
  RequireKnownRank(context, ids, 0, "the list of segments");
  RequireKnownRank(context, data, id_rank, "its input");
  const ValueId flat_ids = emit.Reshape(emit.Cast(ids, DType::kI64), {-1});
  const ValueId flat_data =
      emit(OpId::kReshape, {data, emit.Concat({emit.Ints({-1}), emit.DimsFrom(data, id_rank)})},
           ops::ReshapeAttributes{});
  const ValueId rows = emit.Reshape(emit.Cast(context.Input(2), DType::kI64), {1});
  const ValueId placed = emit(OpId::kWhere, {emit(OpId::kLess, {flat_ids, emit.Ints({0})}), rows, flat_ids});
  const ValueId one_more = emit(OpId::kAdd, {rows, emit.Ints({1})});
  const ValueId joined =
      JoinRows(context, flat_data, placed, one_more, reduction, NeutralOf(reduction, context.DTypeOf(data)));
  context.EmitOutput(OpId::kSlice, {joined, emit.Ints({0}), rows, emit.Ints({0})}, NoAttributes{});
}

// The place of an update in the flattened operand, but for where the update begins.
std::vector<int64_t> PlacesInside(const Shape& operand, const Shape& update) {
  std::vector<int64_t> places = {0};
  for (int d = 0; d < operand.rank; ++d) {
    std::vector<int64_t> next;
    next.reserve(places.size() * static_cast<size_t>(update[d]));
    for (int64_t place : places) {
      for (int64_t i = 0; i < update[d]; ++i) next.push_back(place * operand[d] + i);
    }
    places = std::move(next);
  }
  return places;
}

}  // namespace

// Inputs: data, ids that rise: the last one says how many rows there are.
void ConvertSegmentSum(TfliteContext& context) {
  Emitter emit(context);
  const ValueId data = context.Input(0);
  RequireKnownRank(context, data, 1, "its input");
  const ValueId ids = emit.Cast(context.Input(1), DType::kI64);
  const ValueId last = emit(OpId::kSlice, {ids, emit.Ints({-1}), emit.Ints({INT32_MAX})});
  const ValueId rows = emit(OpId::kAdd, {last, emit.Ints({1})});
  const ValueId sums = JoinRows(context, data, ids, rows, ops::ScatterReduction::kAdd, 0);
  context.EmitOutput(OpId::kIdentity, {sums}, NoAttributes{});
}

void ConvertUnsortedSegmentProduct(TfliteContext& context) {
  ConvertUnsortedSegments(context, ops::ScatterReduction::kMultiply);
}
void ConvertUnsortedSegmentMax(TfliteContext& context) {
  ConvertUnsortedSegments(context, ops::ScatterReduction::kMax);
}
void ConvertUnsortedSegmentSum(TfliteContext& context) {
  ConvertUnsortedSegments(context, ops::ScatterReduction::kAdd);
}
void ConvertUnsortedSegmentMin(TfliteContext& context) {
  ConvertUnsortedSegments(context, ops::ScatterReduction::kMin);
}

// How many boundaries are not above each element.
void ConvertBucketize(TfliteContext& context) {
  Emitter emit(context);
  const auto boundaries = SpanOf(context.RequiredOptions<file::BucketizeOptions>().boundaries());
  const ValueId x = context.Input(0);
  RequireKnownRank(context, x, 0, "its input");
  const DType dtype = context.DTypeOf(x) == DType::kF64 ? DType::kF64 : DType::kF32;
  const ValueId limits = context.AddFloats(boundaries);
  ops::UnsqueezeAttributes unsqueeze;
  unsqueeze.axes = {context.ShapeOf(x).rank};
  const ValueId column = emit(OpId::kUnsqueeze, {emit.Cast(x, dtype)}, unsqueeze);
  const ValueId below = emit(OpId::kLess, {column, emit.Cast(limits, dtype)});
  const ValueId counted = emit.Cast(emit(OpId::kNot, {below}), DType::kI32);
  ops::ReduceAttributes reduce;
  reduce.axes = {-1};
  reduce.keep_dims = false;
  context.EmitOutput(OpId::kReduce, {counted}, reduce);
}

// Inputs: the operand, the update, where it begins; held so that the update lies inside.
void ConvertDynamicUpdateSlice(TfliteContext& context) {
  Emitter emit(context);
  const ValueId operand = context.Input(0);
  const ValueId update = context.Input(1);
  const Shape shape = context.ShapeOf(operand);
  const Shape part = context.ShapeOf(update);
  RequireEqualQuantization(context, context.TypeOf(operand), context.OutputType(0));
  if (!shape.IsConcrete() || !part.IsConcrete()) {
    throw ImportError(StatusCode::kUnsupported, "an operand or update of open shape");
  }
  if (shape.rank != part.rank || part.ElementCount() > kMaxPlaces) {
    throw ImportError(StatusCode::kUnsupported, "an update of shape " + std::string(ShapeText(part).text) +
                                                    " for " + ShapeText(shape).text);
  }
  std::vector<int64_t> room, strides(static_cast<size_t>(shape.rank), 1);
  for (int d = 0; d < shape.rank; ++d) {
    room.push_back(shape[d] - part[d]);
    if (room.back() < 0) throw ImportError(StatusCode::kDataLoss, "an update larger than the operand");
    strides[static_cast<size_t>(d)] = shape.Product(d + 1, shape.rank);
  }
  if (shape.rank == 0 || part.ElementCount() == 0) {
    return context.EmitOutput(OpId::kIdentity, {shape.rank == 0 ? update : operand}, NoAttributes{});
  }
  const ValueId starts = emit.Cast(context.Input(2), DType::kI64);
  const ValueId held = emit(OpId::kMax, {emit(OpId::kMin, {starts, context.AddInts(room)}), emit.Ints({0})});
  const ValueId begin = emit.Reduce(emit(OpId::kMul, {held, context.AddInts(strides)}), ops::ReduceKind::kSum,
                                    0, /*keep_dims=*/true);
  const ValueId places = emit(OpId::kAdd, {context.AddInts(PlacesInside(shape, part)), begin});
  TensorType type;
  type.quantization = context.TypeOf(operand).quantization;
  const auto flat = [&](ValueId value) {
    ops::ReshapeAttributes attributes;
    attributes.shape = {-1};
    return context.Emit(OpId::kReshape, {value}, attributes, type);
  };
  const ValueId updated =
      context.Emit(OpId::kScatterNd, {flat(operand), emit.Reshape(places, {-1, 1}), flat(update)},
                   ops::ScatterNdAttributes{}, type);
  ops::ReshapeAttributes restore;
  for (int d = 0; d < shape.rank; ++d) restore.shape.Push(shape[d]);
  restore.allow_zero = true;
  context.EmitOutput(OpId::kReshape, {updated}, restore);
}

// Inputs: what is looked for [n], keys [m], a row for each -> the rows (zeros where there is no such key),
// and whether there was one, as bytes.
void ConvertHashtableLookup(TfliteContext& context) {
  Emitter emit(context);
  const ValueId rows = context.Input(2);
  RequireKnownRank(context, rows, 1, "the table");
  const ValueId equal =
      emit(OpId::kEqual, {emit.Reshape(context.Input(0), {-1, 1}), emit.Reshape(context.Input(1), {1, -1})});
  ops::ArgReduceAttributes first;
  first.axis = 1;
  first.keep_dims = false;
  const ValueId matches = emit.Cast(equal, DType::kI32);
  const ValueId index = emit(OpId::kArgReduce, {matches}, first);
  const ValueId hits = emit.Reduce(matches, ops::ReduceKind::kMax, 1, /*keep_dims=*/false);
  IntList column = {-1};
  for (int d = 1; d < context.ShapeOf(rows).rank; ++d) column.Push(1);
  const ValueId found = emit.Reshape(emit.Cast(hits, DType::kBool), column);
  const ValueId zero = emit.Cast(emit.Filled(context.AddInts({}), DType::kI32, 0), context.DTypeOf(rows));
  const ValueId gathered = emit(OpId::kGather, {rows, index}, ops::GatherAttributes{});
  const TensorType types[] = {context.OutputType(0), context.OutputType(1)};
  const auto named = [&](int i) { return context.file().TensorName(context.OutputTensor(i)); };
  context.BindOutput(0,
                     context.Emit(OpId::kWhere, {found, gathered, zero}, NoAttributes{}, types[0], named(0)));
  ops::CastAttributes cast;
  cast.to = DType::kU8;
  context.BindOutput(1, context.Emit(OpId::kCast, {hits}, cast, types[1], named(1)));
}

// Inputs: ids [n], the place of each in a sparse matrix [n, r], that matrix' shape [r], a weight of each, the
// table. Rows of the table are added, weighted, along the matrix' last axis.
void ConvertEmbeddingLookupSparse(TfliteContext& context) {
  enum : int8_t { kSum = 0, kMean = 1, kRootMean = 2 };
  Emitter emit(context);
  const int8_t combiner = context.RequiredOptions<file::SparseLookupOptions>().combiner();
  if (combiner < kSum || combiner > kRootMean) context.Refuse("combiner " + std::to_string(combiner));
  const ValueId table = context.Input(4);
  if (context.DTypeOf(table) != DType::kF32) context.Refuse("a table that is not float32");
  const int rank = context.ShapeOf(table).rank;
  RequireKnownRank(context, table, 1, "the table");
  IntList row = {-1};
  for (int d = 1; d < rank; ++d) row.Push(1);
  const ValueId weights = emit.Reshape(context.Input(3), row);
  const ValueId all_but_last = emit.Ints({-1});
  const ValueId places = emit(
      OpId::kSlice, {emit.Cast(context.Input(1), DType::kI64), emit.Ints({0}), all_but_last, emit.Ints({1})});
  const ValueId outer =
      emit(OpId::kSlice, {emit.Cast(context.Input(2), DType::kI64), emit.Ints({0}), all_but_last});
  ops::ScatterNdAttributes add;
  add.reduction = ops::ScatterReduction::kAdd;
  const auto summed = [&](ValueId rows, ValueId inner) {
    return emit(OpId::kScatterNd, {emit.Filled(emit.Concat({outer, inner}), DType::kF32, 0), places, rows},
                add);
  };
  const ValueId gathered = emit(OpId::kGather, {table, context.Input(0)}, ops::GatherAttributes{});
  const ValueId sums = summed(emit(OpId::kMul, {gathered, weights}), emit.DimsFrom(table, 1));
  if (combiner == kSum) return context.EmitOutput(OpId::kIdentity, {sums}, NoAttributes{});
  const ValueId parts = combiner == kMean ? weights : emit(OpId::kMul, {weights, weights});
  IntList ones;
  for (int d = 1; d < rank; ++d) ones.Push(1);
  const ValueId total = summed(parts, context.AddInts({ones.values, static_cast<size_t>(ones.count)}));
  const ValueId divisor = combiner == kMean ? total : emit(OpId::kSqrt, {total});
  const ValueId zero = emit.Filled(context.AddInts({}), DType::kF32, 0);
  const ValueId one = emit.Filled(context.AddInts({}), DType::kF32, 1);
  // A place without ids stays zero.
  const ValueId safe = emit(OpId::kWhere, {emit(OpId::kEqual, {divisor, zero}), one, divisor});
  context.EmitOutput(OpId::kDiv, {sums, safe}, NoAttributes{});
}

}  // namespace mace::importers::tflite
