// What the converters of TensorFlow's operators work with. Nodes are converted when something needs them, in
// the graph (a body of If or Loop, or the outermost one) that needs them; what is there already further out
// is captured.
#ifndef MACE_IMPORTERS_TENSORFLOW_TENSORFLOW_CONTEXT_H_
#define MACE_IMPORTERS_TENSORFLOW_TENSORFLOW_CONTEXT_H_

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mace/importers/graph_builder.h"
#include "mace/importers/tensorflow/graph_def.h"

namespace mace::importers::tensorflow {

using Results = std::vector<ValueId>;

// For messages: a view as a NUL-terminated string.
inline std::string Text(std::string_view view) { return std::string(view.substr(0, 200)); }

// What a person can do about a node that is not supported.
std::string ActionForNode(const NodeProto& node, bool is_unknown);

// Complex numbers are pairs of floats on one more axis, the last one (convert_complex.cc). Throws where the
// node has some and is none of those that are converted with this in mind.
void RefuseComplex(const NodeProto& node);
// Whether the node's results are complex numbers.
bool GivesComplex(const NodeProto& node);

struct TensorRef {
  int32_t node = -1;
  int32_t output = 0;

  friend bool operator==(const TensorRef&, const TensorRef&) = default;
};

// The nodes of a graph, or of a function behind one node "_Arg" for each of its arguments.
struct NodeTable {
  std::vector<const NodeProto*> nodes;
  std::vector<NodeProto> arguments;
  std::unordered_map<std::string_view, int32_t> by_name;
  std::vector<std::vector<TensorRef>> inputs;  // of each node, data only; node -1: there is none such
  std::vector<std::vector<int32_t>> controls;  // the nodes that it waits for
  std::vector<TensorRef> results;              // of a function
  // Of the loops of 1.x: the Enter nodes of each frame, the Merge behind each Enter that is carried, and the
  // Switches and Exits behind each Merge.
  std::unordered_map<std::string_view, std::vector<int32_t>> enters;
  std::unordered_map<int32_t, int32_t> merge_of_enter;
  std::unordered_map<int32_t, std::vector<int32_t>> switches_of_merge;
  std::unordered_map<int32_t, std::vector<int32_t>> exits_of_merge;
  const FunctionProto* function = nullptr;

  // RefSwitch is a Switch.
  std::string_view op(int32_t node) const {
    const std::string_view name = nodes[node]->op;
    return name.starts_with("Ref") ? name.substr(3) : name;
  }
  // The tensor behind Identity nodes.
  TensorRef Origin(TensorRef ref) const;
};
// Throws ImportError for names that are there twice or not at all.
std::unique_ptr<NodeTable> MakeNodeTable(const std::vector<NodeProto>& nodes, const FunctionProto* function);

// What all scopes of one import share.
struct ImportWork {
  ImportWork(const GraphProto& graph, const ImportOptions& import_options, ImportReport* import_report);

  const GraphProto& proto;
  const ImportOptions& options;
  ImportReport& report;
  std::unordered_map<std::string_view, const FunctionProto*> functions;
  std::unordered_map<std::string_view, std::unique_ptr<NodeTable>> tables;
  std::vector<std::string_view> calls;  // functions being expanded, the outermost first
  int depth = 0;                        // of scopes inside scopes
  int64_t conversions_left;
  int64_t visits_left = int64_t{1} << 26;
  int64_t subgraphs = 0;
  std::unordered_set<std::string> told;  // nodes with a problem
  // Lists of elements whose rank nothing has told yet: they stand as lists of numbers.
  std::set<std::pair<const Graph*, ValueId>> open_lists;

  bool IsOpenList(const Graph& graph, ValueId value) const { return open_lists.contains({&graph, value}); }

  const NodeTable& TableOf(std::string_view function);
  void AddProblem(const NodeProto& node, std::string reason, std::string action);
  void Visit(int64_t nodes);  // pays for a walk over the source
};

class Scope;

// A subgraph while it is built.
class Body {
 public:
  Body(ImportWork* work, GraphBuilder* outside);

  GraphBuilder& builder() { return builder_; }
  ValueId AddInput(const TensorType& type);
  // Each output is written by a node of the body: of others, and of ones that are there already, it is a
  // copy.
  void AddOutput(ValueId value);
  const TensorType& OutputType(size_t i) const { return graph_->values[graph_->outputs[i]].type; }
  size_t output_count() const { return graph_->outputs.size(); }
  // The value that stands here for one of the graph around. Constants are copied.
  ValueId Capture(ValueId outer);
  void ListCaptures(std::vector<ValueId>* outers) const;
  // Makes inputs of the captures, in the order of `outers`, and puts the graph into the one around.
  int32_t Finish(std::span<const ValueId> outers);

 private:
  ImportWork& work_;
  GraphBuilder& outside_;
  std::unique_ptr<Graph> graph_;
  GraphBuilder builder_;
  std::vector<std::pair<ValueId, ValueId>> captured_;  // {outer, inner} without constants
  std::unordered_map<ValueId, ValueId> inner_;
};

// Where nodes of a table are converted: a graph, and what is known there.
class Scope {
 public:
  enum class Kind { kPlain, kFrame, kBranch };
  // `outer` is a scope over the same table, or null. `body`: the scope's own, or null where it appends to the
  // graph of `outer`.
  Scope(ImportWork* work, const NodeTable* table, GraphBuilder* builder, Scope* outer, Body* body,
        Kind kind = Kind::kPlain);

