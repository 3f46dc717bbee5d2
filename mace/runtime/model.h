// Model: a loaded .mace file: graph, packed weights, plans. Immutable as seen from outside, and thread-safe.
#ifndef MACE_RUNTIME_MODEL_H_
#define MACE_RUNTIME_MODEL_H_

#include <span>

#include "mace/graph/graph.h"
#include "mace/model/mapped_file.h"
#include "mace/runtime/program.h"
#include "mace/runtime/runtime.h"

namespace mace {

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
  Program& program() const { return *program_; }
  uint64_t packed_bytes() const { return program_->packed_bytes(); }
  // Of an input: the state it may be left to, or kNone.
  int32_t input_state(size_t input) const { return input_states_[input]; }
  // The name, or "input_N" / "output_N" where the file has none.
  const char* input_name(size_t input) const { return program_->input_name(input); }
  const char* output_name(size_t output) const { return program_->output_name(output); }
  const char* DimName(int64_t dim) const;  // of a symbol; null for anything else

 private:
  Model(Ref<Runtime> runtime, const ModelOptions& options);
  Status LoadBytes(std::span<const uint8_t> bytes);
  Status Prepare();

  Ref<Runtime> runtime_;  // first: the last to go
  ModelOptions options_;
  MappedFile file_;
  Buffer copy_;
  Graph graph_;
  uint64_t file_bytes_ = 0;
  Vector<int32_t> input_states_;
  std::unique_ptr<Program> program_;
};

}  // namespace mace

#endif  // MACE_RUNTIME_MODEL_H_
