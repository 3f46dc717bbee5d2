#include "mace/importers/clean_text.h"

#include <cstdint>

namespace mace::importers {

namespace {

// Of the UTF-8 character that begins the text, which is not empty; 0 where none does.
size_t LengthOfCharacter(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t length = lead < 0x80         ? 1
                        : (lead >> 5) == 6  ? 2
                        : (lead >> 4) == 14 ? 3
                        : (lead >> 3) == 30 ? 4
                                            : 0;
  if (text.size() < length) return 0;
  for (size_t k = 1; k < length; ++k) {
    if ((static_cast<uint8_t>(text[k]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Of ASCII, U+0080 to U+009F, and the two characters that end a line (U+2028) and a paragraph (U+2029).
bool IsControl(std::string_view character) {
  if (character.size() == 1) return static_cast<uint8_t>(character[0]) < 0x20 || character[0] == 0x7F;
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<uint8_t>(character[1]) < 0xA0;
  return character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
}

void AppendEscape(char byte, std::string* result) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto code = static_cast<uint8_t>(byte);
  if (byte == '\n') return void(*result += "\\n");
  if (byte == '\r') return void(*result += "\\r");
  if (byte == '\t') return void(*result += "\\t");
  *result += "\\x";
  *result += kDigits[code >> 4];
  *result += kDigits[code & 15];
}

}  // namespace

bool IsCleanUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = LengthOfCharacter(text);
    if (length == 0 || text[0] == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = LengthOfCharacter(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || IsControl(character)) {
      for (char byte : character) AppendEscape(byte, &result);
    } else {
      result += character;
    }
    text.remove_prefix(character.size());
  }
  return result;
}

}  // namespace mace::importers
