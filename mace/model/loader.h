// Makes a Graph from the bytes of a .mace file (docs/file_format.md). The bytes may come from anyone: every
// count, offset and product is checked once, here, before it is used, and the memory taken is bounded by a
// small multiple of bytes that are really there.
#ifndef MACE_MODEL_LOADER_H_
#define MACE_MODEL_LOADER_H_

#include <cstdint>
#include <span>

#include "mace/core/status.h"
#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"
#include "mace/model/format.h"

namespace mace {

struct LoadOptions {
  // Also check the hashes of the weights and of segments that are not used: reads the whole file.
  bool verify_full = false;
  OpFinder find_definition = &FindOpDefinition;
};

// The alignment that LoadModel asks of the bytes: constants are used where they stand.
inline constexpr uint64_t kModelAlignment = kSegmentAlignment;

// Constants of `graph` refer to `bytes`, which must outlive it and stay unchanged. On failure `graph` is
// untouched. The graph has passed VerifyGraph; its operators are known to this build. Errors: kDataLoss for
// damage, kUnsupported for what a newer MACE wrote (all nodes concerned are listed), kInvalidArgument where
// `bytes` are not aligned or VerifyGraph rejects what they say.
Status LoadModel(std::span<const uint8_t> bytes, const LoadOptions& options, Graph* graph);

}  // namespace mace

#endif  // MACE_MODEL_LOADER_H_
