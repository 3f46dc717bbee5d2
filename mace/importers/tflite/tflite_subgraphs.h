// Converting the subgraphs that operators call.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_SUBGRAPHS_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_SUBGRAPHS_H_

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mace/importers/tflite/tflite_context.h"

namespace mace::importers::tflite {

// The numbers of the operators of variables.
inline constexpr int32_t kCallOnce = 129, kVarHandle = 142, kReadVariable = 143, kAssignVariable = 144;

// All operators of the context's subgraph (tflite_importer.cc). Throws what is not supported in one message.
void ConvertOperators(const TfliteFile& file, TfliteContext* context);

// Appends the operators of a subgraph to `graph`, whose variables are in `scope`; gives its outputs. Their
// names begin with `prefix`, where others have their place in the graph. Throws where a subgraph calls
// itself.
std::vector<Operand> ConvertSubgraph(TfliteContext& context, int32_t subgraph,
                                     std::span<const Operand> inputs, Graph* graph, VariableScope* scope,
                                     const std::string& prefix = {});

// The variables that a subgraph reads or assigns, and those that it assigns, with all that it calls. Gives
// the handles that its outputs are, kNone for values.
struct VariableUse {
  std::set<int32_t> all;
  std::set<int32_t> assigned;
};
std::vector<int32_t> AddVariableUse(TfliteContext& context, int32_t subgraph,
                                    std::span<const int32_t> input_handles, VariableUse* use, int depth = 1);

// The variable that the options of a VAR_HANDLE name.
int32_t FindOrAddVariable(SubgraphWork* work, const file::OperatorRecord& record);

// The variable of an operator that draws random numbers; kNone for any other operator, and where it has no
// seed (tflite_random.cc).
int32_t FindOrAddRandomVariable(SubgraphWork* work, const TfliteFile& file, int32_t subgraph, int index);

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_SUBGRAPHS_H_
