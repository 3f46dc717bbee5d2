#include "mace/ops/common.h"

namespace mace::ops {

namespace {

constexpr int64_t kMaxWindowNumber = INT64_C(0x7fffffff);

Status CheckWindowNumber(const char* what, int64_t value, int64_t minimum) {
  if (value >= minimum && value <= kMaxWindowNumber) return Status::Ok();
  return InvalidArgument("%s is %lld, expected %lld to %lld", what, static_cast<long long>(value),
                         static_cast<long long>(minimum), static_cast<long long>(kMaxWindowNumber));
}

}  // namespace

Status MakeWindowAxis(int axis, int64_t kernel, const IntList& strides, const IntList& dilations,
                      const IntList& pads, Padding padding, bool ceil_mode, WindowAxis* window) {
  if (strides.size() != 2 || dilations.size() != 2 || pads.size() != 4) {
    return InvalidArgument("%d strides, %d dilations, %d pads; expected 2, 2 and 4", strides.size(),
                           dilations.size(), pads.size());
  }
  window->kernel = kernel;
  window->stride = strides[axis];
  window->dilation = dilations[axis];
  window->pad_begin = pads[axis];
  window->pad_end = pads[axis + 2];
  window->padding = padding;
  window->ceil_mode = ceil_mode;
  MACE_RETURN_IF_ERROR(CheckWindowNumber("kernel size", kernel, 1));
  MACE_RETURN_IF_ERROR(CheckWindowNumber("stride", window->stride, 1));
  MACE_RETURN_IF_ERROR(CheckWindowNumber("dilation", window->dilation, 1));
  MACE_RETURN_IF_ERROR(CheckWindowNumber("padding", window->pad_begin, 0));
  return CheckWindowNumber("padding", window->pad_end, 0);
}

Status ResolvePadding(const WindowAxis& window, int64_t input, int64_t* pad_begin, int64_t* pad_end) {
  if (window.padding == Padding::kExplicit) {
    *pad_begin = window.pad_begin;
    *pad_end = window.pad_end;
    return Status::Ok();
  }
  const int64_t output = input / window.stride + (input % window.stride != 0);
  // kernel and dilation are below 2^31, and (output - 1) * stride < input.
  const int64_t extent = (window.kernel - 1) * window.dilation + 1;
  int64_t needed = 0;
  if (output > 0 && !CheckedAdd((output - 1) * window.stride, extent, &needed)) {
    return InvalidArgument("the window does not fit into 63 bits");
  }
  const int64_t total = needed > input ? needed - input : 0;
  const int64_t smaller = total / 2;
  *pad_begin = window.padding == Padding::kSameUpper ? smaller : total - smaller;
  *pad_end = total - *pad_begin;
  return Status::Ok();
}

Status OutputSize(const WindowAxis& window, int64_t input, int64_t* output) {
  if (input < 0) {
    *output = window.padding != Padding::kExplicit && window.stride == 1 ? input : kUnknownDim;
    return Status::Ok();
  }
  if (window.padding != Padding::kExplicit) {
    *output = input / window.stride + (input % window.stride != 0);
    return Status::Ok();
  }
  int64_t padded = 0;
  if (!CheckedAdd(input, window.pad_begin + window.pad_end, &padded)) {
    return InvalidArgument("the padded input does not fit into 63 bits");
  }
  const int64_t extent = (window.kernel - 1) * window.dilation + 1;
  if (padded < extent) {
    if (input > 0 && window.ceil_mode && extent - padded < window.stride) {
      *output = 1;  // ceil of a small negative number is 0: the one window hangs over the end
      return Status::Ok();
    }
    if (input > 0) {
      return InvalidArgument("a window of %lld elements on an input of %lld with its padding",
                             static_cast<long long>(extent), static_cast<long long>(padded));
    }
    *output = 0;
    return Status::Ok();
  }
  const int64_t room = padded - extent;
  int64_t count = room / window.stride + 1;
  if (window.ceil_mode && room % window.stride != 0) {
    // A window that would begin in the padding behind the end is dropped.
    int64_t start = 0;
    if (CheckedMultiply(count, window.stride, &start) && start < input + window.pad_begin) ++count;
  }
  *output = count;
  return Status::Ok();
}

Status ExpectRank(const InferContext& context, int input, int rank) {
  const Shape& shape = context.input(input).shape;
  if (shape.rank == rank) return Status::Ok();
  return InvalidArgument("input %d has the shape %s, expected rank %d", input, ShapeText(shape).text, rank);
}

Status ExpectDType(const InferContext& context, int input, std::initializer_list<DType> allowed) {
  const DType dtype = context.input(input).dtype;
  char text[200] = "";
  size_t length = 0;
  for (DType one : allowed) {
    if (one == dtype) return Status::Ok();
    for (const char* c = NameOf(one); *c != '\0' && length + 4 < sizeof(text); ++c) text[length++] = *c;
    text[length++] = ' ';
    text[length] = '\0';
  }
  return Unsupported("input %d is %s, expected one of: %s", input, NameOf(dtype), text);
}

Status ExpectSameDType(const InferContext& context, int input, int other) {
  if (context.input(input).dtype == context.input(other).dtype) return Status::Ok();
  return InvalidArgument("input %d is %s and input %d is %s, expected equal types", input,
                         NameOf(context.input(input).dtype), other, NameOf(context.input(other).dtype));
}

Status ExpectWholeBytes(const InferContext& context, int input) {
  if (BytesOf(context.input(input).dtype) > 0) return Status::Ok();
  return Unsupported("input %d is %s: elements of less than a byte cannot be moved", input,
                     NameOf(context.input(input).dtype));
}

bool MergeDim(int64_t a, int64_t b, int64_t* merged) {
  if (a >= 0 && b >= 0 && a != b) return false;
  if (a >= 0 || b == kUnknownDim) {
    *merged = a;
  } else if (b >= 0 || a == kUnknownDim) {
    *merged = b;
  } else {
    *merged = a;
  }
  return true;
}

Status ResolveAxis(int64_t axis, int rank, int* resolved) {
  if (NormalizeAxis(axis, rank, resolved)) return Status::Ok();
  return InvalidArgument("axis %lld of a tensor of rank %d", static_cast<long long>(axis), rank);
}

Status AddDims(int64_t a, int64_t b, int64_t* sum) {
  if (a < 0 || b < 0) {
    *sum = kUnknownDim;
    return Status::Ok();
  }
  if (CheckedAdd(a, b, sum)) return Status::Ok();
  return InvalidArgument("a dimension does not fit into 63 bits");
}

Status MultiplyDims(int64_t a, int64_t b, int64_t* product) {
  if (a < 0 || b < 0) {
    *product = kUnknownDim;
    return Status::Ok();
  }
  if (CheckedMultiply(a, b, product)) return Status::Ok();
  return InvalidArgument("a dimension does not fit into 63 bits");
}

bool IsIntVector(const TensorView& view) {
  return (view.dtype == DType::kI64 || view.dtype == DType::kI32) && view.shape.rank <= 1 &&
         view.shape.IsConcrete();
}

}  // namespace mace::ops
