#pragma once

#include "plugin/file_check.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::plugin {

/// A key that a plugin accepts in its settings.
struct SettingSpec {
  static constexpr std::size_t kLongestKey = 128;

  std::int32_t type = 0; ///< PROJECTOR_SETTING_*
  std::string key;
  std::optional<std::string> default_value; ///< as it would stand in a file, a string without its quotes
  std::optional<std::string> description;
  std::uint32_t flags = 0; ///< PROJECTOR_SETTING_OPTIONAL, _SECRET

  [[nodiscard]] bool optional() const noexcept { return (flags & PROJECTOR_SETTING_OPTIONAL) != 0; }
  [[nodiscard]] bool secret() const noexcept { return (flags & PROJECTOR_SETTING_SECRET) != 0; }
  friend bool operator==(const SettingSpec&, const SettingSpec&) = default;
};

/// What a plugin says of itself, as a value that needs no loaded library. Until judge() has accepted them, facts may
/// hold anything.
struct Facts {
  using Names = std::vector<std::string>;
  static constexpr std::size_t kMostEntries = 4096; ///< of each list
  static constexpr std::size_t kLongestText = 4096; ///< bytes of each text

  std::string name;
  std::string version;
  std::string description;
  std::uint32_t abi_minor = 0;
  std::uint32_t min_host_minor = 0;
  std::uint32_t flags = 0; ///< PROJECTOR_PLUGIN_*
  std::uint32_t read_model_version = 0;
  std::optional<Names> event_types; ///< nothing: all
  std::optional<Names> aggregate_types;
  std::optional<Names> bounded_contexts;
  std::vector<SettingSpec> settings;
  // The functions that a plugin may leave out.
  bool has_setup = false;
  bool has_finished = false;
  bool has_reset = false;
  bool has_get_extension = false;

  [[nodiscard]] bool external() const noexcept { return (flags & PROJECTOR_PLUGIN_EXTERNAL) != 0; }
  /// Whether the plugin does not keep the tables of several projections apart.
  [[nodiscard]] bool shares_tables() const noexcept { return (flags & PROJECTOR_PLUGIN_TABLES_BY_PROJECTION) == 0; }
  friend bool operator==(const Facts&, const Facts&) = default;
};

/// Why the facts of a plugin whose file is called `expected_name` are refused; nothing if they are good: names,
/// versions, flags, lengths, filters and the declarations of settings. Trusts nothing in them. The reason continues
/// "FILE ", is one line and shows no SECRET's default.
std::optional<Refusal> judge(const Facts& facts, const std::string& expected_name);

/// The part of judge() about abi_minor and min_host_minor. It comes before the rest of a descriptor is read, since a
/// plugin that needs a newer host may mean something else by it.
std::optional<Refusal> judge_versions(const Facts& facts);

/// A refusal of what the plugin's author wrote into the descriptor.
Refusal bad_descriptor(const std::string& what);

} // namespace projector::plugin
