#pragma once

#include "plugin/staging.hpp"
#include "projection/worker.hpp"
#include "supervisor/reconcile.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace projector::supervisor {

/// A projection made ready to run: one assignment, with a loaded copy of the plugin of its own, for each partition.
struct Launch {
  std::vector<projection::WorkerAssignment> assignments;
  std::string refusal;     ///< why it cannot run: what was found, where, the way out
  bool look_again = false; ///< the file seemed half written
};

/// Stages, loads and checks the plugin of `wanted`, holds its settings against what the plugin declares, and makes its
/// state directory below `state`. `wanted.plugin` is present. Supervisor's thread.
Launch prepare_launch(const DesiredProjection& wanted, const std::filesystem::path& staging,
                      const std::filesystem::path& state, std::uint64_t generation);

} // namespace projector::supervisor
