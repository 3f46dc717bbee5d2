#include "options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "help_format.h"
#include "mace/mace_c.h"
#include "text.h"

namespace mace_run {
namespace {

constexpr char kExamples[] = R"(Examples:
  mace_run --model_file net.mace --input_dir in --output_dir out
      reads in/in_0.npy, in/in_1.npy, ... in model order, writes out/out_0.npy,
      ...
  mace_run --model_file net.mace --input_dir in --num_threads 2 --round 20
      prints the times of 20 runs
  mace_run --model_file net.mace --input_dir in --output_dir out --steps 8
      feeds in_i[0], in_i[1], ... in_i[7], keeps the state between them and
      stacks the outputs
  mace_run --model_file net.mace --input_dir in --explain
      prints the plan as JSON: which kernel runs which node, and why
  mace_run --model_file net.mace --benchmark --round 50
      random inputs; tables of the operators, percentiles, memory
  mace_run --model_file net.mace --input_node=input --output_node=prob \
      --input_shape=1,224,224,3 --output_shape=1,1000 \
      --input_file=data/in --output_file=data/out
      reads raw data/in_input, writes raw data/out_prob, as the original did
Raw files hold float32, of integer tensors (int32, int64, bool) int32, little
endian. Layout: where --input_shape is the model's shape, elements stay where
they are; where it is after NHWC <-> NCHW, they are transposed (outputs too).
Without input files, --benchmark and --round feed random numbers: floats in
[-1, 1), integers in [0, 100), bools.
Environment: MACE_RUNTIME_FAILURE_RATIO as --runtime_failure_ratio;
MACE_CPP_MIN_LOG_LEVEL (INFO, WARNING, ERROR, FATAL): what libmace's log shows.
Exit status: 0 on success; 1 where the work failed; 2 where the command line is
wrong (an unknown flag, a bad value).)";

constexpr char kSeeHelp[] = "'mace_run --help' lists the flags";
constexpr char kOriginalGroup[] = "Flags of the original MACE";
constexpr char kUnbuiltGroup[] = "Flags of the original without effect here (accepted with a warning)";
constexpr int kMany = 1 << 30;

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

// "" or what is wrong.
std::string ParseRatio(const std::string& text, double* ratio) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *ratio);
  const bool good = error == std::errc() && rest == end && *ratio >= 0 && *ratio <= 1;
  return good ? "" : "'" + text + "': expected a number from 0 to 1";
}

std::string CheckName(const std::string& name) { return name.empty() ? "the name is empty" : ""; }

// What CLI11 says, and the flag that was probably meant.
void ReportExtras(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const std::string& extra : app.remaining()) {
    const std::string word = extra.substr(0, extra.find('='));
    const std::string nearest = NearestWord(word, names);
    std::fprintf(stderr, "mace_run: unknown %s '%s'", word.starts_with("-") ? "flag" : "argument",
                 Printable(word).c_str());
    if (!nearest.empty()) std::fprintf(stderr, "; did you mean %s?", nearest.c_str());
    std::fprintf(stderr, "\n");
  }
  std::fprintf(stderr, "%s\n", kSeeHelp);
}

// Texts of flags that are parsed after the command line is known to be good.
struct Texts {
  std::string memory_limit, timeout;
};

void AddOwnFlags(CLI::App* app, Options* options, Texts* texts) {
  app->add_option("--model_file", options->model_file, "the model, a .mace file (made by 'mace convert')")
      ->required()
      ->option_text("FILE")
      ->check(CheckName);
  app->add_option("--input_dir", options->input_dir,
                  "folder of in_0.npy, in_1.npy, ... in model order; or, where there are none, of one set of "
                  "files per sample, named <input name><suffix> (.npy or raw)")
      ->option_text("DIR")
      ->check(CheckName);
  app->add_option(
         "--output_dir", options->output_dir,
         "where out_0.npy, ... go, or <output name><suffix> of each sample; made where it is missing")
      ->option_text("DIR")
      ->check(CheckName);
  app->add_option("--steps", options->steps,
                  "walk along axis 0 of every array for N steps, keeping the state; 0: one run")
      ->option_text("N")
      ->check(CLI::Range(0, kMany));
  app->add_option("--round", options->round,
                  "repeat N times, for timing; with flags of the original, after a first run of its own")
      ->option_text("N")
      ->check(CLI::Range(0, kMany));
  app->add_option(
         "--num_threads", options->num_threads,
         "threads (default 1); 0 or -1: one per core that the process may use, which is the class of "
         "--cpu_affinity_policy")
      ->option_text("N")
      ->check(CLI::Range(-1, 256));
  app->add_option("--memory_limit", texts->memory_limit,
                  "most bytes of intermediate results and packed weights, for example 512M; 0: no limit")
      ->option_text("BYTES")
      ->check([](const std::string& text) {
        return ParseSize(text) ? "" : "'" + text + "': expected bytes, or a number with k, M or G";
      });
  app->add_option("--timeout", texts->timeout, "most seconds that one run (with --steps: one step) may take")
      ->option_text("SECONDS")
      ->check([](const std::string& text) {
        return ParseSeconds(text) ? "" : "'" + text + "': expected seconds, more than 0";
      });
  app->add_option("--isa", options->isa, "use at most this instruction set")
      ->option_text("{scalar,sse4,avx2,avxvnni,avx512,avx512vnni,neon,dotprod,i8mm,sve,rvv}")
      ->check(CLI::IsMember({"scalar", "sse4", "avx2", "avxvnni", "avx512", "avx512vnni", "neon", "dotprod",
                             "i8mm", "sve", "rvv"}));
  app->add_option("--verify", options->verify, "full: also check the hashes of the weights")
      ->option_text("{default,full}")
      ->check(CLI::IsMember({"default", "full"}));
  app->add_option("--seed", options->seed, "of random inputs and of failing allocations (default 0)")
      ->option_text("N")
      ->check([](const std::string& text) {
        uint64_t seed = 0;
        const char* end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data(), end, seed);
        const bool is_number = error == std::errc() && rest == end;
        return is_number ? "" : "'" + text + "': expected a number from 0 to 18446744073709551615";
      });
  app->add_flag("--json", options->json, "print one JSON object to standard output");
  app->add_flag("--explain", options->explain, "print the plan (docs/explain.md)");
  app->add_flag("--profile", options->profile, "measure and print every step of the last run");
  app->add_flag("--reference_kernels", options->reference_kernels,
                "use only the plain reference kernels (slow; for finding errors)");
}

