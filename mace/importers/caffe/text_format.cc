#include "mace/importers/caffe/text_format.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "mace/importers/import_error.h"

namespace mace::importers::caffe {
namespace {

[[noreturn]] void Fail(int line, const std::string& what) {
  throw ImportError(StatusCode::kDataLoss, "line " + std::to_string(line) + ": " + what);
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }
bool IsWordStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Of names and numbers alike: "1e-5" is taken apart where it is read.
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c) || c == '.'; }

std::string Shown(std::string_view text) {
  constexpr size_t kMaxShown = 60;
  std::string shown = "'";
  for (char c : text.substr(0, kMaxShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown + "'";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  TextMessage Parse() {
    if (text_.size() > kMaxTextBytes) Fail(1, "the text is too long");
    if (text_.starts_with("\xef\xbb\xbf")) position_ = 3;
    TextMessage message(1);
    ParseFields('\0', 0, &message);
    return message;
  }

 private:
  char At() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool AtEnd() const { return position_ >= text_.size(); }
  void Skip() {
    while (!AtEnd()) {
      const char c = At();
      if (c == '#') {
        while (!AtEnd() && At() != '\n') ++position_;
      } else if (IsBlank(c)) {
        if (c == '\n') ++line_;
        ++position_;
      } else {
        return;
      }
    }
  }
  bool Accept(char c) {
    Skip();
    if (AtEnd() || At() != c) return false;
    ++position_;
    return true;
  }
  std::string Here() const {
    return AtEnd() ? std::string("the end of the file") : Shown(text_.substr(position_, 1));
  }

  std::string_view ReadName() {
    Skip();
    const size_t begin = position_;
    if (AtEnd() || !IsWordStart(At())) Fail(line_, "expected the name of a field, got " + Here());
    while (!AtEnd() && (IsWordStart(At()) || IsDigit(At()))) ++position_;
    return text_.substr(begin, position_ - begin);
  }

  // Up to `close` ('\0': the end of the file), which is consumed.
  void ParseFields(char close, int depth, TextMessage* message) {
    if (depth > kMaxTextDepth) Fail(line_, "messages are nested too deep");
    while (true) {
      Skip();
      if (AtEnd()) {
        if (close == '\0') return;
        Fail(line_, std::string("the file ends inside a message that began on line ") +
                        std::to_string(message->line()));
      }
      if (close != '\0' && Accept(close)) return;
      const std::string name(ReadName());
      const bool has_colon = Accept(':');
      if (Accept('[')) {
        ParseList(name, depth, message);
      } else {
        ParseValue(name, has_colon, depth, message);
      }
      if (!Accept(',')) Accept(';');
    }
  }

  void ParseList(const std::string& name, int depth, TextMessage* message) {
    if (Accept(']')) return;
    while (true) {
      ParseValue(name, true, depth, message);
      if (Accept(']')) return;
      if (!Accept(',')) Fail(line_, "expected ',' or ']' in a list, got " + Here());
    }
  }

  void ParseValue(const std::string& name, bool has_colon, int depth, TextMessage* message) {
    if (++fields_ > kMaxTextFields) Fail(line_, "the text has too many fields");
    Skip();
    TextField field;
    field.name = name;
    field.line = line_;
    if (At() == '{' || At() == '<') {
      const char close = At() == '{' ? '}' : '>';
      ++position_;
      field.message = std::make_unique<TextMessage>(line_);
      ParseFields(close, depth + 1, field.message.get());
    } else if (!has_colon) {
      Fail(line_, "expected ':' or '{' behind " + Shown(name) + ", got " + Here());
    } else if (At() == '"' || At() == '\'') {
      field.is_string = true;
      do {  // strings that follow one another are one
        ParseString(&field.value);
        Skip();
      } while (At() == '"' || At() == '\'');
    } else {
      field.value = ReadScalar();
    }
    message->fields().push_back(std::move(field));
  }

  std::string ReadScalar() {
    std::string value;
    if (At() == '-' || At() == '+') {
      value = At();
      ++position_;
      Skip();
    }
    const size_t begin = position_;
    while (!AtEnd()) {
      const bool is_sign = (At() == '-' || At() == '+') && position_ > begin && IsDigit(text_[begin]) &&
                           (text_[position_ - 1] == 'e' || text_[position_ - 1] == 'E');
      const bool starts_with_point = At() == '.' && position_ == begin;
      if (!IsWordPart(At()) && !is_sign && !starts_with_point) break;
      ++position_;
    }
    if (position_ == begin) Fail(line_, "expected a value, got " + Here());
    return value.append(text_.substr(begin, position_ - begin));
  }

  int Digits(int base, int most) {
    int value = 0;
    for (int i = 0; i < most && !AtEnd(); ++i) {
      const char c = At();
      int digit = 99;
      if (IsDigit(c)) digit = c - '0';
      if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
      if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
      if (digit >= base) break;
      value = value * base + digit;
      ++position_;
    }
    return value;
  }

  void ParseEscape(std::string* value) {
    const char c = At();
    if (c >= '0' && c <= '7') {
      value->push_back(static_cast<char>(Digits(8, 3)));
      return;
    }
    ++position_;
    if (c == 'x' || c == 'X') {
      value->push_back(static_cast<char>(Digits(16, 2)));
      return;
    }
    constexpr std::string_view kLetters = "abfnrtv\\'\"?";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"?";
    const size_t index = kLetters.find(c);
    if (index == kLetters.npos) Fail(line_, "unknown escape in a string");
    value->push_back(kMeanings[index]);
  }

  void ParseString(std::string* value) {
    const char quote = At();
    ++position_;
    while (true) {
      if (AtEnd() || At() == '\n') Fail(line_, "a string does not end on its line");
      const char c = At();
      ++position_;
      if (c == quote) return;
      if (c != '\\') {
        value->push_back(c);
      } else if (AtEnd()) {
        Fail(line_, "a string does not end");
      } else {
        ParseEscape(value);
      }
    }
  }

  std::string_view text_;
  size_t position_ = 0;
  int line_ = 1;
  size_t fields_ = 0;
};

[[noreturn]] void Expected(const TextField& field, const char* what) {
  Fail(field.line, field.name + " is " + (field.message != nullptr ? "a message" : Shown(field.value)) +
                       ", expected " + what);
}

double NumberOf(const TextField& field) {
  if (field.message != nullptr || field.is_string) Expected(field, "a number");
  std::string_view text = field.value;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  if (text == "inf" || text == "infinity" || text == "Infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (text == "nan" || text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (text.ends_with('f') || text.ends_with('F')) text.remove_suffix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::invalid_argument || end != text.data() + text.size()) Expected(field, "a number");
    // from_chars leaves 0 in place of 1e999.
    if (error == std::errc::result_out_of_range) Expected(field, "a number that a double can hold");
  }
  return negative ? -value : value;
}

int64_t IntOf(const TextField& field) {
  if (field.message != nullptr || field.is_string) Expected(field, "an integer");
  std::string_view text = field.value;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-')) {
    Expected(field, "an integer of 64 bits");
  }
  return negative ? -value : value;
}

const std::string& TextOf(const TextField& field) {
  if (!field.is_string) Expected(field, "a string in quotes");
  return field.value;
}

}  // namespace

