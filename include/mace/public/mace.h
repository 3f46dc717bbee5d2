// mace/public/mace.h: the original MACE's C++ names over mace/mace.h, in headers only. A program that was
// written for the original compiles with it, but for the call that makes the engine (docs/original_api.md):
//
//   mace::MaceEngineConfig config;
//   config.SetCPUThreadPolicy(2, mace::AFFINITY_NONE);
//   std::shared_ptr<mace::MaceEngine> engine;
//   mace::MaceStatus status =
//       mace::CreateMaceEngineFromFile("net.mace", {"input"}, {"output"}, config, &engine);
//   if (status != mace::MaceStatus::MACE_SUCCESS) return Fail(status.information());
//   std::map<std::string, mace::MaceTensor> inputs, outputs;
//   inputs["input"] = mace::MaceTensor({1, 224, 224, 3}, pixels);  // std::shared_ptr<float>
//   outputs["output"] = mace::MaceTensor({1, 1000}, scores);
//   status = engine->Run(inputs, &outputs);
//
// Errors are statuses; nothing aborts or throws (but the containers here std::bad_alloc). A tensor says its
// layout, NHWC where nothing is said: where its shape is the model's, elements stay where they are; where it
// is after NHWC <-> NCHW, they are transposed (mace/public/mace_layout.h tells the rule).
#ifndef MACE_PUBLIC_MACE_H_
#define MACE_PUBLIC_MACE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "mace/mace.h"
#include "mace/public/mace_config.h"
#include "mace/public/mace_engine.h"
#include "mace/public/mace_layout.h"
#include "mace/public/mace_tensor.h"
#include "mace/public/mace_types.h"

