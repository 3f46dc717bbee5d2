#include "mace/runtime/measure.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mace/graph/op_definition.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/unary/unary.h"
#include "mace/runtime/session.h"

namespace mace {
namespace {

constexpr int kRuns = 10;

// Appends layers to a graph; every value has one pixel stride and no names but those of the edges.
class LayerBuilder {
 public:
  LayerBuilder(DType dtype, Graph* graph) : dtype_(dtype), graph_(*graph) {}

  // The scales of images, of what ReLU6 leaves and of what has no activation: any that are typical.
  enum class Range { kImage, kRelu6, kLinear };

  Result<ValueId> AddValue(const char* name, Range range, const Shape& shape) {
    TensorType type{dtype_, shape, kNone};
    if (dtype_ == DType::kI8) {
      const float scale = range == Range::kImage ? 2.0f / 255 : range == Range::kRelu6 ? 6.0f / 255 : 0.1f;
      const int32_t zero_point = range == Range::kRelu6 ? -128 : 0;
      MACE_ASSIGN_OR_RETURN(type.quantization, graph_.AddQuantization({&scale, 1}, {&zero_point, 1}, kNone));
    }
    return graph_.AddValue(name, type);
  }

  // A square convolution with "same" padding; `groups` is 1, or `inputs`: depthwise.
  Result<ValueId> Convolve(ValueId x, int64_t inputs, int64_t outputs, int64_t kernel, int64_t stride,
                           int64_t groups, bool relu6) {
    MACE_ASSIGN_OR_RETURN(const ValueId weights,
                          AddZeros({outputs, kernel, kernel, inputs / groups}, dtype_));
    MACE_ASSIGN_OR_RETURN(const ValueId bias,
                          AddZeros({outputs}, dtype_ == DType::kI8 ? DType::kI32 : DType::kF32));
    if (dtype_ == DType::kI8) {
      const float weight_scale = 0.02f;
      const float bias_scale = weight_scale * graph_.QuantizationOf(x)->scales[0];
      MACE_RETURN_IF_ERROR(Quantize(weights, weight_scale));
      MACE_RETURN_IF_ERROR(Quantize(bias, bias_scale));
    }
    ops::Conv2dAttributes attributes;
    attributes.strides = {stride, stride};
    attributes.padding = ops::Padding::kSameUpper;
    attributes.groups = groups;
    attributes.rounding = ops::Rounding::kTfliteDouble;
    // The range of a quantized output ends where ReLU6 does.
    const bool clips = relu6 && dtype_ == DType::kF32;
    MACE_ASSIGN_OR_RETURN(const ValueId y, AddValue("", relu6 ? Range::kRelu6 : Range::kLinear, {}));
    MACE_RETURN_IF_ERROR(AddNode(OpId::kConv2d, {x, weights, bias}, y, attributes));
    if (!clips) return y;
    ops::ClipAttributes clip;
    clip.min = 0;
    clip.max = 6;
    MACE_ASSIGN_OR_RETURN(const ValueId clipped, AddValue("", Range::kRelu6, {}));
    MACE_RETURN_IF_ERROR(AddNode(OpId::kClip, {y}, clipped, clip));
    return clipped;
  }

  // Expansion by 1x1, depthwise 3x3, projection by 1x1; a residual where the sizes allow it.
  Result<ValueId> AddBlock(ValueId x, int64_t inputs, int64_t expansion, int64_t outputs, int64_t stride) {
    const int64_t wide = inputs * expansion;
    ValueId y = x;
    if (expansion != 1) {
      MACE_ASSIGN_OR_RETURN(y, Convolve(x, inputs, wide, 1, 1, 1, true));
    }
    MACE_ASSIGN_OR_RETURN(y, Convolve(y, wide, wide, 3, stride, wide, true));
    MACE_ASSIGN_OR_RETURN(y, Convolve(y, wide, outputs, 1, 1, 1, false));
    if (stride != 1 || inputs != outputs) return y;
    MACE_ASSIGN_OR_RETURN(const ValueId sum, AddValue("", Range::kLinear, {}));
    MACE_RETURN_IF_ERROR(
        AddNode(OpId::kAdd, {x, y}, sum, ops::RoundingAttributes{ops::Rounding::kTfliteDouble}));
    return sum;
  }

