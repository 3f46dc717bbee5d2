// Host side: a trained model's bytes in, a .mace file's bytes out.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "mace/convert/convert.h"
#include "native/module.h"

namespace nb = nanobind;

namespace mace::python {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Inputs = std::vector<std::pair<std::string, std::optional<std::vector<int64_t>>>>;

convert::ConvertOptions OptionsOf(nb::dict given) {
  convert::ConvertOptions options;
  for (const auto& [key_object, value] : given) {
    const auto key = nb::cast<std::string>(key_object);
    if (key == "states") {
      options.states = nb::cast<Pairs>(value);
    } else if (key == "optimize") {
      options.optimize = nb::cast<bool>(value);
    } else if (key == "signature") {
      options.signature = nb::cast<std::string>(value);
    } else if (key == "inputs") {
      for (auto& [name, shape] : nb::cast<Inputs>(value))
        options.cut.inputs.push_back({name, std::move(shape)});
    } else if (key == "outputs") {
      options.cut.outputs = nb::cast<std::vector<std::string>>(value);
    } else if (key == "joins") {
      options.cut.joins = nb::cast<Pairs>(value);
    } else if (key == "strip_names") {
      options.strip_names = nb::cast<bool>(value);
    } else if (key == "preprocess") {
      options.preprocess = PipelinesOf(value);
    } else if (key == "postprocess") {
      options.postprocess = PipelinesOf(value);
    } else if (key == "folder") {
      const auto path = nb::cast<nb::bytes>(value);
      options.folder = std::string(path.c_str(), path.size());
    } else if (key == "weights") {
      const auto bytes = nb::cast<nb::bytes>(value);  // the caller's dict keeps them
      options.weights = {reinterpret_cast<const uint8_t*>(bytes.c_str()), bytes.size()};
    } else if (key == "strict") {
      options.strict = nb::cast<bool>(value);
    } else if (key == "custom_operators") {
      options.custom_operators = nb::cast<std::vector<std::string>>(value);
    } else if (key == "without_passes") {
      options.passes.without = nb::cast<std::vector<std::string>>(value);
    } else if (key == "only_passes") {
      options.passes.only = nb::cast<std::vector<std::string>>(value);
    } else if (key == "max_pass_runs") {
      options.passes.max_runs = nb::cast<int64_t>(value);
    } else if (key == "metadata") {
      options.metadata = nb::cast<Pairs>(value);
    } else {
      throw nb::key_error(key.c_str());
    }
  }
  return options;
}

nb::list FindingsOf(const std::vector<importers::Finding>& findings) {
  nb::list list;
  for (const importers::Finding& finding : findings) {
    nb::dict entry;
    entry["node"] = Text(finding.node.c_str());
    entry["reason"] = Text(finding.reason.c_str());
    entry["action"] = Text(finding.action.c_str());
    list.append(entry);
  }
  return list;
}

nb::tuple Convert(nb::bytes model, nb::dict given) {
  const convert::ConvertOptions options = OptionsOf(given);
  convert::ConvertReport report;
  std::vector<uint8_t> file;
  Status status;
  {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(model.c_str()), model.size());
    nb::gil_scoped_release release;
    status = convert::ConvertModel(bytes, options, &file, &report);
  }
  if (!status.ok()) Raise(static_cast<int>(status.code()), status.message(), FindingsOf(report.problems));
  nb::dict details;
  details["format"] = report.format;
  details["warnings"] = report.warnings;
  details["repairs"] = FindingsOf(report.repairs);
  nb::list passes;
  for (const passes::PassRecord& record : report.passes) {
    nb::dict entry;
    entry["name"] = record.name;
    entry["graph"] = record.graph;
    entry["changed"] = record.changed;
    entry["nodes_before"] = record.nodes_before;
    entry["nodes_after"] = record.nodes_after;
    entry["constant_bytes_before"] = record.constant_bytes_before;
    entry["constant_bytes_after"] = record.constant_bytes_after;
    entry["seconds"] = record.seconds;
    passes.append(entry);
  }
  details["passes"] = passes;
  nb::dict operators;
  for (const auto& [name, count] : report.operators) operators[name.c_str()] = count;
  details["operators"] = operators;
  return nb::make_tuple(nb::bytes(reinterpret_cast<const char*>(file.data()), file.size()), details);
}

std::vector<std::string> PassNames() {
  std::vector<std::string> names;
  for (const passes::NamedPass& pass : passes::AllPasses()) names.emplace_back(pass.name);
  return names;
}

}  // namespace

void RegisterConversion(nb::module_& module) {
  module.def("passes", &PassNames, "Names of all graph passes.");
  module.def("convert", &Convert, nb::arg("model"), nb::arg("options"),
             "Bytes of a trained model (ONNX, TensorFlow Lite, TensorFlow, Caffe), convert::ConvertOptions "
             "by name -> (bytes of "
             "a .mace "
             "file, details). mace.conversion checks the options.");
}

}  // namespace mace::python
