#include <algorithm>
#include <map>

#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"

namespace mace::importers::onnx {
namespace {

std::string NameOfNode(const NodeProto& node) {
  if (!node.name.empty()) return Text(node.name);
  return node.outputs.empty() ? "" : Text(node.outputs[0]);
}

}  // namespace

std::vector<int32_t> SortNodes(const GraphProto& graph) {
  std::unordered_map<std::string_view, int32_t> producers;  // -1: an input or initialiser
  for (const ValueInfo& input : graph.inputs) producers.emplace(input.name, -1);
  for (const Tensor& tensor : graph.initializers) producers.emplace(tensor.name, -1);
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
    for (std::string_view input : graph.nodes[i].inputs) {
      if (input.empty()) continue;
      const auto found = producers.find(input);
      if (found == producers.end()) {
        throw ImportError(DataLoss("node '%s' (%s) reads '%s', which nothing produces",
                                   NameOfNode(graph.nodes[i]).c_str(), Text(graph.nodes[i].op_type).c_str(),
                                   Text(input).c_str()));
      }
      if (found->second < 0) continue;
      ++waiting[i];
      users[found->second].push_back(i);
      sorted = sorted && found->second < i;
    }
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
                               NameOfNode(graph.nodes[stuck - waiting.begin()]).c_str()));
  }
  return order;
}

void RequireKnownOperators(const GraphProto& graph, const std::vector<OpsetImport>& opsets) {
  struct Missing {
    int count = 0;
    std::string first;
  };
  std::map<std::string, Missing> missing;
  for (const NodeProto& node : graph.nodes) {
    bool imported = false;
    for (const OpsetImport& opset : opsets) {
      imported = imported || opset.domain == node.domain ||
                 (IsDefaultDomain(opset.domain) && IsDefaultDomain(node.domain));
    }
    if (imported && FindOnnxOp(node.domain, node.op_type) != nullptr) continue;
    std::string name =
        IsDefaultDomain(node.domain) ? Text(node.op_type) : Text(node.domain) + ":" + Text(node.op_type);
    if (!imported) name += " (of a domain that the file does not import)";
    if (missing.size() >= 1000 && !missing.contains(name)) continue;
    Missing& entry = missing[name];
    if (entry.count++ == 0) entry.first = NameOfNode(node);
  }
  if (missing.empty()) return;
  std::string text;
  for (const auto& [name, entry] : missing) {
    if (!text.empty()) text += ", ";
    text += name + " (" + std::to_string(entry.count) + (entry.count == 1 ? " node, '" : " nodes, first '") +
            entry.first + "')";
  }
  throw ImportError(Unsupported("operators that MACE does not support: %s", text.c_str()));
}

}  // namespace mace::importers::onnx
