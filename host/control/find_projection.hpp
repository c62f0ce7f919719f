#pragma once

#include "config/configuration.hpp"
#include "supervisor/reconcile.hpp"

#include <optional>
#include <string>

namespace projector::control {

struct FoundProjection {
  std::optional<supervisor::DesiredProjection> wanted; ///< with all workers' partitions
  std::string refusal;                                 ///< why there is none, with the names that there are
};

/// The projection of this name, whether it is enabled, disabled or autostarted, with its plugin where a directory holds
/// it.
FoundProjection find_projection(const config::Configuration& configuration, const std::string& name);

} // namespace projector::control
