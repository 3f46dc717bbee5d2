// Feeds damaged model files to the whole way of a model, in one process: parse, import (with its verification
// and shape rules), optimise, write, load, plan, run. No damaged file may crash the process, take longer than
// --seconds, or take more memory than --memory_mib + 4 x its size.
//
//   mutate_models --count 20000 --seed 1 [--failures FOLDER] [--only N] FILE.onnx FILE.tflite FILE.mace ...
//
// Prints where the models died. Every mutation depends on the seed and its number alone: --only N repeats
// one.
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "mutators.h"
#include "stages.h"

namespace mace::mutation {
namespace {

struct Arguments {
  int64_t count = 20000;
  int64_t first = 0;
  uint64_t seed = 1;
  int64_t only = -1;
  int64_t seconds = 5;
  int64_t memory_mib = 512;
  std::string failures;
  std::vector<std::string> files;
};

struct SeedFile {
  std::string path;
  FileKind kind;
  ByteVector bytes;
};

// What the signal handlers need; they may call only async-signal-safe functions.
struct Current {
  const uint8_t* data = nullptr;
  size_t size = 0;
  const char* failures = "";
  const char* extension = "";
  volatile int64_t number = -1;
};
constinit Current current;

void SaveCurrent() {
  if (current.failures[0] == '\0') return;
  char path[4096];
  const int length = std::snprintf(path, sizeof(path), "%s/mutation_%lld%s", current.failures,
                                   static_cast<long long>(current.number), current.extension);
  if (length <= 0 || length >= static_cast<int>(sizeof(path))) return;
  const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (descriptor < 0) return;
  size_t done = 0;
  while (done < current.size) {
    const ssize_t written = write(descriptor, current.data + done, current.size - done);
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  close(descriptor);
}

void OnSignal(int signal_number) {
  char text[128];
  const int length = std::snprintf(text, sizeof(text), "FAILED: mutation %lld %s (signal %d)\n",
                                   static_cast<long long>(current.number),
                                   signal_number == SIGALRM ? "hangs" : "crashes", signal_number);
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0) _exit(3);
  SaveCurrent();
  if (signal_number == SIGALRM) _exit(2);
  signal(signal_number, SIG_DFL);  // the default action follows, with a core or a sanitizer's report
  raise(signal_number);
}

void SetAlarm(int64_t seconds) {
  struct itimerval timer = {};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

[[noreturn]] void Usage(const std::string& problem) {
  std::fprintf(
      stderr,
      "mutate_models: %s\nusage: mutate_models [--count N] [--first N] [--seed N] [--only N] [--seconds N] "
      "[--memory_mib N] [--failures FOLDER] FILE...\n",
      problem.c_str());
  std::exit(64);
}

Arguments ParseArguments(int argc, char** argv) {
  Arguments arguments;
  const std::map<std::string, int64_t*> numbers = {{"--count", &arguments.count},
                                                   {"--first", &arguments.first},
                                                   {"--only", &arguments.only},
                                                   {"--seconds", &arguments.seconds},
                                                   {"--memory_mib", &arguments.memory_mib}};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!argument.starts_with("--")) {
      arguments.files.push_back(argument);
      continue;
    }
    if (i + 1 >= argc) Usage(argument + " needs a value");
    const std::string value = argv[++i];
    if (argument == "--failures") {
      arguments.failures = value;
    } else if (argument == "--seed") {
      arguments.seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (numbers.contains(argument)) {
      *numbers.at(argument) = std::strtoll(value.c_str(), nullptr, 10);
    } else {
      Usage("unknown flag " + argument);
    }
  }
  if (arguments.files.empty()) Usage("no files");
  return arguments;
}

std::vector<SeedFile> ReadFiles(const std::vector<std::string>& paths) {
  std::vector<SeedFile> files;
  for (const std::string& path : paths) {
    const std::string extension = std::filesystem::path(path).extension().string();
    SeedFile file{path, FileKind::kOnnx, {}};
    if (extension == ".tflite") {
      file.kind = FileKind::kTflite;
    } else if (extension == ".mace") {
      file.kind = FileKind::kMace;
    } else if (extension != ".onnx") {
      Usage("'" + path + "' is neither .onnx, .tflite nor .mace");
    }
    std::ifstream stream(path, std::ios::binary);
    file.bytes.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    if (!stream || file.bytes.empty()) Usage("cannot read '" + path + "'");
    files.push_back(std::move(file));
  }
  return files;
}

const char* ExtensionOf(FileKind kind) {
  return kind == FileKind::kOnnx ? ".onnx" : kind == FileKind::kTflite ? ".tflite" : ".mace";
}

struct Totals {
  int64_t count = 0;
  int64_t died[kStageCount] = {};  // per stage; kDone: ran
  int64_t unsupported = 0;         // of these: well-formed, but of a kind that MACE does not have
  int64_t failures = 0;
  int64_t highest_peak = 0;
  double slowest_seconds = 0;
  int64_t slowest_number = 0;
  std::map<std::string, int64_t> internal_errors;  // the first mutation that gives each
};

class Runner {
 public:
  Runner(const Arguments& arguments, std::vector<SeedFile> files)
      : arguments_(arguments), files_(std::move(files)) {
    for (const SeedFile& file : files_) donors_[file.kind].push_back(file.bytes);
  }

