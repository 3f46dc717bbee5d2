// Loads arbitrary bytes as a .mace file: as they are, and with the hashes made to fit, without which hardly
// any change would pass the container's checks.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "mace/core/memory.h"
#include "mace/graph/graph.h"
#include "mace/model/loader.h"
#include "mace/model/repair_hashes.h"

namespace {

void ReadConstants(const mace::Graph& graph) {
  uint64_t sum = 0;
  for (const mace::Constant& constant : graph.constants) {
    const auto* bytes = constant.view.as<uint8_t>();
    for (int64_t i = 0; i < constant.view.bytes(); ++i) sum += bytes[i];
  }
  [[maybe_unused]] volatile uint64_t sink = sum;  // keeps the reads
  for (const auto& subgraph : graph.subgraphs) ReadConstants(*subgraph);
}

// What has been loaded must be safe to walk, constants included.
void Walk(const mace::Graph& graph) {
  mace::String text;
  if (!mace::DumpGraph(graph, &mace::FindOpDefinition, &text).ok()) std::abort();
  ReadConstants(graph);
}

void Load(std::span<const uint8_t> bytes, bool verify_full) {
  mace::Graph graph;
  mace::LoadOptions options;
  options.verify_full = verify_full;
  if (mace::LoadModel(bytes, options, &graph).ok()) Walk(graph);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto buffer = mace::Buffer::Allocate(size);  // aligned, and of exactly this size
  if (!buffer.ok()) return 0;
  if (size > 0) std::memcpy(buffer->data(), data, size);
  const std::span<uint8_t> bytes(buffer->data(), size);
  Load(bytes, false);
  mace::testing::RepairHashes(bytes);
  Load(bytes, true);
  return 0;
}
