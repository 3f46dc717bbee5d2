// Running .mace files through libmace's C ABI, and through nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "mace/mace_c.h"
#include "native/module.h"

namespace nb = nanobind;

namespace mace::python {
namespace {

void Check(mace_status* status) {
  if (status == nullptr) return;
  const int code = mace_status_get_code(status);
  const std::string message = mace_status_get_message(status);
  mace_status_free(status);
  Raise(code, message.c_str());
}

template <typename T, void (*Destroy)(T*)>
struct Handle {
  T* pointer = nullptr;
  ~Handle() { Destroy(pointer); }
};
using RuntimeHandle = Handle<mace_runtime, mace_runtime_destroy>;
using ModelHandle = Handle<mace_model, mace_model_destroy>;
using SessionHandle = Handle<mace_session, mace_session_destroy>;

struct Session {
  SessionHandle handle;
  std::shared_ptr<ModelHandle> model;
  nb::object bytes;  // keeps the memory of a model that was loaded from it
  std::mutex mutex;  // a session takes one caller at a time
};

struct Model {
  std::shared_ptr<ModelHandle> handle = std::make_shared<ModelHandle>();
  nb::object bytes;
};

// Types that NumPy lacks cross as their bytes: a tuple (array of `dlpack`, the type's name, the shape).
// bfloat16 has an element for each of the tensor, integers of 4 and 2 bits a list of bytes as MACE packs
// them. mace/element_types.py makes arrays of the ml_dtypes package of them.
struct DTypeRow {
  int32_t dtype;
  const char* name;
  nb::dlpack::dtype dlpack;
  bool is_raw = false;
};

constexpr DTypeRow kDTypes[] = {
    {MACE_FLOAT32, "float32", {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 32, 1}},
    {MACE_FLOAT16, "float16", {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 16, 1}},
    {MACE_BFLOAT16, "bfloat16", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 16, 1}, true},
    {MACE_FLOAT64, "float64", {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 64, 1}},
    {MACE_INT8, "int8", {static_cast<uint8_t>(nb::dlpack::dtype_code::Int), 8, 1}},
    {MACE_UINT8, "uint8", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 8, 1}},
    {MACE_INT16, "int16", {static_cast<uint8_t>(nb::dlpack::dtype_code::Int), 16, 1}},
    {MACE_UINT16, "uint16", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 16, 1}},
    {MACE_INT32, "int32", {static_cast<uint8_t>(nb::dlpack::dtype_code::Int), 32, 1}},
    {MACE_UINT32, "uint32", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 32, 1}},
    {MACE_INT64, "int64", {static_cast<uint8_t>(nb::dlpack::dtype_code::Int), 64, 1}},
    {MACE_UINT64, "uint64", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 64, 1}},
    {MACE_BOOL, "bool", {static_cast<uint8_t>(nb::dlpack::dtype_code::Bool), 8, 1}},
    {MACE_INT4, "int4", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 8, 1}, true},
    {MACE_UINT4, "uint4", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 8, 1}, true},
    {MACE_INT2, "int2", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 8, 1}, true},
    {MACE_UINT2, "uint2", {static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), 8, 1}, true},
};

