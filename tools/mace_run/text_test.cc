#include "text.h"

#include <gtest/gtest.h>

namespace mace_run {
namespace {

TEST(Printable, ControlCharactersAreEscaped) {
  EXPECT_EQ(Printable("layers[0]/relu \xC3\xA9 %s"), "layers[0]/relu \xC3\xA9 %s");
  EXPECT_EQ(Printable("a\nmace: all good\r\t"), "a\\nmace: all good\\r\\t");
  EXPECT_EQ(Printable("\x1B[31m\x7F"), "\\x1b[31m\\x7f");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m\xC2\xA0\xC2"),
            "\\x9b31m\xC2\xA0\xC2");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a\\x00b");
}

}  // namespace
}  // namespace mace_run
