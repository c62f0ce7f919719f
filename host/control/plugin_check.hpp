#pragma once

#include "base/clock.hpp"
#include "config/configuration.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace projector::control {

/// What a plugin file and the settings of the projections that use it came to.
struct PluginCheck {
  std::string refusal; ///< why the file is not taken; empty: it is
  std::string version; ///< the plugin's own
  std::uint32_t read_model_version = 0;
  bool resettable = false;                                      ///< it can empty its read model
  std::map<std::string, std::vector<config::Problem>> settings; ///< by projection; only those with problems
};

/// Stages and loads `file`, and holds the settings of `projections` against what it declares; all in a child process,
/// so that a file that crashes, exits or hangs for `limit` is a finding. Call it from a program with one thread. Throws
/// std::system_error where no child or temporary directory can be made.
PluginCheck check_plugin(const std::filesystem::path& file, const std::vector<config::Projection>& projections,
                         base::Duration limit = std::chrono::seconds(10));

} // namespace projector::control
