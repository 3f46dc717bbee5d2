#include "mace/importers/protobuf_reader.h"

#include <cstdint>

namespace mace::importers {

bool IsCleanUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    if (lead == 0) return false;
    const int length = lead < 0x80         ? 1
                       : (lead >> 5) == 6  ? 2
                       : (lead >> 4) == 14 ? 3
                       : (lead >> 3) == 30 ? 4
                                           : 0;
    if (length == 0 || text.size() - i < static_cast<size_t>(length)) return false;
    for (int k = 1; k < length; ++k) {
      if ((static_cast<uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

std::string_view ReadName(pbf_reader& reader) {
  const std::string_view name = ReadBytes(reader);
  constexpr size_t kMaxName = 65535;
  if (name.size() > kMaxName) {
    throw FormatError("a name in the file has " + std::to_string(name.size()) + " bytes, the limit is " +
                      std::to_string(kMaxName));
  }
  if (!IsCleanUtf8(name)) throw FormatError("a name in the file is not UTF-8 text");
  return name;
}

}  // namespace mace::importers
