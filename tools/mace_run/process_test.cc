#include "process.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "mace/public/mace_cores.h"

namespace mace_run {
namespace {

using Cores = std::vector<size_t>;

TEST(Cores, ClassesOfAPhone) {
  const std::vector<int64_t> speeds = {1800, 1800, 1800, 1800, 2400, 2400, 2400, 3000};
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_NONE, 2, speeds).size(), 8u);
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_BIG_ONLY, 2, speeds), (Cores{4, 5, 6, 7}));
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_LITTLE_ONLY, 2, speeds), (Cores{0, 1, 2, 3}));
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_HIGH_PERFORMANCE, 2, speeds), (Cores{4, 7}));
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_POWER_SAVE, 3, speeds), (Cores{0, 1, 2}));
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_POWER_SAVE, -1, speeds).size(), 8u);
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_LITTLE_ONLY, 1, {5, 5}), (Cores{0, 1}));
  EXPECT_EQ(mace::cores::OfPolicy(mace::AFFINITY_BIG_ONLY, 1, {}), Cores{});
}

TEST(Cores, SpeedsAreReadWhereAllCoresHaveThem) {
  const std::filesystem::path root = std::filesystem::path(::testing::TempDir()) / "cores_test";
  std::filesystem::remove_all(root);
  const auto write = [&](const char* file, int value) {
    std::filesystem::create_directories((root / file).parent_path());
    std::ofstream(root / file) << value << "\n";
  };
  EXPECT_EQ(mace::cores::Speeds(root).size(), 0u);
  write("cpu0/cpufreq/cpuinfo_max_freq", 1800000);
  write("cpu1/cpufreq/cpuinfo_max_freq", 2400000);
  EXPECT_EQ(mace::cores::Speeds(root), (std::vector<int64_t>{1800000, 2400000}));
  write("cpu0/cpu_capacity", 400);
  EXPECT_EQ(mace::cores::Speeds(root), (std::vector<int64_t>{1800000, 2400000}));  // cpu1 has none
  write("cpu1/cpu_capacity", 1024);
  EXPECT_EQ(mace::cores::Speeds(root), (std::vector<int64_t>{400, 1024}));
  write("cpu2/topology/core_id", 2);  // a core that says nothing of its speed
  EXPECT_EQ(mace::cores::Speeds(root).size(), 0u);
}

TEST(Process, BindingToNoClassChangesNothing) { EXPECT_EQ(BindToCores(mace::AFFINITY_NONE, 1), ""); }

TEST(Process, Memory) {
  EXPECT_GT(ResidentBytes(), 100u * 1024);
  EXPECT_GE(PeakResidentBytes() + (1 << 20), ResidentBytes());
}

TEST(FailingAllocator, FailsAsOftenAsAsked) {
  for (const double ratio : {0.0, 0.25, 1.0}) {
    FailingAllocator failing(ratio, 7);
    const mace_allocator* allocator = failing.get();
    int failures = 0;
    for (int i = 0; i < 4000; ++i) {
      void* memory = allocator->allocate(allocator->context, 64, 64);
      failures += memory == nullptr;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
      if (memory != nullptr) allocator->deallocate(allocator->context, memory, 64);
    }
    EXPECT_NEAR(failures / 4000.0, ratio, 0.05);
    EXPECT_EQ(failing.failures(), static_cast<uint64_t>(failures));
  }
}

}  // namespace
}  // namespace mace_run
