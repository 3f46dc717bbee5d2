// If and Loop: bodies that run as graphs of their own.
#include <chrono>
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

// The inputs of a loop's body; carried values and captures follow.
struct Body : GraphBuilder {
  ValueId iteration = Input("iteration", DType::kI64, {});
  ValueId condition = Input("condition", DType::kBool, {});
};

Tensor Trips(int64_t count) { return Tensor::Of<int64_t>({}, {count}); }

// x, trips -> sum = x + 0 + 1 + ... , the sums scanned. Runs to the end.
GraphBuilder CountingGraph() {
  Body body;
  const ValueId sum = body.Input("sum_in", DType::kF32, {kUnknownDim});
  const ValueId cast = body.Node(OpId::kCast, "cast", {body.iteration});
  body.attributes<ops::CastAttributes>().to = DType::kF32;
  const ValueId next = body.Node(OpId::kAdd, "next", {sum, cast});
  body.Output(body.condition);
  body.Output(next);
  body.Output(next);
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId trips = b.Input("trips", DType::kI64, {});
  for (ValueId result : b.Loop("loop", trips, b.Constant(Tensor::Bool(true)), {x}, {}, std::move(body))) {
    b.Output(result);
  }
  return b;
}

TEST(Control, BranchesOfDifferentShapesAndRanks) {
  GraphBuilder then_branch, else_branch;
  const ValueId a = then_branch.Input("a", DType::kF32, {kUnknownDim, 2});
  then_branch.Output(then_branch.Node(OpId::kRelu, "flat",
                                      {then_branch.Node(OpId::kReshape, "r", {a, then_branch.Ints({-1})})}));
  const ValueId c = else_branch.Input("a", DType::kF32, {kUnknownDim, 2});
  else_branch.Output(c);  // what comes in goes out
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim, 2});
  const ValueId condition = b.Input("condition", DType::kBool, {1});
  const ValueId y = b.If("if", condition, {x}, std::move(then_branch), std::move(else_branch))[0];
  b.Output(y);
  b.Output(b.Node(OpId::kAdd, "twice", {y, y}));
  Runner runner(std::move(b));
  const Tensor input = Tensor::Of<float>({2, 2}, {1, -2, 3, 4});
  const Tensor yes{DType::kBool, {1}, {1}}, no{DType::kBool, {1}, {0}};
  for (int i = 0; i < 2; ++i) {
    auto results = runner.RunAndCompare({input, yes});
    EXPECT_EQ(results[0].values<float>(), (std::vector<float>{1, 0, 3, 4}));
    EXPECT_EQ(results[1].shape, (Shape{4}));
    results = runner.RunAndCompare({input, no});
    EXPECT_EQ(results[0].shape, (Shape{2, 2}));
    EXPECT_EQ(results[1].values<float>(), (std::vector<float>{2, -4, 6, 8}));
  }
  const std::string text = runner.Explain();
  EXPECT_NE(text.find("\"then_branch\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"else_branch\""), std::string::npos) << text;
}

TEST(Control, LoopsCountAndScan) {
  Runner runner(CountingGraph());
  const Tensor x = Tensor::Of<float>({2}, {10, 20});
  for (int64_t trips : {3, 4, 1, 0, -5, 3}) {
    const auto results = runner.RunAndCompare({x, Trips(trips)});
    const int64_t count = trips < 0 ? 0 : trips;
    const auto sum = static_cast<float>(count * (count - 1) / 2);
    EXPECT_EQ(results[0].values<float>(), (std::vector<float>{10 + sum, 20 + sum})) << trips;
    EXPECT_EQ(results[1].shape.rank, 2);
    EXPECT_EQ(results[1].shape[0], count);
  }
  EXPECT_EQ(runner.Run({x, Trips(3)})[1].values<float>(), (std::vector<float>{10, 20, 11, 21, 13, 23}));
  // The same into the caller's buffers, and into some that are too small.
  float values[2] = {10, 20}, sum[2], scanned[6];
  RunTensor outputs[2] = {{DType::kInvalid, {}, sum, sizeof(sum)}, {DType::kInvalid, {}, scanned, 20}};
  int64_t trips = 3;
  const RunTensor inputs[2] = {{DType::kF32, {2}, values, sizeof(values)}, {DType::kI64, {}, &trips, 8}};
  const Status status = runner.session().Run(inputs, outputs, {});
  EXPECT_NE(std::string(status.message()).find("takes 24 bytes"), std::string::npos) << status.message();
  outputs[1].byte_size = 24;
  Check(runner.session().Run(inputs, outputs, {}));
  EXPECT_EQ(sum[1], 23);
  EXPECT_EQ(scanned[5], 23);
}

