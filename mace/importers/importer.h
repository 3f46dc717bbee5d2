// From the bytes of a trained model's file to a Graph. Host code. The bytes may come from anybody: each
// function gives a graph that VerifyGraph accepts, or a Status; it throws nothing.
#ifndef MACE_IMPORTERS_IMPORTER_H_
#define MACE_IMPORTERS_IMPORTER_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/status.h"
#include "mace/graph/graph.h"

namespace mace::importers {

struct ImportOptions {
  std::vector<std::pair<std::string, std::string>> states;  // output name : input name, fed back between runs
  // TensorFlow Lite: the signature whose names inputs and outputs get; empty: those of the tensors.
  std::string signature;
};
// What an importer was at when it failed: reading the file and translating its operators, a shape rule of the
// graph that it builds, or the verifier's look at the whole.
enum class ImportStage { kConvert, kShape, kVerify };
// What a person should know although the import succeeded.
struct ImportReport {
  std::vector<std::string> warnings;
  ImportStage failed_at = ImportStage::kConvert;  // where it did not
};

enum class Format { kUnknown, kOnnx, kTflite };
// By the first bytes alone: says what the file claims to be, not that it is sound.
Format DetectFormat(std::span<const uint8_t> bytes);

// The graph owns copies of all it needs: `bytes` may go afterwards. `graph` must be empty; on an error its
// content is unspecified.
Status ImportOnnx(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                  ImportReport* report);
Status ImportTflite(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                    ImportReport* report);
// By DetectFormat.
Status Import(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
              ImportReport* report);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_IMPORTER_H_
