// Program: what is made of one graph once, for all sessions: packed weights, plans, what backends ask to
// keep. Of the model's graph and, inside, of each body of its If and Loop nodes. Thread-safe.
#ifndef MACE_RUNTIME_PROGRAM_H_
#define MACE_RUNTIME_PROGRAM_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "mace/backends/packed_cache.h"
#include "mace/graph/graph.h"
#include "mace/runtime/plan.h"
#include "mace/runtime/runtime.h"

namespace mace {

struct ModelOptions {
  bool verify_full = false;
  bool exact_numerics = false;  // refused by name: not built yet
  bool low_memory = false;      // sessions give their arena back after every run
  bool reference_kernels = false;
  int32_t max_cached_plans = 0;  // 0: 16. Of each graph of the model, and for each of its stages
};

class Program {
 public:
  // All three outlive the program.
  static Result<std::unique_ptr<Program>> Create(const Graph& graph, Runtime* runtime,
                                                 const ModelOptions& options);

  const Graph& graph() const { return graph_; }
  Runtime& runtime() const { return *runtime_; }
  const ModelOptions& options() const { return options_; }
  size_t body_count() const { return bodies_.size(); }
  Program& body(size_t subgraph) const { return *bodies_[subgraph]; }
  // Of all bodies too.
  uint64_t packed_bytes() const;
  // The name, or "input_N" / "output_N" where the file has none.
  const char* input_name(size_t input) const { return input_names_[input].c_str(); }
  const char* output_name(size_t output) const { return output_names_[output].c_str(); }

  // The plan of the first stage for these shapes: found, or built (then `is_built` is set) and kept.
  Result<Ref<Plan>> FindOrBuildPlan(const PlanKey& key, bool* is_built);
  // Of the stage behind `before`, for what its run has learned: one view for each of before.analysis.learned.
  Result<Ref<Plan>> FindOrBuildNext(const Plan& before, std::span<const TensorView> facts, bool* is_built);
  // New plans interpret cheap nodes (AnalyzeShapes): plans were made again and again for other elements of
  // the same shapes, as by a Slice whose bounds are the iteration of a loop. Plans that do not are out of
  // date.
  bool interprets() const { return interprets_.load(std::memory_order_relaxed); }
  static bool IsPlanFor(const Plan& plan, const Plan& before, std::span<const TensorView> facts);

 private:
  struct Blob {  // what a backend asked to keep of a compilation
    uint64_t key;
    Vector<uint8_t> bytes;
  };
  friend class PlanBuilder;

  Program(const Graph& graph, Runtime* runtime, const ModelOptions& options);
  template <typename Matches>
  Ref<Plan> Find(size_t stage, const Matches& matches);  // null where there is none
  template <typename Matches>
  Result<Ref<Plan>> FindOrBuild(size_t stage, const Matches& matches, class PlanBuilder builder,
                                bool* is_built);
  Status Keep(size_t stage, const Ref<Plan>& plan);
  void CountRepeats(std::span<const Ref<Plan>> kept, Plan* plan);

  const Graph& graph_;
  Runtime* runtime_;
  const ModelOptions& options_;
  Vector<String> input_names_;
  Vector<String> output_names_;
  Vector<std::unique_ptr<Program>> bodies_;  // one per subgraph
  PackedCache packed_;
  std::mutex build_mutex_;    // one plan is built at a time
  Vector<Blob> blobs_;        // under build_mutex_
  uint64_t last_serial_ = 0;  // the same
  std::atomic<bool> interprets_{false};
  std::mutex plans_mutex_;
  // Per stage; the most recently wanted at the end.
  Vector<Vector<Ref<Plan>>> plans_;
};

}  // namespace mace

#endif  // MACE_RUNTIME_PROGRAM_H_
