#include "plugin/facts_message.hpp"

namespace projector::plugin {

channel::Facts to_message(const Facts& facts) {
  channel::Facts message;
  message.name = facts.name;
  message.version = facts.version;
  message.description = facts.description;
  message.abi_minor = facts.abi_minor;
  message.min_host_minor = facts.min_host_minor;
  message.flags = facts.flags;
  message.read_model_version = facts.read_model_version;
  message.event_types = facts.event_types;
  message.aggregate_types = facts.aggregate_types;
  message.bounded_contexts = facts.bounded_contexts;
  for (const SettingSpec& spec : facts.settings) {
    channel::Facts::Setting setting;
    setting.type = spec.type;
    setting.flags = spec.flags;
    setting.key = spec.key;
    setting.default_value = spec.default_value;
    setting.description = spec.description;
    message.settings.push_back(std::move(setting));
  }
  const auto function = [&](bool has, std::uint32_t bit) { message.functions |= has ? bit : 0; };
  function(facts.has_setup, channel::Facts::kSetup);
  function(facts.has_finished, channel::Facts::kFinished);
  function(facts.has_reset, channel::Facts::kReset);
  function(facts.has_get_extension, channel::Facts::kGetExtension);
  return message;
}

Facts from_message(const channel::Facts& message) {
  Facts facts;
  facts.name = message.name.value_or("");
  facts.version = message.version.value_or("");
  facts.description = message.description.value_or("");
  facts.abi_minor = message.abi_minor;
  facts.min_host_minor = message.min_host_minor;
  facts.flags = message.flags;
  facts.read_model_version = message.read_model_version;
  facts.event_types = message.event_types;
  facts.aggregate_types = message.aggregate_types;
  facts.bounded_contexts = message.bounded_contexts;
  for (const auto& setting : message.settings) {
    facts.settings.push_back({.type = setting.type,
                              .key = setting.key.value_or(""),
                              .default_value = setting.default_value,
                              .description = setting.description,
                              .flags = setting.flags});
  }
  const auto has = [&](std::uint32_t bit) { return (message.functions & bit) != 0; };
  facts.has_setup = has(channel::Facts::kSetup);
  facts.has_finished = has(channel::Facts::kFinished);
  facts.has_reset = has(channel::Facts::kReset);
  facts.has_get_extension = has(channel::Facts::kGetExtension);
  return facts;
}

} // namespace projector::plugin
