#include "mace/importers/importer.h"

#include <cstring>

namespace mace::importers {
namespace {

// A base-128 number at *position; false where the bytes end first or it has more than ten of them.
bool ReadVarint(std::span<const uint8_t> bytes, size_t* position, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 70 && *position < bytes.size(); shift += 7) {
    const uint8_t byte = bytes[(*position)++];
    if (shift < 64) *value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

// An ONNX file is a protocol buffer without any mark. Its first fields must be fields of a model with their
// wire types: numbers in fields 1 and 5, byte strings in the others.
bool LooksLikeOnnx(std::span<const uint8_t> bytes) {
  constexpr uint64_t kNumberFields = 1u << 1 | 1u << 5;
  constexpr uint64_t kByteFields =
      1u << 2 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 25;
  size_t position = 0;
  int fields = 0;
  while (position < bytes.size() && fields < 4) {
    uint64_t key = 0;
    uint64_t value = 0;
    if (!ReadVarint(bytes, &position, &key) || !ReadVarint(bytes, &position, &value)) return false;
    const uint64_t field = key >> 3;
    const uint64_t wire = key & 7;
    if (field > 31) return false;
    const uint64_t bit = uint64_t{1} << field;
    if (wire == 0 ? (kNumberFields & bit) == 0 : wire != 2 || (kByteFields & bit) == 0) return false;
    ++fields;
    if (wire != 2) continue;
    if (value > bytes.size() - position) break;  // cut off: the importer says so
    position += static_cast<size_t>(value);
  }
  return fields > 0;
}

}  // namespace

Format DetectFormat(std::span<const uint8_t> bytes) {
  if (bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "TFL3", 4) == 0) return Format::kTflite;
  return LooksLikeOnnx(bytes) ? Format::kOnnx : Format::kUnknown;
}

Status Import(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
              ImportReport* report) {
  switch (DetectFormat(bytes)) {
    case Format::kOnnx:
      if (!options.signature.empty()) return InvalidArgument("ONNX models have no signatures");
      return ImportOnnx(bytes, options, graph, report);
    case Format::kTflite:
      return ImportTflite(bytes, options, graph, report);
    case Format::kUnknown:
      break;
  }
  return DataLoss("the file is neither an ONNX nor a TensorFlow Lite model (%zu bytes)", bytes.size());
}

}  // namespace mace::importers
