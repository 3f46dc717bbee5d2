// Host side: a trained model's bytes in, a .mace file's bytes out.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "mace/convert/convert.h"
#include "native/module.h"

namespace nb = nanobind;

namespace mace::python {
namespace {

nb::tuple Convert(nb::bytes model, std::vector<std::pair<std::string, std::string>> states, bool optimize,
                  std::string signature) {
  convert::ConvertOptions options;
  options.states = std::move(states);
  options.optimize = optimize;
  options.signature = std::move(signature);
  convert::ConvertReport report;
  std::vector<uint8_t> file;
  Status status;
  {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(model.c_str()), model.size());
    nb::gil_scoped_release release;
    status = convert::ConvertModel(bytes, options, &file, &report);
  }
  if (!status.ok()) Raise(static_cast<int>(status.code()), status.message());
  nb::dict details;
  details["format"] = report.format;
  details["warnings"] = report.warnings;
  nb::dict operators;
  for (const auto& [name, count] : report.operators) operators[name.c_str()] = count;
  details["operators"] = operators;
  return nb::make_tuple(nb::bytes(reinterpret_cast<const char*>(file.data()), file.size()), details);
}

}  // namespace

void RegisterConversion(nb::module_& module) {
  module.def("convert", &Convert, nb::arg("model"), nb::arg("states"), nb::arg("optimize"),
             nb::arg("signature"),
             "Bytes of a trained model (ONNX, TensorFlow Lite) -> (bytes of a .mace file, details).");
}

}  // namespace mace::python
