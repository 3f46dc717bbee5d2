// Any bytes through the Caffe importer: a graph that VerifyGraph accepts, or an error. What is in front of
// the first zero byte is the prototxt, the rest the .caffemodel.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint8_t* const zero = std::find(data, data + size, uint8_t{0});
  mace::importers::ImportOptions options;
  if (zero != data + size) options.weights = std::span<const uint8_t>(zero + 1, data + size);
  mace::Graph graph;
  mace::importers::ImportReport report;
  const mace::Status status = mace::importers::ImportCaffe({data, zero}, options, &graph, &report);
  if (!status.ok()) return 0;
  const mace::Status verified = mace::VerifyGraph(
      graph, static_cast<const mace::OpDefinition* (*)(mace::OpId)>(&mace::FindOpDefinition));
  if (!verified.ok()) std::abort();
  return 0;
}
