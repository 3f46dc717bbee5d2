// Plans in stages: sizes that depend on elements, and operators whose sizes only computing tells.
#include <thread>

#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/runtime/graph_testing.h"

namespace mace {
namespace {

using testing::Check;
using testing::GraphBuilder;
using testing::Runner;
using testing::Tensor;

// y = relu(reshape(x, s)), z = -x: s is fed.
GraphBuilder ReshapeGraph() {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim, 6});
  const ValueId s = b.Input("s", DType::kI64, {2});
  b.Output(b.Node(OpId::kRelu, "y", {b.Node(OpId::kReshape, "reshaped", {x, s})}));
  b.Output(b.Node(OpId::kNeg, "z", {x}));
  return b;
}

// The coordinates of what is not zero, twice over, as floats, and how many there are. NonZero stands between
// nodes of fixed size and nodes that follow its size.
GraphBuilder NonZeroGraph() {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim, kUnknownDim});
  const ValueId kept = b.Node(OpId::kRelu, "kept", {x});
  const ValueId where = b.Node(OpId::kNonZero, "where", {kept});
  const ValueId doubled = b.Node(OpId::kAdd, "doubled", {where, where});
  const ValueId floats = b.Node(OpId::kCast, "floats", {doubled});
  b.attributes<ops::CastAttributes>().to = DType::kF32;
  const ValueId shape = b.Node(OpId::kShape, "shape", {where});
  b.Output(b.Node(OpId::kReshape, "y", {floats, b.Ints({-1, 2})}));
  b.Output(shape);
  b.Output(b.Node(OpId::kAdd, "sum", {kept, x}));  // what the first stage made is read in the second
  return b;
}

TEST(Stages, AShapeThatIsFed) {
  Runner runner(ReshapeGraph());
  const Tensor x = Tensor::Of<float>({2, 6}, {1, -2, 3, 4, 5, 6, 7, 8, 9, 10, -11, 12});
  EXPECT_EQ(runner.RunAndCompare({x, Tensor::Of<int64_t>({2}, {3, 4})})[0].shape, (Shape{3, 4}));
  EXPECT_NE(runner.Explain().find("\"stages\":2"), std::string::npos);
  EXPECT_EQ(runner.RunAndCompare({x, Tensor::Of<int64_t>({2}, {4, 3})})[0].shape, (Shape{4, 3}));
  EXPECT_EQ(runner.RunAndCompare({x, Tensor::Of<int64_t>({2}, {-1, 1})})[0].shape, (Shape{12, 1}));
  EXPECT_EQ(runner.RunAndCompare({x, Tensor::Of<int64_t>({2}, {3, 4})})[0].shape, (Shape{3, 4}));
  std::vector<Tensor> results;
  const Status status = runner.TryRun({x, Tensor::Of<int64_t>({2}, {5, 5})}, &results);
  EXPECT_NE(std::string(status.message()).find("'reshaped'"), std::string::npos) << status.message();
}

TEST(Stages, AShapeThatIsComputed) {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {4, 6});
  const ValueId n = b.Input("n", DType::kI64, {1});
  const ValueId rows = b.Node(OpId::kMul, "rows", {n, b.Ints({2})});
  const ValueId target = b.Node(OpId::kConcat, "target", {rows, b.Ints({-1})});
  const ValueId y = b.Node(OpId::kReshape, "y", {b.Node(OpId::kRelu, "relu", {x}), target});
  // Another size that is known only behind the first one: the rows of y.
  const ValueId shape = b.Node(OpId::kShape, "shape", {y});
  b.Output(b.Node(OpId::kAdd, "z", {b.Node(OpId::kReshape, "back", {y, shape}), y}));
  Runner runner(std::move(b));
  std::vector<float> values(24);
  for (size_t i = 0; i < 24; ++i) values[i] = static_cast<float>(i) - 7;
  for (int64_t rows_half : {1, 2, 3, 4, 6, 2}) {
    const auto results =
        runner.RunAndCompare({Tensor::Of<float>({4, 6}, values), Tensor::Of<int64_t>({1}, {rows_half})});
    EXPECT_EQ(results[0].shape, (Shape{rows_half * 2, 12 / rows_half}));
  }
  EXPECT_NE(runner.Explain().find("\"stages\":2"), std::string::npos) << runner.Explain();
}

