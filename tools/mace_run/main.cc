// mace_run: runs a .mace model on .npy or raw files. It knows nothing of libmace but its public headers.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "options.h"
#include "runner.h"
#include "text.h"

namespace {

// What was printed may not have arrived (a full disk behind standard output).
void CheckOutput() {
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) {
    throw std::runtime_error("standard output cannot be written");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) throw std::runtime_error("standard output is closed");
    mace_run::Options options;
    int exit_status = 0;
    if (mace_run::ParseOptions(argc, argv, &options, &exit_status)) exit_status = mace_run::RunModel(options);
    CheckOutput();
    return exit_status;
  } catch (const mace_run::UsageError& error) {
    std::fprintf(stderr, "mace_run: %s\n", mace_run::Printable(error.what()).c_str());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mace_run: %s\n", mace_run::Printable(error.what()).c_str());
    return 1;
  }
}
