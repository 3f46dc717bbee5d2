// The C ABI from outside: what a caller of libmace.so sees.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/api/session_testing.h"
#include "tests/api/test_models.h"

namespace mace_test {
namespace {

TEST_F(SessionTest, RunsWithSessionsAndWithCallersBuffers) {
  Load(mace_test::AffineModel());
  std::vector<float> x = {1, -3, 0.5f, 0};
  mace_tensor in = Floats({1, 4}, &x), out = Nothing();
  ASSERT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
  ASSERT_EQ(out.rank, 2);
  EXPECT_EQ(out.dims[0], 1);
  EXPECT_EQ(out.dims[1], 4);
  EXPECT_EQ(out.dtype, MACE_FLOAT32);
  ASSERT_EQ(out.byte_size, 16u);
  const auto* y = static_cast<const float*>(out.data);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{3, 0, 2, 1}));

  std::vector<float> mine(6, -1);
  mace_tensor out2 = Nothing();
  out2.data = mine.data() + 1;
  out2.byte_size = 16;
  ASSERT_OK(mace_session_run(session_, &in, 1, &out2, 1, nullptr));
  EXPECT_EQ(mine, (std::vector<float>{-1, 3, 0, 2, 1, -1}));
}

TEST_F(SessionTest, NewShapesMakeNewPlans) {
  Load(mace_test::AffineModel());
  for (int64_t batch : {2, 1, 5, 2, 0, 3}) {
    std::vector<float> x(batch * 4);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
    mace_tensor in = Floats({batch, 4}, &x), out = Nothing();
    ASSERT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
    ASSERT_EQ(out.dims[0], batch);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(static_cast<float*>(out.data)[i], 2 * x[i] + 1);
  }
}

TEST_F(SessionTest, FewCachedPlansAreEnough) {
  mace_model_options options = {};
  options.struct_size = sizeof(options);
  options.max_cached_plans = 1;
  Load(mace_test::AffineModel(), nullptr, &options);
  for (int64_t batch : {2, 1, 2, 1}) {
    std::vector<float> x(batch * 4, 1);
    mace_tensor in = Floats({batch, 4}, &x), out = Nothing();
    ASSERT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
    EXPECT_EQ(static_cast<float*>(out.data)[0], 3);
  }
}

TEST_F(SessionTest, PrepareTellsSizes) {
  Load(mace_test::AffineModel());
  mace_tensor in = Floats({7, 4}, nullptr), out = Nothing();
  ASSERT_OK(mace_session_prepare(session_, &in, 1, &out, 1));
  EXPECT_EQ(out.byte_size, 7u * 16);
  EXPECT_EQ(out.dims[0], 7);
}

TEST_F(SessionTest, TensorInfo) {
  Load(mace_test::AffineModel());
  ASSERT_EQ(mace_model_input_count(model_), 1);
  ASSERT_EQ(mace_model_output_count(model_), 1);
  mace_tensor_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_OK(mace_model_input_info(model_, 0, &info));
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.dtype, MACE_FLOAT32);
  EXPECT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_EQ(info.dims[1], 4);
  EXPECT_STREQ(info.dim_names[0], "batch");
  EXPECT_EQ(info.dim_names[1], nullptr);
  EXPECT_EQ(info.optional, 0);
  ASSERT_OK(mace_model_output_info(model_, 0, &info));
  EXPECT_STREQ(info.name, "y");
  ExpectError(mace_model_output_info(model_, 1, &info), MACE_INVALID_ARGUMENT, "1 outputs");
  ExpectError(mace_model_input_info(model_, -1, &info), MACE_INVALID_ARGUMENT, "1 inputs");
}

TEST_F(SessionTest, QuantizationIsReported) {
  Load(mace_test::QuantizedModel());
  mace_tensor_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_OK(mace_model_input_info(model_, 0, &info));
  EXPECT_EQ(info.scale, 0.5f);
  EXPECT_EQ(info.zero_point, 128);
  std::vector<uint8_t> x = {0, 127, 128, 255};
  mace_tensor in = TensorOf(MACE_UINT8, {4}, &x), out = Nothing();
  ASSERT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
  const auto* y = static_cast<const uint8_t*>(out.data);
  EXPECT_EQ(std::vector<uint8_t>(y, y + 4), (std::vector<uint8_t>{128, 128, 128, 255}));
}

