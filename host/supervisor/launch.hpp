#pragma once

#include "plugin/facts.hpp"
#include "plugin/runner_host.hpp"
#include "projection/worker.hpp"
#include "supervisor/reconcile.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// A projection that is ready to run: one assignment for each partition. The copy of the plugin file is removed with
/// the last assignment.
struct Generation {
  std::uint64_t number = 1; ///< counts a projection's generations since the host was started
  DesiredProjection wanted;
  std::string sha256; ///< of the plugin file
  plugin::Facts facts;
  std::vector<projection::WorkerAssignment> assignments;
};

struct Launch {
  std::optional<Generation> generation;
  std::string refusal; ///< why it cannot run: what was found, where, the way out
  bool retry = false;  ///< the file seemed half written
  /// The file's SHA-256 if it is a known one; nothing was loaded then.
  std::optional<std::string> known;
  std::string unprotected; ///< see plugin::RunnerInstance::Described
};

/// Where launches put what they make.
struct LaunchDirectories {
  std::filesystem::path staging; ///< copies of plugin files
  std::filesystem::path state;   ///< one directory for each projection
};

/// Stages and checks the plugin of `wanted`, compares its settings with the plugin's declaration, and makes its state
/// directory. `wanted.plugin` is present; `known` are the SHA-256 of files that need no new generation. Called on the
/// plugin thread. Throws std::system_error if the staging directory cannot be used or no process can be started.
Launch prepare_launch(const DesiredProjection& wanted, const LaunchDirectories& directories,
                      const plugin::RunnerHost& runner_host, std::uint64_t number,
                      const std::set<std::string>& known = {});

} // namespace projector::supervisor