const DTypeRow* FindDType(int32_t dtype) {
  for (const DTypeRow& row : kDTypes) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

const DTypeRow* FindDType(nb::dlpack::dtype dtype) {
  for (const DTypeRow& row : kDTypes) {
    if (row.dlpack == dtype && !row.is_raw) return &row;
  }
  return nullptr;
}

const DTypeRow* FindDType(const std::string& name) {
  for (const DTypeRow& row : kDTypes) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

nb::dict InfoDict(const mace_tensor_info& info) {
  nb::list shape;
  if (info.rank < 0) shape.append(nb::str("..."));  // any rank
  for (int i = 0; i < info.rank; ++i) {
    if (info.dims[i] >= 0) {
      shape.append(info.dims[i]);
    } else if (info.dim_names[i] != nullptr) {
      shape.append(Text(info.dim_names[i]));
    } else {
      shape.append(nb::none());
    }
  }
  nb::dict dict;
  dict["name"] = Text(info.name);
  const DTypeRow* row = FindDType(info.dtype);
  dict["dtype"] = nb::str(row == nullptr ? "unknown" : row->name);
  dict["shape"] = nb::tuple(shape);
  dict["optional"] = info.optional != 0;
  dict["scale"] = info.scale;
  dict["zero_point"] = info.zero_point;
  return dict;
}

std::shared_ptr<RuntimeHandle> MakeRuntime(int num_threads, std::optional<std::string> isa,
                                           uint64_t memory_limit) {
  auto runtime = std::make_shared<RuntimeHandle>();
  mace_runtime_options options = {};
  options.struct_size = sizeof(options);
  options.num_threads = num_threads;
  options.isa = isa ? isa->c_str() : nullptr;
  options.memory_limit = memory_limit;
  Check(mace_runtime_create(&options, &runtime->pointer));
  return runtime;
}

struct Runtime {
  std::shared_ptr<RuntimeHandle> handle;
};

nb::dict Measure(const Runtime& runtime) {
  mace_capability capability = {};
  capability.struct_size = sizeof(capability);
  mace_status* status;
  {
    nb::gil_scoped_release release;
    status = mace_runtime_measure(runtime.handle->pointer, &capability);
  }
  Check(status);
  nb::dict result;
  result["float32_milliseconds"] = capability.float32_milliseconds;
  result["int8_milliseconds"] = capability.int8_milliseconds;
  return result;
}

mace_model_options ModelOptions(bool verify_full, bool exact, bool low_memory, bool reference_kernels) {
  mace_model_options options = {};
  options.struct_size = sizeof(options);
  options.verify = verify_full ? MACE_VERIFY_FULL : MACE_VERIFY_DEFAULT;
  options.numerics = exact ? MACE_NUMERICS_EXACT : MACE_NUMERICS_DEFAULT;
  options.memory = low_memory ? MACE_MEMORY_LOW : MACE_MEMORY_DEFAULT;
  options.reference_kernels = reference_kernels ? 1 : 0;
  return options;
}

std::unique_ptr<Model> LoadFile(const Runtime& runtime, nb::bytes path, bool verify_full, bool exact,
                                bool low_memory, bool reference_kernels) {
  auto model = std::make_unique<Model>();
  const mace_model_options options = ModelOptions(verify_full, exact, low_memory, reference_kernels);
  mace_status* status;
  {
    nb::gil_scoped_release release;
    status = mace_model_load_file(runtime.handle->pointer, path.c_str(), &options, &model->handle->pointer);
  }
  Check(status);
  return model;
}

std::unique_ptr<Model> LoadMemory(const Runtime& runtime, nb::bytes bytes, bool verify_full, bool exact,
                                  bool low_memory, bool reference_kernels) {
  auto model = std::make_unique<Model>();
  model->bytes = bytes;
  const mace_model_options options = ModelOptions(verify_full, exact, low_memory, reference_kernels);
  mace_status* status;
  {
    const char* data = bytes.c_str();
    const size_t size = bytes.size();
    nb::gil_scoped_release release;
    status = mace_model_load_memory(runtime.handle->pointer, data, size, &options, &model->handle->pointer);
  }
  Check(status);
  return model;
}

nb::list Infos(const Model& model, bool inputs) {
  mace_model* pointer = model.handle->pointer;
  const int count = inputs ? mace_model_input_count(pointer) : mace_model_output_count(pointer);
  nb::list list;
  for (int i = 0; i < count; ++i) {
    mace_tensor_info info = {};
    info.struct_size = sizeof(info);
    Check(inputs ? mace_model_input_info(pointer, i, &info) : mace_model_output_info(pointer, i, &info));
    list.append(InfoDict(info));
  }
  return list;
}

nb::dict Metadata(const Model& model) {
  nb::dict entries;
  for (int i = 0; i < mace_model_metadata_count(model.handle->pointer); ++i) {
    const char *key = nullptr, *value = nullptr;
    Check(mace_model_metadata(model.handle->pointer, i, &key, &value));
    const nb::object name = Text(key);
    if (!entries.contains(name)) entries[name] = Text(value);
  }
  return entries;
}

std::unique_ptr<Session> MakeSession(const Model& model) {
  auto session = std::make_unique<Session>();
  session->model = model.handle;
  session->bytes = model.bytes;
  Check(mace_session_create(model.handle->pointer, &session->handle.pointer));
  return session;
}

[[noreturn]] void RaiseInput(size_t index, const char* what) {
  Raise(MACE_INVALID_ARGUMENT, ("the array of input " + std::to_string(index) + " " + what).c_str());
}

using InputArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

// Type and shape of a raw tuple; returns its array.
InputArray RawInput(size_t index, nb::tuple raw, mace_tensor* tensor) {
  const DTypeRow* row = raw.size() == 3 ? FindDType(nb::cast<std::string>(raw[1])) : nullptr;
  if (row == nullptr || !row->is_raw) RaiseInput(index, "has an element type that MACE does not know");
  const auto shape = nb::cast<std::vector<int64_t>>(raw[2]);
  if (shape.size() > MACE_MAX_RANK) RaiseInput(index, "has more than 8 dimensions");
  tensor->dtype = row->dtype;
  tensor->rank = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), tensor->dims);
  return nb::cast<InputArray>(raw[0]);
}

