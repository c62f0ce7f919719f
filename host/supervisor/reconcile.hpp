#pragma once

#include "config/configuration.hpp"
#include "supervisor/discovery.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// A projection that should run here.
struct DesiredProjection {
  config::Projection projection;
  std::optional<FoundPlugin> plugin;     ///< nothing: its file is missing
  std::vector<std::uint32_t> partitions; ///< this host's share
};
using Desired = std::map<std::string, DesiredProjection>;

/// Which projections the operator picked for this run; both empty: all.
struct Selection {
  std::set<std::string> only;
  std::set<std::string> except;
  [[nodiscard]] bool takes(const std::string& projection) const;
};

/// What files and configuration ask for. `refused` are projections whose configuration file is refused; their plugins
/// are not autostarted either.
Desired desired_projections(const config::Configuration& configuration, const Discovery& discovery,
                            const Selection& selection, const std::set<std::string>& refused);

/// A projection as it is on this host now.
struct CurrentProjection {
  config::Projection projection;
  std::optional<FileSignature> signature; ///< of the plugin file that was started or refused; nothing: it was missing
  bool running = false;                   ///< it has workers; else it was refused or is missing
  bool look_again = false;                ///< the file seemed half written
  bool stopping = false;                  ///< its workers were told to end, and some still run
};
using Current = std::map<std::string, CurrentProjection>;

struct Action {
  enum class Kind {
    Start,   ///< stage and load the plugin, make the workers; also where the file was refused or missing before
    Stop,    ///< tell its workers to end
    Missing, ///< show it as missing: there is no file
    Forget,  ///< it is not wanted and nothing of it runs
  };
  Kind kind;
  std::string projection;
  friend bool operator==(const Action&, const Action&) = default;
};

/// The steps from what is to what should be, in the order in which to take them. Pure: called again after each change,
/// it returns nothing once both agree. What takes a checkpoint over from a projection that stops is started once that
/// one is gone. A file that changed under a running projection is not a reason to stop it.
std::vector<Action> reconcile(const Desired& desired, const Current& current);

} // namespace projector::supervisor
