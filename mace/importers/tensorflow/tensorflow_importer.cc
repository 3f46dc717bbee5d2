// ImportTensorflow: parse, find inputs and outputs, convert what the outputs need.
#include <algorithm>

#include "mace/graph/op_definition.h"
#include "mace/importers/cut_graph.h"
#include "mace/importers/edge_names.h"
#include "mace/importers/importer.h"
#include "mace/importers/problems.h"
#include "mace/importers/states.h"
#include "mace/importers/tensorflow/tensorflow_context.h"

namespace mace::importers {
namespace tensorflow {
namespace {

bool IsInput(std::string_view op) { return op == "Placeholder" || op == "PlaceholderV2"; }

class Import {
 public:
  Import(const GraphProto& proto, size_t file_bytes, const ImportOptions& options, Graph* graph,
         ImportReport* report)
      : proto_(proto),
        options_(options),
        graph_(*graph),
        work_(proto, options, report),
        table_(MakeNodeTable(proto.nodes, nullptr)),
        builder_(graph, report, file_bytes),
        scope_(&work_, table_.get(), &builder_, nullptr, nullptr) {}

  void Run() {
    FindOutputs();
    if (!options_.cut.empty()) ResolveCut();
    FindNeeded();
    TellUnknown();
    AddInputs();
    BindCutInputs();
    std::vector<ValueId> values;
    for (const TensorRef& ref : wanted_) values.push_back(scope_.Evaluate(ref));
    for (const auto& [from, to] : cut_.joins) {
      scope_.Evaluate(refs_[from.number]);
      scope_.Evaluate(refs_[to.number]);
    }
    ThrowProblems();
    if (cut_.outputs.empty()) {
      AddOutputs(values);
    }
    if (!options_.cut.empty()) {
      std::vector<std::string> warnings;
      CutGraph(cut_, [&](int32_t number) { return ValueOf(number); }, &graph_, &warnings);
      for (std::string& warning : warnings) builder_.Warn(std::move(warning));
    }
    Check(DeclareStates(options_, &graph_));
    Check(VerifyGraph(graph_, &FindOpDefinition), ImportStage::kVerify);
  }

 private:
  std::string NameOf(TensorRef ref) const {
    std::string name(table_->nodes[ref.node]->name);
    return ref.output == 0 ? name : name + ":" + std::to_string(ref.output);
  }

  // Outputs are what nobody reads, except what is there for its effect or was left behind.
  void FindOutputs() {
    constexpr std::string_view kNoResults[] = {"NoOp",
                                               "Assert",
                                               "Print",
                                               "PrintV2",
                                               "Placeholder",
                                               "Const",
                                               "Enter",
                                               "Switch",
                                               "NextIteration",
                                               "LoopCond",
                                               "PlaceholderWithDefault",
                                               "PlaceholderV2"};
    const auto count = static_cast<int32_t>(table_->nodes.size());
    std::vector<bool> is_read(table_->nodes.size());
    for (int32_t i = 0; i < count; ++i) {
      for (const TensorRef& ref : table_->inputs[i]) is_read[ref.node] = true;
      for (int32_t control : table_->controls[i]) is_read[control] = true;
    }
    std::unordered_map<int32_t, bool> hanging;
    for (int32_t i = 0; i < count; ++i) {
      if (is_read[i] || std::ranges::find(kNoResults, table_->op(i)) != std::end(kNoResults)) continue;
      if (HangsInside(i, &hanging) || IsLoopMerge(i)) continue;
      outputs_.push_back({i, 0});
    }
    wanted_ = outputs_;
  }

  // Whether a node is left over inside of a loop or a branch: its values never leave it. `known` keeps the
  // answers of the nodes passed by, so that many ends of one long chain do not walk all of it each.
  bool HangsInside(int32_t node, std::unordered_map<int32_t, bool>* known) const {
    std::vector<int32_t> passed;
    bool hangs = false;
    while (table_->op(node) == "Identity" && !table_->inputs[node].empty()) {
      // A node that is met again, in a cycle too, has its answer.
      const auto [entry, is_new] = known->try_emplace(node, false);
      if (!is_new) {
        hangs = entry->second;
        break;
      }
      passed.push_back(node);
      node = table_->inputs[node][0].node;
      hangs = table_->op(node) == "Switch" || table_->op(node) == "Enter";
      if (hangs) break;
    }
    for (int32_t each : passed) (*known)[each] = hangs;
    return hangs;
  }

