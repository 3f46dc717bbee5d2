// JsonWriter: JSON text into a String, escaped correctly, growth checked.
#ifndef MACE_RUNTIME_JSON_WRITER_H_
#define MACE_RUNTIME_JSON_WRITER_H_

#include <cstdint>
#include <string_view>

#include "mace/core/string.h"

namespace mace {

// Calls follow the structure of the text; commas are the writer's. After a failure the rest does nothing and
// status() says why.
class JsonWriter {
 public:
  explicit JsonWriter(String* text) : text_(text) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);
  JsonWriter& Text(std::string_view value);
  JsonWriter& Integer(int64_t value);
  JsonWriter& Unsigned(uint64_t value);
  JsonWriter& Boolean(bool value);
  JsonWriter& Number(double value);  // finite; three decimals
  JsonWriter& Float(float value);    // all of its digits; null where it is not finite

  Status TakeStatus() { return std::move(status_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();
  void Append(std::string_view text);
  void AppendEscaped(std::string_view text);

  String* text_;
  Status status_;
  bool needs_comma_ = false;
};

}  // namespace mace

#endif  // MACE_RUNTIME_JSON_WRITER_H_