void AddTensorFlags(CLI::App* app, const std::string& side, TensorFlags* flags) {
  const auto add = [&](const std::string& name, const char* value, const std::string& help,
                       std::function<std::string(std::string&)> parse) {
    app->add_option_function<std::string>(
           "--" + side + name, [](const std::string&) {}, help)
        ->option_text(value)
        ->group(kOriginalGroup)
        ->check(CLI::Validator(std::move(parse), ""));
  };
  const bool is_output = side == "output";
  add("_node", "NAMES", "names of " + side + "s, with commas; all in model order where left out",
      [flags](std::string& text) { return ParseNodes(text, &flags->nodes); });
  add("_shape", "SHAPES",
      "their shapes: ',' between dimensions, ':' between tensors" +
          std::string(is_output ? "; -1: any size" : "; needed where the model leaves a dimension open"),
      [flags, is_output](std::string& text) { return ParseShapes(text, is_output, &flags->shapes); });
  add("_data_type", "TYPES",
      "float32, float16, bfloat16, int16, uint8, int32, int8 or int64, one for all or a list; must agree "
      "with "
      "the model's on being integers",
      [flags](std::string& text) { return ParseTypes(text, &flags->types); });
  add("_data_format", "FORMATS", "NONE, NHWC (default), NCHW or OIHW, one for all or a list",
      [flags](std::string& text) { return ParseFormats(text, &flags->formats); });
}

void AddOriginalFlags(CLI::App* app, Options* options) {
  app->add_option("--model_name", options->model_name, "the model's name, for the report")
      ->option_text("NAME")
      ->group(kOriginalGroup);
  AddTensorFlags(app, "input", &options->inputs);
  AddTensorFlags(app, "output", &options->outputs);
  app->add_option("--input_file", options->input_file,
                  "inputs are read from PREFIX_<input name>, raw or with .npy behind; characters that are no "
                  "letters or digits are '_'")
      ->option_text("PREFIX")
      ->group(kOriginalGroup)
      ->check(CheckName);
  app->add_option("--output_file", options->output_file,
                  "outputs are written to PREFIX_<output name>, raw; only those of --output_node")
      ->option_text("PREFIX")
      ->group(kOriginalGroup)
      ->check(CheckName);
  app->add_option("--restart_round", options->restart_round, "load, run and release the model N times")
      ->option_text("N")
      ->group(kOriginalGroup)
      ->check(CLI::Range(1, kMany));
  app->add_option("--malloc_check_cycle", options->malloc_check_cycle,
                  "tell resident memory every N rounds; -1: never")
      ->option_text("N")
      ->group(kOriginalGroup)
      ->check(CLI::Range(-1, kMany));
  app->add_option("--cpu_affinity_policy", options->cpu_affinity_policy,
                  "bind the process to a class of cores, 0: none (default; the original's was 1), 1: big, 2: "
                  "little, 3: the fastest, 4: the slowest; nothing where all are equally fast")
      ->option_text("N")
      ->group(kOriginalGroup)
      ->check(CLI::Range(0, 4));
  app->add_option_function<std::string>(
         "--runtime_failure_ratio", [](const std::string&) {},
         "let this share of allocations fail; after a failure go on with the next --restart_round")
      ->option_text("RATIO")
      ->group(kOriginalGroup)
      ->check([options](const std::string& text) { return ParseRatio(text, &options->failure_ratio); });
  app->add_flag("--benchmark,--benchmark_model", options->benchmark,
                "measure every operator: tables, percentiles, memory")
      ->group(kOriginalGroup);
  app->add_flag("--fake_warmup", options->fake_warmup, "plan and pack weights before the first run")
      ->group(kOriginalGroup);
  for (const UnbuiltFlag& flag : UnbuiltFlags()) {
    CLI::Option* option = app->add_option_function<std::string>(
        std::string("--") + flag.name, [](const std::string&) {}, flag.help);
    option->option_text(flag.value)->group(kUnbuiltGroup);
    if (flag.least <= flag.most) option->check(CLI::Range(flag.least, flag.most));
  }
}

