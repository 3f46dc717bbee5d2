#include "mace/ops/pooling/average_pool2d.h"

#include "mace/ops/pooling/pool_integer.h"
#include "mace/ops/pooling/pool_window.h"

namespace mace::ops {

namespace {

// Divides by the taps inside the input, or, with count_include_pad, inside the padded input. A window
// without any gives 0.
Status ReferenceAveragePool2d(const ReferenceContext& context) {
  if (context.inputs[0].dtype != DType::kF32) return ReferencePoolInteger(context, /*average=*/true);
  const auto& attributes = context.attributes<AveragePool2dAttributes>();
  const Shape& x = context.inputs[0].shape;
  return ForEachWindow<AveragePool2dAttributes>(context, [&](const float* image, const PoolSpan& rows,
                                                             const PoolSpan& columns, int64_t channel) {
    double sum = 0;
    for (int64_t kh = rows.begin; kh < rows.end; ++kh) {
      for (int64_t kw = columns.begin; kw < columns.end; ++kw) {
        const int64_t row = rows.start + kh * attributes.dilations[0];
        const int64_t column = columns.start + kw * attributes.dilations[1];
        sum += image[(row * x[2] + column) * x[3] + channel];
      }
    }
    const double taps =
        attributes.count_include_pad
            ? static_cast<double>(rows.padded_taps) * static_cast<double>(columns.padded_taps)
            : static_cast<double>(rows.end - rows.begin) * static_cast<double>(columns.end - columns.begin);
    return taps > 0 ? static_cast<float>(sum / taps) : 0.0f;
  });
}

Status InferAveragePool2d(InferContext& context) {
  MACE_RETURN_IF_ERROR(InferPool2d<AveragePool2dAttributes>(context));
  return context.input(0).dtype == DType::kF32 ? Status::Ok() : CheckAveragePoolInteger(context);
}

}  // namespace

constinit const OpDefinition kAveragePool2dDefinition = {
    .name = "AveragePool2d",
    .attributes = AttributeInfoOf<AveragePool2dAttributes>(),
    .infer = InferAveragePool2d,
    .reference = ReferenceAveragePool2d,
};

}  // namespace mace::ops
