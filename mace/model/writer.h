// Writes .mace files (docs/file_format.md). Host code.
#ifndef MACE_MODEL_WRITER_H_
#define MACE_MODEL_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mace/core/status.h"
#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"

namespace mace {

struct WriteOptions {
  // False (protection): only the names of inputs, outputs and states, and of the symbols in the shapes of
  // these, are written.
  bool keep_inner_names = true;
  OpFinder find_definition = &FindOpDefinition;
};

// The whole file. The graph must pass VerifyGraph. The same graph gives the same bytes; equal constants are
// stored once.
Status WriteModel(const Graph& graph, const WriteOptions& options, std::vector<uint8_t>* bytes);
inline Status WriteModel(const Graph& graph, std::vector<uint8_t>* bytes) {
  return WriteModel(graph, WriteOptions(), bytes);
}

// Writes a temporary file beside `path`, flushes it to the disk and renames it: at every moment `path` holds
// what it held before or all of `bytes`. On failure (a full disk) the temporary file is removed. A symbolic
// link at `path` is followed; anything there but a regular file is refused.
Status WriteFileAtomically(const std::string& path, std::span<const uint8_t> bytes);

}  // namespace mace

#endif  // MACE_MODEL_WRITER_H_
