#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "control/check.hpp"

namespace projector::control {

/// Asks both databases what a host would ask them at its start, and changes nothing. What they refuse, and that they
/// cannot be reached, is in the result. Throws pg::Interrupted.
DatabaseCheck check_databases(const config::Configuration& configuration, const base::Stop& stop);

} // namespace projector::control
