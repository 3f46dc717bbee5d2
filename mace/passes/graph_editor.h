// GraphEditor: what rewriting passes work with: who uses a value, replacing, removing and adding nodes while
// the node list is out of order, and putting everything in order again. Throws PassError; each pass turns it
// into a Status with Guarded().
#ifndef MACE_PASSES_GRAPH_EDITOR_H_
#define MACE_PASSES_GRAPH_EDITOR_H_

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mace/graph/graph.h"

namespace mace::passes {

class PassError : public std::exception {
 public:
  explicit PassError(Status status) : code_(status.code()), message_(status.message()) {}
  const char* what() const noexcept override { return message_.c_str(); }
  StatusCode code() const { return code_; }

 private:
  StatusCode code_;
  std::string message_;
};
inline void Check(Status status) {
  if (!status.ok()) throw PassError(std::move(status));
}
template <typename T>
T Unwrap(Result<T> result) {
  if (!result.ok()) throw PassError(result.TakeStatus());
  return std::move(result).value();
}
// Runs `body`; what it throws becomes the Status.
template <typename Body>
Status Guarded(Body body) {
  try {
    body();
    return Status::Ok();
  } catch (const PassError& error) {
    return Status::Format(error.code(), "%s", error.what());
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::exception& error) {
    return Internal("a graph pass failed: %s", error.what());
  }
}

class GraphEditor {
 public:
  explicit GraphEditor(Graph* graph);

  Graph& graph() { return graph_; }
  const Graph& graph() const { return graph_; }
  int NodeCount() const { return static_cast<int>(graph_.nodes.size()); }
  bool IsAlive(NodeId node) const { return graph_.nodes[node].op != OpId::kInvalid; }
  const Node& node(NodeId id) const { return graph_.nodes[id]; }
  const Shape& ShapeOf(ValueId value) const { return graph_.values[value].type.shape; }
  DType DTypeOf(ValueId value) const { return graph_.values[value].type.dtype; }
  int32_t QuantizationIndexOf(ValueId value) const { return graph_.values[value].type.quantization; }
  bool IsConstant(ValueId value) const { return graph_.ConstantOf(value) != nullptr; }
  bool IsGraphInput(ValueId value) const;
  // Null unless `value` is produced by a node of this operator.
  const Node* ProducerIf(ValueId value, OpId op) const {
    if (value == kNone || graph_.values[value].producer == kNone) return nullptr;
    const Node& producer = graph_.nodes[graph_.values[value].producer];
    return producer.op == op ? &producer : nullptr;
  }
  // Each node once, in no particular order.
  const std::vector<NodeId>& UsersOf(ValueId value) const { return users_[value]; }
  // A graph output, or what a state becomes.
  bool IsResult(ValueId value) const { return result_[value] != 0; }
  bool HasOneUse(ValueId value) const { return users_[value].size() == 1 && !IsResult(value); }

  // Appends a node that will stand where `anchor` stands (references to nodes become invalid), with one
  // output, and infers the output's type. `quantization` is the output's.
  template <typename A>
  ValueId Emit(NodeId anchor, OpId op, std::span<const ValueId> inputs, const A& attributes,
               int32_t quantization = kNone) {
    return EmitMany(anchor, op, inputs, attributes, 1, quantization)[0];
  }
  template <typename A>
  ValueId Emit(NodeId anchor, OpId op, std::initializer_list<ValueId> inputs, const A& attributes,
               int32_t quantization = kNone) {
    return Emit(anchor, op, std::span<const ValueId>(inputs.begin(), inputs.size()), attributes,
                quantization);
  }
  ValueId Emit(NodeId anchor, OpId op, std::initializer_list<ValueId> inputs) {
    return Emit(anchor, op, inputs, NoAttributes{});
  }
  template <typename A>
  std::vector<ValueId> EmitMany(NodeId anchor, OpId op, std::span<const ValueId> inputs, const A& attributes,
                                int outputs, int32_t quantization = kNone) {
    std::vector<ValueId> values;
    const NodeId id = Append(anchor, op, inputs, outputs, quantization, &values);
    graph_.nodes[id].attributes.as<A>() = attributes;
    Infer(id);
    return values;
  }
  // A node with the operator, attributes and output quantization of `like` (no control node), but these
  // inputs.
  std::vector<ValueId> EmitLike(NodeId like, std::span<const ValueId> inputs);
  // The same with outputs of this dtype and quantization; nothing, and nothing has changed, where the
  // operator does not take such operands.
  std::vector<ValueId> TryEmitLike(NodeId like, std::span<const ValueId> inputs, DType dtype,
                                   int32_t quantization);

  void SetInput(NodeId node, int i, ValueId value);
  // Everything that reads `old_value` reads `new_value` instead, the graph's outputs and states too (whose
  // name moves with them).
  void ReplaceUses(ValueId old_value, ValueId new_value);
  // Appends this node, whose values exist, to stand where `anchor` stands.
  NodeId Insert(NodeId anchor, Node node);
  // The node's inputs behind input `i` move up.
  void RemoveInput(NodeId node, int i);
  // Removes the node; its outputs must have no users left.
  void Remove(NodeId node);
  // Call where a constant was made of a value, or a value was added, behind the editor's back.
  void Track();

  // Sorts the nodes, and drops those that nothing needs, with their values, constants and subgraphs.
  void Finish();

  int changes() const { return changes_; }

 private:
  NodeId Append(NodeId anchor, OpId op, std::span<const ValueId> inputs, int outputs, int32_t quantization,
                std::vector<ValueId>* values);
  void Infer(NodeId node) { Check(TryInfer(node)); }
  Status TryInfer(NodeId node);
  void RemoveUser(ValueId value, NodeId node);
  std::vector<NodeId> LiveNodesInOrder() const;

  Graph& graph_;
  std::vector<std::vector<NodeId>> users_;
  std::vector<uint8_t> result_;
  std::vector<uint8_t> input_;
  std::vector<int64_t> order_;  // of nodes: where they stand
  int changes_ = 0;
};

// Scalars, shapes and permutations that several passes look at.
using Permutation = IntList;
bool IsIdentity(const Permutation& perm);
Permutation Inverse(const Permutation& perm);
// The permutation of `second` applied to the result of `first`.
Permutation Compose(const Permutation& first, const Permutation& second);
// The permutation of a Transpose node whose input has rank `rank` (known).
Permutation PermutationOf(const Node& transpose, int rank);
// True where the value is a float constant of one element equal to `expected` but for float rounding.
bool IsScalar(const Graph& graph, ValueId value, double expected);
// The `shape` attribute of a Reshape from `from` to `to` (0 copies, one -1); false where it cannot say it.
bool ExpressShape(const Shape& from, const Shape& to, IntList* shape);

}  // namespace mace::passes

#endif  // MACE_PASSES_GRAPH_EDITOR_H_
