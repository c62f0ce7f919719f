#include "channel/reader.hpp"
#include "channel/writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace projector::channel {
namespace {

using namespace std::string_view_literals;

template <class Read>
std::string problem(std::string_view bytes, Read read) {
  try {
    Reader reader(bytes);
    read(reader);
  } catch (const Malformed& malformed) {
    return malformed.what();
  }
  return "read";
}

TEST(ChannelWire, WhatIsWrittenIsRead) {
  Writer writer;
  writer.u32(std::numeric_limits<std::uint32_t>::max());
  writer.u64(std::numeric_limits<std::uint64_t>::max());
  writer.i32(std::numeric_limits<std::int32_t>::min());
  writer.i64(std::numeric_limits<std::int64_t>::min());
  writer.flag(true);
  writer.flag(false);
  writer.bytes("a\0b"sv);
  writer.bytes("");
  writer.text("text");
  writer.text("");
  writer.optional_text("there");
  writer.optional_text(std::nullopt);
  writer.raw("raw", 3);

  Reader reader(writer.view());
  EXPECT_EQ(reader.u32("a"), std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(reader.u64("b"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(reader.i32("c"), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(reader.i64("d"), std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE(reader.flag("e"));
  EXPECT_FALSE(reader.flag("f"));
  EXPECT_EQ(reader.bytes("g"), "a\0b"sv);
  EXPECT_EQ(reader.bytes("h"), "");
  EXPECT_STREQ(reader.text("i").data(), "text");
  EXPECT_STREQ(reader.text("j").data(), "");
  EXPECT_EQ(reader.optional_text("k"), "there");
  EXPECT_EQ(reader.optional_text("l"), std::nullopt);
  EXPECT_EQ(reader.raw(3, "m"), "raw");
  EXPECT_NO_THROW(reader.end());
}

TEST(ChannelWire, AWriterGrowsAndIsUsedAgain) {
  Writer writer;
  for (const std::size_t size : {10U, 5000U, 9U << 20, 100U}) {
    const std::string bytes(size, 'x');
    writer.clear();
    EXPECT_TRUE(writer.empty());
    writer.u32(1);
    writer.bytes(bytes);
    EXPECT_EQ(writer.size(), size + 8);
    Reader reader(writer.view());
    reader.u32("a");
    EXPECT_TRUE(reader.bytes("b") == bytes);
    reader.end();
  }
}

TEST(ChannelWire, WhatIsMissingIsNamed) {
  EXPECT_EQ(problem("abc", [](Reader& reader) { reader.u32("the colour"); }),
            "malformed message: expected 4 bytes of the colour at byte 0 of 3");
  EXPECT_EQ(problem("\1\0\0\0abcdefg"sv, [](Reader& reader) { reader.u32("a"), reader.u64("the colour"); }),
            "malformed message: expected 8 bytes of the colour at byte 4 of 11");
  EXPECT_EQ(problem("\5\0\0\0abcd"sv, [](Reader& reader) { reader.bytes("the colour"); }),
            "malformed message: expected 5 bytes of the colour at byte 4 of 8");
  EXPECT_EQ(problem("\xFF\xFF\xFF\xFF"sv, [](Reader& reader) { reader.bytes("the colour"); }),
            "malformed message: expected 4294967295 bytes of the colour at byte 4 of 4");
  EXPECT_EQ(problem("", [](Reader& reader) { reader.raw(SIZE_MAX, "the colour"); }),
            "malformed message: expected 18446744073709551615 bytes of the colour at byte 0 of 0");
}

TEST(ChannelWire, AFlagIsZeroOrOne) {
  EXPECT_EQ(problem("\2\0\0\0"sv, [](Reader& reader) { reader.flag("the colour"); }),
            "malformed message: the colour before byte 4 of 4 is 2, expected less than 2");
}

TEST(ChannelWire, ATextIsACString) {
  EXPECT_EQ(problem("\2\0\0\0abc"sv, [](Reader& reader) { reader.text("the colour"); }),
            "malformed message: the colour before byte 7 of 7 does not end in a NUL byte");
  EXPECT_EQ(problem("\2\0\0\0a\0\0"sv, [](Reader& reader) { reader.text("the colour"); }),
            "malformed message: the colour before byte 7 of 7 has a NUL byte before its end");
  EXPECT_EQ(problem("\2\0\0\0ab"sv, [](Reader& reader) { reader.text("the colour"); }),
            "malformed message: expected 1 bytes of the colour at byte 6 of 6");
}

TEST(ChannelWire, ACountFitsIntoWhatIsLeft) {
  const auto read = [](Reader& reader) { EXPECT_EQ(reader.count(2, "the number of colours"), 2U); };
  EXPECT_EQ(problem("\2\0\0\0abcd"sv, read), "read");
  EXPECT_EQ(problem("\2\0\0\0abc"sv, read),
            "malformed message: the number of colours before byte 4 of 7 is 2, for which 3 bytes are too few");
  EXPECT_NE(problem("\xFF\xFF\xFF\xFF____"sv, read), "read");
}

TEST(ChannelWire, NothingMayFollow) {
  EXPECT_EQ(problem("ab", [](Reader& reader) { reader.end(); }), "malformed message: 2 bytes are left after its end");
}

} // namespace
} // namespace projector::channel
