#include "shipped_plugin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace projector::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ShippedPlugins : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(All, ShippedPlugins,
                         testing::Values("user_counter", "revenue", "activity_log", "external_sample"));
#ifdef WITH_RUST
INSTANTIATE_TEST_SUITE_P(Rust, ShippedPlugins, testing::Values("rust_sample"));
#endif

TEST_P(ShippedPlugins, DescribeThemselves) {
  const Library library(GetParam());
  const projector_plugin& plugin = library.plugin();
  EXPECT_STREQ(plugin.name, GetParam());
  EXPECT_EQ(plugin.struct_size, sizeof(projector_plugin));
  EXPECT_EQ(plugin.abi_minor, PROJECTOR_ABI_MINOR);
  EXPECT_EQ(plugin.read_model_version, 1u);
  EXPECT_STRNE(plugin.description, "");
  EXPECT_EQ(plugin.flags & PROJECTOR_PLUGIN_TABLES_BY_PROJECTION, PROJECTOR_PLUGIN_TABLES_BY_PROJECTION)
      << "several projections can run on it";
  EXPECT_NE(plugin.reset, nullptr) << "each can be rebuilt";
}

TEST(UserCounter, AddsToTheRowOfItsPartition) {
  projector_config config{};
  config.partition_key = 2;
  config.total_partitions = 4;
  const Handled handled = handle_batch("user_counter", {event_at(7), event_at(9)}, config);
  EXPECT_EQ(handled.status, PROJECTOR_OK);
  ASSERT_EQ(handled.statements.size(), 1u);
  EXPECT_THAT(handled.statements[0].sql, StartsWith("INSERT INTO sales_by_partition AS stored"));
  EXPECT_THAT(handled.statements[0].values, ElementsAre(RecordedValue{std::string("\0\0\0\0\0\0\0\2", 8), 20, true},
                                                        RecordedValue{std::string("\0\0\0\0\0\0\0\2", 8), 20, true},
                                                        RecordedValue{std::string("\0\0\0\0\0\0\0\x9", 8), 20, true}));
}

class Revenue : public testing::Test {
protected:
  static Handled handle_payloads(const std::vector<const char*>& payloads, const char* currency = "",
                                 const char* default_currency = "") {
    const std::array<projector_setting, 2> settings{{{"currency", currency}, {"default_currency", default_currency}}};
    projector_config config{};
    config.settings = settings.data();
    config.n_settings = settings.size();
    std::vector<projector_event> events;
    for (const char* const payload : payloads) {
      events.push_back(event_at(static_cast<std::int64_t>(events.size()) + 1, "OrderPlaced", payload));
    }
    return handle_batch("revenue", std::move(events), config);
  }
  static std::string rejection(const char* payload) {
    const Handled handled = handle_payloads({R"({"amount":1,"currency":"EUR"})", payload});
    EXPECT_EQ(handled.status, PROJECTOR_REJECT) << payload;
    EXPECT_EQ(handled.event_index, 1u);
    EXPECT_TRUE(handled.statements.empty());
    return handled.text;
  }
};

TEST_F(Revenue, SendsAmountsAsTheyAreWritten) {
  const Handled handled =
      handle_payloads({R"({"order_id":"1","amount":0.10000000000000000000000001,"currency":"EUR"})",
                       R"({"currency":"USD","amount":"12345678901234567890.10"})",
                       R"({"lines":[{"amount":"x"}],"amount":-5,"currency":"EUR","more":{"amount":{}}})",
                       R"({"amount":123456789012345678901234567890,"currency":"EUR"})"});
  EXPECT_EQ(handled.status, PROJECTOR_OK) << handled.text;
  ASSERT_EQ(handled.statements.size(), 1u);
  EXPECT_THAT(handled.statements[0].sql, StartsWith("INSERT INTO sales_totals AS stored"));
  EXPECT_EQ(handled.statements[0].values.at(1).bytes, R"({"EUR","USD","EUR","EUR"})");
  EXPECT_EQ(handled.statements[0].values.at(2).bytes,
            R"({"0.10000000000000000000000001","12345678901234567890.10","-5","123456789012345678901234567890"})");
}

TEST_F(Revenue, CountsOneCurrencyWhereAskedTo) {
  const std::vector<const char*> payloads{R"({"amount":1,"currency":"EUR"})", R"({"amount":2,"currency":"USD"})"};
  const Handled handled = handle_payloads(payloads, "USD");
  ASSERT_EQ(handled.statements.size(), 1u);
  EXPECT_EQ(handled.statements[0].values.at(2).bytes, R"({"2"})");
  EXPECT_TRUE(handle_payloads(payloads, "CHF").statements.empty());
}

