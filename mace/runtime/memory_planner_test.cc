#include "mace/runtime/memory_planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "mace/core/memory.h"

namespace mace {
namespace {

// The largest number of bytes live at one time: no plan can be smaller.
int64_t LowerBound(const std::vector<MemoryRequest>& requests) {
  int64_t most = 0;
  for (const MemoryRequest& at : requests) {
    int64_t sum = 0;
    for (const MemoryRequest& r : requests) {
      if (r.first <= at.first && at.first <= r.last) sum += (r.bytes + 63) / 64 * 64;
    }
    most = std::max(most, sum);
  }
  return most;
}

void ExpectSound(const std::vector<MemoryRequest>& requests, int64_t total) {
  for (size_t i = 0; i < requests.size(); ++i) {
    const MemoryRequest& a = requests[i];
    ASSERT_EQ(a.offset % static_cast<int64_t>(kBufferAlignment), 0);
    ASSERT_GE(a.offset, 0);
    ASSERT_LE(a.offset + a.bytes, total);
    for (size_t j = 0; j < i; ++j) {
      const MemoryRequest& b = requests[j];
      const bool same_time = a.first <= b.last && b.first <= a.last;
      const bool same_bytes = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      ASSERT_FALSE(same_time && same_bytes) << i << " and " << j;
    }
  }
}

TEST(MemoryPlanner, ChainNeedsItsTwoLargestNeighbours) {
  std::vector<MemoryRequest> requests;
  const int64_t sizes[] = {640, 1280, 64, 6400, 128};
  for (int i = 0; i < 5; ++i) requests.push_back({sizes[i], i, i + 1});
  int64_t total = 0;
  ASSERT_TRUE(PlanMemory(requests, &total).ok());
  ExpectSound(requests, total);
  EXPECT_EQ(total, 6400 + 128);
}

TEST(MemoryPlanner, RandomRequests) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    std::vector<MemoryRequest> requests(1 + random() % 80);
    for (MemoryRequest& request : requests) {
      request.bytes = random() % 5 == 0 ? random() % 100000 : random() % 1000;
      request.first = random() % 40;
      request.last = request.first + random() % 12;
    }
    int64_t total = 0;
    ASSERT_TRUE(PlanMemory(requests, &total).ok());
    ExpectSound(requests, total);
    EXPECT_GE(total, LowerBound(requests));
    EXPECT_LE(total, LowerBound(requests) * 13 / 10 + 1024) << "a greedy plan is near the bound";
  }
}

TEST(MemoryPlanner, ManyRequestsAreQuickAndSound) {
  std::mt19937 random(2);
  std::vector<MemoryRequest> requests(4000);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i] = {static_cast<int64_t>(random() % 1000), static_cast<int32_t>(i),
                   static_cast<int32_t>(i + random() % 5)};
  }
  int64_t total = 0;
  ASSERT_TRUE(PlanMemory(requests, &total).ok());
  ExpectSound(requests, total);
  EXPECT_LE(total, LowerBound(requests) * 2);
}

TEST(MemoryPlanner, Edges) {
  int64_t total = -1;
  ASSERT_TRUE(PlanMemory({}, &total).ok());
  EXPECT_EQ(total, 0);
  std::vector<MemoryRequest> empty = {{0, 0, 3}, {0, 1, 1}};
  ASSERT_TRUE(PlanMemory(empty, &total).ok());
  EXPECT_EQ(total, 0);
  std::vector<MemoryRequest> huge = {{INT64_MAX / 2 + 1, 0, 1}, {INT64_MAX / 2 + 1, 0, 1}};
  EXPECT_EQ(PlanMemory(huge, &total).code(), StatusCode::kResourceExhausted);
  std::vector<MemoryRequest> largest = {{INT64_MAX, 0, 1}};
  EXPECT_EQ(PlanMemory(largest, &total).code(), StatusCode::kResourceExhausted);
  std::vector<MemoryRequest> wrong = {{64, 2, 1}};
  EXPECT_EQ(PlanMemory(wrong, &total).code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace mace
