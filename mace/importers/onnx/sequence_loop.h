// A Loop that carries sequences: what an iteration adds behind the others becomes one more scanned output.
#ifndef MACE_IMPORTERS_ONNX_SEQUENCE_LOOP_H_
#define MACE_IMPORTERS_ONNX_SEQUENCE_LOOP_H_

#include <span>
#include <vector>

#include "mace/importers/onnx/onnx_context.h"
#include "mace/importers/onnx/onnx_registry.h"

namespace mace::importers::onnx {

class SequenceLoop {
 public:
  static constexpr int kFirstCarried = 2;  // behind the trip count and the condition

  SequenceLoop(OnnxContext& context, const OnnxNode& node);
  size_t carried_count() const { return carried_.size(); }
  // The carried values that are tensors.
  std::vector<ValueId> Tensors() const;
  // Gives the body's inputs their values: `tensors`, and in the places of sequences ones that grow.
  void BindBody(const GraphProto& graph, std::span<const ValueId> tensors, OnnxContext* inside) const;
  // Of the body's condition, carried and scanned values those that are tensors, then what was added.
  std::vector<ValueId> TakeApart(const std::vector<ValueId>& results, OnnxContext* inside);
  // The node's outputs of those of the Loop.
  Outputs PutTogether(const std::vector<ValueId>& values) const;

 private:
  OnnxContext& context_;
  std::vector<ValueId> carried_;
  std::vector<bool> added_;  // of carried sequences: whether an iteration adds an element
};

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_SEQUENCE_LOOP_H_
