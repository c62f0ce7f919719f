#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "control/check.hpp"

#include <vector>

namespace projector::control {

/// Asks both databases whether a start would take each projection's checkpoints as they are, and makes one that it
/// would refuse a refused projection with the reasons. Changes nothing there, and finds nothing where a database cannot
/// be asked, which check_databases tells. Only projections that are good so far. Throws pg::Interrupted.
void check_checkpoints(const config::Configuration& configuration, std::vector<CheckedProjection>& projections,
                       const base::Stop& stop);

} // namespace projector::control