// What is carried grows; the shape of each iteration is another one.
TEST(Control, CarriedValuesGrow) {
  Body body;
  const ValueId list = body.Input("list", DType::kF32, {kUnknownDim});
  const ValueId item = body.Input("item", DType::kF32, {1});
  body.Output(body.condition);
  body.Output(body.Node(OpId::kConcat, "longer", {list, item}));
  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId item_in = b.Input("item", DType::kF32, {1});
  const ValueId trips = b.Input("trips", DType::kI64, {});
  const ValueId y = b.Loop("loop", trips, b.Constant(Tensor::Bool(true)), {x}, {item_in}, std::move(body))[0];
  b.Output(b.Node(OpId::kRelu, "y", {y}));
  Runner runner(std::move(b));
  for (int64_t count : {5, 40, 0, 41}) {
    const auto results =
        runner.RunAndCompare({Tensor::Of<float>({2}, {-1, 1}), Tensor::Of<float>({1}, {7}), Trips(count)});
    EXPECT_EQ(results[0].shape, (Shape{2 + count}));
  }
}

// Two carried values change places; the loop ends by its condition.
TEST(Control, TheConditionEndsALoop) {
  Body body;
  const ValueId a = body.Input("a", DType::kI64, {}), next = body.Input("b", DType::kI64, {});
  const ValueId limit = body.Input("limit", DType::kI64, {});
  const ValueId sum = body.Node(OpId::kAdd, "sum", {a, next});
  body.Output(body.Node(OpId::kLess, "goes_on", {sum, limit}));
  body.Output(next);
  body.Output(sum);
  body.Output(sum);
  GraphBuilder b;
  const ValueId limit_in = b.Input("limit", DType::kI64, {});
  const ValueId condition = b.Input("condition", DType::kBool, {});
  for (ValueId result :
       b.Loop("fibonacci", b.Int(INT64_MAX), condition, {b.Int(0), b.Int(1)}, {limit_in}, std::move(body))) {
    b.Output(result);
  }
  Runner runner(std::move(b));
  const auto results = runner.RunAndCompare({Trips(20), Tensor::Bool(true)});
  EXPECT_EQ(results[2].values<int64_t>(), (std::vector<int64_t>{1, 2, 3, 5, 8, 13, 21}));
  EXPECT_EQ(runner.RunAndCompare({Trips(20), Tensor::Bool(false)})[2].shape, (Shape{0}));
  EXPECT_EQ(runner.RunAndCompare({Trips(0), Tensor::Bool(true)})[1].values<int64_t>()[0], 1);
}

