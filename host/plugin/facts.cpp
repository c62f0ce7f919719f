#include "plugin/facts.hpp"

#include "base/clean_text.hpp"
#include "plugin/setting_value.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace projector::plugin {

namespace {

constexpr std::uint32_t kKnownFlags = PROJECTOR_PLUGIN_EXTERNAL | PROJECTOR_PLUGIN_TABLES_BY_PROJECTION;
constexpr std::uint32_t kKnownSettingFlags = PROJECTOR_SETTING_OPTIONAL | PROJECTOR_SETTING_SECRET;

using Result = std::optional<Refusal>;

template <class... Arguments>
Refusal refuse(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return bad_descriptor(fmt::format(format, std::forward<Arguments>(arguments)...));
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Result check_text(const std::string& what, std::string_view text) {
  if (text.size() > Facts::kLongestText) {
    return refuse("{} is longer than {} bytes", what, Facts::kLongestText);
  }
  if (has_nul(text)) {
    return refuse("{} has a NUL character", what);
  }
  return std::nullopt;
}

Result check_head(const Facts& facts, const std::string& expected_name) {
  if ((facts.flags & ~kKnownFlags) != 0) {
    return refuse("flags are {:#x}, of which this host knows {:#x} only: clear the others, or upgrade projectord",
                  facts.flags, kKnownFlags);
  }
  if (!is_plugin_name(facts.name)) {
    return refuse("the name is \"{}\", expected [a-z][a-z0-9_]* of at most 48 characters",
                  base::clean_text(facts.name, 80));
  }
  if (facts.name != expected_name) {
    return refuse("the name is \"{}\", expected \"{}\" as the file is called: rename the file to {}.so", facts.name,
                  expected_name, facts.name);
  }
  for (const auto* text : {&facts.version, &facts.description}) {
    if (auto refusal = check_text("version or description", *text)) {
      return refusal;
    }
  }
  return std::nullopt;
}

/// What is wrong with a name in a filter, which also becomes a parameter of the query that reads events. Empty if
/// nothing is.
std::string_view name_problem(const std::string& name) {
  return name.empty()                            ? "empty"
         : name.size() > Facts::kLongestText     ? "too long"
         : has_nul(name) || !base::is_utf8(name) ? "not UTF-8 text"
                                                 : "";
}

Result check_filter(const std::optional<Facts::Names>& list, std::string_view filter) {
  if (!list) {
    return std::nullopt;
  }
  if (list->empty()) {
    return refuse("{} is an empty list, which no event matches: use NULL for every event", filter);
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (i == Facts::kMostEntries) {
      return refuse("{} has more than {} entries: is its NULL at the end missing?", filter, Facts::kMostEntries);
    }
    if (const auto problem = name_problem((*list)[i]); !problem.empty()) {
      return refuse("{}[{}] is {}, expected a name of at most {} bytes", filter, i, problem, Facts::kLongestText);
    }
  }
  return std::nullopt;
}

/// [a-z][a-z0-9_.]*, with something before, between and after dots.
bool is_setting_key(std::string_view key) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [lower](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
  return !key.empty() && key.size() <= SettingSpec::kLongestKey && lower(key.front()) && key.back() != '.' &&
         key.find("..") == std::string_view::npos && std::all_of(key.begin(), key.end(), inner);
}

Result check_default(const SettingSpec& spec) {
  if (!spec.default_value) {
    return std::nullopt;
  }
  const std::string& value = *spec.default_value;
  if (auto refusal = check_text("the default of setting " + spec.key, value)) {
    return refusal;
  }
  const bool good =
      spec.type == PROJECTOR_SETTING_STRINGS ? value.empty() : setting_value(spec.type, value).has_value();
  if (!good) {
    return refuse("the default of setting {} is {}, expected {}", spec.key,
                  spec.secret() ? "no such value" : fmt::format("\"{}\"", base::clean_text(value, 80)),
                  spec.type == PROJECTOR_SETTING_STRINGS ? "NULL or \"\"" : expected_value(spec.type));
  }
  return std::nullopt;
}

Result check_setting(const SettingSpec& spec, std::size_t index) {
  if (!is_setting_key(spec.key)) {
    return refuse("settings[{}] has the key \"{}\", expected [a-z][a-z0-9_.]* of at most {} characters", index,
                  base::clean_text(spec.key, 80), SettingSpec::kLongestKey);
  }
  if (expected_value(spec.type).empty()) {
    return refuse("setting {} has type {}, expected PROJECTOR_SETTING_STRING (1) to _SIZE (7)", spec.key, spec.type);
  }
  if ((spec.flags & ~kKnownSettingFlags) != 0) {
    return refuse("setting {} has flags {:#x}, of which this host knows {:#x} only", spec.key, spec.flags,
                  kKnownSettingFlags);
  }
  if (spec.description) {
    if (auto refusal = check_text("the description of setting " + spec.key, *spec.description)) {
      return refusal;
    }
  }
  return check_default(spec);
}

Result check_settings_list(const std::vector<SettingSpec>& list) {
  std::set<std::string_view> keys;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i == Facts::kMostEntries) {
      return refuse("settings has more than {} entries: is its NULL at the end missing?", Facts::kMostEntries);
    }
    if (auto refusal = check_setting(list[i], i)) {
      return refusal;
    }
    if (!keys.insert(list[i].key).second) {
      return refuse("settings declares {} twice", list[i].key);
    }
  }
  return std::nullopt;
}

} // namespace

Refusal bad_descriptor(const std::string& what) {
  return {false, "has a bad descriptor: " + what};
}

std::optional<Refusal> judge_versions(const Facts& facts) {
  if (facts.min_host_minor > PROJECTOR_ABI_MINOR) {
    return Refusal{false, fmt::format("needs a host of plugin interface 1.{}, this is 1.{}: upgrade projectord",
                                      facts.min_host_minor, PROJECTOR_ABI_MINOR)};
  }
  if (facts.abi_minor < facts.min_host_minor) {
    return refuse("abi_minor is {}, below min_host_minor {}: set it to PROJECTOR_ABI_MINOR", facts.abi_minor,
                  facts.min_host_minor);
  }
  return std::nullopt;
}

std::optional<Refusal> judge(const Facts& facts, const std::string& expected_name) {
  if (auto refusal = judge_versions(facts)) {
    return refusal;
  }
  if (auto refusal = check_head(facts, expected_name)) {
    return refusal;
  }
  for (const auto& [list, filter] : {std::pair{&facts.event_types, "event_types"},
                                     {&facts.aggregate_types, "aggregate_types"},
                                     {&facts.bounded_contexts, "bounded_contexts"}}) {
    if (auto refusal = check_filter(*list, filter)) {
      return refusal;
    }
  }
  return check_settings_list(facts.settings);
}

} // namespace projector::plugin
