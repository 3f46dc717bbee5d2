#include "mace/importers/importer.h"

#include <algorithm>
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

// ONNX's models and TensorFlow's graphs are protocol buffers without any mark. Their first fields must be
// those of the format with their wire types: numbers in some, byte strings in others.
constexpr uint64_t kOnnxNumberFields = 1u << 1 | 1u << 5;
constexpr uint64_t kOnnxByteFields =
    1u << 2 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 25;
constexpr uint64_t kGraphDefNumberFields = 1u << 3;
constexpr uint64_t kGraphDefByteFields = 1u << 1 | 1u << 2 | 1u << 4;

bool LooksLikeFields(std::span<const uint8_t> bytes, uint64_t number_fields, uint64_t byte_fields) {
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
    if (wire == 0 ? (number_fields & bit) == 0 : wire != 2 || (byte_fields & bit) == 0) return false;
    ++fields;
    if (wire != 2) continue;
    if (value > bytes.size() - position) break;  // cut off: the importer says so
    position += static_cast<size_t>(value);
  }
  return fields > 0;
}

// Whether it begins with text: a frozen graph may begin with bytes that look like a line and a name, but has
// others that are in no text soon.
bool IsText(std::span<const uint8_t> bytes) {
  constexpr size_t kLookedAt = 1024;
  for (uint8_t byte : bytes.first(std::min(bytes.size(), kLookedAt))) {
    if (byte < ' ' && byte != '\t' && byte != '\r' && byte != '\n' && byte != '\f') return false;
  }
  return true;
}

// Caffe's network: text that, behind blanks and comments, begins with the name of a field and its colon or
// brace.
bool LooksLikePrototxt(std::span<const uint8_t> bytes) {
  if (!IsText(bytes)) return false;
  size_t position = 0;
  const auto at = [&] { return position < bytes.size() ? static_cast<char>(bytes[position]) : '\0'; };
  const auto skip_blanks = [&] {
    while (at() == ' ' || at() == '\t' || at() == '\r' || at() == '\n') ++position;
  };
  if (bytes.size() >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf) position = 3;
  skip_blanks();
  while (at() == '#') {
    while (position < bytes.size() && at() != '\n') ++position;
    skip_blanks();
  }
  const size_t begin = position;
  while ((at() >= 'a' && at() <= 'z') || at() == '_') ++position;
  if (position == begin) return false;
  skip_blanks();
  return at() == ':' || at() == '{';
}

// Caffe's trained weights: a protocol buffer too, of the net's name as text and its layers. (A GraphDef has
// the same numbers of fields, but where the name would be it has a message, which begins with a control
// byte.)
bool LooksLikeCaffeWeights(std::span<const uint8_t> bytes) {
  constexpr uint64_t kName = 1, kOldLayers = 2, kLayers = 100;
  size_t position = 0;
  bool is_named = false;
  while (true) {
    uint64_t key = 0;
    uint64_t size = 0;
    if (!ReadVarint(bytes, &position, &key) || !ReadVarint(bytes, &position, &size) || (key & 7) != 2) {
      return false;
    }
    const uint64_t field = key >> 3;
    if (field != kName || is_named) return field == kLayers || (field == kOldLayers && is_named);
    if (size > bytes.size() - position) return false;
    const auto name = bytes.subspan(position, static_cast<size_t>(size));
    if (name.empty() || !std::all_of(name.begin(), name.end(), [](uint8_t byte) { return byte >= ' '; }))
      return false;
    position += name.size();
    is_named = true;
  }
}

}  // namespace

Format DetectFormat(std::span<const uint8_t> bytes) {
  if (bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "TFL3", 4) == 0) return Format::kTflite;
  if (LooksLikePrototxt(bytes)) return Format::kCaffe;
  if (LooksLikeFields(bytes, kOnnxNumberFields, kOnnxByteFields)) return Format::kOnnx;
  if (LooksLikeFields(bytes, kGraphDefNumberFields, kGraphDefByteFields)) return Format::kTensorflow;
  return Format::kUnknown;
}

Status Import(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
              ImportReport* report) {
  const Format format = DetectFormat(bytes);
  if ((format == Format::kUnknown || format == Format::kTensorflow) && LooksLikeCaffeWeights(bytes)) {
    return InvalidArgument(
        "these are the weights of a Caffe network (.caffemodel): give its .prototxt as the model, and them "
        "as its weights, weights=\"x.caffemodel\" in Python, --weights on the command line");
  }
  switch (format) {
    case Format::kOnnx:
      if (!options.signature.empty()) return InvalidArgument("ONNX models have no signatures");
      return ImportOnnx(bytes, options, graph, report);
    case Format::kTflite:
      return ImportTflite(bytes, options, graph, report);
    case Format::kTensorflow:
      if (!options.signature.empty()) return InvalidArgument("frozen graphs have no signatures");
      return ImportTensorflow(bytes, options, graph, report);
    case Format::kCaffe:
      if (!options.signature.empty()) return InvalidArgument("Caffe models have no signatures");
      return ImportCaffe(bytes, options, graph, report);
    case Format::kUnknown:
      break;
  }
  return DataLoss(
      "the file is neither an ONNX, a TensorFlow Lite or a Caffe model nor a frozen TensorFlow graph (%zu "
      "bytes)",
      bytes.size());
}

}  // namespace mace::importers