  // Undamaged files must run, or the numbers would say nothing. Returns the number of those that do not.
  int CheckSeeds() {
    int bad = 0;
    for (const SeedFile& file : files_) {
      const Outcome outcome = RunStages(file.bytes, file.kind, 0);
      if (outcome.stage == Stage::kDone) continue;
      std::printf("seed file %s ends at %s: %s\n", file.path.c_str(), NameOf(outcome.stage),
                  outcome.message.c_str());
      ++bad;
    }
    return bad;
  }

  void RunOne(int64_t number, bool verbose) {
    Random random(arguments_.seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(number));
    const SeedFile& file = files_[Below(random, files_.size())];
    const ByteVector bytes = Mutate(file.bytes, file.kind, donors_[file.kind], random);
    current.data = bytes.data();
    current.size = bytes.size();
    current.extension = ExtensionOf(file.kind);
    current.number = number;
    if (verbose) SaveCurrent();

    SetAlarm(arguments_.seconds);
    BeginPeak();
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = RunStages(bytes, file.kind, random());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const int64_t peak = Peak();
    SetAlarm(0);

    Count(number, outcome, peak, seconds.count());
    const int64_t limit = (arguments_.memory_mib << 20) + 4 * static_cast<int64_t>(bytes.size());
    if (peak > limit || outcome.threw) {
      ++totals_.failures;
      std::printf("FAILED: mutation %lld of %s: %s, peak %lld bytes, %s\n", static_cast<long long>(number),
                  file.path.c_str(), outcome.threw ? "an exception came out" : "too much memory",
                  static_cast<long long>(peak), outcome.message.c_str());
      SaveCurrent();
    }
    if (verbose) {
      std::printf("mutation %lld of %s: %s%s%s, %.3f s, peak %lld bytes\n", static_cast<long long>(number),
                  file.path.c_str(), NameOf(outcome.stage), outcome.message.empty() ? "" : ": ",
                  outcome.message.c_str(), seconds.count(), static_cast<long long>(peak));
    }
  }

  // True where nothing failed and enough got past the parser.
  bool Report() const {
    std::printf("%lld mutated models of %zu files, seed %llu\n", static_cast<long long>(totals_.count),
                files_.size(), static_cast<unsigned long long>(arguments_.seed));
    for (int i = 0; i < kStageCount; ++i) {
      const auto stage = static_cast<Stage>(i);
      std::printf("  %s %-9s %7lld  %5.1f %%\n", stage == Stage::kDone ? "ran    " : "died at",
                  stage == Stage::kDone ? "" : NameOf(stage), static_cast<long long>(totals_.died[i]),
                  Percent(totals_.died[i]));
    }
    std::printf("  of the dead, reported as unsupported: %lld\n",
                static_cast<long long>(totals_.unsupported));
    std::printf("  slowest %.3f s (mutation %lld), highest peak %.1f MiB\n", totals_.slowest_seconds,
                static_cast<long long>(totals_.slowest_number),
                static_cast<double>(totals_.highest_peak) / 1048576.0);
    for (const auto& [message, number] : totals_.internal_errors) {
      std::printf("  internal error (mutation %lld): %s\n", static_cast<long long>(number), message.c_str());
    }
    const int64_t parsed = totals_.count - totals_.died[static_cast<int>(Stage::kParse)];
    const bool enough = parsed * 4 >= totals_.count;
    std::printf("  past the parser: %.1f %%%s\n", Percent(parsed),
                enough ? "" : " (less than a quarter: FAILED)");
    std::printf("  failures: %lld\n", static_cast<long long>(totals_.failures));
    return totals_.failures == 0 && enough;
  }

 private:
  double Percent(int64_t part) const {
    return 100.0 * static_cast<double>(part) / static_cast<double>(totals_.count ? totals_.count : 1);
  }
  void Count(int64_t number, const Outcome& outcome, int64_t peak, double seconds) {
    ++totals_.count;
    ++totals_.died[static_cast<int>(outcome.stage)];
    if (outcome.unsupported) ++totals_.unsupported;
    if (outcome.internal && totals_.internal_errors.size() < 20) {
      totals_.internal_errors.emplace(outcome.message, number);
    }
    if (peak > totals_.highest_peak) totals_.highest_peak = peak;
    if (seconds > totals_.slowest_seconds) {
      totals_.slowest_seconds = seconds;
      totals_.slowest_number = number;
    }
  }

  const Arguments& arguments_;
  std::vector<SeedFile> files_;
  std::map<FileKind, std::vector<ByteVector>> donors_;
  Totals totals_;
};

int Main(int argc, char** argv) {
  const Arguments arguments = ParseArguments(argc, argv);
  current.failures = arguments.failures.c_str();
  Runner runner(arguments, ReadFiles(arguments.files));
  struct sigaction action = {};
  action.sa_handler = &OnSignal;
  for (int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) {
    sigaction(signal_number, &action, nullptr);
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int bad_seeds = runner.CheckSeeds();
  if (arguments.only >= 0) {
    runner.RunOne(arguments.only, /*verbose=*/true);
  } else {
    const int64_t end = arguments.first + arguments.count;
    for (int64_t number = arguments.first; number < end; ++number) runner.RunOne(number, false);
  }
  const bool ok = runner.Report();
  return ok && (bad_seeds == 0 || arguments.only >= 0) ? 0 : 1;
}

}  // namespace
}  // namespace mace::mutation

int main(int argc, char** argv) { return mace::mutation::Main(argc, argv); }
