// The toy operator on the whole way: graph, dump, file, loader, plan, run.
#include "mace/ops/toy/rotate.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "mace/model/writer.h"
#include "mace/runtime/session.h"

namespace mace {
namespace {

template <typename T>
T Take(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().message();
  return std::move(result).value();
}

TEST(ToyOperator, RunsFromAFile) {
  Graph graph;
  ASSERT_TRUE(graph.FindOrAddSymbol("rows").ok());
  const Shape shape = {SymbolDim(0), 3};
  const ValueId x = Take(graph.AddValue("x", {DType::kF32, shape, kNone}));
  const ValueId y = Take(graph.AddValue("y", {DType::kF32, shape, kNone}));
  const NodeId node = Take(graph.AddNode(OpId::kRotate, "turn", {&x, 1}, {&y, 1}));
  graph.nodes[node].attributes.as<ops::RotateAttributes>().places = -5;
  ASSERT_TRUE(graph.inputs.PushBack(x).ok());
  ASSERT_TRUE(graph.outputs.PushBack(y).ok());

  String text;
  ASSERT_TRUE(DumpGraph(graph, FindOpDefinition, &text).ok());
  EXPECT_NE(text.view().find("Rotate(%0) {places=-5}"), std::string_view::npos) << text.c_str();

  std::vector<uint8_t> bytes;
  const Status written = WriteModel(graph, &bytes);
  ASSERT_TRUE(written.ok()) << written.message();
  Ref<Model> model = Take(Model::LoadMemory(Take(Runtime::Create({})), bytes, {}));
  Ref<Session> session = Take(Session::Create(model));
  float in[6] = {1, 2, 3, 4, 5, 6}, out[6] = {};
  RunTensor input, output;
  input.dtype = DType::kF32;
  input.shape = {2, 3};
  input.data = in;
  input.byte_size = sizeof(in);
  output.data = out;
  output.byte_size = sizeof(out);
  const Status run = session->Run({&input, 1}, {&output, 1}, {});
  ASSERT_TRUE(run.ok()) << run.message();
  EXPECT_TRUE(output.shape == (Shape{2, 3}));
  const float expected[6] = {3, 1, 2, 6, 4, 5};  // five places back are one place on
  EXPECT_EQ(std::memcmp(out, expected, sizeof(out)), 0);
}

}  // namespace
}  // namespace mace
