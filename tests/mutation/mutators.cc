#include "mutators.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "mace/model/repair_hashes.h"

namespace mace::mutation {
namespace {

using Bytes = std::span<const uint8_t>;

uint64_t InterestingInteger(Random& random, uint64_t old) {
  static constexpr uint64_t kValues[] = {0,
                                         1,
                                         2,
                                         3,
                                         4,
                                         7,
                                         8,
                                         9,
                                         16,
                                         64,
                                         127,
                                         128,
                                         255,
                                         256,
                                         1000,
                                         32767,
                                         65535,
                                         65536,
                                         1u << 20,
                                         0x7fffffff,
                                         0x80000000,
                                         0xffffffff,
                                         uint64_t{1} << 32,
                                         uint64_t{1} << 40,
                                         uint64_t{1} << 62,
                                         0x7fffffffffffffff,
                                         0x8000000000000000,
                                         ~uint64_t{0},
                                         ~uint64_t{1}};
  switch (Below(random, 6)) {
    case 0:
      return old + 1;
    case 1:
      return old - 1;
    case 2:
      return old * 2;
    case 3:
      return Below(random, 12);
    default:
      return kValues[Below(random, std::size(kValues))];
  }
}

float InterestingFloat(Random& random) {
  static constexpr float kValues[] = {0.0f,
                                      -0.0f,
                                      1.0f,
                                      -1.0f,
                                      1e-30f,
                                      1e30f,
                                      -3.5f,
                                      0.3f,
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      std::numeric_limits<float>::quiet_NaN(),
                                      std::numeric_limits<float>::denorm_min()};
  return kValues[Below(random, std::size(kValues))];
}

// ---- Bytes ---------------------------------------------------------------------------------------------

void MutateBytes(ByteVector& bytes, const std::vector<ByteVector>& donors, Random& random) {
  if (bytes.empty()) return;
  const size_t at = Below(random, bytes.size());
  const size_t length = std::min<size_t>(1 + Below(random, 64), bytes.size() - at);
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at);
  switch (Below(random, 7)) {
    case 0:
    case 1:
      bytes[at] ^= static_cast<uint8_t>(1u << Below(random, 8));
      return;
    case 2:
      bytes[at] = static_cast<uint8_t>(random());
      return;
    case 3:
      if (OneIn(random, 3)) bytes.resize(at);  // rarely: truncation is always an early end
      return;
    case 4:
      bytes.erase(begin, begin + static_cast<ptrdiff_t>(length));
      return;
    case 5: {
      const ByteVector copy(begin, begin + static_cast<ptrdiff_t>(length));
      const auto target = bytes.begin() + static_cast<ptrdiff_t>(Below(random, bytes.size() + 1));
      bytes.insert(target, copy.begin(), copy.end());
      return;
    }
    default: {
      if (donors.empty()) return;
      const ByteVector& donor = donors[Below(random, donors.size())];
      const size_t count = std::min(length, donor.size());
      const size_t from = Below(random, donor.size() - count + 1);
      std::copy_n(donor.begin() + static_cast<ptrdiff_t>(from), count, begin);
    }
  }
}

// ---- Protobuf (ONNX): parsed to a tree without knowing the schema, changed, written with right lengths ----

struct Field {
  uint32_t number = 0;
  uint32_t wire_type = 0;
  uint64_t integer = 0;         // wire types 0, 1, 5
  ByteVector bytes;             // wire type 2, where it is no message
  std::vector<Field> children;  // wire type 2, where it looks like one
  bool is_message = false;
};

bool ReadVarint(Bytes& bytes, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint8_t byte = bytes[0];
    bytes = bytes.subspan(1);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool ReadFixed(Bytes& bytes, size_t count, uint64_t* value) {
  if (bytes.size() < count) return false;
  *value = 0;
  std::memcpy(value, bytes.data(), count);
  bytes = bytes.subspan(count);
  return true;
}

bool IsText(Bytes bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return byte >= 0x20 && byte < 0x7f; });
}

