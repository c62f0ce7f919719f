#include "base/fnv1a.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace projector::base {
namespace {

using namespace std::string_view_literals;

static_assert(fnv1a32("") == 0x811c9dc5);

TEST(Fnv1a, GivesThePublishedValues) {
  // From test_fnv.c of Landon Curt Noll's reference implementation.
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
