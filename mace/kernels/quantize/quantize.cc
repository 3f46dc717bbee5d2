#include "mace/kernels/quantize/quantize.h"

#include <cmath>

#include "mace/kernels/sizes.h"

namespace mace::kernels {
namespace {

bool IsQuantizedType(DType type) {
  return type == DType::kI8 || type == DType::kU8 || type == DType::kI16 || type == DType::kU16 ||
         type == DType::kI32;
}

// The larger input scale is brought to one half exactly, the other below it, and the sum is scaled down.
bool IsSumOfBytes(const QuantizedBinaryParams& p) {
  if (p.arithmetic != QuantizedArithmetic::kFixedPoint ||
      (p.op != BinaryOp::kAdd && p.op != BinaryOp::kSub) ||
      (p.output_type != DType::kI8 && p.output_type != DType::kU8) || p.left_shift != 20) {
    return false;
  }
  for (const FixedScale& scale : p.input_scales) {
    if (!IsOneHalf(scale) && (scale.exponent >= 0 || scale.exponent < -19 || scale.multiplier < 0))
      return false;
  }
  return p.output_scale.exponent < 0 && p.output_scale.multiplier >= 0;
}

bool IsPowerOfTwo(float x) {
  int exponent = 0;
  return std::frexp(x, &exponent) == 0.5f;
}

bool IsFloatOfBytes(QuantizedBinaryParams* p) {
  if (p->arithmetic != QuantizedArithmetic::kFloat || p->op == BinaryOp::kDiv) return false;
  const DType type = p->output_type;
  if ((type != DType::kI8 && type != DType::kU8) || p->input_types[0] != type || p->input_types[1] != type) {
    return false;
  }
  const int32_t least = type == DType::kI8 ? -128 : 0;
  for (int32_t zero : p->input_zeros) {
    if (zero < least || zero > least + 255) return false;
  }
  const float reals[] = {p->input_reals[0], p->input_reals[1], p->output_real};
  bool is_exact = true;
  for (float real : reals) {
    if (!(real >= 0x1p-40f && real <= 0x1p40f)) return false;
    is_exact = is_exact && IsPowerOfTwo(real);
  }
  // The largest magnitude in units of the output. The definition (see QuantizedRow) rounds four times, the
  // fused form at most six times, its constants included, each time by 2^-24 of it or less.
  const double a = 255.0 * reals[0], b = 255.0 * reals[1];
  const double most = (p->op == BinaryOp::kMul ? a * b : a + b) / reals[2];
  const double error = is_exact && most <= 0x1p14 ? 0 : 0x1p-20 * most;
  p->decided = static_cast<float>(0.5 - error);
  return error < 1.0 / 64;
}

}  // namespace

Status PrepareQuantize(QuantizeParams* p) {
  if (!IsQuantizedType(p->type)) return Internal("quantization of %s", NameOf(p->type));
  if (!SizesFit(p->outer, p->channels, p->inner) || !SizesFit(p->outer * p->channels * p->inner, 4)) {
    return Internal("quantization: sizes out of range");
  }
  p->scale_per_column = p->inner == 1 && p->channels > 1;
  p->tiles = p->channels == 1      ? CutRows(1, p->outer * p->inner)
             : p->scale_per_column ? CutRows(p->outer, p->channels)
                                   : CutRows(p->outer * p->channels, p->inner);
  p->tile_count = p->tiles.tile_count;
  return Status::Ok();
}

Status PrepareRequantize(RequantizeParams* p) {
  if (!IsQuantizedType(p->from) || !IsQuantizedType(p->to)) {
    return Internal("requantization of %s to %s", NameOf(p->from), NameOf(p->to));
  }
  if (p->count < 0) return Internal("requantization of a negative size");
  if (p->exponent < -31 || p->exponent > 30) return Internal("requantization: the scale is out of range");
  if (p->rounding == IntegerRounding::kHalfEvenFloat && p->from == DType::kI32 && p->input_zero != 0) {
    return Unsupported("requantization in float of int32 with a zero point");
  }
  p->tiles = CutRows(1, p->count);
  p->tile_count = p->tiles.tile_count;
  return Status::Ok();
}

Status PrepareTable(TableParams* p) {
  if ((p->input_bytes != 1 && p->input_bytes != 2) ||
      (p->output_bytes != 1 && p->output_bytes != 2 && p->output_bytes != 4)) {
    return Internal("a table of %d to %d bytes", static_cast<int>(p->input_bytes),
                    static_cast<int>(p->output_bytes));
  }
  if (!SizesFit(p->rows, p->columns)) return Internal("a table's input: sizes out of range");
  if (p->rows > 1 && (p->input_stride < p->columns || p->output_stride < p->columns)) {
    return Internal("a table's rows overlap");
  }
  const bool is_dense = p->input_stride == p->columns && p->output_stride == p->columns;
  p->tiles = is_dense ? CutRows(1, p->rows * p->columns) : CutRows(p->rows, p->columns);
  p->tile_count = p->tiles.tile_count;
  return Status::Ok();
}

Status PrepareQuantizedBinary(QuantizedBinaryParams* p) {
  const bool in_floats = p->arithmetic == QuantizedArithmetic::kFloat;
  const bool is_sum = p->op == BinaryOp::kAdd || p->op == BinaryOp::kSub;
  const bool is_other = p->op == BinaryOp::kDiv || p->op == BinaryOp::kMax || p->op == BinaryOp::kMin;
  const bool is_product = p->op == BinaryOp::kMul;
  const bool is_extreme = p->op == BinaryOp::kMax || p->op == BinaryOp::kMin;
  const bool is_shifted = p->arithmetic == QuantizedArithmetic::kShifted;
  if (!is_sum && !(is_product && !is_shifted) && !(is_other && in_floats) && !(is_extreme && is_shifted)) {
    return Internal("no quantized binary operator");
  }
  for (DType type : {p->input_types[0], p->input_types[1], p->output_type}) {
    if (!IsQuantizedType(type) || type == DType::kI32 ||
        (!in_floats && (type == DType::kU16 || type != p->output_type))) {
      return Internal("quantized arithmetic of %s", NameOf(type));
    }
  }
  for (const FixedScale& scale : {p->input_scales[0], p->input_scales[1], p->output_scale}) {
    if (scale.exponent < -31 || scale.exponent > 31) {
      return Internal("quantized arithmetic: a scale is out of range");
    }
  }
  const Shape operands[] = {p->a, p->b};
  p->is_sum_of_bytes = IsSumOfBytes(*p);
  p->is_float_of_bytes = IsFloatOfBytes(p);
  MACE_RETURN_IF_ERROR(PrepareBroadcast(operands, &p->broadcast, &p->output));
  p->tile_count = p->broadcast.tiles.tile_count;
  return Status::Ok();
}

Status PreparePairTable(PairTableParams* p) {
  const Shape operands[] = {p->a, p->b};
  MACE_RETURN_IF_ERROR(PrepareBroadcast(operands, &p->broadcast, &p->output));
  p->tile_count = p->broadcast.tiles.tile_count;
  return Status::Ok();
}

}  // namespace mace::kernels
