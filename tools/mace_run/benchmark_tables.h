// The tables of --benchmark.
#ifndef TOOLS_MACE_RUN_BENCHMARK_TABLES_H_
#define TOOLS_MACE_RUN_BENCHMARK_TABLES_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "statistics.h"

namespace mace_run {

// A step of the plan: an operator with what is fused into it. Times in milliseconds, over the rounds that
// measured operators.
struct OperatorRow {
  std::string type, name, kernel;
  double start = 0;  // the averages of the steps before it
  double first = 0;
  double average = 0;
  double share = 0;  // of the sum of all, in percent
  int64_t multiply_adds = 0;
  std::string stride, pad, filter, output, dilation;  // "" where it has none
};

struct TypeRow {
  std::string type;
  int64_t count = 0;
  double average = 0;  // of all of the type together
  double share = 0;
  int64_t multiply_adds = 0;
  int64_t called = 0;  // in all measured rounds
};

struct Benchmark {
  std::vector<OperatorRow> operators;  // in run order
  std::vector<TypeRow> types;          // the slowest first
  Statistics rounds;                   // whole runs, without measuring operators
  Statistics measured_rounds;          // whole runs while measuring them
  Statistics operator_sums;            // the operators' times of a round together
  size_t round_count = 0, measured_round_count = 0;
  int64_t multiply_adds = 0, integer_multiply_adds = 0;
  // Bytes.
  uint64_t peak_resident = 0, arena = 0, packed = 0, file = 0;
};

// `explain` is the JSON of docs/explain.md; `measured_steps` has a list per measured round, with a time per
// step of the plan. peak_resident is left to the caller.
Benchmark BenchmarkOf(const nlohmann::ordered_json& explain, const std::vector<double>& rounds,
                      const std::vector<double>& measured_rounds,
                      const std::vector<std::vector<double>>& measured_steps);

std::string BenchmarkText(const Benchmark& benchmark);
nlohmann::ordered_json BenchmarkJson(const Benchmark& benchmark);

// Columns under their headings; all but the last `left` columns are right-aligned.
std::string TableText(const std::string& title, const std::vector<std::vector<std::string>>& rows,
                      size_t left);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_BENCHMARK_TABLES_H_