namespace mace {
inline namespace original_0 {

// A model, ready to run. Thread-safe: runs of one engine follow one another, those of several engines (a
// tutor and its pupils too) may run at the same time.
class MaceEngine {
 public:
  // Of no use alone: CreateMaceEngineFromFile and CreateMaceEngineFromMemory make engines that have a model.
  explicit MaceEngine(const MaceEngineConfig& config) : num_threads_(config.num_threads()) {}
  MaceEngine(const MaceEngine&) = delete;
  MaceEngine& operator=(const MaceEngine&) = delete;

  // `inputs` holds every input of the model that is not optional, under its name; `outputs` the results that
  // are wanted, with buffers of the caller (not those of inputs), which may be larger than the results.
  // Afterwards shape() of an output is the real one. Element types are converted where both sides are floats
  // or both integers. MACE_INVALID_ARGS: a name, shape, element type or buffer does not fit; the buffers are
  // then as before, unless a result's number does not fit in the caller's element type.
  MaceStatus Run(const std::map<std::string, MaceTensor>& inputs,
                 std::map<std::string, MaceTensor>* outputs) {
    return Run(inputs, outputs, nullptr);
  }
  // `run_metadata` (may be null) gets the times of the operators. Measuring takes a little time itself.
  MaceStatus Run(const std::map<std::string, MaceTensor>& inputs, std::map<std::string, MaceTensor>* outputs,
                 RunMetadata* run_metadata) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return engine_.Run(inputs, outputs, run_metadata);
  }

  // Frees the memory of intermediate results (and of states, which begin anew); the next run takes it again.
  // Other engines of the same tutor keep what they use.
  MaceStatus ReleaseIntermediateBuffer() {
    const std::lock_guard<std::mutex> lock(mutex_);
    engine_.Release();
    return MaceStatus::MACE_SUCCESS;
  }

  // What the engine really runs on: the CPU.
  std::set<RuntimeType> GetRuntimeTypes() const { return {RT_CPU}; }

  // Not among the original's names: loads a model in place of the one that is there. `path` or, where it is
  // null, `size` bytes.
  MaceStatus Load(const char* path, const unsigned char* bytes, size_t size,
                  const std::vector<std::string>& input_nodes, const std::vector<std::string>& output_nodes,
                  const MaceEngine* tutor, bool fake_warmup) {
    const std::lock_guard<std::mutex> lock(mutex_);
    internal::Engine engine;
    const MaceStatus status = engine.Load(path, {bytes, size}, input_nodes, output_nodes, num_threads_,
                                          tutor == nullptr ? nullptr : &tutor->engine_, fake_warmup);
    if (status == MaceStatus::MACE_SUCCESS) engine_ = std::move(engine);
    return status;
  }

 private:
  const int num_threads_;
  std::mutex mutex_;
  internal::Engine engine_;
};

// Engines from a .mace file or its bytes, which hold graph and weights (`mace convert` and
// tools/converter.py make them). `input_nodes` must name every input that is not optional, `output_nodes` any
// outputs. With a `tutor` the new engine shares its threads and pool of memory; the tutor may be destroyed
// before it. With `fake_warmup` plans and weights are made ready at once, where no dimension is open, and not
// by the first run. On failure `*engine` is left alone.
inline MaceStatus CreateMaceEngineFromFile(const std::string& path,
                                           const std::vector<std::string>& input_nodes,
                                           const std::vector<std::string>& output_nodes,
                                           const MaceEngineConfig& config,
                                           std::shared_ptr<MaceEngine>* engine, MaceEngine* tutor = nullptr,
                                           bool fake_warmup = false) {
  if (engine == nullptr) return internal::InvalidArgs("engine is null");
  auto made = std::make_shared<MaceEngine>(config);
  const MaceStatus status =
      made->Load(path.c_str(), nullptr, 0, input_nodes, output_nodes, tutor, fake_warmup);
  if (status == MaceStatus::MACE_SUCCESS) *engine = std::move(made);
  return status;
}

// The bytes must stay valid and unchanged while the engine lives: weights are used where they are, and
// `*model_data_unused` (may be null) is set to false.
inline MaceStatus CreateMaceEngineFromMemory(const unsigned char* model_data, size_t model_data_size,
                                             const std::vector<std::string>& input_nodes,
                                             const std::vector<std::string>& output_nodes,
                                             const MaceEngineConfig& config,
                                             std::shared_ptr<MaceEngine>* engine,
                                             bool* model_data_unused = nullptr, MaceEngine* tutor = nullptr,
                                             bool fake_warmup = false) {
  if (engine == nullptr) return internal::InvalidArgs("engine is null");
  if (model_data == nullptr) return internal::InvalidArgs("model_data is null");
  if (model_data_unused != nullptr) *model_data_unused = false;
  auto made = std::make_shared<MaceEngine>(config);
  const MaceStatus status =
      made->Load(nullptr, model_data, model_data_size, input_nodes, output_nodes, tutor, fake_warmup);
  if (status == MaceStatus::MACE_SUCCESS) *engine = std::move(made);
  return status;
}

// Programs for the original call this; where one is compiled the reason is told.
template <typename... Arguments>
MaceStatus CreateMaceEngineFromProto(Arguments&&...) {
  static_assert(sizeof...(Arguments) == SIZE_MAX,
                "MACE reads .mace files, not the original's: convert the model again, then call "
                "CreateMaceEngineFromFile or CreateMaceEngineFromMemory (docs/original_api.md)");
  return MaceStatus::MACE_UNSUPPORTED;
}

// Runs the beginning of MobileNetV2 on the CPU, with all cores, and tells the milliseconds of float32 and of
// int8; 0 where that failed. Others are not supported. `cpu_float32_exec_time` is what they would be compared
// with.
inline Capability GetCapability(DeviceType device_type, float cpu_float32_exec_time = 1.0f) {
  (void)cpu_float32_exec_time;
  if (device_type != CPU) return {{-1.0f}, {-1.0f}, false};
  auto runtime = Runtime::Create();
  if (!runtime.ok()) return {{0.0f}, {0.0f}, true};
  auto measured = runtime->Measure();
  if (!measured.ok()) return {{0.0f}, {0.0f}, true};
  return {{measured->float32_milliseconds}, {measured->int8_milliseconds}, true};
}

// Of the library, "0.1.0".
inline const char* MaceVersion() { return mace_version(); }

}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_H_
