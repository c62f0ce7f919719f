#include "plugin/description.hpp"

#include "base/clean_text.hpp"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>

namespace projector::plugin {

namespace {

constexpr std::size_t kLongestText = 200;

std::string list_of(const char* const* names) {
  if (names == nullptr) {
    return "all";
  }
  std::string list;
  for (; *names != nullptr; ++names) {
    list += (list.empty() ? "" : ", ") + base::clean_text(*names, kLongestText);
  }
  return list;
}

std::string_view type_name(std::int32_t type) {
  constexpr std::array<std::string_view, 8> kNames = {"",        "string",  "integer",  "number",
                                                      "boolean", "strings", "duration", "size"};
  return kNames.at(static_cast<std::size_t>(type));
}

std::string default_of(const projector_setting_spec& spec) {
  if (spec.default_value == nullptr) {
    return (spec.flags & PROJECTOR_SETTING_OPTIONAL) != 0 ? "optional" : "required";
  }
  if ((spec.flags & PROJECTOR_SETTING_SECRET) != 0) {
    return "default hidden";
  }
  switch (spec.type) {
  case PROJECTOR_SETTING_INTEGER:
  case PROJECTOR_SETTING_NUMBER:
  case PROJECTOR_SETTING_BOOLEAN:
    return fmt::format("default {}", base::clean_text(spec.default_value, kLongestText));
  case PROJECTOR_SETTING_STRINGS:
    return "default []";
  default:
    return fmt::format("default \"{}\"", base::clean_text(spec.default_value, kLongestText));
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

std::string functions_of(const projector_plugin& plugin) {
  std::string list = "create destroy handle";
  const std::array<std::pair<bool, std::string_view>, 4> optional = {
      {{plugin.setup != nullptr, " setup"},
       {plugin.finished != nullptr, " finished"},
       {plugin.reset != nullptr, " reset"},
       {plugin.get_extension != nullptr, " get_extension"}}};
  for (const auto& [present, name] : optional) {
    list += present ? name : "";
  }
  return list;
}

std::string setting_line(const projector_setting_spec& spec) {
  const bool secret = (spec.flags & PROJECTOR_SETTING_SECRET) != 0;
  std::string line =
      fmt::format("  {} ({}, {}{})", spec.key, type_name(spec.type), default_of(spec), secret ? ", secret" : "");
  if (spec.description != nullptr && *spec.description != '\0') {
    line += ": " + base::clean_text(spec.description, kLongestText);
  }
  return line + "\n";
}

} // namespace

std::string describe(const Module& module) {
  const projector_plugin& plugin = module.descriptor();
  std::string text;
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{:<17} {}\n", name, value);
  };
  line("file", module.file().source.string());
  line("sha256", module.file().sha256);
  line("name", plugin.name);
  line("version", base::clean_text(plugin.version, kLongestText));
  line("description", base::clean_text(plugin.description, kLongestText));
  line("interface", fmt::format("1.{}, needs a host of 1.{}", plugin.abi_minor, plugin.min_host_minor));
  line("flags", flags_of(plugin.flags));
  line("read model", fmt::format("version {}", plugin.read_model_version));
  line("event types", list_of(plugin.event_types));
  line("aggregate types", list_of(plugin.aggregate_types));
  line("bounded contexts", list_of(plugin.bounded_contexts));
  line("functions", functions_of(plugin));
  const bool has_settings = plugin.settings != nullptr && *plugin.settings != nullptr;
  text += has_settings ? "settings\n" : "settings          none\n";
  for (auto spec = plugin.settings; spec != nullptr && *spec != nullptr; ++spec) {
    text += setting_line(**spec);
  }
  return text;
}

} // namespace projector::plugin