  bool IsLoopMerge(int32_t node) const {
    return table_->op(node) == "Merge" &&
           std::ranges::any_of(table_->inputs[node], [&](const TensorRef& ref) {
             return table_->op(ref.node) == "Enter" || table_->op(ref.node) == "NextIteration";
           });
  }

  int32_t NumberOf(TensorRef ref) {
    const int64_t key = (int64_t{ref.node} << 32) | static_cast<uint32_t>(ref.output);
    const auto [entry, is_new] = numbers_.try_emplace(key, static_cast<int32_t>(refs_.size()));
    if (is_new) refs_.push_back(ref);
    return entry->second;
  }

  void ResolveCut() {
    SourceTensors tensors;
    for (int32_t i = 0; i < static_cast<int32_t>(table_->nodes.size()); ++i) {
      const TensorRef ref = {i, 0};
      if (IsInput(table_->op(i))) {
        tensors.AddInput(NameOf(ref), NumberOf(ref));
      } else {
        tensors.AddTensor(NameOf(ref), NumberOf(ref));
      }
    }
    for (const TensorRef& ref : outputs_) tensors.AddOutput(NameOf(ref), NumberOf(ref));
    for (const auto& inputs : table_->inputs) {
      for (const TensorRef& ref : inputs) {
        if (ref.output > 0) tensors.AddTensor(NameOf(ref), NumberOf(ref));
      }
    }
    // Outputs that nobody reads have no number yet.
    for (const std::string& name : options_.cut.outputs) {
      const size_t colon = name.find(':');
      const auto found = table_->by_name.find(std::string_view(name).substr(0, colon));
      if (colon == name.npos || found == table_->by_name.end()) continue;
      const int output = std::atoi(name.c_str() + colon + 1);
      constexpr int kMostOutputs = 1 << 16;
      if (output > 0 && output < kMostOutputs) {
        const TensorRef ref = {found->second, output};
        tensors.AddTensor(NameOf(ref), NumberOf(ref));
      }
    }
    cut_ = tensors.Resolve(options_.cut);
    if (cut_.outputs.empty()) return;
    wanted_.clear();
    for (const auto& output : cut_.outputs) wanted_.push_back(refs_[output.number]);
  }

  // What the outputs need, not looking behind the inputs that were chosen.
  void FindNeeded() {
    std::unordered_set<int32_t> behind;
    for (const auto& input : cut_.inputs) behind.insert(refs_[input.number].node);
    std::vector<int32_t> stack;
    for (const TensorRef& ref : wanted_) stack.push_back(ref.node);
    for (const auto& [from, to] : cut_.joins) {
      stack.push_back(refs_[from.number].node);
      behind.insert(refs_[to.number].node);
    }
    needed_.assign(table_->nodes.size(), false);
    while (!stack.empty()) {
      const int32_t node = stack.back();
      stack.pop_back();
      if (needed_[node]) continue;
      needed_[node] = true;
      if (behind.contains(node)) continue;
      for (const TensorRef& ref : table_->inputs[node]) stack.push_back(ref.node);
      if (table_->op(node) != "Merge") continue;
      const TensorRef predicate = PredicateOf(*table_, node, &work_);
      if (predicate.node >= 0) stack.push_back(predicate.node);
    }
  }

  // All operators that are not known, also those in functions: told at once.
  void TellUnknown() {
    std::unordered_set<std::string_view> seen;
    std::vector<std::string_view> functions;
    const auto look = [&](const NodeProto& node) {
      const bool is_known =
          node.op == "Placeholder" || FindTensorflowOp(node.op) != nullptr || IsControlOperator(node.op);
      if (!is_known) {
        work_.AddProblem(node, "MACE has no such operator", ActionForNode(node, true));
      }
      for (const AttributeValue& value : node.attributes) {
        if (value.function.has_value()) functions.push_back(*value.function);
        functions.insert(functions.end(), value.functions.begin(), value.functions.end());
      }
    };
    std::unordered_set<int32_t> chosen;
    for (const auto& input : cut_.inputs) chosen.insert(refs_[input.number].node);
    for (const auto& [from, to] : cut_.joins) chosen.insert(refs_[to.number].node);
    for (size_t i = 0; i < needed_.size(); ++i) {
      if (needed_[i] && !chosen.contains(static_cast<int32_t>(i))) look(*table_->nodes[i]);
    }
    while (!functions.empty()) {
      const std::string_view name = functions.back();
      functions.pop_back();
      const auto found = work_.functions.find(name);
      if (found == work_.functions.end() || !seen.insert(name).second) continue;
      for (const NodeProto& node : found->second->nodes) look(node);
    }
  }

