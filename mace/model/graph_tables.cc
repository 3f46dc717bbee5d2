#include "mace/model/graph_tables.h"

#include "mace/core/shape.h"
#include "mace/graph/graph.h"
#include "mace/model/format.h"
#include "mace/model/verified_root.h"

namespace mace {
namespace {

using Bytes = std::span<const uint8_t>;

Status ToSpans(const file::Graph& graph, GraphTables* tables) {
  MACE_RETURN_IF_ERROR(ToSpan(graph.nodes(), &tables->nodes));
  MACE_RETURN_IF_ERROR(ToSpan(graph.operands(), &tables->operands));
  MACE_RETURN_IF_ERROR(ToSpan(graph.attributes(), &tables->attributes));
  MACE_RETURN_IF_ERROR(ToSpan(graph.attribute_ints(), &tables->attribute_ints));
  MACE_RETURN_IF_ERROR(ToSpan(graph.attribute_floats(), &tables->attribute_floats));
  MACE_RETURN_IF_ERROR(ToSpan(graph.values(), &tables->values));
  MACE_RETURN_IF_ERROR(ToSpan(graph.constants(), &tables->constants));
  MACE_RETURN_IF_ERROR(ToSpan(graph.dims(), &tables->dims));
  MACE_RETURN_IF_ERROR(ToSpan(graph.quantizations(), &tables->quantizations));
  MACE_RETURN_IF_ERROR(ToSpan(graph.scales(), &tables->scales));
  MACE_RETURN_IF_ERROR(ToSpan(graph.zero_points(), &tables->zero_points));
  MACE_RETURN_IF_ERROR(ToSpan(graph.symbols(), &tables->symbols));
  MACE_RETURN_IF_ERROR(ToSpan(graph.inputs(), &tables->inputs));
  MACE_RETURN_IF_ERROR(ToSpan(graph.outputs(), &tables->outputs));
  MACE_RETURN_IF_ERROR(ToSpan(graph.states(), &tables->states));
  tables->subgraph_count = graph.subgraph_count();
  return Status::Ok();
}

Status CheckBudget(const char* what, uint64_t count, uint64_t maximum) {
  if (count <= maximum) return Status::Ok();
  return ResourceExhausted("the .mace file has %llu %s, more than the limit of %llu",
                           static_cast<unsigned long long>(count), what,
                           static_cast<unsigned long long>(maximum));
}

Status CheckBudgets(const GraphTables& tables) {
  MACE_RETURN_IF_ERROR(CheckBudget("nodes", tables.nodes.size(), kMaxNodes));
  MACE_RETURN_IF_ERROR(CheckBudget("values", tables.values.size(), kMaxValues));
  MACE_RETURN_IF_ERROR(CheckBudget("constants", tables.constants.size(), kMaxValues));
  MACE_RETURN_IF_ERROR(CheckBudget("quantizations", tables.quantizations.size(), kMaxValues));
  MACE_RETURN_IF_ERROR(CheckBudget("symbols", tables.symbols.size(), kMaxValues));
  MACE_RETURN_IF_ERROR(CheckBudget("inputs", tables.inputs.size(), kMaxGraphEdges));
  MACE_RETURN_IF_ERROR(CheckBudget("outputs", tables.outputs.size(), kMaxGraphEdges));
  MACE_RETURN_IF_ERROR(CheckBudget("states", tables.states.size(), kMaxValues));
  // Each node produces a value of its own: this ties the largest structure in memory to bytes of the file.
  if (tables.nodes.size() > tables.values.size()) {
    return DataLoss("the graph of the .mace file is damaged: %zu nodes produce only %zu values",
                    tables.nodes.size(), tables.values.size());
  }
  return Status::Ok();
}

Status CheckPool(const char* what, uint64_t used, uint64_t size) {
  if (used == size) return Status::Ok();
  return DataLoss("the graph of the .mace file is damaged: %llu %s are used, %llu are there",
                  static_cast<unsigned long long>(used), what, static_cast<unsigned long long>(size));
}

// Sums cannot overflow: at most 2^22 records with 32-bit counts.
Status CheckNodePools(const GraphTables& tables) {
  uint64_t operands = 0;
  uint64_t attributes = 0;
  for (const file::NodeRecord& node : tables.nodes) {
    MACE_RETURN_IF_ERROR(CheckBudget("inputs of one node", node.input_count(), kMaxNodeInputs));
    MACE_RETURN_IF_ERROR(CheckBudget("outputs of one node", node.output_count(), kMaxNodeInputs));
    operands += uint64_t{node.input_count()} + node.output_count();
    attributes += node.attribute_count();
  }
  MACE_RETURN_IF_ERROR(CheckPool("operands", operands, tables.operands.size()));
  MACE_RETURN_IF_ERROR(CheckPool("attributes", attributes, tables.attributes.size()));
  uint64_t ints = 0;
  uint64_t floats = 0;
  for (const file::AttributeRecord& attribute : tables.attributes) {
    if (attribute.kind() > 3) {
      return DataLoss("the graph of the .mace file is damaged: attribute kind %d", attribute.kind());
    }
    (attribute.kind() % 2 == 0 ? ints : floats) += attribute.count();
  }
  MACE_RETURN_IF_ERROR(CheckPool("attribute integers", ints, tables.attribute_ints.size()));
  return CheckPool("attribute floats", floats, tables.attribute_floats.size());
}

Status CheckTypePools(const GraphTables& tables) {
  uint64_t dims = 0;
  for (const file::ValueRecord& value : tables.values) {
    if (value.rank() == kUnknownRankCode) continue;
    MACE_RETURN_IF_ERROR(CheckBudget("dimensions in one shape", value.rank(), kMaxRank));
    dims += value.rank();
  }
  for (const file::ConstantRecord& constant : tables.constants) {
    MACE_RETURN_IF_ERROR(CheckBudget("dimensions in one shape", constant.rank(), kMaxRank));
    dims += constant.rank();
  }
  MACE_RETURN_IF_ERROR(CheckPool("dimensions", dims, tables.dims.size()));
  uint64_t scales = 0;
  for (const file::QuantizationRecord& quantization : tables.quantizations) {
    scales += quantization.scale_count();
  }
  MACE_RETURN_IF_ERROR(CheckPool("scales", scales, tables.scales.size()));
  return CheckPool("zero points", scales, tables.zero_points.size());
}

// Of all that the graph's vectors hold.
uint64_t BytesOf(const GraphTables& tables) {
  return tables.nodes.size_bytes() + tables.operands.size_bytes() + tables.attributes.size_bytes() +
         tables.attribute_ints.size_bytes() + tables.attribute_floats.size_bytes() +
         tables.values.size_bytes() + tables.constants.size_bytes() + tables.dims.size_bytes() +
         tables.quantizations.size_bytes() + tables.scales.size_bytes() + tables.zero_points.size_bytes() +
         tables.symbols.size_bytes() + tables.inputs.size_bytes() + tables.outputs.size_bytes() +
         tables.states.size_bytes();
}

// That each graph but the first is a subgraph of one before it, none too deep.
Status CheckNesting(const ModelTables& tables) {
  uint32_t open[kMaxGraphDepth];  // at each depth: the subgraphs that are still to come
  int depth = 0;
  for (size_t i = 0; i < tables.graphs.size(); ++i) {
    while (depth > 0 && open[depth - 1] == 0) --depth;
    if (i > 0 && depth == 0) {
      return DataLoss("graph %zu of the .mace file is nobody's subgraph", i);
    }
    if (depth > 0) --open[depth - 1];
    if (depth == kMaxGraphDepth) {
      return ResourceExhausted("the .mace file has subgraphs more than %d deep", kMaxGraphDepth);
    }
    open[depth++] = tables.graphs[i].subgraph_count;
  }
  for (int i = 0; i < depth; ++i) {
    if (open[i] > 0) return DataLoss("the .mace file is damaged: %u subgraphs are missing", open[i]);
  }
  return Status::Ok();
}

}  // namespace

Status ReadGraphTables(Bytes segment, ModelTables* tables) {
  MACE_ASSIGN_OR_RETURN(const file::Model* model, VerifiedRoot<file::Model>(segment, "graph"));
  if (model->graphs() == nullptr || model->graphs()->size() == 0) {
    return DataLoss("the .mace file holds no graph");
  }
  const size_t count = model->graphs()->size();
  MACE_RETURN_IF_ERROR(CheckBudget("subgraphs", count - 1, kMaxSubgraphs));
  MACE_RETURN_IF_ERROR(tables->graphs.Resize(count));
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    GraphTables& graph = tables->graphs[i];
    MACE_RETURN_IF_ERROR(ToSpans(*model->graphs()->Get(static_cast<uint32_t>(i)), &graph));
    // FlatBuffers tables may be referred to many times, by which a few bytes would become many graphs.
    bytes += BytesOf(graph);
    if (bytes > segment.size()) {
      return DataLoss("the graphs of the .mace file are damaged: they share their records");
    }
    MACE_RETURN_IF_ERROR(CheckBudgets(graph));
    MACE_RETURN_IF_ERROR(CheckNodePools(graph));
    MACE_RETURN_IF_ERROR(CheckTypePools(graph));
  }
  return CheckNesting(*tables);
}

Status ReadNames(Bytes segment, ModelTables* tables) {
  MACE_ASSIGN_OR_RETURN(const file::Names* names, VerifiedRoot<file::Names>(segment, "names"));
  MACE_RETURN_IF_ERROR(ToSpan(names->text(), &tables->name_text));
  MACE_RETURN_IF_ERROR(ToSpan(names->lengths(), &tables->name_lengths));
  uint64_t named = 0;
  for (const GraphTables& graph : tables->graphs) {
    named +=
        uint64_t{1} + graph.values.size() + graph.nodes.size() + graph.symbols.size() + graph.states.size();
  }
  uint64_t text = 0;
  for (uint32_t length : tables->name_lengths) text += length;
  if (tables->name_lengths.size() != named || text != tables->name_text.size()) {
    return DataLoss("the names of the .mace file do not belong to its graph");
  }
  return Status::Ok();
}

}  // namespace mace
