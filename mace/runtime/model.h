// Model: a loaded .mace file: graph, packed weights, plans. Immutable as seen from outside, and thread-safe.
#ifndef MACE_RUNTIME_MODEL_H_
#define MACE_RUNTIME_MODEL_H_

#include <mutex>
#include <span>

#include "mace/backends/packed_cache.h"
#include "mace/graph/graph.h"
#include "mace/model/mapped_file.h"
#include "mace/runtime/plan.h"
#include "mace/runtime/runtime.h"

namespace mace {

struct ModelOptions {
  bool verify_full = false;
  bool exact_numerics = false;  // refused by name: not built yet
  bool low_memory = false;      // sessions give their arena back after every run
  bool reference_kernels = false;
  int32_t max_cached_plans = 0;  // 0: 16
};

class Model final : public RefCounted {
 public:
  static Result<Ref<Model>> LoadFile(Ref<Runtime> runtime, const char* path, const ModelOptions& options);
  // `bytes` outlive the model. Where they are not aligned to kModelAlignment, they are copied.
  static Result<Ref<Model>> LoadMemory(Ref<Runtime> runtime, std::span<const uint8_t> bytes,
                                       const ModelOptions& options);
  // A graph that has passed VerifyGraph: for tests, which then need no file.
  static Result<Ref<Model>> FromGraph(Ref<Runtime> runtime, Graph graph, const ModelOptions& options);

  const Graph& graph() const { return graph_; }
  const Runtime& runtime() const { return *runtime_; }
  Runtime& runtime() { return *runtime_; }
  const ModelOptions& options() const { return options_; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint64_t packed_bytes() const { return packed_.total_bytes(); }
  // Of an input: the state it may be left to, or kNone.
  int32_t input_state(size_t input) const { return input_states_[input]; }
  // The name, or "input_N" / "output_N" where the file has none.
  const char* input_name(size_t input) const { return input_names_[input].c_str(); }
  const char* output_name(size_t output) const { return output_names_[output].c_str(); }
  const char* DimName(int64_t dim) const;  // of a symbol; null for anything else

  // The plan for these shapes: found, or built and kept.
  Result<Ref<Plan>> FindOrBuildPlan(const PlanKey& key);

 private:
  struct Blob {  // what a backend asked to keep of a compilation
    uint64_t key;
    Vector<uint8_t> bytes;
  };
  friend class PlanBuilder;

  Model(Ref<Runtime> runtime, const ModelOptions& options);
  Status LoadBytes(std::span<const uint8_t> bytes);
  Status Prepare();
  Ref<Plan> FindPlan(const PlanKey& key);  // null where there is none

  Ref<Runtime> runtime_;  // first: the last to go
  ModelOptions options_;
  MappedFile file_;
  Buffer copy_;
  Graph graph_;
  uint64_t file_bytes_ = 0;
  Vector<int32_t> input_states_;
  Vector<String> input_names_;
  Vector<String> output_names_;
  PackedCache packed_;
  std::mutex build_mutex_;  // one plan is built at a time
  Vector<Blob> blobs_;      // under build_mutex_
  std::mutex plans_mutex_;
  Vector<Ref<Plan>> plans_;  // the most recently wanted at the end
};

}  // namespace mace

#endif  // MACE_RUNTIME_MODEL_H_
