// Graphs built by hand for tests of the runtime, and runs of them.
#ifndef MACE_RUNTIME_GRAPH_TESTING_H_
#define MACE_RUNTIME_GRAPH_TESTING_H_

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "mace/graph/op_definition.h"
#include "mace/ops/control/control.h"
#include "mace/ops/evaluate.h"
#include "mace/runtime/session.h"

namespace mace::testing {

template <typename T>
T Take(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(result).value();
}
inline void Check(const Status& status) { ASSERT_TRUE(status.ok()) << status.message(); }

struct Tensor {
  DType dtype = DType::kInvalid;
  Shape shape;
  std::vector<uint8_t> bytes;

  template <typename T>
  static Tensor Of(const Shape& shape, std::vector<T> values) {
    Tensor tensor{DTypeOf<T>(), shape, std::vector<uint8_t>(values.size() * sizeof(T))};
    if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return tensor;
  }
  static Tensor Bool(bool value) { return {DType::kBool, {}, {static_cast<uint8_t>(value)}}; }
  template <typename T>
  std::vector<T> values() const {
    std::vector<T> result(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  TensorView view() const { return {const_cast<uint8_t*>(bytes.data()), dtype, shape}; }
  friend bool operator==(const Tensor&, const Tensor&) = default;
};

class GraphBuilder {
 public:
  ValueId Input(const char* name, DType dtype, const Shape& shape) {
    const ValueId value = Take(graph.AddValue(name, {dtype, shape}));
    Check(graph.inputs.PushBack(value));
    return value;
  }
  ValueId Constant(const Tensor& tensor) { return Take(graph.AddConstant("", tensor.view(), true)); }
  ValueId Ints(std::vector<int64_t> values) {
    const Shape shape{static_cast<int64_t>(values.size())};
    return Constant(Tensor::Of(shape, values));
  }
  ValueId Int(int64_t value) { return Constant(Tensor::Of<int64_t>({}, {value})); }
  std::vector<ValueId> Nodes(OpId op, const char* name, const std::vector<ValueId>& inputs, int outputs) {
    std::vector<ValueId> results;
    for (int i = 0; i < outputs; ++i) {
      results.push_back(
          Take(graph.AddValue(std::string(name) + (i == 0 ? "" : "_" + std::to_string(i)), {})));
    }
    Take(graph.AddNode(op, name, inputs, results));
    return results;
  }
  ValueId Node(OpId op, const char* name, const std::vector<ValueId>& inputs) {
    return Nodes(op, name, inputs, 1)[0];
  }
  // Of the node made last.
  template <typename A>
  A& attributes() {
    return graph.nodes[graph.nodes.size() - 1].attributes.as<A>();
  }
  void Output(ValueId value) { Check(graph.outputs.PushBack(value)); }
  int32_t Subgraph(GraphBuilder body) {
    Check(graph.subgraphs.PushBack(std::make_unique<Graph>(std::move(body.graph))));
    return static_cast<int32_t>(graph.subgraphs.size() - 1);
  }
  std::vector<ValueId> If(const char* name, ValueId condition, std::vector<ValueId> captures,
                          GraphBuilder then_branch, GraphBuilder else_branch) {
    const auto outputs = static_cast<int>(then_branch.graph.outputs.size());
    captures.insert(captures.begin(), condition);
    const int32_t first = Subgraph(std::move(then_branch)), second = Subgraph(std::move(else_branch));
    std::vector<ValueId> results = Nodes(OpId::kIf, name, captures, outputs);
    attributes<ops::IfAttributes>() = {first, second};
    return results;
  }
  std::vector<ValueId> Loop(const char* name, ValueId trip_count, ValueId condition,
                            std::vector<ValueId> carried, const std::vector<ValueId>& captures,
                            GraphBuilder body) {
    const auto count = static_cast<int32_t>(carried.size());
    const auto outputs = static_cast<int>(body.graph.outputs.size()) - 1;
    carried.insert(carried.begin(), {trip_count, condition});
    carried.insert(carried.end(), captures.begin(), captures.end());
    const int32_t subgraph = Subgraph(std::move(body));
    std::vector<ValueId> results = Nodes(OpId::kLoop, name, carried, outputs);
    attributes<ops::LoopAttributes>() = {subgraph, count};
    return results;
  }
  Graph graph;
};

// A session of a graph.
class Runner {
 public:
  explicit Runner(GraphBuilder builder, uint64_t memory_limit = 0, ModelOptions model_options = {}) {
    Check(InferGraphTypes(&builder.graph));
    Check(VerifyGraph(builder.graph, &FindOpDefinition));
    RuntimeOptions options;
    options.num_threads = 1;
    options.memory_limit = memory_limit;
    model_ = Take(Model::FromGraph(Take(Runtime::Create(options)), std::move(builder.graph), model_options));
    session_ = Take(Session::Create(model_));
  }

  Status TryRun(const std::vector<Tensor>& inputs, std::vector<Tensor>* results,
                const RunOptions& options = {}) {
    feeds.clear();
    for (const Tensor& input : inputs) {
      static uint8_t empty;
      feeds.push_back({input.dtype, input.shape,
                       input.bytes.empty() ? &empty : const_cast<uint8_t*>(input.bytes.data()),
                       input.bytes.size()});
    }
    outputs.assign(model_->graph().outputs.size(), RunTensor());
    MACE_RETURN_IF_ERROR(session_->Run(feeds, outputs, options));
    results->clear();
    for (const RunTensor& output : outputs) {
      const auto* data = static_cast<const uint8_t*>(output.data);
      results->push_back({output.dtype, output.shape, std::vector<uint8_t>(data, data + output.byte_size)});
    }
    return Status::Ok();
  }
  std::vector<Tensor> Run(const std::vector<Tensor>& inputs) {
    std::vector<Tensor> results;
    Check(TryRun(inputs, &results));
    return results;
  }
  // The same, compared with the reference evaluation of the whole graph.
  std::vector<Tensor> RunAndCompare(const std::vector<Tensor>& inputs) {
    std::vector<Tensor> results = Run(inputs);
    std::vector<TensorView> views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    Vector<EvaluatedTensor> wanted;
    Check(EvaluateGraph(model_->graph(), views, {}, &wanted));
    EXPECT_EQ(wanted.size(), results.size());
    for (size_t i = 0; i < wanted.size() && i < results.size(); ++i) {
      EXPECT_EQ(wanted[i].view.dtype, results[i].dtype) << i;
      EXPECT_TRUE(wanted[i].view.shape == results[i].shape)
          << i << ": " << ShapeText(results[i].shape).text << ", expected "
          << ShapeText(wanted[i].view.shape).text;
      if (static_cast<size_t>(wanted[i].view.bytes()) != results[i].bytes.size()) continue;
      EXPECT_TRUE(results[i].bytes.empty() ||
                  std::memcmp(wanted[i].view.data, results[i].bytes.data(), results[i].bytes.size()) == 0)
          << "output " << i;
    }
    return results;
  }
  std::string Explain() { return Take(session_->ExplainJson()); }
  Session& session() { return *session_; }
  Ref<Model> model() { return model_; }

  std::vector<RunTensor> feeds;
  std::vector<RunTensor> outputs;  // of the last run

 private:
  Ref<Model> model_;
  Ref<Session> session_;
};

}  // namespace mace::testing

#endif  // MACE_RUNTIME_GRAPH_TESTING_H_
