// Test support: one node with concrete operands, run through InferNode and EvaluateNode.
#ifndef MACE_OPS_OP_TESTER_H_
#define MACE_OPS_OP_TESTER_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "mace/ops/evaluate.h"

namespace mace::ops {

// std::vector<bool> has no data(): bool tensors are given and read as uint8_t with BoolInput and Output.
class OpTester {
 public:
  explicit OpTester(OpId op, int outputs = 1) : op_(op), present_(outputs, true) {
    FindOpDefinition(op)->attributes.construct(attributes_.bytes);
  }

  template <typename Attributes>
  Attributes& attributes() {
    return attributes_.as<Attributes>();
  }
  AttributeStorage& storage() { return attributes_; }

  template <typename T>
  OpTester& Input(const Shape& shape, const std::vector<T>& values) {
    return Add(DTypeOf<T>(), shape, values.data(), values.size() * sizeof(T));
  }
  OpTester& BoolInput(const Shape& shape, const std::vector<uint8_t>& values) {
    return Add(DType::kBool, shape, values.data(), values.size());
  }
  OpTester& RawInput(DType dtype, const Shape& shape, const std::vector<uint8_t>& bytes) {
    return Add(dtype, shape, bytes.data(), bytes.size());
  }
  OpTester& NoInput() {
    inputs_.push_back({});
    return *this;
  }
  OpTester& NoOutput(int i) {
    present_[i] = false;
    return *this;
  }
  // Per-tensor quantization of input or output i.
  OpTester& QuantizeInput(int i, float scale, int32_t zero_point) {
    inputs_[i].quantized = true;
    inputs_[i].scale = scale;
    inputs_[i].zero_point = zero_point;
    return *this;
  }
  OpTester& QuantizeOutput(float scale, int32_t zero_point) {
    output_quantized_ = true;
    output_scale_ = scale;
    output_zero_point_ = zero_point;
    return *this;
  }

  // Shape rule with everything known, then the reference. Each buffer has its exact size, so that a
  // sanitizer sees an access outside.
  Status Run() {
    Graph graph;
    MACE_RETURN_IF_ERROR(Build(&graph));
    std::vector<TensorView> views;
    std::vector<TensorType> types;
    std::vector<const TensorView*> known;
    for (Tensor& input : inputs_) {
      views.push_back(input.view);
      types.push_back({input.view.dtype, input.view.shape, kNone});
    }
    for (TensorView& view : views) known.push_back(view.dtype == DType::kInvalid ? nullptr : &view);
    std::vector<TensorType> inferred(present_.size());
    MACE_RETURN_IF_ERROR(InferNode(graph, graph.nodes[0], types.data(), known.data(), inferred.data()));
    outputs_.clear();
    if (FindOpDefinition(op_)->evaluate != nullptr) return RunDynamic(graph, views);
    std::vector<TensorView> output_views;
    for (size_t i = 0; i < present_.size(); ++i) {
      outputs_.emplace_back();
      if (present_[i] && !outputs_.back().Allocate(inferred[i].dtype, inferred[i].shape)) {
        return ResourceExhausted("output %zu is too large for a test", i);
      }
      output_views.push_back(outputs_.back().view);
    }
    return EvaluateNode(graph, graph.nodes[0], views.data(), output_views.data());
  }

  // The shape rule alone, for inputs of these types of which nothing is known but what `known` lists.
  Status Infer(const std::vector<TensorType>& types, std::vector<TensorType>* inferred,
               std::vector<const TensorView*> known = {}) {
    inputs_.clear();
    for (const TensorType& type : types) {
      inputs_.emplace_back();
      inputs_.back().view.dtype = type.dtype;
    }
    Graph graph;
    MACE_RETURN_IF_ERROR(Build(&graph));
    known.resize(types.size());
    inferred->assign(present_.size(), TensorType());
    return InferNode(graph, graph.nodes[0], types.data(), known.data(), inferred->data());
  }

  const TensorView& output(int i = 0) const { return outputs_[i].view; }
  template <typename T>
  std::vector<T> Output(int i = 0) const {
    const T* data = outputs_[i].view.template as<T>();
    return std::vector<T>(data, data + outputs_[i].view.elements());
  }
  std::vector<uint8_t> OutputBytes(int i = 0) const {
    const auto* data = outputs_[i].view.template as<uint8_t>();
    return std::vector<uint8_t>(data, data + outputs_[i].view.bytes());
  }

 private:
  struct Tensor {
    TensorView view;
    std::unique_ptr<uint8_t[]> bytes;
    bool quantized = false;
    float scale = 1;
    int32_t zero_point = 0;

    bool Allocate(DType dtype, const Shape& shape) {
      view.dtype = dtype;
      view.shape = shape;
      const int64_t size = view.bytes();
      if (size < 0 || size > (1 << 20)) return false;
      bytes.reset(new uint8_t[static_cast<size_t>(size)]);
      std::memset(bytes.get(), 0xcd, static_cast<size_t>(size));
      view.data = bytes.get();
      return true;
    }
  };

