// Session: the state of one stream of runs of a model, and the memory they need. One caller at a time;
// several sessions of one model may run at once.
#ifndef MACE_RUNTIME_SESSION_H_
#define MACE_RUNTIME_SESSION_H_

#include <atomic>

#include "mace/runtime/execution.h"
#include "mace/runtime/model.h"
#include "mace/runtime/state_store.h"

namespace mace {

struct RunOptions {
  uint64_t timeout_ns = 0;
  const volatile int32_t* cancel = nullptr;
  bool profile = false;
};

class Session final : public RefCounted {
 public:
  static Result<Ref<Session>> Create(Ref<Model> model);

  // One caller at a time: whoever calls the functions below holds a guard; a second one gets an error from
  // Check instead of a race.
  class CallGuard {
   public:
    explicit CallGuard(Session* session) : busy_(session->busy_), entered_(!busy_.exchange(true)) {}
    ~CallGuard() {
      if (entered_) busy_.store(false);
    }
    CallGuard(const CallGuard&) = delete;
    CallGuard& operator=(const CallGuard&) = delete;
    Status Check() const {
      if (entered_) return Status::Ok();
      return Status::Format(StatusCode::kFailedPrecondition,
                            "another thread is inside this session; make one session per thread");
    }

   private:
    std::atomic<bool>& busy_;
    bool entered_;
  };

  // One element per input and output of the model. An optional input with null data is left to its state (in
  // Prepare: with dtype kInvalid). An output whose size depends on data has dimensions -1 and no bytes after
  // Prepare.
  Status Prepare(std::span<const RunTensor> inputs, std::span<RunTensor> outputs);
  Status Run(std::span<const RunTensor> inputs, std::span<RunTensor> outputs, const RunOptions& options);
  void ResetState();
  // Valid until the next call.
  Result<const char*> ExplainJson();
  Result<const char*> ProfileJson();

  const Model& model() const { return *model_; }
  // Scratch of the C ABI, one element per input and output.
  std::span<RunTensor> input_scratch() { return input_scratch_.span(); }
  std::span<RunTensor> output_scratch() { return output_scratch_.span(); }

 private:
  explicit Session(Ref<Model> model)
      : model_(std::move(model)), arena_(&model_->runtime()), states_(model_->graph(), &model_->runtime()) {}
  ~Session() override = default;
  Status Init();
  Status CheckInput(size_t index, const RunTensor& tensor, bool needs_data);
  Status AppendShape(const Shape& shape, String* text) const;
  Status BindSymbols();
  Status ResolveStates();
  Status MakeKey(std::span<const RunTensor> inputs, bool needs_data);
  Status UsePlan(std::span<const RunTensor> inputs, bool needs_data);

  Ref<Model> model_;  // first: the last to go
  PlanKey key_;       // of the inputs at hand
  Vector<int64_t> symbols_;
  Vector<int32_t> symbol_inputs_;  // the input that bound the symbol
  Arena arena_;
  StateStore states_;
  std::unique_ptr<Execution> execution_;
  uint64_t run_nanoseconds_ = 0;
  bool has_profile_ = false;
  Vector<RunTensor> input_scratch_;
  Vector<RunTensor> output_scratch_;
  String text_;
  std::atomic<bool> busy_{false};
};

}  // namespace mace

#endif  // MACE_RUNTIME_SESSION_H_