  void AddInputs() {
    for (size_t i = 0; i < table_->nodes.size(); ++i) {
      const NodeProto& node = *table_->nodes[i];
      if (!IsInput(node.op)) continue;
      // All that a chosen input hides are still there for its type.
      if (!needed_[i] && cut_.inputs.empty()) {
        builder_.Warn("input '" + Text(node.name) + "' was dropped: no output depends on it");
        continue;
      }
      TensorType type;
      const AttributeValue* dtype = node.Find("dtype");
      const int32_t number = dtype != nullptr ? dtype->type.value_or(0) : 0;
      type.dtype = DTypeOfTensorflow(number);
      if (type.dtype == DType::kInvalid) {
        if (needed_[i]) {
          work_.AddProblem(node, "elements of type " + TensorflowTypeName(number) + ", which MACE lacks",
                           number == kTensorflowString ? kTextAction : "cut the graph behind it");
        }
        continue;
      }
      const AttributeValue* shape = node.Find("shape");
      type.shape = Shape::OfUnknownRank();
      if (shape != nullptr && shape->shape.has_value()) type.shape = ShapeOfProto(*shape->shape);
      for (int axis = 0; axis < type.shape.rank; ++axis) {
        if (type.shape[axis] >= 0) continue;
        constexpr size_t kMaxSymbols = 4096;  // they are found by looking through them
        if (graph_.symbols.size() > kMaxSymbols) break;
        type.shape[axis] =
            SymbolDim(Unwrap(graph_.FindOrAddSymbol(std::string(node.name) + "_dim" + std::to_string(axis))));
      }
      const ValueId value = Unwrap(graph_.AddValue(node.name, type));
      Check(graph_.inputs.PushBack(value));
      scope_.Bind(static_cast<int32_t>(i), {value});
    }
  }

  // Of a chosen input only the type is needed: of nodes that cannot be converted the file tells it.
  void BindCutInputs() {
    const auto bind = [&](const ResolvedCut::Tensor& tensor) {
      const TensorRef ref = refs_[tensor.number];
      const std::vector<Finding> problems = work_.report.problems;
      if (scope_.Evaluate(ref.node) != nullptr) return;
      work_.report.problems = problems;
      const NodeProto& node = *table_->nodes[ref.node];
      TensorType type;
      for (const char* attribute : {"dtype", "DstT", "output_type", "T"}) {
        const AttributeValue* value = node.Find(attribute);
        if (type.dtype == DType::kInvalid && value != nullptr) {
          type.dtype = DTypeOfTensorflow(value->type.value_or(0));
        }
      }
      if (type.dtype == DType::kInvalid) {
        throw ImportError(
            Unsupported("the type of '%s' is not known: the file does not tell it, and node '%s' "
                        "(%s) is not supported: begin at another tensor (--input_tensor, inputs=...)",
                        NameOf(ref).c_str(), Text(node.name).c_str(), Text(node.op).c_str()));
      }
      type.shape = Shape::OfUnknownRank();
      if (tensor.shape.has_value()) {
        type.shape = Shape{};
        for (int64_t dim : *tensor.shape) type.shape.Push(dim < 0 ? kUnknownDim : dim);
      }
      constexpr int32_t kMostOutputs = 1 << 16;
      if (ref.output >= kMostOutputs) throw ImportError(DataLoss("an output of number %d", ref.output));
      Results results(static_cast<size_t>(ref.output) + 1, kNone);
      results[ref.output] = Unwrap(graph_.AddValue("", type));
      scope_.Bind(ref.node, results);
    };
    for (const auto& input : cut_.inputs) bind(input);
    for (const auto& [from, to] : cut_.joins) bind(to);
  }

