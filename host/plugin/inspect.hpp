#pragma once

#include "base/clock.hpp"
#include "plugin/staged_plugin.hpp"

#include <filesystem>
#include <string>

namespace projector::plugin {

/// What `projectorctl inspect` prints about a plugin file: its descriptor and settings, or why it is refused, also if
/// loading it takes longer than `limit`. Throws std::system_error if no process or temporary directory can be made.
struct Inspection {
  bool good = false;
  std::string text; ///< ends with a line feed
};
Inspection inspect(const std::filesystem::path& file, base::Duration limit = StagedPlugin::kLoadTimeout);

} // namespace projector::plugin
