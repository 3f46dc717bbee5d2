#include "benchmark_tables.h"

#include <gtest/gtest.h>

namespace mace_run {
namespace {

// A plan of three steps: a convolution with its activation, a depthwise convolution, a Softmax.
nlohmann::ordered_json Plan() {
  return nlohmann::ordered_json::parse(R"({
    "plan": {"multiply_adds": 3000000, "integer_multiply_adds": 1000000, "arena_bytes": 64, "packed_bytes": 32,
             "file_bytes": 16},
    "steps": [
      {"kernel": "gemm", "multiply_adds": 2000000, "main_node": 1, "nodes": [
        {"op": "Pad", "name": "pad", "attributes": {}, "inputs": [], "outputs": []},
        {"op": "Conv2d", "name": "conv", "attributes": {"strides": [2, 2], "dilations": [1, 1], "padding": 0,
         "pads": [0, 0, 1, 1], "groups": 1},
         "inputs": [{"shape": [1, 9, 9, 3]}, {"shape": [8, 3, 3, 3]}], "outputs": [{"shape": [1, 4, 4, 8]}]},
        {"op": "Relu", "name": "relu", "attributes": {}, "inputs": [], "outputs": [{"shape": [1, 4, 4, 8]}]}]},
      {"kernel": "depthwise", "multiply_adds": 1000000, "main_node": 0, "nodes": [
        {"op": "Conv2d", "name": "dw\u001b", "attributes": {"strides": [1, 1], "dilations": [2, 2], "padding": 1,
         "pads": [0, 0, 0, 0], "groups": 8},
         "inputs": [{"shape": [1, 4, 4, 8]}, {"shape": [8, 3, 3, 1]}], "outputs": [{"shape": [1, 4, 4, 8]}]}]},
      {"kernel": "softmax", "multiply_adds": 0, "main_node": 0, "nodes": [
        {"op": "Softmax", "name": "y", "attributes": {"axis": -1}, "inputs": [{"shape": [1, 128]}],
         "outputs": [{"shape": [1, 128]}]}]}]})");
}

Benchmark Measured() {
  return BenchmarkOf(Plan(), {1.0, 3.0}, {4.0, 2.0}, {{2.5, 1.0, 0.5}, {1.5, 0.0, 0.5}});
}

TEST(BenchmarkTables, RowsAreAveragesOfAllMeasuredRounds) {
  const Benchmark b = Measured();
  ASSERT_EQ(b.operators.size(), 3u);
  const OperatorRow& conv = b.operators[0];
  EXPECT_EQ(conv.type, "Conv2d");
  EXPECT_EQ(conv.name, "conv");
  EXPECT_DOUBLE_EQ(conv.first, 2.5);
  EXPECT_DOUBLE_EQ(conv.average, 2.0);
  EXPECT_DOUBLE_EQ(conv.share, 100 * 2.0 / 3.0);
  EXPECT_EQ(conv.stride + conv.pad + conv.filter + conv.output + conv.dilation,
            "[2,2][0,0,1,1][8,3,3,3][1,4,4,8][1,1]");
  const OperatorRow& depthwise = b.operators[1];
  EXPECT_EQ(depthwise.type, "DepthwiseConv2d");
  EXPECT_EQ(depthwise.pad, "SAME");
  EXPECT_DOUBLE_EQ(depthwise.start, 2.0);
  EXPECT_EQ(b.operators[2].filter, "");
  ASSERT_EQ(b.types.size(), 3u);
  EXPECT_EQ(b.types[0].type, "Conv2d");
  EXPECT_EQ(b.types[0].called, 2);
  EXPECT_DOUBLE_EQ(b.rounds.average, 2);
  EXPECT_DOUBLE_EQ(b.measured_rounds.average, 3);
  EXPECT_DOUBLE_EQ(b.operator_sums.first, 4);
  EXPECT_DOUBLE_EQ(b.operator_sums.average, 3);
  EXPECT_EQ(b.arena + b.packed + b.file, 112u);
}

TEST(BenchmarkTables, Text) {
  const std::string text = BenchmarkText(Measured());
  for (const char* part :
       {"Sort by Run Order", "Top 10", "Stat by Op Type", "Stat by MACs", "Summary", "Memory", "Op Type",
        "Start", "First", "Avg(ms)", "cdf%", "GMACPS", "Filter Shape", "Called times", "p99", "dw\\x1b",
        "peak resident", "|   2.000 | 66.67 |  66.67 |   1.00 |  [2,2] |"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(BenchmarkTables, Json) {
  const nlohmann::ordered_json json = BenchmarkJson(Measured());
  EXPECT_EQ(json["operators"].size(), 3u);
  EXPECT_EQ(json["operators"][0]["average_ms"], 2.0);
  EXPECT_EQ(json["types"][0]["count"], 1);
  EXPECT_EQ(json["summary_ms"]["run"]["p90"], 2.8);
  EXPECT_EQ(json["summary_ms"]["operators"]["round"], 2);
  EXPECT_EQ(json["memory_bytes"]["arena"], 64);
}

TEST(BenchmarkTables, Table) {
  EXPECT_EQ(TableText("T", {{"a", "bb"}, {"ccc", "d"}}, 1),
            "     T\n------------\n|   a | bb |\n------------\n| ccc | d  |\n------------\n");
}

}  // namespace
}  // namespace mace_run
