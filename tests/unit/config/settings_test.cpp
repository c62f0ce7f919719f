#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using Type = Setting::Type;
using testing::ElementsAre;

struct SettingCase {
  const char* name;
  const char* value; ///< as written
  Type type;
  std::vector<std::string> values;
  const char* found;
};

class SettingTypes : public testing::TestWithParam<SettingCase> {};

TEST_P(SettingTypes, AreKeptWithThePlace) {
  Sources sources;
  sources.environment("PROJECTORD_DSN", "dbname=app");
  sources.main(std::string("[projection.a.settings]\nkey = ") + GetParam().value + "\n");
  const Configuration configuration = sources.configuration();
  ASSERT_EQ(configuration.projections.count("a"), 1u);
  const auto& settings = configuration.projections.at("a").settings;
  ASSERT_EQ(settings.size(), 1u);
  EXPECT_EQ(settings[0].key, "key");
  EXPECT_EQ(settings[0].type, GetParam().type);
  EXPECT_EQ(settings[0].values, GetParam().values);
  EXPECT_EQ(settings[0].found, GetParam().found);
  EXPECT_EQ(settings[0].where, (Location{sources.path("main.toml").string(), 2, 7}));
}

INSTANTIATE_TEST_SUITE_P(
    Toml, SettingTypes,
    testing::Values(SettingCase{"Text", "\"EUR\"", Type::String, {"EUR"}, ""},
                    SettingCase{"EmptyText", "\"\"", Type::String, {""}, ""},
                    SettingCase{"TextOfManyLines", "'''a\nb'''", Type::String, {"a\nb"}, ""},
                    SettingCase{"Unicode", "\"\\u20ac\"", Type::String, {"\xe2\x82\xac"}, ""},
                    SettingCase{"Integer", "-42", Type::Integer, {"-42"}, ""},
                    SettingCase{"Hexadecimal", "0xFF", Type::Integer, {"255"}, ""},
                    SettingCase{
                        "LargestInteger", "9_223_372_036_854_775_807", Type::Integer, {"9223372036854775807"}, ""},
                    SettingCase{"Number", "0.1", Type::Number, {"0.1"}, ""},
                    SettingCase{"WholeNumber", "2.0", Type::Number, {"2"}, ""},
                    SettingCase{"SmallNumber", "1e-7", Type::Number, {"1e-07"}, ""},
                    SettingCase{"Infinity", "-inf", Type::Number, {"-inf"}, ""},
                    SettingCase{"True", "true", Type::Boolean, {"true"}, ""},
                    SettingCase{"False", "false", Type::Boolean, {"false"}, ""},
                    SettingCase{"Texts", "[\"a\", \"b\", \"a\"]", Type::StringArray, {"a", "b", "a"}, ""},
                    SettingCase{"EmptyArray", "[]", Type::StringArray, {}, ""},
                    SettingCase{"Integers", "[1, 2]", Type::Other, {}, "an array of integers"},
                    SettingCase{"Numbers", "[1.5]", Type::Other, {}, "an array of numbers"},
                    SettingCase{"Booleans", "[true]", Type::Other, {}, "an array of booleans"},
                    SettingCase{"Mixed", "[\"a\", 2]", Type::Other, {}, "an array of different types"},
                    SettingCase{"Arrays", "[[\"a\"]]", Type::Other, {}, "an array of arrays"},
                    SettingCase{"Tables", "[{a = 1}]", Type::Other, {}, "an array of tables"},
                    SettingCase{"Date", "2024-02-29", Type::Other, {}, "a date"},
                    SettingCase{"Time", "12:30:00", Type::Other, {}, "a time"},
                    SettingCase{"DateAndTime", "2024-02-29T12:30:00Z", Type::Other, {}, "a date and time"},
                    SettingCase{"Dates", "[2024-02-29]", Type::Other, {}, "an array of dates"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Settings, SubTablesGiveDottedKeysSorted) {
  const Configuration configuration = Sources()
                                          .environment("PROJECTORD_DSN", "dbname=app")
                                          .main(R"(
[projection.a.settings]
z = 1
http.port = 80
tls = { key = "k", deep = { er = true } }
[projection.a.settings.http.proxy]
host = "h"
)")
                                          .configuration();
  std::vector<std::string> keys;
  for (const Setting& setting : configuration.projections.at("a").settings) {
    keys.push_back(setting.key);
  }
  EXPECT_THAT(keys, ElementsAre("http.port", "http.proxy.host", "tls.deep.er", "tls.key", "z"));
}

TEST(Settings, KeysHaveALimit) {
  Sources sources;
  sources.environment("PROJECTORD_DSN", "dbname=app");
  sources.main("[projection.a.settings]\n" + std::string(200, 'k') + " = 1\n");
  EXPECT_EQ(sources.configuration().projections.at("a").settings.size(), 1u);
  sources.main("[projection.a.settings]\n" + std::string(201, 'k') + " = 1\n\"\" = 2\n");
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("main.toml:2:1: projection.a.settings: found the key \"" + std::string(60, 'k') +
                              "..\", expected 1 to 200 bytes without a NUL",
                          "main.toml:3:1: projection.a.settings: found the key \"\", expected 1 to 200 bytes without a "
                          "NUL"));
}

TEST(Settings, TheirNumberHasALimit) {
  std::string text = "[projection.a.settings]\n";
  for (int i = 0; i <= 1000; ++i) {
    text += "key" + std::to_string(i) + " = 1\n";
  }
  EXPECT_THAT(Sources().environment("PROJECTORD_DSN", "dbname=app").main(text).main_problems(),
              ElementsAre("main.toml:1:1: projection.a.settings: found 1001 settings, expected at most 1000"));
}

TEST(Settings, TheirValuesAreInNoMessage) {
  Sources sources;
  sources.environment("PROJECTORD_DSN", "dbname=app");
  sources.main("[projection.a.settings]\nsecret = \"hunter2\\u0000\"\n\"x.y\" = \"hunter2\"\nx.y = \"hunter2\"\n"
               "[projection.b]\nsettings = \"hunter2\"\n");
  EXPECT_THAT(
      sources.main_problems(),
      ElementsAre("main.toml:2:10: projection.a.settings: found a NUL character in the value of \"secret\", "
                  "expected text without one",
                  "main.toml:4:7: projection.a.settings: found \"x.y\" twice, expected it once; the other is at "
                  "main.toml:3:9",
                  "main.toml:6:12: projection.b.settings: found a string, expected a table "
                  "[projection.b.settings]"));
}

} // namespace
} // namespace projector::config::test
