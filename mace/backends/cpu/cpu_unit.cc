#include "mace/backends/cpu/cpu_unit.h"

#include <atomic>
#include <cstring>

#include "mace/ops/evaluate.h"

namespace mace::cpu {

Result<uint8_t*> ParamsArena::Allocate(size_t bytes, const Allocator& allocator) {
  bytes = (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
  if (blocks_.empty() || used_ + bytes > blocks_.back().size()) {
    MACE_ASSIGN_OR_RETURN(Buffer block,
                          Buffer::Allocate(bytes > kBlockBytes ? bytes : kBlockBytes, allocator));
    std::memset(block.data(), 0, block.size());
    MACE_RETURN_IF_ERROR(blocks_.PushBack(std::move(block)));
    used_ = 0;
  }
  uint8_t* memory = blocks_.back().data() + used_;
  used_ += bytes;
  return memory;
}

Status CpuUnit::RunReference(const Step& step, void* const* operands, TensorView* views) const {
  const ReferenceCall& call = *step.reference;
  for (int32_t i = 0; i < step.operand_count; ++i) {
    views[i] = call.prototypes[i];
    views[i].data = operands[i];
  }
  return EvaluateNode(*call.graph, *call.node, views, views + call.input_count);
}

Status CpuUnit::NameNode(Status status, size_t s) const {
  const StepInfo& info = steps_[s];
  if (graph_ == nullptr || info.nodes.empty()) return std::move(status).WithPrefix("%s", info.kernel);
  const Node& node = graph_->nodes[info.nodes[0]];
  return std::move(status).WithPrefix("node '%s' (%s)", graph_->LabelOf(node), info.kernel);
}

bool CpuUnit::RunKernel(const Step& step, void* const* operands, const UnitBindings& bindings) const {
  uint8_t* worker_memory = bindings.workspace + workers_offset_;
  const bool may_stop = bindings.stop->cancel != nullptr || bindings.stop->deadline_ns != 0;
  if (step.tiles <= 1 || num_threads_ <= 1 || bindings.pool == nullptr) {
    // In one piece where nobody can stop the run: kernels reuse what neighbouring tiles share.
    constexpr int64_t kChunks = 32;
    const int64_t chunk = may_stop ? (step.tiles + kChunks - 1) / kChunks : step.tiles;
    for (int64_t begin = 0; begin < step.tiles; begin += chunk) {
      if (begin > 0 && bindings.stop->ShouldStop()) return false;
      const int64_t end = step.tiles - begin < chunk ? step.tiles : begin + chunk;
      step.function({step.params, operands, worker_memory}, begin, end);
    }
    return true;
  }
  struct Call {
    const Step* step;
    void* const* operands;
    uint8_t* worker_memory;
    int64_t worker_bytes;
    const StopCheck* stop;
    std::atomic<bool> stopped;
  } call = {&step, operands, worker_memory, worker_bytes_, may_stop ? bindings.stop : nullptr, false};
  bindings.pool->ParallelFor(
      step.tiles,
      [](void* context, int64_t tile_begin, int64_t tile_end, int32_t worker) {
        Call& shared = *static_cast<Call*>(context);
        if (shared.stop != nullptr && shared.stop->ShouldStop()) {
          shared.stopped.store(true, std::memory_order_relaxed);
          return;
        }
        shared.step->function(
            {shared.step->params, shared.operands, shared.worker_memory + worker * shared.worker_bytes},
            tile_begin, tile_end);
      },
      &call, num_threads_);
  return !call.stopped.load(std::memory_order_relaxed);
}

Result<Event> CpuUnit::Enqueue(const UnitBindings& bindings, const Event& wait) {
  if (wait.wait != nullptr) MACE_RETURN_IF_ERROR(wait.wait(wait.context));
  void** operands = reinterpret_cast<void**>(bindings.workspace);
  TensorView* views = reinterpret_cast<TensorView*>(bindings.workspace + views_offset_);
  uint64_t begin = bindings.step_nanoseconds != nullptr ? StopCheck::NowNanoseconds() : 0;
  int32_t error = 0;
  for (size_t s = 0; s < program_.size(); ++s) {
    if (bindings.stop->ShouldStop()) return bindings.stop->ToStatus();
    const Step& step = program_[s];
    const Operand* places = operands_.data() + step.operand_begin;
    for (int32_t i = 0; i < step.operand_count; ++i) {
      const Operand& place = places[i];
      if (place.slot >= 0) {
        operands[i] = static_cast<uint8_t*>(bindings.slots[place.slot]) + place.offset;
      } else {
        operands[i] = place.slot == kErrorFlag ? &error : const_cast<void*>(place.pointer);
      }
    }
    if (step.tiles <= 0) {  // nothing to compute: a tensor of size zero
    } else if (step.function != nullptr) {
      if (!RunKernel(step, operands, bindings)) return bindings.stop->ToStatus();
      if (error != 0) return NameNode(InvalidArgument("an index is out of range"), s);
    } else {
      MACE_RETURN_IF_ERROR(RunReference(step, operands, views));
    }
    if (bindings.step_nanoseconds != nullptr) {
      const uint64_t end = StopCheck::NowNanoseconds();
      bindings.step_nanoseconds[s] = end - begin;
      begin = end;
    }
  }
  return Event();
}

}  // namespace mace::cpu
