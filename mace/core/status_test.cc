#include "mace/core/status.h"

#include <gtest/gtest.h>

#include <cstring>

#include "mace/core/memory.h"
#include "mace/core/result.h"

namespace mace {
namespace {

TEST(Status, IsOnePointerAndMovesLikeOne) {
  static_assert(sizeof(Status) == sizeof(void*));
  Status status = InvalidArgument("expected %d, got %s", 4, "five");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_STREQ(status.message(), "expected 4, got five");
  const Status moved = std::move(status);
  EXPECT_TRUE(status.ok());  // NOLINT: a moved-from Status is a success by definition
  EXPECT_FALSE(moved.ok());
  EXPECT_STREQ(Status::Ok().message(), "");
}

TEST(Status, PrefixesNameWhereItHappened) {
  const Status status = Unsupported("no such kernel").WithPrefix("node '%s'", "conv1").WithPrefix("net.mace");
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_STREQ(status.message(), "net.mace: node 'conv1': no such kernel");
  EXPECT_TRUE(Status::Ok().WithPrefix("x").ok());
  EXPECT_EQ(Status::OutOfMemory().WithPrefix("x").code(), StatusCode::kOutOfMemory);
}

TEST(Status, LongMessagesAreCutNotOverrun) {
  const Status status = DataLoss("%*s", 100000, "end");
  EXPECT_EQ(std::strlen(status.message()), 4095u);
}

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("%d is odd", value);
  return value / 2;
}

Result<int> Quarter(int value) {
  MACE_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST(Result, HoldsAValueOrTheReason) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_STREQ(Quarter(6).status().message(), "3 is odd");
  const Result<int> nothing = Status::Ok();
  EXPECT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.status().code(), StatusCode::kInternal);
  Result<std::unique_ptr<int>> owner = MakeUnique<int>(7);
  ASSERT_TRUE(owner.ok());
  const std::unique_ptr<int> taken = std::move(owner).value();
  EXPECT_EQ(*taken, 7);
}

}  // namespace
}  // namespace mace
