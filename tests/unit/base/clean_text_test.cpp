#include "base/clean_text.hpp"

#include <gtest/gtest.h>

namespace projector::base {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

TEST(CleanText, KeepsWhatIsGood) {
  EXPECT_EQ(clean_text("", 10), "");
  EXPECT_EQ(clean_text("Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\x89", 100),
            "Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\x89");
}

TEST(CleanText, MakesOneLine) {
  EXPECT_EQ(clean_text("a\nb\tc\r\n", 100), "a b c");
  EXPECT_EQ(clean_text(std::string_view("a\0b\x1b[31m\x7f|", 10), 100), "a b [31m |");
  EXPECT_EQ(clean_text("a\xC2\x85z", 100), "a z"); // NEL, a C1 control
  EXPECT_EQ(clean_text(" \n ", 100), "");
}

TEST(CleanText, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(clean_text("a\xFFz", 100), "a" + kBad + "z");
  EXPECT_EQ(clean_text("\xC3", 100), kBad);                                  // cut short
  EXPECT_EQ(clean_text("\xC0\xAF", 100), kBad + kBad);                       // overlong
  EXPECT_EQ(clean_text("\xE0\x80\x80", 100), kBad + kBad + kBad);            // overlong
  EXPECT_EQ(clean_text("\xED\xA0\x80", 100), kBad + kBad + kBad);            // surrogate
  EXPECT_EQ(clean_text("\xF4\x90\x80\x80", 100), kBad + kBad + kBad + kBad); // above U+10FFFF
  EXPECT_EQ(clean_text("\xF0\x80\x80\x80", 100), kBad + kBad + kBad + kBad); // overlong
}

TEST(CleanText, CutsBetweenCharacters) {
  EXPECT_EQ(clean_text("abcdef", 6), "abcdef");
  EXPECT_EQ(clean_text("abcdefg", 6), "abc\xE2\x80\xA6");
  EXPECT_EQ(clean_text("ab\xC3\xBC\xC3\xBC\xC3\xBC", 7), "ab\xC3\xBC\xE2\x80\xA6");
  EXPECT_EQ(clean_text("ab\xC3\xBC\xC3\xBC\xC3\xBC", 6), "ab\xE2\x80\xA6");
  EXPECT_EQ(clean_text("abcdef", 2), "ab");
  EXPECT_EQ(clean_text("\xE2\x82\xAC", 2), "");
  EXPECT_EQ(clean_text("abc", 0), "");
}

TEST(AsciiText, MarksEachCharacterThatIsNotAscii) {
  EXPECT_EQ(ascii_text("Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\x89."), "Gr?? ? ?.");
  EXPECT_EQ(ascii_text(""), "");
}

TEST(IsUtf8, WellFormedCharactersOnly) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\x89\n"));
  EXPECT_TRUE(is_utf8("a\0b"sv));
  for (const auto bad : {"caf\xE9"sv, "\xC3"sv, "\xC0\xAF"sv, "\xED\xA0\x80"sv, "\xF4\x90\x80\x80"sv}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

} // namespace
} // namespace projector::base
