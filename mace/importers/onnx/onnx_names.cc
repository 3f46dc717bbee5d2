// Names of a file's values in the scopes of graphs, subgraphs and functions.
#include "mace/importers/onnx/onnx_context.h"
#include "mace/importers/onnx/onnx_registry.h"

namespace mace::importers::onnx {

ImportWork::ImportWork(const ModelProto& model, size_t file_bytes, ExternalData* external, Graph* outermost,
                       ImportReport* report)
    : model(model),
      external(*external),
      outermost(*outermost),
      report(*report),
      copy_allowance((int64_t{64} << 20) + 8 * (static_cast<int64_t>(file_bytes) + external->total_bytes())) {
  for (const FunctionProto& function : model.functions) {
    const std::string_view domain = IsDefaultDomain(function.domain) ? "" : function.domain;
    if (!functions.try_emplace({domain, function.name, function.overload}, &function).second) {
      throw ImportError(DataLoss("two functions are called '%s'", Text(function.name).c_str()));
    }
  }
}

OnnxContext::OnnxContext(ImportWork* work, Graph* graph, OnnxContext* outside)
    : work_(*work), graph_(*graph), outside_(outside) {
  if (outside != nullptr) names_->call = outside->names_->call;
}

NameScope::NameScope(OnnxContext* context, const FunctionCall* call)
    : context_(*context), before_(context->names_) {
  names_.is_function = call != nullptr;
  names_.call = call != nullptr ? call : before_->call;
  if (call == nullptr) names_.around = before_;
  context->names_ = &names_;
}

const std::vector<OpsetImport>& OnnxContext::opsets() const {
  return names_->call == nullptr ? work_.model.opsets : *names_->call->opsets;
}

int64_t OnnxContext::OpsetOf(std::string_view domain) const {
  for (const OpsetImport& opset : opsets()) {
    if (opset.domain == domain || (IsDefaultDomain(opset.domain) && IsDefaultDomain(domain)))
      return opset.version;
  }
  return 0;
}

const FunctionProto* OnnxContext::FunctionOf(const NodeProto& node) const {
  if (work_.functions.empty()) return nullptr;
  const std::string_view domain = IsDefaultDomain(node.domain) ? "" : node.domain;
  const auto found = work_.functions.find({domain, node.op_type, node.overload});
  return found == work_.functions.end() ? nullptr : found->second;
}

const ValueInfo* OnnxContext::Declared(std::string_view name) {
  if (names_->proto == nullptr) return nullptr;
  if (!names_->declared.has_value()) {
    names_->declared.emplace();
    for (const std::vector<ValueInfo>* list : {&names_->proto->declared, &names_->proto->outputs}) {
      for (const ValueInfo& info : *list) names_->declared->try_emplace(info.name, &info);
    }
  }
  const auto found = names_->declared->find(name);
  return found == names_->declared->end() ? nullptr : found->second;
}

void OnnxContext::AddInitializers(const GraphProto& graph) {
  const auto add = [&](const Initializer& initializer, std::string_view name) {
    if (name.empty()) throw ImportError(DataLoss("an initialiser has no name"));
    if (!names_->initializers.emplace(name, initializer).second) {
      throw ImportError(DataLoss("two initialisers are named '%s'", Text(name).c_str()));
    }
    if (names_->values.contains(name)) {
      throw ImportError(DataLoss("two values are named '%s'", Text(name).c_str()));
    }
  };
  for (const Tensor& tensor : graph.initializers) add({.dense = &tensor}, tensor.name);
  for (const SparseTensor& sparse : graph.sparse_initializers) add({.sparse = &sparse}, sparse.values.name);
}

void OnnxContext::Bind(std::string_view name, ValueId value) {
  BindOperand(name, value);
  if (IsSequence(value)) return;
  Value& target = graph_.values[value];
  if (!target.name.empty()) return;
  Check(target.name.Assign(names_->call == nullptr ? std::string(name)
                                                   : names_->call->prefix + std::string(name)));
}

void OnnxContext::BindOperand(std::string_view name, ValueId value) {
  if (names_->initializers.contains(name) || !names_->values.emplace(name, value).second) {
    throw ImportError(DataLoss("two values are named '%s'", Text(name).c_str()));
  }
}

ValueId OnnxContext::AddInitializer(const Initializer& initializer, std::string_view name) {
  return initializer.dense != nullptr ? AddTensor(*initializer.dense, name)
                                      : AddSparse(*initializer.sparse, name);
}

bool OnnxContext::Sees(std::string_view name) const {
  for (const Names* names = names_; names != nullptr; names = names->around) {
    if (names->values.contains(name) || names->initializers.contains(name)) return true;
    if (names->is_function) return names->call->absent.contains(name);
  }
  return outside_ != nullptr && outside_->Sees(name);
}

const Initializer* OnnxContext::FindInitializer(std::string_view name) const {
  for (const Names* names = names_; names != nullptr; names = names->around) {
    if (const auto found = names->initializers.find(name); found != names->initializers.end())
      return &found->second;
    if (names->is_function || names->values.contains(name)) return nullptr;
  }
  return outside_ == nullptr ? nullptr : outside_->FindInitializer(name);
}

ValueId OnnxContext::FindValue(std::string_view name) {
  Names* last = names_;
  for (Names* names = names_; names != nullptr; names = names->around) {
    last = names;
    if (const auto found = names->values.find(name); found != names->values.end()) return found->second;
    if (const auto found = names->initializers.find(name); found != names->initializers.end()) {
      return names->values.emplace(name, AddInitializer(found->second, name)).first->second;
    }
    if (names->is_function) return kNone;
  }
  if (outside_ == nullptr) return kNone;
  ValueId value = kNone;
  if (const Initializer* initializer = outside_->FindInitializer(name); initializer != nullptr) {
    value = AddInitializer(*initializer, name);
    SpendCopy(graph_.ConstantOf(value)->bytes());
  } else if (const ValueId outer = outside_->FindValue(name); outer != kNone) {
    value = IsSequence(outer) ? CaptureSequence(outside_->SequenceOf(outer)) : Capture(outer);
  }
  if (value != kNone) last->values.emplace(name, value);
  return value;
}

ValueId OnnxContext::ValueOf(std::string_view name) {
  const ValueId value = AnyValueOf(name);
  if (IsSequence(value)) {
    throw ImportError(
        Unsupported("'%s' is a sequence or an optional value, where a tensor is needed", Text(name).c_str()))
        .WithAction("export the model without sequences (torch.stack and torch.cat in place of lists)");
  }
  return value;
}

ValueId OnnxContext::AnyValueOf(std::string_view name) {
  const ValueId value = FindValue(name);
  if (value == kNone) {
    throw ImportError(DataLoss("value '%s' is used but nothing produces it", Text(name).c_str()));
  }
  return value;
}

ValueId OnnxContext::CaptureSequence(const Sequence& outer) {
  if (outer.grows != kNone) throw ImportError(Unsupported("a sequence that grows is read in a loop inside"));
  Sequence inner = outer;
  SpendNodes(static_cast<int64_t>(inner.parts.size()) + 1);
  for (Sequence::Part& part : inner.parts) part.value = Capture(part.value);
  return AddSequence(std::move(inner));
}

ValueId OnnxContext::Capture(ValueId outer) {
  if (const auto found = captured_values_.find(outer); found != captured_values_.end()) return found->second;
  // A scale belongs to the graph that it is in.
  const ValueId bare = outside_->WithQuantization(outer, kNone);
  const std::string name(outside_->graph_.values[bare].name.view());
  ValueId inner = kNone;
  if (const TensorView* view = outside_->graph_.ConstantOf(bare); view != nullptr) {
    SpendCopy(view->bytes());
    inner = Unwrap(graph_.AddConstant(name, TensorView(*view), /*copy=*/true));
  } else {
    inner = Unwrap(graph_.AddValue(name, outside_->TypeOf(bare)));
    captured_.push_back({bare, inner});
    read_.insert(inner);  // it has the type that the graph around gives it
  }
  captured_values_.emplace(outer, inner);
  return inner;
}

}  // namespace mace::importers::onnx
