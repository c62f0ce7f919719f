#pragma once

#include "base/stop.hpp"
#include "config/load.hpp"

#include <string>

namespace projector::control {

struct RebuildAnswer {
  bool recorded = false;
  std::string text; ///< for people; ends with a line feed
};

/// Stores a request to empty the read model of `projection` and rebuild it from the first event. A host that runs it
/// sees the request within about a second, else the next host that starts. `loaded.configuration` is present. Call it
/// from a program with one thread: the plugin is asked in a child process whether it can be reset. Throws pg::Error,
/// pg::Interrupted, std::system_error.
RebuildAnswer request_rebuild(const config::Loaded& loaded, const std::string& projection, const base::Stop& stop);

} // namespace projector::control
