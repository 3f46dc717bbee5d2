// ImportTflite: checks what is supported, converts operator by operator.
#include <map>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/importers/importer.h"
#include "mace/importers/states.h"
#include "mace/importers/tflite/tflite_context.h"
#include "mace/importers/tflite/tflite_file.h"
#include "mace/importers/tflite/tflite_operators.h"

namespace mace::importers::tflite {
namespace {

// Everything in a file that is not supported, told in one message.
class Complaints {
 public:
  void Add(const std::string& what, const std::string& where) {
    Entry& entry = entries_[what];
    if (entry.count++ == 0) {
      entry.first = where;
      order_.push_back(what);
    }
  }

  void ThrowIfAny() const {
    if (order_.empty()) return;
    constexpr size_t kMaxListed = 60;
    std::string message = "not supported: ";
    for (size_t i = 0; i < order_.size() && i < kMaxListed; ++i) {
      const Entry& entry = entries_.at(order_[i]);
      message += (i == 0 ? "" : "; ") + order_[i];
      if (entry.count > 1)
        message += " (" + std::to_string(entry.count) + " times, first " + entry.first + ")";
      if (entry.count == 1 && !entry.first.empty()) message += " (" + entry.first + ")";
    }
    if (order_.size() > kMaxListed)
      message += "; and " + std::to_string(order_.size() - kMaxListed) + " more";
    throw ImportError(StatusCode::kUnsupported, message);
  }

 private:
  struct Entry {
    int64_t count = 0;
    std::string first;
  };
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
};

std::string DescribeOperator(const TfliteFile& file, int index) {
  const auto outputs = SpanOf(file.operation(index).outputs());
  std::string text = "operator " + std::to_string(index);
  if (!outputs.empty() && outputs[0] >= 0) text += ", output " + file.DescribeTensor(outputs[0]);
  return text;
}

void CheckTensor(const TfliteFile& file, int tensor, Complaints* complaints) {
  const file::TensorRecord& record = file.tensor(tensor);
  const std::string where = file.DescribeTensor(tensor);
  if (file.TensorDType(tensor) == DType::kInvalid) {
    complaints->Add("element type " + std::to_string(record.element_type()), where);
  }
  if (record.sparsity() != nullptr) complaints->Add("sparse tensors", where);
  if (file.HasExternalData(tensor)) complaints->Add("data outside of the model", where);
  if (record.quantization() != nullptr && record.quantization()->details_kind() != 0) {
    complaints->Add("quantization scheme " + std::to_string(record.quantization()->details_kind()), where);
  }
}

void CheckSupport(const TfliteFile& file) {
  Complaints complaints;
  if (file.subgraph_count() != 1) {
    complaints.Add("several subgraphs: " + std::to_string(file.subgraph_count()), "");
  }
  std::vector<bool> seen(static_cast<size_t>(file.tensor_count()), false);
  const auto check_tensors = [&](std::span<const int32_t> tensors) {
    for (int32_t tensor : tensors) {
      if (tensor < 0 || seen[static_cast<size_t>(tensor)]) continue;
      seen[static_cast<size_t>(tensor)] = true;
      CheckTensor(file, tensor, &complaints);
    }
  };
  check_tensors(SpanOf(file.subgraph().inputs()));
  check_tensors(SpanOf(file.subgraph().outputs()));
  for (int i = 0; i < file.operator_count(); ++i) {
    const auto inputs = SpanOf(file.operation(i).inputs());
    check_tensors(inputs);
    check_tensors(SpanOf(file.operation(i).outputs()));
    const OperatorRow* row = FindOperator(file.OperatorNumber(i));
    if (row == nullptr) {
      complaints.Add(file.OperatorName(i), DescribeOperator(file, i));
      continue;
    }
    if (inputs.empty() || inputs[0] < 0) continue;
    const DType dtype = file.TensorDType(inputs[0]);
    if (dtype != DType::kInvalid && (row->types >> static_cast<int>(dtype) & 1) == 0) {
      complaints.Add(file.OperatorName(i) + " of " + NameOf(dtype), DescribeOperator(file, i));
    }
  }
  complaints.ThrowIfAny();
}

void ConvertOperator(const TfliteFile& file, int index, TfliteContext* context) {
  try {
    const OperatorRow& row = *FindOperator(file.OperatorNumber(index));
    context->Begin(index);
    if (context->input_count() < row.min_inputs || context->input_count() > row.max_inputs) {
      throw ImportError(StatusCode::kDataLoss,
                        "it has " + std::to_string(context->input_count()) + " inputs");
    }
    row.convert(*context);
  } catch (const ImportError& error) {
    throw ImportError(error.code(),
                      file.OperatorName(index) + " (" + DescribeOperator(file, index) + "): " + error.what(),
                      error.stage());
  }
}

void ImportFile(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                ImportReport* report) {
  const TfliteFile file(bytes);
  CheckSupport(file);
  Check(graph->name.Assign(TextOf(file.subgraph().label())));
  TfliteContext context(file, graph, report);
  context.AddInputs();
  for (int i = 0; i < file.operator_count(); ++i) ConvertOperator(file, i, &context);
  context.AddOutputs();
  Check(DeclareStates(options, graph));
  Status status = VerifyGraph(*graph, static_cast<const OpDefinition* (*)(OpId)>(&FindOpDefinition));
  if (!status.ok())
    throw ImportError(StatusCode::kDataLoss, std::string("no sound graph: ") + status.message(),
                      ImportStage::kVerify);
}

}  // namespace
}  // namespace mace::importers::tflite

namespace mace::importers {

Status ImportTflite(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                    ImportReport* report) {
  return RunImporter("TensorFlow Lite", report, [&] { tflite::ImportFile(bytes, options, graph, report); });
}

}  // namespace mace::importers
