#include "channel/facts.hpp"

#include "channel/reader.hpp"

namespace projector::channel {

namespace {

void write_filter(Writer& writer, const Facts::Filter& filter) {
  writer.flag(filter.has_value());
  if (!filter) {
    return;
  }
  writer.u32(static_cast<std::uint32_t>(filter->size()));
  for (const auto& entry : *filter) {
    writer.text(entry);
  }
}

Facts::Filter read_filter(Reader& reader, const char* what) {
  constexpr std::size_t kLeastText = 5;
  if (!reader.flag(what)) {
    return std::nullopt;
  }
  std::vector<std::string> entries(reader.count(kLeastText, what));
  for (auto& entry : entries) {
    entry = reader.text(what);
  }
  return entries;
}

void write_setting(Writer& writer, const Facts::Setting& setting) {
  writer.u32(setting.struct_size);
  writer.i32(setting.type);
  writer.u32(setting.flags);
  writer.u32(setting.reserved);
  writer.optional_text(setting.key);
  writer.optional_text(setting.default_value);
  writer.optional_text(setting.description);
}

void read_setting(Reader& reader, Facts::Setting& setting) {
  setting.struct_size = reader.u32("a setting's struct_size");
  setting.type = reader.i32("a setting's type");
  setting.flags = reader.u32("a setting's flags");
  setting.reserved = reader.u32("a setting's reserved");
  setting.key = reader.optional_text("a setting's key");
  setting.default_value = reader.optional_text("a setting's default");
  setting.description = reader.optional_text("a setting's description");
}

} // namespace

void write_facts(Writer& writer, const Facts& facts) {
  for (const std::uint32_t value : {facts.struct_size, facts.abi_minor, facts.min_host_minor, facts.flags,
                                    facts.read_model_version, facts.reserved, facts.functions}) {
    writer.u32(value);
  }
  writer.optional_text(facts.name);
  writer.optional_text(facts.version);
  writer.optional_text(facts.description);
  write_filter(writer, facts.event_types);
  write_filter(writer, facts.aggregate_types);
  write_filter(writer, facts.bounded_contexts);
  writer.u32(static_cast<std::uint32_t>(facts.settings.size()));
  for (const auto& setting : facts.settings) {
    write_setting(writer, setting);
  }
}

Facts read_facts(std::string_view message) {
  constexpr std::size_t kLeastSetting = 28;
  Reader reader(message);
  Facts facts;
  facts.struct_size = reader.u32("struct_size");
  facts.abi_minor = reader.u32("abi_minor");
  facts.min_host_minor = reader.u32("min_host_minor");
  facts.flags = reader.u32("flags");
  facts.read_model_version = reader.u32("read_model_version");
  facts.reserved = reader.u32("reserved");
  facts.functions = reader.u32("the functions");
  facts.name = reader.optional_text("the name");
  facts.version = reader.optional_text("the version");
  facts.description = reader.optional_text("the description");
  facts.event_types = read_filter(reader, "event_types");
  facts.aggregate_types = read_filter(reader, "aggregate_types");
  facts.bounded_contexts = read_filter(reader, "bounded_contexts");
  facts.settings.resize(reader.count(kLeastSetting, "the number of settings"));
  for (auto& setting : facts.settings) {
    read_setting(reader, setting);
  }
  reader.end();
  return facts;
}

} // namespace projector::channel
