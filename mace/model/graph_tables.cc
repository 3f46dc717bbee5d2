#include "mace/model/graph_tables.h"

#include "mace/core/shape.h"
#include "mace/graph/graph.h"
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
  return ToSpan(graph.states(), &tables->states);
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

}  // namespace

Status ReadGraphTables(Bytes segment, GraphTables* tables) {
  MACE_ASSIGN_OR_RETURN(const file::Model* model, VerifiedRoot<file::Model>(segment, "graph"));
  if (model->graphs() == nullptr || model->graphs()->size() == 0) {
    return DataLoss("the .mace file holds no graph");
  }
  if (model->graphs()->size() > 1) {
    return Unsupported("the .mace file holds %u graphs (operators with subgraphs); this build runs one",
                       model->graphs()->size());
  }
  MACE_RETURN_IF_ERROR(ToSpans(*model->graphs()->Get(0), tables));
  MACE_RETURN_IF_ERROR(CheckBudgets(*tables));
  MACE_RETURN_IF_ERROR(CheckNodePools(*tables));
  return CheckTypePools(*tables);
}

Status ReadNames(Bytes segment, GraphTables* tables) {
  MACE_ASSIGN_OR_RETURN(const file::Names* names, VerifiedRoot<file::Names>(segment, "names"));
  MACE_RETURN_IF_ERROR(ToSpan(names->text(), &tables->name_text));
  MACE_RETURN_IF_ERROR(ToSpan(names->lengths(), &tables->name_lengths));
  const uint64_t named = uint64_t{1} + tables->values.size() + tables->nodes.size() + tables->symbols.size() +
                         tables->states.size();
  uint64_t text = 0;
  for (uint32_t length : tables->name_lengths) text += length;
  if (tables->name_lengths.size() != named || text != tables->name_text.size()) {
    return DataLoss("the names of the .mace file do not belong to its graph");
  }
  return Status::Ok();
}

}  // namespace mace
