// Test support: one node on quantized operands whose elements are written as int32.
#ifndef MACE_OPS_QUANTIZE_INTEGER_TESTER_H_
#define MACE_OPS_QUANTIZE_INTEGER_TESTER_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "mace/ops/evaluate.h"
#include "mace/ops/quantize/output_scale.h"

namespace mace::ops {

struct IntegerTensor {
  DType dtype = DType::kInvalid;  // kInvalid: an absent operand
  Shape shape;
  std::vector<int32_t> values;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  int32_t axis = kNone;

  int32_t zero_point(size_t channel = 0) const { return zero_points[zero_points.size() == 1 ? 0 : channel]; }
  double scale(size_t channel = 0) const { return scales[scales.size() == 1 ? 0 : channel]; }
  double real(size_t i, size_t channel = 0) const {
    return scale(channel) * (values[i] - zero_point(channel));
  }
};

// Any value of the type.
inline IntegerTensor RandomTensor(std::mt19937* random, DType dtype, const Shape& shape,
                                  std::vector<float> scales, std::vector<int32_t> zero_points,
                                  int32_t axis = kNone) {
  IntegerTensor tensor = {dtype, shape, {}, std::move(scales), std::move(zero_points), axis};
  const IntegerRange range = RangeOf(dtype);
  std::uniform_int_distribution<int32_t> any(dtype == DType::kI32 ? -5000 : range.low,
                                             dtype == DType::kI32 ? 5000 : range.high);
  for (int64_t i = 0; i < shape.ElementCount(); ++i) tensor.values.push_back(any(*random));
  return tensor;
}

// Runs the node; fills outputs[i].values and shape. The outputs' dtype and quantization are given.
template <typename Attributes>
Status RunIntegers(OpId op, const Attributes& attributes, const std::vector<IntegerTensor>& inputs,
                   std::vector<IntegerTensor>* outputs) {
  Graph graph;
  std::vector<ValueId> ins, outs;
  std::vector<TensorView> views;
  std::vector<TensorType> types;
  std::vector<const TensorView*> known(inputs.size(), nullptr);  // what is not quantized: sizes
  views.reserve(inputs.size() + outputs->size());
  std::vector<std::vector<uint8_t>> bytes;
  const auto add = [&](const IntegerTensor& tensor, std::vector<ValueId>* list) -> Status {
    if (tensor.dtype == DType::kInvalid) {
      list->push_back(kNone);
      types.emplace_back();
      views.emplace_back();
      return Status::Ok();
    }
    TensorType type = {tensor.dtype, tensor.shape, kNone};
    if (!tensor.scales.empty()) {
      MACE_ASSIGN_OR_RETURN(type.quantization,
                            graph.AddQuantization(tensor.scales, tensor.zero_points, tensor.axis));
    }
    MACE_ASSIGN_OR_RETURN(const ValueId id, graph.AddValue("v", type));
    list->push_back(id);
    bytes.emplace_back(static_cast<size_t>(ByteCount(tensor.dtype, tensor.shape)));
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      StoreInteger(bytes.back().data(), tensor.dtype, static_cast<int64_t>(i), tensor.values[i]);
    }
    types.push_back(type);
    views.push_back({nullptr, tensor.dtype, tensor.shape});
    return Status::Ok();
  };
  for (const IntegerTensor& input : inputs) MACE_RETURN_IF_ERROR(add(input, &ins));
  size_t next = 0;
  for (TensorView& view : views) {
    if (view.dtype != DType::kInvalid) view.data = bytes[next++].data();
  }
  const size_t input_count = views.size();
  for (size_t i = 0; i < input_count; ++i) {
    if (inputs[i].scales.empty() && inputs[i].dtype != DType::kInvalid) known[i] = &views[i];
  }
  for (const IntegerTensor& output : *outputs) {
    IntegerTensor empty = output;
    empty.shape = {0};
    empty.values.clear();
    MACE_RETURN_IF_ERROR(add(empty, &outs));
  }
  MACE_ASSIGN_OR_RETURN(const NodeId node, graph.AddNode(op, "node", ins, outs));
  graph.nodes[node].attributes.template as<Attributes>() = attributes;
  std::vector<TensorType> inferred(outs.size());
  MACE_RETURN_IF_ERROR(InferNode(graph, graph.nodes[node], types.data(), known.data(), inferred.data()));
  std::vector<TensorView> results;
  std::vector<std::vector<uint8_t>> result_bytes;
  for (const TensorType& type : inferred) {
    result_bytes.emplace_back(static_cast<size_t>(ByteCount(type.dtype, type.shape)));
    results.push_back({result_bytes.back().data(), type.dtype, type.shape});
  }
  views.resize(input_count);
  MACE_RETURN_IF_ERROR(EvaluateNode(graph, graph.nodes[node], views.data(), results.data()));
  for (size_t o = 0; o < outs.size(); ++o) {
    (*outputs)[o].shape = results[o].shape;
    (*outputs)[o].dtype = results[o].dtype;
    (*outputs)[o].values.clear();
    for (int64_t i = 0; i < results[o].elements(); ++i) {
      (*outputs)[o].values.push_back(LoadInteger(results[o].data, results[o].dtype, i));
    }
  }
  return Status::Ok();
}

// Element i is the nearest value to `real`, up to `slack` units beyond the half.
inline void ExpectStored(const IntegerTensor& tensor, size_t i, double real, double slack) {
  const IntegerRange range = RangeOf(tensor.dtype);
  const double exact = std::clamp<double>(real / tensor.scale() + tensor.zero_point(), range.low, range.high);
  ASSERT_NEAR(tensor.values[i], exact, 0.5 + slack) << "element " << i;
}

}  // namespace mace::ops

#endif  // MACE_OPS_QUANTIZE_INTEGER_TESTER_H_
