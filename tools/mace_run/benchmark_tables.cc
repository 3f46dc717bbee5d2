#include "benchmark_tables.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>

#include "text.h"

namespace mace_run {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

std::string Fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

// [2,2] as 2x2; "" where the key is missing or holds no list.
std::string ListText(const Json& object, const char* key, const char* separator = ",") {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return "";
  std::string text;
  for (const Json& item : *list) text += (text.empty() ? "" : separator) + item.dump();
  return "[" + text + "]";
}

std::string PadText(const Json& attributes) {
  const auto padding = attributes.find("padding");
  if (padding == attributes.end() || *padding == 0) return ListText(attributes, "pads");
  return *padding == 1 ? "SAME" : "SAME_LOWER";
}

// Convolutions with one group per channel have a name of their own, as in the original.
std::string TypeOf(const Json& node) {
  const std::string op = node["op"];
  const Json& attributes = node["attributes"];
  const auto groups = attributes.find("groups");
  const bool is_depthwise = op == "Conv2d" && groups != attributes.end() && groups->get<int64_t>() > 1 &&
                            node["inputs"].size() > 1 && node["inputs"][1]["shape"][3] == 1;
  return is_depthwise ? "DepthwiseConv2d" : op;
}

OperatorRow RowOf(const Json& step) {
  OperatorRow row;
  row.kernel = step["kernel"];
  row.multiply_adds = step["multiply_adds"];
  if (step["nodes"].empty()) {
    row.type = row.kernel;
    return row;
  }
  const Json& node = step["nodes"][step["main_node"].get<size_t>()];
  const Json& attributes = node["attributes"];
  row.type = TypeOf(node);
  row.name = node["name"];
  row.stride = ListText(attributes, "strides");
  row.dilation = ListText(attributes, "dilations");
  row.pad = PadText(attributes);
  row.filter = ListText(attributes, "kernel");
  if (row.filter.empty() && row.multiply_adds > 0 && node["inputs"].size() > 1) {
    row.filter = ListText(node["inputs"][1], "shape");
  }
  const Json& last = step["nodes"].back();  // what is fused may change the shape
  if (!last["outputs"].empty()) row.output = ListText(last["outputs"][0], "shape");
  return row;
}

double Gmacs(int64_t multiply_adds, double milliseconds) {
  return milliseconds > 0 ? static_cast<double>(multiply_adds) / milliseconds / 1e6 : 0;
}

std::vector<TypeRow> TypesOf(const std::vector<OperatorRow>& operators, size_t rounds) {
  std::map<std::string, TypeRow> types;
  for (const OperatorRow& row : operators) {
    TypeRow& type = types[row.type];
    type.type = row.type;
    ++type.count;
    type.average += row.average;
    type.share += row.share;
    type.multiply_adds += row.multiply_adds;
    type.called += static_cast<int64_t>(rounds);
  }
  std::vector<TypeRow> result;
  for (const auto& [name, type] : types) result.push_back(type);
  std::stable_sort(result.begin(), result.end(),
                   [](const TypeRow& a, const TypeRow& b) { return a.average > b.average; });
  return result;
}

// The rows in the given order, with the share that they and those before them have.
std::string OperatorTable(const std::string& title, const std::vector<const OperatorRow*>& operators) {
  std::vector<Row> rows = {{"Op Type", "Start", "First", "Avg(ms)", "%", "cdf%", "GMACPS", "Stride", "Pad",
                            "Filter Shape", "Output Shape", "Dilation", "name"}};
  double cumulative = 0;
  for (const OperatorRow* row : operators) {
    cumulative += row->share;
    rows.push_back({row->type, Fixed(row->start, 3), Fixed(row->first, 3), Fixed(row->average, 3),
                    Fixed(row->share, 2), Fixed(cumulative, 2),
                    Fixed(Gmacs(row->multiply_adds, row->average), 2), row->stride, row->pad, row->filter,
                    row->output, row->dilation, Printable(row->name)});
  }
  return TableText(title, rows, 1);
}

std::string TypeTable(const std::vector<TypeRow>& types) {
  std::vector<Row> rows = {{"Op Type", "Count", "Avg(ms)", "%", "cdf%", "MACs", "GMACPS", "Called times"}};
  double cumulative = 0;
  for (const TypeRow& type : types) {
    cumulative += type.share;
    rows.push_back({type.type, std::to_string(type.count), Fixed(type.average, 3), Fixed(type.share, 2),
                    Fixed(cumulative, 2), std::to_string(type.multiply_adds),
                    Fixed(Gmacs(type.multiply_adds, type.average), 2), std::to_string(type.called)});
  }
  return TableText("Stat by Op Type", rows, 0);
}

std::vector<std::pair<std::string, double>> Entries(const Statistics& s) {
  return {{"first", s.first},   {"curr", s.current}, {"min", s.min}, {"max", s.max}, {"avg", s.average},
          {"std", s.deviation}, {"p50", s.p50},      {"p90", s.p90}, {"p99", s.p99}};
}

std::string SummaryTable(const Benchmark& benchmark) {
  std::vector<Row> rows = {{"(ms)", "round"}};
  for (const auto& [name, value] : Entries({})) rows[0].push_back(name);
  const auto add = [&](const char* what, size_t count, const Statistics& statistics) {
    Row row = {what, std::to_string(count)};
    for (const auto& [name, value] : Entries(statistics)) row.push_back(Fixed(value, 3));
    rows.push_back(row);
  };
  add("run without stat", benchmark.round_count, benchmark.rounds);
  add("run with stat", benchmark.measured_round_count, benchmark.measured_rounds);
  add("sum of ops", benchmark.measured_round_count, benchmark.operator_sums);
  return TableText("Summary", rows, 0);
}

Json SummaryJson(size_t count, const Statistics& statistics) {
  Json json = {{"round", count}};
  for (const auto& [name, value] : Entries(statistics)) json[name] = value;
  return json;
}

}  // namespace

