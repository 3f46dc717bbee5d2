// What mace_run prints of its measurements.
#ifndef TOOLS_MACE_RUN_REPORT_H_
#define TOOLS_MACE_RUN_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/mace.h"
#include "npy.h"
#include "options.h"

namespace mace_run {

// Of one restart round. Times in milliseconds.
struct Measured {
  float capability = 0;                             // of the CPU (mace_runtime_measure); 0: not measured
  double load = 0;                                  // runtime, model, session; with --fake_warmup the plan
  std::vector<double> rounds;                       // the first plans; without measuring operators
  std::vector<double> profiled_rounds;              // while measuring operators (--benchmark)
  std::vector<std::vector<double>> profiled_steps;  // of each of them, in the plan's order
  std::vector<Array> outputs;                       // of the first sample; their bytes may be gone
  std::string explain;                              // JSON texts, "" where not asked for
  std::string profile;
  size_t samples = 1;
  uint64_t peak_resident = 0;  // bytes of the whole process so far
  int completed_restarts = 1;
};

void Report(const Options& options, const std::vector<mace::TensorInfo>& output_infos,
            const Measured& measured);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_REPORT_H_
