#include "tests/api/test_models.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"
#include "mace/model/writer.h"
#include "mace/ops/control/control.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/custom/custom.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/reduce/reduce.h"

namespace mace_test {
namespace {

using mace::DType;
using mace::Graph;
using mace::OpId;
using mace::Shape;
using mace::ValueId;

void Check(const mace::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "test model: %s\n", status.message());
  std::abort();
}

template <typename T>
T Take(mace::Result<T> result) {
  Check(result.status());
  return std::move(result).value();
}

class Builder {
 public:
  Graph graph;

  ValueId Input(const char* name, DType dtype, const Shape& shape) {
    const ValueId value = Take(graph.AddValue(name, {dtype, shape}));
    Check(graph.inputs.PushBack(value));
    return value;
  }
  ValueId Floats(const char* name, const Shape& shape, const std::vector<float>& values) {
    mace::TensorView view{const_cast<float*>(values.data()), DType::kF32, shape};
    return Take(graph.AddConstant(name, view, true));
  }
  ValueId Constant(const mace::TensorView& view) { return Take(graph.AddConstant("", view, true)); }
  ValueId Int(int64_t value) { return Constant({&value, DType::kI64, {}}); }
  int32_t Subgraph(Builder body) {
    Check(graph.subgraphs.PushBack(std::make_unique<Graph>(std::move(body.graph))));
    return static_cast<int32_t>(graph.subgraphs.size() - 1);
  }
  // A node that owns subgraphs, or has several outputs.
  template <typename A>
  std::vector<ValueId> Nodes(OpId op, const char* name, std::vector<ValueId> inputs, int outputs,
                             A attributes) {
    std::vector<ValueId> results;
    for (int i = 0; i < outputs; ++i) results.push_back(Take(graph.AddValue("", {})));
    const mace::NodeId node = Take(graph.AddNode(op, name, inputs, results));
    graph.nodes[node].attributes.as<A>() = attributes;
    return results;
  }
  ValueId Node(OpId op, const char* name, std::vector<ValueId> inputs) {
    const ValueId output = Take(graph.AddValue(name, {}));
    Take(graph.AddNode(op, name, inputs, {&output, 1}));
    return output;
  }
  void Output(ValueId value) { Check(graph.outputs.PushBack(value)); }
  void State(const char* name, ValueId read, ValueId write, int32_t initial) {
    mace::State state;
    Check(state.name.Assign(name));
    state.read = read;
    state.write = write;
    state.initial = initial;
    Check(graph.states.PushBack(std::move(state)));
  }
  std::vector<uint8_t> Finish() {
    Check(mace::InferGraphTypes(&graph));
    Check(mace::VerifyGraph(graph, &mace::FindOpDefinition));
    std::vector<uint8_t> bytes;
    Check(mace::WriteModel(graph, &bytes));
    return bytes;
  }
};

}  // namespace

std::vector<uint8_t> AffineModel() {
  Builder b;
  Check(b.graph.name.Assign("affine"));
  const int64_t batch = mace::SymbolDim(Take(b.graph.FindOrAddSymbol("batch")));
  const ValueId x = b.Input("x", DType::kF32, {batch, 4});
  const ValueId product = b.Node(OpId::kMul, "product", {x, b.Floats("two", {}, {2})});
  const ValueId sum = b.Node(OpId::kAdd, "sum", {product, b.Floats("one", {4}, {1, 1, 1, 1})});
  b.Output(b.Node(OpId::kRelu, "y", {sum}));
  Check(b.graph.SetMetadata("author", "a test"));
  Check(b.graph.SetMetadata("empty", ""));
  return b.Finish();
}

std::vector<uint8_t> CustomModel() {
  Builder b;
  const int64_t batch = mace::SymbolDim(Take(b.graph.FindOrAddSymbol("batch")));
  const ValueId x = b.Input("x", DType::kF32, {batch, 4});
  const auto bytes = [&](const char* text) {
    const Shape shape = {static_cast<int64_t>(std::strlen(text))};
    const mace::TensorView view = {const_cast<char*>(text), DType::kU8, shape};
    return Take(b.graph.AddConstant({}, view, /*copy=*/true));
  };
  mace::ops::CustomAttributes attributes;
  attributes.dtypes = {static_cast<int64_t>(DType::kF32)};
  const ValueId scaled =
      b.Nodes(OpId::kCustom, "scaled", {bytes("Scaled"), bytes("\x07\x09"), x}, 1, attributes)[0];
  b.Output(b.Node(OpId::kAdd, "y", {scaled, scaled}));
  return b.Finish();
}

