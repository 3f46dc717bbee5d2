// ImportCaffe.
#include "mace/importers/importer.h"

namespace mace::importers {

Status ImportCaffe(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                   ImportReport* report) {
  (void)bytes, (void)options, (void)graph, (void)report;
  return Unsupported("Caffe models are not read yet");
}

}  // namespace mace::importers
