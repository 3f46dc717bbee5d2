#include "mace/convert/convert.h"

#include <exception>
#include <map>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/importers/clean_text.h"
#include "mace/importers/importer.h"
#include "mace/importers/problems.h"
#include "mace/model/writer.h"
#include "mace/ops/custom/custom.h"
#include "mace/passes/constants.h"
#include "mace/passes/passes.h"

namespace mace::convert {
namespace {

const char* NameOf(importers::Format format) {
  switch (format) {
    case importers::Format::kOnnx:
      return "onnx";
    case importers::Format::kTflite:
      return "tflite";
    case importers::Format::kTensorflow:
      return "tensorflow";
    case importers::Format::kCaffe:
      return "caffe";
    case importers::Format::kUnknown:
      break;
  }
  return "unknown";
}

// Those of subgraphs too.
void CountOperators(const Graph& graph, std::map<std::string, int64_t>* counts) {
  for (const Node& node : graph.nodes) {
    const OpDefinition* definition = FindOpDefinition(node.op);
    ++(*counts)[definition == nullptr ? "?" : definition->name];
  }
  for (const auto& subgraph : graph.subgraphs) CountOperators(*subgraph, counts);
}

// A text for each constant, up to a few, that holds something which is no number.
void FindNonFiniteConstants(const Graph& graph, std::vector<std::string>* texts) {
  constexpr size_t kMaxTold = 20;
  for (const Value& value : graph.values) {
    if (value.constant == kNone || texts->size() == kMaxTold) continue;
    const char* what = passes::NonFiniteIn(graph.constants[value.constant].view);
    if (what == nullptr) continue;
    texts->push_back("'" + std::string(value.name.view()) + "', computed from constants, contains " + what);
  }
  for (const auto& subgraph : graph.subgraphs) FindNonFiniteConstants(*subgraph, texts);
}

std::vector<std::string> NonFiniteConstants(const Graph& graph) {
  std::vector<std::string> texts;
  FindNonFiniteConstants(graph, &texts);
  return texts;
}

void FindCustomOperators(const Graph& graph, std::set<std::string_view>* names) {
  for (const Node& node : graph.nodes) {
    if (node.op == OpId::kCustom) names->insert(ops::CustomNameOf(graph, node));
  }
  for (const auto& subgraph : graph.subgraphs) FindCustomOperators(*subgraph, names);
}

// A name that no node has may be spelled in another way than the model does.
void WarnOfUnusedOperators(const Graph& graph, const std::vector<std::string>& announced,
                           std::vector<std::string>* warnings) {
  std::set<std::string_view> found;
  FindCustomOperators(graph, &found);
  for (const std::string& name : announced) {
    if (found.contains(name)) continue;
    warnings->push_back("custom operator '" + importers::Printable(name) +
                        "': no node of the model has this operator");
  }
}

Status Convert(std::span<const uint8_t> bytes, const ConvertOptions& options, std::vector<uint8_t>* mace_file,
               ConvertReport* report) {
  const importers::Format format = importers::DetectFormat(bytes);
  report->format = NameOf(format);
  if (options.weights.has_value() && format != importers::Format::kCaffe &&
      format != importers::Format::kUnknown) {
    return Status::Format(
        StatusCode::kInvalidArgument,
        "weights belong to a Caffe model, and this is a model of the format %s: leave them out",
        std::string(report->format).c_str());
  }
  importers::ImportOptions import_options;
  import_options.states = options.states;
  import_options.signature = options.signature;
  import_options.cut = options.cut;
  import_options.folder = options.folder;
  import_options.weights = options.weights;
  import_options.strict = options.strict;
  import_options.custom_operators = options.custom_operators;
  importers::ImportReport import_report;
  Graph graph;
  Status imported = importers::Import(bytes, import_options, &graph, &import_report);
  report->warnings = std::move(import_report.warnings);
  report->problems = std::move(import_report.problems);
  report->repairs = std::move(import_report.repairs);
  if (!imported.ok() && report->problems.empty()) {
    report->problems.push_back({"", imported.message(), importers::ActionFor(imported.code())});
  }
  MACE_RETURN_IF_ERROR(std::move(imported));
  WarnOfUnusedOperators(graph, options.custom_operators, &report->warnings);
  for (const auto& [key, value] : options.metadata) MACE_RETURN_IF_ERROR(graph.SetMetadata(key, value));
  MACE_RETURN_IF_ERROR(AddPipelines(options.preprocess, options.postprocess, &graph));
  if (options.optimize) {
    const bool was_finite = NonFiniteConstants(graph).empty();
    passes::OptimizeReport optimize_report;
    MACE_RETURN_IF_ERROR(passes::OptimizeGraph(&graph, options.passes, &optimize_report));
    report->passes = std::move(optimize_report.passes);
    // The importer warned of the others, whose consequences need no second warning.
    if (was_finite) {
      for (std::string& text : NonFiniteConstants(graph)) report->warnings.push_back(std::move(text));
    }
  }
  MACE_RETURN_IF_ERROR(VerifyGraph(graph, &FindOpDefinition));
  std::map<std::string, int64_t> counts;
  CountOperators(graph, &counts);
  report->operators.assign(counts.begin(), counts.end());
  return WriteModel(graph, {.keep_inner_names = !options.strip_names}, mace_file);
}

}  // namespace

Status ConvertModel(std::span<const uint8_t> bytes, const ConvertOptions& options,
                    std::vector<uint8_t>* mace_file, ConvertReport* report) {
  try {
    return Convert(bytes, options, mace_file, report);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::exception& error) {
    return Internal("conversion: %s", error.what());
  }
}

}  // namespace mace::convert
