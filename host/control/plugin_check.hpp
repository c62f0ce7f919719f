#pragma once

#include "base/clock.hpp"
#include "config/configuration.hpp"
#include "plugin/staged_plugin.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace projector::control {

/// The result of checking a plugin file and the settings of the projections that use it.
struct PluginCheck {
  std::string refusal; ///< why the file is refused; empty: it is not
  std::string version; ///< the plugin's version
  std::uint32_t read_model_version = 0;
  bool resettable = false;                                      ///< it can empty its read model
  std::map<std::string, std::vector<config::Problem>> settings; ///< by projection; only those with problems
};

/// Copies `file`, reads its facts in a process of its own, and checks the settings of `projections` against its
/// declarations. A file that takes longer than `limit` to load is refused. Throws std::system_error if no process or
/// temporary directory can be made.
PluginCheck check_plugin(const std::filesystem::path& file, const std::vector<config::Projection>& projections,
                         base::Duration limit = plugin::StagedPlugin::kLoadTimeout);

} // namespace projector::control
