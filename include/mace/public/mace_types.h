// The original MACE's enumerations and plain structs. Their numeric values are the original's. Part of
// mace/public/mace.h.
#ifndef MACE_PUBLIC_MACE_TYPES_H_
#define MACE_PUBLIC_MACE_TYPES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mace {
inline namespace original_0 {

enum RuntimeType {
  RT_CPU = 0,
  RT_OPENCL = 2,
  RT_HEXAGON = 3,
  RT_HTA = 4,
  RT_APU = 5,
  RT_HTP = 6,
  RT_NONE = 65534,
  RT_MAX = 65535
};
// Older programs say it so.
enum DeviceType { CPU = 0, GPU = 2, HEXAGON = 3, HTA = 4, APU = 5, HTP = 6 };

enum IDataType {
  IDT_INVALID = 0,
  IDT_FLOAT = 1,
  IDT_UINT8 = 2,
  IDT_HALF = 3,
  IDT_INT32 = 4,
  IDT_FLOAT16 = 5,
  IDT_BFLOAT16 = 6,
  IDT_INT16 = 7,
  IDT_INT8 = 8,
  IDT_END
};

enum MemoryType { CPU_BUFFER = 0, GPU_BUFFER = 1, GPU_IMAGE = 2, MEMORY_NONE = 10000 };

enum class DataFormat {
  NONE = 0,
  NHWC = 1,
  NCHW = 2,
  HWOI = 100,
  OIHW = 101,
  HWIO = 102,
  OHWI = 103,
  AUTO = 1000
};

enum GPUPerfHint { PERF_DEFAULT = 0, PERF_LOW = 1, PERF_NORMAL = 2, PERF_HIGH = 3 };
enum GPUPriorityHint { PRIORITY_DEFAULT = 0, PRIORITY_LOW = 1, PRIORITY_NORMAL = 2, PRIORITY_HIGH = 3 };

enum CPUAffinityPolicy {
  AFFINITY_NONE = 0,
  AFFINITY_BIG_ONLY = 1,
  AFFINITY_LITTLE_ONLY = 2,
  AFFINITY_HIGH_PERFORMANCE = 3,
  AFFINITY_POWER_SAVE = 4
};

enum class OpenCLCacheReusePolicy { REUSE_NONE = 0, REUSE_SAME_GPU = 1 };

enum HexagonNNCornerType {
  HEXAGON_NN_CORNER_RELEASE = 0,
  HEXAGON_NN_CORNER_TURBO = 1,
  HEXAGON_NN_CORNER_NOMPLUS = 2,
  HEXAGON_NN_CORNER_NOMINAL = 3,
  HEXAGON_NN_CORNER_SVSPLUS = 4,
  HEXAGON_NN_CORNER_SVS = 5,
  HEXAGON_NN_CORNER_SVS2 = 6
};

enum HexagonPerformanceType {
  HEXAGON_BURST = 0,
  HEXAGON_SUSTAINED_HIGH_PERFORMANCE = 1,
  HEXAGON_HIGH_PERFORMANCE = 2,
  HEXAGON_BALANCED = 3,
  HEXAGON_LOW_BALANCED = 4,
  HEXAGON_POWER_SAVER = 5,
  HEXAGON_LOW_POWER_SAVER = 6,
  HEXAGON_HIGH_POWER_SAVER = 7,
  HEXAGON_SYSTEM_SETTINGS = 8,
  HEXAGON_INVALID = 0x7FFFFFFF
};

enum AcceleratorCachePolicy {
  ACCELERATOR_CACHE_NONE = 0,
  ACCELERATOR_CACHE_STORE = 1,
  ACCELERATOR_CACHE_LOAD = 2,
  APU_CACHE_LOAD_OR_STORE = 3
};

enum APUPreferenceHint {
  NEURON_PREFER_LOW_POWER = 0,
  NEURON_PREFER_FAST_SINGLE_ANSWER = 1,
  NEURON_PREFER_SUSTAINED_SPEED = 2
};

// ---- What MaceEngine::Run tells of its operators.

// Microseconds since the run began.
struct CallStats {
  int64_t start_micros;
  int64_t end_micros;
};

// Of convolutions and pooling, empty elsewhere. Height before width.
struct ConvPoolArgs {
  std::vector<int> strides;
  int padding_type;           // 0: as in `paddings`; 1: "same", the odd pixel at the end; 2: at the beginning
  std::vector<int> paddings;  // both sides together
  std::vector<int> dilations;
  std::vector<int64_t> kernels;  // a convolution's weights [O, H, W, I / groups]; a pool's window [H, W]
};

struct OperatorStats {
  std::string operator_name;
  std::string type;
  std::vector<std::vector<int64_t>> output_shape;
  ConvPoolArgs args;
  CallStats stats;
};

// One entry per step of the plan, in the order in which they ran. An operator that was fused into another
// has none of its own.
class RunMetadata {
 public:
  std::vector<OperatorStats> op_stats;
};

// ---- What GetCapability measures.

struct PerformanceInfo {
  float exec_time;  // of the CPU milliseconds, of others their ratio to the CPU's; -1: not supported
};

struct Capability {
  PerformanceInfo float32_performance;
  PerformanceInfo quantized8_performance;
  bool supported;
};

}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_TYPES_H_