// outer: for i < n: y = if (y's first < limit) (for j < i + 1: y = y + step) else -y. Captures at every
// level.
TEST(Control, LoopsInBranchesInLoops) {
  Body inner;
  const ValueId inner_y = inner.Input("y", DType::kF32, {kUnknownDim});
  const ValueId inner_step = inner.Input("step", DType::kF32, {kUnknownDim});
  inner.Output(inner.condition);
  inner.Output(inner.Node(OpId::kAdd, "added", {inner_y, inner_step}));

  GraphBuilder then_branch, else_branch;
  const ValueId then_y = then_branch.Input("y", DType::kF32, {kUnknownDim});
  const ValueId then_step = then_branch.Input("step", DType::kF32, {kUnknownDim});
  const ValueId then_i = then_branch.Input("i", DType::kI64, {});
  const ValueId count = then_branch.Node(OpId::kAdd, "count", {then_i, then_branch.Int(1)});
  then_branch.Output(then_branch.Loop("inner", count, then_branch.Constant(Tensor::Bool(true)), {then_y},
                                      {then_step}, std::move(inner))[0]);
  const ValueId else_y = else_branch.Input("y", DType::kF32, {kUnknownDim});
  else_branch.Input("step", DType::kF32, {kUnknownDim});
  else_branch.Input("i", DType::kI64, {});
  else_branch.Output(else_branch.Node(OpId::kNeg, "negative", {else_y}));

  Body outer;
  const ValueId y = outer.Input("y", DType::kF32, {kUnknownDim});
  const ValueId step = outer.Input("step", DType::kF32, {kUnknownDim});
  const ValueId limit = outer.Input("limit", DType::kF32, {1});
  const ValueId first = outer.Node(OpId::kGather, "first", {y, outer.Int(0)});
  const ValueId is_less = outer.Node(OpId::kLess, "is_less", {first, limit});
  outer.Output(outer.condition);
  const ValueId next =
      outer.If("if", is_less, {y, step, outer.iteration}, std::move(then_branch), std::move(else_branch))[0];
  outer.Output(next);
  outer.Output(next);

  GraphBuilder b;
  const ValueId x = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId step_in = b.Input("step", DType::kF32, {kUnknownDim});
  const ValueId limit_in = b.Input("limit", DType::kF32, {1});
  const ValueId trips = b.Input("trips", DType::kI64, {});
  for (ValueId result :
       b.Loop("outer", trips, b.Constant(Tensor::Bool(true)), {x}, {step_in, limit_in}, std::move(outer))) {
    b.Output(result);
  }
  Runner runner(std::move(b));
  for (int round = 0; round < 2; ++round) {
    for (int64_t count_outer : {6, 0, 1, 7}) {
      runner.RunAndCompare({Tensor::Of<float>({2}, {0, 1}), Tensor::Of<float>({2}, {1, 2}),
                            Tensor::Of<float>({1}, {5}), Trips(count_outer)});
    }
  }
  const auto results = runner.Run(
      {Tensor::Of<float>({1}, {0}), Tensor::Of<float>({1}, {1}), Tensor::Of<float>({1}, {5}), Trips(5)});
  EXPECT_EQ(results[1].values<float>(), (std::vector<float>{1, 3, 6, -6, -1}));
}

// A Slice whose bounds are the iteration: plans for each of them would be made again and again.
TEST(Control, ElementsThatAlwaysDifferAreInterpreted) {
  Body body;
  const ValueId sum = body.Input("sum", DType::kF32, {1});
  const ValueId x = body.Input("x", DType::kF32, {kUnknownDim});
  const ValueId begin = body.Node(OpId::kReshape, "begin", {body.iteration, body.Ints({1})});
  const ValueId end = body.Node(OpId::kAdd, "end", {begin, body.Ints({1})});
  const ValueId slice = body.Node(OpId::kSlice, "slice", {x, begin, end});
  body.Output(body.condition);
  body.Output(body.Node(OpId::kAdd, "added", {sum, slice}));
  body.Output(slice);
  GraphBuilder b;
  const ValueId input = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId trips = b.Input("trips", DType::kI64, {});
  for (ValueId result : b.Loop("loop", trips, b.Constant(Tensor::Bool(true)),
                               {b.Constant(Tensor::Of<float>({1}, {0}))}, {input}, std::move(body))) {
    b.Output(result);
  }
  Runner runner(std::move(b));
  std::vector<float> values(100);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7);
  const Tensor x_values = Tensor::Of<float>({100}, values);
  runner.RunAndCompare({x_values, Trips(3)});
  EXPECT_EQ(runner.Explain().find("\"kernel\":\"Slice\""), std::string::npos) << runner.Explain();
  for (int64_t count : {100, 40, 0, 100}) runner.RunAndCompare({x_values, Trips(count)});
  EXPECT_NE(runner.Explain().find("\"kernel\":\"Slice\""), std::string::npos) << runner.Explain();
  std::vector<Tensor> results;
  const Status status = runner.TryRun({x_values, Trips(101)}, &results);  // there is no such element
  EXPECT_NE(std::string(status.message()).find("iteration 100"), std::string::npos) << status.message();
}

