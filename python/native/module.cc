#include "native/module.h"

#include <cstring>

#include "mace/mace_c.h"

namespace nb = nanobind;

namespace mace::python {

nb::object Text(const char* bytes) {
  return nb::steal(PyUnicode_DecodeUTF8(bytes, static_cast<Py_ssize_t>(std::strlen(bytes)), "replace"));
}

void Raise(int code, const char* message) { Raise(code, message, nb::list()); }

void Raise(int code, const char* message, const nb::list& problems) {
  nb::object error = nb::module_::import_("mace.errors").attr("make_error")(code, Text(message), problems);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

}  // namespace mace::python

NB_MODULE(_native, module) {
  module.doc() = "MACE's native part; use the package `mace`.";
  module.attr("version") = mace_version();
  mace::python::RegisterConversion(module);
  mace::python::RegisterExecution(module);
}
