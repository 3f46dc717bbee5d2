#include "mace/ops/vision/grid_sample.h"

namespace mace::ops {

namespace {

Status InferAffineGrid(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 3));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  const Shape& theta = context.input(0).shape;
  const int64_t entries = context.input(1).shape[0];
  if (theta[1] < 0 && theta[2] < 0 && entries < 0) {  // nothing tells the number of axes yet
    context.SetOutput(0, context.input(0).dtype, Shape::OfUnknownRank());
    return Status::Ok();
  }
  const int64_t axes = theta[1] >= 0 ? theta[1] : theta[2] >= 0 ? theta[2] - 1 : entries - 2;
  if ((axes != 2 && axes != 3) || (theta[2] >= 0 && theta[2] != axes + 1) ||
      (entries >= 0 && entries != axes + 2)) {
    return InvalidArgument("theta %s and sizes of shape %s, expected [N, 2, 3] and [4] or [N, 3, 4] and [5]",
                           ShapeText(theta).text, ShapeText(context.input(1).shape).text);
  }
  IntList sizes;
  const bool known = context.KnownInts(1, &sizes);
  if (known && sizes.size() != axes + 2) return InvalidArgument("%d sizes", sizes.size());
  Shape shape = {theta[0]};
  for (int i = 0; i < static_cast<int>(axes); ++i) {
    if (known && (sizes[2 + i] < 0 || sizes[2 + i] > INT32_MAX)) {
      return InvalidArgument("the size %lld", static_cast<long long>(sizes[2 + i]));
    }
    shape.Push(known ? sizes[2 + i] : kUnknownDim);
  }
  if (known && !MergeDim(theta[0], sizes[0], &shape[0])) {
    return InvalidArgument("theta %s for a batch of %lld", ShapeText(theta).text,
                           static_cast<long long>(sizes[0]));
  }
  shape.Push(axes);
  context.SetOutput(0, context.input(0).dtype, shape);
  return Status::Ok();
}

// Where element `index` of `size` lies between -1 and 1. The only element of an axis lies in the middle.
double Coordinate(int64_t index, int64_t size, bool align_corners) {
  const auto n = static_cast<double>(size);
  if (align_corners) return size == 1 ? 0 : 2 * static_cast<double>(index) / (n - 1) - 1;
  return (2 * static_cast<double>(index) + 1) / n - 1;
}

template <typename T>
void FillGrid(const ReferenceContext& context) {
  const bool align_corners = context.attributes<AffineGridAttributes>().align_corners;
  const Shape& output = context.outputs[0].shape;
  const int axes = output.rank - 2;
  T* y = context.outputs[0].template as<T>();
  for (int64_t batch = 0; batch < output[0]; ++batch) {
    const T* theta = context.inputs[0].template as<T>() + batch * axes * (axes + 1);
    int64_t at[kMaxSpatialAxes] = {};
    do {
      for (int row = 0; row < axes; ++row) {
        double sum = theta[row * (axes + 1) + axes];
        for (int i = 0; i < axes; ++i) {  // the last spatial axis comes first
          const int axis = axes - 1 - i;
          sum += theta[row * (axes + 1) + i] * Coordinate(at[axis], output[1 + axis], align_corners);
        }
        *y++ = static_cast<T>(sum);
      }
    } while (NextPosition(axes, output.dims + 1, at));
  }
}

Status ReferenceAffineGrid(const ReferenceContext& context) {
  if (context.outputs[0].elements() == 0) return Status::Ok();
  return DispatchDType<float, double>(context.inputs[0].dtype, [&](auto zero) {
    FillGrid<decltype(zero)>(context);
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kAffineGridDefinition = {
    .name = "AffineGrid",
    .min_inputs = 2,
    .max_inputs = 2,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<AffineGridAttributes>(),
    .infer = InferAffineGrid,
    .reference = ReferenceAffineGrid,
};

}  // namespace mace::ops