// A data-sized operator and a fed shape inside of a body: stages of its own in each iteration.
TEST(Control, StagesInsideABody) {
  Body body;
  const ValueId x = body.Input("x", DType::kF32, {kUnknownDim});
  const ValueId threshold = body.Node(OpId::kCast, "threshold", {body.iteration});
  body.attributes<ops::CastAttributes>().to = DType::kF32;
  const ValueId above = body.Node(OpId::kLess, "above", {threshold, x});
  const ValueId where =
      body.Node(OpId::kReshape, "where", {body.Node(OpId::kNonZero, "found", {above}), body.Ints({-1})});
  body.Output(body.condition);
  body.Output(body.Node(OpId::kGather, "kept", {x, where}));
  body.Output(body.Node(OpId::kShape, "count", {where}));
  GraphBuilder b;
  const ValueId input = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId trips = b.Input("trips", DType::kI64, {});
  for (ValueId result : b.Loop("loop", trips, b.Constant(Tensor::Bool(true)), {input}, {}, std::move(body))) {
    b.Output(result);
  }
  Runner runner(std::move(b));
  const Tensor values = Tensor::Of<float>({6}, {0.5f, 3, 1.5f, -1, 2.5f, 1.25f});
  const auto results = runner.RunAndCompare({values, Trips(4)});
  EXPECT_EQ(results[1].values<int64_t>(), (std::vector<int64_t>{5, 4, 2, 0}));
  EXPECT_EQ(runner.RunAndCompare({values, Trips(2)})[0].shape, (Shape{4}));
}

TEST(Control, ErrorsNameTheNodeAndTheIteration) {
  Body body;
  const ValueId x = body.Input("x", DType::kF32, {kUnknownDim});
  body.Output(body.condition);
  body.Output(body.Node(OpId::kConcat, "longer", {x, body.Constant(Tensor::Of<float>({1}, {1}))}));
  body.Output(x);  // scanned: of another shape each time
  GraphBuilder b;
  const ValueId input = b.Input("x", DType::kF32, {kUnknownDim});
  b.Output(b.Loop("loop", b.Int(3), b.Constant(Tensor::Bool(true)), {input}, {}, std::move(body))[1]);
  Runner runner(std::move(b));
  std::vector<Tensor> results;
  const Status status = runner.TryRun({Tensor::Of<float>({2}, {1, 2})}, &results);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("'loop' (Loop)"), std::string::npos) << status.message();
  EXPECT_NE(std::string(status.message()).find("[3] in iteration 1 and was [2]"), std::string::npos)
      << status.message();
}

// `count` values double in each iteration.
GraphBuilder DoublingGraph(size_t count = 1) {
  Body body;
  body.Output(body.condition);
  for (size_t i = 0; i < count; ++i) {
    const ValueId x = body.Input("x", DType::kF32, {kUnknownDim});
    body.Output(body.Node(OpId::kConcat, "twice", {x, x}));
  }
  GraphBuilder b;
  const std::vector<ValueId> carried(count, b.Input("x", DType::kF32, {kUnknownDim}));
  b.Output(b.Loop("loop", b.Int(60), b.Constant(Tensor::Bool(true)), carried, {}, std::move(body))[0]);
  return b;
}

TEST(Control, WhatGrowsWithoutEndIsBounded) {
  std::vector<Tensor> results;
  Runner limited(DoublingGraph(), 1 << 20);
  const Tensor x = Tensor::Of<float>({2}, {1, 2});
  Status status = limited.TryRun({x}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("memory_limit, 1048576"), std::string::npos)
      << status.message();
  Runner unlimited(DoublingGraph());
  status = unlimited.TryRun({x}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("carry and scan may grow"), std::string::npos)
      << status.message();
  // Many values share the bound, in this run and the next: 15 of 8 MiB, the last one would have 16.
  Runner many(DoublingGraph(16));
  for (int run = 0; run < 2; ++run) {
    status = many.TryRun({x}, &results);
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
    EXPECT_NE(std::string(status.message()).find("would grow to 16777216 bytes"), std::string::npos)
        << status.message();
  }

  Runner scanning(CountingGraph());
  status = scanning.TryRun({Tensor::Of<float>({4000}, std::vector<float>(4000, 1)), Trips(100000)}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("carry and scan may grow"), std::string::npos)
      << status.message();
  // A trip count that no machine could reach is refused at once where nothing else ends the loop.
  const auto begin = std::chrono::steady_clock::now();
  status = scanning.TryRun({x, Trips(INT64_MAX)}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  Check(scanning.TryRun({x, Trips(3)}, &results));
}

// A loop that ends by its condition alone, which never comes.
GraphBuilder EndlessGraph() {
  Body body;
  const ValueId x = body.Input("x", DType::kI64, {});
  const ValueId next = body.Node(OpId::kAdd, "next", {x, body.Int(1)});
  body.Output(body.Node(OpId::kLess, "goes_on", {x, next}));
  body.Output(next);
  GraphBuilder b;
  const ValueId input = b.Input("x", DType::kI64, {});
  b.Output(b.Loop("loop", b.Int(INT64_MAX), b.Constant(Tensor::Bool(true)), {input}, {}, std::move(body))[0]);
  return b;
}

TEST(Control, LoopsStopWhenTheRunShall) {
  Runner runner(EndlessGraph());
  std::vector<Tensor> results;
  RunOptions options;
  options.timeout_ns = 20'000'000;
  EXPECT_EQ(runner.TryRun({Trips(0)}, &results, options).code(), StatusCode::kDeadlineExceeded);
  options.timeout_ns = 0;
  int32_t cancel = 0;
  options.cancel = &cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic_ref<int32_t>(cancel).store(1, std::memory_order_relaxed);
  });
  EXPECT_EQ(runner.TryRun({Trips(0)}, &results, options).code(), StatusCode::kCancelled);
  canceller.join();
}

