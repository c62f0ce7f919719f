#include "runner/descriptor.hpp"

#include "base/clean_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace projector::runner {

namespace {

using plugin::bad_descriptor;
using plugin::Facts;
using plugin::judge_versions;
using plugin::Refusal;
using plugin::SettingSpec;

constexpr std::uint32_t kLargestStruct = 64U << 10;

using Result = std::optional<Refusal>;

template <class... Arguments>
Refusal refuse(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return bad_descriptor(fmt::format(format, std::forward<Arguments>(arguments)...));
}

std::string read_text(const char* text, std::size_t longest = Facts::kLongestText) {
  return {text, ::strnlen(text, longest + 1)};
}

std::optional<std::string> read_optional(const char* text) {
  return text == nullptr ? std::nullopt : std::optional(read_text(text));
}

std::optional<Facts::Names> read_names(const char* const* list) {
  if (list == nullptr) {
    return std::nullopt;
  }
  Facts::Names names;
  for (std::size_t i = 0; i <= Facts::kMostEntries && list[i] != nullptr; ++i) {
    // An entry behind the limit is no pointer to a text, if the NULL at the end is missing.
    names.push_back(i < Facts::kMostEntries ? read_text(list[i]) : std::string());
  }
  return names;
}

Result check_size(const projector_plugin& found) {
  constexpr std::uint32_t kSmallest = offsetof(projector_plugin, get_extension) + sizeof(found.get_extension);
  if (found.struct_size < kSmallest || found.struct_size > kLargestStruct) {
    return refuse("struct_size is {}, expected {} to {}: set it to sizeof(projector_plugin)", found.struct_size,
                  kSmallest, kLargestStruct);
  }
  return std::nullopt;
}

Result check_required(const projector_plugin& plugin) {
  if (plugin.reserved != 0) {
    return refuse("reserved is {}, expected 0", plugin.reserved);
  }
  if (plugin.name == nullptr || plugin.version == nullptr || plugin.description == nullptr) {
    return refuse("{} is NULL, expected a text", plugin.name == nullptr      ? "name"
                                                 : plugin.version == nullptr ? "version"
                                                                             : "description");
  }
  if (plugin.create == nullptr || plugin.destroy == nullptr || plugin.handle == nullptr) {
    return refuse("{} is NULL, expected a function", plugin.create == nullptr    ? "create"
                                                     : plugin.destroy == nullptr ? "destroy"
                                                                                 : "handle");
  }
  return std::nullopt;
}

Result read_setting(const projector_setting_spec& spec, Facts& facts) {
  constexpr std::uint32_t kSmallest = offsetof(projector_setting_spec, reserved) + sizeof(spec.reserved);
  const std::size_t index = facts.settings.size();
  if (spec.struct_size < kSmallest || spec.struct_size > kLargestStruct) {
    return refuse("settings[{}] has struct_size {}, expected {} to {}", index, spec.struct_size, kSmallest,
                  kLargestStruct);
  }
  if (spec.key == nullptr) {
    return refuse("settings[{}] has no key", index);
  }
  SettingSpec read{spec.type, read_text(spec.key, SettingSpec::kLongestKey), read_optional(spec.default_value),
                   read_optional(spec.description), spec.flags};
  if (spec.reserved != 0) {
    return refuse("setting {} has reserved {}, expected 0", base::clean_text(read.key, 80), spec.reserved);
  }
  facts.settings.push_back(std::move(read));
  return std::nullopt;
}

Result read_settings(const projector_setting_spec* const* list, Facts& facts) {
  for (std::size_t i = 0; list != nullptr && list[i] != nullptr; ++i) {
    if (i == Facts::kMostEntries) {
      facts.settings.emplace_back(); // one too many
      return std::nullopt;
    }
    if (auto refusal = read_setting(*list[i], facts)) {
      return refusal;
    }
  }
  return std::nullopt;
}

void read_head(const projector_plugin& plugin, Facts& facts) {
  facts.name = read_text(plugin.name);
  facts.version = read_text(plugin.version);
  facts.description = read_text(plugin.description);
  facts.flags = plugin.flags;
  facts.read_model_version = plugin.read_model_version;
  facts.event_types = read_names(plugin.event_types);
  facts.aggregate_types = read_names(plugin.aggregate_types);
  facts.bounded_contexts = read_names(plugin.bounded_contexts);
  facts.has_setup = plugin.setup != nullptr;
  facts.has_finished = plugin.finished != nullptr;
  facts.has_reset = plugin.reset != nullptr;
  facts.has_get_extension = plugin.get_extension != nullptr;
}

Result read(const projector_plugin& found, Descriptor& descriptor) {
  if (auto refusal = check_size(found)) {
    return refusal;
  }
  auto& [plugin, facts] = descriptor;
  std::memcpy(&plugin, &found, std::min<std::size_t>(found.struct_size, sizeof plugin));
  plugin.struct_size = sizeof plugin;
  facts.abi_minor = plugin.abi_minor;
  facts.min_host_minor = plugin.min_host_minor;
  if (auto refusal = judge_versions(facts)) {
    return refusal;
  }
  if (auto refusal = check_required(plugin)) {
    return refusal;
  }
  read_head(plugin, facts);
  return read_settings(plugin.settings, facts);
}

} // namespace

DescriptorResult read_descriptor(const projector_plugin& found) {
  Descriptor descriptor;
  if (auto refusal = read(found, descriptor)) {
    return {std::nullopt, std::move(refusal)};
  }
  return {std::move(descriptor), std::nullopt};
}

} // namespace projector::runner