Benchmark BenchmarkOf(const Json& explain, const std::vector<double>& rounds,
                      const std::vector<double>& measured_rounds,
                      const std::vector<std::vector<double>>& measured_steps) {
  Benchmark benchmark;
  const size_t count = explain["steps"].size();
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    OperatorRow row = RowOf(explain["steps"][i]);
    std::vector<double> times;
    for (const std::vector<double>& steps : measured_steps) times.push_back(i < steps.size() ? steps[i] : 0);
    const Statistics statistics = StatisticsOf(times);
    row.start = sum;
    row.first = statistics.first;
    row.average = statistics.average;
    sum += row.average;
    benchmark.operators.push_back(std::move(row));
  }
  for (OperatorRow& row : benchmark.operators) row.share = sum > 0 ? 100 * row.average / sum : 0;
  benchmark.types = TypesOf(benchmark.operators, measured_steps.size());
  std::vector<double> sums;
  for (const std::vector<double>& steps : measured_steps) {
    sums.push_back(std::accumulate(steps.begin(), steps.end(), 0.0));
  }
  benchmark.rounds = StatisticsOf(rounds);
  benchmark.measured_rounds = StatisticsOf(measured_rounds);
  benchmark.operator_sums = StatisticsOf(sums);
  benchmark.round_count = rounds.size();
  benchmark.measured_round_count = measured_rounds.size();
  const Json& plan = explain["plan"];
  benchmark.multiply_adds = plan["multiply_adds"];
  benchmark.integer_multiply_adds = plan["integer_multiply_adds"];
  benchmark.arena = plan["arena_bytes"];
  benchmark.packed = plan["packed_bytes"];
  benchmark.file = plan["file_bytes"];
  return benchmark;
}