TEST_F(SessionTest, StateIsKeptAndReset) {
  Load(mace_test::AccumulatorModel());
  std::vector<float> x = {1, 2};
  mace_tensor in = Floats({2}, &x), out = Nothing();
  const auto run = [&] {
    EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
    const auto* y = static_cast<const float*>(out.data);
    return std::vector<float>(y, y + 2);
  };
  EXPECT_EQ(run(), (std::vector<float>{11, 22}));
  EXPECT_EQ(run(), (std::vector<float>{12, 24}));
  // Another session has a state of its own.
  mace_session* other = nullptr;
  ASSERT_OK(mace_session_create(model_, &other));
  mace_tensor out2 = Nothing();
  ASSERT_OK(mace_session_run(other, &in, 1, &out2, 1, nullptr));
  EXPECT_EQ(static_cast<float*>(out2.data)[0], 11);
  mace_session_destroy(other);
  // A run that fails leaves the state alone.
  volatile int32_t cancel = 1;
  mace_run_options options = {};
  options.struct_size = sizeof(options);
  options.cancel = &cancel;
  mace_tensor none = Nothing();
  ExpectError(mace_session_run(session_, &in, 1, &none, 1, &options), MACE_CANCELLED, "cancelled");
  EXPECT_EQ(run(), (std::vector<float>{13, 26}));
  ASSERT_OK(mace_session_reset_state(session_));
  EXPECT_EQ(run(), (std::vector<float>{11, 22}));
}

TEST_F(SessionTest, FedBackInputIsOptional) {
  Load(mace_test::FedBackModel());
  mace_tensor_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_OK(mace_model_input_info(model_, 0, &info));
  EXPECT_EQ(info.optional, 0);
  EXPECT_STREQ(info.name, "input_0");
  ASSERT_OK(mace_model_input_info(model_, 1, &info));
  EXPECT_EQ(info.optional, 1);
  ASSERT_OK(mace_model_output_info(model_, 0, &info));
  EXPECT_STREQ(info.name, "output_0");

  std::vector<float> x = {1, 2}, h = {100, 200};
  mace_tensor inputs[2] = {Floats({2}, &x), Nothing()};
  const auto run = [&](int32_t count) {
    mace_tensor out = Nothing();
    EXPECT_OK(mace_session_run(session_, inputs, count, &out, 1, nullptr));
    const auto* y = static_cast<const float*>(out.data);
    return std::vector<float>(y, y + 2);
  };
  EXPECT_EQ(run(2), (std::vector<float>{1, 2})) << "zeros at first";
  EXPECT_EQ(run(1), (std::vector<float>{2, 4})) << "a trailing optional input may be left out";
  inputs[1] = Floats({2}, &h);
  EXPECT_EQ(run(2), (std::vector<float>{101, 202})) << "what is fed overrides the state";
  inputs[1] = Nothing();
  EXPECT_EQ(run(2), (std::vector<float>{102, 204})) << "and the state goes on from there";
}