std::optional<std::vector<Field>> ParseFields(Bytes bytes, int depth) {
  std::vector<Field> fields;
  while (!bytes.empty()) {
    Field field;
    uint64_t tag = 0;
    if (!ReadVarint(bytes, &tag) || (tag >> 3) == 0 || (tag >> 3) > 50) return std::nullopt;
    field.number = static_cast<uint32_t>(tag >> 3);
    field.wire_type = static_cast<uint32_t>(tag & 7);
    if (field.wire_type == 0) {
      if (!ReadVarint(bytes, &field.integer)) return std::nullopt;
    } else if (field.wire_type == 1 || field.wire_type == 5) {
      if (!ReadFixed(bytes, field.wire_type == 1 ? 8 : 4, &field.integer)) return std::nullopt;
    } else if (field.wire_type == 2) {
      uint64_t size = 0;
      if (!ReadVarint(bytes, &size) || size > bytes.size()) return std::nullopt;
      const Bytes content = bytes.first(size);
      bytes = bytes.subspan(size);
      if (depth < 12 && !content.empty() && !IsText(content)) {
        if (auto children = ParseFields(content, depth + 1)) {
          field.children = std::move(*children);
          field.is_message = true;
        }
      }
      if (!field.is_message) field.bytes.assign(content.begin(), content.end());
    } else {
      return std::nullopt;
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

void WriteVarint(uint64_t value, ByteVector* bytes) {
  for (; value >= 0x80; value >>= 7) bytes->push_back(static_cast<uint8_t>(value | 0x80));
  bytes->push_back(static_cast<uint8_t>(value));
}

void WriteFields(const std::vector<Field>& fields, ByteVector* bytes) {
  for (const Field& field : fields) {
    WriteVarint((uint64_t{field.number} << 3) | field.wire_type, bytes);
    if (field.wire_type == 0) {
      WriteVarint(field.integer, bytes);
    } else if (field.wire_type == 1 || field.wire_type == 5) {
      const auto* raw = reinterpret_cast<const uint8_t*>(&field.integer);
      bytes->insert(bytes->end(), raw, raw + (field.wire_type == 1 ? 8 : 4));
    } else {
      ByteVector content;
      if (field.is_message) {
        WriteFields(field.children, &content);
      } else {
        content = field.bytes;
      }
      WriteVarint(content.size(), bytes);
      bytes->insert(bytes->end(), content.begin(), content.end());
    }
  }
}

void Collect(std::vector<Field>& fields, std::vector<std::pair<std::vector<Field>*, size_t>>* places) {
  for (size_t i = 0; i < fields.size(); ++i) {
    places->emplace_back(&fields, i);
    if (fields[i].is_message) Collect(fields[i].children, places);
  }
}

// One change of the value of a field.
void MutateValue(Field& field, const std::vector<std::pair<std::vector<Field>*, size_t>>& places,
                 Random& random) {
  if (field.wire_type == 0 || field.wire_type == 1) {
    field.integer = InterestingInteger(random, field.integer);
  } else if (field.wire_type == 5) {
    const float value = InterestingFloat(random);
    std::memcpy(&field.integer, &value, sizeof(value));
  } else if (!field.is_message && !field.bytes.empty() && OneIn(random, 2)) {
    const std::vector<ByteVector> no_donors;
    MutateBytes(field.bytes, no_donors, random);
  } else {
    // The value of another such field: names of operators, tensors and attributes meet.
    for (int attempt = 0; attempt < 20; ++attempt) {
      const auto& [fields, index] = places[Below(random, places.size())];
      const Field& other = (*fields)[index];
      if (&other != &field && other.wire_type == 2 && other.is_message == field.is_message &&
          !field.is_message) {
        field.bytes = other.bytes;
        return;
      }
    }
  }
}

bool MutateProtobuf(ByteVector& bytes, const std::vector<ByteVector>& donors, Random& random) {
  auto root = ParseFields(bytes, 0);
  if (!root || root->empty()) return false;
  const uint64_t changes = 1 + Below(random, 3);
  for (uint64_t change = 0; change < changes; ++change) {
    std::vector<std::pair<std::vector<Field>*, size_t>> places;
    Collect(*root, &places);
    if (places.empty()) break;
    const auto [fields, index] = places[Below(random, places.size())];
    const auto at = fields->begin() + static_cast<ptrdiff_t>(index);
    switch (Below(random, 10)) {
      case 0:
        fields->erase(at);
        break;
      case 1: {
        const Field copy = *at;
        fields->insert(at, copy);
        break;
      }
      case 2:
        std::swap((*fields)[index], (*fields)[Below(random, fields->size())]);
        break;
      case 3: {
        // A field of the same number and depth elsewhere, in this file or in another.
        std::optional<std::vector<Field>> donor;
        if (!donors.empty()) donor = ParseFields(donors[Below(random, donors.size())], 0);
        if (!donor) break;
        std::vector<std::pair<std::vector<Field>*, size_t>> donor_places;
        Collect(*donor, &donor_places);
        for (int attempt = 0; attempt < 50 && !donor_places.empty(); ++attempt) {
          const auto& [other, other_index] = donor_places[Below(random, donor_places.size())];
          if ((*other)[other_index].number != at->number) continue;
          *at = (*other)[other_index];
          break;
        }
        break;
      }
      case 4:
        at->number = 1 + static_cast<uint32_t>(Below(random, 20));
        break;
      default:
        MutateValue(*at, places, random);
    }
  }
  bytes.clear();
  WriteFields(*root, &bytes);
  return true;
}

// ---- FlatBuffers (TensorFlow Lite, .mace): scalars change in place ---------------------------------

void MutateScalars(std::span<uint8_t> bytes, Random& random) {
  if (bytes.size() < 16) return;
  const uint64_t changes = 1 + Below(random, 3);
  for (uint64_t change = 0; change < changes; ++change) {
    static constexpr size_t kWidths[] = {1, 2, 4, 4, 4, 8};
    const size_t width = std::min(kWidths[Below(random, std::size(kWidths))], sizeof(uint64_t));
    uint8_t* place = bytes.data() + Below(random, bytes.size() / width) * width;
    uint64_t value = 0;
    std::memcpy(&value, place, width);
    if (OneIn(random, 4)) {
      // Another scalar of the file: offsets and counts that are right elsewhere.
      std::memcpy(&value, bytes.data() + Below(random, bytes.size() / width) * width, width);
    } else if (width == 4 && OneIn(random, 4)) {
      const float number = InterestingFloat(random);
      std::memcpy(&value, &number, sizeof(number));
    } else {
      value = InterestingInteger(random, value);
    }
    std::memcpy(place, &value, width);
  }
}

void MutateMace(ByteVector& bytes, Random& random) {
  if (bytes.size() < sizeof(FileHeader)) return;
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const uint64_t count = std::min<uint64_t>(header.segment_count, kMaxSegments);
  const size_t table_end = sizeof(header) + count * sizeof(SegmentRecord);
  if (table_end > bytes.size()) return;
  if (OneIn(random, 8)) {
    MutateScalars(std::span(bytes).subspan(8, table_end - 8), random);
  } else {
    // The first segment is the graph: most of what matters.
    SegmentRecord record;
    const uint64_t index = OneIn(random, 5) ? Below(random, count) : 0;
    std::memcpy(&record, bytes.data() + sizeof(header) + index * sizeof(record), sizeof(record));
    if (record.offset > bytes.size() || record.size > bytes.size() - record.offset) return;
    MutateScalars(std::span(bytes).subspan(record.offset, record.size), random);
  }
}

}  // namespace

ByteVector Mutate(Bytes file, FileKind kind, const std::vector<ByteVector>& donors, Random& random) {
  ByteVector bytes(file.begin(), file.end());
  const bool byte_level = OneIn(random, 4);
  if (byte_level) {
    const uint64_t changes = 1 + Below(random, 3);
    for (uint64_t change = 0; change < changes; ++change) MutateBytes(bytes, donors, random);
  } else if (kind == FileKind::kOnnx) {
    if (!MutateProtobuf(bytes, donors, random)) MutateBytes(bytes, donors, random);
  } else if (kind == FileKind::kTflite) {
    MutateScalars(bytes, random);
  } else {
    MutateMace(bytes, random);
  }
  if (kind == FileKind::kMace && !OneIn(random, 16)) testing::RepairHashes(bytes);
  return bytes;
}

}  // namespace mace::mutation
