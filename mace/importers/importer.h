// From the bytes of a trained model's file to a Graph. Host code. The bytes may come from anybody: each
// function gives a graph that VerifyGraph accepts, or a Status; it throws nothing.
#ifndef MACE_IMPORTERS_IMPORTER_H_
#define MACE_IMPORTERS_IMPORTER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/status.h"
#include "mace/graph/graph.h"

namespace mace::importers {

// A part of a model instead of the whole: docs/design/23-compatibility.md, cut_graph.h. Names are those of
// any tensors of the source; what is not needed is not converted either, so it may be what MACE does not
// support.
struct CutOptions {
  // Pairs {from, to}: whoever reads `to` reads `from` instead (sub-graphs that aliases join). Same dtype,
  // rank.
  std::vector<std::pair<std::string, std::string>> joins = {};
  // Empty: the model's own inputs (outputs). Dimensions of -1, and all without a shape, are the source's.
  struct Input {
    std::string name;
    std::optional<std::vector<int64_t>> shape = std::nullopt;
  };
  std::vector<Input> inputs = {};
  std::vector<std::string> outputs = {};

  bool empty() const { return joins.empty() && inputs.empty() && outputs.empty(); }
};
struct ImportOptions {
  // Output name : input name, fed back between runs; of the graph that is left where it is cut.
  std::vector<std::pair<std::string, std::string>> states;
  // TensorFlow Lite: the signature whose names inputs and outputs get; empty: those of the tensors.
  std::string signature = {};
  CutOptions cut = {};
  // Where the file lies: an ONNX model's external data are read from inside this folder ("": the current
  // one), from nowhere else. Without one such models are refused.
  std::optional<std::string> folder = {};
  // Caffe: the bytes of the .caffemodel beside the prototxt. They must outlive the call.
  std::optional<std::span<const uint8_t>> weights = {};
  // Refuse a model that would have to be repaired (ImportReport::repairs).
  bool strict = false;
  // Names of custom operators that the application will register with the runtime: they are not refused.
  std::vector<std::string> custom_operators = {};
};
// Something about one node of the source: what it is called there (or what it is, where it has no name), what
// is the matter, and what a person can do, or what was done about it.
struct Finding {
  std::string node;
  std::string reason;
  std::string action;
};
// What an importer was at when it failed: reading the file and translating its operators, a shape rule of the
// graph that it builds, or the verifier's look at the whole.
enum class ImportStage { kConvert, kShape, kVerify };
// What a person should know although the import succeeded.
struct ImportReport {
  std::vector<std::string> warnings;
  // All that stands in the way of the import; where there is any, it failed.
  std::vector<Finding> problems;
  // What was expressed in another way than the source does, computing the same.
  std::vector<Finding> repairs;
  ImportStage failed_at = ImportStage::kConvert;  // where it did not
};

enum class Format { kUnknown, kOnnx, kTflite, kTensorflow, kCaffe };
// By the first bytes alone: says what the file claims to be, not that it is sound.
Format DetectFormat(std::span<const uint8_t> bytes);

// The graph owns copies of all it needs: `bytes` may go afterwards. `graph` must be empty; on an error its
// content is unspecified.
Status ImportOnnx(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                  ImportReport* report);
Status ImportTflite(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                    ImportReport* report);
// A frozen GraphDef. mace/importers/tensorflow.
Status ImportTensorflow(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                        ImportReport* report);
// The text of a deploy.prototxt; options.weights are the .caffemodel. mace/importers/caffe.
Status ImportCaffe(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                   ImportReport* report);
// By DetectFormat.
Status Import(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
              ImportReport* report);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_IMPORTER_H_
