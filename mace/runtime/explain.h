// The JSON texts of mace_session_explain_json and mace_session_profile_json (docs/explain.md).
#ifndef MACE_RUNTIME_EXPLAIN_H_
#define MACE_RUNTIME_EXPLAIN_H_

#include "mace/runtime/execution.h"
#include "mace/runtime/model.h"

namespace mace {

// Of what `execution`, of the model's graph, has planned or run last.
Status ExplainPlan(const Model& model, const Execution& execution, String* text);
Status DescribeProfile(const Execution& execution, uint64_t run_nanoseconds, String* text);

}  // namespace mace

#endif  // MACE_RUNTIME_EXPLAIN_H_
