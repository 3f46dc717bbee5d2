// The graph and names segments as arrays: the part of loading that checks the FlatBuffers and all counts.
#ifndef MACE_MODEL_GRAPH_TABLES_H_
#define MACE_MODEL_GRAPH_TABLES_H_

#include <cstdint>
#include <span>

#include "mace/core/status.h"
#include "mace/core/vector.h"
#include "mace/model/mace_generated.h"

namespace mace {

// One graph as spans into the file; see mace.fbs. After ReadGraphTables the pools hold exactly what the
// records' counts add up to, and no count is above the budgets of graph.h.
struct GraphTables {
  std::span<const file::NodeRecord> nodes;
  std::span<const int32_t> operands;
  std::span<const file::AttributeRecord> attributes;
  std::span<const int64_t> attribute_ints;
  std::span<const float> attribute_floats;
  std::span<const file::ValueRecord> values;
  std::span<const file::ConstantRecord> constants;
  std::span<const int64_t> dims;
  std::span<const file::QuantizationRecord> quantizations;
  std::span<const float> scales;
  std::span<const int32_t> zero_points;
  std::span<const file::SymbolRecord> symbols;
  std::span<const int32_t> inputs;
  std::span<const int32_t> outputs;
  std::span<const file::StateRecord> states;
  uint32_t subgraph_count = 0;
};

// All graphs of a file.
struct ModelTables {
  // The main graph; behind each graph its subgraphs, each with its own behind it. The counts add up, and no
  // graph is deeper than kMaxGraphDepth.
  Vector<GraphTables> graphs;

  // Names of each graph, its values, nodes, symbols and states, consumed in this order; empty where the file
  // has none.
  std::span<const uint8_t> name_text;
  std::span<const uint32_t> name_lengths;
};

Status ReadGraphTables(std::span<const uint8_t> segment, ModelTables* tables);
// After ReadGraphTables.
Status ReadNames(std::span<const uint8_t> segment, ModelTables* tables);

}  // namespace mace

#endif  // MACE_MODEL_GRAPH_TABLES_H_
