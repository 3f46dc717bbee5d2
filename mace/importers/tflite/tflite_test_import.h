// Test support: importing small TensorFlow Lite files, and the errors that it gives.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_TEST_IMPORT_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_TEST_IMPORT_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mace/importers/importer.h"

namespace mace::importers::tflite {

inline Status Import(const std::vector<uint8_t>& bytes, Graph* graph) {
  ImportReport report;
  return ImportTflite(bytes, {}, graph, &report);
}

inline void ExpectError(const std::vector<uint8_t>& bytes, StatusCode code, const std::string& part) {
  Graph graph;
  const Status status = Import(bytes, &graph);
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << part << ": " << status.message();
}

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_TEST_IMPORT_H_
