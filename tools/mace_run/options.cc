#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "mace/mace_c.h"
#include "text.h"

namespace mace_run {
namespace {

constexpr char kExamples[] = R"(Examples:
  mace_run --model_file net.mace --input_dir in --output_dir out
      reads in/in_0.npy, in/in_1.npy, ... in model order and writes out/out_0.npy, ...
  mace_run --model_file net.mace --input_dir in --num_threads 2 --round 20
      prints the times of 20 runs
  mace_run --model_file net.mace --input_dir in --output_dir out --steps 8
      feeds in_i[0], in_i[1], ... in_i[7], keeps the state between them and stacks the outputs
  mace_run --model_file net.mace --input_dir in --explain
      prints the plan as JSON: which kernel runs which node, and why
Exit status: 0 on success; 1 where the work failed (a file, the model, memory); 2 where the command line is
wrong (an unknown flag, a bad value).)";

constexpr char kSeeHelp[] = "'mace_run --help' lists the flags";

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

// Bytes, or a number with k, M or G.
std::optional<uint64_t> ParseSize(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  int shift = 0;
  if (error != std::errc() || end - rest > 1) return std::nullopt;
  if (rest != end) {
    const char suffix = *rest;
    shift = suffix == 'k' || suffix == 'K'   ? 10
            : suffix == 'm' || suffix == 'M' ? 20
            : suffix == 'g' || suffix == 'G' ? 30
                                             : 64;
  }
  if (shift == 64 || value > (UINT64_MAX >> shift)) return std::nullopt;
  return value << shift;
}

// Seconds above zero, in nanoseconds.
std::optional<uint64_t> ParseSeconds(const std::string& text) {
  constexpr double kNanoseconds = 1e9, kLongest = 1e10;  // 300 years
  double seconds = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || rest != end || !(seconds > 0) || !std::isfinite(seconds)) return std::nullopt;
  if (seconds >= kLongest) return 0;
  return std::max<uint64_t>(1, static_cast<uint64_t>(seconds * kNanoseconds));
}

std::string CheckName(const std::string& name) { return name.empty() ? "the name is empty" : ""; }

// What CLI11 says, and the flag that was probably meant.
void ReportExtras(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  for (const std::string& extra : app.remaining()) {
    const std::string word = extra.substr(0, extra.find('='));
    const std::string nearest = NearestWord(word, names.data(), names.size());
    std::fprintf(stderr, "mace_run: unknown %s '%s'", word.starts_with("-") ? "flag" : "argument",
                 Printable(word).c_str());
    if (!nearest.empty()) std::fprintf(stderr, "; did you mean %s?", nearest.c_str());
    std::fprintf(stderr, "\n");
  }
  std::fprintf(stderr, "%s\n", kSeeHelp);
}

}  // namespace

std::string NearestWord(const std::string& word, const std::string* candidates, size_t count) {
  std::string nearest;
  size_t best = std::max<size_t>(2, word.size() / 3) + 1;
  for (size_t i = 0; i < count; ++i) {
    const size_t distance = EditDistance(word, candidates[i]);
    if (distance >= best) continue;
    best = distance;
    nearest = candidates[i];
  }
  return nearest;
}

bool ParseOptions(int argc, char** argv, Options* options, int* exit_status) {
  CLI::App app("Runs a .mace model on .npy files.", "mace_run");
  app.footer(kExamples);
  app.set_version_flag("--version", mace_version());
  std::string memory_limit, timeout;
  app.allow_extras();  // reported below, with a suggestion
  app.add_option("--model_file", options->model_file, "the model, a .mace file (made by 'mace convert')")
      ->required()
      ->check(CheckName);
  app.add_option("--input_dir", options->input_dir, "folder of in_0.npy, in_1.npy, ... in model order")
      ->check(CheckName);
  app.add_option("--output_dir", options->output_dir, "where out_0.npy, ... go; made where it is missing")
      ->check(CheckName);
  app.add_option("--steps", options->steps,
                 "walk along axis 0 of every array for N steps, keeping the state; 0: one run")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--round", options->round, "repeat N times, for timing")->check(CLI::Range(1, 1 << 30));
  app.add_option("--num_threads", options->num_threads, "threads; 0: one per core")
      ->check(CLI::Range(0, 256));
  app.add_option("--memory_limit", memory_limit,
                 "most bytes of intermediate results and packed weights, for example 512M; 0: no limit")
      ->check([](const std::string& text) {
        return ParseSize(text) ? "" : "'" + text + "': expected bytes, or a number with k, M or G";
      });
  app.add_option("--timeout", timeout, "most seconds that one run (with --steps: one step) may take")
      ->check([](const std::string& text) {
        return ParseSeconds(text) ? "" : "'" + text + "': expected seconds, more than 0";
      });
  app.add_option("--isa", options->isa, "use at most this instruction set")
      ->check(CLI::IsMember({"scalar", "sse4", "avx2", "avxvnni", "avx512", "avx512vnni", "neon", "dotprod",
                             "i8mm", "sve", "rvv"}));
  app.add_option("--verify", options->verify, "full: also check the hashes of the weights")
      ->check(CLI::IsMember({"default", "full"}));
  app.add_flag("--json", options->json, "print one JSON object to standard output");
  app.add_flag("--explain", options->explain, "print the plan (docs/explain.md)");
  app.add_flag("--profile", options->profile, "measure and print every step of the last run");
  app.add_flag("--reference_kernels", options->reference_kernels,
               "use only the plain reference kernels (slow; for finding errors)");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() > 0) continue;
    option->multi_option_policy(CLI::MultiOptionPolicy::Throw)->disable_flag_override();
  }
  *exit_status = 0;
  try {
    app.parse(argc, argv);
    options->memory_limit = ParseSize(memory_limit).value_or(0);
    options->timeout_ns = ParseSeconds(timeout).value_or(0);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      app.exit(error);
      return false;
    }
    *exit_status = 2;
    if (!app.remaining().empty()) {
      ReportExtras(app);
    } else {
      std::fprintf(stderr, "mace_run: %s\n%s\n", Printable(error.what()).c_str(), kSeeHelp);
    }
    return false;
  }
  if (app.remaining().empty()) return true;
  ReportExtras(app);
  *exit_status = 2;
  return false;
}

}  // namespace mace_run
