#include "runner/descriptor.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace projector::runner {
namespace {

using plugin::Facts;
using plugin::judge;
using plugin::SettingSpec;

projector_status create(const projector_host*, const projector_config*, void**, projector_error*) {
  return PROJECTOR_OK;
}
void destroy(void*) {}
projector_status handle(void*, projector_tx*, const projector_batch*, projector_error*) {
  return PROJECTOR_OK;
}

projector_plugin good() {
  projector_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.name = "revenue";
  plugin.version = "1";
  plugin.description = "";
  plugin.create = &create;
  plugin.destroy = &destroy;
  plugin.handle = &handle;
  return plugin;
}

projector_setting_spec setting(const char* key, std::int32_t type = PROJECTOR_SETTING_STRING) {
  return {sizeof(projector_setting_spec), type, key, nullptr, "a setting", 0, 0};
}

/// The reason without its beginning; empty if the descriptor is accepted.
std::string refusal(const projector_plugin& plugin) {
  const DescriptorResult read = read_descriptor(plugin);
  EXPECT_NE(read.descriptor.has_value(), read.refusal.has_value());
  const auto found = read.refusal ? read.refusal : judge(read.descriptor->facts, "revenue");
  const std::string beginning = "has a bad descriptor: ";
  if (!found) {
    return "";
  }
  EXPECT_FALSE(found->incomplete);
  return found->reason.compare(0, beginning.size(), beginning) == 0 ? found->reason.substr(beginning.size())
                                                                    : found->reason;
}

std::string refusal(const std::function<void(projector_plugin&)>& change) {
  projector_plugin plugin = good();
  change(plugin);
  return refusal(plugin);
}

std::string setting_refusal(const projector_setting_spec& spec) {
  const projector_setting_spec* const list[] = {&spec, nullptr};
  return refusal([&](projector_plugin& plugin) { plugin.settings = list; });
}

TEST(Descriptor, AGoodOneIsCopied) {
  projector_plugin plugin = good();
  const char* const types[] = {"a", "b", nullptr};
  const projector_setting_spec spec = setting("limit", PROJECTOR_SETTING_INTEGER);
  projector_setting_spec other = setting("token");
  other.default_value = "";
  other.description = nullptr;
  other.flags = PROJECTOR_SETTING_SECRET;
  const projector_setting_spec* const settings[] = {&spec, &other, nullptr};
  plugin.abi_minor = 3;
  plugin.flags = PROJECTOR_PLUGIN_EXTERNAL;
  plugin.read_model_version = 7;
  plugin.description = "sums";
  plugin.event_types = types;
  plugin.settings = settings;
  plugin.finished = [](void*, std::int32_t) {};
  const DescriptorResult read = read_descriptor(plugin);
  ASSERT_TRUE(read.descriptor);
  EXPECT_EQ(std::memcmp(&read.descriptor->plugin, &plugin, sizeof plugin), 0);
  Facts expected;
  expected.name = "revenue";
  expected.version = "1";
  expected.description = "sums";
  expected.abi_minor = 3;
  expected.flags = PROJECTOR_PLUGIN_EXTERNAL;
  expected.read_model_version = 7;
  expected.event_types = {"a", "b"};
  expected.settings = {{PROJECTOR_SETTING_INTEGER, "limit", std::nullopt, "a setting", 0},
                       {PROJECTOR_SETTING_STRING, "token", "", std::nullopt, PROJECTOR_SETTING_SECRET}};
  expected.has_finished = true;
  EXPECT_EQ(read.descriptor->facts, expected);
}

TEST(Descriptor, WhichOptionalFunctionsItHas) {
  projector_plugin plugin = good();
  const auto change = [](void*, projector_tx*, projector_error*) -> projector_status { return PROJECTOR_OK; };
  plugin.setup = change;
  plugin.reset = change;
  const Facts one = read_descriptor(plugin).descriptor.value().facts;
  EXPECT_TRUE(one.has_setup && one.has_reset);
  EXPECT_FALSE(one.has_finished || one.has_get_extension);
  plugin = good();
  plugin.get_extension = [](void*, const char*) -> const void* { return nullptr; };
  const Facts other = read_descriptor(plugin).descriptor.value().facts;
  EXPECT_TRUE(other.has_get_extension);
  EXPECT_FALSE(other.has_setup || other.has_reset || other.has_finished);
}

TEST(Descriptor, ALaterMinorsLongerOneIsCutToWhatThisHostKnows) {
  struct Longer {
    projector_plugin plugin;
    std::uint64_t later;
  } longer = {good(), 1};
  longer.plugin.struct_size = sizeof longer;
  longer.plugin.abi_minor = 3;
  const DescriptorResult read = read_descriptor(longer.plugin);
  ASSERT_TRUE(read.descriptor);
  EXPECT_EQ(read.descriptor->plugin.struct_size, sizeof(projector_plugin));
  EXPECT_EQ(read.descriptor->facts.abi_minor, 3U);
}

TEST(Descriptor, NothingOfOneThatNeedsANewerHostIsRead) {
  projector_plugin plugin = good();
  plugin.abi_minor = plugin.min_host_minor = 2;
  plugin.reserved = 5;
  plugin.name = nullptr;
  EXPECT_EQ(refusal(plugin), "needs a host of plugin interface 1.2, this is 1.1: upgrade projectord");
}

TEST(Descriptor, TextsAreReadNoFurtherThanOneByteBehindTheLimit) {
  const std::string endless(1U << 20, 'x');
  projector_plugin plugin = good();
  plugin.name = plugin.version = endless.c_str();
  const Facts facts = read_descriptor(plugin).descriptor.value().facts;
  EXPECT_EQ(facts.name.size(), 4097U);
  EXPECT_EQ(facts.version.size(), 4097U);
}

TEST(Descriptor, EntriesBehindTheLimitAreNoPointers) {
  std::vector<const char*> names(4096, "a");
  names.push_back(reinterpret_cast<const char*>(8)); // what lies behind a list without its NULL
  const projector_setting_spec spec = setting("a");
  std::vector<const projector_setting_spec*> settings(4096, &spec);
  settings.push_back(reinterpret_cast<const projector_setting_spec*>(8));
  projector_plugin plugin = good();
  plugin.event_types = names.data();
  plugin.settings = settings.data();
  const Facts facts = read_descriptor(plugin).descriptor.value().facts;
  EXPECT_EQ(facts.event_types->size(), 4097U);
  EXPECT_EQ(facts.settings.size(), 4097U);
}

TEST(Descriptor, SizesAndVersions) {
  const std::string range = std::to_string(sizeof(projector_plugin)) + " to 65536: set it to sizeof(projector_plugin)";
  const std::uint32_t less = sizeof(projector_plugin) - 1;
  EXPECT_EQ(refusal([=](projector_plugin& p) { p.struct_size = less; }),
            "struct_size is " + std::to_string(less) + ", expected " + range);
  EXPECT_EQ(refusal([](projector_plugin& p) { p.struct_size = 65537; }), "struct_size is 65537, expected " + range);
  EXPECT_EQ(refusal([](projector_plugin& p) { p.min_host_minor = p.abi_minor = 2; }),
            "needs a host of plugin interface 1.2, this is 1.1: upgrade projectord");
}

TEST(Descriptor, Head) {
  EXPECT_EQ(refusal([](projector_plugin& p) { p.flags = 7; }),
            "flags are 0x7, of which this host knows 0x3 only: clear the others, or upgrade projectord");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.flags = PROJECTOR_PLUGIN_EXTERNAL; }), "");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION; }), "");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.reserved = 5; }), "reserved is 5, expected 0");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.name = nullptr; }), "name is NULL, expected a text");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.version = nullptr; }), "version is NULL, expected a text");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.description = nullptr; }), "description is NULL, expected a text");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.name = "Rev\n\xff"; }),
            "the name is \"Rev \xEF\xBF\xBD\", expected [a-z][a-z0-9_]* of at most 48 characters");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.name = "revenues"; }),
            "the name is \"revenues\", expected \"revenue\" as the file is called: rename the file to revenues.so");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.create = nullptr; }), "create is NULL, expected a function");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.destroy = nullptr; }), "destroy is NULL, expected a function");
  EXPECT_EQ(refusal([](projector_plugin& p) { p.handle = nullptr; }), "handle is NULL, expected a function");
  const std::string long_text(4097, 'x');
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.version = long_text.c_str(); }),
            "version or description is longer than 4096 bytes");
}

