#include <cstring>

#include "mace/ops/pooling/pool_nd.h"

namespace mace::ops {

namespace {

// The shape that the window pools to x's.
Status UnpooledShape(const MaxUnpoolAttributes& attributes, const Shape& x, Shape* shape) {
  const int rank = attributes.kernel.size();
  NdWindow window;
  MACE_RETURN_IF_ERROR(MakeNdWindow(attributes.kernel.values, rank, attributes.strides, {}, attributes.pads,
                                    Padding::kExplicit, /*ceil_mode=*/false, &window));
  *shape = x;
  for (int i = 0; i < rank; ++i) {
    const WindowAxis& axis = window.axes[i];
    int64_t* size = &(*shape)[2 + i];
    if (x[2 + i] < 0) {
      *size = kUnknownDim;
      continue;
    }
    if (x[2 + i] == 0) continue;
    if (!CheckedMultiply(x[2 + i] - 1, axis.stride, size) || !CheckedAdd(*size, axis.kernel, size)) {
      return InvalidArgument("the output does not fit into 63 bits");
    }
    *size -= axis.pad_begin + axis.pad_end;
    if (*size < 0) return InvalidArgument("the padding is larger than the output");
  }
  return Status::Ok();
}

Status InferMaxUnpool(InferContext& context) {
  const auto& attributes = context.attributes<MaxUnpoolAttributes>();
  const Shape& x = context.input(0).shape;
  MACE_RETURN_IF_ERROR(ExpectWholeBytes(context, 0));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, attributes.kernel.size() + 2));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, x.rank));
  for (int i = 0; i < x.rank; ++i) {
    int64_t merged = 0;
    if (!MergeDim(x[i], context.input(1).shape[i], &merged)) {
      return InvalidArgument("x %s and indices %s", ShapeText(x).text,
                             ShapeText(context.input(1).shape).text);
    }
  }
  Shape shape;
  MACE_RETURN_IF_ERROR(UnpooledShape(attributes, x, &shape));
  if (context.has_input(2)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 2, {DType::kI64}));
    IntList sizes;
    const bool known = context.KnownInts(2, &sizes);
    if (known && sizes.size() != x.rank) {
      return InvalidArgument("%d output sizes for x %s", sizes.size(), ShapeText(x).text);
    }
    for (int i = 0; i < x.rank; ++i) {
      if (known && sizes[i] < 0) {
        return InvalidArgument("the output size %lld", static_cast<long long>(sizes[i]));
      }
      shape[i] = known ? sizes[i] : kUnknownDim;
    }
  }
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

Status ReferenceMaxUnpool(const ReferenceContext& context) {
  const TensorView& x = context.inputs[0];
  const TensorView& output = context.outputs[0];
  if (output.elements() == 0) return Status::Ok();
  std::memset(output.data, 0, static_cast<size_t>(output.bytes()));
  Shape unpooled;
  MACE_RETURN_IF_ERROR(UnpooledShape(context.attributes<MaxUnpoolAttributes>(), x.shape, &unpooled));
  const int64_t elements = unpooled.ElementCount();
  const auto size = static_cast<size_t>(BytesOf(x.dtype));
  for (int64_t i = 0; i < x.elements(); ++i) {
    int64_t index = context.inputs[1].as<int64_t>()[i];
    if (index < 0 || index >= elements) {
      return InvalidArgument("index %lld into %s", static_cast<long long>(index), ShapeText(unpooled).text);
    }
    int64_t place = 0, step = 1;
    bool inside = true;
    for (int axis = unpooled.rank - 1; axis >= 0; --axis) {
      const int64_t at = index % unpooled[axis];
      index /= unpooled[axis];
      inside = inside && at < output.shape[axis];
      if (inside) place += at * step;
      step *= output.shape[axis];
    }
    if (inside) {
      std::memcpy(static_cast<uint8_t*>(output.data) + static_cast<size_t>(place) * size,
                  x.as<uint8_t>() + static_cast<size_t>(i) * size, size);
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kMaxUnpoolDefinition = {
    .name = "MaxUnpool",
    .min_inputs = 2,
    .max_inputs = 3,
    .flags = kOpNarrowFloats,
    .content_inputs = ContentInputs({2}),
    .attributes = AttributeInfoOf<MaxUnpoolAttributes>(),
    .infer = InferMaxUnpool,
    .reference = ReferenceMaxUnpool,
};

}  // namespace mace::ops
