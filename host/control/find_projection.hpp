#pragma once

#include "config/configuration.hpp"
#include "supervisor/reconcile.hpp"

#include <optional>
#include <string>

namespace projector::control {

struct FoundProjection {
  std::optional<supervisor::DesiredProjection> wanted; ///< with the partitions of all workers
  std::string refusal;                                 ///< why it was not found, with the known names
};

/// The projection of this name, whether enabled, disabled or autostarted; with its plugin if that is in a directory.
FoundProjection find_projection(const config::Configuration& configuration, const std::string& name);

} // namespace projector::control