TEST(Descriptor, FilterLists) {
  const char* const empty[] = {nullptr};
  const char* const blank[] = {"a", "", nullptr};
  const char* const fine[] = {"a", "b", nullptr};
  const std::vector<const char*> endless(4098, "a");
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.event_types = p.aggregate_types = p.bounded_contexts = fine; }), "");
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.event_types = empty; }),
            "event_types is an empty list, which no event matches: use NULL for every event");
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.aggregate_types = blank; }),
            "aggregate_types[1] is empty, expected a name of at most 4096 bytes");
  const char* const latin1[] = {"a", "caf\xe9", nullptr};
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.event_types = latin1; }),
            "event_types[1] is not UTF-8 text, expected a name of at most 4096 bytes");
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.bounded_contexts = endless.data(); }),
            "bounded_contexts has more than 4096 entries: is its NULL at the end missing?");
}

TEST(Descriptor, SettingDeclarations) {
  projector_setting_spec spec = setting("timeout.connect_2");
  EXPECT_EQ(setting_refusal(spec), "");
  spec.struct_size = 8;
  EXPECT_EQ(setting_refusal(spec),
            "settings[0] has struct_size 8, expected " + std::to_string(sizeof(projector_setting_spec)) + " to 65536");
  EXPECT_EQ(setting_refusal(setting(nullptr)), "settings[0] has no key");
  for (const char* bad : {"", "Key", "1st", "a-b", ".a", "a.", "a..b"}) {
    EXPECT_EQ(setting_refusal(setting(bad)), "settings[0] has the key \"" + std::string(bad) +
                                                 "\", expected [a-z][a-z0-9_.]* of at most 128 characters");
  }
  EXPECT_EQ(setting_refusal(setting("a", 0)),
            "setting a has type 0, expected PROJECTOR_SETTING_STRING (1) to _SIZE (7)");
  spec = setting("a");
  spec.flags = 12;
  EXPECT_EQ(setting_refusal(spec), "setting a has flags 0xc, of which this host knows 0x3 only");
  spec = setting("a");
  spec.reserved = 1;
  EXPECT_EQ(setting_refusal(spec), "setting a has reserved 1, expected 0");
  const projector_setting_spec first = setting("a");
  const projector_setting_spec second = setting("a", PROJECTOR_SETTING_SIZE);
  const projector_setting_spec* const twice[] = {&first, &second, nullptr};
  EXPECT_EQ(refusal([&](projector_plugin& p) { p.settings = twice; }), "settings declares a twice");
}

