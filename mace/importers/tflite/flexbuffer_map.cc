#include "mace/importers/tflite/flexbuffer_map.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "mace/importers/import_error.h"

namespace mace::importers::tflite {
namespace {

// Types of the format. The lower two bits of a packed type are the logarithm of a width.
enum Type : uint8_t {
  kNull = 0,
  kInt = 1,
  kUint = 2,
  kFloat = 3,
  kIndirectInt = 6,
  kIndirectUint = 7,
  kIndirectFloat = 8,
  kMap = 9,
  kBool = 26,
};

[[noreturn]] void Damaged(const std::string& what) {
  throw ImportError(StatusCode::kDataLoss, "damaged custom options: " + what);
}

}  // namespace

// The root's value lies in front of two bytes: its type and the width of the value. In front of a map's
// values stand their count, the width of the keys' offsets, and an offset to those.
FlexbufferMap::FlexbufferMap(std::span<const uint8_t> bytes) : bytes_(bytes) {
  if (bytes.size() < 3) Damaged("they are too short");
  const uint8_t type = bytes[bytes.size() - 2];
  const size_t width = bytes[bytes.size() - 1];
  if (type >> 2 != kMap) Damaged("the root is no map");
  if (width != 1 && width != 2 && width != 4 && width != 8) Damaged("a width of " + std::to_string(width));
  if (width + 2 > bytes.size()) Damaged("they are too short");
  values_ = Target(bytes.size() - 2 - width, width);
  value_width_ = size_t{1} << (type & 3);
  if (values_ < 3 * value_width_) Damaged("a map in front of their beginning");
  const uint64_t count = Unsigned(values_ - value_width_, value_width_);
  const uint64_t key_width = Unsigned(values_ - 2 * value_width_, value_width_);
  if (key_width != 1 && key_width != 2 && key_width != 4 && key_width != 8) {
    Damaged("a width of " + std::to_string(key_width));
  }
  key_width_ = static_cast<size_t>(key_width);
  keys_ = Target(values_ - 3 * value_width_, value_width_);
  // An entry has a value, a byte of type, and a key.
  if (count > bytes.size()) Damaged("a map of " + std::to_string(count) + " entries");
  count_ = static_cast<size_t>(count);
  Slice(values_, count_ * (value_width_ + 1));
  Slice(keys_, count_ * key_width_);
}

std::span<const uint8_t> FlexbufferMap::Slice(size_t position, size_t count) const {
  if (position > bytes_.size() || count > bytes_.size() - position)
    Damaged("an offset points outside of them");
  return bytes_.subspan(position, count);
}

uint64_t FlexbufferMap::Unsigned(size_t position, size_t width) const {
  uint64_t value = 0;
  const auto bytes = Slice(position, width);
  for (size_t i = 0; i < width; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

int64_t FlexbufferMap::Signed(size_t position, size_t width) const {
  const auto unused = static_cast<int>(64 - 8 * width);
  return static_cast<int64_t>(Unsigned(position, width) << unused) >> unused;
}

double FlexbufferMap::Float(size_t position, size_t width) const {
  if (width == 4) {
    const auto bits = static_cast<uint32_t>(Unsigned(position, width));
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return static_cast<double>(value);
  }
  if (width != 8) Damaged("a float of " + std::to_string(width) + " bytes");
  const uint64_t bits = Unsigned(position, width);
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

size_t FlexbufferMap::Target(size_t position, size_t width) const {
  const uint64_t offset = Unsigned(position, width);
  if (offset > position) Damaged("an offset points outside of them");
  return position - static_cast<size_t>(offset);
}

bool FlexbufferMap::HasName(size_t entry, std::string_view name) const {
  const size_t text = Target(keys_ + entry * key_width_, key_width_);
  if (text > bytes_.size() || name.size() >= bytes_.size() - text) return false;
  return std::memcmp(bytes_.data() + text, name.data(), name.size()) == 0 && bytes_[text + name.size()] == 0;
}

FlexbufferMap::Number FlexbufferMap::NumberAt(size_t position, uint8_t type, size_t width) const {
  switch (type >> 2) {
    case kInt:
      return {false, Signed(position, width), 0};
    case kUint:
    case kBool:
      return {false, static_cast<int64_t>(std::min<uint64_t>(Unsigned(position, width), INT64_MAX)), 0};
    case kFloat:
      return {true, 0, Float(position, width)};
    case kIndirectInt:
      return NumberAt(Target(position, width), kInt << 2, size_t{1} << (type & 3));
    case kIndirectUint:
      return NumberAt(Target(position, width), kUint << 2, size_t{1} << (type & 3));
    case kIndirectFloat:
      return NumberAt(Target(position, width), kFloat << 2, size_t{1} << (type & 3));
    default:
      Damaged("type " + std::to_string(type >> 2) + " instead of a number");
  }
}

std::optional<FlexbufferMap::Number> FlexbufferMap::Find(std::string_view name) const {
  for (size_t i = 0; i < count_; ++i) {
    if (!HasName(i, name)) continue;
    const uint8_t type = bytes_[values_ + count_ * value_width_ + i];
    if (type >> 2 == kNull) return std::nullopt;
    return NumberAt(values_ + i * value_width_, type, value_width_);
  }
  return std::nullopt;
}

int64_t FlexbufferMap::Integer(std::string_view name, int64_t otherwise) const {
  const auto number = Find(name);
  if (!number) return otherwise;
  if (!number->is_real) return number->integer;
  if (std::isnan(number->real)) return 0;
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (number->real >= kEnd) return INT64_MAX;
  return number->real <= -kEnd ? INT64_MIN : static_cast<int64_t>(number->real);
}

double FlexbufferMap::Real(std::string_view name, double otherwise) const {
  const auto number = Find(name);
  if (!number) return otherwise;
  return number->is_real ? number->real : static_cast<double>(number->integer);
}

}  // namespace mace::importers::tflite
