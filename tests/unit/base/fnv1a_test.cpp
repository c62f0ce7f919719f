#include "base/fnv1a.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace projector::base {
namespace {

using namespace std::string_view_literals;

static_assert(fnv1a32("") == 0x811c9dc5);

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (; times > 0; --times) {
    text += part;
  }
  return text;
}

// The values of these tests are from the table fnv1a_32_vector in test_fnv.c of Landon Curt Noll's reference
// implementation, http://www.isthe.com/chongo/src/fnv/test_fnv.c.
TEST(Fnv1a, GivesThePublishedValues) {
  EXPECT_EQ(fnv1a32(""), 0x811c9dc5U);
  EXPECT_EQ(fnv1a32("a"), 0xe40c292cU);
  EXPECT_EQ(fnv1a32("b"), 0xe70c2de5U);
  EXPECT_EQ(fnv1a32("c"), 0xe60c2c52U);
  EXPECT_EQ(fnv1a32("d"), 0xe10c2473U);
  EXPECT_EQ(fnv1a32("e"), 0xe00c22e0U);
  EXPECT_EQ(fnv1a32("f"), 0xe30c2799U);
  EXPECT_EQ(fnv1a32("fo"), 0x6222e842U);
  EXPECT_EQ(fnv1a32("foo"), 0xa9f37ed7U);
  EXPECT_EQ(fnv1a32("foob"), 0x3f5076efU);
  EXPECT_EQ(fnv1a32("fooba"), 0x39aaa18aU);
  EXPECT_EQ(fnv1a32("foobar"), 0xbf9cf968U);
  EXPECT_EQ(fnv1a32("\0"sv), 0x050c5d1fU);
  EXPECT_EQ(fnv1a32("a\0"sv), 0x2b24d044U);
  EXPECT_EQ(fnv1a32("foobar\0"sv), 0x0c1c9eb8U);
  EXPECT_EQ(fnv1a32("chongo was here!\n"), 0xd49930d5U);
}

TEST(Fnv1a, GivesThePublishedValuesOfTextWithItsNulByte) {
  EXPECT_EQ(fnv1a32("b\0"sv), 0x9d2c3f7fU);
  EXPECT_EQ(fnv1a32("c\0"sv), 0x7729c516U);
  EXPECT_EQ(fnv1a32("d\0"sv), 0xb91d6109U);
  EXPECT_EQ(fnv1a32("e\0"sv), 0x931ae6a0U);
  EXPECT_EQ(fnv1a32("f\0"sv), 0x052255dbU);
  EXPECT_EQ(fnv1a32("fo\0"sv), 0xbef39fe6U);
  EXPECT_EQ(fnv1a32("foo\0"sv), 0x6150ac75U);
  EXPECT_EQ(fnv1a32("foob\0"sv), 0x9aab3a3dU);
  EXPECT_EQ(fnv1a32("fooba\0"sv), 0x519c4c3eU);
  EXPECT_EQ(fnv1a32("hello\0"sv), 0x02935131U);
}

TEST(Fnv1a, GivesThePublishedValuesOfBytesThatAreNoText) {
  EXPECT_EQ(fnv1a32("\xff\x00\x00\x01"sv), 0xc48fb86dU);
  EXPECT_EQ(fnv1a32("\x01\x00\x00\xff"sv), 0x2269f369U);
  EXPECT_EQ(fnv1a32("\xff\x00\x00\x02"sv), 0xc18fb3b4U);
  EXPECT_EQ(fnv1a32("\x02\x00\x00\xff"sv), 0x50ef1236U);
  EXPECT_EQ(fnv1a32("\xff\x00\x00\x03"sv), 0xc28fb547U);
  EXPECT_EQ(fnv1a32("\x03\x00\x00\xff"sv), 0x96c3bf47U);
  EXPECT_EQ(fnv1a32("\xff\x00\x00\x04"sv), 0xbf8fb08eU);
  EXPECT_EQ(fnv1a32("\x04\x00\x00\xff"sv), 0xf3e4d49cU);
  EXPECT_EQ(fnv1a32(repeated("\x54\xc5", 10)), 0x241e9075U);
  EXPECT_EQ(fnv1a32(repeated("\xc5\x54", 10)), 0x063f70ddU);
  EXPECT_EQ(fnv1a32(repeated("\x5a\xa9", 10)), 0x46610921U);
  EXPECT_EQ(fnv1a32(repeated("\xa9\x5a", 10)), 0x7c1577f9U);
  EXPECT_EQ(fnv1a32(repeated("\x05\xf9\x9d\x03\x4c\x81", 10)), 0xc0586935U);
  EXPECT_EQ(fnv1a32(repeated("\xfe\xdc\xba\x98\x76\x54\x32\x10", 10)), 0x0ae4ff65U);
  EXPECT_EQ(fnv1a32(repeated("\x01\x23\x45\x67\x89\xab\xcd\xef", 10)), 0xea777a45U);
}

TEST(Fnv1a, GivesThePublishedValuesOfLongerText) {
  EXPECT_EQ(fnv1a32("chongo was here!\n\0"sv), 0x8227df4fU);
  EXPECT_EQ(fnv1a32("hello"), 0x4f9f2cabU);
  EXPECT_EQ(fnv1a32("127.0.0.1"), 0x08a3d11eU);
  EXPECT_EQ(fnv1a32("127.0.0.3"), 0x06a3cdf8U);
  EXPECT_EQ(fnv1a32(repeated("21701", 10)), 0xe415e2bbU);
  EXPECT_EQ(fnv1a32(repeated("FEDCBA9876543210", 10)), 0xf3415c85U);
  EXPECT_EQ(fnv1a32(repeated("0123456789ABCDEF", 10)), 0x2bb3be35U);
  EXPECT_EQ(fnv1a32(repeated("\0"sv, 500)), 0xfa823dd5U);
  EXPECT_EQ(fnv1a32(repeated("\x07", 500)), 0x21a27271U);
  EXPECT_EQ(fnv1a32(repeated("~", 500)), 0x83c5c6d5U);
  EXPECT_EQ(fnv1a32(repeated("\x7f", 500)), 0x813b0881U);
}

TEST(Fnv1a, TakesBytesAsUnsigned) {
  // (0x811c9dc5 ^ 0xff) * 0x01000193, modulo 2^32.
  EXPECT_EQ(fnv1a32("\xff"), 0x7a0b824eU);
}

TEST(Fnv1a, SplitsAPartitionInTwoWhenTheirNumberDoubles) {
  for (const std::string_view id : {"a"sv, "order-1"sv, "550e8400-e29b-41d4-a716-446655440000"sv, "\xc3\xa4"sv}) {
    const auto before = fnv1a32(id) % 12;
    const auto after = fnv1a32(id) % 24;
    EXPECT_TRUE(after == before || after == before + 12) << id;
  }
}

} // namespace
} // namespace projector::base
