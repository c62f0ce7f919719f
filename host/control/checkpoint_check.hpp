#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "control/check.hpp"

#include <vector>

namespace projector::control {

/// Checks in both databases whether a start would accept each projection's stored checkpoints, and adds the reasons to
/// the problems of a projection that it would refuse. Skips projections that have problems already. Only reads. If a
/// database cannot be queried it finds nothing, and check_databases reports that. Throws pg::Interrupted.
void check_checkpoints(const config::Configuration& configuration, std::vector<CheckedProjection>& projections,
                       const base::Stop& stop);

} // namespace projector::control
