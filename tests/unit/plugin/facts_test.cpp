#include "plugin/facts.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace projector::plugin {
namespace {

using namespace std::string_literals;

Facts good() {
  Facts facts;
  facts.name = "revenue";
  facts.version = "1";
  return facts;
}

/// The reason without its beginning; empty if the facts are accepted.
std::string refusal(const std::function<void(Facts&)>& change) {
  Facts facts = good();
  change(facts);
  const auto found = judge(facts, "revenue");
  const std::string beginning = "has a bad descriptor: ";
  if (!found) {
    return "";
  }
  EXPECT_FALSE(found->incomplete);
  return found->reason.compare(0, beginning.size(), beginning) == 0 ? found->reason.substr(beginning.size())
                                                                    : found->reason;
}

std::string setting_refusal(const SettingSpec& spec) {
  return refusal([&](Facts& facts) { facts.settings = {spec}; });
}

SettingSpec setting(const std::string& key, std::int32_t type = PROJECTOR_SETTING_STRING) {
  return {type, key, std::nullopt, std::nullopt, 0};
}

const std::string kMebibyte(1U << 20, 'x');

// No library can be read as these facts: they can only come from elsewhere.

TEST(Facts, AreGoodAtTheLimits) {
  EXPECT_EQ(refusal([](Facts& facts) {
              facts.name = "revenue";
              facts.description = std::string(4096, 'x');
              facts.event_types = Facts::Names(4096, std::string(4096, 'x'));
              for (int i = 0; i < 4096; ++i) {
                facts.settings.push_back(setting("key" + std::to_string(i)));
              }
            }),
            "");
}

TEST(Facts, NamesWithANul) {
  EXPECT_EQ(refusal([](Facts& facts) { facts.name = "revenue\0"s; }),
            "the name is \"revenue\", expected [a-z][a-z0-9_]* of at most 48 characters");
  EXPECT_EQ(setting_refusal(setting("a\0b"s)),
            "settings[0] has the key \"a b\", expected [a-z][a-z0-9_.]* of at most 128 characters");
  EXPECT_EQ(refusal([](Facts& facts) {
              facts.aggregate_types = {"a", "b\0c"s};
            }),
            "aggregate_types[1] is not UTF-8 text, expected a name of at most 4096 bytes");
}

TEST(Facts, TextsWithANul) {
  EXPECT_EQ(refusal([](Facts& facts) { facts.version = "1\0"s; }), "version or description has a NUL character");
  EXPECT_EQ(refusal([](Facts& facts) { facts.description = "\0"s; }), "version or description has a NUL character");
  SettingSpec spec = setting("a");
  spec.description = "\0"s;
  EXPECT_EQ(setting_refusal(spec), "the description of setting a has a NUL character");
  spec = setting("a");
  spec.default_value = "EUR\0"s;
  EXPECT_EQ(setting_refusal(spec), "the default of setting a has a NUL character");
}

TEST(Facts, EmptyOnes) {
  const auto found = judge({}, "revenue");
  EXPECT_EQ(found.value().reason,
            "has a bad descriptor: the name is \"\", expected [a-z][a-z0-9_]* of at most 48 characters");
  EXPECT_TRUE(judge({}, ""));
  EXPECT_EQ(refusal([](Facts& facts) { facts.bounded_contexts = Facts::Names(); }),
            "bounded_contexts is an empty list, which no event matches: use NULL for every event");
  EXPECT_EQ(refusal([](Facts& facts) { facts.settings.emplace_back(); }),
            "settings[0] has the key \"\", expected [a-z][a-z0-9_.]* of at most 128 characters");
}

TEST(Facts, TextsOfAMebibyte) {
  const std::string refused_name = refusal([](Facts& facts) { facts.name = kMebibyte; });
  EXPECT_LT(refused_name.size(), 200U) << "a reason stays short";
  EXPECT_EQ(refused_name.find("the name is \"xxx"), 0U) << refused_name;
  EXPECT_EQ(refusal([](Facts& facts) { facts.version = kMebibyte; }),
            "version or description is longer than 4096 bytes");
  EXPECT_EQ(refusal([](Facts& facts) { facts.description = kMebibyte; }),
            "version or description is longer than 4096 bytes");
  EXPECT_EQ(refusal([](Facts& facts) { facts.event_types = {kMebibyte}; }),
            "event_types[0] is too long, expected a name of at most 4096 bytes");
  EXPECT_LT(setting_refusal(setting(kMebibyte)).size(), 200U);
  SettingSpec spec = setting("a");
  spec.description = kMebibyte;
  EXPECT_EQ(setting_refusal(spec), "the description of setting a is longer than 4096 bytes");
  spec = setting("a");
  spec.default_value = kMebibyte;
  EXPECT_EQ(setting_refusal(spec), "the default of setting a is longer than 4096 bytes");
}

TEST(Facts, ListsOfTenThousandEntries) {
  EXPECT_EQ(refusal([](Facts& facts) {
              for (int i = 0; i < 10000; ++i) {
                facts.settings.push_back(setting("key" + std::to_string(i)));
              }
            }),
            "settings has more than 4096 entries: is its NULL at the end missing?");
  EXPECT_EQ(refusal([](Facts& facts) { facts.bounded_contexts = Facts::Names(10000, "a"); }),
            "bounded_contexts has more than 4096 entries: is its NULL at the end missing?");
}

TEST(Facts, TypesAndFlagsThatDoNotExist) {
  for (const std::int32_t type : {-1, 0, 8, INT32_MIN, INT32_MAX}) {
    EXPECT_EQ(setting_refusal(setting("a", type)),
              "setting a has type " + std::to_string(type) + ", expected PROJECTOR_SETTING_STRING (1) to _SIZE (7)");
  }
  SettingSpec spec = setting("a");
  spec.flags = UINT32_MAX;
  EXPECT_EQ(setting_refusal(spec), "setting a has flags 0xffffffff, of which this host knows 0x3 only");
  EXPECT_EQ(refusal([](Facts& facts) { facts.flags = UINT32_MAX; }),
            "flags are 0xffffffff, of which this host knows 0x3 only: clear the others, or upgrade projectord");
}

TEST(Facts, Versions) {
  EXPECT_EQ(refusal([](Facts& facts) { facts.min_host_minor = UINT32_MAX; }),
            "needs a host of plugin interface 1.4294967295, this is 1.1: upgrade projectord");
  EXPECT_EQ(refusal([](Facts& facts) { facts.abi_minor = facts.read_model_version = UINT32_MAX; }), "");
}

TEST(Facts, ANameThatIsTheFilesButNoPluginsIsRefused) {
  for (const std::string& name : {"../revenue"s, std::string(49, 'a')}) {
    Facts facts = good();
    facts.name = name;
    EXPECT_TRUE(judge(facts, name)) << name;
  }
}

TEST(Facts, ASecretsDefaultIsNotShown) {
  SettingSpec spec = setting("a", PROJECTOR_SETTING_INTEGER);
  spec.flags = PROJECTOR_SETTING_SECRET;
  spec.default_value = "hunter2";
  EXPECT_EQ(setting_refusal(spec), "the default of setting a is no such value, expected an integer");
}

} // namespace
} // namespace projector::plugin
