// The C ABI from outside: what it refuses, and what it says then.
#include <cstring>

#include "tests/api/session_testing.h"
#include "tests/api/test_models.h"

namespace mace_test {
namespace {

TEST_F(SessionTest, ErrorsSayWhatWasExpected) {
  Load(mace_test::AffineModel());
  std::vector<float> x(8, 1);
  mace_tensor out = Nothing();
  const auto run = [&](mace_tensor in) { return mace_session_run(session_, &in, 1, &out, 1, nullptr); };
  mace_tensor in = Floats({2, 3}, &x);
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "input 'x': expected float32 [batch, 4]");
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "got float32 [2, 3]");
  in = Floats({4}, &x);
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "got float32 [4]");
  in = Floats({1, 4}, &x);
  in.dtype = MACE_UINT8;
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "got uint8 [1, 4]");
  in.dtype = 77;
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "got invalid");
  in = Floats({3, 4}, &x);
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "48 bytes, got 32");
  in = Floats({-2, 4}, &x);
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "expected float32");
  in = Floats({INT64_MAX / 2, 4}, &x);
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "too large");
  in = Floats({1, 4}, &x);
  in.data = nullptr;
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "no data");
  in = Floats({1, 4}, &x);
  in.rank = 9;
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "rank 9");
  in.rank = 2;
  in.memory_kind = 3;
  ExpectError(run(in), MACE_UNSUPPORTED, "memory kind 3");
  in = Floats({2, 4}, &x);
  float small[2];
  out.data = small;
  out.byte_size = sizeof(small);
  ExpectError(run(in), MACE_INVALID_ARGUMENT, "output 'y': float32 [2, 4] takes 32 bytes, the buffer has 8");
  ExpectError(mace_session_run(session_, &in, 0, &out, 1, nullptr), MACE_INVALID_ARGUMENT, "'x' is missing");
  ExpectError(mace_session_run(session_, &in, 2, &out, 1, nullptr), MACE_INVALID_ARGUMENT, "1 inputs, got 2");
  ExpectError(mace_session_run(session_, &in, 1, &out, 2, nullptr), MACE_INVALID_ARGUMENT,
              "1 outputs, got 2");
}

TEST_F(SessionTest, StructSizes) {
  Load(mace_test::AffineModel());
  std::vector<float> x(4, 1);
  mace_tensor in = Floats({1, 4}, &x), out = Nothing();
  in.struct_size = 0;
  ExpectError(mace_session_run(session_, &in, 1, &out, 1, nullptr), MACE_INVALID_ARGUMENT,
              "struct_size is 0");
  in.struct_size = 1 << 20;
  ExpectError(mace_session_run(session_, &in, 1, &out, 1, nullptr), MACE_INVALID_ARGUMENT, "struct_size");
  // A later version's larger struct, its new field unset.
  struct Larger {
    mace_tensor tensor;
    uint64_t later;
  } larger[1] = {};
  larger[0].tensor = Floats({1, 4}, &x);
  larger[0].tensor.struct_size = sizeof(Larger);
  EXPECT_OK(mace_session_run(session_, &larger[0].tensor, 1, &out, 1, nullptr));
  // An older caller's smaller options: what is not there is zero.
  mace_run_options options;
  std::memset(&options, 0xFF, sizeof(options));
  options.struct_size = offsetof(mace_run_options, timeout_ns);
  options.priority = 0;
  mace_tensor in2 = Floats({1, 4}, &x);
  EXPECT_OK(mace_session_run(session_, &in2, 1, &out, 1, &options));
  options = {};
  options.struct_size = sizeof(options);
  options.priority = 1;
  ExpectError(mace_session_run(session_, &in2, 1, &out, 1, &options), MACE_UNSUPPORTED, "priority");
  options.struct_size = 3;
  ExpectError(mace_session_run(session_, &in2, 1, &out, 1, &options), MACE_INVALID_ARGUMENT,
              "mace_run_options.struct_size is 3");
  struct LargerOptions {
    mace_run_options options;
    uint64_t later;
  } later = {};
  later.options.struct_size = sizeof(later);
  EXPECT_OK(mace_session_run(session_, &in2, 1, &out, 1, &later.options));
  later.later = 1;
  ExpectError(mace_session_run(session_, &in2, 1, &out, 1, &later.options), MACE_UNSUPPORTED,
              "does not know");
}