TEST(Stages, OneStageWhereSizesFollowFromShapes) {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim, 2, 3});
  b.Output(b.Node(OpId::kReshape, "y", {x, b.Node(OpId::kShape, "shape", {x})}));
  Runner runner(std::move(b));
  runner.RunAndCompare({Tensor::Of<float>({1, 2, 3}, {1, 2, 3, 4, 5, 6})});
  EXPECT_NE(runner.Explain().find("\"stages\":1"), std::string::npos);
}

TEST(Stages, SizesThatOnlyComputingTells) {
  Runner runner(NonZeroGraph());
  const Tensor some = Tensor::Of<float>({2, 3}, {0, 1, 0, 2, -1, 3});
  auto results = runner.RunAndCompare({some});
  EXPECT_EQ(results[0].values<float>(), (std::vector<float>{0, 2, 2, 2, 0, 4}));
  EXPECT_EQ(results[1].values<int64_t>(), (std::vector<int64_t>{2, 3}));
  const std::string text = runner.Explain();
  EXPECT_NE(text.find("\"kernel\":\"NonZero\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"stages\":2"), std::string::npos) << text;
  EXPECT_EQ(runner.RunAndCompare({Tensor::Of<float>({2, 3}, {0, 0, 0, -1, -1, 0})})[0].shape, (Shape{0, 2}));
  EXPECT_EQ(runner.RunAndCompare({Tensor::Of<float>({0, 3}, {})})[0].shape, (Shape{0, 2}));
  EXPECT_EQ(runner.RunAndCompare({Tensor::Of<float>({1, 2}, {1, 1})})[0].shape, (Shape{2, 2}));
  EXPECT_EQ(runner.RunAndCompare({some})[0].shape, (Shape{3, 2}));
}

