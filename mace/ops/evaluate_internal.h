// What the files behind evaluate.h share.
#ifndef MACE_OPS_EVALUATE_INTERNAL_H_
#define MACE_OPS_EVALUATE_INTERNAL_H_

#include "mace/core/result.h"
#include "mace/core/vector.h"
#include "mace/ops/evaluate.h"

namespace mace::evaluate_internal {

// Room for `count` elements: on the stack for ordinary nodes, so that evaluating one allocates nothing.
template <typename T>
class SmallArray {
 public:
  Status Resize(size_t count) {
    if (count <= kInline) {
      data_ = inline_;
      return Status::Ok();
    }
    MACE_RETURN_IF_ERROR(heap_.Resize(count));
    data_ = heap_.data();
    return Status::Ok();
  }
  T& operator[](size_t i) { return data_[i]; }
  T* data() { return data_; }

 private:
  static constexpr size_t kInline = 16;
  T inline_[kInline] = {};
  Vector<T> heap_;
  T* data_ = nullptr;
};

Result<const OpDefinition*> DefinitionOf(const Graph& graph, const Node& node);
// "node 'name' (Op)" in front of the message.
Status NameNode(Status status, const Graph& graph, const Node& node, const OpDefinition& definition);
// Checks operand counts and attributes, and runs the shape rule.
Status InferChecked(const OpDefinition& definition, const Graph& graph, const Node& node,
                    const TensorType* input_types, const TensorView* const* known, TensorType* output_types);

Status Allocate(DType dtype, const Shape& shape, EvaluatedTensor* tensor);
Status Copy(const TensorView& source, EvaluatedTensor* copy);

}  // namespace mace::evaluate_internal

#endif  // MACE_OPS_EVALUATE_INTERNAL_H_
