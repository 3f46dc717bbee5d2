// The steps of ImportOnnx that are not about single operators.
#ifndef MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_
#define MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {

// The nodes' indices in topological order; files need not be sorted. Throws ImportError for cycles, for
// values produced twice and for ones that nothing produces.
std::vector<int32_t> SortNodes(const GraphProto& graph);

// What messages call a node: its name, or that of its first output.
std::string LabelOf(const NodeProto& node);

// Whether the importer has a converter for the node's operator, of a domain that the file imports.
bool IsKnownOperator(const NodeProto& node, const std::vector<OpsetImport>& opsets);
// A text that names every operator the importer does not know, with its count and the first nodes that use
// it; empty where there is none.
std::string UnknownOperators(const GraphProto& graph, const std::vector<OpsetImport>& opsets);

// Nodes that failed, so that one error names them all; what depends on them is not converted.
class Failures {
 public:
  bool Blocks(const NodeProto& node) const;
  void Add(const NodeProto& node, const ImportError& error);
  void Skip(const NodeProto& node) { broken_.insert(node.outputs.begin(), node.outputs.end()); }
  // Skips a blocked node, but adds it where its converter refuses it whatever it reads.
  void Examine(const NodeProto& node, int64_t opset, OnnxContext* context);
  void ThrowIfAny();

 private:
  std::unordered_set<std::string_view> broken_;
  std::string text_;
  StatusCode code_ = StatusCode::kOk;  // of the first
  ImportStage stage_ = ImportStage::kConvert;
  int count_ = 0;
  int examined_ = 0;
};

// Declares the states that it finds beside those that the options named: a recurrent layer whose initial
// state is a graph input and whose last state is a graph output.
void FindRecurrentStates(OnnxContext* context);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_IMPORT_H_
