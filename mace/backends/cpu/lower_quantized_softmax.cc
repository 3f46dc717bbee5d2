// Softmax of quantized integers: the exponentials of all distances are a table.
#include <cmath>

#include "mace/backends/cpu/lower_quantize.h"
#include "mace/ops/norm/norm.h"
#include "mace/ops/norm/softmax_half_even.h"
#include "mace/ops/norm/softmax_integer.h"

namespace mace::cpu {
namespace {

bool IsByte(DType dtype) { return dtype == DType::kI8 || dtype == DType::kU8; }
bool IsNarrow(DType dtype) { return IsByte(dtype) || dtype == DType::kI16 || dtype == DType::kU16; }

template <typename T>
Result<T*> NewTable(Lowering& lowering, int64_t count, Operand* operand) {
  const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
  MACE_ASSIGN_OR_RETURN(uint8_t* memory, lowering.builder().NewOwned(static_cast<size_t>(bytes)));
  *operand = {kNone, 0, memory, bytes};
  return reinterpret_cast<T*>(memory);
}

// The operands 2 and 3 of the kernel.
Status MakeTables(Lowering& lowering, const kernels::QuantizedSoftmaxParams& params, float scale, float beta,
                  Operand* exponentials, Operand* reciprocals) {
  const int64_t count = int64_t{1} << BitsOf(params.from);
  switch (params.arithmetic) {
    case kernels::SoftmaxArithmetic::kBytes: {
      MACE_ASSIGN_OR_RETURN(int32_t* table, NewTable<int32_t>(lowering, count, exponentials));
      ops::MakeByteExponentials(scale, beta, table);
      return Status::Ok();
    }
    case kernels::SoftmaxArithmetic::kWords: {
      MACE_ASSIGN_OR_RETURN(int16_t* table, NewTable<int16_t>(lowering, count, exponentials));
      MACE_ASSIGN_OR_RETURN(int16_t* inverses, NewTable<int16_t>(lowering, count, reciprocals));
      ops::MakeWordTables(scale, beta, table, inverses);
      return Status::Ok();
    }
    case kernels::SoftmaxArithmetic::kDouble: {
      MACE_ASSIGN_OR_RETURN(double* table, NewTable<double>(lowering, count, exponentials));
      const double unit = ops::HalfEvenSoftmaxUnit(scale, beta);
      for (int64_t i = 0; i < count; ++i) table[i] = std::exp(unit * static_cast<double>(-i));
      return Status::Ok();
    }
  }
  return Status::Ok();
}

}  // namespace

Status LowerQuantizedSoftmax(Lowering& lowering, const Cluster& cluster, int axis, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::SoftmaxAttributes>();
  const ValueId in = node.inputs[0], out = node.outputs[0];
  const Quantization* x = lowering.plan().graph->QuantizationOf(in);
  const Quantization* y = lowering.plan().graph->QuantizationOf(out);
  const Shape& shape = lowering.shape(in);
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::QuantizedSoftmaxParams>());
  params->from = lowering.type(in).dtype;
  params->to = lowering.type(out).dtype;
  params->outer = shape.Product(0, axis);
  params->axis = shape[axis];
  params->inner = shape.Product(axis + 1, shape.rank);
  const bool is_known = x != nullptr && y != nullptr && x->scales.size() == 1 && y->scales.size() == 1 &&
                        IsNarrow(params->from) && IsNarrow(params->to);
  if (!is_known || !(attributes.beta >= 0.0f)) {
    *refusal = "no fast kernel for these element types or a negative beta";
    return Status::Ok();
  }
  if (attributes.rounding == ops::Rounding::kHalfEvenFloat) {
    params->arithmetic = kernels::SoftmaxArithmetic::kDouble;
    params->output_scale = y->scales[0];
    params->output_zero = y->zero_points[0];
  } else {
    params->arithmetic =
        IsByte(params->from) ? kernels::SoftmaxArithmetic::kBytes : kernels::SoftmaxArithmetic::kWords;
    if (!ops::CheckIntegerSoftmax(params->from, params->to, *y).ok() || params->inner != 1) {
      *refusal = "the reference kernel refuses these types or scales";
      return Status::Ok();
    }
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareQuantizedSoftmax(params));
  Operand exponentials, reciprocals;
  MACE_RETURN_IF_ERROR(
      MakeTables(lowering, *params, x->scales[0], attributes.beta, &exponentials, &reciprocals));
  const auto& table = lowering.kernels();
  StepSpec spec;
  MACE_RETURN_IF_ERROR(
      lowering.SetKernel({"quantized_softmax", table.quantize->softmax, table.quantize_isa}, params, &spec));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, in));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, out));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(exponentials));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(reciprocals));
  return lowering.Emit(cluster, std::move(spec));
}

}  // namespace mace::cpu
