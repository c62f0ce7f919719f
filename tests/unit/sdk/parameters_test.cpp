#include "unit/sdk/fake_host.hpp"

#include <projector/plugin.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace projector {
namespace {

using test::RecordedValue;
using testing::ElementsAre;

class Parameters : public testing::Test {
protected:
  /// What the host receives for one argument.
  template <class T>
  RecordedValue sent(const T& argument) {
    Transaction transaction(host_.table(), host_.transaction(), 0, nullptr);
    transaction.exec("SELECT $1", argument);
    return host_.statements.back().values.at(0);
  }
  template <class T>
  std::string text(const T& argument) {
    const RecordedValue value = sent(argument);
    EXPECT_FALSE(value.binary);
    return value.bytes.value_or("(NULL)");
  }

  test::FakeHost host_;
};

TEST_F(Parameters, NumbersAreTextOfATypeThatTheServerInfers) {
  EXPECT_EQ(sent(-7), (RecordedValue{"-7", 0, false}));
  EXPECT_EQ(text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(text(std::int8_t{-128}), "-128");
  EXPECT_EQ(text(true), "true");
  EXPECT_EQ(text(false), "false");
}

TEST_F(Parameters, FloatingPointReadsBackTheSame) {
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(0.1f), "0.1");
  EXPECT_EQ(text(1e300), "1e+300");
  EXPECT_EQ(text(-std::numeric_limits<double>::denorm_min()), "-5e-324");
  EXPECT_EQ(text(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(text(-std::numeric_limits<float>::infinity()), "-Infinity");
}

TEST_F(Parameters, TextIsSentAsItIs) {
  EXPECT_EQ(sent("it's \"{a}\\"), (RecordedValue{"it's \"{a}\\", 0, false}));
  EXPECT_EQ(text(std::string("a\0b", 3)), std::string("a\0b", 3)) << "the host is the one to refuse it";
  const char* const pointer = "pointer";
  EXPECT_EQ(text(pointer), "pointer");
}

TEST_F(Parameters, EmptyIsNotNull) {
  EXPECT_EQ(sent(std::string_view()), (RecordedValue{"", 0, false}));
  EXPECT_EQ(sent(Bytes()), (RecordedValue{"", 17, true}));
  EXPECT_EQ(sent(std::vector<std::byte>()), (RecordedValue{"", 17, true}));
  EXPECT_EQ(sent(std::optional<std::string_view>(std::string_view())), (RecordedValue{"", 0, false}));
}

TEST_F(Parameters, NullHasManyNames) {
  const RecordedValue null{std::nullopt, 0, false};
  EXPECT_EQ(sent(nullptr), null);
  EXPECT_EQ(sent(std::nullopt), null);
  EXPECT_EQ(sent(std::optional<int>()), null);
  EXPECT_EQ(sent(static_cast<const char*>(nullptr)), null);
  EXPECT_EQ(sent(std::optional<std::vector<int>>()), null);
}

TEST_F(Parameters, BytesAreBinary) {
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0xFF}, std::byte{'\\'}};
  const RecordedValue expected{std::string("\0\xFF\\", 3), 17, true};
  EXPECT_EQ(sent(bytes), expected);
  EXPECT_EQ(sent(std::span<const std::byte>(bytes)), expected);
  EXPECT_EQ(sent(std::vector<std::byte>(bytes.begin(), bytes.end())), expected);
  EXPECT_EQ(sent(Bytes::of(std::string_view("\0\xFF\\", 3))), expected);
}

TEST_F(Parameters, UuidAndTimestamp) {
  EXPECT_EQ(sent(*Uuid::parse("00112233-4455-6677-8899-aabbccddeeff")),
            (RecordedValue{"00112233-4455-6677-8899-aabbccddeeff", 0, false}));
  EXPECT_EQ(sent(Timestamp(1)), (RecordedValue{"1970-01-01 00:00:00.000001+00", 1184, false}));
  EXPECT_EQ(sent(Timestamp(1).time_point()), (RecordedValue{"1970-01-01 00:00:00.000001+00", 1184, false}));
}

TEST_F(Parameters, ArraysOfNumbers) {
  EXPECT_EQ(sent(std::vector<std::int64_t>{1, -2, 3}), (RecordedValue{"{1,-2,3}", 0, false}));
  EXPECT_EQ(text(std::vector<int>()), "{}");
  EXPECT_EQ(text(std::array<double, 2>{0.5, std::numeric_limits<double>::infinity()}), "{0.5,Infinity}");
  EXPECT_EQ(text(std::vector<bool>{true, false}), "{true,false}");
  EXPECT_EQ(text(std::list<short>{7}), "{7}");
  const std::vector<int> numbers{4, 5};
  EXPECT_EQ(text(std::span<const int>(numbers)), "{4,5}");
}

TEST_F(Parameters, ArraysQuoteEveryText) {
  EXPECT_EQ(text(std::vector<std::string>{"plain", "", "NULL", "a,b", "{}", " blank "}),
            R"({"plain","","NULL","a,b","{}"," blank "})");
  EXPECT_EQ(text(std::vector<std::string_view>{R"(say "hi")", R"(back\slash)", R"(\")"}),
            R"({"say \"hi\"","back\\slash","\\\""})");
  EXPECT_EQ(text(std::set<std::string>{"a", "\xC3\xA4\n"}), "{\"a\",\"\xC3\xA4\n\"}");
  EXPECT_EQ(text(std::vector<const char*>{"x", nullptr}), R"({"x",NULL})");
}

TEST_F(Parameters, ArraysOfOtherValues) {
  EXPECT_EQ(text(std::vector<std::optional<int>>{1, std::nullopt}), "{1,NULL}");
  EXPECT_EQ(text(std::vector<std::optional<std::string>>{"NULL", std::nullopt}), R"({"NULL",NULL})");
  EXPECT_EQ(text(std::vector<Timestamp>{Timestamp(0)}), R"({"1970-01-01 00:00:00+00"})");
  EXPECT_EQ(text(std::vector<Uuid>(1)), "{00000000-0000-0000-0000-000000000000}");
  EXPECT_EQ(text(std::vector<std::vector<std::byte>>{{std::byte{0xAB}, std::byte{0}}, {}}), R"({"\\xab00","\\x"})");
}

TEST_F(Parameters, ViewsAreRanges) {
  const std::map<std::string, int> counts{{"a", 1}, {"b", 2}};
  EXPECT_EQ(text(counts | std::views::keys), R"({"a","b"})");
  EXPECT_EQ(text(counts | std::views::values), "{1,2}");
  EXPECT_EQ(text(counts | std::views::transform([](const auto& entry) { return entry.first + "!"; })),
            R"({"a!","b!"})");
}

TEST_F(Parameters, SeveralKeepTheirOrder) {
  Transaction transaction(host_.table(), host_.transaction(), 0, nullptr);
  transaction.exec(std::string("SELECT $1, $2, $3"), 1, "two", nullptr);
  ASSERT_EQ(host_.statements.size(), 1u);
  EXPECT_EQ(host_.statements[0].sql, "SELECT $1, $2, $3");
  EXPECT_THAT(host_.statements[0].values, ElementsAre(RecordedValue{"1", 0, false}, RecordedValue{"two", 0, false},
                                                      RecordedValue{std::nullopt, 0, false}));
}

} // namespace
} // namespace projector
