// The steps of ImportOnnx that are not about single operators.
#ifndef MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_
#define MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "mace/importers/onnx/onnx_context.h"
#include "mace/importers/problems.h"
#include "mace/importers/source_tensors.h"

namespace mace::importers::onnx {

// The nodes' indices in topological order; files need not be sorted. What the nodes' subgraphs read counts as
// theirs; names that the context sees are there from the start. Throws ImportError for cycles, for values
// produced twice and for ones that nothing produces.
std::vector<int32_t> SortNodes(const GraphProto& graph, const OnnxContext& context);

// That the version of ONNX's own operators is one that this build reads.
void CheckOpsets(const std::vector<OpsetImport>& opsets);

// Converts a node of an operator that IsKnownOperator: binds its outputs.
void ConvertNode(const NodeProto& proto, OnnxContext* context);

// Converts all nodes of a subgraph or function in the context's scope, where its inputs are bound. Returns
// the values that are called `outputs`, which may be sequences only where the caller takes such.
enum class TakesSequences { kNo, kYes };
std::vector<ValueId> ConvertInner(const GraphProto& proto, std::span<const std::string_view> outputs,
                                  OnnxContext* context, TakesSequences takes = TakesSequences::kNo);

// What messages call a node: its name, or that of its first output.
std::string LabelOf(const NodeProto& node);

// Nodes that failed, so that one error names them all; what depends on them is not converted.
class Failures {
 public:
  explicit Failures(ImportReport* report) : problems_(report) {}
  bool Blocks(const NodeProto& node) const;
  void Add(const NodeProto& node, const ImportError& error);
  void Skip(const NodeProto& node) { broken_.insert(node.outputs.begin(), node.outputs.end()); }
  void Forget(std::string_view tensor) { broken_.erase(tensor); }  // its type is known all the same
  // Skips a blocked node, but adds it where its converter refuses it whatever it reads.
  void Examine(const NodeProto& node, OnnxContext* context);
  void ThrowIfAny() const { problems_.ThrowIfAny(); }

 private:
  std::unordered_set<std::string_view> broken_;
  Problems problems_;
  int examined_ = 0;
};

// The part of the file's graph that CutOptions ask for; all of it where they are empty. Numbers nodes as the
// file does.
class OnnxCut {
 public:
  // Throws ImportError for names that the graph does not have.
  OnnxCut(const CutOptions& options, const GraphProto& graph);
  bool is_whole() const { return is_whole_; }
  Need NeedOf(int32_t node) const {
    return is_whole_ ? Need::kResult : needs_.nodes[static_cast<size_t>(node)];
  }
  bool has_outputs() const { return !cut_.outputs.empty(); }
  // Whether an input of the file's graph is left out; says so to the user.
  bool LeavesOut(const ValueInfo& input, OnnxContext* context) const;
  // Tells the context what the nodes read that are converted, the graph's outputs and the cut.
  void MarkRead(OnnxContext* context) const;
  // Of a node that only types were needed of and that cannot be converted: what it computes at the cut gets
  // the types that the file declares.
  void Declare(const NodeProto& node, const std::string& reason, OnnxContext* context, Failures* failures);
  void Apply(OnnxContext* context) const;

 private:
  ValueId ValueOf(int32_t number, OnnxContext* context) const;

  bool is_whole_;
  const GraphProto& graph_;
  std::unordered_map<std::string_view, int32_t> numbers_;
  std::vector<std::string_view> names_;  // of each tensor
  ResolvedCut cut_;
  Needs needs_;
  std::unordered_map<std::string_view, std::string> reasons_;  // why a tensor at the cut has no type
};

// The type that the file declares; throws ImportError where MACE has no such type, naming the tensor `what`.
TensorType DeclaredType(Graph* graph, const ValueInfo& info, const char* what);

// Whether the node can be converted where the context is: an operator of a domain that is imported there, or
// a function of the model.
bool IsKnownOperator(const NodeProto& node, const OnnxContext& context);
// convert_custom.cc: a node whose operator the application brings.
std::vector<ValueId> ConvertBrought(OnnxContext& context, OnnxNode& node, const NodeProto& proto);
// A text that names every operator the importer does not know, with its count and the first nodes that use
// it; empty where there is none. In subgraphs and in functions that are called, too. Nodes outside of `cut`
// do not count. Each node becomes a problem of the report.
std::string UnknownOperators(const GraphProto& graph, const OnnxCut& cut, OnnxContext* context);

// Declares the states that it finds beside those that the options named: a recurrent layer whose initial
// state is a graph input and whose last state is a graph output.
void FindRecurrentStates(OnnxContext* context);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_