TEST_F(SessionTest, OutputsThatNoNodeWrites) {
  Load(mace_test::EdgesModel());
  std::vector<int64_t> x = {1, 2, 3, 4, 5, 6};
  mace_tensor in = TensorOf(MACE_INT64, {2, 3}, &x);
  mace_tensor outs[5] = {Nothing(), Nothing(), Nothing(), Nothing(), Nothing()};
  ASSERT_OK(mace_session_run(session_, &in, 1, outs, 5, nullptr));
  const auto ints = [&](int i) {
    const auto* y = static_cast<const int64_t*>(outs[i].data);
    return std::vector<int64_t>(y, y + outs[i].byte_size / 8);
  };
  EXPECT_EQ(ints(0), x);
  EXPECT_NE(outs[0].data, in.data);
  EXPECT_EQ(static_cast<float*>(outs[1].data)[1], 6);
  EXPECT_EQ(ints(2), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(ints(3), (std::vector<int64_t>{2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(ints(4), ints(3));
  const char* text = nullptr;
  ASSERT_OK(mace_session_explain_json(session_, &text));
  EXPECT_NE(std::string(text).find("\"dead_nodes\":1"), std::string::npos) << text;
  EXPECT_NE(std::string(text).find("\"evaluated_nodes\":1"), std::string::npos) << text;
}

TEST_F(SessionTest, ObjectsKeepWhatTheyNeed) {
  Load(mace_test::AffineModel());
  mace_runtime_destroy(runtime_);
  runtime_ = nullptr;
  mace_model_destroy(model_);
  model_ = nullptr;
  std::vector<float> x(4, 1);
  mace_tensor in = Floats({1, 4}, &x), out = Nothing();
  EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
}

TEST_F(SessionTest, DeadlineAndCancel) {
  Load(mace_test::DeepModel(20));
  std::vector<float> x(64 * 64, 1);
  mace_tensor in = Floats({64, 64}, &x), out = Nothing();
  mace_run_options options = {};
  options.struct_size = sizeof(options);
  options.timeout_ns = 1;
  ExpectError(mace_session_run(session_, &in, 1, &out, 1, &options), MACE_DEADLINE_EXCEEDED, "deadline");
  options.timeout_ns = UINT64_MAX;
  EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, &options));
  volatile int32_t cancel = 0;
  options.timeout_ns = 0;
  options.cancel = &cancel;
  EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, &options));
  cancel = 1;
  ExpectError(mace_session_run(session_, &in, 1, &out, 1, &options), MACE_CANCELLED, "cancelled");
}

