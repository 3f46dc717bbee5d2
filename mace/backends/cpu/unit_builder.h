// UnitBuilder: appends slots and steps to a CpuUnit while it is compiled.
#ifndef MACE_BACKENDS_CPU_UNIT_BUILDER_H_
#define MACE_BACKENDS_CPU_UNIT_BUILDER_H_

#include "mace/backends/cpu/cpu_unit.h"

namespace mace::cpu {

// A step before it is appended.
struct StepSpec {
  const char* kernel = "";  // static
  kernels::KernelFunction function = nullptr;
  const void* params = nullptr;
  const ReferenceCall* reference = nullptr;
  int64_t tiles = 1;
  int64_t workspace_bytes = 0;  // of each worker
  int64_t multiply_adds = 0;
  const char* reason = "";
  Vector<Operand> operands;
};

class UnitBuilder {
 public:
  UnitBuilder(const Graph* graph, CpuUnit* unit, int32_t num_threads, const Allocator& allocator)
      : unit_(unit), allocator_(allocator) {
    unit->graph_ = graph;
    unit->num_threads_ = num_threads < 1 ? 1 : num_threads;
  }

  // A new slot: of the boundary value `value`, or internal (kNone) with `bytes`.
  Result<int32_t> AddSlot(ValueId value, int64_t bytes);
  // Appends the step; slots that it names live at least until it has run. Its info's nodes stay to be filled.
  Result<StepInfo*> AddStep(StepSpec spec);
  int32_t step_count() const { return static_cast<int32_t>(unit_->steps_.size()); }
  int32_t num_threads() const { return unit_->num_threads_; }

  template <typename T>
  Result<T*> NewParams() {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kBufferAlignment);
    MACE_ASSIGN_OR_RETURN(uint8_t* memory, unit_->params_.Allocate(sizeof(T), allocator_));
    return new (memory) T();
  }
  Result<uint8_t*> NewBytes(size_t bytes) { return unit_->params_.Allocate(bytes, allocator_); }
  // A block that lives as long as the unit.
  Result<uint8_t*> NewOwned(size_t bytes);

  // Lays out the workspace; no step may follow.
  void Finish();

 private:
  CpuUnit* unit_;
  const Allocator& allocator_;
  int64_t most_operands_ = 0;
  int64_t most_views_ = 0;
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_UNIT_BUILDER_H_
