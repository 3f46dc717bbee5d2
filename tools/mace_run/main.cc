// mace_run: runs a .mace model on .npy files. It knows nothing of libmace but mace.h.
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "options.h"
#include "runner.h"

int main(int argc, char** argv) {
  try {
    mace_run::Options options;
    int exit_status = 0;
    if (!mace_run::ParseOptions(argc, argv, &options, &exit_status)) return exit_status;
    mace_run::RunModel(options);
    // What was printed may not have arrived (a full disk behind standard output).
    if (std::fflush(stdout) != 0) throw std::runtime_error("standard output cannot be written");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mace_run: %s\n", error.what());
    return 1;
  }
}
