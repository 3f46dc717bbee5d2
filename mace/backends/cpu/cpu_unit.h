// CpuUnit: the steps that a group of nodes was lowered to, and the loop that runs them. Immutable once
// compiled: everything that a run writes lies in its bindings, so that several sessions may share a unit.
#ifndef MACE_BACKENDS_CPU_CPU_UNIT_H_
#define MACE_BACKENDS_CPU_CPU_UNIT_H_

#include "mace/backends/backend.h"
#include "mace/kernels/kernel.h"

namespace mace::cpu {

// The slot number of an operand that is an int32 in which the kernel reports an index out of range.
inline constexpr int32_t kErrorFlag = -2;

// Where a step finds an operand: in a slot, at a fixed address (constants, packed weights), or nowhere.
struct Operand {
  int32_t slot = kNone;
  int64_t offset = 0;             // bytes into the slot
  const void* pointer = nullptr;  // where slot is kNone; null: an absent operand
  int64_t bytes = 0;              // read or written there: what explain reports
};

// A node that its reference kernel computes. The operands of the step are its inputs, then its outputs.
struct ReferenceCall {
  const Graph* graph = nullptr;
  const Node* node = nullptr;
  const TensorView* prototypes = nullptr;  // inputs, then outputs, without data; absent ones: dtype kInvalid
  int32_t input_count = 0;
  int32_t output_count = 0;
};

struct Step {
  kernels::KernelFunction function = nullptr;  // null: `reference` says what to do
  const void* params = nullptr;
  const ReferenceCall* reference = nullptr;
  int32_t operand_begin = 0;  // into CpuUnit's list
  int32_t operand_count = 0;
  int64_t tiles = 1;
};

// Parameter structs of a unit's kernels: allocated together, freed together, never destroyed one by one.
class ParamsArena {
 public:
  // `bytes` zeroed bytes, aligned to 64.
  Result<uint8_t*> Allocate(size_t bytes, const Allocator& allocator);

 private:
  static constexpr size_t kBlockBytes = 16 * 1024;
  Vector<Buffer> blocks_;
  size_t used_ = 0;  // of the last block
};

class CpuUnit final : public Unit {
 public:
  CpuUnit() { backend_name_ = "cpu"; }
  Result<Event> Enqueue(const UnitBindings& bindings, const Event& wait) override;

 private:
  friend class UnitBuilder;
  Status RunReference(const Step& step, void* const* operands, TensorView* views) const;
  // An error of step `s`, with the node that it belongs to.
  Status NameNode(Status status, size_t s) const;
  // False where it stopped early because bindings.stop says so.
  bool RunKernel(const Step& step, void* const* operands, const UnitBindings& bindings) const;

  const Graph* graph_ = nullptr;
  Vector<Step> program_;  // one entry per steps_
  Vector<Operand> operands_;
  ParamsArena params_;
  Vector<Buffer> owned_;  // packed forms of what is no constant of the model
  // The workspace: operand pointers of the running step, views of a reference step, then each worker's part.
  int64_t views_offset_ = 0;
  int64_t workers_offset_ = 0;
  int64_t worker_bytes_ = 0;
  int32_t num_threads_ = 1;
};

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_CPU_UNIT_H_
