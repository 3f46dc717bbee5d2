// One model through all stages, from bytes to a run.
#ifndef MACE_TESTS_MUTATION_STAGES_H_
#define MACE_TESTS_MUTATION_STAGES_H_

#include <cstdint>
#include <span>
#include <string>

#include "mutators.h"

namespace mace::mutation {

// In order; kDone: it ran.
enum class Stage { kParse, kImport, kVerify, kShape, kOptimise, kWrite, kLoad, kPlan, kRun, kDone };
inline constexpr int kStageCount = 10;
const char* NameOf(Stage stage);

struct Outcome {
  Stage stage = Stage::kDone;  // where it ended
  std::string message;
  bool unsupported = false;  // the error says kUnsupported
  bool internal = false;     // the error says kInternal: a defect that is worth a look
  bool threw = false;        // an exception came out of a function that promises a Status
};

// `seed` decides the input values of the run.
Outcome RunStages(std::span<const uint8_t> bytes, FileKind kind, uint64_t seed);

}  // namespace mace::mutation

#endif  // MACE_TESTS_MUTATION_STAGES_H_
