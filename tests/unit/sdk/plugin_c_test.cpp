#include "unit/sdk/fake_host.hpp"

#include <projector/plugin_c.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace projector {
namespace {

std::string bytes(const projector_value& value) {
  return {value.data, value.size};
}

std::optional<std::int64_t> read(std::string text, bool binary = false) {
  const projector_value value{text.data(), text.size(), 0, binary ? 1 : 0};
  std::int64_t number = 0;
  return projector_read_int8(&value, &number) != 0 ? std::optional(number) : std::nullopt;
}

TEST(PluginC, NumbersAndTimesAreBigEndian) {
  char buffer[8];
  EXPECT_EQ(bytes(projector_int8(-2, buffer)), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE");
  EXPECT_EQ(projector_int8(0x0102, buffer).oid, 20u);
  EXPECT_EQ(bytes(projector_int8(0x0102, buffer)), std::string("\0\0\0\0\0\0\1\2", 8));
  // 2000-01-01 is PostgreSQL's zero.
  EXPECT_EQ(bytes(projector_timestamptz(946684800000001, buffer)), std::string("\0\0\0\0\0\0\0\1", 8));
  EXPECT_EQ(projector_timestamptz(0, buffer).oid, 1184u);
}

TEST(PluginC, TextBytesAndNull) {
  EXPECT_EQ(projector_null().data, nullptr);
  EXPECT_EQ(projector_text_z(nullptr).data, nullptr);
  EXPECT_EQ(bytes(projector_text_z("abc")), "abc");
  EXPECT_NE(projector_text_z("").data, nullptr);
  EXPECT_EQ(bytes(projector_text(test::str("t"))), "t");
  const projector_value bytea = projector_bytea(test::str(std::string_view("\0a", 2)));
  EXPECT_EQ(bytes(bytea), std::string("\0a", 2));
  EXPECT_EQ(bytea.oid, 17u);
  EXPECT_EQ(bytea.binary, 1);
  EXPECT_EQ(bytes(projector_bool(1)), "t");
  EXPECT_EQ(bytes(projector_bool(0)), "f");
  const std::uint8_t id[16] = {1, 2};
  EXPECT_EQ(projector_uuid(id).size, 16u);
  EXPECT_EQ(projector_uuid(id).oid, 2950u);
}

TEST(PluginC, ReadsWholeNumbers) {
  EXPECT_EQ(read("0"), 0);
  EXPECT_EQ(read("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text :
       {"", "-", "+1", " 1", "1 ", "1.0", "9223372036854775808", "123456789012345678901234567890", "0x1"}) {
    EXPECT_EQ(read(text), std::nullopt) << text;
  }
  EXPECT_EQ(read("\xFF\xFE", true), -2);
  EXPECT_EQ(read(std::string("\0\0\1\0", 4), true), 256);
  EXPECT_EQ(read("\x80" + std::string(7, '\0'), true), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read("\1\2\3", true), std::nullopt);
}

TEST(PluginC, ReadsCells) {
  test::FakeHost host;
  host.rows.cells = {{"12", "text", std::nullopt}};
  std::int64_t number = 0;
  projector_str text{};
  EXPECT_TRUE(projector_cell_int8(host.table(), &host.rows, 0, 0, &number));
  EXPECT_EQ(number, 12);
  EXPECT_FALSE(projector_cell_int8(host.table(), &host.rows, 0, 1, &number));
  EXPECT_FALSE(projector_cell_int8(host.table(), &host.rows, 0, 2, &number));
  EXPECT_FALSE(projector_cell_int8(host.table(), &host.rows, 1, 0, &number));
  EXPECT_TRUE(projector_cell_text(host.table(), &host.rows, 0, 1, &text));
  EXPECT_EQ(std::string(text.data, text.size), "text");
  EXPECT_TRUE(projector_cell_text(host.table(), &host.rows, 0, 2, &text));
  EXPECT_EQ(text.data, nullptr);
  EXPECT_FALSE(projector_cell_text(host.table(), &host.rows, 0, 3, &text));
}

TEST(PluginC, FailsWithText) {
  test::Error error(8);
  EXPECT_EQ(projector_fail(error.get(), PROJECTOR_REJECT, 4, "%s is %d", "it", 12345), PROJECTOR_REJECT);
  EXPECT_EQ(error.text(), "it is 1");
  EXPECT_EQ(error.event_index(), 4u);
  EXPECT_EQ(projector_fail(nullptr, PROJECTOR_FATAL, PROJECTOR_NO_EVENT, "unwanted"), PROJECTOR_FATAL);
}

TEST(PluginC, TellsTheEventAtHand) {
  test::EventBatch batch({test::event_at(1), test::event_at(2)});
  projector_begin_event(batch.get(), 1);
  EXPECT_EQ(batch.current, 1u);
  projector_begin_event(batch.get(), PROJECTOR_NO_EVENT);
  EXPECT_EQ(batch.current, PROJECTOR_NO_EVENT);
}

TEST(PluginC, TellsNoEventToAHostThatDoesNotAsk) {
  test::EventBatch batch({test::event_at(1)});
  batch.cut_to_minor_0();
  projector_begin_event(batch.get(), 0);
  test::EventBatch without({test::event_at(1)});
  without.get()->current = nullptr;
  projector_begin_event(without.get(), 0);
  EXPECT_EQ(batch.current, test::EventBatch::kUntouched);
  EXPECT_EQ(without.current, test::EventBatch::kUntouched);
}

TEST(PluginC, FindsSettings) {
  const projector_setting settings[] = {{"a", "x"}, {"n", "250000"}};
  projector_config config{};
  config.settings = settings;
  config.n_settings = 2;
  EXPECT_STREQ(projector_find_setting(&config, "a"), "x");
  EXPECT_EQ(projector_find_setting(&config, "b"), nullptr);
  std::int64_t number = 0;
  EXPECT_TRUE(projector_find_setting_int8(&config, "n", &number));
  EXPECT_EQ(number, 250000);
  EXPECT_FALSE(projector_find_setting_int8(&config, "a", &number));
  EXPECT_FALSE(projector_find_setting_int8(&config, "b", &number));
}

} // namespace
} // namespace projector