// One entry per model input; None: left to the session's state.
std::vector<mace_tensor> InputTensors(nb::list arrays, std::vector<InputArray>* keep) {
  std::vector<mace_tensor> tensors(arrays.size());
  keep->resize(arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    mace_tensor& tensor = tensors[i];
    tensor = {};
    tensor.struct_size = sizeof(tensor);
    if (nb::handle(arrays[i]).is_none()) continue;
    InputArray array;
    if (nb::isinstance<nb::tuple>(arrays[i])) {
      array = RawInput(i, nb::cast<nb::tuple>(arrays[i]), &tensor);
    } else {
      array = nb::cast<InputArray>(arrays[i]);
      const DTypeRow* row = FindDType(array.dtype());
      if (row == nullptr) RaiseInput(i, "has an element type that MACE does not know");
      if (array.ndim() > MACE_MAX_RANK) RaiseInput(i, "has more than 8 dimensions");
      tensor.dtype = row->dtype;
      tensor.rank = static_cast<int32_t>(array.ndim());
      for (int d = 0; d < tensor.rank; ++d) tensor.dims[d] = static_cast<int64_t>(array.shape(d));
    }
    static char empty;  // data must not be null for a tensor of zero elements: null means "not fed"
    tensor.data = array.size() == 0 ? &empty : const_cast<void*>(array.data());
    tensor.byte_size = array.nbytes();
    (*keep)[i] = std::move(array);
  }
  return tensors;
}

// An array that the run will write.
nb::object MakeOutput(mace_tensor* tensor) {
  const DTypeRow* row = FindDType(tensor->dtype);
  if (row == nullptr) Raise(MACE_UNSUPPORTED, "an output has an element type that MACE does not know");
  // NumPy refuses these even where another dimension is 0.
  int64_t spanned = row->dlpack.bits / 8;
  for (int d = 0; d < tensor->rank; ++d) {
    if (tensor->dims[d] != 0 && __builtin_mul_overflow(spanned, tensor->dims[d], &spanned)) {
      Raise(MACE_UNSUPPORTED, "an output has dimensions that no NumPy array can have");
    }
  }
  void* memory = nullptr;
  const size_t bytes = tensor->byte_size == 0 ? 1 : tensor->byte_size;
  if (posix_memalign(&memory, 64, bytes) != 0) throw std::bad_alloc();
  nb::capsule owner(memory, [](void* p) noexcept { std::free(p); });
  size_t shape[MACE_MAX_RANK];
  for (int d = 0; d < tensor->rank; ++d) shape[d] = static_cast<size_t>(tensor->dims[d]);
  tensor->data = memory;
  if (row->is_raw) {
    const size_t count = tensor->byte_size / (row->dlpack.bits / 8);
    nb::ndarray<nb::numpy> array(memory, 1, &count, owner, nullptr, row->dlpack);
    nb::list dims;
    for (int d = 0; d < tensor->rank; ++d) dims.append(tensor->dims[d]);
    tensor->byte_size = bytes;
    return nb::make_tuple(nb::cast(array), row->name, nb::tuple(dims));
  }
  tensor->byte_size = bytes;
  nb::ndarray<nb::numpy> array(memory, tensor->rank, shape, owner, nullptr, row->dlpack);
  return nb::cast(array);
}

// Its size depends on data: only the run tells it, and writes to the session's buffer.
bool HasOpenSize(const mace_tensor& tensor) {
  if (tensor.rank < 0) return true;
  const int64_t* end = tensor.dims + tensor.rank;
  return tensor.byte_size == 0 && std::find(tensor.dims, end, 0) == end;
}

