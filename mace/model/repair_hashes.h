// For tests and fuzzing: hashes that fit damaged bytes, so that the checks behind them are reached.
#ifndef MACE_MODEL_REPAIR_HASHES_H_
#define MACE_MODEL_REPAIR_HASHES_H_

#include <cstring>
#include <span>

#include "mace/model/format.h"
#include "mace/model/hash.h"

namespace mace::testing {

// Makes file size and all hashes of damaged bytes fit again, as far as the table can be read: so that the
// checks behind the hashes are reached.
inline void RepairHashes(std::span<uint8_t> bytes) {
  if (bytes.size() < sizeof(FileHeader)) return;
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.file_size = bytes.size();
  const uint64_t room = (bytes.size() - sizeof(header)) / sizeof(SegmentRecord);
  const uint64_t count = header.segment_count < room ? header.segment_count : room;
  const auto table = bytes.subspan(sizeof(header), count * sizeof(SegmentRecord));
  for (uint64_t i = 0; i < count; ++i) {
    SegmentRecord record;
    std::memcpy(&record, table.data() + i * sizeof(record), sizeof(record));
    if (record.offset > bytes.size() || record.size > bytes.size() - record.offset) continue;
    record.hash = Hash64(bytes.subspan(record.offset, record.size));
    std::memcpy(table.data() + i * sizeof(record), &record, sizeof(record));
  }
  std::memcpy(bytes.data(), &header, sizeof(header));
  header.hash = Hash64(table, Hash64(bytes.first(offsetof(FileHeader, hash))));
  std::memcpy(bytes.data(), &header, sizeof(header));
}

}  // namespace mace::testing

#endif  // MACE_MODEL_REPAIR_HASHES_H_