std::vector<uint8_t> AccumulatorModel() {
  Builder b;
  const ValueId x = b.Input("x", DType::kF32, {2});
  const ValueId sum = Take(b.graph.AddValue("sum", {DType::kF32, {2}}));
  const ValueId initial = b.Floats("initial", {2}, {10, 20});
  b.State("sum", sum, mace::kNone, b.graph.values[initial].constant);
  const ValueId total = b.Node(OpId::kAdd, "total", {x, sum});
  b.graph.states[0].write = total;
  b.Output(total);
  return b.Finish();
}

std::vector<uint8_t> FedBackModel() {
  Builder b;
  const ValueId x = b.Input("", DType::kF32, {2});
  const ValueId h = b.Input("", DType::kF32, {2});
  b.State("h", h, mace::kNone, mace::kNone);
  const ValueId total = b.Node(OpId::kAdd, "", {x, h});
  b.graph.states[0].write = total;
  b.Output(total);
  return b.Finish();
}

std::vector<uint8_t> EdgesModel() {
  Builder b;
  const int64_t n = mace::SymbolDim(Take(b.graph.FindOrAddSymbol("n")));
  const ValueId x = b.Input("x", DType::kI64, {n, 3});
  b.Output(x);
  b.Output(b.Floats("constant", {2}, {5, 6}));
  b.Output(b.Node(OpId::kShape, "shape", {x}));
  const ValueId twice = b.Node(OpId::kAdd, "twice", {x, x});
  b.Output(twice);
  b.Output(twice);
  b.Node(OpId::kNeg, "unused", {x});
  return b.Finish();
}

std::vector<uint8_t> DeepModel(int layers) {
  Builder b;
  const int64_t batch = mace::SymbolDim(Take(b.graph.FindOrAddSymbol("batch")));
  ValueId x = b.Input("x", DType::kF32, {batch, 64});
  std::vector<float> weights(64 * 64);
  for (int i = 0; i < layers; ++i) {
    // A permutation with a factor of one: what goes in comes out, moved around.
    for (int row = 0; row < 64; ++row) {
      for (int column = 0; column < 64; ++column) {
        weights[row * 64 + column] = (row + i + 1) % 64 == column ? 1.0f : 0.0f;
      }
    }
    const std::string number = std::to_string(i);
    x = b.Node(OpId::kMatMul, ("product" + number).c_str(),
               {x, b.Floats(("weights" + number).c_str(), {64, 64}, weights)});
    x = b.Node(OpId::kRelu, ("relu" + number).c_str(), {x});
  }
  b.Output(x);
  return b.Finish();
}

std::vector<uint8_t> NetworkModel() {
  Builder b;
  const int64_t batch = mace::SymbolDim(Take(b.graph.FindOrAddSymbol("batch")));
  const auto weights = [&](const char* name, const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7 % 13) / 16.0f - 0.375f;
    return b.Floats(name, shape, values);
  };
  const auto convolution = [&](const char* name, ValueId x, const Shape& shape, int64_t stride, int64_t pad,
                               int64_t groups) {
    const ValueId y = b.Node(OpId::kConv2d, name, {x, weights("kernel", shape), weights("bias", {shape[0]})});
    auto& attributes = b.graph.nodes[b.graph.nodes.size() - 1].attributes.as<mace::ops::Conv2dAttributes>();
    attributes.strides = {stride, stride};
    attributes.pads = {pad, pad, pad, pad};
    attributes.groups = groups;
    return y;
  };
  const ValueId x = b.Input("x", DType::kF32, {batch, 9, 9, 3});
  const ValueId stem = b.Node(OpId::kRelu, "stem", {convolution("conv", x, {8, 3, 3, 3}, 2, 1, 1)});
  const ValueId depthwise =
      b.Node(OpId::kRelu, "depthwise", {convolution("depthwise_conv", stem, {8, 3, 3, 1}, 1, 1, 8)});
  const ValueId point = convolution("point", depthwise, {8, 1, 1, 8}, 1, 0, 1);
  const ValueId sum = b.Node(OpId::kAdd, "sum", {point, stem});
  const ValueId mean = b.Node(OpId::kReduce, "mean", {sum});
  auto& reduce = b.graph.nodes[b.graph.nodes.size() - 1].attributes.as<mace::ops::ReduceAttributes>();
  reduce.kind = mace::ops::ReduceKind::kMean;
  reduce.axes = {1, 2};
  reduce.keep_dims = false;
  const ValueId logits = b.Node(OpId::kMatMul, "logits", {mean, weights("classifier", {8, 5})});
  b.Output(b.Node(OpId::kSoftmax, "y", {logits}));
  return b.Finish();
}

