// Appends nodes and constants to the graph that an importer builds: what the converters of TensorFlow's and
// Caffe's operators work with. Throws ImportError.
#ifndef MACE_IMPORTERS_GRAPH_BUILDER_H_
#define MACE_IMPORTERS_GRAPH_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mace/graph/graph.h"
#include "mace/importers/import_error.h"
#include "mace/importers/importer.h"

namespace mace::importers {

class GraphBuilder {
 public:
  // `file_bytes`: of the source, which bounds the memory that its graph may take (Spend).
  GraphBuilder(Graph* graph, ImportReport* report, size_t file_bytes);
  // Of a subgraph: what is spent is spent of `outside`, too.
  GraphBuilder(Graph* graph, GraphBuilder* outside);

  Graph& graph() { return graph_; }
  ImportReport& report() { return report_; }

  // Nodes emitted from here on are called `name`; so is the last of their outputs that Named() is told of.
  void Begin(std::string_view name) { node_name_ = name; }
  const std::string& node_name() const { return node_name_; }

  // ---- values
  const TensorType& TypeOf(ValueId value) const { return graph_.values[value].type; }
  const Shape& ShapeOf(ValueId value) const { return TypeOf(value).shape; }
  DType DTypeOf(ValueId value) const { return TypeOf(value).dtype; }
  int RankOf(ValueId value) const { return ShapeOf(value).rank; }  // -1 where unknown
  bool IsConstant(ValueId value) const { return graph_.ConstantOf(value) != nullptr; }
  // Copies the bytes.
  ValueId AddConstant(std::string_view name, const TensorView& view);
  ValueId Floats(std::span<const float> elements, const Shape& shape);
  ValueId Scalar(double element, DType dtype);  // rank 0
  ValueId Int64s(std::span<const int64_t> elements);
  ValueId Int64s(std::initializer_list<int64_t> elements) {
    return Int64s(std::span<const int64_t>(elements.begin(), elements.size()));
  }
  // The elements of an integer constant of at most `most` elements; throws kUnsupported where it is computed
  // at run time. `what` names the operand.
  std::vector<int64_t> ConstantInts(ValueId value, const char* what, int64_t most = 64) const;
  // The one element of a constant, as a number.
  double ConstantNumber(ValueId value, const char* what) const;
  // `axis`, which may count from the end, of a tensor of this rank; throws kDataLoss where it has none such.
  static int NormalizedAxis(int64_t axis, int rank);
  // The value with its axes permuted (reshaped); constants without a node.
  ValueId Transposed(ValueId value, std::span<const int64_t> perm);
  ValueId Transposed(ValueId value, std::initializer_list<int64_t> perm) {
    return Transposed(value, std::span<const int64_t>(perm.begin(), perm.size()));
  }
  ValueId Reshaped(ValueId value, std::span<const int64_t> shape);  // -1, 0 as in Reshape's attribute
  ValueId Reshaped(ValueId value, std::initializer_list<int64_t> shape) {
    return Reshaped(value, std::span<const int64_t>(shape.begin(), shape.size()));
  }
  ValueId Cast(ValueId value, DType to);  // `value` itself where it has that type
  // Calls the value `name`: one that has no name yet, else a copy.
  ValueId Named(ValueId value, std::string_view name);

  // ---- nodes
  // Appends a node, infers the types of its outputs, and folds it where it is a small computation on
  // constants.
  template <typename A>
  ValueId Emit(OpId op, std::initializer_list<ValueId> inputs, const A& attributes) {
    return EmitMany(op, std::span<const ValueId>(inputs.begin(), inputs.size()), attributes, 1)[0];
  }
  ValueId Emit(OpId op, std::initializer_list<ValueId> inputs) { return Emit(op, inputs, NoAttributes{}); }
  // Operators that do not take floats of 16 bits compute with float32, between Casts.
  template <typename A>
  std::vector<ValueId> EmitMany(OpId op, std::span<const ValueId> inputs, const A& attributes, int outputs) {
    std::vector<ValueId> ids, operands(inputs.begin(), inputs.end());
    const DType narrow = WidenOperands(op, &operands);
    const NodeId id = Append(op, operands, outputs, &ids);
    graph_.nodes[id].attributes.as<A>() = attributes;
    Finish(id);
    if (narrow != DType::kInvalid) NarrowResults(narrow, &ids);
    return ids;
  }
  // A node whose outputs' types are given (If, Loop); its attributes are the caller's to set.
  NodeId EmitTyped(OpId op, std::span<const ValueId> inputs, std::span<const TensorType> types,
                   std::vector<ValueId>* ids);

  void Warn(std::string message);
  void Repaired(std::string reason, std::string action);  // of the node being converted
  // Charges memory that a damaged file could ask for without paying for it in bytes of its own.
  void Spend(int64_t bytes);

 private:
  // The type that the results become again; kInvalid where nothing was cast.
  DType WidenOperands(OpId op, std::vector<ValueId>* operands);
  void NarrowResults(DType narrow, std::vector<ValueId>* results);
  NodeId Append(OpId op, std::span<const ValueId> inputs, int outputs, std::vector<ValueId>* ids);
  void Finish(NodeId id);

  Graph& graph_;
  ImportReport& report_;
  std::string node_name_;
  int64_t own_bytes_left_ = 0;
  int64_t* bytes_left_;  // of the outermost
  int64_t own_fold_allowance_ = int64_t{16} << 20;
  int64_t* fold_allowance_;
};

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_GRAPH_BUILDER_H_
