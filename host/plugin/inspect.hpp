#pragma once

#include <filesystem>
#include <string>

namespace projector::plugin {

/// What `projectorctl inspect` prints about a plugin file: its descriptor and settings, or why it is refused. Loading
/// happens in a child process, so that a file that crashes its loader is a finding and not a crash.
struct Inspection {
  bool good = false;
  std::string text; ///< for people; ends with a line feed
};
Inspection inspect(const std::filesystem::path& file);

} // namespace projector::plugin
