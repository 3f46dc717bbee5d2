#include "mace/ops/pooling/max_pool2d.h"

#include <cmath>

#include "mace/ops/pooling/pool_integer.h"
#include "mace/ops/pooling/pool_window.h"

namespace mace::ops {

namespace {

// A NaN in the window gives NaN; a window without any input gives -infinity.
Status ReferenceMaxPool2d(const ReferenceContext& context) {
  if (context.inputs[0].dtype != DType::kF32) return ReferencePoolInteger(context, /*average=*/false);
  const auto& attributes = context.attributes<MaxPool2dAttributes>();
  const Shape& x = context.inputs[0].shape;
  return ForEachWindow<MaxPool2dAttributes>(
      context, [&](const float* image, const PoolSpan& rows, const PoolSpan& columns, int64_t channel) {
        float best = -HUGE_VALF;
        for (int64_t kh = rows.begin; kh < rows.end; ++kh) {
          for (int64_t kw = columns.begin; kw < columns.end; ++kw) {
            const int64_t row = rows.start + kh * attributes.dilations[0];
            const int64_t column = columns.start + kw * attributes.dilations[1];
            const float value = image[(row * x[2] + column) * x[3] + channel];
            if (value > best || std::isnan(value)) best = value;
          }
        }
        return best;
      });
}

}  // namespace

constinit const OpDefinition kMaxPool2dDefinition = {
    .name = "MaxPool2d",
    .attributes = AttributeInfoOf<MaxPool2dAttributes>(),
    .infer = InferPool2d<MaxPool2dAttributes>,
    .reference = ReferenceMaxPool2d,
};

}  // namespace mace::ops
