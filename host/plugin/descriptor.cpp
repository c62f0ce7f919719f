#include "plugin/descriptor.hpp"

#include "base/clean_text.hpp"
#include "plugin/setting_value.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>

namespace projector::plugin {

namespace {

constexpr std::uint32_t kLargestStruct = 64U << 10;
constexpr std::size_t kMostEntries = 4096;
constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kLongestKey = 128;
constexpr std::uint32_t kKnownFlags = PROJECTOR_PLUGIN_EXTERNAL | PROJECTOR_PLUGIN_TABLES_BY_PROJECTION;
constexpr std::uint32_t kKnownSettingFlags = PROJECTOR_SETTING_OPTIONAL | PROJECTOR_SETTING_SECRET;

using Result = std::optional<Refusal>;

template <class... Arguments>
Refusal refuse(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return {false, "has a bad descriptor: " + fmt::format(format, std::forward<Arguments>(arguments)...)};
}

bool too_long(const char* text) {
  return ::strnlen(text, kLongestText + 1) > kLongestText;
}

Result check_sizes_and_versions(const projector_plugin& found) {
  constexpr std::uint32_t kSmallest = offsetof(projector_plugin, get_extension) + sizeof(found.get_extension);
  if (found.struct_size < kSmallest || found.struct_size > kLargestStruct) {
    return refuse("struct_size is {}, expected {} to {}: set it to sizeof(projector_plugin)", found.struct_size,
                  kSmallest, kLargestStruct);
  }
  if (found.min_host_minor > PROJECTOR_ABI_MINOR) {
    return Refusal{false, fmt::format("needs a host of plugin interface 1.{}, this is 1.{}: upgrade projectord",
                                      found.min_host_minor, PROJECTOR_ABI_MINOR)};
  }
  if (found.abi_minor < found.min_host_minor) {
    return refuse("abi_minor is {}, below min_host_minor {}: set it to PROJECTOR_ABI_MINOR", found.abi_minor,
                  found.min_host_minor);
  }
  return std::nullopt;
}

Result check_head(const projector_plugin& plugin, const std::string& expected_name) {
  if ((plugin.flags & ~kKnownFlags) != 0) {
    return refuse("flags are {:#x}, of which this host knows {:#x} only: clear the others, or upgrade projectord",
                  plugin.flags, kKnownFlags);
  }
  if (plugin.reserved != 0) {
    return refuse("reserved is {}, expected 0", plugin.reserved);
  }
  if (plugin.name == nullptr || plugin.version == nullptr || plugin.description == nullptr) {
    return refuse("{} is NULL, expected a text", plugin.name == nullptr      ? "name"
                                                 : plugin.version == nullptr ? "version"
                                                                             : "description");
  }
  const std::string name(plugin.name, ::strnlen(plugin.name, kLongestText));
  if (!is_plugin_name(name)) {
    return refuse("the name is \"{}\", expected [a-z][a-z0-9_]* of at most 48 characters", base::clean_text(name, 80));
  }
  if (name != expected_name) {
    return refuse("the name is \"{}\", expected \"{}\" as the file is called: rename the file to {}.so", name,
                  expected_name, name);
  }
  if (too_long(plugin.version) || too_long(plugin.description)) {
    return refuse("version or description is longer than {} bytes", kLongestText);
  }
  if (plugin.create == nullptr || plugin.destroy == nullptr || plugin.handle == nullptr) {
    return refuse("{} is NULL, expected a function", plugin.create == nullptr    ? "create"
                                                     : plugin.destroy == nullptr ? "destroy"
                                                                                 : "handle");
  }
  return std::nullopt;
}

Result check_filter(const char* const* list, std::string_view name) {
  if (list == nullptr) {
    return std::nullopt;
  }
  if (list[0] == nullptr) {
    return refuse("{} is an empty list, which no event matches: use NULL for every event", name);
  }
  for (std::size_t i = 0; list[i] != nullptr; ++i) {
    if (i == kMostEntries) {
      return refuse("{} has more than {} entries: is its NULL at the end missing?", name, kMostEntries);
    }
    if (list[i][0] == '\0' || too_long(list[i])) {
      return refuse("{}[{}] is {}, expected a name of at most {} bytes", name, i,
                    list[i][0] == '\0' ? "empty" : "too long", kLongestText);
    }
  }
  return std::nullopt;
}

/// [a-z][a-z0-9_.]*, with something before, between and after dots.
bool is_setting_key(std::string_view key) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [lower](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
  return !key.empty() && key.size() <= kLongestKey && lower(key.front()) && key.back() != '.' &&
         key.find("..") == std::string_view::npos && std::all_of(key.begin(), key.end(), inner);
}

Result check_default(const projector_setting_spec& spec) {
  const char* value = spec.default_value;
  if (value == nullptr) {
    return std::nullopt;
  }
  if (too_long(value)) {
    return refuse("the default of setting {} is longer than {} bytes", spec.key, kLongestText);
  }
  const bool good =
      spec.type == PROJECTOR_SETTING_STRINGS ? *value == '\0' : setting_value(spec.type, value).has_value();
  if (!good) {
    const bool secret = (spec.flags & PROJECTOR_SETTING_SECRET) != 0;
    return refuse("the default of setting {} is {}, expected {}", spec.key,
                  secret ? "no such value" : fmt::format("\"{}\"", base::clean_text(value, 80)),
                  spec.type == PROJECTOR_SETTING_STRINGS ? "NULL or \"\"" : expected_value(spec.type));
  }
  return std::nullopt;
}

Result check_setting(const projector_setting_spec& spec, std::size_t index) {
  constexpr std::uint32_t kSmallest = offsetof(projector_setting_spec, reserved) + sizeof(spec.reserved);
  if (spec.struct_size < kSmallest || spec.struct_size > kLargestStruct) {
    return refuse("settings[{}] has struct_size {}, expected {} to {}", index, spec.struct_size, kSmallest,
                  kLargestStruct);
  }
  if (spec.key == nullptr) {
    return refuse("settings[{}] has no key", index);
  }
  const std::string_view key(spec.key, ::strnlen(spec.key, kLongestKey + 1));
  if (!is_setting_key(key)) {
    return refuse("settings[{}] has the key \"{}\", expected [a-z][a-z0-9_.]* of at most {} characters", index,
                  base::clean_text(key, 80), kLongestKey);
  }
  if (expected_value(spec.type).empty()) {
    return refuse("setting {} has type {}, expected PROJECTOR_SETTING_STRING (1) to _SIZE (7)", spec.key, spec.type);
  }
  if ((spec.flags & ~kKnownSettingFlags) != 0) {
    return refuse("setting {} has flags {:#x}, of which this host knows {:#x} only", spec.key, spec.flags,
                  kKnownSettingFlags);
  }
  if (spec.reserved != 0) {
    return refuse("setting {} has reserved {}, expected 0", spec.key, spec.reserved);
  }
  if (spec.description != nullptr && too_long(spec.description)) {
    return refuse("the description of setting {} is longer than {} bytes", spec.key, kLongestText);
  }
  return check_default(spec);
}

Result check_settings_list(const projector_setting_spec* const* list) {
  std::set<std::string_view> keys;
  for (std::size_t i = 0; list != nullptr && list[i] != nullptr; ++i) {
    if (i == kMostEntries) {
      return refuse("settings has more than {} entries: is its NULL at the end missing?", kMostEntries);
    }
    if (auto refusal = check_setting(*list[i], i)) {
      return refusal;
    }
    if (!keys.insert(list[i]->key).second) {
      return refuse("settings declares {} twice", list[i]->key);
    }
  }
  return std::nullopt;
}

} // namespace

std::optional<Refusal> accept_descriptor(const projector_plugin& found, const std::string& expected_name,
                                         projector_plugin& copy) {
  if (auto refusal = check_sizes_and_versions(found)) {
    return refusal;
  }
  projector_plugin own = {};
  std::memcpy(&own, &found, std::min<std::size_t>(found.struct_size, sizeof own));
  own.struct_size = sizeof own;
  if (auto refusal = check_head(own, expected_name)) {
    return refusal;
  }
  for (const auto& [list, name] : {std::pair{own.event_types, "event_types"},
                                   {own.aggregate_types, "aggregate_types"},
                                   {own.bounded_contexts, "bounded_contexts"}}) {
    if (auto refusal = check_filter(list, name)) {
      return refusal;
    }
  }
  if (auto refusal = check_settings_list(own.settings)) {
    return refusal;
  }
  copy = own;
  return std::nullopt;
}

} // namespace projector::plugin