 private:
  Result<ValueId> AddZeros(const Shape& shape, DType dtype) {
    MACE_ASSIGN_OR_RETURN(const ValueId value, graph_.AddUninitializedConstant("", dtype, shape));
    const TensorView& view = graph_.constants.back().view;
    std::memset(view.data, 0, static_cast<size_t>(view.bytes()));
    return value;
  }
  Status Quantize(ValueId value, float scale) {
    const int32_t zero_point = 0;
    MACE_ASSIGN_OR_RETURN(graph_.values[value].type.quantization,
                          graph_.AddQuantization({&scale, 1}, {&zero_point, 1}, kNone));
    return Status::Ok();
  }
  template <typename A>
  Status AddNode(OpId op, std::initializer_list<ValueId> inputs, ValueId output, const A& attributes) {
    MACE_ASSIGN_OR_RETURN(const NodeId node,
                          graph_.AddNode(op, "", {inputs.begin(), inputs.size()}, {&output, 1}));
    graph_.nodes[node].attributes.as<A>() = attributes;
    return Status::Ok();
  }

  DType dtype_;
  Graph& graph_;
};

Result<float> MeasureRuns(const Ref<Runtime>& runtime, DType dtype) {
  MACE_ASSIGN_OR_RETURN(Graph graph, MakeMeasuredGraph(dtype));
  RunTensor input;
  input.dtype = dtype;
  input.shape = graph.values[graph.inputs[0]].type.shape;
  input.byte_size = static_cast<uint64_t>(ByteCount(dtype, input.shape));
  const uint64_t refusals = runtime->budget().refusals();
  Result<Buffer> image = Buffer::Allocate(input.byte_size, runtime->allocator());
  if (!image.ok()) {
    return runtime->budget().Explain(image.TakeStatus(), refusals, "an image", input.byte_size);
  }
  std::memset(image->data(), 0, image->size());
  input.data = image->data();
  MACE_ASSIGN_OR_RETURN(Ref<Model> model, Model::FromGraph(runtime, std::move(graph), ModelOptions()));
  MACE_ASSIGN_OR_RETURN(Ref<Session> session, Session::Create(std::move(model)));
  uint64_t nanoseconds[kRuns];
  for (int run = -1; run < kRuns; ++run) {
    RunTensor output;
    const uint64_t begin = StopCheck::NowNanoseconds();
    MACE_RETURN_IF_ERROR(session->Run({&input, 1}, {&output, 1}, RunOptions()));
    if (run >= 0) nanoseconds[run] = StopCheck::NowNanoseconds() - begin;
  }
  std::sort(nanoseconds, nanoseconds + kRuns);
  constexpr int kMiddle = kRuns / 2;
  return static_cast<float>(nanoseconds[kMiddle - 1] + nanoseconds[kMiddle]) / 2e6f;
}

}  // namespace

Result<Graph> MakeMeasuredGraph(DType dtype) {
  struct Stage {
    int64_t expansion, channels, blocks, stride;
  };
  // Of the last stage the paper has four blocks.
  constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 2, 2}};
  Graph graph;
  LayerBuilder builder(dtype, &graph);
  MACE_ASSIGN_OR_RETURN(const ValueId x,
                        builder.AddValue("x", LayerBuilder::Range::kImage, {1, 224, 224, 3}));
  MACE_RETURN_IF_ERROR(graph.inputs.PushBack(x));
  int64_t channels = 32;
  MACE_ASSIGN_OR_RETURN(ValueId y, builder.Convolve(x, 3, channels, 3, 2, 1, true));
  for (const Stage& stage : kStages) {
    for (int64_t block = 0; block < stage.blocks; ++block) {
      const int64_t stride = block == 0 ? stage.stride : 1;
      MACE_ASSIGN_OR_RETURN(y, builder.AddBlock(y, channels, stage.expansion, stage.channels, stride));
      channels = stage.channels;
    }
  }
  MACE_RETURN_IF_ERROR(graph.values[y].name.Assign("y"));
  MACE_RETURN_IF_ERROR(graph.outputs.PushBack(y));
  // Shapes were left open.
  for (Value& value : graph.values) {
    if (value.producer != kNone) value.type.dtype = DType::kInvalid;
  }
  MACE_RETURN_IF_ERROR(InferGraphTypes(&graph));
  MACE_RETURN_IF_ERROR(VerifyGraph(graph, &FindOpDefinition));
  return graph;
}

Result<Capability> MeasureCapability(const Ref<Runtime>& runtime) {
  Capability capability;
  MACE_ASSIGN_OR_RETURN(capability.float32_milliseconds, MeasureRuns(runtime, DType::kF32));
  MACE_ASSIGN_OR_RETURN(capability.int8_milliseconds, MeasureRuns(runtime, DType::kI8));
  return capability;
}

}  // namespace mace