// Under the thread sanitizer (make full) this also shows that workers read the flag atomically.
TEST_F(SessionTest, AnotherThreadCancels) {
  mace_runtime_options runtime_options = {};
  runtime_options.struct_size = sizeof(runtime_options);
  runtime_options.num_threads = 2;
  Load(mace_test::DeepModel(20), &runtime_options);
  std::vector<float> x(512 * 64, 1);
  mace_tensor in = Floats({512, 64}, &x);
  int32_t cancel = 0;
  mace_run_options options = {};
  options.struct_size = sizeof(options);
  options.cancel = &cancel;
  std::atomic<bool> runs{false};
  std::thread canceller([&] {
    while (!runs) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::atomic_ref<int32_t>(cancel).store(1, std::memory_order_relaxed);
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  mace_status* status = nullptr;
  while (status == nullptr && std::chrono::steady_clock::now() < end) {
    mace_tensor out = Nothing();
    status = mace_session_run(session_, &in, 1, &out, 1, &options);
    runs = true;
  }
  canceller.join();
  ExpectError(status, MACE_CANCELLED, "cancelled");
}

TEST_F(SessionTest, SessionsRunAtOnce) {
  mace_runtime_options options = {};
  options.struct_size = sizeof(options);
  options.num_threads = 3;
  Load(mace_test::DeepModel(6), &options);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      mace_session* session = nullptr;
      if (mace_session_create(model_, &session) != nullptr) return;
      for (int run = 0; run < 10; ++run) {
        const int64_t batch = 1 + (run + t) % 3;
        std::vector<float> x(batch * 64);
        for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i + t);
        mace_tensor in = Floats({batch, 64}, &x), out = Nothing();
        mace_status* status = mace_session_run(session, &in, 1, &out, 1, nullptr);
        wrong += status != nullptr;
        mace_status_free(status);
        // Six permutations move column c to (c + 1 + 2 + .. + 6) % 64.
        for (size_t i = 0; i < x.size(); ++i) {
          const size_t moved = i / 64 * 64 + (i % 64 + 21) % 64;
          wrong += static_cast<float*>(out.data)[moved] != x[i];
        }
      }
      mace_session_destroy(session);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

struct Counted {
  std::atomic<int64_t> live{0}, calls{0};
};

TEST_F(SessionTest, CallersAllocator) {
  Counted counted;
  mace_allocator allocator = {};
  allocator.struct_size = sizeof(allocator);
  allocator.context = &counted;
  allocator.allocate = [](void* context, size_t bytes, size_t alignment) -> void* {
    auto* c = static_cast<Counted*>(context);
    c->live += static_cast<int64_t>(bytes);
    ++c->calls;
    void* memory = nullptr;
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
  };
  allocator.deallocate = [](void* context, void* memory, size_t bytes) {
    static_cast<Counted*>(context)->live -= static_cast<int64_t>(bytes);
    free(memory);
  };
  mace_runtime_options options = {};
  options.struct_size = sizeof(options);
  options.allocator = &allocator;
  Load(mace_test::DeepModel(2), &options);
  std::vector<float> x(64, 1);
  mace_tensor in = Floats({1, 64}, &x), out = Nothing();
  ASSERT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
  EXPECT_GT(counted.calls.load(), 0);
  EXPECT_GT(counted.live.load(), 0);
  // A session that ends gives its arena to the pool; trimming empties the pool, and nothing that is in use.
  mace_session* second = nullptr;
  ASSERT_OK(mace_session_create(model_, &second));
  ASSERT_OK(mace_session_run(second, &in, 1, &out, 1, nullptr));
  mace_runtime_trim(runtime_);
  ASSERT_OK(mace_session_run(second, &in, 1, &out, 1, nullptr));
  mace_session_destroy(second);
  const int64_t pooled = counted.live.load();
  mace_runtime_trim(runtime_);
  EXPECT_LT(counted.live.load(), pooled);
  mace_runtime_trim(nullptr);
  mace_session_destroy(session_);
  mace_model_destroy(model_);
  mace_runtime_destroy(runtime_);
  session_ = nullptr, model_ = nullptr, runtime_ = nullptr;
  EXPECT_EQ(counted.live.load(), 0);
}

// A plan for another input size finds the weights that the first one has packed.
TEST_F(SessionTest, PlansSharePackedWeights) {
  Load(mace_test::DeepModel(3));
  std::vector<float> x(64 * 64, 1);
  const auto packed_bytes = [&](int64_t batch) {
    mace_tensor in = Floats({batch, 64}, &x), out = Nothing();
    EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
    const char* text = "";
    EXPECT_OK(mace_session_explain_json(session_, &text));
    const std::string key = "\"packed_bytes\":";
    const char* at = std::strstr(text, key.c_str());
    EXPECT_NE(at, nullptr) << text;
    return at == nullptr ? 0 : std::strtoll(at + key.size(), nullptr, 10);
  };
  const long long first = packed_bytes(24);
  EXPECT_GE(first, 3 * 64 * 64 * 4) << "the three constants are packed";
  EXPECT_EQ(packed_bytes(48), first);
  EXPECT_EQ(packed_bytes(60), first);
}

TEST_F(SessionTest, ExplainAndProfile) {
  Load(mace_test::DeepModel(2));
  const char* text = nullptr;
  ExpectError(mace_session_explain_json(session_, &text), MACE_FAILED_PRECONDITION, "prepare or run");
  ExpectError(mace_session_profile_json(session_, &text), MACE_FAILED_PRECONDITION, "profile");
  std::vector<float> x(64, 1);
  mace_tensor in = Floats({1, 64}, &x), out = Nothing();
  mace_run_options options = {};
  options.struct_size = sizeof(options);
  options.profile = 1;
  ASSERT_OK(mace_session_run(session_, &in, 1, &out, 1, &options));
  ASSERT_OK(mace_session_explain_json(session_, &text));
  const std::string explain = text;
  for (const char* part : {"\"hash\":\"", "\"op\":\"MatMul\"", "\"backend\":\"cpu\"",
                           "\"arena_bytes\":", "\"transpose_steps\":0", "\"refusals\":[]"}) {
    EXPECT_NE(explain.find(part), std::string::npos) << part << " in " << explain;
  }
  ASSERT_OK(mace_session_explain_json(session_, &text));
  EXPECT_EQ(explain, text);
  ASSERT_OK(mace_session_profile_json(session_, &text));
  EXPECT_NE(std::string(text).find("\"run_nanoseconds\":"), std::string::npos) << text;
}

}  // namespace
}  // namespace mace_test
