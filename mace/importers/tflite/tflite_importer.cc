// ImportTflite: checks what is supported, converts operator by operator.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/problems.h"
#include "mace/importers/states.h"
#include "mace/importers/tflite/tflite_context.h"
#include "mace/importers/tflite/tflite_cut.h"
#include "mace/importers/tflite/tflite_file.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_subgraphs.h"

namespace mace::importers::tflite {
namespace {

constexpr int8_t kStringElements = 5;  // the element type
// Of custom operators that the converter took over from TensorFlow as they are.
constexpr char kFlexPrefix[] = "Flex";
constexpr char kFlexAction[] =
    "operators whose names begin with Flex are TensorFlow's own, left in the model by SELECT_TF_OPS: convert "
    "it to TensorFlow Lite without SELECT_TF_OPS, or give MACE the frozen graph (.pb) instead";

// Operators that have no form without text: SKIP_GRAM, and tables, whose keys or values are text.
bool IsOfStrings(int32_t number) { return number == 30 || (number >= 136 && number <= 139); }

// Everything in a file that is not supported, told in one message.
class Complaints {
 public:
  explicit Complaints(ImportReport* report) : problems_(report) {}

  void Add(const std::string& what, const std::string& where, const std::string& action = "") {
    problems_.Add(where, "", what, action);
    for (const char* hint : {kTextAction, kFlexAction}) {
      if (action.starts_with(hint)) hints_.insert(hint);
    }
    Entry& entry = entries_[what];
    if (entry.count++ == 0) order_.push_back(what);
    if (entry.count <= kMaxPlaces) entry.places += (entry.count == 1 ? "" : " and ") + where;
  }

  void ThrowIfAny() const {
    if (order_.empty()) return;
    constexpr size_t kMaxListed = 60;
    std::string message = "not supported: ";
    for (size_t i = 0; i < order_.size() && i < kMaxListed; ++i) {
      const Entry& entry = entries_.at(order_[i]);
      message += (i == 0 ? "" : "; ") + order_[i];
      if (entry.places.empty()) continue;
      message += " (";
      if (entry.count > 1) message += std::to_string(entry.count) + " times: ";
      message += entry.places;
      if (entry.count > kMaxPlaces) message += " and others";
      message += ")";
    }
    if (order_.size() > kMaxListed)
      message += "; and " + std::to_string(order_.size() - kMaxListed) + " more";
    for (const std::string& hint : hints_) message += "; " + hint;
    throw ImportError(StatusCode::kUnsupported, message);
  }

