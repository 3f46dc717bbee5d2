// What mace_run does: reads arrays, runs the model, writes arrays, measures.
#ifndef TOOLS_MACE_RUN_RUNNER_H_
#define TOOLS_MACE_RUN_RUNNER_H_

#include "options.h"

namespace mace_run {

// Prints the report to standard output. Returns the exit status; throws std::exception with a message for the
// user, UsageError where the command line does not fit the model.
int RunModel(const Options& options);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_RUNNER_H_
