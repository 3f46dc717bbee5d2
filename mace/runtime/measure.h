// How fast this machine runs a network that is always the same: for programs that choose a model, or a number
// of threads, by the device.
#ifndef MACE_RUNTIME_MEASURE_H_
#define MACE_RUNTIME_MEASURE_H_

#include "mace/core/result.h"
#include "mace/graph/graph.h"
#include "mace/runtime/runtime.h"

namespace mace {

struct Capability {
  float float32_milliseconds = 0;
  float int8_milliseconds = 0;
};

// Of each kind the median of ten runs behind one that warms up. Thread-safe; others who use the runtime's
// threads at the same time make it slower.
Result<Capability> MeasureCapability(const Ref<Runtime>& runtime);

// What it runs: the beginning of MobileNetV2 (Sandler et al. 2018, table 2): the first convolution and eight
// inverted residual blocks, x [1, 224, 224, 3] -> y [1, 14, 14, 64]; all weights are zero. kF32, or kI8
// quantized as TensorFlow Lite does it.
Result<Graph> MakeMeasuredGraph(DType dtype);

}  // namespace mace

#endif  // MACE_RUNTIME_MEASURE_H_