std::string TableText(const std::string& title, const std::vector<Row>& rows, size_t left) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const size_t all = std::accumulate(widths.begin(), widths.end(), 3 * widths.size() + 1);
  const std::string line(all, '-');
  std::string text =
      std::string(all > title.size() ? (all - title.size()) / 2 : 0, ' ') + title + "\n" + line;
  for (size_t r = 0; r < rows.size(); ++r) {
    text += "\n|";
    for (size_t i = 0; i < rows[r].size(); ++i) {
      const std::string blanks(widths[i] - rows[r][i].size(), ' ');
      const bool is_left = i + left >= widths.size();
      text += " " + (is_left ? rows[r][i] + blanks : blanks + rows[r][i]) + " |";
    }
    if (r == 0) text += "\n" + line;
  }
  return text + "\n" + line + "\n";
}

std::string BenchmarkText(const Benchmark& benchmark) {
  constexpr size_t kTop = 10;
  std::vector<const OperatorRow*> order;
  for (const OperatorRow& row : benchmark.operators) order.push_back(&row);
  std::string text = OperatorTable("Sort by Run Order", order) + "\n";
  std::stable_sort(order.begin(), order.end(),
                   [](const OperatorRow* a, const OperatorRow* b) { return a->average > b->average; });
  order.resize(std::min(order.size(), kTop));
  text += OperatorTable("Sort by Computation Time, Top 10", order) + "\n";
  text += TypeTable(benchmark.types) + "\n";
  const int64_t floats = benchmark.multiply_adds - benchmark.integer_multiply_adds;
  text += TableText("Stat by MACs (Multiply-Accumulation)",
                    {{"total", "float", "integer", "GMACPS"},
                     {std::to_string(benchmark.multiply_adds), std::to_string(floats),
                      std::to_string(benchmark.integer_multiply_adds),
                      Fixed(Gmacs(benchmark.multiply_adds, benchmark.rounds.average), 2)}},
                    0) +
          "\n";
  text += SummaryTable(benchmark) + "\n";
  text += TableText("Memory (bytes)",
                    {{"peak resident", "arena", "packed weights", "model file"},
                     {std::to_string(benchmark.peak_resident), std::to_string(benchmark.arena),
                      std::to_string(benchmark.packed), std::to_string(benchmark.file)}},
                    0);
  return text;
}

Json BenchmarkJson(const Benchmark& benchmark) {
  Json operators = Json::array(), types = Json::array();
  for (const OperatorRow& row : benchmark.operators) {
    operators.push_back({{"type", row.type},
                         {"name", row.name},
                         {"kernel", row.kernel},
                         {"start_ms", row.start},
                         {"first_ms", row.first},
                         {"average_ms", row.average},
                         {"percent", row.share},
                         {"multiply_adds", row.multiply_adds},
                         {"gmacs_per_second", Gmacs(row.multiply_adds, row.average)},
                         {"stride", row.stride},
                         {"pad", row.pad},
                         {"filter_shape", row.filter},
                         {"output_shape", row.output},
                         {"dilation", row.dilation}});
  }
  for (const TypeRow& type : benchmark.types) {
    types.push_back({{"type", type.type},
                     {"count", type.count},
                     {"average_ms", type.average},
                     {"percent", type.share},
                     {"multiply_adds", type.multiply_adds},
                     {"gmacs_per_second", Gmacs(type.multiply_adds, type.average)},
                     {"called_times", type.called}});
  }
  return {{"operators", operators},
          {"types", types},
          {"multiply_adds", benchmark.multiply_adds},
          {"integer_multiply_adds", benchmark.integer_multiply_adds},
          {"summary_ms",
           {{"run", SummaryJson(benchmark.round_count, benchmark.rounds)},
            {"run_with_statistics", SummaryJson(benchmark.measured_round_count, benchmark.measured_rounds)},
            {"operators", SummaryJson(benchmark.measured_round_count, benchmark.operator_sums)}}},
          {"memory_bytes",
           {{"peak_resident", benchmark.peak_resident},
            {"arena", benchmark.arena},
            {"packed", benchmark.packed},
            {"file", benchmark.file}}}};
}

}  // namespace mace_run
