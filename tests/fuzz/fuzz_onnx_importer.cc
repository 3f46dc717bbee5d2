// ImportOnnx and the passes on arbitrary bytes: a graph that the verifier accepts, or a Status.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/passes/passes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mace::Graph graph;
  mace::importers::ImportReport report;
  if (!mace::importers::ImportOnnx({data, size}, {}, &graph, &report).ok()) return 0;
  mace::passes::OptimizeReport optimized;
  const mace::Status status = mace::passes::OptimizeGraph(&graph, &optimized);
  if (status.code() == mace::StatusCode::kInternal) {
    std::fprintf(stderr, "%s\n", status.message());
    std::abort();
  }
  return 0;
}
