#include "mace/graph/graph.h"

#include <cstring>
#include <utility>

namespace mace {

Result<ValueId> Graph::AddValue(std::string_view name, const TensorType& type) {
  if (values.size() >= static_cast<size_t>(kMaxValues)) {
    return ResourceExhausted("the graph has more than %lld values", static_cast<long long>(kMaxValues));
  }
  Value value;
  MACE_RETURN_IF_ERROR(value.name.Assign(name));
  value.type = type;
  MACE_RETURN_IF_ERROR(values.PushBack(std::move(value)));
  return static_cast<ValueId>(values.size() - 1);
}

Result<ValueId> Graph::AddConstant(std::string_view name, const TensorView& data, bool copy) {
  if (copy) {
    MACE_ASSIGN_OR_RETURN(const ValueId id, AddUninitializedConstant(name, data.dtype, data.shape));
    const int64_t bytes = data.bytes();
    if (bytes > 0) std::memcpy(constants.back().view.data, data.data, static_cast<size_t>(bytes));
    return id;
  }
  if (data.bytes() < 0) {
    return InvalidArgument("constant '%.*s' has no valid type: %s%s", static_cast<int>(name.size()),
                           name.data(), NameOf(data.dtype), ShapeText(data.shape).text);
  }
  Constant constant;
  constant.view = data;
  MACE_RETURN_IF_ERROR(constants.PushBack(std::move(constant)));
  auto id = AddValue(name, TensorType{data.dtype, data.shape, kNone});
  if (!id.ok()) {
    constants.PopBack();
    return id;
  }
  values.back().constant = static_cast<int32_t>(constants.size() - 1);
  return id;
}

Result<ValueId> Graph::AddUninitializedConstant(std::string_view name, DType dtype, const Shape& shape) {
  Constant constant;
  constant.view.dtype = dtype;
  constant.view.shape = shape;
  const int64_t bytes = constant.view.bytes();
  if (bytes < 0) {
    return InvalidArgument("constant '%.*s' has no valid type: %s%s", static_cast<int>(name.size()),
                           name.data(), NameOf(dtype), ShapeText(shape).text);
  }
  MACE_ASSIGN_OR_RETURN(constant.owned, Buffer::Allocate(static_cast<size_t>(bytes)));
  constant.view.data = constant.owned.data();
  MACE_ASSIGN_OR_RETURN(const ValueId id, AddConstant(name, constant.view, /*copy=*/false));
  constants.back().owned = std::move(constant.owned);
  return id;
}

Result<int32_t> Graph::AddQuantization(std::span<const float> scales, std::span<const int32_t> zero_points,
                                       int32_t axis) {
  if (scales.empty() || scales.size() != zero_points.size()) {
    return InvalidArgument("a quantization has %zu scales and %zu zero points", scales.size(),
                           zero_points.size());
  }
  Quantization quantization;
  MACE_RETURN_IF_ERROR(quantization.scales.Assign(scales.data(), scales.size()));
  MACE_RETURN_IF_ERROR(quantization.zero_points.Assign(zero_points.data(), zero_points.size()));
  quantization.axis = axis;
  MACE_RETURN_IF_ERROR(quantizations.PushBack(std::move(quantization)));
  return static_cast<int32_t>(quantizations.size() - 1);
}

Result<int32_t> Graph::FindOrAddSymbol(std::string_view symbol_name) {
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].name == symbol_name) return static_cast<int32_t>(i);
  }
  Symbol symbol;
  MACE_RETURN_IF_ERROR(symbol.name.Assign(symbol_name));
  MACE_RETURN_IF_ERROR(symbols.PushBack(std::move(symbol)));
  return static_cast<int32_t>(symbols.size() - 1);
}

Status Graph::SetMetadata(std::string_view key, std::string_view value) {
  if (key.empty()) return InvalidArgument("metadata: a key is empty");
  if (key.find('\0') != key.npos || value.find('\0') != value.npos) {
    return InvalidArgument("metadata '%.*s': a zero byte is no text",
                           static_cast<int>(std::min<size_t>(key.size(), 120)), key.data());
  }
  for (MetadataEntry& entry : metadata) {
    if (entry.key == key) return entry.value.Assign(value);
  }
  if (metadata.size() >= kMaxMetadata) {
    return ResourceExhausted("metadata: more than %zu keys", kMaxMetadata);
  }
  MetadataEntry entry;
  MACE_RETURN_IF_ERROR(entry.key.Assign(key));
  MACE_RETURN_IF_ERROR(entry.value.Assign(value));
  return metadata.PushBack(std::move(entry));
}

}  // namespace mace