const TextField* TextMessage::Find(std::string_view name) const {
  const TextField* found = nullptr;
  ForEach(name, [&](const TextField& field) { found = &field; });
  return found;
}

template <typename Visit>
void TextMessage::ForEach(std::string_view name, const Visit& visit) const {
  for (const TextField& field : fields_) {
    if (field.name != name) continue;
    field.was_read = true;
    visit(field);
  }
}

int64_t TextMessage::Int(std::string_view name, int64_t missing) const {
  const TextField* field = Find(name);
  return field == nullptr ? missing : IntOf(*field);
}

double TextMessage::Number(std::string_view name, double missing) const {
  const TextField* field = Find(name);
  return field == nullptr ? missing : NumberOf(*field);
}

bool TextMessage::Bool(std::string_view name, bool missing) const {
  const TextField* field = Find(name);
  if (field == nullptr) return missing;
  const std::string& value = field->value;
  if (field->message == nullptr && !field->is_string) {
    if (value == "true" || value == "True" || value == "t" || value == "1") return true;
    if (value == "false" || value == "False" || value == "f" || value == "0") return false;
  }
  Expected(*field, "true or false");
}

std::string TextMessage::Text(std::string_view name, std::string_view missing) const {
  const TextField* field = Find(name);
  return field == nullptr ? std::string(missing) : TextOf(*field);
}

std::string TextMessage::Word(std::string_view name, std::string_view missing) const {
  const TextField* field = Find(name);
  if (field == nullptr) return std::string(missing);
  if (field->message != nullptr || field->is_string) Expected(*field, "a word without quotes");
  return field->value;
}

const TextMessage& TextMessage::Message(std::string_view name) const {
  static const TextMessage kEmpty;
  const TextField* field = Find(name);
  if (field == nullptr) return kEmpty;
  if (field->message == nullptr) Expected(*field, "a message in braces");
  return *field->message;
}

std::vector<int64_t> TextMessage::Ints(std::string_view name) const {
  std::vector<int64_t> values;
  ForEach(name, [&](const TextField& field) { values.push_back(IntOf(field)); });
  return values;
}

std::vector<double> TextMessage::Numbers(std::string_view name) const {
  std::vector<double> values;
  ForEach(name, [&](const TextField& field) { values.push_back(NumberOf(field)); });
  return values;
}

std::vector<std::string> TextMessage::Texts(std::string_view name) const {
  std::vector<std::string> values;
  ForEach(name, [&](const TextField& field) { values.push_back(TextOf(field)); });
  return values;
}

std::vector<const TextMessage*> TextMessage::Messages(std::string_view name) const {
  std::vector<const TextMessage*> values;
  ForEach(name, [&](const TextField& field) {
    if (field.message == nullptr) Expected(field, "a message in braces");
    values.push_back(field.message.get());
  });
  return values;
}

void TextMessage::Unread(std::vector<const TextField*>* unread) const {
  for (const TextField& field : fields_) {
    if (!field.was_read) {
      unread->push_back(&field);
    } else if (field.message != nullptr) {
      field.message->Unread(unread);
    }
  }
}

TextMessage ParseText(std::string_view text) { return Parser(text).Parse(); }

}  // namespace mace::importers::caffe
