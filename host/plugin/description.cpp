#include "plugin/description.hpp"

#include "base/clean_text.hpp"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>

namespace projector::plugin {

namespace {

constexpr std::size_t kLongestText = 200;

std::string list_of(const std::optional<Facts::Names>& names) {
  if (!names) {
    return "all";
  }
  std::string list;
  for (const std::string& name : *names) {
    list += (list.empty() ? "" : ", ") + base::clean_text(name, kLongestText);
  }
  return list;
}

std::string_view type_name(std::int32_t type) {
  constexpr std::array<std::string_view, 8> kNames = {"",        "string",  "integer",  "number",
                                                      "boolean", "strings", "duration", "size"};
  return kNames.at(static_cast<std::size_t>(type));
}

std::string default_of(const SettingSpec& spec) {
  if (!spec.default_value) {
    return spec.optional() ? "optional" : "required";
  }
  if (spec.secret()) {
    return "default hidden";
  }
  switch (spec.type) {
  case PROJECTOR_SETTING_INTEGER:
  case PROJECTOR_SETTING_NUMBER:
  case PROJECTOR_SETTING_BOOLEAN:
    return fmt::format("default {}", base::clean_text(*spec.default_value, kLongestText));
  case PROJECTOR_SETTING_STRINGS:
    return "default []";
  default:
    return fmt::format("default \"{}\"", base::clean_text(*spec.default_value, kLongestText));
  }
}

std::string flags_of(std::uint32_t flags) {
  std::string list;
  for (const auto& [flag, name] : {std::pair{PROJECTOR_PLUGIN_EXTERNAL, "EXTERNAL"},
                                   {PROJECTOR_PLUGIN_TABLES_BY_PROJECTION, "TABLES_BY_PROJECTION"}}) {
    if ((flags & flag) != 0) {
      list += (list.empty() ? "" : ", ") + std::string(name);
    }
  }
  return list.empty() ? "none" : list;
}

std::string functions_of(const Facts& facts) {
  std::string list = "create destroy handle";
  const std::array<std::pair<bool, std::string_view>, 4> optional = {{{facts.has_setup, " setup"},
                                                                      {facts.has_finished, " finished"},
                                                                      {facts.has_reset, " reset"},
                                                                      {facts.has_get_extension, " get_extension"}}};
  for (const auto& [present, name] : optional) {
    list += present ? name : "";
  }
  return list;
}

std::string setting_line(const SettingSpec& spec) {
  std::string line =
      fmt::format("  {} ({}, {}{})", spec.key, type_name(spec.type), default_of(spec), spec.secret() ? ", secret" : "");
  if (spec.description && !spec.description->empty()) {
    line += ": " + base::clean_text(*spec.description, kLongestText);
  }
  return line + "\n";
}

} // namespace

std::string describe(const StagedFile& file, const Facts& facts) {
  std::string text;
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{:<17} {}\n", name, value);
  };
  line("file", file.source.string());
  line("sha256", file.sha256);
  line("name", facts.name);
  line("version", base::clean_text(facts.version, kLongestText));
  line("description", base::clean_text(facts.description, kLongestText));
  line("interface", fmt::format("1.{}, needs a host of 1.{}", facts.abi_minor, facts.min_host_minor));
  line("flags", flags_of(facts.flags));
  line("read model", fmt::format("version {}", facts.read_model_version));
  line("event types", list_of(facts.event_types));
  line("aggregate types", list_of(facts.aggregate_types));
  line("bounded contexts", list_of(facts.bounded_contexts));
  line("functions", functions_of(facts));
  text += facts.settings.empty() ? "settings          none\n" : "settings\n";
  for (const SettingSpec& spec : facts.settings) {
    text += setting_line(spec);
  }
  return text;
}

} // namespace projector::plugin
