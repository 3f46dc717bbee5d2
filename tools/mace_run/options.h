// The command line of mace_run.
#ifndef TOOLS_MACE_RUN_OPTIONS_H_
#define TOOLS_MACE_RUN_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "original_flags.h"

namespace mace_run {

struct Options {
  std::string model_file;
  std::string input_dir;
  std::string output_dir;
  std::string isa;
  std::string verify = "default";
  int steps = 0;
  int round = 1;
  int num_threads = 1;        // 0 or less: one per core that the process may use
  uint64_t memory_limit = 0;  // bytes of intermediate results and packed weights; 0: no limit
  uint64_t timeout_ns = 0;    // of one run (of one step, where there are some); 0: no limit
  bool json = false;
  bool explain = false;
  bool profile = false;
  bool reference_kernels = false;

  // The original's.
  std::string model_name;
  std::string input_file;
  std::string output_file;
  TensorFlags inputs;
  TensorFlags outputs;
  int restart_round = 1;
  int malloc_check_cycle = -1;  // rounds between two reports of resident memory; less than 1: none
  int cpu_affinity_policy = 0;
  bool benchmark = false;
  bool fake_warmup = false;
  double failure_ratio = 0;  // of allocations that fail
  uint64_t seed = 0;
  int log_level = -1;  // the greatest mace_log_level that is shown

  bool is_round_given = false;
  bool is_original = false;  // one of the original's flags was given: its report, and a first run of its own
  std::vector<std::string> warnings;  // of flags without effect
};

// True: go on. False: end the program with `*exit_status` (after --help, --version, or a mistake, which has
// been reported).
bool ParseOptions(int argc, char** argv, Options* options, int* exit_status);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_OPTIONS_H_