TEST(Descriptor, Defaults) {
  const auto with_default = [](std::int32_t type, const char* value, std::uint32_t flags = 0) {
    projector_setting_spec spec = setting("a", type);
    spec.default_value = value;
    spec.flags = flags;
    return setting_refusal(spec);
  };
  EXPECT_EQ(with_default(PROJECTOR_SETTING_STRING, "anything"), "");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_INTEGER, "-9223372036854775808"), "");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_INTEGER, "9223372036854775808"),
            "the default of setting a is \"9223372036854775808\", expected an integer");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_INTEGER, "12x"), "the default of setting a is \"12x\", expected an integer");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_INTEGER, ""), "the default of setting a is \"\", expected an integer");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_NUMBER, "2.5e3"), "");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_NUMBER, "2,5"), "the default of setting a is \"2,5\", expected a number");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_BOOLEAN, "true"), "");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_BOOLEAN, "yes"),
            "the default of setting a is \"yes\", expected true or false");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_STRINGS, ""), "");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_STRINGS, "a"), "the default of setting a is \"a\", expected NULL or \"\"");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_DURATION, "250ms"), "");
  EXPECT_EQ(
      with_default(PROJECTOR_SETTING_DURATION, "250"),
      "the default of setting a is \"250\", expected a duration such as \"250ms\" (a whole number and us, ms, s, m, h "
      "or d)");
  EXPECT_EQ(with_default(PROJECTOR_SETTING_SIZE, "64MiB"), "");
  EXPECT_EQ(
      with_default(PROJECTOR_SETTING_SIZE, "64MB", PROJECTOR_SETTING_SECRET),
      "the default of setting a is no such value, expected a size such as \"64MiB\" (a whole number and B, KiB, MiB or "
      "GiB)");
}

} // namespace
} // namespace projector::runner
