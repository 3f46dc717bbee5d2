// String: a NUL-terminated byte string whose growth returns a Status. Move-only.
#ifndef MACE_CORE_STRING_H_
#define MACE_CORE_STRING_H_

#include <cstdarg>
#include <string_view>

#include "mace/core/vector.h"

namespace mace {

class String {
 public:
  String() = default;

  const char* c_str() const { return bytes_.empty() ? "" : bytes_.data(); }
  size_t size() const { return bytes_.empty() ? 0 : bytes_.size() - 1; }
  bool empty() const { return size() == 0; }
  std::string_view view() const { return {c_str(), size()}; }

  Status Assign(std::string_view text) {
    bytes_.Clear();
    return Append(text);
  }
  // `text` must not point into this string. On failure the string is unchanged.
  Status Append(std::string_view text) {
    const size_t old_size = size();
    MACE_RETURN_IF_ERROR(bytes_.Reserve(old_size + text.size() + 1));
    MACE_RETURN_IF_ERROR(bytes_.Resize(old_size + text.size() + 1));
    for (size_t i = 0; i < text.size(); ++i) bytes_[old_size + i] = text[i];
    bytes_[old_size + text.size()] = '\0';
    return Status::Ok();
  }
  // printf-style append without a length limit.
  Status AppendFormat(const char* format, ...) __attribute__((format(printf, 2, 3)));

  friend bool operator==(const String& a, std::string_view b) { return a.view() == b; }
  friend bool operator==(const String& a, const String& b) { return a.view() == b.view(); }

 private:
  Vector<char> bytes_;  // with the terminating NUL; empty for ""
};

}  // namespace mace

#endif  // MACE_CORE_STRING_H_
