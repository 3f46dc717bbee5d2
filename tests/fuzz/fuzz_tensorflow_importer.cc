// Any bytes through the TensorFlow importer: a graph that VerifyGraph accepts, or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mace::Graph graph;
  mace::importers::ImportReport report;
  const mace::Status status = mace::importers::ImportTensorflow({data, size}, {}, &graph, &report);
  if (!status.ok()) return 0;
  const mace::Status verified = mace::VerifyGraph(
      graph, static_cast<const mace::OpDefinition* (*)(mace::OpId)>(&mace::FindOpDefinition));
  if (!verified.ok()) std::abort();
  return 0;
}
