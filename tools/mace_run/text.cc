#include "text.h"

#include <cstdint>

namespace mace_run {

std::string Printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t code = static_cast<uint8_t>(text[i]);
    const uint8_t next = i + 1 < text.size() ? static_cast<uint8_t>(text[i + 1]) : 0;
    const bool is_long = code == 0xC2 && next >= 0x80 && next < 0xA0;  // U+0080 to U+009F
    if (!is_long && code >= 0x20 && code != 0x7F) {
      result += text[i];
      continue;
    }
    if (is_long) {
      code = next;
      ++i;
    }
    if (code == '\n') {
      result += "\\n";
    } else if (code == '\r') {
      result += "\\r";
    } else if (code == '\t') {
      result += "\\t";
    } else {
      result += "\\x";
      result += kDigits[code >> 4];
      result += kDigits[code & 15];
    }
  }
  return result;
}

}  // namespace mace_run
