// The JSON texts of mace_session_explain_json and mace_session_profile_json (docs/explain.md).
#ifndef MACE_RUNTIME_EXPLAIN_H_
#define MACE_RUNTIME_EXPLAIN_H_

#include <span>

#include "mace/runtime/model.h"
#include "mace/runtime/plan.h"

namespace mace {

Status ExplainPlan(const Model& model, const Plan& plan, String* text);
Status DescribeProfile(const Model& model, const Plan& plan, std::span<const uint64_t> step_nanoseconds,
                       uint64_t run_nanoseconds, String* text);

}  // namespace mace

#endif  // MACE_RUNTIME_EXPLAIN_H_