TEST_F(Revenue, TakesTheCurrencyOfAnOrderWithoutOneFromItsSettings) {
  const std::vector<const char*> payloads{R"({"user_id":"7","amount":99.99})", R"({"amount":2,"currency":null})",
                                          R"({"amount":3,"currency":""})", R"({"amount":4,"currency":"USD"})"};
  const Handled handled = handle_payloads(payloads, "", "EUR");
  EXPECT_EQ(handled.status, PROJECTOR_OK) << handled.text;
  ASSERT_EQ(handled.statements.size(), 1u);
  EXPECT_EQ(handled.statements[0].values.at(1).bytes, R"({"EUR","EUR","EUR","USD"})");
  EXPECT_EQ(handled.statements[0].values.at(2).bytes, R"({"99.99","2","3","4"})");
  const Handled filtered = handle_payloads(payloads, "USD", "EUR");
  ASSERT_EQ(filtered.statements.size(), 1u);
  EXPECT_EQ(filtered.statements[0].values.at(2).bytes, R"({"4"})");
}

TEST_F(Revenue, SendsAnAmountWithAnExponentAsItIsWritten) {
  const Handled handled =
      handle_payloads({R"({"amount":1e-07,"currency":"EUR"})", R"({"amount":1.5E+21,"currency":"EUR"})"});
  EXPECT_EQ(handled.status, PROJECTOR_OK) << handled.text;
  ASSERT_EQ(handled.statements.size(), 1u);
  EXPECT_EQ(handled.statements[0].values.at(2).bytes, R"({"1e-07","1.5E+21"})");
}

TEST_F(Revenue, RefusesSettingsThatAreNoCurrency) {
  for (const auto& [currency, default_currency, key] :
       {std::tuple{"eur", "", "currency"}, {"", "EURO", "default_currency"}}) {
    const std::array<projector_setting, 2> settings{{{"currency", currency}, {"default_currency", default_currency}}};
    projector_config config{};
    config.settings = settings.data();
    config.n_settings = settings.size();
    const Library library("revenue");
    FakeHost host;
    const PluginObject object(library.plugin(), host, config);
    EXPECT_EQ(object.created, PROJECTOR_FATAL);
    EXPECT_EQ(object.error.text(), std::string("setting '") + key + "' is '" + currency + default_currency +
                                       "', expected three capital letters such as EUR, or nothing");
  }
}

TEST_F(Revenue, RejectsWhatIsNoOrder) {
  EXPECT_THAT(rejection("{\"amount\":"),
              StartsWith("the payload is not valid JSON: parse error at line 1, column 11: "));
  EXPECT_EQ(rejection("[]"), "the payload is not a JSON object");
  EXPECT_EQ(rejection(R"({"currency":"EUR"})"), "the payload has no 'amount'");
  for (const char* payload : {R"({"amount":1})", R"({"amount":1,"currency":null})", R"({"amount":1,"currency":""})"}) {
    EXPECT_EQ(rejection(payload),
              "the payload has no 'currency': set default_currency in the projection's settings to the currency of "
              "such orders");
  }
  EXPECT_EQ(rejection(R"({"amount":null,"currency":"EUR"})"),
            "'amount' is null, expected a number or a string such as \"12.34\"");
  EXPECT_EQ(rejection(R"({"amount":1,"currency":["EUR"]})"),
            "'currency' is an array, expected a string such as \"EUR\"");
  EXPECT_EQ(rejection(R"({"amount":1e100,"currency":"EUR"})"),
            "'amount' is '1e100', expected a decimal number such as 12.34, with an exponent of at most two digits");
  for (const char* amount : {"", "-", ".5", "5.", "1,50", "+1", " 1", "NaN", "0x10", "1.2.3", "1e", "1e+", "1e1.5"}) {
    EXPECT_THAT(rejection(("{\"currency\":\"EUR\",\"amount\":\"" + std::string(amount) + "\"}").c_str()),
                HasSubstr("expected a decimal number"));
  }
  EXPECT_EQ(rejection(("{\"currency\":\"EUR\",\"amount\":\"" + std::string(65, '1') + "\"}").c_str()),
            "'amount' has 65 characters, expected at most 64");
  EXPECT_EQ(rejection(R"({"amount":1,"currency":"eur"})"),
            "'currency' is 'eur', expected three capital letters such as EUR");
}

TEST(ActivityLog, SendsABatchAsColumns) {
  projector_event first = event_at(7, "A \"quoted\" type");
  first.trace_id = test::str("");
  const Handled handled = handle_batch("activity_log", {first, event_at(8)});
  EXPECT_EQ(handled.status, PROJECTOR_OK);
  ASSERT_EQ(handled.statements.size(), 1u);
  const auto& values = handled.statements[0].values;
  ASSERT_EQ(values.size(), 10u);
  EXPECT_EQ(values[0].bytes, "{7,8}");
  EXPECT_EQ(values[1].bytes, R"({"2024-02-29 12:34:56.000001+00","2024-02-29 12:34:56.000001+00"})");
  EXPECT_EQ(values[2].bytes, "{00000000-0000-0000-0000-000000000007,00000000-0000-0000-0000-000000000008}");
  EXPECT_EQ(values[6].bytes, R"({"A \"quoted\" type","Happened"})");
  EXPECT_EQ(values[7].bytes, R"({"",NULL})");
}