nb::object CopyOutput(mace_tensor* tensor) {
  const void* data = tensor->data;
  const size_t bytes = tensor->byte_size;
  nb::object array = MakeOutput(tensor);
  if (bytes > 0) std::memcpy(tensor->data, data, bytes);
  return array;
}

// One call of an operator that the application brings: function(inputs, options, dtypes) -> outputs, all of
// them as runs take and give them; None for what is absent. The function is mace/custom.py's, which checks.
void CallOperator(nb::handle function, mace_operator_call* call) {
  nb::list inputs;
  for (int32_t i = 0; i < mace_operator_input_count(call); ++i) {
    mace_tensor tensor = {};
    tensor.struct_size = sizeof(tensor);
    Check(mace_operator_input(call, i, &tensor));
    inputs.append(tensor.dtype == 0 ? nb::none() : CopyOutput(&tensor));
  }
  size_t size = 0;
  const void* options = mace_operator_options(call, &size);
  nb::list dtypes;
  for (int32_t i = 0; i < mace_operator_output_count(call); ++i) {
    const DTypeRow* row = FindDType(mace_operator_output_dtype(call, i));
    dtypes.append(row == nullptr ? nb::object(nb::none()) : nb::object(nb::str(row->name)));
  }
  const nb::list outputs = nb::cast<nb::list>(function(inputs, nb::bytes(options, size), dtypes));
  std::vector<InputArray> keep;
  const std::vector<mace_tensor> tensors = InputTensors(outputs, &keep);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].dtype == 0) continue;
    void* data = nullptr;
    Check(mace_operator_allocate_output(call, static_cast<int32_t>(i), tensors[i].rank, tensors[i].dims,
                                        &data));
    if (keep[i].nbytes() > 0) std::memcpy(data, tensors[i].data, keep[i].nbytes());
  }
}

int32_t RunOperator(void* context, mace_operator_call* call) {
  const nb::gil_scoped_acquire gil;
  try {
    CallOperator(nb::handle(static_cast<PyObject*>(context)), call);
    return MACE_OK;
  } catch (nb::python_error& error) {
    const nb::object name = nb::getattr(error.type(), "__name__", nb::str("an exception"));
    std::string text = nb::cast<std::string>(nb::str(name)) + ": ";
    // Nothing in here may throw: C code is below.
    PyObject* what = PyObject_Str(error.value().ptr());
    const char* utf8 = what == nullptr ? nullptr : PyUnicode_AsUTF8(what);
    if (utf8 == nullptr) PyErr_Clear();
    text += utf8 == nullptr ? "?" : utf8;
    Py_XDECREF(what);
    mace_operator_fail(call, text.c_str());
  } catch (const std::exception& error) {
    mace_operator_fail(call, error.what());
  }
  return MACE_FAILED_PRECONDITION;
}

// `function` has to live as long as models of the runtime: mace.Model keeps it.
void RegisterOperator(const Runtime& runtime, const std::string& name, nb::handle function) {
  mace_custom_operator custom = {};
  custom.struct_size = sizeof(custom);
  custom.name = name.c_str();
  custom.context = function.ptr();
  custom.run = &RunOperator;
  Check(mace_runtime_register_operator(runtime.handle->pointer, &custom));
}

// None: no limit. What has run out (a deadline minus the time now) stops the run at once.
uint64_t TimeoutNanoseconds(std::optional<double> seconds) {
  if (!seconds) return 0;
  if (std::isnan(*seconds))
    Raise(MACE_INVALID_ARGUMENT, "timeout is not a number; it is seconds, or None for no limit");
  constexpr double kNanoseconds = 1e9, kLongest = 1e10;  // 300 years
  if (*seconds >= kLongest) return 0;
  return *seconds * kNanoseconds < 1 ? 1 : static_cast<uint64_t>(*seconds * kNanoseconds);
}

