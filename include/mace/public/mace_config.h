// The original's MaceStatus, GPUContextBuilder and MaceEngineConfig. Part of mace/public/mace.h.
#ifndef MACE_PUBLIC_MACE_CONFIG_H_
#define MACE_PUBLIC_MACE_CONFIG_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mace/mace_c.h"
#include "mace/public/mace_cores.h"
#include "mace/public/mace_types.h"

namespace mace {
inline namespace original_0 {

class MaceStatus {
 public:
  enum Code {
    MACE_SUCCESS = 0,
    MACE_INVALID_ARGS = 1,
    MACE_OUT_OF_RESOURCES = 2,
    MACE_UNSUPPORTED = 3,
    MACE_RUNTIME_ERROR = 4
  };

  MaceStatus() = default;
  MaceStatus(Code code) : code_(code) {}  // NOLINT: implicit on purpose, as in the original
  MaceStatus(Code code, std::string information) : code_(code), information_(std::move(information)) {}

  Code code() const { return code_; }
  // What the code means, and the message behind it where there is one.
  std::string information() const {
    static constexpr const char* kTexts[] = {"success", "invalid arguments", "out of resources",
                                             "unsupported", "runtime error"};
    const std::string text = kTexts[code_];
    return information_.empty() ? text : text + ": " + information_;
  }

  friend bool operator==(const MaceStatus& a, const MaceStatus& b) { return a.code_ == b.code_; }
  friend bool operator!=(const MaceStatus& a, const MaceStatus& b) { return a.code_ != b.code_; }

 private:
  Code code_ = MACE_SUCCESS;
  std::string information_;
};

// OpenCL is not built yet: there is no context. A builder takes everything and builds nothing.
class OpenclContext {};
using GPUContext = OpenclContext;

class GPUContextBuilder {
 public:
  GPUContextBuilder& SetStoragePath(const std::string&) { return *this; }
  GPUContextBuilder& SetOpenCLCacheFullPath(const std::string&) { return *this; }
  GPUContextBuilder& SetOpenCLCacheReusePolicy(OpenCLCacheReusePolicy) { return *this; }
  GPUContextBuilder& SetOpenCLBinaryPaths(const std::vector<std::string>&) { return *this; }
  GPUContextBuilder& SetOpenCLBinary(const unsigned char*, size_t) { return *this; }
  GPUContextBuilder& SetOpenCLParameterPath(const std::string&) { return *this; }
  GPUContextBuilder& SetOpenCLParameter(const unsigned char*, size_t) { return *this; }
  // Null, as the original's where OpenCL was left out of the build.
  std::shared_ptr<OpenclContext> Finalize() { return nullptr; }
};

// What an engine is to run on. Calls for hardware that MACE has no backend for return MACE_UNSUPPORTED and
// change nothing: the engine runs on the CPU.
class MaceEngineConfig {
 public:
  MaceEngineConfig() = default;
  explicit MaceEngineConfig(DeviceType) {}  // the engine's GetRuntimeTypes tells what it runs on
  MaceEngineConfig(const MaceEngineConfig&) = delete;
  MaceEngineConfig& operator=(const MaceEngineConfig&) = delete;

  // A .mace file is one graph: `sub_graph` is not looked at.
  MaceStatus SetRuntimeType(RuntimeType runtime_type, const std::string& sub_graph = "default_graph") {
    (void)sub_graph;
    if (runtime_type == RT_CPU || runtime_type == RT_NONE) return MaceStatus::MACE_SUCCESS;
    return Unbuilt("SetRuntimeType: this runtime is");
  }

  MaceStatus SetGPUContext(std::shared_ptr<OpenclContext>) { return Unbuilt("SetGPUContext: OpenCL is"); }
  MaceStatus SetGPUHints(GPUPerfHint, GPUPriorityHint) { return Unbuilt("SetGPUHints: OpenCL is"); }
  MaceStatus SetHexagonToUnsignedPD() { return Unbuilt("SetHexagonToUnsignedPD: Hexagon is"); }
  MaceStatus SetHexagonPower(HexagonNNCornerType, bool, int) {
    return Unbuilt("SetHexagonPower: Hexagon is");
  }
  MaceStatus SetQnnPerformance(HexagonPerformanceType) { return Unbuilt("SetQnnPerformance: QNN is"); }
  MaceStatus SetAcceleratorCache(AcceleratorCachePolicy, const std::string&, const std::string&) {
    return Unbuilt("SetAcceleratorCache: accelerators are");
  }
  MaceStatus SetAPUHints(uint8_t, APUPreferenceHint) { return Unbuilt("SetAPUHints: APUs are"); }

  // Threads: at most as many as the policy's class has cores (mace/public/mace_cores.h); 0 or less: all of
  // them. The policy does nothing else: libmace never touches its caller's affinity, and its threads have
  // that of the thread that created the engine. A program that wants a class of cores binds itself to it
  // first.
  MaceStatus SetCPUThreadPolicy(int num_threads_hint, CPUAffinityPolicy policy) {
    if (policy < AFFINITY_NONE || policy > AFFINITY_POWER_SAVE) {
      return {MaceStatus::MACE_INVALID_ARGS,
              "SetCPUThreadPolicy: there is no policy " + std::to_string(policy)};
    }
    constexpr size_t kMostThreads = 256;  // mace_runtime_options::num_threads
    const std::vector<int64_t> speeds = cores::Speeds();
    size_t count = speeds.empty() ? std::max(1u, std::thread::hardware_concurrency())
                                  : cores::OfPolicy(policy, num_threads_hint, speeds).size();
    if (num_threads_hint > 0) count = std::min(count, static_cast<size_t>(num_threads_hint));
    num_threads_ = static_cast<int>(std::min(count, kMostThreads));
    return MaceStatus::MACE_SUCCESS;
  }

  // 0: one per core that this process may use. Not among the original's names.
  int num_threads() const { return num_threads_; }

 private:
  static MaceStatus Unbuilt(const std::string& what) {
    return {MaceStatus::MACE_UNSUPPORTED, what + " not built yet"};
  }
  int num_threads_ = 0;
};

}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_CONFIG_H_
