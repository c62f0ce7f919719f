#pragma once

#include "base/stop.hpp"
#include "config/load.hpp"
#include "supervisor/reconcile.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace projector::control {

/// A projection compared with its plugin file.
struct CheckedProjection {
  enum class State { Good, Missing, Refused, Disabled };
  std::string name;
  State state = State::Good;
  std::string plugin; ///< the plugin's name
  std::string version;
  std::filesystem::path file; ///< of the plugin; empty: not found in any directory
  std::uint32_t partitions = 1;
  std::string checkpoint; ///< base name
  std::uint32_t read_model_version = 0;
  bool resettable = false; ///< the plugin can empty its read model
  /// Of the file, the settings (with file:line:column) and, with `connect`, the checkpoints.
  std::vector<std::string> problems;
};

/// What was found in the databases.
struct DatabaseCheck {
  std::vector<std::string> facts;    ///< found and in order
  std::vector<std::string> problems; ///< what would prevent a host from running, and the cure
};

struct CheckReport {
  config::Loaded loaded;
  std::vector<CheckedProjection> projections; ///< by name
  std::vector<std::string> notes;             ///< not problems: shadowed files, plugins that do not start
  std::vector<std::string> problems;          ///< of directories and system limits, and probable mistakes
  std::string need;                           ///< what a host needs of what the system and the servers limit
  std::optional<DatabaseCheck> databases;
};

/// Loads the configuration as a host does and compares it with the plugin files and their settings; plugin code runs in
/// child processes only. `selection` has the host's --only and --except. With `connect` also queries the databases.
/// Call it from a program with one thread.
CheckReport check(const std::filesystem::path& main_file, const config::Overrides& overrides,
                  const supervisor::Selection& selection, bool connect, const base::Stop& stop);

/// The program's exit code: 2 for the configuration's errors, 1 for any other finding, 0 for none.
int exit_code(const CheckReport& report);

} // namespace projector::control
