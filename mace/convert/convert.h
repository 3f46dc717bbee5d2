// The whole host side in one call: a trained model's bytes in, a .mace file's bytes out. What `mace convert`,
// `mace.load`, the fuzzers and the tests share.
#ifndef MACE_CONVERT_CONVERT_H_
#define MACE_CONVERT_CONVERT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mace/convert/pipeline.h"
#include "mace/core/status.h"
#include "mace/importers/importer.h"
#include "mace/passes/passes.h"

namespace mace::convert {

struct ConvertOptions {
  // Fed-back pairs {output name, input name}: the output of a run becomes the input of the next (mace convert
  // --state).
  std::vector<std::pair<std::string, std::string>> states;
  // Of a TensorFlow Lite model: inputs and outputs are called as in this signature, not by their tensors'
  // names.
  std::string signature = {};
  bool optimize = true;  // run the passes; without them the file holds the model as it was imported
  // What is converted instead of the whole: joined sub-graphs, other inputs and outputs.
  importers::CutOptions cut = {};
  // Where the source lies: external data are read from inside this folder, and refused where there is none.
  std::optional<std::string> folder = {};
  // Caffe: the bytes of the .caffemodel; they must outlive the call.
  std::optional<std::span<const uint8_t>> weights = {};
  bool strict = false;                             // refuse what would have to be repaired
  std::vector<std::string> custom_operators = {};  // see importers::ImportOptions
  passes::OptimizeOptions passes = {};
  // The file keeps the names of inputs, outputs and states only, and of the symbols in their shapes.
  bool strip_names = false;
  // Added to (and replacing equal keys of) the source's metadata.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  // Steps in front of inputs and behind outputs, by the names that these have in the result.
  std::vector<Pipeline> preprocess = {};
  std::vector<Pipeline> postprocess = {};
};

struct ConvertReport {
  std::vector<std::string> warnings;
  std::vector<importers::Finding> problems;
  std::vector<importers::Finding> repairs;
  std::vector<passes::PassRecord> passes;                  // in the order in which they ran
  std::string format;                                      // "onnx", "tflite", "tensorflow", "caffe"
  std::vector<std::pair<std::string, int64_t>> operators;  // name and count of the nodes written
};

// Import, shape inference, passes, verification, serialisation. Errors name node and tensor. Never throws.
Status ConvertModel(std::span<const uint8_t> bytes, const ConvertOptions& options,
                    std::vector<uint8_t>* mace_file, ConvertReport* report);

}  // namespace mace::convert

#endif  // MACE_CONVERT_CONVERT_H_