TEST_F(SessionTest, NullArguments) {
  Load(mace_test::AffineModel());
  mace_model* model = nullptr;
  mace_session* session = nullptr;
  mace_runtime* runtime = nullptr;
  mace_tensor tensor = Nothing();
  const char* text = nullptr;
  ExpectError(mace_runtime_create(nullptr, nullptr), MACE_INVALID_ARGUMENT, "runtime");
  ExpectError(mace_model_load_file(nullptr, "x", nullptr, &model), MACE_INVALID_ARGUMENT, "runtime");
  ExpectError(mace_model_load_file(runtime_, nullptr, nullptr, &model), MACE_INVALID_ARGUMENT, "path");
  ExpectError(mace_model_load_file(runtime_, "x", nullptr, nullptr), MACE_INVALID_ARGUMENT, "model");
  ExpectError(mace_model_load_memory(runtime_, nullptr, 5, nullptr, &model), MACE_INVALID_ARGUMENT, "data");
  mace_capability capability = {sizeof(capability), 0, 0};
  ExpectError(mace_runtime_measure(nullptr, &capability), MACE_INVALID_ARGUMENT, "runtime");
  ExpectError(mace_runtime_measure(runtime_, nullptr), MACE_INVALID_ARGUMENT, "capability");
  capability.struct_size = 0;
  ExpectError(mace_runtime_measure(runtime_, &capability), MACE_INVALID_ARGUMENT, "struct_size");
  const char *key = nullptr, *value = nullptr;
  ExpectError(mace_model_metadata(nullptr, 0, &key, &value), MACE_INVALID_ARGUMENT, "model");
  ExpectError(mace_model_metadata(model_, 0, nullptr, &value), MACE_INVALID_ARGUMENT, "key");
  ExpectError(mace_model_metadata(model_, 0, &key, nullptr), MACE_INVALID_ARGUMENT, "value");
  for (int32_t index : {-1, mace_model_metadata_count(model_)}) {
    ExpectError(mace_model_metadata(model_, index, &key, &value), MACE_INVALID_ARGUMENT, "there is no index");
  }
  EXPECT_EQ(mace_model_metadata_count(nullptr), 0);
  ExpectError(mace_session_create(nullptr, &session), MACE_INVALID_ARGUMENT, "model");
  ExpectError(mace_session_create(model_, nullptr), MACE_INVALID_ARGUMENT, "session");
  ExpectError(mace_session_run(nullptr, &tensor, 1, &tensor, 1, nullptr), MACE_INVALID_ARGUMENT, "session");
  ExpectError(mace_session_run(session_, nullptr, 1, &tensor, 1, nullptr), MACE_INVALID_ARGUMENT, "inputs");
  std::vector<float> x(4);
  tensor = Floats({1, 4}, &x);
  ExpectError(mace_session_run(session_, &tensor, 1, nullptr, 1, nullptr), MACE_INVALID_ARGUMENT, "outputs");
  ExpectError(mace_session_explain_json(session_, nullptr), MACE_INVALID_ARGUMENT, "text");
  ExpectError(mace_session_profile_json(nullptr, &text), MACE_INVALID_ARGUMENT, "session");
  ExpectError(mace_session_reset_state(nullptr), MACE_INVALID_ARGUMENT, "session");
  ExpectError(mace_model_input_info(nullptr, 0, nullptr), MACE_INVALID_ARGUMENT, "model");
  EXPECT_EQ(mace_model_input_count(nullptr), 0);
  mace_runtime_destroy(nullptr);
  mace_model_destroy(nullptr);
  mace_session_destroy(nullptr);
  mace_status_free(nullptr);
  EXPECT_EQ(mace_status_get_code(nullptr), MACE_OK);
  EXPECT_STREQ(mace_status_get_message(nullptr), "");
  EXPECT_STREQ(mace_version(), "0.1.0");
  EXPECT_EQ(runtime, nullptr);
}

TEST_F(SessionTest, MemoryLimit) {
  mace_runtime_options options = {};
  options.struct_size = sizeof(options);
  options.memory_limit = 100000;
  Load(mace_test::AffineModel(), &options);
  std::vector<float> x(4 * 100000);
  mace_tensor in = Floats({1, 4}, &x), out = Nothing();
  EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
  in = Floats({100000, 4}, &x);
  out = Nothing();
  ExpectError(mace_session_run(session_, &in, 1, &out, 1, nullptr), MACE_RESOURCE_EXHAUSTED,
              "1600000 bytes for an output: memory_limit");
  in = Floats({1, 4}, &x);
  out = Nothing();
  EXPECT_OK(mace_session_run(session_, &in, 1, &out, 1, nullptr));
}

TEST_F(SessionTest, RefusedOptions) {
  mace_runtime_options options = {};
  options.struct_size = sizeof(options);
  options.num_threads = -1;
  ExpectError(mace_runtime_create(&options, &runtime_), MACE_INVALID_ARGUMENT, "num_threads");
  options.num_threads = 1;
  options.isa = "altivec";
  ExpectError(mace_runtime_create(&options, &runtime_), MACE_INVALID_ARGUMENT, "avx2");
#if defined(__x86_64__)
  options.isa = "neon";
#else
  options.isa = "avx2";
#endif
  ExpectError(mace_runtime_create(&options, &runtime_), MACE_INVALID_ARGUMENT, "another architecture");
  options.isa = "scalar";
  Load(mace_test::AffineModel(), &options);
  mace_model* model = nullptr;
  mace_model_options model_options = {};
  model_options.struct_size = sizeof(model_options);
  model_options.numerics = MACE_NUMERICS_EXACT;
  ExpectError(mace_model_load_memory(runtime_, bytes_.data(), bytes_.size(), &model_options, &model),
              MACE_UNSUPPORTED, "Mul, Add, Relu");
  model_options.numerics = 5;
  ExpectError(mace_model_load_memory(runtime_, bytes_.data(), bytes_.size(), &model_options, &model),
              MACE_INVALID_ARGUMENT, "numerics");
}

TEST_F(SessionTest, BadFiles) {
  Load(mace_test::AffineModel());
  mace_model* model = nullptr;
  ExpectError(mace_model_load_file(runtime_, "/nonexistent/net.mace", nullptr, &model), MACE_NOT_FOUND,
              "/nonexistent/net.mace");
  for (size_t size = 0; size < bytes_.size(); size += 37) {
    Outcome outcome(mace_model_load_memory(runtime_, bytes_.data(), size, nullptr, &model));
    EXPECT_NE(outcome.code, MACE_OK) << size;
    EXPECT_EQ(model, nullptr);
  }
  // Any alignment works.
  std::vector<uint8_t> shifted(bytes_.size() + 1);
  std::memcpy(shifted.data() + 1, bytes_.data(), bytes_.size());
  EXPECT_OK(mace_model_load_memory(runtime_, shifted.data() + 1, bytes_.size(), nullptr, &model));
  mace_model_destroy(model);
}

}  // namespace
}  // namespace mace_test
