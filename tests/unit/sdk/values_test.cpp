#include <projector/plugin.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <string>

namespace projector {
namespace {

struct Spelled {
  std::int64_t microseconds;
  const char* text;
};

class TimestampText : public testing::TestWithParam<Spelled> {};

// The texts are what PostgreSQL prints for to_timestamp(..) with TimeZone UTC and DateStyle ISO.
INSTANTIATE_TEST_SUITE_P(Dates, TimestampText,
                         testing::Values(Spelled{0, "1970-01-01 00:00:00+00"},
                                         Spelled{-1, "1969-12-31 23:59:59.999999+00"},
                                         Spelled{1709210096000001, "2024-02-29 12:34:56.000001+00"},
                                         Spelled{951782400000000, "2000-02-29 00:00:00+00"},
                                         Spelled{253402300800000000, "10000-01-01 00:00:00+00"},
                                         Spelled{-62135596800000000, "0001-01-01 00:00:00+00"},
                                         Spelled{-62135596800000001, "0001-12-31 23:59:59.999999+00 BC"},
                                         Spelled{-63549360000000000, "0045-03-15 00:00:00+00 BC"}));

TEST_P(TimestampText, IsPrintedAndReadBack) {
  EXPECT_EQ(Timestamp(GetParam().microseconds).to_string(), GetParam().text);
  EXPECT_EQ(Timestamp::parse(GetParam().text), Timestamp(GetParam().microseconds));
}

TEST(TimestampTest, ReadsZonesAndFractions) {
  EXPECT_EQ(Timestamp::parse("2024-02-29 12:34:56"), Timestamp(1709210096000000));
  EXPECT_EQ(Timestamp::parse("2024-02-29 14:34:56.5+02"), Timestamp(1709210096500000));
  EXPECT_EQ(Timestamp::parse("2024-02-29 07:04:56-05:30"), Timestamp(1709210096000000));
  EXPECT_EQ(Timestamp::parse("1890-01-01 00:53:28+00:53:28"), Timestamp::parse("1890-01-01 00:00:00+00"));
}

TEST(TimestampTest, RefusesTextThatIsNotATimestamp) {
  for (const char* text :
       {"", "infinity", "-infinity", "2024-02-29", "2024-13-01 00:00:00+00", "2024-00-01 00:00:00+00",
        "2024-02-29 12:34+00", "2024-02-29 12:34:56.+00", "2024-02-29 12:34:56.1234567+00", "2024-02-29 12:34:56+0",
        "2024-02-29 12:34:56+00 AD", "999999-01-01 00:00:00+00"}) {
    EXPECT_EQ(Timestamp::parse(text), std::nullopt) << text;
  }
}

TEST(TimestampTest, ConvertsToTheSystemClockAndBack) {
  const Timestamp timestamp(1709210096000001);
  EXPECT_EQ(timestamp.time_point().time_since_epoch(), std::chrono::microseconds(1709210096000001));
  EXPECT_EQ(Timestamp(timestamp.time_point()), timestamp);
  using Nanoseconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
  EXPECT_EQ(Timestamp(Nanoseconds(std::chrono::nanoseconds(-1))), Timestamp(-1));
}

TEST(TimestampTest, PrintsTheExtremes) {
  EXPECT_EQ(Timestamp(std::numeric_limits<std::int64_t>::max()).to_string(), "294247-01-10 04:00:54.775807+00");
  EXPECT_EQ(Timestamp(std::numeric_limits<std::int64_t>::min()).to_string(), "290309-12-21 19:59:05.224192+00 BC");
}

TEST(UuidTest, IsPrintedAndReadBack) {
  const auto uuid = Uuid::parse("00112233-4455-6677-8899-AABBCCDDEEFF");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->bytes[0], 0x00);
  EXPECT_EQ(uuid->bytes[15], 0xFF);
  EXPECT_EQ(uuid->to_string(), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(UuidTest, RefusesTextThatIsNotAUuid) {
  for (const char* text : {"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg",
                           "0011223344-55-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff0"}) {
    EXPECT_EQ(Uuid::parse(text), std::nullopt) << text;
  }
}

} // namespace
} // namespace projector
