#pragma once

#include "plugin/staging.hpp"
#include "projection/worker.hpp"
#include "supervisor/reconcile.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// A projection made ready to run, as often as needed: one assignment, with a loaded copy of the plugin of its own, for
/// each partition. The plugin is closed when the last owner of its copies lets go.
struct Generation {
  std::uint64_t number = 1; ///< counts the started ones of a projection while this host lives
  DesiredProjection wanted;
  std::string sha256; ///< of the plugin file
  std::uint32_t read_model_version = 0;
  bool shares_tables = false; ///< the plugin does not keep the tables of several projections apart
  bool resettable = false;    ///< the plugin can empty its read model
  std::vector<projection::WorkerAssignment> assignments;
};

struct Launch {
  std::optional<Generation> generation;
  std::string refusal;     ///< why it cannot run: what was found, where, the way out
  bool look_again = false; ///< the file seemed half written
  /// Of the file, where its bytes are known ones; nothing was loaded then.
  std::optional<std::string> known;
};

/// Stages, loads and checks the plugin of `wanted`, holds its settings against what the plugin declares, and makes its
/// state directory below `state`. `wanted.plugin` is present; `known` are the SHA-256 of files that need no new
/// generation. Supervisor's thread. Throws std::system_error where the staging directory fails.
Launch prepare_launch(const DesiredProjection& wanted, const std::filesystem::path& staging,
                      const std::filesystem::path& state, std::uint64_t number,
                      const std::set<std::string>& known = {});

} // namespace projector::supervisor
