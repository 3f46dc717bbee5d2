#include "mace/backends/packed_cache.h"

#include <gtest/gtest.h>

#include <cstring>

namespace mace {
namespace {

struct Source {
  int calls = 0;
  uint8_t value = 0;
  size_t bytes = 0;
  bool fail = false;
};

Status Fill(const void* context, uint8_t* destination) {
  auto* source = const_cast<Source*>(static_cast<const Source*>(context));
  ++source->calls;
  if (source->fail) return Internal("cannot pack");
  std::memset(destination, source->value, source->bytes);
  return Status::Ok();
}

TEST(PackedCache, PacksOncePerKey) {
  PackedCache cache(SystemAllocator(), 0);
  Source source{.value = 7, .bytes = 100};
  auto first = cache.FindOrPack({1, 10}, 100, Fill, &source);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ((*first)[99], 7);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(*first) % kBufferAlignment, 0u);
  auto again = cache.FindOrPack({1, 10}, 100, Fill, &source);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *first);
  EXPECT_EQ(source.calls, 1);
  ASSERT_TRUE(cache.FindOrPack({1, 11}, 100, Fill, &source).ok());
  ASSERT_TRUE(cache.FindOrPack({2, 10}, 100, Fill, &source).ok());
  EXPECT_EQ(source.calls, 3);
  EXPECT_EQ(cache.total_bytes(), 300u);
  EXPECT_EQ(cache.FindOrPack({1, 10}, 50, Fill, &source).status().code(), StatusCode::kInternal);
}

TEST(PackedCache, StopsAtItsLimit) {
  PackedCache cache(SystemAllocator(), 150);
  Source source{.bytes = 100};
  ASSERT_TRUE(cache.FindOrPack({1, 1}, 100, Fill, &source).ok());
  EXPECT_EQ(cache.FindOrPack({2, 1}, 100, Fill, &source).status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(cache.FindOrPack({1, 1}, 100, Fill, &source).ok()) << "what is there stays";
}

TEST(PackedCache, FailedPackingLeavesNothing) {
  PackedCache cache(SystemAllocator(), 0);
  Source source{.bytes = 10, .fail = true};
  EXPECT_EQ(cache.FindOrPack({1, 1}, 10, Fill, &source).status().code(), StatusCode::kInternal);
  EXPECT_EQ(cache.total_bytes(), 0u);
  source.fail = false;
  EXPECT_TRUE(cache.FindOrPack({1, 1}, 10, Fill, &source).ok());
  EXPECT_EQ(source.calls, 2);
}

}  // namespace
}  // namespace mace
