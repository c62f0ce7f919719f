#include "plugin/facts_message.hpp"

#include "channel/reader.hpp"

namespace projector::plugin {
namespace {

using channel::Reader;
using channel::Writer;

void write_names(Writer& writer, const std::optional<Facts::Names>& names) {
  writer.flag(names.has_value());
  if (!names) {
    return;
  }
  writer.u32(static_cast<std::uint32_t>(names->size()));
  for (const auto& name : *names) {
    writer.text(name);
  }
}

std::optional<Facts::Names> read_names(Reader& reader, const char* what) {
  constexpr std::size_t kLeastText = 5;
  if (!reader.flag(what)) {
    return std::nullopt;
  }
  Facts::Names names(reader.count(kLeastText, what));
  for (auto& name : names) {
    name = reader.text(what);
  }
  return names;
}

void write_setting(Writer& writer, const SettingSpec& setting) {
  writer.i32(setting.type);
  writer.u32(setting.flags);
  writer.text(setting.key);
  writer.optional_text(setting.default_value);
  writer.optional_text(setting.description);
}

void read_setting(Reader& reader, SettingSpec& setting) {
  setting.type = reader.i32("a setting's type");
  setting.flags = reader.u32("a setting's flags");
  setting.key = reader.text("a setting's key");
  setting.default_value = reader.optional_text("a setting's default");
  setting.description = reader.optional_text("a setting's description");
}

} // namespace

void write_facts(Writer& writer, const Facts& facts) {
  writer.text(facts.name);
  writer.text(facts.version);
  writer.text(facts.description);
  for (const std::uint32_t value : {facts.abi_minor, facts.min_host_minor, facts.flags, facts.read_model_version}) {
    writer.u32(value);
  }
  for (const auto* names : {&facts.event_types, &facts.aggregate_types, &facts.bounded_contexts}) {
    write_names(writer, *names);
  }
  for (const bool has : {facts.has_setup, facts.has_finished, facts.has_reset, facts.has_get_extension}) {
    writer.flag(has);
  }
  writer.u32(static_cast<std::uint32_t>(facts.settings.size()));
  for (const auto& setting : facts.settings) {
    write_setting(writer, setting);
  }
}

Facts read_facts(std::string_view message) {
  constexpr std::size_t kLeastSetting = 21;
  Reader reader(message);
  Facts facts;
  facts.name = reader.text("the name");
  facts.version = reader.text("the version");
  facts.description = reader.text("the description");
  facts.abi_minor = reader.u32("abi_minor");
  facts.min_host_minor = reader.u32("min_host_minor");
  facts.flags = reader.u32("flags");
  facts.read_model_version = reader.u32("read_model_version");
  facts.event_types = read_names(reader, "event_types");
  facts.aggregate_types = read_names(reader, "aggregate_types");
  facts.bounded_contexts = read_names(reader, "bounded_contexts");
  facts.has_setup = reader.flag("setup");
  facts.has_finished = reader.flag("finished");
  facts.has_reset = reader.flag("reset");
  facts.has_get_extension = reader.flag("get_extension");
  facts.settings.resize(reader.count(kLeastSetting, "the number of settings"));
  for (auto& setting : facts.settings) {
    read_setting(reader, setting);
  }
  reader.end();
  return facts;
}

} // namespace projector::plugin
