// TensorProto and SparseTensorProto -> constant.
#include <algorithm>
#include <cstring>

#include "mace/importers/onnx/float8.h"
#include "mace/importers/onnx/onnx_context.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

// Typed fields hold one entry an element (of 4 and 2 bits: a byte); the small types travel in int32_data.
template <typename To, typename From>
void CopyTyped(const std::vector<From>& from, int64_t count, const std::string& name, void* to) {
  if (static_cast<int64_t>(from.size()) != count) {
    // As many as there should be were found, in some other field.
    throw ImportError(
        DataLoss("tensor '%s' keeps its data in a field of another element type", name.c_str()));
  }
  To* target = static_cast<To*>(to);
  for (int64_t i = 0; i < count; ++i) target[i] = static_cast<To>(from[i]);
}

void FillTyped(const Tensor& tensor, DType dtype, int64_t count, const std::string& name, void* data) {
  switch (dtype) {
    case DType::kF32:
      return CopyTyped<float>(tensor.floats, count, name, data);
    case DType::kF64:
      return CopyTyped<double>(tensor.doubles, count, name, data);
    case DType::kI64:
      return CopyTyped<int64_t>(tensor.int64s, count, name, data);
    case DType::kU64:
      return CopyTyped<uint64_t>(tensor.uint64s, count, name, data);
    case DType::kU32:
      return CopyTyped<uint32_t>(tensor.uint64s, count, name, data);
    case DType::kI32:
      return CopyTyped<int32_t>(tensor.int32s, count, name, data);
    case DType::kI16:
      return CopyTyped<int16_t>(tensor.int32s, count, name, data);
    case DType::kU16:
    case DType::kF16:
    case DType::kBF16:
      return CopyTyped<uint16_t>(tensor.int32s, count, name, data);
    case DType::kI8:
      return CopyTyped<int8_t>(tensor.int32s, count, name, data);
    case DType::kU8:
    case DType::kBool:
      return CopyTyped<uint8_t>(tensor.int32s, count, name, data);
    case DType::kI4:
    case DType::kU4:
    case DType::kI2:
    case DType::kU2:  // an entry is a byte of several elements
      return CopyTyped<uint8_t>(tensor.int32s, ByteCount(dtype, Shape{count}), name, data);
    default:
      throw ImportError(Unsupported("tensor '%s' has element type %s", name.c_str(), NameOf(dtype)));
  }
}

void CheckDataFields(const Tensor& tensor, const std::string& name) {
  const struct {
    const char* field;
    bool filled;
  } fields[] = {{"raw_data", tensor.raw.has_value() && !tensor.raw->empty()},
                {"float_data", !tensor.floats.empty()},
                {"int32_data", !tensor.int32s.empty()},
                {"int64_data", !tensor.int64s.empty()},
                {"double_data", !tensor.doubles.empty()},
                {"uint64_data", !tensor.uint64s.empty()}};
  const char* first = nullptr;
  for (const auto& [field, filled] : fields) {
    if (!filled) continue;
    if (first != nullptr) {
      throw ImportError(
          DataLoss("tensor '%s' has data in two fields, %s and %s", name.c_str(), first, field));
    }
    first = field;
  }
}

Shape ShapeOf(const std::vector<int64_t>& dims, const std::string& name) {
  Shape shape;
  for (int64_t dim : dims) {
    if (dim < 0) throw ImportError(DataLoss("tensor '%s' has a negative dimension", name.c_str()));
    if (!shape.Push(dim)) {
      throw ImportError(
          Unsupported("tensor '%s' has rank %zu (at most %d)", name.c_str(), dims.size(), kMaxRank));
    }
  }
  return shape;
}

// The data in the file are checked before anything of that size is allocated.
void CheckSizes(const Tensor& tensor, DType dtype, const Shape& shape, int64_t bytes,
                const std::string& name) {
  CheckDataFields(tensor, name);
  const size_t typed = tensor.floats.size() + tensor.int32s.size() + tensor.int64s.size() +
                       tensor.doubles.size() + tensor.uint64s.size();
  const int64_t entries = IsSubByte(dtype) ? bytes : shape.ElementCount();
  if (tensor.raw.has_value()) {
    if (static_cast<int64_t>(tensor.raw->size()) != bytes) {
      throw ImportError(DataLoss("tensor '%s' has %zu bytes of data, its dimensions ask for %lld",
                                 name.c_str(), tensor.raw->size(), static_cast<long long>(bytes)));
    }
  } else if (static_cast<int64_t>(typed) != entries) {
    throw ImportError(DataLoss("tensor '%s' has %zu elements of data, its dimensions ask for %lld",
                               name.c_str(), typed, static_cast<long long>(entries)));
  }
}

// Bits that no element uses are 0, and a bool is 0 or 1.
void Normalize(const TensorView& view) {
  auto* elements = static_cast<uint8_t*>(view.data);
  const int64_t bytes = view.bytes();
  if (view.dtype == DType::kBool) {
    for (int64_t i = 0; i < bytes; ++i) elements[i] = elements[i] != 0;
  } else if (IsSubByte(view.dtype) && bytes > 0) {
    const int64_t unused = 8 * bytes - view.elements() * BitsOf(view.dtype);
    elements[bytes - 1] = static_cast<uint8_t>(elements[bytes - 1] & (0xFF >> unused));
  }
}

}  // namespace

