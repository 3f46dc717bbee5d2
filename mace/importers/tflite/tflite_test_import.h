// Test support: importing small TensorFlow Lite files, and the errors that it gives.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_TEST_IMPORT_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_TEST_IMPORT_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mace/importers/importer.h"
#include "mace/ops/evaluate.h"

namespace mace::importers::tflite {

inline Status Import(const std::vector<uint8_t>& bytes, Graph* graph, ImportReport* report = nullptr,
                     const ImportOptions& options = {}) {
  ImportReport unread;
  return ImportTflite(bytes, options, graph, report == nullptr ? &unread : report);
}

inline void ExpectError(const std::vector<uint8_t>& bytes, StatusCode code, const std::string& part) {
  Graph graph;
  const Status status = Import(bytes, &graph);
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << part << ": " << status.message();
}

// What changed bytes make of a good file is an error or a graph, never a crash.
inline void ExpectNoCrashWhenChanged(const std::vector<uint8_t>& good) {
  constexpr size_t kAfterTheIdentifier = 8;
  for (size_t i = kAfterTheIdentifier; i < good.size(); ++i) {
    for (uint8_t flip : {1, 2, 128, 255}) {
      std::vector<uint8_t> bytes = good;
      bytes[i] = static_cast<uint8_t>(bytes[i] ^ flip);
      Graph graph;
      const Status status = Import(bytes, &graph);
      EXPECT_EQ(status.ok(), std::string(status.message()).empty());
    }
  }
}

// What a graph of one float input and one float output gives.
inline std::vector<float> RunFloats(const Graph& graph, std::vector<float> input, const Shape& shape) {
  const TensorView feed = {input.data(), DType::kF32, shape};
  Vector<EvaluatedTensor> fetches;
  const Status status = EvaluateGraph(graph, {&feed, 1}, {}, &fetches);
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  const float* result = fetches[0].view.as<float>();
  return {result, result + fetches[0].view.elements()};
}

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_TEST_IMPORT_H_
