#include "unit/sdk/fake_host.hpp"

#include <projector/plugin.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ContextTest : public testing::Test {
protected:
  ContextTest() {
    config_.struct_size = sizeof config_;
    config_.partition_key = 3;
    config_.total_partitions = 8;
    config_.projection_name = "sales";
    config_.settings = settings_.data();
    config_.n_settings = settings_.size();
  }
  template <class T>
  std::string error_of(std::string_view key) {
    try {
      static_cast<void>(context_.setting<T>(key));
    } catch (const Fatal& error) {
      return error.what();
    }
    return "(none)";
  }

  std::vector<projector_setting> settings_{{"name", "x y"}, {"count", "-5"},    {"share", "0.25"},
                                           {"on", "true"},  {"wait", "250000"}, {"size", "67108864"},
                                           {"tags", "a"},   {"tags", ""},       {"table.key", "deep"}};
  projector_config config_{};
  test::FakeHost host_;
  Context context_{host_.table(), &config_};
};

TEST_F(ContextTest, SaysWhoTheInstanceIs) {
  EXPECT_EQ(context_.projection_name(), "sales");
  EXPECT_EQ(context_.partition(), 3u);
  EXPECT_EQ(context_.total_partitions(), 8u);
  EXPECT_EQ(context_.state_directory(), std::nullopt);
  config_.state_directory = "/var/lib/sales";
  EXPECT_EQ(context_.state_directory(), "/var/lib/sales");
}

TEST_F(ContextTest, SettingsHaveTypes) {
  EXPECT_EQ(context_.setting<std::string>("name"), "x y");
  EXPECT_EQ(context_.setting<std::string_view>("table.key"), "deep");
  EXPECT_EQ(context_.setting<int>("count"), -5);
  EXPECT_EQ(context_.setting<double>("share"), 0.25);
  EXPECT_TRUE(context_.setting<bool>("on"));
  EXPECT_EQ(context_.setting<std::chrono::microseconds>("wait"), std::chrono::milliseconds(250));
  EXPECT_EQ(context_.setting<std::uint64_t>("size"), 64u << 20);
  EXPECT_THAT(context_.setting<std::vector<std::string>>("tags"), ElementsAre("a", ""));
  EXPECT_THAT(context_.setting<std::vector<std::string>>("absent"), IsEmpty());
  EXPECT_EQ(context_.setting<std::optional<int>>("count"), -5);
  EXPECT_EQ(context_.setting<std::optional<int>>("absent"), std::nullopt);
  EXPECT_EQ(context_.find_setting("absent"), std::nullopt);
}

TEST_F(ContextTest, AWrongSettingIsFatal) {
  EXPECT_EQ(error_of<int>("absent"),
            "setting 'absent' is absent: declare it with a default, or read it as std::optional");
  EXPECT_EQ(error_of<bool>("name"), "setting 'name' is not a boolean: declare the type that the plugin reads");
  EXPECT_EQ(error_of<unsigned>("count"),
            "setting 'count' is not a whole number, not negative, that fits: declare the type that the plugin reads");
}

TEST_F(ContextTest, ReachesTheHost) {
  context_.log(LogLevel::Warn, "careful");
  context_.log(LogLevel::Debug, std::string_view());
  ASSERT_EQ(host_.logged.size(), 2u);
  EXPECT_EQ(host_.logged[0], std::make_pair(PROJECTOR_LOG_WARN, std::string("careful")));
  EXPECT_EQ(host_.logged[1], std::make_pair(PROJECTOR_LOG_DEBUG, std::string()));
  EXPECT_FALSE(context_.stopping());
  host_.stopping = true;
  EXPECT_TRUE(context_.stopping());
  EXPECT_EQ(context_.extension("nothing/1"), nullptr);
}

class Early : public Projection {
public:
  static constexpr Descriptor kDescriptor{.name = "early"};
  Early() { static_cast<void>(context()); }
  void handle(Transaction&, const Event&) override {}
};

TEST_F(ContextTest, IsNotThereBeforeItWasPassedOn) {
  static constexpr detail::SettingPointers kNone{};
  static constexpr projector_plugin kPlugin = detail::Bridge<Early>::plugin(Early::kDescriptor, kNone);
  test::PluginObject object(kPlugin, host_, config_);
  EXPECT_EQ(object.created, PROJECTOR_FATAL);
  EXPECT_EQ(object.error.text(),
            "context() in a constructor: take a const projector::Context& and pass it to the base class");
}

TEST(DescriptorTest, BecomesNullTerminatedLists) {
  static constexpr Descriptor kDescriptor{
      .name = "lists",
      .read_model_version = 7,
      .event_types = {"A", "B"},
      .settings = {{.key = "token", .description = "The key to it", .secret = true},
                   {.key = "wait", .type = SettingType::Duration, .default_value = "1s"},
                   {.key = "maybe", .type = SettingType::Integer, .optional = true}}};
  static constexpr auto kSpecs = detail::setting_specs(kDescriptor.settings);
  static constexpr auto kPointers = detail::setting_pointers(kSpecs, kDescriptor.settings.size());
  class Lists : public Projection {
    void handle(Transaction&, const Event&) override {}
  };
  static constexpr projector_plugin kPlugin = detail::Bridge<Lists>::plugin(kDescriptor, kPointers);
  EXPECT_EQ(kPlugin.struct_size, sizeof(projector_plugin));
  EXPECT_EQ(kPlugin.read_model_version, 7u);
  EXPECT_STREQ(kPlugin.event_types[1], "B");
  EXPECT_EQ(kPlugin.event_types[2], nullptr);
  EXPECT_EQ(kPlugin.aggregate_types, nullptr);
  EXPECT_STREQ(kPlugin.settings[0]->key, "token");
  EXPECT_EQ(kPlugin.settings[0]->flags, PROJECTOR_SETTING_SECRET);
  EXPECT_EQ(kPlugin.settings[0]->default_value, nullptr);
  EXPECT_EQ(kPlugin.settings[1]->type, PROJECTOR_SETTING_DURATION);
  EXPECT_STREQ(kPlugin.settings[1]->default_value, "1s");
  EXPECT_EQ(kPlugin.settings[2]->flags, PROJECTOR_SETTING_OPTIONAL);
  EXPECT_EQ(kPlugin.settings[3], nullptr);
}

TEST(DescriptorTest, NamesAreChecked) {
  EXPECT_TRUE(detail::is_plugin_name("a"));
  EXPECT_TRUE(detail::is_plugin_name(std::string(48, 'a').c_str()));
  EXPECT_FALSE(detail::is_plugin_name(std::string(49, 'a').c_str()));
  for (const char* name : {"", "A", "1a", "_a", "a-b", "a.so"}) {
    EXPECT_FALSE(detail::is_plugin_name(name)) << name;
  }
  EXPECT_FALSE(detail::is_plugin_name(nullptr));
}

} // namespace
} // namespace projector
