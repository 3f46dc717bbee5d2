// Protobuf's text format, as far as Caffe's networks are written in it: fields with numbers, words, strings,
// messages in braces or angle brackets, and lists. No schema: a message is what the text says, and who reads
// it says what a field must be.
#ifndef MACE_IMPORTERS_CAFFE_TEXT_FORMAT_H_
#define MACE_IMPORTERS_CAFFE_TEXT_FORMAT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mace::importers::caffe {

inline constexpr int kMaxTextDepth = 32;                   // messages inside messages
inline constexpr size_t kMaxTextFields = size_t{1} << 20;  // of a file
inline constexpr size_t kMaxTextBytes = size_t{64} << 20;

class TextMessage;

struct TextField {
  std::string name;
  int line = 0;
  // One of the two: a message, or a value as it is written (of strings the bytes that they stand for).
  std::unique_ptr<TextMessage> message;
  std::string value;
  bool is_string = false;
  mutable bool was_read = false;
};

// Every reader throws ImportError with the line where the field is not what it asks for. Of a field that is
// there several times the single readers give the last one, as protobuf does.
class TextMessage {
 public:
  explicit TextMessage(int line = 0) : line_(line) {}
  int line() const { return line_; }
  const std::vector<TextField>& fields() const { return fields_; }
  std::vector<TextField>& fields() { return fields_; }

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  int64_t Int(std::string_view name, int64_t missing) const;
  double Number(std::string_view name, double missing) const;
  bool Bool(std::string_view name, bool missing) const;
  std::string Text(std::string_view name, std::string_view missing = {}) const;  // a string
  std::string Word(std::string_view name, std::string_view missing) const;  // an enumerator (or its number)
  // Never null: an empty message where the field is absent.
  const TextMessage& Message(std::string_view name) const;
  std::vector<int64_t> Ints(std::string_view name) const;
  std::vector<double> Numbers(std::string_view name) const;
  std::vector<std::string> Texts(std::string_view name) const;
  std::vector<const TextMessage*> Messages(std::string_view name) const;
  // The names of fields that nobody asked for, at any depth.
  void Unread(std::vector<const TextField*>* unread) const;

 private:
  const TextField* Find(std::string_view name) const;
  template <typename Visit>
  void ForEach(std::string_view name, const Visit& visit) const;

  int line_;
  std::vector<TextField> fields_;
};

// Throws ImportError that names the line.
TextMessage ParseText(std::string_view text);

}  // namespace mace::importers::caffe

#endif  // MACE_IMPORTERS_CAFFE_TEXT_FORMAT_H_
