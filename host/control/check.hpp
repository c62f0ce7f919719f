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

/// A projection held against its plugin file.
struct CheckedProjection {
  enum class State { Good, Missing, Refused, Disabled };
  std::string name;
  State state = State::Good;
  std::string plugin; ///< the plugin's name
  std::string version;
  std::filesystem::path file; ///< of the plugin; empty: no directory has it
  std::uint32_t partitions = 1;
  std::string checkpoint; ///< base name
  std::uint32_t read_model_version = 0;
  bool resettable = false; ///< the plugin can empty its read model
  /// Of the file, of the settings (with file:line:column) and, where the databases were asked, of the checkpoints.
  std::vector<std::string> problems;
};

/// What the databases say to this configuration.
struct DatabaseCheck {
  std::vector<std::string> facts;    ///< what was found and is fine
  std::vector<std::string> problems; ///< what would keep a host from running, and the way out
};

struct CheckReport {
  config::Loaded loaded;
  std::vector<CheckedProjection> projections; ///< by name
  std::vector<std::string> notes;             ///< allowed and worth knowing: shadowed files, plugins that do not start
  std::vector<std::string> problems; ///< of directories, of what is surely not meant, and of what the system allows
  std::string need;                  ///< what a host takes of what system and servers limit
  std::optional<DatabaseCheck> databases;
};

/// Loads the configuration as a host does and holds the plugin files and settings against it; plugin code runs in child
/// processes only. `selection` is what the host would be given. With `connect` also asks the databases. Call it from a
/// program with one thread.
CheckReport check(const std::filesystem::path& main_file, const config::Overrides& overrides,
                  const supervisor::Selection& selection, bool connect, const base::Stop& stop);

/// The program's exit code: 2 for the configuration's errors, 1 for any other finding, 0 for none.
int exit_code(const CheckReport& report);

} // namespace projector::control
