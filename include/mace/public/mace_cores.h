// Which cores a CPUAffinityPolicy means. Shared by mace/public/mace.h and mace_run. Not part of the
// original's names.
#ifndef MACE_PUBLIC_MACE_CORES_H_
#define MACE_PUBLIC_MACE_CORES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "mace/public/mace_types.h"

namespace mace {
inline namespace original_0 {
namespace cores {

// A number that grows with the speed of each core: its highest frequency, or its capacity as the kernel knows
// it. Empty where the system does not say it of every core (other systems than Linux, virtual machines).
// `root` is for tests.
inline std::vector<int64_t> Speeds(const std::string& root = "/sys/devices/system/cpu") {
  const auto open = [&](size_t core, const std::string& name) {
    return std::fopen((root + "/cpu" + std::to_string(core) + name).c_str(), "r");
  };
  constexpr size_t kMostCores = 1024;
  for (const char* name : {"/cpu_capacity", "/cpufreq/cpuinfo_max_freq"}) {
    std::vector<int64_t> speeds;
    bool is_complete = true;
    while (speeds.size() < kMostCores) {
      std::FILE* folder = open(speeds.size(), "");
      if (folder == nullptr) break;  // there is no such core
      std::fclose(folder);
      std::FILE* file = open(speeds.size(), name);
      long long speed = 0;
      is_complete = file != nullptr && std::fscanf(file, "%lld", &speed) == 1 && speed > 0;
      if (file != nullptr) std::fclose(file);
      if (!is_complete) break;
      speeds.push_back(speed);
    }
    if (is_complete && !speeds.empty()) return speeds;
  }
  return {};
}

// The cores of the policy's class, in rising order; all of them where the policy is AFFINITY_NONE or all
// cores are equally fast. AFFINITY_BIG_ONLY: those at least as fast as the mean; AFFINITY_LITTLE_ONLY: the
// others. AFFINITY_HIGH_PERFORMANCE and AFFINITY_POWER_SAVE: the `num_threads` fastest or slowest (all where
// it is not positive).
inline std::vector<size_t> OfPolicy(CPUAffinityPolicy policy, int num_threads,
                                    const std::vector<int64_t>& speeds) {
  std::vector<size_t> all(speeds.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto [least, most] = std::minmax_element(speeds.begin(), speeds.end());
  if (speeds.empty() || *least == *most || policy == AFFINITY_NONE) return all;
  if (policy == AFFINITY_HIGH_PERFORMANCE || policy == AFFINITY_POWER_SAVE) {
    std::sort(all.begin(), all.end(), [&](size_t a, size_t b) {
      if (speeds[a] == speeds[b]) return a < b;
      return policy == AFFINITY_HIGH_PERFORMANCE ? speeds[a] > speeds[b] : speeds[a] < speeds[b];
    });
    if (num_threads > 0 && static_cast<size_t>(num_threads) < all.size()) {
      all.resize(static_cast<size_t>(num_threads));
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  double mean = 0;
  for (int64_t speed : speeds) mean += static_cast<double>(speed) / static_cast<double>(speeds.size());
  std::vector<size_t> chosen;
  for (size_t core : all) {
    const bool is_big = static_cast<double>(speeds[core]) >= mean;
    if (is_big == (policy == AFFINITY_BIG_ONLY)) chosen.push_back(core);
  }
  return chosen;
}

}  // namespace cores
}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_CORES_H_