  ImportWork& work() { return work_; }
  const NodeTable& table() const { return table_; }
  GraphBuilder& builder() { return builder_; }
  Scope* outer() { return outer_; }
  Kind kind() const { return kind_; }

  void Bind(int32_t node, Results results) { results_[node] = std::move(results); }
  // What is known here or further out; null where nothing is.
  const Results* Find(int32_t node);
  // The value that stands here for one of the scope around.
  ValueId Import(ValueId outer) { return body_ == nullptr ? outer : body_->Capture(outer); }
  // Converts the node and what it needs; null where that failed (a problem was told).
  const Results* Evaluate(int32_t node);
  // kNone where that failed.
  ValueId Evaluate(TensorRef ref);

  // Of a branch: the condition, and which side it is.
  TensorRef condition;
  bool side = false;
  std::string prefix;  // of names

 private:
  void Convert(int32_t node);
  std::vector<int32_t> NeededBy(int32_t node);

  ImportWork& work_;
  const NodeTable& table_;
  GraphBuilder& builder_;
  Scope* outer_;
  Body* body_;
  Kind kind_;
  std::unordered_map<int32_t, Results> results_;
  std::unordered_set<int32_t> waiting_;
  std::unordered_set<int32_t> broken_;
};

struct TensorflowOp;

// One node on its way to the graph.
class Call {
 public:
  Call(Scope* call_scope, const NodeProto& call_node, Results call_inputs)
      : scope(*call_scope), g(call_scope->builder()), node(call_node), inputs(std::move(call_inputs)) {}

  Scope& scope;
  GraphBuilder& g;
  const NodeProto& node;
  const Results inputs;

  size_t count() const { return inputs.size(); }
  ValueId In(size_t i) const {
    if (i >= inputs.size()) throw ImportError(DataLoss("input %zu is missing", i));
    return inputs[i];
  }
  int64_t Int(std::string_view attribute, int64_t missing) const;
  float Float(std::string_view attribute, float missing) const;
  bool Bool(std::string_view attribute, bool missing) const;
  std::string_view String(std::string_view attribute, std::string_view missing) const;
  std::vector<int64_t> Ints(std::string_view attribute) const;
  DType Type(std::string_view attribute, DType missing) const;
  std::string_view Function(std::string_view attribute) const;
  // The shape of a "shape" attribute; of unknown rank where it is missing.
  Shape ShapeOf(std::string_view attribute) const;
  bool IsChannelsFirst() const { return String("data_format", "NHWC").starts_with("NC"); }
  int Rank(size_t i) const {  // throws where it is not known
    const int rank = g.RankOf(In(i));
    if (rank < 0) throw ImportError(Unsupported("the rank of input %zu is not known", i));
    return rank;
  }
  // Of input i, whose rank is known: an axis that may count from the end.
  int Axis(size_t i, int64_t axis) const { return GraphBuilder::NormalizedAxis(axis, Rank(i)); }
};

using Converter = Results (*)(Call& call, const TensorflowOp& entry);

struct TensorflowOp {
  std::string_view name;
  Converter convert;
  OpId op = OpId::kInvalid;
  int variant = 0;
};

// Null for an operator that is not known.
const TensorflowOp* FindTensorflowOp(std::string_view name);
std::span<const TensorflowOp> TensorflowOps();
bool IsControlOperator(std::string_view name);  // of 1.x, converted by Scope
// Which output of an operator `name` begins at.
int32_t OutputOffset(std::string_view op, std::string_view name);

TensorView MakeTensor(const TensorProto& proto, GraphBuilder* builder, std::vector<uint8_t>* bytes);
Shape ShapeOfProto(const ShapeProto& proto);

// control_flow.cc: nodes of 1.x; they bind results in `scope`.
std::vector<int32_t> NeededByControl(Scope* scope, int32_t node);
Results ConvertControl(Scope* scope, int32_t node);
// What decides which branch a Merge gets; node -1 where it belongs to a loop, or nothing tells.
TensorRef PredicateOf(const NodeTable& table, int32_t merge, ImportWork* work);
// Adds what loops of 1.x consist of.
void FindLoopParts(NodeTable* table);

// loops.cc
// Writes a body: returns condition and carried values; an empty list where that failed.
using BodyWriter = std::function<Results(Body& body, std::span<const ValueId> carried)>;
// The values of the carried outputs; empty where the body failed.
Results EmitLoop(ImportWork* work, GraphBuilder* builder, ValueId condition, std::span<const ValueId> carried,
                 const BodyWriter& write);
// A branch writes its results; an empty list where that failed.
using BranchWriter = std::function<std::optional<Results>(GraphBuilder& builder, Body* body)>;
std::optional<Results> EmitIf(ImportWork* work, GraphBuilder* builder, ValueId condition,
                              const BranchWriter& then_branch, const BranchWriter& else_branch);
// Known at conversion.
std::optional<bool> KnownCondition(const GraphBuilder& builder, ValueId condition);
// TensorFlow takes any number as a condition: not zero.
ValueId AsCondition(GraphBuilder* builder, ValueId value);

}  // namespace mace::importers::tensorflow

#endif  // MACE_IMPORTERS_TENSORFLOW_TENSORFLOW_CONTEXT_H_