  // An operator that allocates its outputs; they are copied into buffers of their exact size.
  Status RunDynamic(const Graph& graph, const std::vector<TensorView>& views) {
    Vector<EvaluatedTensor> results;
    MACE_RETURN_IF_ERROR(EvaluateDynamicNode(graph, graph.nodes[0], views.data(), &results));
    for (const EvaluatedTensor& result : results) {
      outputs_.emplace_back();
      if (result.view.dtype == DType::kInvalid) continue;
      if (!outputs_.back().Allocate(result.view.dtype, result.view.shape)) {
        return ResourceExhausted("an output is too large for a test");
      }
      const auto bytes = static_cast<size_t>(result.view.bytes());
      if (bytes > 0) std::memcpy(outputs_.back().view.data, result.view.data, bytes);
    }
    return Status::Ok();
  }

  OpTester& Add(DType dtype, const Shape& shape, const void* values, size_t bytes) {
    inputs_.emplace_back();
    EXPECT_TRUE(inputs_.back().Allocate(dtype, shape));
    EXPECT_EQ(static_cast<size_t>(inputs_.back().view.bytes()), bytes);
    if (bytes > 0) std::memcpy(inputs_.back().view.data, values, bytes);
    return *this;
  }

  Status Build(Graph* graph) {
    std::vector<ValueId> ins, outs;
    for (const Tensor& input : inputs_) {
      if (input.view.dtype == DType::kInvalid) {
        ins.push_back(kNone);
        continue;
      }
      TensorType type = {input.view.dtype, input.view.shape, kNone};
      if (input.quantized) MACE_RETURN_IF_ERROR(Quantize(graph, input.scale, input.zero_point, &type));
      MACE_ASSIGN_OR_RETURN(const ValueId id, graph->AddValue("x", type));
      ins.push_back(id);
    }
    for (bool present : present_) {
      if (!present) {
        outs.push_back(kNone);
        continue;
      }
      TensorType type;
      if (output_quantized_) MACE_RETURN_IF_ERROR(Quantize(graph, output_scale_, output_zero_point_, &type));
      MACE_ASSIGN_OR_RETURN(const ValueId id, graph->AddValue("y", type));
      outs.push_back(id);
    }
    MACE_ASSIGN_OR_RETURN(const NodeId node, graph->AddNode(op_, "node", ins, outs));
    graph->nodes[node].attributes = attributes_;
    return Status::Ok();
  }

  static Status Quantize(Graph* graph, float scale, int32_t zero_point, TensorType* type) {
    MACE_ASSIGN_OR_RETURN(type->quantization, graph->AddQuantization({&scale, 1}, {&zero_point, 1}, kNone));
    return Status::Ok();
  }

  OpId op_;
  AttributeStorage attributes_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  std::vector<bool> present_;
  bool output_quantized_ = false;
  float output_scale_ = 1;
  int32_t output_zero_point_ = 0;
};

// The message in a failed EXPECT.
#define EXPECT_OK(expression)                                     \
  do {                                                            \
    const ::mace::Status expect_status_ = (expression);           \
    EXPECT_TRUE(expect_status_.ok()) << expect_status_.message(); \
  } while (false)
#define ASSERT_OK(expression)                                     \
  do {                                                            \
    const ::mace::Status assert_status_ = (expression);           \
    ASSERT_TRUE(assert_status_.ok()) << assert_status_.message(); \
  } while (false)
#define EXPECT_ERROR(expression, code_)                                                    \
  do {                                                                                     \
    const ::mace::Status error_status_ = (expression);                                     \
    EXPECT_FALSE(error_status_.ok());                                                      \
    EXPECT_EQ(error_status_.code(), ::mace::StatusCode::code_) << error_status_.message(); \
  } while (false)

// NaN equals NaN.
inline void ExpectNear(const std::vector<float>& actual, const std::vector<float>& expected,
                       double tolerance = 1e-6) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(actual[i])) << "element " << i << " is " << actual[i];
    } else if (std::isinf(expected[i])) {
      EXPECT_EQ(actual[i], expected[i]) << "element " << i;
    } else {
      EXPECT_NEAR(actual[i], expected[i], tolerance * (1 + std::fabs(expected[i]))) << "element " << i;
    }
  }
}

// Deterministic values in [-1, 1) without a generator's state.
inline std::vector<float> TestValues(size_t count, uint32_t seed = 1) {
  std::vector<float> values(count);
  uint32_t state = seed * 2654435761u + 12345u;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int32_t>(state) >> 8) / static_cast<float>(1 << 23);
  }
  return values;
}

}  // namespace mace::ops

#endif  // MACE_OPS_OP_TESTER_H_