// An output that an action makes, twice, and one that is what a later stage learned the elements of.
TEST(Stages, ActionsWriteOutputs) {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId where = b.Node(OpId::kNonZero, "where", {x});
  b.Output(where);
  b.Output(where);
  const ValueId shape = b.Node(OpId::kShape, "shape", {where});
  b.Output(b.Node(OpId::kConstantOfShape, "zeros", {b.Node(OpId::kReshape, "flat", {where, b.Ints({-1})})}));
  b.Output(shape);
  Runner runner(std::move(b));
  const auto results = runner.RunAndCompare({Tensor::Of<float>({5}, {0, 0, 1, 1, 0})});
  EXPECT_EQ(results[0].values<int64_t>(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(results[2].shape, (Shape{2, 3}));
  EXPECT_EQ(runner.RunAndCompare({Tensor::Of<float>({4}, {0, 1, 1, 1})})[2].shape, (Shape{1, 2, 3}));
}

TEST(Stages, PrepareTellsWhatIsKnown) {
  Runner runner(NonZeroGraph());
  const RunTensor x{DType::kF32, {2, 3}, nullptr, 0};
  RunTensor outputs[3];
  Check(runner.session().Prepare({&x, 1}, outputs));
  EXPECT_EQ(outputs[0].dtype, DType::kF32);
  EXPECT_EQ(outputs[0].shape, (Shape{-1, -1}));
  EXPECT_EQ(outputs[0].byte_size, 0u);
  EXPECT_EQ(outputs[0].data, nullptr);
  EXPECT_EQ(outputs[2].shape, (Shape{2, 3}));
  EXPECT_EQ(outputs[2].byte_size, 24u);
}

TEST(Stages, CallersBuffersAreUsedWhereTheyAreLargeEnough) {
  Runner runner(NonZeroGraph());
  float values[6] = {0, 1, 0, 2, -1, 3};
  const RunTensor x{DType::kF32, {2, 3}, values, sizeof(values)};
  float mine[6] = {};
  RunTensor outputs[3];
  outputs[0] = {DType::kInvalid, {}, mine, 20};
  const Status status = runner.session().Run({&x, 1}, outputs, {});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("takes 24 bytes, the buffer has 20"), std::string::npos)
      << status.message();
  for (RunTensor& output : outputs) output = RunTensor();
  outputs[0] = {DType::kInvalid, {}, mine, sizeof(mine)};
  Check(runner.session().Run({&x, 1}, outputs, {}));
  EXPECT_EQ(outputs[0].data, mine);
  EXPECT_EQ(outputs[0].shape, (Shape{3, 2}));
  EXPECT_EQ(mine[5], 4);
}

// A state that a later stage writes: how many there have been so far.
TEST(Stages, StatesOfLaterStages) {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId count = testing::Take(b.graph.AddValue("count", {DType::kI64, {2}}));
  const ValueId shape = b.Node(OpId::kShape, "shape", {b.Node(OpId::kNonZero, "where", {x})});
  const ValueId sum = b.Node(OpId::kAdd, "sum", {count, shape});
  b.Output(sum);
  State state;
  Check(state.name.Assign("count"));
  state.read = count;
  state.write = sum;
  Check(b.graph.states.PushBack(std::move(state)));
  Runner runner(std::move(b));
  const Tensor three = Tensor::Of<float>({4}, {1, 1, 0, 1}), one = Tensor::Of<float>({1}, {1});
  EXPECT_EQ(runner.Run({three})[0].values<int64_t>(), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(runner.Run({one})[0].values<int64_t>(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(runner.Run({three})[0].values<int64_t>(), (std::vector<int64_t>{3, 7}));
  runner.session().ResetState();
  EXPECT_EQ(runner.Run({one})[0].values<int64_t>(), (std::vector<int64_t>{1, 1}));
}

TEST(Stages, TheMemoryLimitCountsWhatIsHeld) {
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim});
  b.Output(b.Node(OpId::kNonZero, "where", {x}));
  Runner runner(std::move(b), 64 * 1024);
  std::vector<Tensor> results;
  Check(runner.TryRun({Tensor::Of<float>({100}, std::vector<float>(100, 1))}, &results));
  const Status status = runner.TryRun({Tensor::Of<float>({20000}, std::vector<float>(20000, 1))}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("'where'"), std::string::npos) << status.message();
  EXPECT_NE(std::string(status.message()).find("160000 bytes"), std::string::npos) << status.message();
  Check(runner.TryRun({Tensor::Of<float>({100}, std::vector<float>(100, 1))}, &results));
}

// More data than plans are kept for, by two sessions at once.
TEST(Stages, SessionsShareFewPlans) {
  ModelOptions options;
  options.max_cached_plans = 2;
  Runner runner(NonZeroGraph(), 0, options);
  const auto work = [&](unsigned seed) {
    Ref<Session> session = testing::Take(Session::Create(runner.model()));
    for (int run = 0; run < 200; ++run) {
      float values[12];
      int64_t wanted = 0;
      const int64_t columns = 1 + run % 4;
      for (int64_t i = 0; i < 3 * columns; ++i) {
        seed = seed * 1103515245 + 12345;
        values[i] = (seed >> 16 & 1) != 0 ? 1.0f : 0.0f;
        wanted += values[i] != 0;
      }
      const RunTensor x{DType::kF32, {3, columns}, values, sizeof(values)};
      RunTensor outputs[3];
      Check(session->Run({&x, 1}, outputs, {}));
      ASSERT_EQ(outputs[0].shape, (Shape{wanted, 2}));
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
}

}  // namespace
}  // namespace mace
