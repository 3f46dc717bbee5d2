#include <algorithm>
#include <map>

#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"

namespace mace::importers::onnx {
std::string LabelOf(const NodeProto& node) {
  if (!node.name.empty()) return Text(node.name);
  for (std::string_view output : node.outputs) {
    if (!output.empty()) return Text(output);
  }
  return "";
}

std::vector<int32_t> SortNodes(const GraphProto& graph, const OnnxContext& context) {
  std::string early;  // the first node that stands before one that it reads
  std::unordered_map<std::string_view, int32_t> producers;  // -1: an input or initialiser
  for (const ValueInfo& input : graph.inputs) producers.emplace(input.name, -1);
  for (const Tensor& tensor : graph.initializers) producers.emplace(tensor.name, -1);
  for (const SparseTensor& sparse : graph.sparse_initializers) producers.emplace(sparse.values.name, -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (std::string_view output : graph.nodes[i].outputs) {
      if (output.empty()) continue;
      if (!producers.emplace(output, static_cast<int32_t>(i)).second) {
        throw ImportError(DataLoss("two values are named '%s'", Text(output).c_str()));
      }
    }
  }
  const auto count = static_cast<int32_t>(graph.nodes.size());
  std::vector<int32_t> waiting(count, 0);  // inputs not yet produced
  std::vector<std::vector<int32_t>> users(count);
  bool sorted = true;
  for (int32_t i = 0; i < count; ++i) {
    const NodeProto& node = graph.nodes[i];
    const auto read = [&](std::string_view input) {
      if (input.empty()) return;
      const auto found = producers.find(input);
      if (found == producers.end()) {
        if (context.Sees(input)) return;
        throw ImportError(DataLoss("node '%s' (%s) reads '%s', which nothing produces", LabelOf(node).c_str(),
                                   Text(node.op_type).c_str(), Text(input).c_str()));
      }
      if (found->second < 0) return;
      ++waiting[i];
      users[found->second].push_back(i);
      if (sorted && found->second >= i) early = LabelOf(node);
      sorted = sorted && found->second < i;
    };
    for (std::string_view input : node.inputs) read(input);
    for (std::string_view capture : node.captures) read(capture);
  }
  std::vector<int32_t> order;
  order.reserve(count);
  for (int32_t i = 0; i < count; ++i) {
    if (sorted || waiting[i] == 0) order.push_back(i);
  }
  if (sorted) return order;
  for (size_t next = 0; next < order.size(); ++next) {
    for (int32_t user : users[order[next]]) {
      if (--waiting[user] == 0) order.push_back(user);
    }
  }
  if (static_cast<int32_t>(order.size()) != count) {
    const auto stuck = std::find_if(waiting.begin(), waiting.end(), [](int32_t n) { return n > 0; });
    throw ImportError(DataLoss("the graph has a cycle through node '%s'",
                               LabelOf(graph.nodes[stuck - waiting.begin()]).c_str()));
  }
  AddRepair(early, "it stands before a node whose result it reads", "the nodes were sorted",
            &context.report());
  return order;
}

namespace {

bool IsImported(std::string_view domain, const std::vector<OpsetImport>& opsets) {
  for (const OpsetImport& opset : opsets) {
    if (opset.domain == domain || (IsDefaultDomain(opset.domain) && IsDefaultDomain(domain))) return true;
  }
  return false;
}

// What messages call the node's operator.
std::string OperatorText(const NodeProto& node, bool is_imported) {
  std::string text = node.op_type.empty() ? "a node without an operator type" : Text(node.op_type);
  if (!IsDefaultDomain(node.domain)) text = Text(node.domain) + ":" + text;
  if (!is_imported) text += " (of a domain that the file does not import)";
  return text;
}

std::string Quoted(const NodeProto& node) {
  const std::string label = LabelOf(node);
  return label.empty() ? "one without a name" : "'" + label + "'";
}

}  // namespace

bool IsKnownOperator(const NodeProto& node, const OnnxContext& context) {
  if (context.FunctionOf(node) != nullptr || context.IsBrought(node)) return true;
  return FindOnnxOp(node.domain, node.op_type) != nullptr && IsImported(node.domain, context.opsets());
}

namespace {

// Looks through graphs, their subgraphs and the functions that their nodes call, each function once.
class UnknownSearch {
 public:
  explicit UnknownSearch(const OnnxContext& context) : context_(context), problems_(&context.report()) {}

  void Look(const NodeProto& node, const std::vector<OpsetImport>& opsets) {
    if (const FunctionProto* function = context_.FunctionOf(node); function != nullptr) {
      if (seen_.insert(function).second) waiting_.push_back(function);
    } else if (!context_.IsBrought(node) &&
               (FindOnnxOp(node.domain, node.op_type) == nullptr || !IsImported(node.domain, opsets))) {
      const bool is_imported = IsImported(node.domain, opsets);
      const std::string what = OperatorText(node, is_imported);
      Missing& entry = missing_[what];
      problems_.Add(LabelOf(node), "", "MACE has no operator " + what,
                    is_imported ? ActionForUnknownOperator(importers::onnx::Text(node.op_type))
                                : "import its domain in the model (opset_import)");
      if (++entry.count <= kMaxNamed) entry.nodes += (entry.count == 1 ? "" : ", ") + Quoted(node);
    }
    for (const Attribute& attribute : node.attributes) {
      if (attribute.graph == nullptr) continue;
      for (const NodeProto& inner : attribute.graph->nodes) Look(inner, opsets);
    }
  }

  void LookThroughFunctions() {
    while (!waiting_.empty()) {
      const FunctionProto* function = waiting_.back();
      waiting_.pop_back();
      const auto& opsets = function->opsets.empty() ? context_.opsets() : function->opsets;
      for (const NodeProto& node : function->body.nodes) Look(node, opsets);
    }
  }

  std::string Text() const {
    constexpr size_t kMaxText = 3000;  // a message holds 4096 bytes, and more may follow
    std::string text;
    size_t left = missing_.size();
    for (const auto& [name, entry] : missing_) {
      if (text.size() > kMaxText) return text + ", and " + std::to_string(left) + " more operators";
      --left;
      text += text.empty() ? "operators that MACE does not support: " : ", ";
      text += name + " (" + std::to_string(entry.count) + (entry.count == 1 ? " node: " : " nodes: ") +
              entry.nodes;
      if (entry.count > kMaxNamed) text += " and " + std::to_string(entry.count - kMaxNamed) + " more";
      text += ")";
    }
    return text;
  }

 private:
  static constexpr int kMaxNamed = 8;
  struct Missing {
    int count = 0;
    std::string nodes;  // the first of them
  };
  const OnnxContext& context_;
  Problems problems_;
  std::map<std::string, Missing> missing_;
  std::unordered_set<const FunctionProto*> seen_;
  std::vector<const FunctionProto*> waiting_;
};

}  // namespace

std::string UnknownOperators(const GraphProto& graph, const OnnxCut& cut, OnnxContext* context) {
  UnknownSearch search(*context);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (cut.NeedOf(static_cast<int32_t>(i)) != Need::kResult) continue;
    search.Look(graph.nodes[i], context->opsets());
  }
  search.LookThroughFunctions();
  return search.Text();
}

}  // namespace mace::importers::onnx
