#pragma once

#include "base/stop.hpp"
#include "config/load.hpp"

#include <string>

namespace projector::control {

struct ForgetAnswer {
  bool done = false;
  std::string text; ///< for people; ends with a line feed
};

/// Deletes what the host's tables hold of a projection that no configuration names any more and no host runs, with
/// `mirrored` also its rows of the mirrored table. Leaves the tables that its plugin made, and names those that look
/// like them. `loaded.configuration` is present. Throws pg::Error, pg::Interrupted.
ForgetAnswer forget(const config::Loaded& loaded, const std::string& projection, bool mirrored, const base::Stop& stop);

} // namespace projector::control
