#pragma once

#include "plugin/staging.hpp"
#include "projection/worker.hpp"
#include "supervisor/reconcile.hpp"

#include <filesystem>
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
  bool resettable = false; ///< the plugin can empty its read model
  std::vector<projection::WorkerAssignment> assignments;
};

struct Launch {
  std::optional<Generation> generation;
  std::string refusal;     ///< why it cannot run: what was found, where, the way out
  bool look_again = false; ///< the file seemed half written
  bool unchanged = false;  ///< the bytes are those of `running`; nothing was loaded
};

/// Stages, loads and checks the plugin of `wanted`, holds its settings against what the plugin declares, and makes its
/// state directory below `state`. `wanted.plugin` is present; `running` is the SHA-256 of a file that needs no new
/// generation, or empty. Supervisor's thread. Throws std::system_error where the staging directory fails.
Launch prepare_launch(const DesiredProjection& wanted, const std::filesystem::path& staging,
                      const std::filesystem::path& state, std::uint64_t number, const std::string& running = {});

} // namespace projector::supervisor
