// Subgraphs on their way from the file to Graph::subgraphs.
#ifndef MACE_IMPORTERS_ONNX_ONNX_BODY_H_
#define MACE_IMPORTERS_ONNX_ONNX_BODY_H_

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// One subgraph while it is built: a context whose surroundings are those of the node that owns it.
class Body {
 public:
  explicit Body(OnnxContext* outside);

  OnnxContext& context() { return context_; }
  ValueId AddInput(std::string_view name, const TensorType& type);
  // Each output is written by a node of the body: of others, and of ones that are there already, it is a
  // copy.
  void AddOutput(ValueId value);
  const TensorType& OutputType(size_t i) const { return graph_->values[graph_->outputs[i]].type; }
  size_t output_count() const { return graph_->outputs.size(); }

  // Appends to `outers` what is captured and not among them.
  void ListCaptures(std::vector<ValueId>* outers) const;
  // Makes inputs of the captures, in the order of `outers` (some of which this body may not read), and puts
  // the graph into the surrounding one. Returns its index there.
  int32_t Finish(std::span<const ValueId> outers);

 private:
  OnnxContext& outside_;
  std::unique_ptr<Graph> graph_;
  OnnxContext context_;
};

// A Loop (mace/ops/control/control.h) whose body is made here.
struct LoopInputs {
  ValueId trip_count = kNone;
  ValueId condition = kNone;
  std::vector<ValueId> carried;
  int64_t trip_dim = kUnknownDim;  // how often it runs as long as the condition holds: a number or a symbol
};
// Writes a body through its context; returns condition, carried and scanned values. It may be called several
// times: until the types of the carried values hold for all iterations.
using BodyWriter = std::function<std::vector<ValueId>(Body& body, ValueId iteration, ValueId condition,
                                                      std::span<const ValueId> carried)>;
// Returns the values of carried and scanned outputs.
std::vector<ValueId> EmitLoop(OnnxContext& context, const LoopInputs& inputs, const BodyWriter& write);

// What `value` is where it is a constant of one bool or int64.
std::optional<int64_t> ConstantScalar(const Graph& graph, ValueId value);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_BODY_H_