nb::list Run(Session& session, nb::list arrays, int output_count, bool profile,
             std::optional<double> timeout) {
  std::vector<InputArray> keep;
  std::vector<mace_tensor> inputs = InputTensors(arrays, &keep);
  std::vector<mace_tensor> outputs(output_count);
  for (mace_tensor& output : outputs) {
    output = {};
    output.struct_size = sizeof(output);
  }
  mace_run_options options = {};
  options.struct_size = sizeof(options);
  options.profile = profile ? 1 : 0;
  options.timeout_ns = TimeoutNanoseconds(timeout);
  nb::list results;
  std::unique_lock<std::mutex> lock(session.mutex, std::defer_lock);
  mace_status* status;
  {
    nb::gil_scoped_release release;  // before the lock: whoever holds it may need the GIL to finish
    lock.lock();
    status = mace_session_prepare(session.handle.pointer, inputs.data(), static_cast<int32_t>(inputs.size()),
                                  outputs.data(), output_count);
  }
  Check(status);
  std::vector<bool> is_open;
  for (mace_tensor& output : outputs) {
    is_open.push_back(HasOpenSize(output));
    results.append(is_open.back() ? nb::object(nb::none()) : MakeOutput(&output));
  }
  {
    nb::gil_scoped_release release;
    status = mace_session_run(session.handle.pointer, inputs.data(), static_cast<int32_t>(inputs.size()),
                              outputs.data(), output_count, &options);
  }
  Check(status);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (is_open[i]) results[i] = CopyOutput(&outputs[i]);
  }
  return results;
}

void Prepare(Session& session, const std::vector<std::string>& dtypes,
             const std::vector<std::vector<int64_t>>& shapes, int output_count) {
  std::vector<mace_tensor> inputs(shapes.size());
  for (size_t i = 0; i < shapes.size(); ++i) {
    inputs[i] = {};
    inputs[i].struct_size = sizeof(mace_tensor);
    if (const DTypeRow* row = FindDType(dtypes[i]); row != nullptr) inputs[i].dtype = row->dtype;
    if (shapes[i].size() > MACE_MAX_RANK) Raise(MACE_INVALID_ARGUMENT, "a shape has more than 8 dimensions");
    inputs[i].rank = static_cast<int32_t>(shapes[i].size());
    for (size_t d = 0; d < shapes[i].size(); ++d) inputs[i].dims[d] = shapes[i][d];
  }
  std::vector<mace_tensor> outputs(output_count);
  for (mace_tensor& output : outputs) {
    output = {};
    output.struct_size = sizeof(output);
  }
  mace_status* status;
  {
    nb::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(session.mutex);
    status = mace_session_prepare(session.handle.pointer, inputs.data(), static_cast<int32_t>(inputs.size()),
                                  outputs.data(), output_count);
  }
  Check(status);
}

template <mace_status* (*Text)(mace_session*, const char**)>
std::string SessionText(Session& session) {
  std::string copy;
  mace_status* status;
  {
    nb::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(session.mutex);
    const char* text = "";
    status = Text(session.handle.pointer, &text);
    if (status == nullptr) copy = text;
  }
  Check(status);
  return copy;
}

void ResetState(Session& session) {
  mace_status* status;
  {
    nb::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(session.mutex);
    status = mace_session_reset_state(session.handle.pointer);
  }
  Check(status);
}

}  // namespace

void RegisterExecution(nb::module_& module) {
  nb::class_<Runtime>(module, "Runtime")
      .def(
          "__init__",
          [](Runtime* self, int num_threads, std::optional<std::string> isa, uint64_t memory_limit) {
            new (self) Runtime{MakeRuntime(num_threads, std::move(isa), memory_limit)};
          },
          nb::arg("num_threads"), nb::arg("isa").none(), nb::arg("memory_limit"))
      .def("register_operator", &RegisterOperator)
      .def("measure", &Measure);
  nb::class_<Model>(module, "Model")
      .def_static("load_file", &LoadFile)
      .def_static("load_memory", &LoadMemory)
      .def("inputs", [](const Model& model) { return Infos(model, true); })
      .def("outputs", [](const Model& model) { return Infos(model, false); })
      .def("metadata", &Metadata)
      .def("session", &MakeSession);
  nb::class_<Session>(module, "Session")
      .def("run", &Run, nb::arg("inputs"), nb::arg("output_count"), nb::arg("profile"),
           nb::arg("timeout").none())
      .def("prepare", &Prepare)
      .def("reset_state", &ResetState)
      .def("explain_json", &SessionText<mace_session_explain_json>)
      .def("profile_json", &SessionText<mace_session_profile_json>);
}

}  // namespace mace::python
