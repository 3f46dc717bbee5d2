#include "mace/importers/protobuf_reader.h"

#include "mace/importers/clean_text.h"

#include <cstdint>

namespace mace::importers {

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
