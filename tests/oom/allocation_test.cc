// 0 allocations per run after the first: same shapes, caller's or session's output buffers.
#include <gtest/gtest.h>

#include <vector>

#include "mace/mace_c.h"
#include "tests/api/test_models.h"
#include "tests/oom/malloc_interposer.h"

namespace {

struct Case {
  const char* name;
  std::vector<uint8_t> (*model)();
  std::vector<int64_t> shape;
  mace_dtype dtype;
  int32_t reference_kernels = 0;
};

class AllocationTest : public ::testing::TestWithParam<Case> {};

TEST_P(AllocationTest, RunsAfterTheFirstAllocateNothing) {
  const std::vector<uint8_t> bytes = GetParam().model();
  for (int32_t num_threads : {1, 3}) {
    for (bool callers_buffers : {false, true}) {
      mace_runtime_options options = {};
      options.struct_size = sizeof(options);
      options.num_threads = num_threads;
      mace_model_options model_options = {};
      model_options.struct_size = sizeof(model_options);
      model_options.reference_kernels = GetParam().reference_kernels;
      mace_runtime* runtime = nullptr;
      mace_model* model = nullptr;
      mace_session* session = nullptr;
      ASSERT_EQ(mace_runtime_create(&options, &runtime), nullptr);
      ASSERT_EQ(mace_model_load_memory(runtime, bytes.data(), bytes.size(), &model_options, &model), nullptr);
      ASSERT_EQ(mace_session_create(model, &session), nullptr);
      mace_tensor in = {};
      in.struct_size = sizeof(in);
      in.dtype = GetParam().dtype;
      in.rank = static_cast<int32_t>(GetParam().shape.size());
      size_t elements = 1;
      for (int32_t i = 0; i < in.rank; ++i) {
        in.dims[i] = GetParam().shape[i];
        elements *= static_cast<size_t>(in.dims[i]);
      }
      std::vector<uint8_t> x(elements * 8), y(1 << 20);
      in.data = x.data();
      in.byte_size = x.size();
      std::vector<mace_tensor> outs(mace_model_output_count(model));
      const auto run = [&] {
        for (size_t i = 0; i < outs.size(); ++i) {
          outs[i] = {};
          outs[i].struct_size = sizeof(mace_tensor);
          if (!callers_buffers) continue;
          outs[i].data = y.data() + i * (y.size() / outs.size());
          outs[i].byte_size = y.size() / outs.size();
        }
        return mace_session_run(session, &in, 1, outs.data(), static_cast<int32_t>(outs.size()), nullptr);
      };
      ASSERT_EQ(run(), nullptr);
      // States have two buffers, but both are there after the first run.
      const int64_t before = mace_test::AllocationCount();
      for (int i = 0; i < 5; ++i) {
        mace_status* status = run();
        if (status != nullptr) FAIL() << mace_status_get_message(status);
      }
      EXPECT_EQ(mace_test::AllocationCount() - before, 0)
          << num_threads << " threads, caller's buffers: " << callers_buffers;
      mace_session_destroy(session);
      mace_model_destroy(model);
      mace_runtime_destroy(runtime);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, AllocationTest,
    ::testing::Values(Case{"affine", mace_test::AffineModel, {3, 4}, MACE_FLOAT32},
                      Case{"accumulator", mace_test::AccumulatorModel, {2}, MACE_FLOAT32},
                      Case{"fed_back", mace_test::FedBackModel, {2}, MACE_FLOAT32},
                      Case{"edges", mace_test::EdgesModel, {2, 3}, MACE_INT64},
                      Case{"deep", [] { return mace_test::DeepModel(4); }, {5, 64}, MACE_FLOAT32},
                      Case{"quantized", mace_test::QuantizedModel, {4}, MACE_UINT8},
                      Case{"network", mace_test::NetworkModel, {2, 9, 9, 3}, MACE_FLOAT32},
                      Case{"control", mace_test::ControlModel, {4}, MACE_FLOAT32},
                      Case{"network_reference", mace_test::NetworkModel, {2, 9, 9, 3}, MACE_FLOAT32, 1}),
    [](const auto& info) { return info.param.name; });

TEST(Interposer, SeesTheLibrarysAllocations) {
  const int64_t before = mace_test::AllocationCount();
  mace_runtime* runtime = nullptr;
  ASSERT_EQ(mace_runtime_create(nullptr, &runtime), nullptr);
  EXPECT_GT(mace_test::AllocationCount(), before) << "else the test above proves nothing";
  mace_runtime_destroy(runtime);
}

}  // namespace
