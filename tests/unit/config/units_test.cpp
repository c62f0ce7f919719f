#include "config/units.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace projector::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsAreAWholeNumberAndAUnit) {
  EXPECT_EQ(parse_duration("7us"), 7us);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1s"), 1s);
  EXPECT_EQ(parse_duration("90m"), 90min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("30d"), 30 * 24h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Units, OtherDurationsAreNothing) {
  for (const char* text :
       {"", "s", "100", "0", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1sec", "1s1ms", "ms1"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Units, DurationsEndAtTheLargestOne) {
  EXPECT_EQ(parse_duration("9223372036854775807us"), base::Duration::max());
  EXPECT_EQ(parse_duration("9223372036854775808us"), std::nullopt);
  EXPECT_EQ(parse_duration("106751991d"), 106751991 * 24h);
  EXPECT_EQ(parse_duration("106751992d"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999999999999us"), std::nullopt);
}

TEST(Units, SizesAreAWholeNumberAndAUnit) {
  EXPECT_EQ(parse_size("0B"), 0u);
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("3KiB"), 3072u);
  EXPECT_EQ(parse_size("64MiB"), 67108864u);
  EXPECT_EQ(parse_size("2GiB"), 2147483648u);
}

TEST(Units, OtherSizesAreNothing) {
  for (const char* text : {"", "B", "100", "1KB", "1MB", "1M", "1kib", "-1B", "1.5GiB", "1 MiB", "17179869184GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_size("18446744073709551615B"), std::numeric_limits<std::uint64_t>::max());
}

TEST(Units, DurationsAreWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(1us), "1us");
  EXPECT_EQ(format_duration(1500us), "1500us");
  EXPECT_EQ(format_duration(100ms), "100ms");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(25h), "25h");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(parse_duration(format_duration(base::Duration::max())), base::Duration::max());
}

TEST(Units, SizesAreWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(1023), "1023B");
  EXPECT_EQ(format_size(1024), "1KiB");
  EXPECT_EQ(format_size(1536), "1536B");
  EXPECT_EQ(format_size(64u << 20), "64MiB");
  EXPECT_EQ(format_size(std::uint64_t{3} << 30), "3GiB");
  EXPECT_EQ(parse_size(format_size(std::numeric_limits<std::uint64_t>::max())),
            std::numeric_limits<std::uint64_t>::max());
}

} // namespace
} // namespace projector::config
