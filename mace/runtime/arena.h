// Memory of a session: the arena, and buffers that grow.
#ifndef MACE_RUNTIME_ARENA_H_
#define MACE_RUNTIME_ARENA_H_

#include "mace/core/memory.h"
#include "mace/runtime/runtime.h"

namespace mace {

// Intermediate results of the stage that runs. Nothing in it outlives the stage, so that a session needs one,
// whatever bodies run inside.
class Arena {
 public:
  explicit Arena(Runtime* runtime) : runtime_(runtime) {}
  ~Arena() { Release(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // At least `bytes`. What was there is lost.
  Status Ensure(size_t bytes);
  void Release() { runtime_->ReturnArena(std::move(buffer_)); }
  uint8_t* data() { return buffer_.data(); }
  // Bytes by which results of the session's loops outgrow what these began with.
  int64_t loop_growth = 0;

 private:
  Runtime* runtime_;
  Buffer buffer_;
};

enum class Growth : uint8_t {
  kExact,   // what is asked for
  kAmple,   // half as much again, for what grows from run to run; what was there is lost
  kAppend,  // the same, and what was there is kept
};
// Makes `buffer` at least `bytes` large (with kAmple and kAppend at most `limit`, which is no less). Says so
// where the runtime's memory limit, not the system, refuses. `what`: "a state", in messages.
Status GrowBuffer(Runtime& runtime, const char* what, size_t bytes, Growth growth, size_t limit,
                  Buffer* buffer);

}  // namespace mace

#endif  // MACE_RUNTIME_ARENA_H_
