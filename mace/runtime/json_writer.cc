#include "mace/runtime/json_writer.h"

#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace mace {
namespace {

// The bytes of the UTF-8 sequence that begins at text[i], or 0 where there is none (names in files may hold
// any bytes; JSON text is UTF-8).
size_t SequenceLength(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return k < text.size() ? static_cast<uint8_t>(text[k]) : 0u; };
  const unsigned first = byte(i);
  size_t length = 0;
  uint32_t code = 0, least = 0;
  if (first < 0x80) return 1;
  if ((first & 0xE0) == 0xC0) {
    length = 2, code = first & 0x1F, least = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3, code = first & 0x0F, least = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4, code = first & 0x07, least = 0x10000;
  } else {
    return 0;
  }
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i + k) & 0x3F);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < least || code > 0x10FFFF || surrogate ? 0 : length;
}

}  // namespace

void JsonWriter::Append(std::string_view text) {
  if (!status_.ok()) return;
  status_ = text_->Append(text);
}

void JsonWriter::Separate() {
  if (needs_comma_) Append(",");
  needs_comma_ = false;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  Append({&bracket, 1});
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  Append({&bracket, 1});
  needs_comma_ = true;
  return *this;
}

void JsonWriter::AppendEscaped(std::string_view text) {
  Append("\"");
  for (size_t i = 0; i < text.size();) {
    size_t run = i;  // the longest part that needs no escape
    while (run < text.size()) {
      const char c = text[run];
      if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) break;
      const size_t length = SequenceLength(text, run);
      if (length == 0) break;
      run += length;
    }
    Append(text.substr(i, run - i));
    if (run >= text.size()) break;
    const char c = text[run];
    char escape[8];
    if (c == '"' || c == '\\') {
      std::snprintf(escape, sizeof(escape), "\\%c", c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
    } else {
      std::snprintf(escape, sizeof(escape), "\\ufffd");
    }
    Append(escape);
    i = run + 1;
  }
  Append("\"");
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendEscaped(key);
  Append(":");
  return *this;
}

JsonWriter& JsonWriter::Text(std::string_view value) {
  Separate();
  AppendEscaped(value);
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Integer(int64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "%" PRId64, value);
  Separate();
  Append(text);
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Unsigned(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "%" PRIu64, value);
  Separate();
  Append(text);
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Boolean(bool value) {
  Separate();
  Append(value ? "true" : "false");
  needs_comma_ = true;
  return *this;
}

// Three decimals, by integers: the decimal point of printf is the locale's.
JsonWriter& JsonWriter::Number(double value) {
  char text[48];
  const bool negative = value < 0;
  const auto thousandths = static_cast<uint64_t>(std::llround((negative ? -value : value) * 1000.0));
  std::snprintf(text, sizeof(text), "%s%" PRIu64 ".%03" PRIu64, negative ? "-" : "", thousandths / 1000,
                thousandths % 1000);
  Separate();
  Append(text);
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Float(float value) {
  char text[48] = "null";
  if (std::isfinite(value)) std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(value));
  char* end = text;  // what is no part of a number in JSON is the locale's decimal point, of one byte or more
  for (const char* c = text; *c != '\0'; ++c) {
    const bool is_point = std::isfinite(value) && std::strchr("+-0123456789e", *c) == nullptr;
    if (!is_point) {
      *end++ = *c;
    } else if (end == text || end[-1] != '.') {
      *end++ = '.';
    }
  }
  Separate();
  Append({text, static_cast<size_t>(end - text)});
  needs_comma_ = true;
  return *this;
}

}  // namespace mace
