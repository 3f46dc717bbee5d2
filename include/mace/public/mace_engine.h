// What stands behind MaceEngine: a model and its session, names, layouts, element types. Not part of the
// original's names.
#ifndef MACE_PUBLIC_MACE_ENGINE_H_
#define MACE_PUBLIC_MACE_ENGINE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mace/mace.h"
#include "mace/public/mace_config.h"
#include "mace/public/mace_layout.h"
#include "mace/public/mace_profile.h"
#include "mace/public/mace_tensor.h"

namespace mace {
inline namespace original_0 {
namespace internal {

inline MaceStatus Translated(const Status& status) {
  switch (status.code()) {
    case MACE_OK:
      return MaceStatus::MACE_SUCCESS;
    case MACE_INVALID_ARGUMENT:
    case MACE_NOT_FOUND:
      return {MaceStatus::MACE_INVALID_ARGS, status.message()};
    case MACE_OUT_OF_MEMORY:
    case MACE_RESOURCE_EXHAUSTED:
      return {MaceStatus::MACE_OUT_OF_RESOURCES, status.message()};
    case ::MACE_UNSUPPORTED:
      return {MaceStatus::MACE_UNSUPPORTED, status.message()};
    default:
      return {MaceStatus::MACE_RUNTIME_ERROR, status.message()};
  }
}

inline MaceStatus InvalidArgs(std::string message) {
  return {MaceStatus::MACE_INVALID_ARGS, std::move(message)};
}

inline std::string ShapeText(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  }
  return text + "]";
}

inline bool IsFloat(mace_dtype dtype) {
  return dtype == MACE_FLOAT32 || dtype == MACE_FLOAT16 || dtype == MACE_BFLOAT16 || dtype == MACE_FLOAT64;
}

// Not thread-safe: MaceEngine holds a mutex over it.
class Engine {
 public:
  using Tensors = std::map<std::string, MaceTensor>;

  // `path` or, where it is null, `bytes`, which must stay valid and unchanged while the engine lives.
  MaceStatus Load(const char* path, std::span<const uint8_t> bytes,
                  const std::vector<std::string>& input_names, const std::vector<std::string>& output_names,
                  int num_threads, const Engine* tutor, bool fake_warmup) {
    if (tutor != nullptr && tutor->runtime_ != nullptr) {
      runtime_ = tutor->runtime_;
    } else {
      RuntimeOptions options;
      options.num_threads = num_threads;
      auto runtime = Runtime::Create(options);
      if (!runtime.ok()) return Translated(runtime.status());
      runtime_ = std::make_shared<Runtime>(std::move(*runtime));
    }
    auto model = path != nullptr ? Model::LoadFile(*runtime_, path) : Model::LoadMemory(*runtime_, bytes);
    if (!model.ok()) return Translated(model.status());
    model_ = std::move(*model);
    inputs_ = model_->inputs();
    outputs_ = model_->outputs();
    staging_.resize(inputs_.size());
    MaceStatus status = CheckNames(input_names, output_names);
    if (status == MaceStatus::MACE_SUCCESS) status = EnsureSession();
    return status == MaceStatus::MACE_SUCCESS && fake_warmup ? WarmUp() : status;
  }

  MaceStatus Run(const Tensors& inputs, Tensors* outputs, RunMetadata* metadata) {
    if (!model_)
      return {MaceStatus::MACE_RUNTIME_ERROR, "the engine has no model: CreateMaceEngineFromFile makes one"};
    if (outputs == nullptr) return InvalidArgs("outputs is null");
    std::vector<Tensor> feeds(inputs_.size()), results(outputs_.size());
    MaceStatus status = CheckNames(KeysOf(inputs), KeysOf(*outputs));
    if (status == MaceStatus::MACE_SUCCESS) status = EnsureSession();
    for (size_t i = 0; i < inputs_.size() && status == MaceStatus::MACE_SUCCESS; ++i) {
      const auto found = inputs.find(inputs_[i].name);
      if (found != inputs.end()) status = Feed(i, found->second, &feeds[i]);
    }
    if (status != MaceStatus::MACE_SUCCESS) return status;
    RunOptions options;
    options.profile = metadata != nullptr;
    status = Translated(session_->Run(feeds, results, options));
    for (const bool write : {false, true}) {  // all are checked before one is written
      for (size_t i = 0; i < results.size() && status == MaceStatus::MACE_SUCCESS; ++i) {
        const auto found = outputs->find(outputs_[i].name);
        if (found != outputs->end()) status = Deliver(i, results[i], write, &found->second);
      }
    }
    return status == MaceStatus::MACE_SUCCESS && metadata != nullptr ? ReadMetadata(metadata) : status;
  }

  void Release() {
    session_.reset();
    if (runtime_ != nullptr) mace_runtime_trim(runtime_->get());
  }

 private:
  static std::vector<std::string> KeysOf(const Tensors& tensors) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : tensors) names.push_back(name);
    return names;
  }