 private:
  struct Entry {
    int64_t count = 0;
    std::string places;  // the first of them
  };
  static constexpr int64_t kMaxPlaces = 8;
  Problems problems_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
  std::set<std::string> hints_;  // actions that the message tells, too
};

// What a person can do about an operator that MACE does not know; custom ones an application may bring.
std::string ActionForUnknown(const TfliteFile& file, int index) {
  const int32_t number = file.OperatorNumber(index);
  if (IsOfStrings(number)) return kTextAction;
  if (number != kCustomOperator) return ActionFor(StatusCode::kUnsupported);
  const std::string name(file.CustomName(index).substr(0, 100));
  const std::string action = ActionForUnknownOperator(name);
  return name.starts_with(kFlexPrefix) ? kFlexAction + ("; or " + action) : action;
}

// Returns whether the importer can read a tensor of this kind.
bool CheckTensor(const TfliteFile& file, int tensor, Complaints* complaints) {
  const file::TensorRecord& record = file.tensor(tensor);
  const std::string where = file.DescribeTensor(tensor);
  bool readable = true;
  const auto complain = [&](const std::string& what, const std::string& action = "") {
    complaints->Add(what, where, action);
    readable = false;
  };
  if (record.element_type() == kStringElements) {
    complain("text", kTextAction);
  } else if (file.TensorDType(tensor) == DType::kInvalid && record.element_type() != kResourceElements) {
    complain("element type " + std::to_string(record.element_type()));
  }
  if (record.sparsity() != nullptr && (record.is_variable() || file.TensorData(tensor).empty())) {
    complain("sparse tensors that are no constants");
  }
  if (file.HasExternalData(tensor)) complain("data outside of the model");
  if (record.quantization() != nullptr && record.quantization()->details_kind() != 0) {
    complain("quantization scheme " + std::to_string(record.quantization()->details_kind()));
  }
  return readable;
}

// A complex tensor that the operator has, but does not take; kAbsentTensor where there is none.
int32_t ComplexOperand(const TfliteFile& file, int index, uint32_t types) {
  for (const auto* tensors : {file.operation(index).inputs(), file.operation(index).outputs()}) {
    for (int32_t tensor : SpanOf(tensors)) {
      if (tensor < 0 || !file.IsComplex(tensor)) continue;
      const bool is_single = file.tensor(tensor).element_type() == kComplex64Elements;
      if ((types & (is_single ? kComplex64 | kMovedComplex64 : kComplex128)) == 0) return tensor;
    }
  }
  return kAbsentTensor;
}

enum class Sight : uint8_t { kUnseen, kReadable, kUnreadable };

// Complains of what can be seen without converting anything; returns the operators that cannot be converted.
std::vector<bool> CheckSupport(const TfliteFile& file, const TfliteCut& cut, Complaints* complaints) {
  std::vector<Sight> sights(static_cast<size_t>(file.tensor_count()), Sight::kUnseen);
  const auto check_tensors = [&](std::span<const int32_t> tensors) {
    bool readable = true;
    for (int32_t tensor : tensors) {
      // Of what lies in front of a cut nothing is read but the declared types at the cut.
      if (tensor < 0 || cut.NeedOfTensor(tensor) != Need::kResult) continue;
      Sight& sight = sights[static_cast<size_t>(tensor)];
      if (sight == Sight::kUnseen) {
        sight = CheckTensor(file, tensor, complaints) ? Sight::kReadable : Sight::kUnreadable;
      }
      readable = readable && sight == Sight::kReadable;
    }
    return readable;
  };
  check_tensors(SpanOf(file.subgraph().inputs()));
  check_tensors(SpanOf(file.subgraph().outputs()));
  std::vector<bool> refused(static_cast<size_t>(file.operator_count()), false);
  for (int i = 0; i < file.operator_count(); ++i) {
    if (cut.NeedOf(i) != Need::kResult) {
      refused[static_cast<size_t>(i)] = true;
      continue;
    }
    const auto inputs = SpanOf(file.operation(i).inputs());
    const bool reads = check_tensors(inputs);
    const bool writes = check_tensors(SpanOf(file.operation(i).outputs()));
    refused[static_cast<size_t>(i)] = !reads || !writes;
    const OperatorRow* row = FindOperator(file, i);
    if (row == nullptr) {
      complaints->Add(file.OperatorName(i), file.DescribeOperator(i), ActionForUnknown(file, i));
      refused[static_cast<size_t>(i)] = true;
      continue;
    }
    if (const int32_t tensor = ComplexOperand(file, i, row->types); tensor >= 0) {
      complaints->Add(file.OperatorName(i) + " of " + file.TensorTypeName(tensor), file.DescribeOperator(i),
                      "convert the part before it or behind it (--output_tensor, --input_tensor)");
      refused[static_cast<size_t>(i)] = true;
      continue;
    }
    if (inputs.empty() || inputs[0] < 0 || file.IsComplex(inputs[0])) continue;
    const DType dtype = file.TensorDType(inputs[0]);
    if (dtype != DType::kInvalid && (row->types >> static_cast<int>(dtype) & 1) == 0) {
      complaints->Add(file.OperatorName(i) + " of " + NameOf(dtype), file.DescribeOperator(i));
      refused[static_cast<size_t>(i)] = true;
    }
  }
  return refused;
}

// What the operator has that is not supported becomes complaints; anything else that is wrong is thrown.
void ConvertOperator(const TfliteFile& file, int index, TfliteContext* context, Complaints* complaints) {
  const std::string where = file.DescribeOperator(index);
  std::vector<std::string> refusals;
  try {
    const OperatorRow& row = *FindOperator(file, index);
    if (context->input_count() < row.min_inputs || context->input_count() > row.max_inputs) {
      throw ImportError(StatusCode::kDataLoss,
                        "it has " + std::to_string(context->input_count()) + " inputs");
    }
    context->MoveComplexAsWords((row.types & kMovedComplex64) != 0);
    row.convert(*context);
    refusals = context->refusals();
  } catch (const ImportError& error) {
    refusals = context->refusals();
    // An error behind a complaint may be its consequence.
    if (error.code() == StatusCode::kUnsupported) {
      constexpr size_t kMostText = 4000;  // what a subgraph complains of, its callers repeat
      refusals.push_back(std::string(error.what()).substr(0, kMostText));
    } else if (refusals.empty()) {
      throw ImportError(error.code(), file.OperatorName(index) + " (" + where + "): " + error.what(),
                        error.stage());
    }
  }
  for (const std::string& refusal : refusals)
    complaints->Add(file.OperatorName(index) + ": " + refusal, where);
  if (!refusals.empty()) context->BindDeclaredOutputs();
}

// Throws all complaints, or, where there are none, what is wrong with the file.
void ConvertOperators(const TfliteFile& file, const TfliteCut& cut, TfliteContext* context) {
  Complaints complaints(&context->report());
  const std::vector<bool> refused = CheckSupport(file, cut, &complaints);
  try {
    if (context->is_whole_model()) context->AddInputs(cut);
    for (int i = 0; i < file.operator_count(); ++i) {
      if (cut.NeedOf(i) == Need::kNothing) continue;
      context->Begin(i);
      if (refused[static_cast<size_t>(i)]) {
        context->BindDeclaredOutputs();
      } else {
        ConvertOperator(file, i, context, &complaints);
      }
    }
  } catch (const ImportError&) {
    complaints.ThrowIfAny();
    throw;
  }
  complaints.ThrowIfAny();
}

void ImportFile(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                ImportReport* report) {
  TfliteFile whole(bytes);
  whole.BringOperators(options.custom_operators);
  const int64_t subgraph =
      options.signature.empty() ? 0 : whole.Signature(options.signature).subgraph_index();
  const TfliteFile file(whole, subgraph);
  Check(graph->name.Assign(TextOf(file.subgraph().label())));
  TfliteContext context(file, graph, report);
  context.work().callers.push_back(static_cast<int32_t>(subgraph));
  if (!options.signature.empty()) {
    context.UseSignature(options.signature);
  } else if (whole.HasSignatureElsewhere(subgraph)) {
    context.WarnOnce("the model has the signatures " + whole.SignatureKeys() +
                     ": the first subgraph is read; 'signature' chooses another");
  }
  const TfliteCut cut(options.cut, file, &context);
  ConvertOperators(file, cut, &context);
  context.FinishVariables();
  if (!cut.has_outputs()) context.AddOutputs();
  cut.Apply(&context);
  Check(DeclareStates(options, graph));
  Status status = VerifyGraph(*graph, static_cast<const OpDefinition* (*)(OpId)>(&FindOpDefinition));
  if (!status.ok())
    throw ImportError(StatusCode::kDataLoss, std::string("no sound graph: ") + status.message(),
                      ImportStage::kVerify);
  RefuseRepairs(options, report);
}

}  // namespace

void ConvertOperators(const TfliteFile& file, TfliteContext* context) {
  ConvertOperators(file, TfliteCut({}, file, context), context);
}

}  // namespace mace::importers::tflite

namespace mace::importers {

Status ImportTflite(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                    ImportReport* report) {
  return RunImporter("TensorFlow Lite", report, [&] { tflite::ImportFile(bytes, options, graph, report); });
}

}  // namespace mace::importers
