#include "mace/core/string.h"

#include <cstdio>

namespace mace {

Status String::AppendFormat(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  if (length < 0) {
    va_end(again);
    return Internal("a format string could not be printed");
  }
  const size_t old_size = size();
  // On failure the old text stays as it was: Reserve moves it whole or not at all.
  Status status = bytes_.Reserve(old_size + length + 1);
  if (status.ok()) status = bytes_.Resize(old_size + length + 1);
  if (status.ok()) std::vsnprintf(bytes_.data() + old_size, length + 1, format, again);
  va_end(again);
  return status;
}

}  // namespace mace
