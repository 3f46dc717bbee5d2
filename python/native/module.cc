#include "native/module.h"

#include "mace/mace_c.h"

namespace nb = nanobind;

namespace mace::python {

void Raise(int code, const char* message) {
  nb::object error = nb::module_::import_("mace.errors").attr("make_error")(code, message);
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
