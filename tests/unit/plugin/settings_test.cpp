#include "plugin/settings.hpp"

#include <gtest/gtest.h>

namespace projector::plugin {
namespace {

using config::Setting;
using Type = Setting::Type;

SettingSpec spec(const std::string& key, std::int32_t type, std::optional<std::string> value = std::nullopt,
                 std::uint32_t flags = 0) {
  return {type, key, std::move(value), "", flags};
}

/// A projection's file with one setting per line, from line 11 on.
class SettingsCheckTest : public ::testing::Test {
protected:
  SettingsCheckTest() {
    projection_.name = "sales";
    projection_.plugin = "revenue";
    projection_.where = {"sales.toml", 10, 1};
  }

  void declare(const SettingSpec& one) { declared_.push_back(one); }
  void give(const std::string& key, Type type, std::vector<std::string> values, const std::string& found = "") {
    const auto line = static_cast<std::uint32_t>(11 + projection_.settings.size());
    projection_.settings.push_back({key, type, std::move(values), found, {"sales.toml", line, 3}});
  }

  CheckedSettings check() const { return check_settings(declared_, projection_); }
  /// "LINE: text" of each problem.
  std::vector<std::string> problems() const {
    std::vector<std::string> texts;
    for (const config::Problem& problem : check().problems) {
      EXPECT_EQ(problem.where.file, "sales.toml");
      texts.push_back(std::to_string(problem.where.line) + ": " + problem.text);
    }
    return texts;
  }
  std::vector<Settings::Entry> entries() const {
    const CheckedSettings checked = check();
    EXPECT_TRUE(checked.problems.empty()) << checked.problems.front().text;
    return checked.settings.entries();
  }