ValueId OnnxContext::AddTensor(const Tensor& tensor, std::string_view name) {
  // A tensor in an attribute is called by its node: its own name is "value" or nothing.
  const std::string text = Text(!name.empty() ? name : !label_.empty() ? label_ : tensor.name);
  if (IsFloat8(tensor.data_type)) return AddFloat8(tensor, name, text);
  const DType dtype = DTypeOfOnnx(tensor.data_type);
  if (dtype == DType::kInvalid || tensor.has_strings) {
    throw ImportError(Unsupported("tensor '%s' has the ONNX element type %s, which MACE lacks", text.c_str(),
                                  OnnxTypeName(tensor.data_type).c_str()));
  }
  const Shape shape = ShapeOf(tensor.dims, text);
  const int64_t bytes = ByteCount(dtype, shape);
  if (bytes < 0) throw ImportError(DataLoss("tensor '%s' has impossible dimensions", text.c_str()));
  int64_t offset = 0;
  if (tensor.external) {
    offset = work_.external.Locate(tensor, text, bytes);
  } else {
    CheckSizes(tensor, dtype, shape, bytes, text);
  }
  const ValueId value = Unwrap(graph_.AddUninitializedConstant(name, dtype, shape));
  const TensorView view = *graph_.ConstantOf(value);
  if (bytes > 0) {
    if (tensor.external) {
      work_.external.Read(text, offset, bytes, view.data);
    } else if (tensor.raw.has_value()) {
      std::memcpy(view.data, tensor.raw->data(), bytes);
    } else {
      FillTyped(tensor, dtype, shape.ElementCount(), text, view.data);
    }
  }
  Normalize(view);
  if (const char* what = passes::NonFiniteIn(view); what != nullptr) {
    Warn("constant '" + text + "' contains " + what);
  }
  return value;
}

// Its bytes as a constant of uint8, which nobody reads, then their numbers.
ValueId OnnxContext::AddFloat8(const onnx::Tensor& tensor, std::string_view name, const std::string& text) {
  if (tensor.external) throw ImportError(Unsupported("8-bit floats of '%s' in another file", text.c_str()));
  onnx::Tensor bytes = tensor;
  constexpr int32_t kOnnxUint8 = 2;
  bytes.data_type = kOnnxUint8;
  const ValueId stored = AddTensor(bytes, "");
  const Shape shape = TypeOf(stored).shape;
  SpendCopy(shape.ElementCount() * static_cast<int64_t>(sizeof(float)));
  const ValueId value = Unwrap(graph_.AddUninitializedConstant(name, DType::kF32, shape));
  const uint8_t* from = graph_.ConstantOf(stored)->as<uint8_t>();
  auto* to = static_cast<float*>(graph_.ConstantOf(value)->data);
  for (int64_t i = 0; i < shape.ElementCount(); ++i) to[i] = Float8Value(from[i], tensor.data_type);
  AddRepair(text, OnnxTypeName(tensor.data_type) + ", which MACE lacks", "a constant of float32",
            &work_.report);
  float8_.emplace(value, tensor.data_type);
  work_.has_float8 = true;
  return value;
}

ValueId OnnxContext::AddSparse(const SparseTensor& sparse, std::string_view name) {
  const std::string text = Text(name.empty() ? label_ : name);
  const Shape shape = ShapeOf(sparse.dims, text);
  const DType dtype = DTypeOfOnnx(sparse.values.data_type);
  if (IsSubByte(dtype) || dtype == DType::kInvalid) {
    throw ImportError(Unsupported("sparse tensor '%s' of %s", text.c_str(), NameOf(dtype)));
  }
  // Constants that nobody reads: passes remove them.
  const TensorView values = *graph_.ConstantOf(AddTensor(sparse.values, ""));
  const TensorView indices = *graph_.ConstantOf(AddTensor(sparse.indices, ""));
  const int64_t count = values.elements();
  const bool is_flat = indices.shape.rank == 1;
  if (values.shape.rank != 1 || indices.dtype != DType::kI64 ||
      !(indices.shape == (is_flat ? Shape{count} : Shape{count, shape.rank}))) {
    throw ImportError(DataLoss("sparse tensor '%s' has values %s%s and indices %s%s", text.c_str(),
                               NameOf(values.dtype), ShapeText(values.shape).text, NameOf(indices.dtype),
                               ShapeText(indices.shape).text));
  }
  const int64_t bytes = ByteCount(dtype, shape);
  if (bytes < 0) throw ImportError(DataLoss("tensor '%s' has impossible dimensions", text.c_str()));
  SpendCopy(bytes);
  const ValueId value = Unwrap(graph_.AddUninitializedConstant(name, dtype, shape));
  const TensorView view = *graph_.ConstantOf(value);
  if (bytes > 0) std::memset(view.data, 0, bytes);
  for (int64_t i = 0; i < count; ++i) {
    int64_t element = is_flat ? indices.as<int64_t>()[i] : 0;
    bool is_inside = element >= 0 && element < view.elements();
    for (int axis = 0; !is_flat && axis < shape.rank; ++axis) {
      const int64_t index = indices.as<int64_t>()[i * shape.rank + axis];
      is_inside = is_inside && index >= 0 && index < shape[axis];
      if (is_inside) element = element * shape[axis] + index;
    }
    if (!is_inside) {
      throw ImportError(DataLoss("sparse tensor '%s' has an index outside of its dimensions", text.c_str()));
    }
    std::memcpy(static_cast<char*>(view.data) + element * BytesOf(dtype),
                static_cast<const char*>(values.data) + i * BytesOf(dtype), BytesOf(dtype));
  }
  return value;
}

}  // namespace mace::importers::onnx
