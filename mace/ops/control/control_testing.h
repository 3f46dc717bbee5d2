// Graphs with control nodes for tests: a builder, and one example with everything in it.
#ifndef MACE_OPS_CONTROL_CONTROL_TESTING_H_
#define MACE_OPS_CONTROL_CONTROL_TESTING_H_

#include <gtest/gtest.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "mace/ops/control/control.h"
#include "mace/ops/evaluate.h"

namespace mace::ops {

// Appends to a graph; what goes wrong fails the test.
class GraphBuilder {
 public:
  explicit GraphBuilder(Graph* graph, const char* name = "") : graph_(*graph) {
    EXPECT_TRUE(graph_.name.Assign(name).ok());
  }
  Graph& graph() { return graph_; }
  ValueId Input(const char* name, DType dtype, const Shape& shape) {
    const ValueId value = graph_.AddValue(name, TensorType{dtype, shape, kNone}).value();
    EXPECT_TRUE(graph_.inputs.PushBack(value).ok());
    return value;
  }
  template <typename T>
  ValueId Constant(const char* name, const Shape& shape, std::vector<T> elements,
                   DType dtype = DTypeOf<T>()) {
    return graph_.AddConstant(name, TensorView{elements.data(), dtype, shape}, /*copy=*/true).value();
  }
  ValueId True() { return Constant<uint8_t>("true", {}, {1}, DType::kBool); }
  template <typename A>
  std::vector<ValueId> Nodes(OpId op, const char* name, std::vector<ValueId> inputs, const A& attributes,
                             int outputs) {
    std::vector<ValueId> values;
    for (int i = 0; i < outputs; ++i) values.push_back(graph_.AddValue("", TensorType{}).value());
    const NodeId id = graph_.AddNode(op, name, inputs, values).value();
    if constexpr (!std::is_same_v<A, NoAttributes>) graph_.nodes[id].attributes.as<A>() = attributes;
    return values;
  }
  template <typename A>
  ValueId Node(OpId op, const char* name, std::vector<ValueId> inputs, const A& attributes) {
    return Nodes(op, name, std::move(inputs), attributes, 1)[0];
  }
  ValueId Node(OpId op, const char* name, std::vector<ValueId> inputs) {
    return Node(op, name, std::move(inputs), NoAttributes{});
  }
  void Output(ValueId value, const char* name = "") {
    if (name[0] != '\0') {
      EXPECT_TRUE(graph_.values[value].name.Assign(name).ok());
    }
    EXPECT_TRUE(graph_.outputs.PushBack(value).ok());
  }
  // The index of a new, empty subgraph.
  int32_t Subgraph() {
    EXPECT_TRUE(graph_.subgraphs.PushBack(std::make_unique<Graph>()).ok());
    return static_cast<int32_t>(graph_.subgraphs.size() - 1);
  }
  GraphBuilder At(int32_t subgraph, const char* name) {
    return GraphBuilder(graph_.subgraphs[subgraph].get(), name);
  }

 private:
  Graph& graph_;
};

// inputs flag bool [], count i64 [], x f32 [batch, 3] ->
//   y = flag ? 2 x : (count + 1) x
//   z = relu(flag ? 2 x : [2 x, 3 x, ... (count + 1) x]), whose rank depends on the flag.
// The loop stands in the else branch.
inline void BuildControlGraph(Graph* graph) {
  GraphBuilder main(graph, "control");
  EXPECT_TRUE(graph->FindOrAddSymbol("batch").ok());
  const ValueId flag = main.Input("flag", DType::kBool, {});
  const ValueId count = main.Input("count", DType::kI64, {});
  const ValueId x = main.Input("x", DType::kF32, {SymbolDim(0), 3});
  IfAttributes choice = {main.Subgraph(), main.Subgraph()};

  GraphBuilder doubling = main.At(choice.then_branch, "doubling");
  doubling.Input("count", DType::kI64, {});
  const ValueId then_x = doubling.Input("x", DType::kF32, {SymbolDim(0), 3});
  const ValueId doubled =
      doubling.Node(OpId::kMul, "double", {then_x, doubling.Constant<float>("two", {1}, {2})});
  doubling.Output(doubled, "doubled");
  doubling.Output(doubled);

  GraphBuilder adding = main.At(choice.else_branch, "adding");
  const ValueId else_count = adding.Input("count", DType::kI64, {});
  const ValueId else_x = adding.Input("x", DType::kF32, {SymbolDim(0), 3});
  LoopAttributes loop = {adding.Subgraph(), 1};
  GraphBuilder step = adding.At(loop.body, "step");
  step.Input("iteration", DType::kI64, {});
  const ValueId going = step.Input("going", DType::kBool, {});
  const ValueId sum = step.Input("sum", DType::kF32, {SymbolDim(0), 3});
  const ValueId step_x = step.Input("x", DType::kF32, {SymbolDim(0), 3});
  const ValueId next = step.Node(OpId::kAdd, "add", {sum, step_x});
  for (ValueId output : {going, next, next}) step.Output(output);
  for (ValueId output :
       adding.Nodes(OpId::kLoop, "repeat", {else_count, adding.True(), else_x, else_x}, loop, 2)) {
    adding.Output(output);
  }

  const auto chosen = main.Nodes(OpId::kIf, "choose", {flag, count, x}, choice, 2);
  main.Output(chosen[0], "y");
  main.Output(main.Node(OpId::kRelu, "relu", {chosen[1]}), "z");
  const Status status = InferGraphTypes(graph);
  EXPECT_TRUE(status.ok()) << status.message();
}

}  // namespace mace::ops

#endif  // MACE_OPS_CONTROL_CONTROL_TESTING_H_
