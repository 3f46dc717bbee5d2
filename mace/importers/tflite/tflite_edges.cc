// The edges of the graph: its inputs and outputs and their names.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mace/importers/edge_names.h"
#include "mace/importers/tflite/tflite_context.h"
#include "mace/importers/tflite/tflite_cut.h"

namespace mace::importers::tflite {

// ---- the edges of the graph

void TfliteContext::UseSignature(std::string_view key) { signature_ = &file_.Signature(key); }

std::string TfliteContext::EdgeName(int tensor, bool is_input) const {
  if (signature_ != nullptr) {
    const auto* operands = is_input ? signature_->inputs() : signature_->outputs();
    const size_t count = operands == nullptr ? 0 : operands->size();
    for (size_t i = 0; i < count; ++i) {
      const auto& operand = *operands->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (operand.tensor_index() == static_cast<uint32_t>(tensor))
        return std::string(TextOf(operand.label()));
    }
  }
  return std::string(file_.TensorName(tensor));
}

std::vector<std::string> TfliteContext::EdgeNamesOf(std::span<const int32_t> tensors, const char* kind) {
  if (static_cast<int64_t>(tensors.size()) > kMaxGraphEdges) {
    throw ImportError(StatusCode::kUnsupported, std::to_string(tensors.size()) + " " + kind +
                                                    "s, the limit is " + std::to_string(kMaxGraphEdges));
  }
  std::vector<std::string> names;
  EdgeNames unique;
  for (size_t i = 0; i < tensors.size(); ++i) {
    names.push_back(EdgeName(tensors[i], std::string_view(kind) == "input"));
    if (names.back().empty()) names.back() = std::string(kind) + "_" + std::to_string(i);
    Spend(static_cast<int64_t>(sizeof(Value) + 4 * names.back().size()));
    unique.Reserve(names.back());
  }
  for (size_t i = 0; i < names.size(); ++i) {
    std::string name = unique.Take(names[i]);
    if (name != names[i]) {
      Warn(std::string(kind) + " " + std::to_string(i) + " is called '" + name.substr(0, 200) +
           "' here: another " + kind + " has its name '" + names[i].substr(0, 200) + "'");
    }
    names[i] = std::move(name);
  }
  return names;
}

void TfliteContext::NameEdges() {
  if (!input_names_.empty() || !output_names_.empty()) return;
  input_names_ = EdgeNamesOf(SpanOf(file_.subgraph().inputs()), "input");
  output_names_ = EdgeNamesOf(SpanOf(file_.subgraph().outputs()), "output");
}

void TfliteContext::WarnOfComplexEdge(int tensor, const std::string& name) {
  if (!file_.IsComplex(tensor)) return;
  WarnOnce("'" + name.substr(0, 200) + "' is " + file_.TensorTypeName(tensor) + ": here " +
           NameOf(file_.TensorDType(tensor)) +
           " with one more axis, the last one, of the real and the imaginary part (numpy's view() goes from "
           "one to the other)");
}

void TfliteContext::AddInputs(const TfliteCut& cut) {
  NameEdges();
  const auto inputs = SpanOf(file_.subgraph().inputs());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int tensor = inputs[i];
    if (values_[static_cast<size_t>(tensor)] != kNone) {
      throw ImportError(StatusCode::kDataLoss, file_.DescribeTensor(tensor) + " is an input twice");
    }
    const std::string& name = input_names_[i];
    Spend(static_cast<int64_t>(sizeof(Value) + name.size() * (1 + kMaxRank)));
    WarnOfComplexEdge(tensor, name);
    TensorType type = TypeOfTensor(tensor);
    if (type.dtype == DType::kInvalid) {
      if (cut.NeedOfTensor(tensor) != Need::kResult) continue;  // cut off, whatever it is
      throw ImportError(StatusCode::kUnsupported, "a handle as an input");
    }
    for (int axis = 0; axis < type.shape.rank; ++axis) {
      if (type.shape[axis] >= 0) continue;
      const std::string symbol = name + "_dim" + std::to_string(axis);
      type.shape[axis] = SymbolDim(Unwrap(graph_.FindOrAddSymbol(symbol)));
    }
    const ValueId value = Unwrap(graph_.AddValue(name, type));
    Check(graph_.inputs.PushBack(value));
    values_[static_cast<size_t>(tensor)] = value;
  }
}

void TfliteContext::AddOutputs() {
  const auto outputs = SpanOf(file_.subgraph().outputs());
  if (outputs.empty()) throw ImportError(StatusCode::kDataLoss, "the model has no outputs");
  std::set<ValueId> seen;
  for (size_t i = 0; i < outputs.size(); ++i) {
    ValueId value = ValueOf(outputs[i]);
    const std::string& name = output_names_[i];
    WarnOfComplexEdge(outputs[i], name);
    const bool is_computed = graph_.values[value].producer != kNone;
    if (!seen.insert(value).second || (!is_computed && !(graph_.values[value].name == name))) {
      // A name of its own needs a value of its own.
      const ValueId copy = Unwrap(graph_.AddValue(name, TypeOf(value)));
      Unwrap(graph_.AddNode(OpId::kIdentity, name, {&value, 1}, {&copy, 1}));
      value = copy;
    } else if (!(graph_.values[value].name == name)) {
      Check(graph_.values[value].name.Assign(name));
    }
    Check(graph_.outputs.PushBack(value));
  }
}

}  // namespace mace::importers::tflite