// From the environment, where no flag says it.
void ReadEnvironment(const CLI::App& app, Options* options) {
  const char* ratio = std::getenv("MACE_RUNTIME_FAILURE_RATIO");
  if (ratio != nullptr && *ratio != '\0' && app.get_option("--runtime_failure_ratio")->count() == 0) {
    const std::string problem = ParseRatio(ratio, &options->failure_ratio);
    if (!problem.empty()) throw UsageError("MACE_RUNTIME_FAILURE_RATIO: " + problem);
  }
  const char* level = std::getenv("MACE_CPP_MIN_LOG_LEVEL");
  if (level == nullptr || *level == '\0') return;
  const std::vector<std::string> names = {"FATAL", "ERROR", "WARNING", "INFO"};
  for (size_t i = 0; i < names.size(); ++i) {
    // FATAL: libmace never aborts, and has no such message.
    if (names[i] == level) return void(options->log_level = static_cast<int>(i) - 1);
  }
  throw UsageError("MACE_CPP_MIN_LOG_LEVEL: '" + std::string(level) +
                   "': expected INFO, WARNING, ERROR or FATAL");
}

// What only the whole command line shows.
void Finish(const CLI::App& app, const Texts& texts, Options* options) {
  options->memory_limit = ParseSize(texts.memory_limit).value_or(0);
  options->timeout_ns = ParseSeconds(texts.timeout).value_or(0);
  options->is_round_given = app.get_option("--round")->count() > 0;
  for (const CLI::Option* option : app.get_options()) {
    const bool is_original = option->get_group() == kOriginalGroup || option->get_group() == kUnbuiltGroup;
    options->is_original = options->is_original || (is_original && option->count() > 0);
  }
  for (const UnbuiltFlag& flag : UnbuiltFlags()) {
    if (app.get_option(std::string("--") + flag.name)->count() == 0) continue;
    options->warnings.push_back(std::string("--") + flag.name + " has no effect: " + flag.reason);
  }
  ReadEnvironment(app, options);
  if (!options->input_file.empty() && !options->input_dir.empty()) {
    throw UsageError("--input_file and --input_dir: only one of them can be given");
  }
  if (options->steps > 0 && !options->input_file.empty()) {
    throw UsageError("--steps walks along the arrays of --input_dir, not of --input_file");
  }
  bool needs_shape = false;
  for (mace::DataFormat format : options->outputs.formats) {
    needs_shape = needs_shape || format == mace::DataFormat::NHWC || format == mace::DataFormat::NCHW;
  }
  if (needs_shape && options->outputs.shapes.empty()) {
    throw UsageError("--output_data_format needs --output_shape, which tells the model's layout from it");
  }
}

std::vector<std::string> Arguments(int argc, char** argv, const CLI::App& app) {
  std::vector<std::string> values;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() == 0) continue;
    for (const std::string& name : option->get_lnames()) values.push_back(name);
  }
  const std::vector<Switch> switches = {
      {"benchmark", "benchmark"}, {"benchmark_model", "benchmark"}, {"fake_warmup", "fake_warmup"}};
  const std::vector<std::string> given(argv + std::min(argc, 1), argv + argc);
  return Normalized(given, values, switches);
}

}  // namespace

bool ParseOptions(int argc, char** argv, Options* options, int* exit_status) {
  CLI::App app("Runs a .mace model on .npy files, or on raw files as the original did.", "mace_run");
  app.footer(kExamples);
  app.formatter(std::make_shared<HelpFormat>());
  app.set_version_flag("--version", mace_version());
  app.get_option("--version")->description("print the version");
  app.get_help_ptr()->description("print this text");
  app.allow_extras();  // reported below, with a suggestion
  Texts texts;
  AddOwnFlags(&app, options, &texts);
  AddOriginalFlags(&app, options);
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() > 0) continue;
    option->multi_option_policy(CLI::MultiOptionPolicy::Throw)->disable_flag_override();
  }
  *exit_status = 0;
  try {
    std::vector<std::string> arguments = Arguments(argc, argv, app);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the end
    app.parse(arguments);
    if (app.remaining().empty()) Finish(app, texts, options);
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
  } catch (const UsageError& error) {
    std::fprintf(stderr, "mace_run: %s\n%s\n", Printable(error.what()).c_str(), kSeeHelp);
    *exit_status = 2;
    return false;
  }
  if (app.remaining().empty()) return true;
  ReportExtras(app);
  *exit_status = 2;
  return false;
}

}  // namespace mace_run
