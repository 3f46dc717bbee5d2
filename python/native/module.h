// What the parts of mace._native share.
#ifndef MACE_PYTHON_NATIVE_MODULE_H_
#define MACE_PYTHON_NATIVE_MODULE_H_

#include <nanobind/nanobind.h>

#include <vector>

#include "mace/convert/pipeline.h"

namespace mace::python {

// A str of text from a file, which may hold any bytes: what is not UTF-8 becomes U+FFFD.
nanobind::object Text(const char* bytes);

// Raises the Python exception of mace.errors that belongs to `code` (mace_status_code).
[[noreturn]] void Raise(int code, const char* message);
// ... with what stands in the way of a conversion (MaceError.problems).
[[noreturn]] void Raise(int code, const char* message, const nanobind::list& problems);

// (name, [(step, {field: value}), ...]), ... as mace/pipeline.py gives them.
std::vector<convert::Pipeline> PipelinesOf(nanobind::handle given);

void RegisterConversion(nanobind::module_& module);
void RegisterExecution(nanobind::module_& module);

}  // namespace mace::python

#endif  // MACE_PYTHON_NATIVE_MODULE_H_
