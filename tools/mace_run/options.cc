#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <vector>

#include "mace/mace_c.h"

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

// What CLI11 says, and the flag that was probably meant.
void ReportExtras(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  for (const std::string& extra : app.remaining()) {
    const std::string word = extra.substr(0, extra.find('='));
    const std::string nearest = NearestWord(word, names.data(), names.size());
    std::fprintf(stderr, "mace_run: unknown %s '%s'", word.starts_with("-") ? "flag" : "argument",
                 word.c_str());
    if (!nearest.empty()) std::fprintf(stderr, "; did you mean %s?", nearest.c_str());
    std::fprintf(stderr, "\n");
  }
  std::fprintf(stderr, "'mace_run --help' lists the flags\n");
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
  app.allow_extras();  // reported below, with a suggestion
  app.add_option("--model_file", options->model_file, "the model, a .mace file (made by 'mace convert')")
      ->required();
  app.add_option("--input_dir", options->input_dir, "folder of in_0.npy, in_1.npy, ... in model order");
  app.add_option("--output_dir", options->output_dir, "where out_0.npy, ... go; made where it is missing");
  app.add_option("--steps", options->steps,
                 "walk along axis 0 of every array for N steps, keeping the state; 0: one run")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--round", options->round, "repeat N times, for timing")->check(CLI::Range(1, 1 << 30));
  app.add_option("--num_threads", options->num_threads, "threads; 0: one per core")
      ->check(CLI::Range(0, 256));
  app.add_option("--isa", options->isa, "use at most this instruction set")
      ->check(CLI::IsMember({"scalar", "sse4", "avx2", "avx512", "neon", "sve", "rvv"}));
  app.add_option("--verify", options->verify, "full: also check the hashes of the weights")
      ->check(CLI::IsMember({"default", "full"}));
  app.add_flag("--json", options->json, "print one JSON object to standard output");
  app.add_flag("--explain", options->explain, "print the plan (docs/explain.md)");
  app.add_flag("--profile", options->profile, "measure and print every step of the last run");
  app.add_flag("--reference_kernels", options->reference_kernels,
               "use only the plain reference kernels (slow; for finding errors)");
  *exit_status = 0;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0 && !app.remaining().empty()) {
      ReportExtras(app);
      *exit_status = 2;
      return false;
    }
    *exit_status = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
  if (app.remaining().empty()) return true;
  ReportExtras(app);
  *exit_status = 2;
  return false;
}

}  // namespace mace_run
