#pragma once

#include "base/clock.hpp"

#include <filesystem>
#include <string>

namespace projector::plugin {

/// What `projectorctl inspect` prints about a plugin file: its descriptor and settings, or why it is refused. Loading
/// happens in a child process, so that a file that crashes its loader, ends the process or does not return within
/// `limit` is reported and does not end the caller. Call it from a program with one thread. Throws std::system_error if
/// no child or temporary directory can be made.
struct Inspection {
  bool good = false;
  std::string text; ///< ends with a line feed
};
Inspection inspect(const std::filesystem::path& file, base::Duration limit = std::chrono::seconds(10));

} // namespace projector::plugin
