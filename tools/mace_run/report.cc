#include "report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "benchmark_tables.h"
#include "raw_tensors.h"
#include "statistics.h"
#include "text.h"

namespace mace_run {
namespace {

using Json = nlohmann::ordered_json;

Json JsonOf(const Options& options, const std::vector<mace::TensorInfo>& infos, const Measured& measured,
            const Statistics& later) {
  Json json = {
      {"model_file", options.model_file}, {"num_threads", options.num_threads},
      {"steps", options.steps},           {"round", options.round},
      {"load_ms", measured.load},         {"first_ms", measured.rounds[0]},
      {"average_ms", later.average},      {"min_ms", later.min},
      {"median_ms", later.p50},           {"rounds_ms", measured.rounds},
      {"outputs", Json::array()},
  };
  for (size_t i = 0; i < measured.outputs.size(); ++i) {
    json["outputs"].push_back({{"name", infos[i].name},
                               {"dtype", DTypeName(measured.outputs[i].dtype)},
                               {"shape", measured.outputs[i].shape}});
  }
  if (options.is_original) {
    json["model_name"] = options.model_name;
    json["capability_ms"] = measured.capability;
    json["samples"] = measured.samples;
    json["restart_round"] = options.restart_round;
    json["completed_restart_rounds"] = measured.completed_restarts;
  }
  return json;
}

// What a script of the original reads.
void PrintSummary(const Measured& measured, double average) {
  std::printf("%20s %11s %11s %11s\n", "capability(CPU)", "init", "warmup", "run_avg");
  std::printf("time %15.3f %11.3f %11.3f %11.3f\n", static_cast<double>(measured.capability), measured.load,
              measured.rounds[0], average);
}

Benchmark Tabulated(const Measured& measured, const std::vector<double>& rounds) {
  Benchmark benchmark =
      BenchmarkOf(Json::parse(measured.explain), rounds, measured.profiled_rounds, measured.profiled_steps);
  benchmark.peak_resident = measured.peak_resident;
  return benchmark;
}

}  // namespace

void Report(const Options& options, const std::vector<mace::TensorInfo>& output_infos,
            const Measured& measured) {
  // The first round plans; where there are more, it is told apart.
  std::vector<double> rounds = measured.rounds;
  if (rounds.size() > 1) rounds.erase(rounds.begin());
  const Statistics later = StatisticsOf(rounds);
  if (options.json) {
    Json json = JsonOf(options, output_infos, measured, later);
    if (options.explain) json["explain"] = Json::parse(measured.explain);
    if (options.profile) json["profile"] = Json::parse(measured.profile);
    if (options.benchmark) json["benchmark"] = BenchmarkJson(Tabulated(measured, rounds));
    const auto replace = Json::error_handler_t::replace;
    std::printf("%s\n", json.dump(2, ' ', false, replace).c_str());
    return;
  }
  if (options.explain) std::printf("%s\n", measured.explain.c_str());
  if (options.profile) std::printf("%s\n", measured.profile.c_str());
  if (options.benchmark) std::printf("%s\n", BenchmarkText(Tabulated(measured, rounds)).c_str());
  if (options.is_original) PrintSummary(measured, later.average);
  if (options.explain || options.profile || options.is_original) return;
  std::printf("load %.3f ms, first run %.3f ms", measured.load, measured.rounds[0]);
  if (measured.rounds.size() > 1) {
    std::printf("; %zu rounds: average %.3f ms, min %.3f ms, median %.3f ms", rounds.size(), later.average,
                later.min, later.p50);
  }
  std::printf("\n");
  for (size_t i = 0; i < measured.outputs.size(); ++i) {
    std::printf("output %zu '%s': %s %s\n", i, Printable(output_infos[i].name).c_str(),
                DTypeName(measured.outputs[i].dtype), ShapeText(measured.outputs[i].shape).c_str());
  }
}

}  // namespace mace_run
