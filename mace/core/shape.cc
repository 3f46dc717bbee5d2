#include "mace/core/shape.h"

#include <cstdio>

namespace mace {

const char* FormatShape(const Shape& shape, char* text, int capacity) {
  if (!shape.HasRank()) {
    std::snprintf(text, capacity, "[...]");
    return text;
  }
  int used = std::snprintf(text, capacity, "[");
  for (int i = 0; i < shape.rank && used < capacity; ++i) {
    const char* separator = i == 0 ? "" : ", ";
    const int64_t dim = shape.dims[i];
    if (dim >= 0) {
      used += std::snprintf(text + used, capacity - used, "%s%lld", separator, static_cast<long long>(dim));
    } else if (dim == kUnknownDim) {
      used += std::snprintf(text + used, capacity - used, "%s?", separator);
    } else {
      used += std::snprintf(text + used, capacity - used, "%ss%d", separator, SymbolOf(dim));
    }
  }
  if (used < capacity) std::snprintf(text + used, capacity - used, "]");
  return text;
}

}  // namespace mace
