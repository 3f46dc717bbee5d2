// Small nodes that several converters put together: arithmetic on shapes, and values seen in another way.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_EMIT_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_EMIT_H_

#include <cstdint>
#include <span>

#include "mace/importers/tflite/tflite_context.h"

namespace mace::importers::tflite {

bool IsConstant(TfliteContext& context, ValueId value);
// i64 constants: a list, a scalar.
ValueId Ints(TfliteContext& context, std::initializer_list<int64_t> elements);
ValueId Int(TfliteContext& context, int64_t element);
// An i64 list of `count` times the same element.
ValueId Repeated(TfliteContext& context, int64_t element, int count);
// A constant of one element of `dtype`, a scalar.
ValueId Number(TfliteContext& context, double number, DType dtype);
// `value` as elements of another type; itself where it has that type. Integers of constants stay constant.
ValueId CastTo(TfliteContext& context, ValueId value, DType dtype);
ValueId AsInt64(TfliteContext& context, ValueId value);
// The same elements in the same order; dims as Reshape's attribute has them, or an i64 operand.
ValueId Reshaped(TfliteContext& context, ValueId value, const IntList& dims);
ValueId ReshapedTo(TfliteContext& context, ValueId value, ValueId dims);
ValueId AddedAxes(TfliteContext& context, ValueId value, const IntList& axes);
ValueId Permuted(TfliteContext& context, ValueId value, const IntList& perm);
// The dimensions of `value`, i64; one of them, [1].
ValueId DimsOf(TfliteContext& context, ValueId value);
ValueId DimOf(TfliteContext& context, ValueId value, int axis);
// One after the other along axis 0; elements of a list, [1] or more of them.
ValueId Joined(TfliteContext& context, std::span<const ValueId> lists);
ValueId Picked(TfliteContext& context, ValueId list, std::span<const int64_t> places);
// Integers and floats of one type, broadcast.
ValueId Plus(TfliteContext& context, ValueId a, ValueId b);
ValueId Minus(TfliteContext& context, ValueId a, ValueId b);
ValueId Times(TfliteContext& context, ValueId a, ValueId b);
ValueId Over(TfliteContext& context, ValueId a, ValueId b);  // integers: towards zero
ValueId Chosen(TfliteContext& context, ValueId condition, ValueId a, ValueId b);
// The rank of `value`; throws where it is not known.
int RankOf(TfliteContext& context, ValueId value);
// An axis operand of one element, counted from the front, as an i64 [1].
ValueId AxisFromFront(TfliteContext& context, ValueId axis, int rank);
// How many elements a list computed at run time has; throws where that is open.
int LengthOf(TfliteContext& context, ValueId list, const char* what);

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_EMIT_H_