class ExternalSample : public testing::Test {
protected:
  ExternalSample() {
    std::string path = testing::TempDir() + "external_sample_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      throw std::runtime_error("cannot make a directory in " + testing::TempDir());
    }
    directory_ = path;
  }
  ~ExternalSample() override { std::filesystem::remove_all(directory_); }

  /// A new instance, as after a restart.
  std::unique_ptr<PluginObject> start() {
    projector_config config{};
    config.state_directory = directory_.c_str();
    return std::make_unique<PluginObject>(library_.plugin(), host_, config);
  }
  [[nodiscard]] std::filesystem::path file() const { return directory_ / "events_p0_of_1.jsonl"; }
  [[nodiscard]] std::string content() const {
    std::ostringstream text;
    text << std::ifstream(file()).rdbuf();
    return text.str();
  }
  static projector_status handle(PluginObject& object, std::vector<projector_event> events) {
    EventBatch batch(std::move(events));
    return object.handle(batch);
  }
  static std::string line(int position) {
    return "{\"global_position\":" + std::to_string(position) +
           ",\"event_type\":\"Happened\",\"aggregate_id\":\"a-1\",\"payload\":\"{}\"}\n";
  }

  Library library_{"external_sample"};
  FakeHost host_;
  std::filesystem::path directory_;
};

TEST_F(ExternalSample, WritesEachEventOnceAcrossRestarts) {
  EXPECT_EQ(handle(*start(), {event_at(1), event_at(3)}), PROJECTOR_OK);
  const auto object = start();
  EXPECT_EQ(handle(*object, {event_at(1), event_at(3), event_at(4)}), PROJECTOR_OK);
  EXPECT_EQ(handle(*object, {event_at(4)}), PROJECTOR_OK);
  EXPECT_EQ(content(), line(1) + line(3) + line(4));
}

TEST_F(ExternalSample, CutsATornLineOff) {
  std::ofstream(file()) << line(1) << std::string(10000, 'x');
  EXPECT_EQ(handle(*start(), {event_at(1), event_at(2)}), PROJECTOR_OK);
  EXPECT_EQ(content(), line(1) + line(2));
  std::ofstream(file()) << "{\"torn";
  EXPECT_EQ(handle(*start(), {event_at(1)}), PROJECTOR_OK);
  EXPECT_EQ(content(), line(1));
}

TEST_F(ExternalSample, RefusesAFileThatIsNotItsOwn) {
  std::ofstream(file()) << "somebody's notes\n";
  const auto object = start();
  EXPECT_EQ(object->created, PROJECTOR_FATAL);
  EXPECT_EQ(object->error.text(), "the last line of " + file().string() +
                                      " is not one of ours, with a global_position: mend it or move the file away");
}

TEST_F(ExternalSample, NeedsAStateDirectory) {
  PluginObject object(library_.plugin(), host_, {});
  EXPECT_EQ(object.created, PROJECTOR_FATAL);
  EXPECT_EQ(object.error.text(), "no state directory: set plugins.state in the configuration");
}

TEST_F(ExternalSample, WritesBinaryPayloadsInBase64) {
  const std::vector<std::pair<std::string_view, std::string>> payloads{
      {"\xFF", "/w=="},
      {"\xFF\xFE", "//4="},
      {"\xFF\xFE\xFD", "//79"},
      {std::string_view("\xFF\0\x10\x83", 4), "/wAQgw=="}};
  const auto object = start();
  std::string expected;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    ASSERT_EQ(handle(*object, {event_at(static_cast<std::int64_t>(i) + 1, "B", payloads[i].first)}), PROJECTOR_OK);
    expected += "{\"global_position\":" + std::to_string(i + 1) +
                R"(,"event_type":"B","aggregate_id":"a-1","payload_base64":")" + payloads[i].second + "\"}\n";
  }
  EXPECT_EQ(content(), expected);
}

TEST_F(ExternalSample, ResetEmptiesAllPartitions) {
  const auto object = start();
  EXPECT_EQ(handle(*object, {event_at(5)}), PROJECTOR_OK);
  std::ofstream(directory_ / "events_p1_of_2.jsonl") << line(1);
  std::ofstream(directory_ / "notes.txt") << "mine";
  EXPECT_EQ(object->reset(), PROJECTOR_OK);
  EXPECT_EQ(content(), "");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "events_p1_of_2.jsonl"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "notes.txt"));
  EXPECT_EQ(handle(*object, {event_at(1)}), PROJECTOR_OK);
  EXPECT_EQ(content(), line(1));
}

} // namespace
} // namespace projector::test
