// The command line of mace_run.
#ifndef TOOLS_MACE_RUN_OPTIONS_H_
#define TOOLS_MACE_RUN_OPTIONS_H_

#include <cstdint>
#include <string>

namespace mace_run {

struct Options {
  std::string model_file;
  std::string input_dir;
  std::string output_dir;
  std::string isa;
  std::string verify = "default";
  int steps = 0;
  int round = 1;
  int num_threads = 1;
  uint64_t memory_limit = 0;  // bytes of intermediate results and packed weights; 0: no limit
  uint64_t timeout_ns = 0;    // of one run (of one step, where there are some); 0: no limit
  bool json = false;
  bool explain = false;
  bool profile = false;
  bool reference_kernels = false;
};

// True: go on. False: end the program with `*exit_status` (after --help, --version, or a mistake, which has
// been reported).
bool ParseOptions(int argc, char** argv, Options* options, int* exit_status);

// The candidate nearest to `word`, or "" where none is near.
std::string NearestWord(const std::string& word, const std::string* candidates, size_t count);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_OPTIONS_H_
