#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "control/check.hpp"

namespace projector::control {

/// Runs the checks of a host's start on both databases, and changes nothing. A refusal, or a server that cannot be
/// reached, is in the result. Throws pg::Interrupted.
DatabaseCheck check_databases(const config::Configuration& configuration, const base::Stop& stop);

} // namespace projector::control
