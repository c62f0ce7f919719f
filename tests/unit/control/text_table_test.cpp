#include "control/text_table.hpp"

#include <gtest/gtest.h>

namespace projector::control {
namespace {

TEST(TextTable, ColumnsStandUnderEachOther) {
  EXPECT_EQ(text_table({{"A", "B", "C"}, {"longer", "x", ""}, {"", "yy", "z"}}), "A       B   C\n"
                                                                                 "longer  x\n"
                                                                                 "        yy  z\n");
}

TEST(TextTable, CountsCharactersNotBytes) {
  EXPECT_EQ(text_table({{"\xc3\xa9", "1"}, {"ab", "2"}}), "\xc3\xa9   1\nab  2\n");
}

} // namespace
} // namespace projector::control
