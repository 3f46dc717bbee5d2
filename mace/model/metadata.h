// The metadata segment of a .mace file: pairs of texts (docs/file_format.md).
#ifndef MACE_MODEL_METADATA_H_
#define MACE_MODEL_METADATA_H_

#include <cstdint>
#include <span>

#include "mace/core/status.h"
#include "mace/graph/graph.h"

namespace mace {

// Reads the bytes of the segment. The keys are neither empty nor sorted, and may repeat: the first one
// counts.
Status ReadMetadata(std::span<const uint8_t> segment, Vector<MetadataEntry>* metadata);

}  // namespace mace

#endif  // MACE_MODEL_METADATA_H_