  ValueId ValueOf(int32_t number) {
    const ValueId value = scope_.Evaluate(refs_[number]);
    if (value == kNone) {
      ThrowProblems();
      throw ImportError(
          Unsupported("'%s' is not computed by MACE: end at another tensor (--output_tensor, outputs=...)",
                      NameOf(refs_[number]).c_str()));
    }
    return value;
  }

  void ThrowProblems() {
    const std::vector<Finding>& problems = work_.report.problems;
    if (problems.empty()) return;
    constexpr size_t kMostTold = 20;
    std::string text;
    const size_t told = std::min(problems.size(), kMostTold);
    for (size_t i = 0; i < told; ++i) {
      text += (i == 0 ? "node '" : "; node '") + problems[i].node + "': " + problems[i].reason;
      if (i + 1 == told || problems[i + 1].action != problems[i].action) {
        text += " (" + problems[i].action + ")";  // once for all in a row that have it
      }
    }
    if (problems.size() > told) text += "; and " + std::to_string(problems.size() - told) + " more";
    throw ImportError(StatusCode::kUnsupported, text, work_.report.failed_at);
  }

  void AddOutputs(std::span<const ValueId> values) {
    if (outputs_.empty()) throw ImportError(DataLoss("the graph has no outputs"));
    EdgeNames names;
    std::unordered_set<ValueId> seen;
    std::vector<TensorRef> refs;
    std::vector<ValueId> all;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Results* results = scope_.Find(outputs_[i].node);
      for (size_t k = 0; results != nullptr && k < results->size(); ++k) {
        if ((*results)[k] == kNone) continue;
        refs.push_back({outputs_[i].node, static_cast<int32_t>(k)});
        all.push_back((*results)[k]);
      }
    }
    if (static_cast<int64_t>(refs.size()) > kMaxGraphEdges) {
      throw ImportError(
          Unsupported("%zu outputs, the limit is %lld", refs.size(), static_cast<long long>(kMaxGraphEdges)));
    }
    for (const TensorRef& ref : refs) names.Reserve(NameOf(ref));
    for (size_t i = 0; i < refs.size(); ++i) {
      ValueId value = all[i];
      const std::string name = names.Take(NameOf(refs[i]));
      builder_.Begin(name);
      // Every output is written by a node and has a value, and a name, of its own.
      if (graph_.values[value].producer == kNone || seen.contains(value) ||
          !graph_.values[value].name.empty()) {
        std::vector<ValueId> ids;
        const TensorType type = graph_.values[value].type;
        builder_.EmitTyped(OpId::kIdentity, std::span(&value, 1), std::span(&type, 1), &ids);
        value = ids[0];
      }
      Check(graph_.values[value].name.Assign(name));
      seen.insert(value);
      if (GivesComplex(*table_->nodes[refs[i].node])) {
        builder_.Warn("'" + Text(name) + "' is complex: here " +
                      mace::NameOf(graph_.values[value].type.dtype) +
                      " with one more axis, the last one, of the real and the imaginary part");
      }
      Check(graph_.outputs.PushBack(value));
    }
  }

  const GraphProto& proto_;
  const ImportOptions& options_;
  Graph& graph_;
  ImportWork work_;
  std::unique_ptr<NodeTable> table_;
  GraphBuilder builder_;
  Scope scope_;
  std::vector<TensorRef> outputs_;  // the model's own
  std::vector<TensorRef> wanted_;
  ResolvedCut cut_;
  std::unordered_map<int64_t, int32_t> numbers_;
  std::vector<TensorRef> refs_;  // by the numbers of the cut
  std::vector<bool> needed_;
};

}  // namespace
}  // namespace tensorflow

Status ImportTensorflow(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                        ImportReport* report) {
  return RunImporter("TensorFlow", report, [&] {
    tensorflow::GraphProto proto;
    Check(tensorflow::ParseGraph(bytes, &proto));
    if (proto.nodes.empty()) throw ImportError(DataLoss("the graph has no nodes"));
    tensorflow::Import(proto, bytes.size(), options, graph, report).Run();
  });
}

}  // namespace mace::importers
