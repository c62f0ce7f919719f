#pragma once

#include "base/clock.hpp"
#include "config/configuration.hpp"

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

/// Copies and loads `file`, and checks the settings of `projections` against its declarations, in a child process: a
/// file that crashes, exits or hangs for `limit` is reported as refused. Call it from a program with one thread. Throws
/// std::system_error if no child process or temporary directory can be made.
PluginCheck check_plugin(const std::filesystem::path& file, const std::vector<config::Projection>& projections,
                         base::Duration limit = std::chrono::seconds(10));

} // namespace projector::control
