#include "mace/ops/common.h"
#include "mace/ops/shape/copy_elements.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::ops {

namespace {

// What is left of x and of the target once the dimensions copied from x (0) are taken off both: products of
// the constants, and the open (symbolic or unknown) dimensions of x, of which only one can be resolved.
struct Remainder {
  int64_t x_product = 1;
  int64_t target_product = 1;
  int open_count = 0;
  int64_t open_dim = kUnknownDim;
};

Status Accumulate(int64_t dim, int64_t* product) {
  if (CheckedMultiply(*product, dim, product)) return Status::Ok();
  return InvalidArgument("the element count does not fit into 63 bits");
}

// The dimension that -1 stands for.
Status InferredDim(const Shape& x, const Remainder& remainder, int64_t* dim) {
  *dim = kUnknownDim;
  if (remainder.target_product == 0) {
    return InvalidArgument("-1 cannot be inferred beside a dimension of size 0");
  }
  if (remainder.open_count == 0) {
    if (remainder.x_product % remainder.target_product != 0) {
      return InvalidArgument("%s does not divide into rows of %lld elements", ShapeText(x).text,
                             static_cast<long long>(remainder.target_product));
    }
    *dim = remainder.x_product / remainder.target_product;
  } else if (remainder.open_count == 1 && remainder.x_product == remainder.target_product) {
    *dim = remainder.open_dim;  // a symbol passes through
  }
  return Status::Ok();
}

Status ResolveShape(const Shape& x, const IntList& target, bool allow_zero, Shape* result) {
  Remainder remainder;
  bool copied[kMaxRank] = {};
  int inferred = kNone;
  result->rank = target.size();
  for (int i = 0; i < target.size(); ++i) {
    (*result)[i] = target[i];
    if (target[i] == -1) {
      if (inferred != kNone) return InvalidArgument("the new shape has more than one -1");
      inferred = i;
    } else if (target[i] == 0 && !allow_zero) {
      if (i >= x.rank) {
        return InvalidArgument("the new shape copies dimension %d of %s", i, ShapeText(x).text);
      }
      (*result)[i] = x[i];
      copied[i] = true;
    } else if (target[i] < 0) {
      return InvalidArgument("the new shape has the dimension %lld", static_cast<long long>(target[i]));
    } else {
      MACE_RETURN_IF_ERROR(Accumulate(target[i], &remainder.target_product));
    }
  }
  for (int i = 0; i < x.rank; ++i) {
    if (copied[i]) continue;
    if (x[i] >= 0) {
      MACE_RETURN_IF_ERROR(Accumulate(x[i], &remainder.x_product));
    } else {
      ++remainder.open_count;
      remainder.open_dim = x[i];
    }
  }
  if (inferred != kNone) return InferredDim(x, remainder, &(*result)[inferred]);
  if (remainder.open_count > 0) return Status::Ok();
  // A copied dimension of size 0 makes both sides empty.
  bool empty = false;
  for (int i = 0; i < x.rank; ++i) empty = empty || (copied[i] && x[i] == 0);
  if (!empty && remainder.x_product != remainder.target_product) {
    return InvalidArgument("%s cannot become %s: another number of elements", ShapeText(x).text,
                           ShapeText(*result).text);
  }
  return Status::Ok();
}

Status InferReshape(InferContext& context) {
  const auto& attributes = context.attributes<ReshapeAttributes>();
  const TensorType& x = context.input(0);
  Shape shape;
  IntList target = attributes.shape;
  if (context.has_input(1)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, 1, {DType::kI64, DType::kI32}));
    MACE_RETURN_IF_ERROR(ExpectRank(context, 1, 1));
    const int64_t rank = context.input(1).shape[0];
    if (rank > kMaxRank) {
      return Unsupported("the new shape has %lld dimensions, at most %d are possible",
                         static_cast<long long>(rank), kMaxRank);
    }
    if (!context.KnownInts(1, &target)) {
      context.SetOutput(0, x.dtype, OpenShape(rank));
      return Status::Ok();
    }
  }
  MACE_RETURN_IF_ERROR(ResolveShape(x.shape, target, attributes.allow_zero, &shape));
  context.SetOutput(0, x.dtype, shape);
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kReshapeDefinition = {
    .name = "Reshape",
    .max_inputs = 2,
    .flags = kOpView | kOpCheap | kOpNarrowFloats,
    .content_inputs = ContentInputs({1}),
    .attributes = AttributeInfoOf<ReshapeAttributes>(),
    .infer = InferReshape,
    .reference = CopyElements,
};

}  // namespace mace::ops
