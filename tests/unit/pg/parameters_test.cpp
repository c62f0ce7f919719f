#include "pg/parameters.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

namespace projector::pg {
namespace {

using namespace std::string_literals;

std::string bytes_of(const Parameters::Arrays& arrays, std::size_t index) {
  return {arrays.values[index], static_cast<std::size_t>(arrays.lengths[index])};
}

TEST(Parameters, NumbersAreBigEndianBinaryWithTheirTypes) {
  Parameters parameters;
  parameters.int8(0x0102030405060708).int8(-1).int4(0x01020304).int4(std::numeric_limits<std::int32_t>::min());
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_EQ(arrays.types, (std::vector<std::uint32_t>{20, 20, 23, 23}));
  EXPECT_EQ(arrays.formats, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(bytes_of(arrays, 0), "\1\2\3\4\5\6\7\x08"s);
  EXPECT_EQ(bytes_of(arrays, 1), "\xff\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(bytes_of(arrays, 2), "\1\2\3\4"s);
  EXPECT_EQ(bytes_of(arrays, 3), "\x80\0\0\0"s);
}

TEST(Parameters, TextIsTerminatedAndHasNoTypeUnlessOneIsGiven) {
  Parameters parameters;
  parameters.text("naïve").text("").text("7", 23);
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_STREQ(arrays.values[0], "naïve");
  EXPECT_STREQ(arrays.values[1], "");
  EXPECT_STREQ(arrays.values[2], "7");
  EXPECT_EQ(arrays.types, (std::vector<std::uint32_t>{0, 0, 23}));
  EXPECT_EQ(arrays.formats, (std::vector<int>{0, 0, 0}));
}

TEST(Parameters, NullIsANullPointerAndAnEmptyValueIsNot) {
  Parameters parameters;
  parameters.null(20).binary("", 17).boolean(true).boolean(false);
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_EQ(arrays.values[0], nullptr);
  EXPECT_NE(arrays.values[1], nullptr);
  EXPECT_EQ(arrays.lengths[1], 0);
  EXPECT_EQ(bytes_of(arrays, 2), "\1"s);
  EXPECT_EQ(bytes_of(arrays, 3), "\0"s);
  EXPECT_EQ(arrays.types, (std::vector<std::uint32_t>{20, 17, 16, 16}));
}

TEST(Parameters, ATextArrayIsAOneDimensionalBinaryArray) {
  Parameters parameters;
  parameters.text_array({"a", "", "{\"\\,}"});
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_EQ(arrays.types, std::vector<std::uint32_t>{1009});
  EXPECT_EQ(bytes_of(arrays, 0), "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\3\0\0\0\1"
                                 "\0\0\0\1a\0\0\0\0\0\0\0\5{\"\\,}"s);
}

TEST(Parameters, AnInt8ArrayIsAOneDimensionalBinaryArray) {
  Parameters parameters;
  parameters.int8_array({-2});
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_EQ(arrays.types, std::vector<std::uint32_t>{1016});
  EXPECT_EQ(bytes_of(arrays, 0), "\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\1\0\0\0\1"
                                 "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe"s);
}

TEST(Parameters, AnEmptyArrayHasNoDimension) {
  Parameters parameters;
  parameters.text_array({}).int8_array({});
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_EQ(bytes_of(arrays, 0), "\0\0\0\0\0\0\0\0\0\0\0\x19"s);
  EXPECT_EQ(bytes_of(arrays, 1), "\0\0\0\0\0\0\0\0\0\0\0\x14"s);
}

TEST(Parameters, ANulByteInTextIsRefusedWithItsOffset) {
  Parameters parameters;
  try {
    parameters.text("ab\0c"s);
    FAIL() << "a NUL byte was taken";
  } catch (const std::invalid_argument& refusal) {
    EXPECT_STREQ(refusal.what(), "a text parameter has a NUL byte at offset 2, which PostgreSQL cannot store in text; "
                                 "send it as bytea");
  }
  EXPECT_THROW(parameters.text_array({"a", "\0"s}), std::invalid_argument);
  EXPECT_EQ(parameters.size(), 0u);
  parameters.binary("ab\0c"s, 17);
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  EXPECT_EQ(bytes_of(arrays, 0), "ab\0c"s);
}

TEST(Parameters, ClearForgetsAllAndArraysAreReplaced) {
  Parameters parameters;
  parameters.int8(1).text("x");
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  parameters.clear();
  EXPECT_EQ(parameters.size(), 0u);
  EXPECT_EQ(parameters.bytes(), 0u);
  parameters.text("y");
  parameters.arrays(arrays);
  ASSERT_EQ(arrays.values.size(), 1u);
  EXPECT_STREQ(arrays.values[0], "y");
  EXPECT_EQ(arrays.types.size(), 1u);
  EXPECT_EQ(arrays.lengths, std::vector<int>{1});
  EXPECT_EQ(arrays.formats, std::vector<int>{0});
}

} // namespace
} // namespace projector::pg