TEST(Control, TheIterationsOfARunAreBounded) {
  Runner runner(EndlessGraph());
  std::vector<Tensor> results;
  const auto begin = std::chrono::steady_clock::now();
  const Status status = runner.TryRun({Trips(0)}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("1048576 iterations"), std::string::npos) << status.message();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  RecordProperty("nanoseconds_per_iteration", static_cast<int>(seconds.count() * 1e9 / (1 << 20)));
}

// Each iteration has another size, and needs a plan of its own.
TEST(Control, GrowingWithoutEndIsBounded) {
  Body body;
  const ValueId x = body.Input("x", DType::kF32, {kUnknownDim});
  body.Output(body.condition);
  body.Output(body.Node(OpId::kConcat, "longer", {x, body.Constant(Tensor::Of<float>({1}, {1}))}));
  GraphBuilder b;
  const ValueId input = b.Input("x", DType::kF32, {kUnknownDim});
  const ValueId trips = b.Input("trips", DType::kI64, {});
  b.Output(b.Loop("loop", trips, b.Constant(Tensor::Bool(true)), {input}, {}, std::move(body))[0]);
  Runner runner(std::move(b));
  std::vector<Tensor> results;
  const Tensor x_value = Tensor::Of<float>({1}, {1});
  Check(runner.TryRun({x_value, Trips(2000)}, &results));
  EXPECT_EQ(results[0].shape, (Shape{2001}));
  const Status status = runner.TryRun({x_value, Trips(kMaxLoopIterations)}, &results);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("needs a new plan"), std::string::npos) << status.message();
}

TEST(Control, ProfilesCountAllIterations) {
  Runner runner(CountingGraph());
  std::vector<Tensor> results;
  RunOptions options;
  options.profile = true;
  Check(runner.TryRun({Tensor::Of<float>({2}, {1, 2}), Trips(7)}, &results, options));
  const std::string text = testing::Take(runner.session().ProfileJson());
  EXPECT_NE(text.find("\"kernel\":\"Loop\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"runs\":7"), std::string::npos) << text;
}

TEST(Control, SessionsRunTheSameBodyAtOnce) {
  Runner runner(CountingGraph());
  const auto work = [&](int64_t trips) {
    Ref<Session> session = testing::Take(Session::Create(runner.model()));
    for (int run = 0; run < 100; ++run) {
      std::vector<float> values(static_cast<size_t>(1 + run % 20), 1.0f);
      RunTensor inputs[2] = {
          {DType::kF32, {static_cast<int64_t>(values.size())}, values.data(), values.size() * 4},
          {DType::kI64, {}, &trips, 8}};
      RunTensor outputs[2];
      Check(session->Run(inputs, outputs, {}));
      ASSERT_EQ(*static_cast<float*>(outputs[0].data), 1.0f + static_cast<float>(trips * (trips - 1) / 2));
      ASSERT_EQ(outputs[1].shape, (Shape{trips, inputs[0].shape[0]}));
    }
  };
  std::thread other(work, 9);
  work(6);
  other.join();
}

}  // namespace
}  // namespace mace
