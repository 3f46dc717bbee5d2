#include "mace/importers/tensorflow/tensorflow_context.h"

#include <algorithm>
#include <cstring>

namespace mace::importers::tensorflow {

TensorRef NodeTable::Origin(TensorRef ref) const {
  for (size_t steps = 0; steps < nodes.size() && ref.node >= 0; ++steps) {
    const std::string_view name = op(ref.node);
    const bool passes = name == "Identity" || name == "StopGradient" || name == "PreventGradient" ||
                        name == "LoopCond" || name == "Snapshot";
    if (!passes || inputs[ref.node].empty()) break;
    ref = inputs[ref.node][0];
  }
  return ref;
}

namespace {

int64_t ParseIndex(std::string_view text) {
  int64_t index = 0;
  if (text.empty() || text.size() > 6) return -1;
  for (char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    index = index * 10 + (digit - '0');
  }
  return index;
}

TensorRef ParseRef(const NodeTable& table, std::string_view text) {
  TensorRef ref;
  const size_t first = text.find(':');
  const auto found = table.by_name.find(text.substr(0, first));
  if (found == table.by_name.end()) {
    throw ImportError(DataLoss("there is no node '%s'", Text(text.substr(0, first)).c_str()));
  }
  ref.node = found->second;
  if (first == text.npos) return ref;
  const std::string_view rest = text.substr(first + 1);
  const size_t second = rest.find(':');
  const int64_t index = ParseIndex(second == rest.npos ? rest : rest.substr(second + 1));
  if (index < 0) throw ImportError(DataLoss("'%s' names no tensor", Text(text).c_str()));
  ref.output = static_cast<int32_t>(index);
  if (second != rest.npos) ref.output += OutputOffset(table.op(ref.node), rest.substr(0, second));
  return ref;
}

}  // namespace

std::unique_ptr<NodeTable> MakeNodeTable(const std::vector<NodeProto>& nodes, const FunctionProto* function) {
  auto table = std::make_unique<NodeTable>();
  table->function = function;
  if (function != nullptr) {
    for (std::string_view input : function->inputs) {
      NodeProto& argument = table->arguments.emplace_back();
      argument.name = input;
      argument.op = "_Arg";
    }
  }
  for (const NodeProto& node : table->arguments) table->nodes.push_back(&node);
  for (const NodeProto& node : nodes) table->nodes.push_back(&node);
  for (size_t i = 0; i < table->nodes.size(); ++i) {
    if (!table->by_name.emplace(table->nodes[i]->name, static_cast<int32_t>(i)).second) {
      throw ImportError(DataLoss("two nodes are called '%s'", Text(table->nodes[i]->name).c_str()));
    }
  }
  table->inputs.resize(table->nodes.size());
  table->controls.resize(table->nodes.size());
  for (size_t i = 0; i < table->nodes.size(); ++i) {
    const NodeProto& node = *table->nodes[i];
    for (std::string_view input : node.inputs) {
      try {
        if (input.starts_with('^')) {
          table->controls[i].push_back(ParseRef(*table, input.substr(1)).node);
        } else {
          table->inputs[i].push_back(ParseRef(*table, input));
        }
      } catch (const ImportError& error) {
        throw ImportError(
            DataLoss("node '%s' reads '%s': %s", Text(node.name).c_str(), Text(input).c_str(), error.what()));
      }
    }
  }
  FindLoopParts(table.get());
  if (function == nullptr) return table;
  for (std::string_view output : function->outputs) {
    TensorRef ref;
    for (const auto& [name, tensor] : function->results) {
      if (name == output) ref = ParseRef(*table, tensor);
    }
    if (ref.node < 0) {
      throw ImportError(DataLoss("function '%s' does not compute its output '%s'",
                                 Text(function->name).c_str(), Text(output).c_str()));
    }
    table->results.push_back(ref);
  }
  return table;
}

ImportWork::ImportWork(const GraphProto& graph, const ImportOptions& import_options,
                       ImportReport* import_report)
    : proto(graph), options(import_options), report(*import_report) {
  int64_t nodes = static_cast<int64_t>(graph.nodes.size());
  for (const FunctionProto& function : graph.functions) {
    functions.emplace(function.name, &function);
    nodes += static_cast<int64_t>(function.nodes.size());
  }
  constexpr int64_t kMostNodes = 1 << 18;
  conversions_left = 4 * nodes + kMostNodes;
}

const NodeTable& ImportWork::TableOf(std::string_view function) {
  std::unique_ptr<NodeTable>& table = tables[function];
  if (table == nullptr) {
    const auto found = functions.find(function);
    if (found == functions.end()) {
      throw ImportError(DataLoss("the file has no function '%s'", Text(function).c_str()));
    }
    table = MakeNodeTable(found->second->nodes, found->second);
  }
  return *table;
}

void ImportWork::AddProblem(const NodeProto& node, std::string reason, std::string action) {
  constexpr size_t kMostProblems = 1000;
  if (report.problems.size() >= kMostProblems || !told.insert(std::string(node.name)).second) return;
  report.problems.push_back(
      {std::string(node.name), Text(node.op) + ": " + std::move(reason), std::move(action)});
}

void ImportWork::Visit(int64_t nodes) {
  visits_left -= nodes;
  if (visits_left < 0) {
    throw ImportError(StatusCode::kResourceExhausted, "the graph's control flow is far too tangled");
  }
}

Scope::Scope(ImportWork* work, const NodeTable* table, GraphBuilder* builder, Scope* outer, Body* body,
             Kind kind)
    : work_(*work), table_(*table), builder_(*builder), outer_(outer), body_(body), kind_(kind) {
  if (outer != nullptr) prefix = outer->prefix;
}

const Results* Scope::Find(int32_t node) {
  if (const auto found = results_.find(node); found != results_.end()) return &found->second;
  if (outer_ == nullptr) return nullptr;
  const Results* outside = outer_->Find(node);
  if (outside == nullptr || body_ == nullptr) return outside;
  Results inner;
  for (ValueId value : *outside) inner.push_back(value == kNone ? kNone : body_->Capture(value));
  return &(results_[node] = std::move(inner));
}

std::vector<int32_t> Scope::NeededBy(int32_t node) {
  if (IsControlOperator(table_.op(node))) return NeededByControl(this, node);
  std::vector<int32_t> needed;
  for (const TensorRef& ref : table_.inputs[node]) needed.push_back(ref.node);
  return needed;
}

const Results* Scope::Evaluate(int32_t wanted) {
  constexpr int kMostDepth = 48;
  struct Depth {
    explicit Depth(int* count) : count_(*count) { ++count_; }
    ~Depth() { --count_; }
    int& count_;
  } depth(&work_.depth);
  if (work_.depth > kMostDepth) {
    throw ImportError(StatusCode::kResourceExhausted, "functions, loops and branches are nested too deep");
  }
  std::vector<int32_t> stack = {wanted};
  while (!stack.empty()) {
    const int32_t node = stack.back();
    if (Find(node) != nullptr || broken_.contains(node)) {
      stack.pop_back();
      continue;
    }
    if (waiting_.contains(node)) {
      Convert(node);
      waiting_.erase(node);
      stack.pop_back();
      continue;
    }
    waiting_.insert(node);
    for (int32_t other : NeededBy(node)) {
      if (Find(other) != nullptr || broken_.contains(other)) continue;
      if (waiting_.contains(other)) {
        throw ImportError(
            DataLoss("the graph has a cycle through node '%s'", Text(table_.nodes[other]->name).c_str()));
      }
      stack.push_back(other);
    }
  }
  return Find(wanted);
}

ValueId Scope::Evaluate(TensorRef ref) {
  const Results* results = Evaluate(ref.node);
  if (results == nullptr) return kNone;
  if (ref.output >= static_cast<int32_t>(results->size())) {
    throw ImportError(
        DataLoss("node '%s' has no output %d", Text(table_.nodes[ref.node]->name).c_str(), ref.output));
  }
  return (*results)[ref.output];
}

void Scope::Convert(int32_t index) {
  const NodeProto& node = *table_.nodes[index];
  if (--work_.conversions_left < 0) {
    throw ImportError(StatusCode::kResourceExhausted, "functions and loops expand to far too many nodes");
  }
  builder_.Begin(prefix + std::string(node.name));
  try {
    if (IsControlOperator(table_.op(index))) {
      Results results = ConvertControl(this, index);
      if (!results.empty()) {
        Bind(index, std::move(results));
      } else if (!results_.contains(index)) {
        broken_.insert(index);
      }
      return;
    }
    Results inputs;
    for (const TensorRef& ref : table_.inputs[index]) {
      const Results* given = Find(ref.node);
      if (given == nullptr) {
        broken_.insert(index);
        return;
      }
      const bool exists = ref.output < static_cast<int32_t>(given->size());
      if (!exists || (*given)[ref.output] == kNone) {
        throw ImportError(Unsupported("output %d of '%s' is not computed by MACE", ref.output,
                                      Text(table_.nodes[ref.node]->name).c_str()));
      }
      inputs.push_back((*given)[ref.output]);
    }
    const TensorflowOp* entry = FindTensorflowOp(node.op);
    if (entry == nullptr) throw ImportError(Unsupported("MACE has no such operator"));
    RefuseComplex(node);
    Call call(this, node, std::move(inputs));
    Results results = entry->convert(call, *entry);
    if (results.size() == 1 && results[0] == kNone) {
      broken_.insert(index);
      return;
    }
    Bind(index, std::move(results));
  } catch (const ImportError& error) {
    if (error.code() == StatusCode::kResourceExhausted || error.code() == StatusCode::kOutOfMemory) throw;
    broken_.insert(index);
    const bool is_unknown = FindTensorflowOp(node.op) == nullptr && !IsControlOperator(table_.op(index));
    work_.AddProblem(node, error.what(), ActionForNode(node, is_unknown));
    if (work_.report.problems.size() == 1) work_.report.failed_at = error.stage();
  }
}

// ---- attributes

int64_t Call::Int(std::string_view attribute, int64_t missing) const {
  const AttributeValue* value = node.Find(attribute);
  return value != nullptr ? value->i.value_or(missing) : missing;
}
float Call::Float(std::string_view attribute, float missing) const {
  const AttributeValue* value = node.Find(attribute);
  return value != nullptr ? value->f.value_or(missing) : missing;
}
bool Call::Bool(std::string_view attribute, bool missing) const {
  const AttributeValue* value = node.Find(attribute);
  return value != nullptr ? value->b.value_or(missing) : missing;
}
std::string_view Call::String(std::string_view attribute, std::string_view missing) const {
  const AttributeValue* value = node.Find(attribute);
  return value != nullptr ? value->s.value_or(missing) : missing;
}
std::vector<int64_t> Call::Ints(std::string_view attribute) const {
  const AttributeValue* value = node.Find(attribute);
  return value != nullptr ? value->ints : std::vector<int64_t>{};
}
std::string_view Call::Function(std::string_view attribute) const {
  const AttributeValue* value = node.Find(attribute);
  if (value == nullptr || !value->function.has_value()) {
    throw ImportError(DataLoss("attribute '%s' names no function", std::string(attribute).c_str()));
  }
  return *value->function;
}
DType Call::Type(std::string_view attribute, DType missing) const {
  const AttributeValue* value = node.Find(attribute);
  if (value == nullptr || !value->type.has_value()) return missing;
  const DType dtype = DTypeOfTensorflow(*value->type);
  if (dtype == DType::kInvalid) {
    throw ImportError(Unsupported("elements of type %s", TensorflowTypeName(*value->type).c_str()));
  }
  return dtype;
}
Shape Call::ShapeOf(std::string_view attribute) const {
  const AttributeValue* value = node.Find(attribute);
  if (value == nullptr || !value->shape.has_value()) return Shape::OfUnknownRank();
  return ShapeOfProto(*value->shape);
}

Shape ShapeOfProto(const ShapeProto& proto) {
  if (proto.unknown_rank) return Shape::OfUnknownRank();
  Shape shape;
  for (int64_t dim : proto.dims) {
    if (!shape.Push(dim < 0 ? kUnknownDim : dim)) {
      throw ImportError(Unsupported("a tensor of rank %zu (at most %d)", proto.dims.size(), kMaxRank));
    }
  }
  return shape;
}

namespace {

// Element i of what a list says: its last element stands for all that follow.
template <typename T>
T ElementOf(const std::vector<T>& list, int64_t i, int64_t parts = 1) {
  const auto count = static_cast<int64_t>(list.size());
  if (count < parts) return T{};
  return list[static_cast<size_t>(i < count ? i : count - parts + i % parts)];
}

}  // namespace

TensorView MakeTensor(const TensorProto& proto, GraphBuilder* builder, std::vector<uint8_t>* bytes) {
  const bool is_complex = PartTypeOfTensorflow(proto.dtype) != DType::kInvalid;
  const DType dtype = is_complex ? PartTypeOfTensorflow(proto.dtype) : DTypeOfTensorflow(proto.dtype);
  if (dtype == DType::kInvalid) {
    throw ImportError(Unsupported("a constant of type %s", TensorflowTypeName(proto.dtype).c_str()));
  }
  Shape shape = ShapeOfProto(proto.shape);
  const int64_t parts = is_complex ? 2 : 1;  // of each element, side by side
  if (is_complex && !shape.Push(parts)) {
    throw ImportError(Unsupported("complex numbers of rank %d (at most %d)", shape.rank, kMaxRank - 1));
  }
  const int64_t count = shape.ElementCount();
  if (count < 0) throw ImportError(DataLoss("a constant of shape %s", ShapeText(shape).text));
  const int64_t width = BytesOf(dtype);
  int64_t total = 0;
  constexpr int64_t kMostBytes = int64_t{1} << 40;
  if (!CheckedMultiply(count, width, &total) || total > kMostBytes) {
    throw ImportError(DataLoss("a constant of shape %s", ShapeText(shape).text));
  }
  builder->Spend(total);
  if (!proto.content.empty()) {
    if (static_cast<int64_t>(proto.content.size()) != total) {
      throw ImportError(DataLoss("a constant %s%s has %zu bytes, expected %lld", NameOf(dtype),
                                 ShapeText(shape).text, proto.content.size(), static_cast<long long>(total)));
    }
    bytes->assign(proto.content.begin(), proto.content.end());
    return TensorView{bytes->data(), dtype, shape};
  }
  bytes->resize(static_cast<size_t>(total));
  for (int64_t i = 0; i < count; ++i) {
    uint8_t* to = bytes->data() + i * width;
    const bool is_float = dtype == DType::kF32;
    if (is_float) {
      const float element = ElementOf(proto.floats, i, parts);
      std::memcpy(to, &element, sizeof(element));
    } else if (dtype == DType::kF64) {
      const double element = ElementOf(proto.doubles, i, parts);
      std::memcpy(to, &element, sizeof(element));
    } else {
      const bool is_wide = dtype == DType::kU32 || dtype == DType::kU64;
      uint64_t element =
          is_wide ? ElementOf(proto.uint64s, i) : static_cast<uint64_t>(ElementOf(proto.ints, i));
      if (dtype == DType::kBool) element = element != 0 ? 1 : 0;
      for (int64_t k = 0; k < width; ++k) to[k] = static_cast<uint8_t>(element >> (8 * k));
    }
  }
  return TensorView{bytes->data(), dtype, shape};
}

}  // namespace mace::importers::tensorflow
