#include "mace/graph/attributes.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mace {
namespace {

enum class Mode : int32_t { kFirst = 0, kSecond = 1, kCount = 2 };

struct AllKinds {
  int64_t wide = 5;
  int32_t narrow = -3;
  float real = 0.25f;
  bool flag = true;
  DType dtype = DType::kF32;
  Mode mode = Mode::kSecond;
  IntList list = {1, -2};
  FloatList reals = {0.5f};

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, AllKinds, wide),  MACE_FIELD(2, AllKinds, narrow),
                      MACE_FIELD(3, AllKinds, real),  MACE_FIELD(4, AllKinds, flag),
                      MACE_FIELD(5, AllKinds, dtype), MACE_FIELD(6, AllKinds, mode),
                      MACE_FIELD(7, AllKinds, list),  MACE_FIELD(8, AllKinds, reals)};
  }
};
constexpr AttributeInfo kInfo = AttributeInfoOf<AllKinds>();

AttributeStorage Defaults() {
  AttributeStorage storage;
  kInfo.construct(storage.bytes);
  return storage;
}

TEST(Attributes, DumpNamesEveryField) {
  String text;
  ASSERT_TRUE(DumpAttributes(kInfo, Defaults(), &text).ok());
  EXPECT_EQ(text.view(),
            "wide=5, narrow=-3, real=0.25, flag=true, dtype=float32, mode=1, list=[1, -2], reals=[0.5]");
}

TEST(Attributes, EqualityAndHashSeeEveryField) {
  const AttributeStorage base = Defaults();
  EXPECT_TRUE(AttributesEqual(kInfo, base, Defaults()));
  EXPECT_EQ(HashAttributes(kInfo, base), HashAttributes(kInfo, Defaults()));
  for (int change = 0; change < 10; ++change) {
    AttributeStorage other = base;
    auto& fields = other.as<AllKinds>();
    if (change == 0) fields.wide = 6;
    if (change == 1) fields.narrow = 3;
    if (change == 2) fields.real = -0.25f;
    if (change == 3) fields.flag = false;
    if (change == 4) fields.dtype = DType::kI8;
    if (change == 5) fields.mode = Mode::kFirst;
    if (change == 6) fields.list[1] = 2;
    if (change == 7) fields.list.count = 1;
    if (change == 8) fields.reals[0] = 1;
    if (change == 9) fields.reals.Push(0);
    EXPECT_FALSE(AttributesEqual(kInfo, base, other)) << change;
    EXPECT_FALSE(AttributesEqual(kInfo, other, base)) << change;
    EXPECT_NE(HashAttributes(kInfo, base), HashAttributes(kInfo, other)) << change;
  }
}

TEST(Attributes, WhatIsNotValueDoesNotCount) {
  AttributeStorage a = Defaults(), b = Defaults();
  b.as<AllKinds>().list.values[5] = 99;       // behind the count
  b.bytes[offsetof(AllKinds, flag) + 2] = 7;  // padding
  EXPECT_TRUE(AttributesEqual(kInfo, a, b));
  EXPECT_EQ(HashAttributes(kInfo, a), HashAttributes(kInfo, b));
  a.as<AllKinds>().real = b.as<AllKinds>().real = std::nanf("");
  EXPECT_TRUE(AttributesEqual(kInfo, a, b));  // compared as bits
}

TEST(Attributes, VerifyRefusesWhatAFileMayNotSay) {
  EXPECT_TRUE(VerifyAttributes(kInfo, Defaults()).ok());
  for (int change = 0; change < 6; ++change) {
    AttributeStorage broken = Defaults();
    if (change == 0) broken.bytes[offsetof(AllKinds, flag)] = 2;
    if (change == 1) broken.bytes[offsetof(AllKinds, dtype)] = 200;
    if (change == 2) broken.as<AllKinds>().mode = static_cast<Mode>(2);
    if (change == 3) broken.as<AllKinds>().mode = static_cast<Mode>(-1);
    if (change == 4) broken.as<AllKinds>().list.count = 9;
    if (change == 5) broken.as<AllKinds>().reals.count = -1;
    EXPECT_FALSE(VerifyAttributes(kInfo, broken).ok()) << change;
    String text;  // dumping and hashing stay inside the list whatever its count says
    EXPECT_TRUE(DumpAttributes(kInfo, broken, &text).ok());
    static_cast<void>(HashAttributes(kInfo, broken));
    static_cast<void>(AttributesEqual(kInfo, broken, Defaults()));
  }
}

}  // namespace
}  // namespace mace
