// The interface between the runtime and what executes nodes (docs/design/20-backends.md). The CPU is one
// backend; a fake NPU in the tests keeps the interface honest. A backend says which nodes it can take
// (assess), turns a group of them into a unit for concrete shapes (compile: may be slow, may fail, is then
// re-partitioned), and runs units (enqueue).
#ifndef MACE_BACKENDS_BACKEND_H_
#define MACE_BACKENDS_BACKEND_H_

#include <time.h>

#include <memory>
#include <span>

#include "mace/core/memory.h"
#include "mace/core/result.h"
#include "mace/core/string.h"
#include "mace/core/thread_pool.h"
#include "mace/core/vector.h"
#include "mace/graph/graph.h"

namespace mace {

class PackedCache;
namespace kernels {
struct KernelTable;
}

// What is true of the graph for one set of input shapes. Arrays have one entry per value.
struct PlanView {
  const Graph* graph = nullptr;
  std::span<const TensorType> types;  // concrete
  std::span<const TensorView* const>
      known;  // the elements of constants and of what was computed while planning, else null
  std::span<const int32_t>
      uses;  // how many live nodes read the value, plus 1 if it is a graph output or state write
};

// A connected part of the plan: live nodes in topological order, and the values that cross its edge. Known
// values are not inputs.
struct GroupView {
  std::span<const NodeId> nodes;
  std::span<const ValueId> inputs;   // written outside, read inside
  std::span<const ValueId> outputs;  // written inside, read outside (graph outputs, states and other groups)
};

struct CompileOptions {
  int32_t num_threads = 1;
  bool reference_kernels = false;  // use nothing but reference kernels
  bool low_memory = false;
  const kernels::KernelTable* kernels = nullptr;  // null: use nothing but reference kernels
  PackedCache* packed = nullptr;                  // the model's cache of packed weights; outlives the unit
  const Allocator* allocator = nullptr;
};

// Memory that a unit names: bound to a pointer before every enqueue. All are aligned to kBufferAlignment,
// except boundary values that are the caller's buffers (any alignment).
struct UnitSlot {
  ValueId value = kNone;  // boundary slot of this value (group input or output); kNone: internal to the unit
  int64_t bytes = 0;      // of an internal slot
  int32_t first_step =
      0;  // an internal slot is live from the beginning of first_step to the end of last_step
  int32_t last_step = 0;
};

// What explain prints and profile measures for one step.
struct StepInfo {
  Vector<NodeId> nodes;     // what it computes
  const char* kernel = "";  // static, such as "gemm_f32_avx2_6x16"; "reference" for reference kernels
  bool is_reference = false;
  String reason;              // why this kernel; for a reference kernel: why no other
  int64_t multiply_adds = 0;  // reference kernels need not say
  int64_t bytes = 0;          // read and written
};

// Whether a run has to stop early: asked between the steps of a unit, and between the tiles of long ones.
// Reference kernels know nothing of it: such a step is always finished.
// Costs a clock reading (about 25 ns) where there is a deadline.
struct StopCheck {
  const volatile int32_t* cancel = nullptr;  // mace_run_options::cancel: another thread sets it
  uint64_t deadline_ns = 0;                  // of NowNanoseconds(); 0: none

  static uint64_t NowNanoseconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
  }
  // An atomic load: the caller's thread stores while workers read. Relaxed: nothing else is passed by the
  // flag.
  bool IsCancelled() const { return cancel != nullptr && __atomic_load_n(cancel, __ATOMIC_RELAXED) != 0; }
  bool ShouldStop() const { return IsCancelled() || (deadline_ns != 0 && NowNanoseconds() >= deadline_ns); }
  // What a unit that stopped early returns.
  Status ToStatus() const {
    if (IsCancelled()) {
      return Status::Format(StatusCode::kCancelled, "the run was cancelled");
    }
    return Status::Format(StatusCode::kDeadlineExceeded, "the run's deadline has passed");
  }
};

struct UnitBindings {
  void* const* slots = nullptr;  // one pointer per slot, in the order of Unit::slots()
  uint8_t* workspace = nullptr;  // Unit::workspace_bytes(), aligned
  ThreadPool* pool = nullptr;
  const StopCheck* stop = nullptr;  // never null: where it says so, the unit returns stop->ToStatus() soon
  uint64_t* step_nanoseconds = nullptr;  // null, or one counter per step to be written
};

// Something that can be waited for. CPU units finish inside enqueue and return an event that is already done.
struct Event {
  Status (*wait)(void* context) = nullptr;  // null: already done
  void* context = nullptr;
};

class Unit {
 public:
  virtual ~Unit() = default;
  std::span<const UnitSlot> slots() const { return slots_.span(); }
  std::span<const StepInfo> steps() const { return steps_.span(); }
  int64_t workspace_bytes() const { return workspace_bytes_; }
  const char* backend_name() const { return backend_name_; }
  // Starts the unit after `wait` (may be done). Allocates nothing. One caller at a time per set of bindings.
  virtual Result<Event> Enqueue(const UnitBindings& bindings, const Event& wait) = 0;

 protected:
  Vector<UnitSlot> slots_;
  Vector<StepInfo> steps_;
  int64_t workspace_bytes_ = 0;
  const char* backend_name_ = "";
};

// The answer of assess for the nodes of a plan.
struct Assessment {
  struct Group {
    Vector<NodeId> nodes;              // topological order; may run as one unit
    float predicted_milliseconds = 0;  // of a run; 0: the backend has no model of its cost. Explain prints it
  };
  Vector<Group> groups;
  struct Refusal {
    NodeId node;
    String reason;
  };
  Vector<Refusal> refusals;  // nodes in no group
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  virtual Status Assess(const PlanView& plan, std::span<const NodeId> nodes, Assessment* assessment) = 0;
  // `cached` is the blob of an earlier compile of the same group on the same device, or empty. `blob` may be
  // filled.
  virtual Result<std::unique_ptr<Unit>> Compile(const PlanView& plan, const GroupView& group,
                                                const CompileOptions& options,
                                                std::span<const uint8_t> cached, Vector<uint8_t>* blob) = 0;
};

}  // namespace mace

#endif  // MACE_BACKENDS_BACKEND_H_
