#include "plugin/facts_message.hpp"

#include "channel/reader.hpp"

#include <gtest/gtest.h>

namespace projector::plugin {
namespace {

Facts full() {
  Facts facts;
  facts.name = "revenue";
  facts.abi_minor = 1;
  facts.flags = PROJECTOR_PLUGIN_EXTERNAL;
  facts.read_model_version = 7;
  facts.event_types = Facts::Names{"Paid", "Refunded"};
  facts.aggregate_types = Facts::Names{};
  facts.has_setup = facts.has_reset = true;
  facts.settings = {{PROJECTOR_SETTING_STRING, "key", "default", "description", PROJECTOR_SETTING_SECRET},
                    {-1, "", std::nullopt, std::nullopt, 9},
                    {PROJECTOR_SETTING_STRINGS, "list", "", std::nullopt, 0}};
  return facts;
}

TEST(FactsMessage, ComesBackAsItWas) {
  for (const Facts& facts : {full(), Facts{}}) {
    channel::Writer writer;
    write_facts(writer, facts);
    EXPECT_EQ(read_facts(writer.view()), facts);
  }
}

TEST(FactsMessage, OnlyTheWholeIsTaken) {
  channel::Writer writer;
  write_facts(writer, full());
  const std::string whole(writer.view());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(read_facts(std::string_view(whole).substr(0, size)), channel::Malformed) << size;
  }
  EXPECT_THROW(read_facts(whole + '\0'), channel::Malformed);
}

TEST(FactsMessage, NoNumberOfEntriesIsBelieved) {
  channel::Writer writer;
  write_facts(writer, Facts{});
  std::string message(writer.view());
  message.replace(message.size() - 4, 4, "\xff\xff\xff\xff"); // the number of settings
  EXPECT_THROW(read_facts(message), channel::Malformed);
}

} // namespace
} // namespace projector::plugin
