#pragma once

#include "base/stop.hpp"
#include "config/load.hpp"

#include <string>

namespace projector::control {

struct ForgetAnswer {
  bool done = false;
  std::string text; ///< for people; ends with a line feed
};

/// Deletes a projection's rows of the host's tables, if no configuration names it any more and no host runs it; with
/// `mirrored` also its rows of the mirror. Tables that its plugin made are kept, and those that may be its are listed.
/// `loaded.configuration` is present. Throws pg::Error, pg::Interrupted.
ForgetAnswer forget(const config::Loaded& loaded, const std::string& projection, bool mirrored, const base::Stop& stop);

} // namespace projector::control
