// The header and the segment table of a .mace file, checked.
#ifndef MACE_MODEL_CONTAINER_H_
#define MACE_MODEL_CONTAINER_H_

#include <cstdint>
#include <span>

#include "mace/core/status.h"
#include "mace/core/vector.h"
#include "mace/model/format.h"

namespace mace {

struct Segment {
  SegmentRecord record;
  std::span<const uint8_t> bytes;
  // False for an optional segment that this build does not use: an unknown kind, flag or target.
  bool used = false;
};

struct Container {
  FileHeader header;
  Vector<Segment> segments;

  // The segment of this kind that this build uses, or null.
  const Segment* Find(SegmentKind kind) const;
};

// Reads and checks the header, the table and the zero bytes between the segments of `bytes`, which must
// outlive `container`. Hashes of the graph and names segments are always checked, those of all others where
// `verify_full`: then every byte of the file has been looked at.
Status ParseContainer(std::span<const uint8_t> bytes, bool verify_full, Container* container);

}  // namespace mace

#endif  // MACE_MODEL_CONTAINER_H_