  config::Projection projection_;
  std::vector<SettingSpec> declared_;
};

using Texts = std::vector<std::string>;
using Entries = std::vector<Settings::Entry>;

TEST_F(SettingsCheckTest, NothingDeclaredNothingGiven) {
  EXPECT_TRUE(check().problems.empty());
  give("colour", Type::String, {"red"});
  const CheckedSettings checked = check();
  ASSERT_EQ(checked.problems.size(), 1U);
  EXPECT_EQ(
      checked.problems[0].text,
      "[projection.sales.settings] colour: the plugin revenue has no such setting, it has none at all: remove it");
}

TEST_F(SettingsCheckTest, ValuesArriveAsThePluginReadsThem) {
  declare(spec("currency", PROJECTOR_SETTING_STRING));
  declare(spec("limit", PROJECTOR_SETTING_INTEGER));
  declare(spec("rate", PROJECTOR_SETTING_NUMBER));
  declare(spec("whole", PROJECTOR_SETTING_NUMBER));
  declare(spec("strict", PROJECTOR_SETTING_BOOLEAN));
  declare(spec("filter.regions", PROJECTOR_SETTING_STRINGS));
  declare(spec("timeout", PROJECTOR_SETTING_DURATION));
  declare(spec("buffer", PROJECTOR_SETTING_SIZE));
  give("buffer", Type::String, {"64KiB"});
  give("timeout", Type::String, {"250ms"});
  give("filter.regions", Type::StringArray, {"north", "south"});
  give("strict", Type::Boolean, {"true"});
  give("whole", Type::Integer, {"3"});
  give("rate", Type::Number, {"0.25"});
  give("limit", Type::Integer, {"-5"});
  give("currency", Type::String, {""});
  EXPECT_EQ(entries(), (Entries{{"currency", ""},
                                {"limit", "-5"},
                                {"rate", "0.25"},
                                {"whole", "3"},
                                {"strict", "true"},
                                {"filter.regions", "north"},
                                {"filter.regions", "south"},
                                {"timeout", "250000"},
                                {"buffer", "65536"}}));
}

TEST_F(SettingsCheckTest, DefaultsAreFilledIn) {
  declare(spec("currency", PROJECTOR_SETTING_STRING, "EUR"));
  declare(spec("timeout", PROJECTOR_SETTING_DURATION, "2s"));
  declare(spec("buffer", PROJECTOR_SETTING_SIZE, "1MiB"));
  declare(spec("limit", PROJECTOR_SETTING_INTEGER, "007"));
  declare(spec("rate", PROJECTOR_SETTING_NUMBER, "1e2"));
  declare(spec("regions", PROJECTOR_SETTING_STRINGS, ""));
  declare(spec("note", PROJECTOR_SETTING_STRING, std::nullopt, PROJECTOR_SETTING_OPTIONAL));
  EXPECT_EQ(
      entries(),
      (Entries{{"currency", "EUR"}, {"timeout", "2000000"}, {"buffer", "1048576"}, {"limit", "7"}, {"rate", "100"}}));
}

TEST_F(SettingsCheckTest, AnEmptyArrayIsGivenAndHasNoEntry) {
  declare(spec("regions", PROJECTOR_SETTING_STRINGS));
  give("regions", Type::StringArray, {});
  EXPECT_EQ(entries(), Entries{});
}

TEST_F(SettingsCheckTest, UnknownKeys) {
  declare(spec("currency", PROJECTOR_SETTING_STRING, "EUR"));
  declare(spec("limit", PROJECTOR_SETTING_INTEGER, "1"));
  give("curency", Type::String, {"x"});
  give("window_size", Type::Integer, {"1"});
  EXPECT_EQ(
      problems(),
      (Texts{"11: [projection.sales.settings] curency: the plugin revenue has no such setting; did you mean currency?",
             "12: [projection.sales.settings] window_size: the plugin revenue has no such setting; it has currency, "
             "limit"}));
}

TEST_F(SettingsCheckTest, AKeyGivenTwice) {
  declare(spec("a.b", PROJECTOR_SETTING_STRING));
  give("a.b", Type::String, {"x"});
  give("a.b", Type::String, {"y"});
  EXPECT_EQ(problems(), Texts{"12: [projection.sales.settings] a.b: it is given twice, expected once"});
}

TEST_F(SettingsCheckTest, ARequiredKeyThatIsAbsent) {
  declare(spec("limit", PROJECTOR_SETTING_INTEGER));
  declare(spec("regions", PROJECTOR_SETTING_STRINGS));
  EXPECT_EQ(problems(),
            (Texts{"10: [projection.sales.settings] limit is absent, but the plugin revenue requires it: expected "
                   "an integer",
                   "10: [projection.sales.settings] regions is absent, but the plugin revenue requires it: "
                   "expected an array of strings such as [\"a\", \"b\"]"}));
}

TEST_F(SettingsCheckTest, WrongTypes) {
  declare(spec("limit", PROJECTOR_SETTING_INTEGER));
  declare(spec("currency", PROJECTOR_SETTING_STRING));
  declare(spec("strict", PROJECTOR_SETTING_BOOLEAN));
  declare(spec("regions", PROJECTOR_SETTING_STRINGS));
  declare(spec("timeout", PROJECTOR_SETTING_DURATION));
  declare(spec("buffer", PROJECTOR_SETTING_SIZE));
  declare(spec("rate", PROJECTOR_SETTING_NUMBER));
  give("limit", Type::Number, {"1.5"});
  give("currency", Type::Boolean, {"true"});
  give("strict", Type::String, {"yes\n"});
  give("regions", Type::String, {"north"});
  give("timeout", Type::Integer, {"250"});
  give("buffer", Type::String, {"64MB"});
  give("rate", Type::Other, {}, "an array of integers");
  EXPECT_EQ(
      problems(),
      (Texts{
          "11: [projection.sales.settings] limit: found the number 1.5, expected an integer",
          "12: [projection.sales.settings] currency: found true, expected a string",
          "13: [projection.sales.settings] strict: found \"yes\", expected true or false",
          "14: [projection.sales.settings] regions: found \"north\", expected an array of strings such as [\"a\", "
          "\"b\"]",
          "15: [projection.sales.settings] timeout: found the integer 250, expected a duration such as \"250ms\" (a "
          "whole number and us, ms, s, m, h or d)",
          "16: [projection.sales.settings] buffer: found \"64MB\", expected a size such as \"64MiB\" (a whole number "
          "and B, KiB, MiB or GiB)",
          "17: [projection.sales.settings] rate: found an array of integers, expected a number"}));
}

TEST_F(SettingsCheckTest, ASecretIsNeverShown) {
  declare(spec("timeout", PROJECTOR_SETTING_DURATION, std::nullopt, PROJECTOR_SETTING_SECRET));
  declare(spec("pin", PROJECTOR_SETTING_STRING, std::nullopt, PROJECTOR_SETTING_SECRET));
  declare(spec("code", PROJECTOR_SETTING_STRING, std::nullopt, PROJECTOR_SETTING_SECRET));
  declare(spec("on", PROJECTOR_SETTING_STRING, std::nullopt, PROJECTOR_SETTING_SECRET));
  give("timeout", Type::String, {"hunter2"});
  give("pin", Type::Integer, {"1234"});
  give("code", Type::Number, {"12.5"});
  give("on", Type::Boolean, {"true"});
  EXPECT_EQ(problems(), (Texts{"11: [projection.sales.settings] timeout: found a string, expected a duration such as "
                               "\"250ms\" (a whole number and us, ms, s, m, h or d)",
                               "12: [projection.sales.settings] pin: found an integer, expected a string",
                               "13: [projection.sales.settings] code: found a number, expected a string",
                               "14: [projection.sales.settings] on: found a boolean, expected a string"}));
}

TEST_F(SettingsCheckTest, ANulCharacterIsNotCut) {
  declare(spec("currency", PROJECTOR_SETTING_STRING));
  declare(spec("regions", PROJECTOR_SETTING_STRINGS));
  give("currency", Type::String, {std::string("E\0R", 3)});
  give("regions", Type::StringArray, {"a", std::string("b\0", 2)});
  EXPECT_EQ(
      problems(),
      (Texts{"11: [projection.sales.settings] currency: found text with a NUL character, expected a string",
             "12: [projection.sales.settings] regions: found text with a NUL character, expected an array of strings "
             "such as [\"a\", \"b\"]"}));
}

} // namespace
} // namespace projector::plugin