  static MaceStatus CheckKnown(const std::vector<std::string>& names, const std::vector<TensorInfo>& infos,
                               const char* side) {
    for (const std::string& name : names) {
      std::string all;
      bool is_known = false;
      for (const TensorInfo& info : infos) {
        is_known = is_known || info.name == name;
        all += (all.empty() ? "" : ", ") + info.name;
      }
      if (!is_known) {
        return InvalidArgs("the model has no " + std::string(side) + " '" + name + "'; it has: " + all);
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

  // All names are the model's, and no input is missing.
  MaceStatus CheckNames(const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs) const {
    MaceStatus status = CheckKnown(inputs, inputs_, "input");
    if (status == MaceStatus::MACE_SUCCESS) status = CheckKnown(outputs, outputs_, "output");
    for (const TensorInfo& info : inputs_) {
      const bool is_named = std::find(inputs.begin(), inputs.end(), info.name) != inputs.end();
      if (status == MaceStatus::MACE_SUCCESS && !is_named && !info.optional) {
        return InvalidArgs("input '" + info.name + "' is missing");
      }
    }
    return status;
  }

  MaceStatus EnsureSession() {
    if (session_) return MaceStatus::MACE_SUCCESS;
    auto session = model_->NewSession();
    if (!session.ok()) return Translated(session.status());
    session_ = std::move(*session);
    return MaceStatus::MACE_SUCCESS;
  }

  // Plans, where the model leaves no dimension open.
  MaceStatus WarmUp() {
    std::vector<Tensor> feeds;
    for (const TensorInfo& info : inputs_) {
      for (int64_t dim : info.shape) {
        if (dim < 0) return MaceStatus::MACE_SUCCESS;
      }
      feeds.emplace_back(info.dtype, info.shape, nullptr, 0);
    }
    return Translated(session_->Prepare(feeds).status());
  }

  static MaceStatus CheckBuffer(const char* side, const TensorInfo& info, const MaceTensor& tensor) {
    const std::string what = std::string(side) + " '" + info.name + "'";
    if (tensor.memory_type() != CPU_BUFFER) {
      return {MaceStatus::MACE_UNSUPPORTED, what + ": only CPU_BUFFER, OpenCL is not built yet"};
    }
    const mace_dtype dtype = tensor.dtype();
    if (layout::ElementBytes(dtype) == 0) return InvalidArgs(what + ": the tensor has no element type");
    if (IsFloat(dtype) != IsFloat(info.dtype)) {
      return InvalidArgs(what + (IsFloat(dtype) ? ": the tensor holds floats, the model's integers"
                                                : ": the tensor holds integers, the model's floats"));
    }
    if (tensor.capacity_ < 0) return InvalidArgs(what + ": there is no shape " + ShapeText(tensor.shape()));
    if (tensor.data_ == nullptr && tensor.capacity_ > 0) return InvalidArgs(what + " has no data");
    return MaceStatus::MACE_SUCCESS;
  }

  // The caller's buffer itself where it is as the model wants it, else a converted copy.
  MaceStatus Feed(size_t i, const MaceTensor& tensor, Tensor* feed) {
    const TensorInfo& info = inputs_[i];
    MaceStatus status = CheckBuffer("input", info, tensor);
    if (status != MaceStatus::MACE_SUCCESS) return status;
    const layout::Move move = layout::EntryMove(tensor.shape(), tensor.data_format(), info.shape);
    if (move == layout::Move::kMisfit) {
      return InvalidArgs("input '" + info.name + "': the model expects " + ShapeText(info.shape) +
                         ", the tensor has " + ShapeText(tensor.shape()));
    }
    const std::vector<int64_t> shape = layout::Moved(tensor.shape(), move);
    const auto count = static_cast<size_t>(MaceTensor::CountOf(tensor.shape()));
    const size_t from_bytes = layout::ElementBytes(tensor.dtype());
    const size_t to_bytes = layout::ElementBytes(info.dtype);
    if (to_bytes == 0)
      return {MaceStatus::MACE_UNSUPPORTED, "input '" + info.name + "' has elements of 4 bits"};
    if (move == layout::Move::kNone && tensor.dtype() == info.dtype) {
      *feed = Tensor(info.dtype, shape, tensor.data_.get(), count * to_bytes);
      return MaceStatus::MACE_SUCCESS;
    }
    staging_[i].resize(count * to_bytes);
    const size_t converted = ConvertMoved(tensor.data_.get(), tensor.dtype(), tensor.shape(), move,
                                          info.dtype, staging_[i].data(), count, from_bytes);
    if (converted < count) {
      return InvalidArgs("input '" + info.name + "': element " + std::to_string(converted) +
                         " is out of the range of the model's type");
    }
    *feed = Tensor(info.dtype, shape, staging_[i].data(), staging_[i].size());
    return MaceStatus::MACE_SUCCESS;
  }

  // Transposes, then converts; says how many elements fitted.
  static size_t ConvertMoved(const void* from, mace_dtype from_type, std::span<const int64_t> shape,
                             layout::Move move, mace_dtype to_type, void* to, size_t count,
                             size_t from_bytes) {
    if (move == layout::Move::kNone) return layout::Convert(from_type, from, to_type, to, count);
    if (from_type == to_type) {
      layout::Transpose(from, shape, move, from_bytes, to);
      return count;
    }
    std::vector<unsigned char> moved(count * from_bytes);
    layout::Transpose(from, shape, move, from_bytes, moved.data());
    return layout::Convert(from_type, moved.data(), to_type, to, count);
  }

  // Without `write` only checks. A shape that fits in neither layout is no error where the buffer is large
  // enough: the original's programs give the largest shape there may be.
  MaceStatus Deliver(size_t i, const Tensor& result, bool write, MaceTensor* tensor) {
    const TensorInfo& info = outputs_[i];
    const auto result_type = static_cast<mace_dtype>(result.dtype);
    const auto count = static_cast<size_t>(
        MaceTensor::CountOf(std::vector<int64_t>(result.shape().begin(), result.shape().end())));
    layout::Move move = layout::ExitMove(result.shape(), tensor->data_format(), tensor->shape());
    if (move == layout::Move::kMisfit) move = layout::Move::kNone;
    if (!write) {
      MaceStatus status = CheckBuffer("output", info, *tensor);
      if (status != MaceStatus::MACE_SUCCESS) return status;
      if (layout::ElementBytes(result_type) == 0) {
        return {MaceStatus::MACE_UNSUPPORTED, "output '" + info.name + "' has elements of 4 bits"};
      }
      if (count <= static_cast<size_t>(tensor->capacity_)) return status;
      return InvalidArgs("output '" + info.name + "' is " + ShapeText(result.shape()) + ", " +
                         std::to_string(count) + " elements; the buffer has room for " +
                         std::to_string(tensor->capacity_));
    }
    const size_t converted = ConvertMoved(result.data, result_type, result.shape(), move, tensor->dtype(),
                                          tensor->data_.get(), count, layout::ElementBytes(result_type));
    if (converted < count) {
      return InvalidArgs("output '" + info.name + "': element " + std::to_string(converted) +
                         " is out of the range of the tensor's type");
    }
    tensor->shape_ = layout::Moved(result.shape(), move);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus ReadMetadata(RunMetadata* metadata) {
    auto explain = session_->ExplainJson();
    if (!explain.ok()) return Translated(explain.status());
    auto times = session_->ProfileJson();
    if (!times.ok()) return Translated(times.status());
    if (profile::Read(*explain, *times, metadata)) return MaceStatus::MACE_SUCCESS;
    return {MaceStatus::MACE_RUNTIME_ERROR, "the library's profile cannot be read: another version?"};
  }

  std::shared_ptr<Runtime> runtime_;  // a tutor's and its pupils'
  std::optional<Model> model_;
  std::optional<Session> session_;
  std::vector<TensorInfo> inputs_, outputs_;
  std::vector<std::vector<unsigned char>> staging_;  // converted inputs
};

}  // namespace internal
}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_ENGINE_H_