std::vector<uint8_t> ControlModel() {
  const Shape open{mace::kUnknownDim};
  Builder then_branch, else_branch;
  const ValueId added = then_branch.Input("y", DType::kF32, open);
  then_branch.Output(
      then_branch.Node(OpId::kAdd, "added", {added, then_branch.Input("x", DType::kF32, open)}));
  const ValueId negated = else_branch.Input("y", DType::kF32, open);
  else_branch.Input("x", DType::kF32, open);
  else_branch.Output(else_branch.Node(OpId::kNeg, "negated", {negated}));

  Builder body;
  const ValueId iteration = body.Input("iteration", DType::kI64, {});
  const ValueId condition = body.Input("condition", DType::kBool, {});
  const ValueId y = body.Input("y", DType::kF32, open);
  const ValueId list = body.Input("list", DType::kI64, open);
  const ValueId x_in = body.Input("x", DType::kF32, open);
  const ValueId first = body.Node(OpId::kGather, "first", {y, body.Int(0)});
  const ValueId is_small = body.Node(OpId::kLess, "is_small", {first, body.Floats("limit", {}, {2})});
  const int32_t branches[2] = {body.Subgraph(std::move(then_branch)), body.Subgraph(std::move(else_branch))};
  const ValueId next = body.Nodes(OpId::kIf, "if", {is_small, y, x_in}, 1,
                                  mace::ops::IfAttributes{branches[0], branches[1]})[0];
  int64_t one = 1;
  const ValueId length = body.Constant({&one, DType::kI64, {1}});
  body.Output(condition);
  body.Output(next);
  body.Output(
      body.Node(OpId::kConcat, "longer", {list, body.Node(OpId::kReshape, "item", {iteration, length})}));
  body.Output(next);

  Builder b;
  const ValueId x = b.Input("x", DType::kF32, {mace::SymbolDim(Take(b.graph.FindOrAddSymbol("n")))});
  int64_t flat = -1;
  uint8_t yes = 1;
  const ValueId where = b.Node(OpId::kReshape, "flat",
                               {b.Node(OpId::kNonZero, "where", {x}), b.Constant({&flat, DType::kI64, {1}})});
  const int32_t loop = b.Subgraph(std::move(body));
  for (ValueId result :
       b.Nodes(OpId::kLoop, "loop", {b.Int(3), b.Constant({&yes, DType::kBool, {}}), x, where, x}, 3,
               mace::ops::LoopAttributes{loop, 2})) {
    b.Output(result);
  }
  return b.Finish();
}

std::vector<uint8_t> QuantizedModel() {
  Builder b;
  const float scale = 0.5f;
  const int32_t zero_point = 128;
  const int32_t quantization = Take(b.graph.AddQuantization({&scale, 1}, {&zero_point, 1}, mace::kNone));
  const ValueId x = b.Input("x", DType::kU8, {4});
  b.graph.values[x].type.quantization = quantization;
  const ValueId y = b.Node(OpId::kRelu, "y", {x});
  b.graph.values[y].type.quantization = quantization;
  b.Output(y);
  return b.Finish();
}

std::vector<uint8_t> PictureModel() {
  Builder b;
  const ValueId x = b.Input("x", DType::kF32, {1, 2, 3, 4});
  b.Output(b.Node(OpId::kAdd, "y", {x, x}));
  return b.Finish();
}

std::vector<uint8_t> HalfModel() {
  Builder b;
  const ValueId x = b.Input("x", DType::kF16, {2, 3});
  b.Output(b.Node(OpId::kTranspose, "y", {x}));
  return b.Finish();
}

}  // namespace mace_test
