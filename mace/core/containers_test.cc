// Vector, String, Buffer, Shape, InlineList.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "mace/core/inline_list.h"
#include "mace/core/memory.h"
#include "mace/core/shape.h"
#include "mace/core/string.h"
#include "mace/core/tensor_view.h"
#include "mace/core/vector.h"

namespace mace {
namespace {

TEST(Vector, GrowsMovesAndShrinks) {
  Vector<std::unique_ptr<int>> vector;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(vector.PushBack(std::make_unique<int>(i)).ok());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*vector[i], i);
  Vector<std::unique_ptr<int>> moved = std::move(vector);
  EXPECT_EQ(moved.size(), 100u);
  EXPECT_TRUE(vector.empty());  // NOLINT: moved-from is empty by definition
  ASSERT_TRUE(moved.Resize(3).ok());
  ASSERT_TRUE(moved.Resize(5).ok());
  EXPECT_EQ(moved[4], nullptr);
}

TEST(Vector, ImpossibleSizesAreOutOfMemoryAndLeaveItAsItWas) {
  Vector<uint64_t> vector;
  ASSERT_TRUE(vector.PushBack(7).ok());
  EXPECT_EQ(vector.Reserve(SIZE_MAX / 4).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(vector.Resize(SIZE_MAX / 16).code(), StatusCode::kOutOfMemory);
  ASSERT_EQ(vector.size(), 1u);
  EXPECT_EQ(vector[0], 7u);
}

TEST(String, AppendsAndFormats) {
  String text;
  EXPECT_STREQ(text.c_str(), "");
  ASSERT_TRUE(text.Append("abc").ok());
  ASSERT_TRUE(text.AppendFormat("-%d-%s", 5, std::string(5000, 'x').c_str()).ok());
  EXPECT_EQ(text.view(), "abc-5-" + std::string(5000, 'x'));
  EXPECT_EQ(text.c_str()[text.size()], '\0');
  ASSERT_TRUE(text.Assign("").ok());
  EXPECT_TRUE(text.empty());
}

TEST(Buffer, IsAlignedAndCountsThroughItsAllocator) {
  struct Counter {
    int64_t live = 0;
    static void* Allocate(void* context, size_t bytes, size_t alignment) {
      static_cast<Counter*>(context)->live += static_cast<int64_t>(bytes);
      return SystemAllocator().allocate(nullptr, bytes, alignment);
    }
    static void Deallocate(void* context, void* memory, size_t bytes) {
      static_cast<Counter*>(context)->live -= static_cast<int64_t>(bytes);
      SystemAllocator().deallocate(nullptr, memory, bytes);
    }
  } counter;
  const Allocator allocator = {&counter, &Counter::Allocate, &Counter::Deallocate};
  {
    Result<Buffer> buffer = Buffer::Allocate(100, allocator);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % kBufferAlignment, 0u);
    EXPECT_EQ(counter.live, 100);
    const Buffer moved = std::move(*buffer);
    EXPECT_EQ(counter.live, 100);
  }
  EXPECT_EQ(counter.live, 0);
  EXPECT_EQ(Buffer::Allocate(SIZE_MAX / 2).status().code(), StatusCode::kOutOfMemory);
}

TEST(Shape, CountsInCheckedArithmetic) {
  EXPECT_EQ((Shape{2, 3, 4}).ElementCount(), 24);
  EXPECT_EQ(Shape().ElementCount(), 1);
  EXPECT_EQ((Shape{7, 0, 5}).ElementCount(), 0);
  EXPECT_EQ((Shape{INT64_MAX, INT64_MAX, 0}).ElementCount(), -1);  // refused: partial products would overflow
  EXPECT_EQ((Shape{INT64_MAX, 2}).ElementCount(), -1);
  EXPECT_EQ((Shape{2, kUnknownDim}).ElementCount(), -1);
  EXPECT_EQ(ByteCount(DType::kF64, Shape{INT64_MAX / 4}), -1);
  EXPECT_EQ(ByteCount(DType::kI4, Shape{3}), 2);
  EXPECT_STREQ(ShapeText(Shape{1, kUnknownDim, SymbolDim(3)}).text, "[1, ?, s3]");
  int axis = 0;
  EXPECT_TRUE(NormalizeAxis(-1, 3, &axis));
  EXPECT_EQ(axis, 2);
  EXPECT_FALSE(NormalizeAxis(3, 3, &axis));
  EXPECT_FALSE(NormalizeAxis(INT64_MIN, 3, &axis));
}

TEST(InlineList, RefusesMoreThanItHolds) {
  IntList list;
  for (int i = 0; i < IntList::capacity(); ++i) EXPECT_TRUE(list.Push(i));
  EXPECT_FALSE(list.Push(9));
  EXPECT_EQ(list.size(), IntList::capacity());
}

TEST(DType, NamesAndSizes) {
  EXPECT_STREQ(NameOf(DType::kBF16), "bfloat16");
  EXPECT_STREQ(NameOf(static_cast<DType>(200)), "invalid");
  EXPECT_EQ(BitsOf(DType::kU4), 4);
  EXPECT_EQ(BytesOf(DType::kBool), 1);
  EXPECT_EQ(BitsOf(static_cast<DType>(200)), 0);
}

}  // namespace
}  // namespace mace
