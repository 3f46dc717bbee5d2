// TensorProto -> constant.
#include <algorithm>
#include <cstring>

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
    case DType::kI4:
    case DType::kU4:
    case DType::kI2:
    case DType::kU2:
      return CopyTyped<uint8_t>(tensor.int32s, count, name, data);
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

}  // namespace

ValueId OnnxContext::AddTensor(const Tensor& tensor, std::string_view name) {
  // A tensor in an attribute is called by its node: its own name is "value" or nothing.
  const std::string text = Text(!name.empty() ? name : !label_.empty() ? label_ : tensor.name);
  if (tensor.external) {
    throw ImportError(
        Unsupported("tensor '%s' keeps its data in another file (data_location EXTERNAL); "
                    "store the model in one file",
                    text.c_str()));
  }
  const DType dtype = DTypeOfOnnx(tensor.data_type);
  if (dtype == DType::kInvalid || tensor.has_strings) {
    throw ImportError(Unsupported("tensor '%s' has the ONNX element type %s, which MACE lacks", text.c_str(),
                                  OnnxTypeName(tensor.data_type).c_str()));
  }
  Shape shape;
  for (int64_t dim : tensor.dims) {
    if (dim < 0) throw ImportError(DataLoss("tensor '%s' has a negative dimension", text.c_str()));
    if (!shape.Push(dim)) {
      throw ImportError(
          Unsupported("tensor '%s' has rank %zu (at most %d)", text.c_str(), tensor.dims.size(), kMaxRank));
    }
  }
  const int64_t bytes = ByteCount(dtype, shape);
  if (bytes < 0) throw ImportError(DataLoss("tensor '%s' has impossible dimensions", text.c_str()));
  // The data is checked before anything of that size is allocated.
  const size_t typed = tensor.floats.size() + tensor.int32s.size() + tensor.int64s.size() +
                       tensor.doubles.size() + tensor.uint64s.size();
  const int64_t entries = IsSubByte(dtype) ? bytes : shape.ElementCount();
  CheckDataFields(tensor, text);
  if (tensor.raw.has_value()) {
    if (static_cast<int64_t>(tensor.raw->size()) != bytes) {
      throw ImportError(DataLoss("tensor '%s' has %zu bytes of data, its dimensions ask for %lld",
                                 text.c_str(), tensor.raw->size(), static_cast<long long>(bytes)));
    }
  } else if (static_cast<int64_t>(typed) != entries) {
    throw ImportError(DataLoss("tensor '%s' has %zu elements of data, its dimensions ask for %lld",
                               text.c_str(), typed, static_cast<long long>(entries)));
  }
  const ValueId value = Unwrap(graph_.AddUninitializedConstant(name, dtype, shape));
  const TensorView view = *graph_.ConstantOf(value);
  if (bytes > 0) {
    if (tensor.raw.has_value()) {
      std::memcpy(view.data, tensor.raw->data(), bytes);
    } else {
      FillTyped(tensor, dtype, entries, text, view.data);
    }
  }
  if (dtype == DType::kBool) {
    for (int64_t i = 0; i < bytes; ++i) {
      auto& element = static_cast<uint8_t*>(view.data)[i];
      element = element != 0;
    }
  }
  if (const char* what = passes::NonFiniteIn(view); what != nullptr) {
    Warn("constant '" + text + "' contains " + what);
  }
  return value;
}

}  // namespace mace::importers::onnx
