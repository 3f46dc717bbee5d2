// A reader for the JSON texts that libmace writes (docs/explain.md), enough for RunMetadata. It takes any
// text: what is no JSON is refused. Not part of the original's names.
#ifndef MACE_PUBLIC_MACE_JSON_H_
#define MACE_PUBLIC_MACE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mace {
inline namespace original_0 {
namespace json {

// Numbers are whole: a fraction or an exponent is read and dropped. Looking for what is not there gives
// Null(), so that chains of look-ups need no tests.
struct Value {
  enum class Kind { kNull, kBoolean, kNumber, kText, kArray, kObject };
  Kind kind = Kind::kNull;
  int64_t number = 0;  // of a boolean 0 or 1
  std::string text;
  std::vector<std::string> keys;  // of an object, in the order of `items`
  std::vector<Value> items;

  static const Value& Null() {
    static const Value null;
    return null;
  }
  const Value& operator[](std::string_view key) const {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == key) return items[i];
    }
    return Null();
  }
  const Value& operator[](size_t i) const { return i < items.size() ? items[i] : Null(); }
  template <typename T>
  std::vector<T> Numbers() const {
    std::vector<T> numbers;
    for (const Value& item : items) numbers.push_back(static_cast<T>(item.number));
    return numbers;
  }
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // False where the text is no JSON; `value` is then worth nothing.
  bool Read(Value* value) {
    if (!ReadValue(value, 0)) return false;
    SkipSpace();
    return at_ == text_.size();
  }

 private:
  static constexpr int kMaxDepth = 32;

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\n' || Peek() == '\t' || Peek() == '\r') ++at_;
  }
  bool Accept(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool Word(std::string_view word, Value* value, Value::Kind kind, int64_t number) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    value->kind = kind;
    value->number = number;
    return true;
  }

  bool ReadValue(Value* value, int depth) {
    if (depth > kMaxDepth) return false;
    if (Accept('{')) return ReadItems(value, depth, true);
    if (Accept('[')) return ReadItems(value, depth, false);
    if (Accept('"')) {
      value->kind = Value::Kind::kText;
      return ReadText(&value->text);
    }
    return Word("null", value, Value::Kind::kNull, 0) || Word("true", value, Value::Kind::kBoolean, 1) ||
           Word("false", value, Value::Kind::kBoolean, 0) || ReadNumber(value);
  }

  bool ReadItems(Value* value, int depth, bool is_object) {
    const char end = is_object ? '}' : ']';
    value->kind = is_object ? Value::Kind::kObject : Value::Kind::kArray;
    if (Accept(end)) return true;
    do {
      if (is_object) {
        value->keys.emplace_back();
        if (!Accept('"') || !ReadText(&value->keys.back()) || !Accept(':')) return false;
      }
      value->items.emplace_back();
      if (!ReadValue(&value->items.back(), depth + 1)) return false;
    } while (Accept(','));
    return Accept(end);
  }

  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  bool SkipDigits() {
    const size_t begin = at_;
    while (IsDigit(Peek())) ++at_;
    return at_ > begin;
  }

  // A number too great for 64 bits becomes the greatest.
  bool ReadNumber(Value* value) {
    value->kind = Value::Kind::kNumber;
    const bool negative = Peek() == '-';
    if (negative) ++at_;
    if (!IsDigit(Peek())) return false;
    int64_t number = 0;
    for (; IsDigit(Peek()); ++at_) {
      const int64_t digit = Peek() - '0';
      number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : 10 * number + digit;
    }
    value->number = negative ? -number : number;
    if (Peek() == '.') {
      ++at_;
      if (!SkipDigits()) return false;
    }
    if (Peek() != 'e' && Peek() != 'E') return true;
    ++at_;
    if (Peek() == '+' || Peek() == '-') ++at_;
    return SkipDigits();
  }

  // Behind the opening quote. UTF-8 passes as it is.
  bool ReadText(std::string* text) {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        *text += c;
      } else if (!ReadEscape(text)) {
        return false;
      }
    }
    return false;
  }

  bool ReadEscape(std::string* text) {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_++];
    if (c == 'u') return ReadCodeUnit(text);
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    const size_t i = kFrom.find(c);
    if (i == std::string_view::npos) return false;
    *text += kTo[i];
    return true;
  }

  // libmace escapes control characters and U+FFFD so, never one beyond U+FFFF: a half of a pair is refused.
  bool ReadCodeUnit(std::string* text) {
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = Peek();
      const int digit = IsDigit(c)             ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      code = 16 * code + static_cast<uint32_t>(digit);
    }
    if (code >= 0xD800 && code <= 0xDFFF) return false;
    const auto continuation = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
      *text += static_cast<char>(code);
    } else if (code < 0x800) {
      *text += {static_cast<char>(0xC0 | code >> 6), continuation(0)};
    } else {
      *text += {static_cast<char>(0xE0 | code >> 12), continuation(6), continuation(0)};
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace json
}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_JSON_H_
