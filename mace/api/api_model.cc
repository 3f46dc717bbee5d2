#include "mace/api/structs.h"

namespace mace::api {
namespace {

Status ReadOptions(const mace_model_options* caller, ModelOptions* options) {
  if (caller == nullptr) return Status::Ok();
  mace_model_options copy;
  MACE_RETURN_IF_ERROR(ReadStruct(caller, "mace_model_options", kMinOptionsSize, &copy));
  if (copy.verify < 0 || copy.verify > MACE_VERIFY_FULL || copy.numerics < 0 ||
      copy.numerics > MACE_NUMERICS_EXACT || copy.memory < 0 || copy.memory > MACE_MEMORY_LOW) {
    return InvalidArgument("mace_model_options: verify, numerics and memory are 0 or 1, not %d, %d, %d",
                           copy.verify, copy.numerics, copy.memory);
  }
  options->verify_full = copy.verify == MACE_VERIFY_FULL;
  options->exact_numerics = copy.numerics == MACE_NUMERICS_EXACT;
  options->low_memory = copy.memory == MACE_MEMORY_LOW;
  options->max_cached_plans = copy.max_cached_plans;
  options->reference_kernels = copy.reference_kernels != 0;
  return Status::Ok();
}

Status CheckArguments(mace_runtime* runtime, const void* source, const char* what, mace_model** model) {
  MACE_RETURN_IF_ERROR(CheckNotNull(model, "model"));
  *model = nullptr;
  MACE_RETURN_IF_ERROR(CheckNotNull(runtime, "runtime"));
  return CheckNotNull(source, what);
}

Status LoadFile(mace_runtime* runtime, const char* path, const mace_model_options* caller,
                mace_model** handle) {
  MACE_RETURN_IF_ERROR(CheckArguments(runtime, path, "path", handle));
  ModelOptions options;
  MACE_RETURN_IF_ERROR(ReadOptions(caller, &options));
  MACE_ASSIGN_OR_RETURN(Ref<Model> model,
                        Model::LoadFile(Ref<Runtime>::Share(FromHandle(runtime)), path, options));
  *handle = reinterpret_cast<mace_model*>(model.Detach());
  return Status::Ok();
}

Status LoadMemory(mace_runtime* runtime, const void* data, size_t byte_size, const mace_model_options* caller,
                  mace_model** handle) {
  MACE_RETURN_IF_ERROR(CheckArguments(runtime, data, "data", handle));
  ModelOptions options;
  MACE_RETURN_IF_ERROR(ReadOptions(caller, &options));
  MACE_ASSIGN_OR_RETURN(Ref<Model> model,
                        Model::LoadMemory(Ref<Runtime>::Share(FromHandle(runtime)),
                                          {static_cast<const uint8_t*>(data), byte_size}, options));
  *handle = reinterpret_cast<mace_model*>(model.Detach());
  return Status::Ok();
}

Status DescribeValue(const Model& model, ValueId value, const char* name, bool optional,
                     mace_tensor_info* caller) {
  uint32_t size = 0;
  MACE_RETURN_IF_ERROR(ReadStructSize(caller, "mace_tensor_info", kMinOptionsSize, &size));
  const TensorType& type = model.graph().values[value].type;
  mace_tensor_info info;
  std::memset(&info, 0, sizeof(info));
  info.struct_size = size;
  info.dtype = static_cast<int32_t>(type.dtype);
  info.rank = type.shape.rank;
  info.optional = optional ? 1 : 0;
  for (int i = 0; i < type.shape.rank; ++i) {
    info.dims[i] = type.shape[i] < 0 ? -1 : type.shape[i];
    info.dim_names[i] = model.DimName(type.shape[i]);
  }
  info.name = name;
  const Quantization* quantization = model.graph().QuantizationOf(value);
  if (quantization != nullptr && quantization->scales.size() == 1) {
    info.scale = quantization->scales[0];
    info.zero_point = quantization->zero_points.empty() ? 0 : quantization->zero_points[0];
  }
  std::memcpy(caller, &info, size < sizeof(info) ? size : sizeof(info));
  return Status::Ok();
}

Status DescribeTensor(const mace_model* handle, int32_t index, bool is_input, mace_tensor_info* caller) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "model"));
  MACE_RETURN_IF_ERROR(CheckNotNull(caller, "info"));
  const Model& model = *FromHandle(handle);
  const Vector<ValueId>& values = is_input ? model.graph().inputs : model.graph().outputs;
  if (index < 0 || static_cast<size_t>(index) >= values.size()) {
    return InvalidArgument("the model has %zu %s, there is no index %d", values.size(),
                           is_input ? "inputs" : "outputs", index);
  }
  return DescribeValue(model, values[index], is_input ? model.input_name(index) : model.output_name(index),
                       is_input && model.input_state(index) != kNone, caller);
}

Status GetMetadata(const mace_model* handle, int32_t index, const char** key, const char** value) {
  MACE_RETURN_IF_ERROR(CheckNotNull(handle, "model"));
  MACE_RETURN_IF_ERROR(CheckNotNull(key, "key"));
  MACE_RETURN_IF_ERROR(CheckNotNull(value, "value"));
  const Vector<MetadataEntry>& metadata = FromHandle(handle)->graph().metadata;
  if (index < 0 || static_cast<size_t>(index) >= metadata.size()) {
    return InvalidArgument("the model has %zu entries of metadata, there is no index %d", metadata.size(),
                           index);
  }
  *key = metadata[index].key.c_str();
  *value = metadata[index].value.c_str();
  return Status::Ok();
}

}  // namespace
}  // namespace mace::api

extern "C" {

mace_status* mace_model_load_file(mace_runtime* runtime, const char* path, const mace_model_options* options,
                                  mace_model** model) {
  return mace::api::ToHandle(mace::api::LoadFile(runtime, path, options, model));
}

mace_status* mace_model_load_memory(mace_runtime* runtime, const void* data, size_t byte_size,
                                    const mace_model_options* options, mace_model** model) {
  return mace::api::ToHandle(mace::api::LoadMemory(runtime, data, byte_size, options, model));
}

void mace_model_destroy(mace_model* model) {
  if (model != nullptr) mace::api::FromHandle(model)->Release();
}

int32_t mace_model_input_count(const mace_model* model) {
  return model == nullptr ? 0 : static_cast<int32_t>(mace::api::FromHandle(model)->graph().inputs.size());
}

int32_t mace_model_output_count(const mace_model* model) {
  return model == nullptr ? 0 : static_cast<int32_t>(mace::api::FromHandle(model)->graph().outputs.size());
}

mace_status* mace_model_input_info(const mace_model* model, int32_t index, mace_tensor_info* info) {
  return mace::api::ToHandle(mace::api::DescribeTensor(model, index, true, info));
}

mace_status* mace_model_output_info(const mace_model* model, int32_t index, mace_tensor_info* info) {
  return mace::api::ToHandle(mace::api::DescribeTensor(model, index, false, info));
}

int32_t mace_model_metadata_count(const mace_model* model) {
  return model == nullptr ? 0 : static_cast<int32_t>(mace::api::FromHandle(model)->graph().metadata.size());
}

mace_status* mace_model_metadata(const mace_model* model, int32_t index, const char** key,
                                 const char** value) {
  return mace::api::ToHandle(mace::api::GetMetadata(model, index, key, value));
}

}  // extern "C"
