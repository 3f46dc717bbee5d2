// The parts of mace/public: numbers of enumerations, configurations, statuses, the reader of JSON.
#include <gtest/gtest.h>

#include <string>

#include "mace/public/mace.h"

namespace {

using mace::MaceStatus;

// The original's numbers, from its documentation.
static_assert(mace::RT_CPU == 0 && mace::RT_OPENCL == 2 && mace::RT_HEXAGON == 3 && mace::RT_HTA == 4 &&
              mace::RT_APU == 5 && mace::RT_HTP == 6 && mace::RT_NONE == 65534 && mace::RT_MAX == 65535);
static_assert(mace::CPU == 0 && mace::GPU == 2 && mace::HEXAGON == 3 && mace::HTA == 4 && mace::APU == 5 &&
              mace::HTP == 6);
static_assert(mace::IDT_INVALID == 0 && mace::IDT_FLOAT == 1 && mace::IDT_UINT8 == 2 && mace::IDT_HALF == 3 &&
              mace::IDT_INT32 == 4 && mace::IDT_FLOAT16 == 5 && mace::IDT_BFLOAT16 == 6 &&
              mace::IDT_INT16 == 7 && mace::IDT_INT8 == 8 && mace::IDT_END == 9);
static_assert(mace::CPU_BUFFER == 0 && mace::GPU_BUFFER == 1 && mace::GPU_IMAGE == 2 &&
              mace::MEMORY_NONE == 10000);
static_assert(
    static_cast<int>(mace::DataFormat::NONE) == 0 && static_cast<int>(mace::DataFormat::NHWC) == 1 &&
    static_cast<int>(mace::DataFormat::NCHW) == 2 && static_cast<int>(mace::DataFormat::HWOI) == 100 &&
    static_cast<int>(mace::DataFormat::OIHW) == 101 && static_cast<int>(mace::DataFormat::HWIO) == 102 &&
    static_cast<int>(mace::DataFormat::OHWI) == 103 && static_cast<int>(mace::DataFormat::AUTO) == 1000);
static_assert(mace::PERF_HIGH == 3 && mace::PRIORITY_LOW == 1 && mace::AFFINITY_POWER_SAVE == 4 &&
              mace::AFFINITY_BIG_ONLY == 1);
static_assert(mace::HEXAGON_NN_CORNER_SVS2 == 6 && mace::HEXAGON_SYSTEM_SETTINGS == 8 &&
              mace::HEXAGON_INVALID == 0x7FFFFFFF);
static_assert(mace::APU_CACHE_LOAD_OR_STORE == 3 && mace::NEURON_PREFER_SUSTAINED_SPEED == 2);
static_assert(MaceStatus::MACE_SUCCESS == 0 && MaceStatus::MACE_INVALID_ARGS == 1 &&
              MaceStatus::MACE_OUT_OF_RESOURCES == 2 && MaceStatus::MACE_UNSUPPORTED == 3 &&
              MaceStatus::MACE_RUNTIME_ERROR == 4);

TEST(PublicParts, Statuses) {
  const MaceStatus good, bad(MaceStatus::MACE_INVALID_ARGS, "no such name");
  EXPECT_EQ(good, MaceStatus::MACE_SUCCESS);
  EXPECT_NE(bad, MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(bad, MaceStatus(MaceStatus::MACE_INVALID_ARGS));
  EXPECT_EQ(good.information(), "success");
  EXPECT_EQ(bad.information(), "invalid arguments: no such name");
}

TEST(PublicParts, AbsentHardwareIsUnsupported) {
  mace::MaceEngineConfig config(mace::GPU);
  const auto context = mace::GPUContextBuilder()
                           .SetStoragePath("/data")
                           .SetOpenCLCacheFullPath("cache")
                           .SetOpenCLCacheReusePolicy(mace::OpenCLCacheReusePolicy::REUSE_SAME_GPU)
                           .SetOpenCLBinaryPaths({"a", "b"})
                           .SetOpenCLBinary(nullptr, 0)
                           .SetOpenCLParameterPath("tuned")
                           .SetOpenCLParameter(nullptr, 0)
                           .Finalize();
  EXPECT_EQ(context, nullptr);
  for (const MaceStatus& status :
       {config.SetGPUContext(context), config.SetGPUHints(mace::PERF_NORMAL, mace::PRIORITY_LOW),
        config.SetRuntimeType(mace::RT_OPENCL), config.SetRuntimeType(mace::RT_HTP, "part"),
        config.SetHexagonToUnsignedPD(), config.SetHexagonPower(mace::HEXAGON_NN_CORNER_TURBO, true, 100),
        config.SetQnnPerformance(mace::HEXAGON_BURST),
        config.SetAcceleratorCache(mace::ACCELERATOR_CACHE_STORE, "in", "out"),
        config.SetAPUHints(100, mace::NEURON_PREFER_FAST_SINGLE_ANSWER)}) {
    EXPECT_EQ(status, MaceStatus::MACE_UNSUPPORTED);
    EXPECT_NE(status.information().find("not built yet"), std::string::npos);
  }
  EXPECT_EQ(config.SetRuntimeType(mace::RT_CPU), MaceStatus::MACE_SUCCESS);
}

TEST(PublicParts, ThreadPolicies) {
  mace::MaceEngineConfig config;
  EXPECT_EQ(config.num_threads(), 0) << "one per core";
  EXPECT_EQ(config.SetCPUThreadPolicy(1, mace::AFFINITY_BIG_ONLY), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(config.num_threads(), 1);
  EXPECT_EQ(config.SetCPUThreadPolicy(-1, mace::AFFINITY_NONE), MaceStatus::MACE_SUCCESS);
  const int all = config.num_threads();
  EXPECT_GE(all, 1);
  EXPECT_EQ(config.SetCPUThreadPolicy(1 << 20, mace::AFFINITY_HIGH_PERFORMANCE), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(config.num_threads(), all) << "no more than there are cores";
  EXPECT_EQ(config.SetCPUThreadPolicy(1, static_cast<mace::CPUAffinityPolicy>(5)),
            MaceStatus::MACE_INVALID_ARGS);
}

TEST(PublicParts, CapabilityAndVersion) {
  const mace::Capability cpu = mace::GetCapability(mace::CPU);
  EXPECT_TRUE(cpu.supported);
  EXPECT_GT(cpu.float32_performance.exec_time, 0);
  EXPECT_GT(cpu.quantized8_performance.exec_time, 0);
  for (const auto device : {mace::GPU, mace::HEXAGON, mace::HTA, mace::APU, mace::HTP}) {
    const mace::Capability capability = mace::GetCapability(device, 2.0f);
    EXPECT_FALSE(capability.supported);
    EXPECT_EQ(capability.float32_performance.exec_time, -1);
  }
  EXPECT_STREQ(mace::MaceVersion(), mace_version());
}

bool Parse(const std::string& text, mace::json::Value* value) { return mace::json::Reader(text).Read(value); }

TEST(PublicParts, JsonIsRead) {
  mace::json::Value value;
  ASSERT_TRUE(Parse(
      R"( {"a": [1, -2.5e+3, true, null, {}], "b\n": "\u00e9\ufffd\"\\x\t", "c": 99999999999999999999} )",
      &value));
  EXPECT_EQ(value["a"].Numbers<int>(), (std::vector<int>{1, -2, 1, 0, 0}));
  EXPECT_EQ(value["b\n"].text, "\xC3\xA9\xEF\xBF\xBD\"\\x\t");
  EXPECT_EQ(value["c"].number, INT64_MAX);
  EXPECT_EQ(value["none"]["at"][7].kind, mace::json::Value::Kind::kNull);
}

TEST(PublicParts, WhatIsNoJsonIsRefused) {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "[1 2]", "\"open", "\"\\q\"", "\"\\u12\"", "\"\\ud800\"",
        "-", "1.", "1e", "nul", "[1]]", "{a:1}", "\"\n\"", "+1"}) {
    mace::json::Value value;
    EXPECT_FALSE(Parse(text, &value)) << text;
  }
  mace::json::Value value;
  EXPECT_FALSE(Parse(std::string(100000, '['), &value)) << "depth is bounded";
  const std::string good = R"({"steps": [{"nodes": [{"name": "\u0041"}], "x": [1.5, -2]}]})";
  for (size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(Parse(good.substr(0, length), &value));
  for (size_t i = 0; i < good.size(); ++i) {  // no byte leads astray
    std::string damaged = good;
    for (const char c : {'\0', '"', '{', ']', '\\', '9', '\x80'}) {
      damaged[i] = c;
      Parse(damaged, &value);
    }
  }
}

TEST(PublicParts, AProfileThatIsNotThePlansIsRefused) {
  mace::RunMetadata metadata;
  const std::string explain = R"({"steps": [{"main_node": 0, "kernel": "k", "nodes": []}]})";
  EXPECT_TRUE(mace::profile::Read(explain, R"({"steps": [{"nanoseconds": 2500}]})", &metadata));
  ASSERT_EQ(metadata.op_stats.size(), 1u);
  EXPECT_EQ(metadata.op_stats[0].type, "k");
  EXPECT_EQ(metadata.op_stats[0].stats.end_micros, 2);
  EXPECT_FALSE(mace::profile::Read(explain, R"({"steps": []})", &metadata));
  EXPECT_FALSE(mace::profile::Read("{}", "{}", &metadata));
  EXPECT_FALSE(mace::profile::Read("no", R"({"steps": []})", &metadata));
}

}  // namespace
